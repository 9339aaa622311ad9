//! What is watched: files and folders by their paths, and channels of the running event log.

use std::path::Path;

use evtmap::input::{InputError, InputOptions};
use evtmap::report::Format;
use evtmap_live::{Channels, Query};
use evtmap_watch::{Control, Memories, Opening, Own, Source, source};

use super::WatchArgs;
use crate::commands::live;
use crate::failure::Failure;
use crate::terminal;

/// So many names are told of what is watched; more are counted.
const N_NAMES_MAX: usize = 8;

/// What the user named, and what it takes to open it.
pub(super) struct Choice<'a> {
    pub(super) args: &'a WatchArgs,
    pub(super) memories: &'a Memories,
    pub(super) options: &'a InputOptions,
    pub(super) control: &'a Control,
}

impl Choice<'_> {
    /// Opens all of it.
    pub(super) fn open(&self) -> Result<Vec<Box<dyn Source>>, Failure> {
        let mut own = Own::default();
        self.memories.folder().iter().for_each(|folder| own.add_folder(folder));
        for name in self.args.files() {
            refuse_other_formats(name)?;
            own.add_output(Path::new(name));
        }
        let mut sources = self.files(&own)?;
        if !self.args.channels.is_empty() {
            sources.extend(self.channels(&own)?);
        }
        Ok(sources)
    }

    fn files(&self, own: &Own) -> Result<Vec<Box<dyn Source>>, Failure> {
        let mut sources = Vec::new();
        for (place, name) in self.args.inputs.iter().enumerate() {
            if self.args.inputs.iter().take(place).any(|before| before == name) {
                return Err(Failure::new(format!("`{name}` is named twice")));
            }
            if own.has(Path::new(name)) {
                return Err(Failure::new(format!("`{name}` is what alerts are written to"))
                    .help("choose another name for the file of alerts"));
            }
            if is_like_a_channel(name) {
                let text = format!("there is no file `{name}` yet; it is read from its start when it comes");
                terminal::warning(&text, &format!("a channel of the event log is meant by `--live {name}`"));
            }
            sources.push(source::open(name, self.opening(name, own)).map_err(|error| failure(&error))?);
        }
        Ok(sources)
    }

    /// Of `all` those are left out, and told, that may not be read.
    fn channels(&self, own: &Own) -> Result<Vec<Box<dyn Source>>, Failure> {
        let query = Query {
            channels: Channels::named(&self.args.channels),
            xpath: self.args.xpath.clone(),
            computer: self.args.remote.clone(),
            messages: self.args.messages,
            ..Query::default()
        };
        let names = query.names().map_err(|error| live::failure(&error))?;
        let (mut sources, mut first) = (Vec::new(), None);
        for (place, channel) in names.iter().enumerate() {
            if evtmap_live::is_file(channel) {
                return Err(Failure::new(format!("`{channel}` is a file and no channel"))
                    .help("name it without `--live`"));
            }
            if names.iter().take(place).any(|before| before.eq_ignore_ascii_case(channel)) {
                return Err(Failure::new(format!("`{channel}` is named twice")));
            }
            let path = evtmap_live::path(self.args.remote.as_deref(), channel);
            let opening = self.opening(&path.to_string_lossy(), own);
            match source::open_channel(channel, &query, opening) {
                Ok(source) => sources.push(source),
                Err(error) if query.channels == Channels::All => {
                    terminal::warning(&format!("not followed: {error}"), error.help);
                    first.get_or_insert(error);
                }
                Err(error) => return Err(failure(&error)),
            }
        }
        match first {
            Some(error) if sources.is_empty() => Err(failure(&error)),
            _ => Ok(sources),
        }
    }

    fn opening<'o>(&'o self, name: &str, own: &'o Own) -> Opening<'o> {
        Opening {
            bookmark: self.memories.bookmark(name).filter(|bookmark| !bookmark.is_null()),
            from_start: self.args.from_start,
            options: self.options,
            own,
            waker: self.control.waker.clone(),
        }
    }
}

/// What is written while it comes is JSON lines, whatever the name of the file.
fn refuse_other_formats(name: &str) -> Result<(), Failure> {
    match Format::of_file(Path::new(name), None) {
        Ok(format) if !["jsonl", "json"].contains(&format.name) => {
            let text = format!(
                "`{name}` has the name of a report in {}, and `watch` writes JSON lines",
                format.name
            );
            Err(Failure::new(text).help("name it `.jsonl`; `evtmap map` writes reports in other formats"))
        }
        _ => Ok(()),
    }
}

fn failure(error: &InputError) -> Failure {
    Failure::new(error.to_string()).help(error.help)
}

/// Whether a path is not there and may be meant for a channel: no folder, and no ending.
fn is_like_a_channel(name: &str) -> bool {
    name != "-" && !name.contains(['.', '\\']) && !Path::new(name).exists()
}

/// The names of what is watched, to be told.
pub(super) fn names(args: &WatchArgs, sources: &[Box<dyn Source>]) -> String {
    let channels = sources.get(args.inputs.len()..).unwrap_or_default();
    if channels.len() > N_NAMES_MAX {
        let counted = format!("{} channels", channels.len());
        return args.inputs.iter().cloned().chain([counted]).collect::<Vec<_>>().join(", ");
    }
    sources.iter().map(|source| source.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_may_be_meant_for_channels() {
        for name in ["Security", "Microsoft-Windows-Sysmon/Operational", "Windows PowerShell"] {
            assert!(is_like_a_channel(name), "{name}");
        }
        for name in ["-", "log.jsonl", "./log", r"C:\logs", "src"] {
            assert!(!is_like_a_channel(name), "{name}");
        }
    }
}
