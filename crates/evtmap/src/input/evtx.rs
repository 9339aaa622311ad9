//! Event logs as Windows keeps them: `.evtx`.
//!
//! A log is a header of 4 KiB and then chunks of 64 KiB, each of which can be read alone; a chunk is a batch.
//! The header is not needed: a log that Windows did not close has a stale one, and one that was carved from
//! a disk may have none. The evtx crate decodes the records of a chunk; those that are as nearly all are,
//! [`direct`] decodes faster.

mod again;
mod combination;
mod cursor;
mod direct;
mod template;
mod templates;
mod value;

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::iter::{self, Chain};
use std::mem;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use evtx::err::EvtxError;
use evtx::{EvtxChunk, EvtxChunkData, EvtxRecord, ParserSettings};

pub use combination::Combinations;

use super::buffers::Buffers;
use super::{
    Batch, Decoded, Input, InputError, InputOptions, Opened, Position, RecordProblem, Source, Spooled,
};
use crate::event::{Event, json};

pub(super) const FILE_MAGIC: &[u8] = b"ElfFile\0";
pub(super) const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";
pub(super) const FILE_HEADER_BYTES: u64 = 4096;
pub(super) const CHUNK_BYTES: u64 = 65_536;
pub(super) const CHUNK_HEADER_BYTES: usize = 512;
/// A chunk that was never written.
const ZEROS: &[u8] = &[0; CHUNK_BYTES as usize];
/// The part of a record that comes before its content.
const RECORD_HEADER_BYTES: u64 = 24;
/// The copy of the size with which a record ends.
const RECORD_TRAILER_BYTES: u64 = 4;
/// The part of a chunk's header that says where the names lie that its records share.
const NAME_TABLE: Range<usize> = 128..384;

/// The part of a chunk's header that holds the ids of its first and last record.
const RECORD_IDS: Range<usize> = 24..40;

/// The ids of the first and the last record of a chunk, by its header.
fn record_ids(header: &[u8]) -> Option<(u64, u64)> {
    if !header.starts_with(CHUNK_MAGIC) {
        return None;
    }
    let (ids, _) = header.get(RECORD_IDS)?.as_chunks::<8>();
    let mut ids = ids.iter().map(|id| u64::from_le_bytes(*id));
    Some((ids.next()?, ids.next()?))
}

/// Appends the text that Windows shows for a value, given its type and its bytes as BinXML has them (MS-EVEN6
/// 2.2.12). Gives whether it could; what of it was appended if not, is to be cut off.
pub fn write_value(kind: u8, bytes: &[u8], text: &mut String) -> bool {
    value::RawValue { kind, bytes }.write(text).is_ok()
}

/// A batch of the records of a chunk that somebody else has read, which begins at a place in its file.
pub(super) fn of_chunk(offset: u64, bytes: Vec<u8>, options: &InputOptions) -> Box<dyn Batch> {
    Box::new(Chunk {
        offset,
        bytes,
        recover: false,
        settings: Arc::new(ParserSettings::new()),
        combinations: Arc::clone(&options.combinations),
        buffers: None,
    })
}

pub(super) fn recognises(head: &[u8], _: &InputOptions) -> bool {
    head.starts_with(FILE_MAGIC) || chunks_start(head).is_some()
}

/// Where the first chunk is: after the header, or at once when the file is a bare chunk.
fn chunks_start(head: &[u8]) -> Option<u64> {
    [FILE_HEADER_BYTES, 0].into_iter().find(|start| {
        let start = usize::try_from(*start).unwrap_or(usize::MAX);
        head.get(start..).is_some_and(|rest| rest.starts_with(CHUNK_MAGIC))
    })
}

pub(super) fn open(source: Source, options: &InputOptions) -> Opened {
    let (path, head) = (source.path.clone(), source.head.clone());
    let spooled = source.into_file().map_err(|error| InputError::io(&path, &error))?;
    let Spooled { file, size, cut_off } = spooled;
    if size < FILE_HEADER_BYTES && !head.starts_with(CHUNK_MAGIC) {
        let message = format!("the log ends after {size} bytes, within its header");
        return Err(InputError::new("evtx-truncated", &path, message, "copy the log again"));
    }
    let start = chunks_start(&head).unwrap_or(FILE_HEADER_BYTES);
    let settings = ParserSettings::new().recover_records(options.recover);
    let cut_off = cut_off.map(|error| InputError::io(&path, &error));
    let mut log = Log {
        path,
        file,
        start,
        size,
        chunks: (0..0).chain(0..0),
        cut_off,
        recover: options.recover,
        settings: Arc::new(settings),
        combinations: Arc::clone(&options.combinations),
        buffers: Arc::clone(&options.buffers),
    };
    let count = size.saturating_sub(start).div_ceil(CHUNK_BYTES);
    let oldest = log.oldest_chunk(count);
    log.chunks = (oldest..count).chain(0..oldest);
    Ok(Box::new(log))
}

