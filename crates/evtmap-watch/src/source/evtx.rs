//! Event logs that Windows is writing.
//!
//! Windows writes a log in place, chunk by chunk: records are added to the last chunk and its header is written
//! anew; when it is full the next one is begun, and a log that is full is overwritten from its start. The header
//! of the file may be stale all the while. So the header of the chunk that is at work is asked, and then that
//! of the one that would come next.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use evtmap::Followed;
use evtmap::input::InputOptions;
use evtmap::input::growing::{
    CHUNK_HEADER_SIZE, CHUNK_SIZE, ChunkHeader, FIRST_CHUNK, GrowingKind, Known, chunk, has_whole_records,
};
use serde::{Deserialize, Serialize};

use super::Round;
use super::identity::read_at;
use super::tail::Place;

/// How long a chunk whose records are not whole may be one that Windows is at work on. Then it is read as it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far a log was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chunks {
    /// The number of the chunk that is at work.
    chunk: u64,
    /// The id of its first record.
    first: u64,
    /// The id of the last record that was read.
    last: u64,
    /// Where in the file the next record would begin.
    end: u64,
    /// Since when the records of the chunk have not been whole.
    #[serde(skip)]
    wrong_since: Option<Instant>,
}

/// What may come next of a log.
enum Next {
    /// More records in a chunk.
    Chunk(u64, ChunkHeader),
    /// Nothing for now.
    Nothing,
    /// The chunk at work is not what it was.
    Other,
}

impl Chunks {
    /// Passes over all records that are there.
    pub(super) fn skip(&mut self, file: &File, size: u64) -> io::Result<()> {
        let newest = headers(file, size)?.into_iter().max_by_key(|(_, header)| header.last);
        if let Some((number, header)) = newest {
            let end = offset(number) + u64::from(header.n_used);
            *self = Self { chunk: number, first: header.first, last: header.last, end, wrong_since: None };
        }
        Ok(())
    }

    /// Reads what has come.
    pub(super) fn read(
        &mut self,
        (file, size): (&File, u64),
        options: &InputOptions,
        place: &mut Place,
        round: &mut Round,
    ) -> io::Result<()> {
        let mut has_looked = false;
        while !round.is_full() {
            match self.next(file, size)? {
                Next::Chunk(number, header) => {
                    if !self.take(file, (number, header), options, (&mut *place, &mut *round))? {
                        return Ok(());
                    }
                }
                Next::Nothing => return Ok(()),
                Next::Other if has_looked => return Ok(()),
                Next::Other => {
                    has_looked = true;
                    self.find_again(file, size, place, round)?;
                }
            }
        }
        Ok(())
    }

    /// Whether, as far as one header tells, there is something to read.
    pub(super) fn has_more(&self, file: &File, size: u64) -> io::Result<bool> {
        Ok(!matches!(self.next(file, size)?, Next::Nothing))
    }

    fn next(&self, file: &File, size: u64) -> io::Result<Next> {
        let current = header(file, size, self.chunk)?;
        match current {
            Some(header) if header.first == self.first || self.last == 0 => {
                if header.last > self.last {
                    return Ok(Next::Chunk(self.chunk, header));
                }
            }
            None if self.last == 0 => {}
            Some(_) | None => return Ok(Next::Other),
        }
        // The one behind it, or, in a log that is full, the first.
        for number in [self.chunk + 1, 0] {
            if number != self.chunk
                && let Some(header) = header(file, size, number)?
                && header.first > self.last
            {
                return Ok(Next::Chunk(number, header));
            }
        }
        Ok(Next::Nothing)
    }

