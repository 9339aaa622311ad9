//! Lines of JSON that are appended to a file.

use std::fs::File;
use std::io;

use evtmap::Followed;
use evtmap::input::MAX_RECORD_BYTES;
use evtmap::input::growing::{GrowingKind, JsonLines};
use memchr::{memchr, memchr_iter, memrchr};
use serde::{Deserialize, Serialize};

use super::Round;
use super::identity::{Head, read_at};
use super::tail::Place;

/// How much is read at a time.
const BATCH_BYTES: u64 = 256 << 10;

/// How far the lines of a file were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lines {
    /// Where the first line begins that was not read whole.
    pub(super) offset: u64,
    /// Its number, counted from 1.
    line: u64,
    /// How the file begins.
    head: Head,
    /// Whether what comes next is the rest of a line that is too long.
    #[serde(default)]
    is_skipping: bool,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { line: 1, ..Self::default() }
    }

    /// Passes over all whole lines that are there.
    pub(super) fn skip(&mut self, file: &File, size: u64) -> io::Result<()> {
        let mut at = self.offset;
        let mut n_since = 0;
        while at < size {
            let bytes = read_at(file, at, BATCH_BYTES.min(size - at))?;
            if bytes.is_empty() {
                break;
            }
            n_since += memchr_iter(b'\n', &bytes).count() as u64;
            if let Some(last) = memrchr(b'\n', &bytes) {
                self.offset = at + last as u64 + 1;
                self.line += std::mem::take(&mut n_since);
            }
            at += bytes.len() as u64;
        }
        self.head = Head::of(file, self.offset)?;
        Ok(())
    }

    /// Whether the file is still the one that was read so far; says why not.
    pub(super) fn is_other(&self, file: &File, size: u64) -> io::Result<Option<&'static str>> {
        if size < self.offset {
            return Ok(Some("watch-truncated"));
        }
        Ok((!self.head.is_of(file)?).then_some("watch-replaced"))
    }

    /// Reads what has come. Without an end of the line a line waits, unless `is_end` says that nothing follows.
    pub(super) fn read(
        &mut self,
        (file, size, is_end): (&File, u64, bool),
        reader: &JsonLines,
        place: &mut Place,
        round: &mut Round,
    ) -> io::Result<()> {
        let mut wanted = BATCH_BYTES;
        while self.offset < size && !round.is_full() {
            let mut bytes = read_at(file, self.offset, wanted.min(size - self.offset))?;
            let is_all = bytes.len() as u64 >= size - self.offset || bytes.is_empty();
            place.offset = self.offset;
            if self.is_skipping {
                self.skip_rest(&bytes);
                if is_all {
                    return Ok(());
                }
                continue;
            }
            let whole = match memrchr(b'\n', &bytes) {
                Some(last) => last + 1,
                None if is_all && is_end => bytes.len(),
                None if bytes.len() > MAX_RECORD_BYTES => {
                    let reason = format!("the line does not end within {} MiB", MAX_RECORD_BYTES >> 20);
                    round.tell(place, "record-too-long", reason, true);
                    self.is_skipping = true;
                    continue;
                }
                None if is_all => return Ok(()),
                None => {
                    wanted *= 4;
                    continue;
                }
            };
            bytes.truncate(whole);
            self.take(bytes, reader, place, round);
            wanted = BATCH_BYTES;
            if self.head.is_short(self.offset) {
                self.head = Head::of(file, self.offset)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, mut bytes: Vec<u8>, reader: &JsonLines, place: &Place, round: &mut Round) {
        let line = self.line;
        self.line += memchr_iter(b'\n', &bytes).count() as u64;
        self.offset += bytes.len() as u64;
        if line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let batch = reader.batch(bytes, line);
        round.push(Followed { path: place.path.clone(), kind: GrowingKind::JsonLines.as_str(), batch });
    }

    fn skip_rest(&mut self, bytes: &[u8]) {
        match memchr(b'\n', bytes) {
            Some(at) => {
                self.offset += at as u64 + 1;
                self.line += 1;
                self.is_skipping = false;
            }
            None => self.offset += bytes.len() as u64,
        }
    }
}