struct Log {
    path: PathBuf,
    file: File,
    /// Where the first chunk begins.
    start: u64,
    size: u64,
    /// The numbers of the chunks that are still to be read: from the oldest to the end, then from the start.
    chunks: Chain<Range<u64>, Range<u64>>,
    /// Why the log is not there as a whole; told when all of it that is there was read.
    cut_off: Option<InputError>,
    /// Whether records are sought that were deleted.
    recover: bool,
    settings: Arc<ParserSettings>,
    combinations: Arc<Combinations>,
    buffers: Arc<Buffers>,
}

impl Log {
    fn offset(&self, chunk: u64) -> u64 {
        self.start + chunk * CHUNK_BYTES
    }

    /// Reads the beginning of a chunk, as much of it as there is; gives how much.
    fn read(&mut self, chunk: u64, mut bytes: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.offset(chunk)))?;
        let n_wanted = bytes.len();
        while !bytes.is_empty() {
            match self.file.read(bytes) {
                Ok(0) => break,
                Ok(n_read) => _ = bytes.split_off_mut(..n_read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(n_wanted - bytes.len())
    }

    /// A chunk as a whole, or as much of it as there is.
    fn chunk(&mut self, chunk: u64) -> io::Result<Vec<u8>> {
        // What is in it already need not be written over with zeros first.
        let mut bytes = self.buffers.take();
        bytes.resize(CHUNK_BYTES as usize, 0);
        let n_read = self.read(chunk, &mut bytes)?;
        bytes.truncate(n_read);
        Ok(bytes)
    }

    /// The chunk with the lowest record ids: a full log is overwritten from its start, so that its oldest
    /// chunk may be anywhere. The file's header cannot be trusted to say where.
    fn oldest_chunk(&mut self, count: u64) -> u64 {
        let mut oldest = (u64::MAX, 0);
        for chunk in 0..count {
            let mut header = [0; RECORD_IDS.end];
            if self.read(chunk, &mut header).is_ok_and(|n_read| n_read == header.len())
                && let Some((first, last)) = record_ids(&header)
                && first <= last
            {
                oldest = oldest.min((first, chunk));
            }
        }
        oldest.1
    }
}

impl Input for Log {
    fn kind(&self) -> &'static str {
        "evtx"
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn next_batch(&mut self) -> Option<Result<Box<dyn Batch>, InputError>> {
        loop {
            let Some(chunk) = self.chunks.next() else { return self.cut_off.take().map(Err) };
            match self.chunk(chunk) {
                // Windows makes room for chunks before it fills them.
                Ok(bytes) if ZEROS.get(..bytes.len()) == Some(&bytes) => self.buffers.put_back(bytes),
                Ok(bytes) => {
                    let offset = self.offset(chunk);
                    let settings = Arc::clone(&self.settings);
                    let combinations = Arc::clone(&self.combinations);
                    return Some(Ok(Box::new(Chunk {
                        offset,
                        bytes,
                        recover: self.recover,
                        settings,
                        combinations,
                        buffers: Some(Arc::clone(&self.buffers)),
                    })));
                }
                Err(error) => {
                    self.chunks = (0..0).chain(0..0);
                    return Some(Err(InputError::io(&self.path, &error)));
                }
            }
        }
    }
}

struct Chunk {
    /// Where the chunk begins in the file.
    offset: u64,
    bytes: Vec<u8>,
    recover: bool,
    settings: Arc<ParserSettings>,
    combinations: Arc<Combinations>,
    /// Where the memory of the bytes is to go; none where somebody else has read them.
    buffers: Option<Arc<Buffers>>,
}

impl Batch for Chunk {
    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let bytes = mem::take(&mut self.bytes);
        if bytes.is_empty() {
            return;
        }
        let is_whole = bytes.len() as u64 == CHUNK_BYTES;
        let mut data = match EvtxChunkData::new(bytes, false) {
            Ok(data) => data,
            Err(error) => return visit(Decoded::Bad(self.problem("evtx-chunk", 0, reason(&error)))),
        };
        if !is_whole {
            let reason = "the file ends within this chunk of records".to_owned();
            visit(Decoded::Bad(self.problem("evtx-truncated-chunk", 0, reason)));
        } else if !data.validate_checksum() {
            let reason = "the chunk's checksum is wrong; its records are read all the same".to_owned();
            visit(Decoded::Bad(RecordProblem { lost: false, ..self.problem("evtx-checksum", 0, reason) }));
        }
        // Deleted records are found by the evtx crate.
        let is_plain = is_whole && !self.recover;
        let places = if is_plain { direct::records(&data.data, &data.header) } else { None };
        let n_done = places.as_ref().map_or(0, |places| self.direct(&data.data, places, event, visit));
        if places.as_ref().is_some_and(|places| places.len() == n_done) {
            return self.buffers.iter().for_each(|buffers| buffers.put_back(mem::take(&mut data.data)));
        }
        let mut rest = |chunk: &mut EvtxChunk<'_>| match &places {
            Some(places) => self.both_ways(chunk, places, n_done, (&mut *event, &mut *visit)),
            None => self.records(chunk, event, visit),
        };
        if let Ok(mut chunk) = data.parse(Arc::clone(&self.settings)) {
            return rest(&mut chunk);
        }
        // The header's table of names is damaged. Names also stand where they were first used, so the
        // records can do without it.
        if let Some(names) = data.data.get_mut(NAME_TABLE) {
            names.fill(0);
        }
        let mut repaired = EvtxChunkData::new(mem::take(&mut data.data), false);
        match repaired.as_mut().map(|data| data.parse(Arc::clone(&self.settings))) {
            Ok(Ok(mut chunk)) => rest(&mut chunk),
            Ok(Err(error)) => visit(Decoded::Bad(self.problem("evtx-chunk", 0, reason(&error)))),
            Err(error) => visit(Decoded::Bad(self.problem("evtx-chunk", 0, reason(error)))),
        }
    }
}