    /// Takes the new records of a chunk; says whether they were ready.
    fn take(
        &mut self,
        file: &File,
        (number, _): (u64, ChunkHeader),
        options: &InputOptions,
        (place, round): (&mut Place, &mut Round),
    ) -> io::Result<bool> {
        let bytes = read_at(file, offset(number), CHUNK_SIZE)?;
        // What counts is the header that came with the records.
        let Some(header) = ChunkHeader::read(&bytes) else { return Ok(false) };
        let is_same = number == self.chunk && header.first == self.first;
        let begin = if is_same { self.end.saturating_sub(offset(number)) } else { 0 };
        // The checksum may be written later than the records.
        let is_whole = header.fits(&bytes) || is_whole(&bytes, begin, &header);
        if !is_whole && self.wrong_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
            return Ok(false);
        }
        self.wrong_since = None;
        if !is_same {
            let n_missing = header.first.saturating_sub(self.last + 1);
            if n_missing > 0 && self.last > 0 {
                place.offset = offset(number);
                let reason = format!(
                    "{n_missing} records before number {} were overwritten before they were read",
                    header.first
                );
                round.tell(place, "watch-overwritten", reason, true);
            }
            (self.chunk, self.first, self.end) = (number, header.first, offset(number));
        }
        place.offset = self.end;
        let known = Known { end: self.end, last: self.last };
        let batch = chunk(offset(number), bytes, known, options);
        round.push(Followed { path: place.path.clone(), kind: GrowingKind::Evtx.as_str(), batch });
        (self.last, self.end) = (header.last, offset(number) + u64::from(header.n_used));
        Ok(true)
    }

    /// Finds the chunk in which reading goes on, in a log that was overwritten, cleared or replaced.
    fn find_again(&mut self, file: &File, size: u64, place: &Place, round: &mut Round) -> io::Result<()> {
        let headers = headers(file, size)?;
        let Some(newest) = headers.iter().map(|(_, header)| header.last).max() else { return Ok(()) };
        if newest < self.last {
            let reason = format!(
                "the log begins anew: record {} is its last, and {} were read before",
                newest, self.last
            );
            round.tell(place, "watch-cleared", reason, false);
            self.last = 0;
        }
        let unread = headers.into_iter().filter(|(_, header)| header.last > self.last);
        if let Some((number, header)) = unread.min_by_key(|(_, header)| header.first) {
            let n_missing = header.first.saturating_sub(self.last + 1);
            if n_missing > 0 && self.last > 0 {
                let reason = format!("{n_missing} records were overwritten before they were read");
                round.tell(place, "watch-overwritten", reason, true);
            }
            (self.chunk, self.first, self.end) = (number, header.first, offset(number));
        } else if let Some(&(number, header)) = headers_of(file, size, newest)?.as_ref() {
            (self.chunk, self.first) = (number, header.first);
            self.end = offset(number) + u64::from(header.n_used);
        }
        Ok(())
    }
}

/// Whether the records of a chunk are whole, from the first that is new.
fn is_whole(chunk: &[u8], begin: u64, header: &ChunkHeader) -> bool {
    let begin = usize::try_from(begin).unwrap_or(usize::MAX).max(CHUNK_HEADER_SIZE);
    has_whole_records(chunk, begin, usize::try_from(header.n_used).unwrap_or_default())
}

/// Where a chunk begins.
fn offset(chunk: u64) -> u64 {
    FIRST_CHUNK + chunk * CHUNK_SIZE
}

/// The header of a chunk that has records.
fn header(file: &File, size: u64, chunk: u64) -> io::Result<Option<ChunkHeader>> {
    if offset(chunk) >= size {
        return Ok(None);
    }
    Ok(ChunkHeader::read(&read_at(file, offset(chunk), CHUNK_HEADER_SIZE as u64)?))
}

/// The headers of all chunks that have records.
fn headers(file: &File, size: u64) -> io::Result<Vec<(u64, ChunkHeader)>> {
    let n_chunks = size.saturating_sub(FIRST_CHUNK).div_ceil(CHUNK_SIZE);
    let mut headers = Vec::new();
    for number in 0..n_chunks {
        headers.extend(header(file, size, number)?.map(|header| (number, header)));
    }
    Ok(headers)
}

/// The chunk whose last record has this id.
fn headers_of(file: &File, size: u64, last: u64) -> io::Result<Option<(u64, ChunkHeader)>> {
    Ok(headers(file, size)?.into_iter().find(|(_, header)| header.last == last))
}
