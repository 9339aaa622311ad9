//! The event logs in archives and compressed files, unpacked as they are read.
//!
//! What is packed, and how, shows in the first bytes. An archive may lie in another, but not deeper: an
//! attacker could pack for ever. Names of members are shown and never written to.

mod limit;
mod packed;
mod tar;
mod zip;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::limit::Budget;
pub(super) use self::limit::Refused;
use super::{Content, Input, InputError, InputOptions, Source, open_source};

/// How many containers may lie around a log: an archive and one in it, or an archive and a compressed file.
const MAX_LEVELS: usize = 2;

/// An event log that was found at a path.
pub struct Log {
    /// Where it is; a member of an archive is `archive!member`.
    pub path: PathBuf,
    /// Whether it is a member of an archive, which may be of any kind, and to pass it over is no failure.
    pub is_member: bool,
    /// The log, opened.
    pub opened: Result<Box<dyn Input>, InputError>,
}

/// The event logs at a path, one after the other: the file itself, or what an archive holds. Each is to be read
/// before the next is asked for.
pub struct Logs<'o> {
    /// What is to be opened first.
    start: Option<Start>,
    options: &'o InputOptions,
    limits: limit::Limits,
    /// The archives that are open, the innermost last.
    archives: Vec<Archive>,
    has_log: bool,
}

/// What is opened first.
enum Start {
    Path(PathBuf),
    Source(PathBuf, std::io::Result<Source>),
}

/// An archive that is being read.
struct Archive {
    path: PathBuf,
    /// How many containers lie around its members.
    level: usize,
    budget: Arc<Budget>,
    members: Box<dyn Members>,
}

/// The members of an archive.
trait Members: Send {
    /// The next member that is a file: its name and its content. After an error there is no further one.
    fn next(&mut self) -> Option<std::io::Result<Member>>;
}

/// A member of an archive, or why it cannot be read.
struct Member {
    name: String,
    content: std::io::Result<Content>,
}

/// The event logs at a path. What they are follows from their content.
pub fn logs<'o>(path: &Path, options: &'o InputOptions) -> Logs<'o> {
    Logs::new(Start::Path(path.to_owned()), options)
}

/// The event logs in something that is open already.
pub(super) fn logs_of<'o>(
    path: &Path,
    source: std::io::Result<Source>,
    options: &'o InputOptions,
) -> Logs<'o> {
    Logs::new(Start::Source(path.to_owned(), source), options)
}

/// The first log that can be read, or why the first cannot.
pub(super) fn first(path: &Path, logs: Logs<'_>) -> Result<Box<dyn Input>, InputError> {
    let mut first = None;
    for log in logs {
        match log.opened {
            Ok(input) => return Ok(input),
            Err(error) => _ = first.get_or_insert(error),
        }
    }
    Err(first.unwrap_or_else(|| InputError::new("input-empty", path, "the file is empty", "leave it out")))
}

impl Iterator for Logs<'_> {
    type Item = Log;

    fn next(&mut self) -> Option<Log> {
        loop {
            if let Some(start) = self.start.take() {
                let (path, source) = match start {
                    Start::Path(path) => {
                        let source = Source::of_path(&path);
                        (path, source)
                    }
                    Start::Source(path, source) => (path, source),
                };
                if let Some(log) = self.enter(path, source) {
                    return Some(log);
                }
                continue;
            }
            let archive = self.archives.last_mut()?;
            match archive.members.next() {
                Some(Ok(member)) => {
                    let path = member_path(&archive.path, &member.name);
                    let source = member.content.and_then(|content| Source::new(path.clone(), content, None));
                    if let Some(log) = self.enter(path, source) {
                        return Some(log);
                    }
                }
                Some(Err(error)) => return self.leave(|path| InputError::io(path, &error)),
                None if self.archives.len() == 1 && !self.has_log => {
                    return self.leave(|path| {
                        let help = "give an archive of event logs";
                        InputError::new(
                            "input-archive-without-log",
                            path,
                            "there is no event log in it",
                            help,
                        )
                    });
                }
                None => _ = self.archives.pop(),
            }
        }
    }
}

/// What a source turned out to be.
enum Unpacked {
    Log(Source),
    Archive(Archive),
}

impl<'o> Logs<'o> {
    fn new(start: Start, options: &'o InputOptions) -> Self {
        let limits = limit::Limits::default();
        Self { start: Some(start), options, limits, archives: Vec::new(), has_log: false }
    }

    /// Gives the log that a source is, if it is one. An archive is opened, and its members come next.
    fn enter(&mut self, path: PathBuf, source: std::io::Result<Source>) -> Option<Log> {
        let is_member = !self.archives.is_empty();
        let unpacked = source.map_err(|error| InputError::io(&path, &error)).and_then(|it| self.unpack(it));
        let opened = match unpacked {
            Ok(Unpacked::Archive(archive)) => {
                self.archives.push(archive);
                return None;
            }
            Ok(Unpacked::Log(source)) => open_source(source, self.options),
            Err(error) => Err(error),
        };
        self.has_log |= opened.is_ok();
        Some(Log { path, is_member, opened })
    }

    /// Gives up the innermost archive.
    fn leave(&mut self, error: impl FnOnce(&Path) -> InputError) -> Option<Log> {
        let path = self.archives.pop()?.path;
        let error = error(&path);
        Some(Log { path, is_member: !self.archives.is_empty(), opened: Err(error) })
    }

    /// Takes off what a source is packed in, until it is a log or an archive.
    fn unpack(&self, mut source: Source) -> Result<Unpacked, InputError> {
        let around = self.archives.last();
        let mut level = around.map_or(0, |archive| archive.level);
        let mut budget = around.map(|archive| Arc::clone(&archive.budget));
        let path = source.path.clone();
        let failed = |error: std::io::Error| InputError::io(&path, &error);
        let mut is_compressed = false;
        loop {
            let is_packed = packed::recognises(&source.head);
            let is_archive = zip::recognises(&source.head) || tar::recognises(&source.head);
            if !is_packed && !is_archive {
                return Ok(Unpacked::Log(source));
            }
            // A `.tar.gz` is one thing and not two.
            level += usize::from(!(is_compressed && tar::recognises(&source.head)));
            if level > MAX_LEVELS {
                return Err(InputError::new(
                    "input-nested",
                    &path,
                    format!("archives lie deeper than {MAX_LEVELS} in each other"),
                    "unpack the outer one",
                ));
            }
            let limited = match &budget {
                Some(budget) => Arc::clone(budget),
                None => {
                    let outer = Budget::new(self.limits, &mut source);
                    Arc::clone(budget.insert(outer))
                }
            };
            if is_packed {
                let content = packed::unpack(source.into_stream(), &limited).map_err(failed)?;
                source = Source::new(path.clone(), content, None).map_err(failed)?;
                is_compressed = true;
                continue;
            }
            let is_zip = zip::recognises(&source.head);
            let members = if is_zip { zip::open(source, &limited) } else { tar::open(source, &limited) };
            let members = members.map_err(failed)?;
            return Ok(Unpacked::Archive(Archive { path, level, budget: limited, members }));
        }
    }
}

/// Where a member is, as the user would look for it.
fn member_path(archive: &Path, name: &str) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push("!");
    path.push(name);
    path.into()
}

#[cfg(test)]
mod tests;