impl Chunk {
    /// Decodes records directly, as long as they are of combinations that are known to be right; says how
    /// many.
    fn direct(
        &self,
        bytes: &[u8],
        places: &[Range<usize>],
        event: &mut Event,
        visit: &mut dyn FnMut(Decoded<'_>),
    ) -> usize {
        let mut decoder = direct::Decoder::new(bytes, &self.combinations);
        let mut n_done = 0;
        for place in places {
            match decoder.decode(place, event) {
                Ok(combination) if decoder.settle(combination, event) => {
                    visit(Decoded::Event(event, Position::Byte(self.offset + place.start as u64)));
                }
                _ => break,
            }
            n_done += 1;
        }
        decoder.finish();
        n_done
    }

    /// Decodes the other records: directly where that is known to be right, and else by the evtx crate, whose
    /// event is then compared with the direct one.
    fn both_ways(
        &self,
        chunk: &mut EvtxChunk<'_>,
        places: &[Range<usize>],
        n_done: usize,
        (event, visit): (&mut Event, &mut dyn FnMut(Decoded<'_>)),
    ) {
        let mut decoder = direct::Decoder::new(chunk.data, &self.combinations);
        let mut records = chunk.iter();
        let mut n_passed = 0;
        let mut other = Event::new();
        for (number, place) in places.iter().enumerate().skip(n_done) {
            let at = place.start as u64;
            let combination = decoder.decode(place, event);
            if combination.is_ok_and(|combination| decoder.settle(combination, event)) {
                visit(Decoded::Event(event, Position::Byte(self.offset + at)));
                continue;
            }
            let Some(record) = records.nth(number - n_passed) else {
                let reason = "the records from here on cannot be read".to_owned();
                visit(Decoded::Bad(self.problem("evtx-record", at, reason)));
                break;
            };
            n_passed = number + 1;
            let read = rendered(record, &mut other);
            if let Ok(combination) = combination {
                self.combinations.note(combination, read.is_ok() && event.is_same(&other));
            }
            self.tell(read.map(|()| &other), at, visit);
        }
        decoder.finish();
    }

    /// Decodes the records of a chunk that may be damaged.
    fn records(&self, chunk: &mut EvtxChunk<'_>, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        // Where the next record begins, unless the chunk is damaged there.
        let mut next = CHUNK_HEADER_BYTES as u64;
        for record in chunk.iter() {
            let at = match &record {
                Ok(record) => record.binxml_offset.saturating_sub(RECORD_HEADER_BYTES),
                Err(EvtxError::FailedToReadRecordAt { offset, .. }) => *offset,
                Err(_) => next,
            };
            let is_recovered = record.as_ref().is_ok_and(|record| record.recovered);
            if let Ok(record) = &record {
                next = record.binxml_offset + u64::from(record.binxml_size) + RECORD_TRAILER_BYTES;
            }
            let read = rendered(record, event);
            event.set_recovered(is_recovered);
            // What lies where no record is any more need not be one.
            if read.is_ok() || !is_recovered {
                self.tell(read.map(|()| &*event), at, visit);
            }
        }
    }

    fn tell(&self, read: Result<&Event, String>, at: u64, visit: &mut dyn FnMut(Decoded<'_>)) {
        match read {
            Ok(event) => visit(Decoded::Event(event, Position::Byte(self.offset + at))),
            Err(reason) => visit(Decoded::Bad(self.problem("evtx-record", at, reason))),
        }
    }

    fn problem(&self, code: &'static str, at: u64, reason: String) -> RecordProblem {
        RecordProblem { code, position: Position::Byte(self.offset + at), reason, lost: true }
    }
}

/// Reads an event out of what the evtx crate renders of a record.
fn rendered(record: Result<EvtxRecord<'_>, EvtxError>, event: &mut Event) -> Result<(), String> {
    event.clear();
    let json = record.and_then(EvtxRecord::into_json).map_err(|error| reason(&error))?;
    json::read(&json.data, event).map_err(|error| error.to_string())
}

/// What the evtx crate says is wrong: the cause at the bottom, which alone is specific.
fn reason(error: &(dyn Error + 'static)) -> String {
    iter::successors(Some(error), |&error| error.source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests;
