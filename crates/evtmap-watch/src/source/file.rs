//! A file that grows, and the one that takes its place when it is rotated.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evtmap::input::InputError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::Identity;
use super::tail::{Mark, Readers, Start, Tail};
use super::{Opened, Opening, Round, Source, remembered};
use crate::state::folder_of;
use crate::wake::Noticed;

/// How long a file that was rotated away is read on: its writer may not have noticed yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the file was read, and the one that was there before it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Bookmark {
    current: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Mark>,
}

struct FileSource {
    name: String,
    path: PathBuf,
    readers: Readers,
    /// From where on the first file is read that comes to be there.
    start: Start,
    current: Option<(File, Tail)>,
    /// The one before, and when it was found to be rotated away.
    before: Option<(File, Tail, Instant)>,
    /// Marks of an earlier run whose files were not sought yet.
    marks: Option<Bookmark>,
    /// Why it cannot be opened, once told.
    failed: Option<&'static str>,
}

pub(super) fn open(name: &str, opening: Opening<'_>) -> Opened {
    let path = PathBuf::from(name);
    let marks: Option<Bookmark> = remembered(opening.bookmark, &path)?;
    // A file that is not there yet is read from its start when it comes, and so is one that took the place of
    // another.
    let is_new = marks.is_some() || opening.from_start || !path.exists();
    let start = if is_new { Start::Beginning } else { Start::End };
    Ok(Box::new(FileSource {
        name: name.to_owned(),
        path,
        readers: Readers::new(opening.options),
        start,
        current: None,
        before: None,
        marks,
        failed: None,
    }))
}

impl Source for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin(&mut self, round: &mut Round) {
        self.read(round);
    }

    fn read(&mut self, round: &mut Round) {
        let outcome = self.try_read(round);
        match outcome {
            Ok(()) => self.failed = None,
            Err(error) => {
                let told = InputError::io(&self.path, &error);
                if self.failed.replace(told.code) != Some(told.code) {
                    round.refused.push((self.name.clone(), told));
                }
            }
        }
    }

    fn bookmark(&self) -> Value {
        let bookmark = match &self.marks {
            // They were not sought yet: they hold on.
            Some(marks) => serde_json::to_value(marks),
            None => serde_json::to_value(Bookmark {
                current: self.current.as_ref().map(|(_, tail)| tail.mark.clone()),
                before: self.before.as_ref().map(|(_, tail, _)| tail.mark.clone()),
            }),
        };
        bookmark.unwrap_or_default()
    }

    fn lag(&self) -> u64 {
        let before = self.before.as_ref().map_or(0, |(_, tail, _)| tail.lag());
        before + self.current.as_ref().map_or(0, |(_, tail)| tail.lag())
    }

    fn noticed(&self) -> Vec<Noticed> {
        vec![Noticed::Folder(folder_of(&self.path).to_owned())]
    }
}

impl FileSource {
    fn try_read(&mut self, round: &mut Round) -> io::Result<()> {
        if let Some(marks) = self.marks.take() {
            self.seek(marks, round);
        }
        self.read_before(round)?;
        match Identity::at(&self.path) {
            Ok((identity, _)) => {
                if self.current.as_ref().is_some_and(|(_, tail)| tail.mark.identity != identity) {
                    self.rotate(round)?;
                }
                if self.current.is_none() {
                    let file = File::open(&self.path)?;
                    let tail = Tail::new(&self.path, Identity::of(&file)?, self.start);
                    self.current = Some((file, tail));
                    self.start = Start::Beginning;
                }
            }
            // It is read on for as long as it is open.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.current.is_some() => {}
            Err(error) => return Err(error),
        }
        match &mut self.current {
            Some((file, tail)) => tail.read(file, false, &self.readers, round),
            None => Ok(()),
        }
    }

    /// Finds the files that an earlier run read.
    fn seek(&mut self, marks: Bookmark, round: &mut Round) {
        let now = Instant::now();
        for (mark, is_current) in [(marks.before, false), (marks.current, true)] {
            let Some(mark) = mark else { continue };
            let is_here = Identity::at(&self.path).is_ok_and(|(found, _)| found == mark.identity);
            let path = if is_here { Some(self.path.clone()) } else { find(&self.path, mark.identity) };
            let tail = Tail::of_mark(&self.path, mark, Start::Beginning);
            match path.and_then(|path| File::open(path).ok()) {
                Some(file) if is_here => self.current = Some((file, tail)),
                Some(file) => {
                    if let Some(earlier) = self.before.replace((file, tail, now)) {
                        self.let_go(earlier, round);
                    }
                }
                None if is_current => {
                    let reason = "the file was replaced since the last run, and what it was then is not there any more";
                    round.tell(tail.place(), "watch-rotated-away", reason.to_owned(), true);
                }
                None => {}
            }
        }
    }

    /// The file at the path is another one: the one before is read on for a while.
    fn rotate(&mut self, round: &mut Round) -> io::Result<()> {
        let Some((file, mut tail)) = self.current.take() else { return Ok(()) };
        tail.read(&file, false, &self.readers, round)?;
        round.tell(
            tail.place(),
            "watch-rotated",
            "another file took the place of this one".to_owned(),
            false,
        );
        if let Some(earlier) = self.before.replace((file, tail, Instant::now())) {
            self.let_go(earlier, round);
        }
        Ok(())
    }

    fn read_before(&mut self, round: &mut Round) -> io::Result<()> {
        let Some((file, tail, since)) = &mut self.before else { return Ok(()) };
        tail.read(file, false, &self.readers, round)?;
        if since.elapsed() > PATIENCE
            && !round.is_full()
            && let Some(earlier) = self.before.take()
        {
            self.let_go(earlier, round);
        }
        Ok(())
    }

    /// Reads the last line of a file even if it has no end, and closes the file.
    fn let_go(&self, (file, mut tail, _): (File, Tail, Instant), round: &mut Round) {
        let read = tail.read(&file, true, &self.readers, round);
        if read.is_err() || tail.lag() > 0 {
            let reason = format!("{} bytes were not read before the file was rotated away", tail.lag());
            round.tell(tail.place(), "watch-rotated-away", reason, true);
        }
    }
}

/// Where the file lies now that was at a path: beside it, under another name.
fn find(path: &Path, identity: Identity) -> Option<PathBuf> {
    let entries = fs::read_dir(folder_of(path)).ok()?;
    let mut paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths.find(|path| {
        Identity::at(path).is_ok_and(|(found, metadata)| metadata.is_file() && found == identity)
    })
}
