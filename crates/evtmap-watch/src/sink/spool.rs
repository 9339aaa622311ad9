//! Lines that wait on the disk until the other side takes them.
//!
//! Lines are appended to segments, which are files named by where they begin in all that was ever written. The
//! state says how far was written and how far was given on; what lies beyond the first is cut off at the next
//! start, and what lies beyond the second is given on again.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A segment is followed by another from this size on, in bytes.
const SEGMENT_BYTES: u64 = 8 << 20;
/// How much is read at a time; a line that is longer is read whole.
const READ_BYTES: u64 = 256 << 10;

/// How far was written, and how far given on, in bytes of all that was ever written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) written: u64,
    pub(super) given: u64,
}

/// The end at which lines are written.
pub(super) struct Spool {
    folder: PathBuf,
    /// Where each segment begins.
    segments: Vec<u64>,
    file: Option<File>,
    /// Where the next line begins.
    written: u64,
    /// Lines that were taken and not written.
    buffer: Vec<u8>,
    n_buffered: u64,
    shared: Arc<Shared>,
}

/// What both ends know.
pub(super) struct Shared {
    state: Mutex<Ends>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) mark: Mark,
    pub(super) n_waiting: u64,
    pub(super) n_refused: u64,
    pub(super) trouble: Option<String>,
    pub(super) is_up: bool,
    /// Set when no line comes any more.
    pub(super) is_ending: bool,
    /// Set when nobody gives on any more.
    pub(super) has_ended: bool,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Ends> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what both ends know.
    pub(super) fn set(&self, change: impl FnOnce(&mut Ends)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until something holds, or for so long; says whether it holds.
    pub(super) fn wait(&self, at_most: Duration, holds: impl Fn(&Ends) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, |ends| !holds(ends));
        holds(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl Spool {
    /// Opens the spool in a folder, as it is remembered. Says how many bytes are lost that should be there.
    pub(super) fn open(folder: &Path, mark: Mark) -> io::Result<(Self, u64)> {
        fs::create_dir_all(folder)?;
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let start = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            match start {
                Some(start) if start < mark.written => segments.push(start),
                _ => fs::remove_file(path)?,
            }
        }
        segments.sort_unstable();
        let mut written = mark.written;
        if let Some(last) = segments.last() {
            let file = File::options().write(true).open(path_of(folder, *last))?;
            written = mark.written.min(last + file.metadata()?.len());
            file.set_len(written - last)?;
        }
        let first = segments.first().copied().unwrap_or(written);
        let given = mark.given.clamp(first, written.max(first));
        let n_lost = given.saturating_sub(mark.given) + mark.written.saturating_sub(written.max(mark.given));
        let n_waiting = count(folder, &segments, given)?;
        let ends = Ends { mark: Mark { written, given }, n_waiting, is_up: true, ..Ends::default() };
        let shared = Arc::new(Shared { state: Mutex::new(ends), changed: Condvar::new() });
        let folder = folder.to_owned();
        Ok((
            Self { folder, segments, file: None, written, buffer: Vec::new(), n_buffered: 0, shared },
            n_lost,
        ))
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How many bytes wait.
    pub(super) fn n_bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64 - self.shared.lock().mark.given
    }

    /// Takes a line; it may have no end of a line in it.
    pub(super) fn push(&mut self, line: &str) {
        self.buffer.extend(line.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
        self.buffer.push(b'\n');
        self.n_buffered += 1;
    }

    /// Writes what was taken.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let start = self.segments.last().copied();
        let start = match start.filter(|start| self.written - start < SEGMENT_BYTES) {
            Some(start) => start,
            None => {
                self.file = None;
                self.segments.push(self.written);
                self.written
            }
        };
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let path = path_of(&self.folder, start);
                self.file.insert(File::options().create(true).truncate(false).write(true).open(path)?)
            }
        };
        // What an earlier try wrote of it is written over.
        file.seek(SeekFrom::Start(self.written - start))?;
        file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        let (written, n) = (self.written, std::mem::take(&mut self.n_buffered));
        self.shared.set(|ends| {
            ends.mark.written = written;
            ends.n_waiting += n;
        });
        Ok(())
    }

    /// Forces what was written to the disk, and says what is to be remembered.
    pub(super) fn commit(&mut self) -> io::Result<Mark> {
        self.flush()?;
        let mark = self.shared.lock().mark;
        // What was given on already needs no disk.
        if mark.given < mark.written
            && let Some(file) = &self.file
        {
            file.sync_data()?;
        }
        Ok(mark)
    }

    /// Removes the segments that were given on before a place that is remembered.
    pub(super) fn clean(&mut self, given: u64) -> io::Result<()> {
        while let [first, second, ..] = *self.segments.as_slice()
            && second <= given
        {
            fs::remove_file(path_of(&self.folder, first))?;
            self.segments.remove(0);
        }
        Ok(())
    }
}

