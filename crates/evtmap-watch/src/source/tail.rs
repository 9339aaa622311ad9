//! One file that grows, as far as it was read.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evtmap::input::growing::{GrowingKind, HEAD_BYTES, JsonLines};
use evtmap::input::{InputError, InputOptions};
use serde::{Deserialize, Serialize};

use super::Round;
use super::evtx::Chunks;
use super::identity::{Identity, read_at};
use super::lines::Lines;

/// How often a log of Windows is opened of which the file system says nothing new.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Where in which file something is.
pub(crate) struct Place {
    /// The file, as alerts name it.
    pub(crate) path: Arc<str>,
    /// What it is.
    pub(crate) kind: &'static str,
    /// The byte, counted from 0.
    pub(crate) offset: u64,
}

/// What reads what has come.
#[derive(Clone)]
pub(super) struct Readers {
    options: InputOptions,
    lines: JsonLines,
}

impl Readers {
    pub(super) fn new(options: &InputOptions) -> Self {
        Self { options: options.clone(), lines: JsonLines::new(options) }
    }
}

/// How far a file was read, by what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Not known yet; perhaps it can never be followed.
    Unknown,
    /// An event log.
    Evtx(Chunks),
    /// JSON lines.
    Lines(Lines),
}

/// Which file it is, and how far it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) identity: Identity,
    format: Format,
}

/// From where on a file is read of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    /// What is there already is passed over.
    End,
}

/// A file that is followed.
pub(super) struct Tail {
    pub(super) mark: Mark,
    place: Place,
    start: Start,
    /// Whether it was told that the file cannot be followed.
    is_refused: bool,
    /// What it looked like when it was last read.
    seen: (u64, Option<std::time::SystemTime>),
    looked: Option<Instant>,
    lag: u64,
}

impl Tail {
    /// A file of which nothing is known, found at a path.
    pub(super) fn new(path: &Path, identity: Identity, start: Start) -> Self {
        let mark = Mark { identity, format: Format::Unknown };
        Self::of_mark(path, mark, start)
    }

    /// A file that an earlier run read.
    pub(super) fn of_mark(path: &Path, mark: Mark, start: Start) -> Self {
        let place = Place { path: path.to_string_lossy().as_ref().into(), kind: "", offset: 0 };
        Self { mark, place, start, is_refused: false, seen: (0, None), looked: None, lag: 0 }
    }

    /// The same file, which was given another name.
    pub(super) fn move_to(&mut self, path: &Path) {
        if Path::new(&*self.place.path) != path {
            self.place.path = path.to_string_lossy().as_ref().into();
        }
    }

    /// Bytes that were seen and not read.
    pub(super) fn lag(&self) -> u64 {
        self.lag
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the file has to be opened to find out if something has come. A log that Windows writes changes
    /// before the file system tells.
    pub(super) fn may_have_more(&self, metadata: &Metadata) -> bool {
        let is_evtx = matches!(self.mark.format, Format::Evtx(_));
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        (is_evtx && is_due) || self.lag > 0 || self.seen != (metadata.len(), metadata.modified().ok())
    }

    /// Reads what has come. A line without an end waits, unless nothing follows any more (`is_end`).
    pub(super) fn read(
        &mut self,
        file: &File,
        is_end: bool,
        readers: &Readers,
        round: &mut Round,
    ) -> io::Result<()> {
        let metadata = file.metadata()?;
        let size = metadata.len();
        self.seen = (size, metadata.modified().ok());
        self.looked = Some(Instant::now());
        self.recognise(file, size, readers, round)?;
        self.begin_anew_if_other(file, size, round)?;
        let Place { offset, .. } = &mut self.place;
        match &mut self.mark.format {
            Format::Unknown => {
                *offset = 0;
                self.lag = 0;
            }
            Format::Lines(lines) => {
                lines.read((file, size, is_end), &readers.lines, &mut self.place, round)?;
                // A line that waits for its end is not behind.
                self.lag = if round.is_full() { size.saturating_sub(lines.offset) } else { 0 };
            }
            Format::Evtx(chunks) => {
                chunks.read((file, size), &readers.options, &mut self.place, round)?;
                let is_behind = round.is_full() && chunks.has_more(file, size)?;
                self.lag = if is_behind { size.saturating_sub(self.place.offset).max(1) } else { 0 };
            }
        }
        Ok(())
    }

    /// Finds out what the file is, once there is enough of it.
    fn recognise(&mut self, file: &File, size: u64, readers: &Readers, round: &mut Round) -> io::Result<()> {
        if self.mark.format == Format::Unknown && size > 0 {
            let head = read_at(file, 0, HEAD_BYTES as u64)?;
            let is_at_end = self.start == Start::End;
            match GrowingKind::of(&head, &readers.options) {
                Some(GrowingKind::Evtx) => {
                    let mut chunks = Chunks::default();
                    if is_at_end {
                        chunks.skip(file, size)?;
                    }
                    self.mark.format = Format::Evtx(chunks);
                }
                Some(GrowingKind::JsonLines) => {
                    let mut lines = Lines::new();
                    if is_at_end {
                        lines.skip(file, size)?;
                    }
                    self.mark.format = Format::Lines(lines);
                }
                // A first line that has not ended may become one of JSON, and then has come since.
                None if head.len() < HEAD_BYTES && !head.contains(&b'\n') => self.start = Start::Beginning,
                None if !self.is_refused => {
                    self.is_refused = true;
                    let path = Path::new(&*self.place.path);
                    let (message, help) = GrowingKind::why_not(&head, &readers.options);
                    let error = InputError::new("watch-kind", path, message, help);
                    round.refused.push((self.place.path.to_string(), error));
                }
                None => {}
            }
        }
        if size == 0 {
            self.start = Start::Beginning;
        }
        self.place.kind = match self.mark.format {
            Format::Unknown => "",
            Format::Evtx(_) => GrowingKind::Evtx.as_str(),
            Format::Lines(_) => GrowingKind::JsonLines.as_str(),
        };
        Ok(())
    }

    /// A file that was cut, or written anew in its place, is read from its start.
    fn begin_anew_if_other(&mut self, file: &File, size: u64, round: &mut Round) -> io::Result<()> {
        let Format::Lines(lines) = &mut self.mark.format else { return Ok(()) };
        let Some(code) = lines.is_other(file, size)? else { return Ok(()) };
        self.place.offset = size;
        let read = lines.offset;
        let reason = match code {
            "watch-truncated" => format!(
                "the file was cut to {size} bytes after {read} of it were read; it is read from its start"
            ),
            _ => format!(
                "the file was written anew after {read} bytes of it were read; it is read from its start"
            ),
        };
        // What was written and cut again between two looks, nobody knows.
        round.tell(&self.place, code, reason, self.lag > 0);
        *lines = Lines::new();
        Ok(())
    }
}