/// The end at which lines are read.
pub(super) struct Lines {
    folder: PathBuf,
    /// Where the next line begins.
    pub(super) at: u64,
    lines: VecDeque<String>,
}

impl Lines {
    pub(super) fn new(folder: &Path, at: u64) -> Self {
        Self { folder: folder.to_owned(), at, lines: VecDeque::new() }
    }

    /// Goes to a place.
    pub(super) fn go_to(&mut self, at: u64) {
        self.at = at;
        self.lines.clear();
    }

    /// The next line of what was written.
    pub(super) fn peek(&mut self, written: u64) -> io::Result<Option<&str>> {
        if self.lines.is_empty() && self.at < written {
            self.fill(written)?;
        }
        Ok(self.lines.front().map(String::as_str))
    }

    /// Goes on to the line after it.
    pub(super) fn pass(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.at += line.len() as u64 + 1;
        }
    }

    fn fill(&mut self, written: u64) -> io::Result<()> {
        let starts = starts(&self.folder)?;
        let start = starts.iter().copied().filter(|start| *start <= self.at).max();
        let start = start.ok_or(io::ErrorKind::NotFound)?;
        let end = starts.iter().copied().filter(|next| *next > self.at).min().unwrap_or(written).min(written);
        let mut file = File::open(path_of(&self.folder, start))?;
        let mut wanted = READ_BYTES;
        loop {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(self.at - start))?;
            (&file).take(wanted.min(end - self.at)).read_to_end(&mut bytes)?;
            if let Some(last) = memchr::memrchr(b'\n', &bytes) {
                bytes.truncate(last);
                let lines = bytes.split(|byte| *byte == b'\n');
                self.lines = lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
                return Ok(());
            }
            if (bytes.len() as u64) < wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            wanted *= 4;
        }
    }
}

fn path_of(folder: &Path, start: u64) -> PathBuf {
    folder.join(format!("{start:020}.lines"))
}

fn starts(folder: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        starts.extend(path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()));
    }
    Ok(starts)
}

/// How many lines there are from a place on.
fn count(folder: &Path, segments: &[u64], from: u64) -> io::Result<u64> {
    let mut n = 0;
    for (place, start) in segments.iter().enumerate() {
        if segments.get(place + 1).is_some_and(|next| *next <= from) {
            continue;
        }
        let mut file = File::open(path_of(folder, *start))?;
        file.seek(SeekFrom::Start(from.saturating_sub(*start)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        n += memchr::memchr_iter(b'\n', &bytes).count() as u64;
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(spool: &Spool, folder: &Path, at: u64) -> Vec<String> {
        let written = spool.shared().lock().mark.written;
        let mut lines = Lines::new(folder, at);
        let mut found = Vec::new();
        while let Some(line) = lines.peek(written).unwrap() {
            found.push(line.to_owned());
            lines.pass();
        }
        found
    }

    #[test]
    fn lines_come_in_order_and_what_was_not_remembered_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, n_lost) = Spool::open(folder.path(), Mark::default()).unwrap();
        assert_eq!(n_lost, 0);
        spool.push("one");
        spool.push("two\nlines");
        let mark = spool.commit().unwrap();
        spool.push("three");
        spool.flush().unwrap();
        assert_eq!(read_all(&spool, folder.path(), 0), ["one", "two lines", "three"]);
        drop(spool);
        let (spool, n_lost) = Spool::open(folder.path(), Mark { given: 4, ..mark }).unwrap();
        assert_eq!((n_lost, spool.shared().lock().n_waiting), (0, 1));
        assert_eq!(read_all(&spool, folder.path(), 4), ["two lines"]);
    }

    #[test]
    fn segments_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(folder.path(), Mark::default()).unwrap();
        let long = "x".repeat(3 << 20);
        for _ in 0..9 {
            spool.push(&long);
            spool.flush().unwrap();
        }
        assert_eq!(spool.segments.len(), 3);
        assert_eq!(read_all(&spool, folder.path(), 0).len(), 9);
        let mark = spool.commit().unwrap();
        spool.clean(mark.written).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // On Windows a file is there for as long as somebody has it open.
        let last = path_of(folder.path(), spool.segments[0]);
        drop(spool);
        fs::remove_file(last).unwrap();
        let (_, n_lost) = Spool::open(folder.path(), Mark { given: mark.written - 10, ..mark }).unwrap();
        assert_eq!(n_lost, 10);
    }
}
