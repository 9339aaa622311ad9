//! The records of a chunk.
//!
//! A chunk is read by the thread that decodes it. Whoever hands out chunks has others wait for it meanwhile, and what
//! was read on another processor comes slowly.

use std::error::Error;
use std::io;
use std::iter;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use evtx::err::EvtxError;
use evtx::{EvtxChunk, EvtxChunkData, EvtxRecord, ParserSettings};

use super::combination::Combinations;
use super::file::LogFile;
use super::{CHUNK_BYTES, CHUNK_HEADER_BYTES, direct};
use crate::event::{Event, json};
use crate::input::buffers::Buffers;
use crate::input::{Batch, Decoded, InputOptions, Position, RecordProblem};

/// A chunk that was never written.
const ZEROS: &[u8] = &[0; CHUNK_BYTES as usize];
/// The part of a record that comes before its content.
const RECORD_HEADER_BYTES: u64 = 24;
/// The copy of the size with which a record ends.
const RECORD_TRAILER_BYTES: u64 = 4;
/// The part of a chunk's header that says where the names lie that its records share.
pub(super) const NAME_TABLE: Range<usize> = 128..384;

/// Reads the chunks of a log, and has what they have in common.
pub(super) struct ChunkReader {
    /// Whether records are sought that were deleted.
    recover: bool,
    settings: Arc<ParserSettings>,
    combinations: Arc<Combinations>,
    buffers: Arc<Buffers>,
}

impl ChunkReader {
    pub(super) fn new(options: &InputOptions) -> Self {
        Self {
            recover: options.recover,
            settings: Arc::new(ParserSettings::new().recover_records(options.recover)),
            combinations: Arc::clone(&options.combinations),
            buffers: Arc::clone(&options.buffers),
        }
    }

    /// A chunk of a file as a whole, or as much of it as there is.
    pub(super) fn chunk(&self, file: &LogFile, offset: u64, n_bytes: usize) -> io::Result<Vec<u8>> {
        // What is in it already need not be written over with zeros first.
        let mut bytes = self.buffers.take();
        bytes.resize(n_bytes, 0);
        let n_read = file.read(offset, &mut bytes)?;
        bytes.truncate(n_read);
        Ok(bytes)
    }
}

pub(super) struct Chunk {
    /// Where the chunk begins in the file.
    pub(super) offset: u64,
    pub(super) content: Content,
    pub(super) reader: Arc<ChunkReader>,
}

/// The bytes of a chunk.
#[derive(Default)]
pub(super) enum Content {
    /// So many of them should be in the file.
    InFile { file: Arc<LogFile>, n_bytes: usize },
    /// They were read from there already.
    Read { bytes: Vec<u8>, n_bytes: usize },
    /// Somebody else has read them.
    Given(Vec<u8>),
    /// They were decoded.
    #[default]
    Decoded,
}

impl Batch for Chunk {
    fn bytes(&self) -> u64 {
        let n_bytes = match &self.content {
            Content::InFile { n_bytes, .. } | Content::Read { n_bytes, .. } => *n_bytes,
            Content::Given(bytes) => bytes.len(),
            Content::Decoded => 0,
        };
        n_bytes as u64
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let (read, n_bytes) = match mem::take(&mut self.content) {
            Content::InFile { file, n_bytes } => (self.reader.chunk(&file, self.offset, n_bytes), n_bytes),
            Content::Read { bytes, n_bytes } => (Ok(bytes), n_bytes),
            Content::Given(bytes) => return drop(self.decode_bytes(bytes, event, visit)),
            Content::Decoded => return,
        };
        match read {
            // Windows makes room for chunks before it fills them.
            Ok(bytes) if ZEROS.get(..n_bytes) == Some(&bytes) => self.reader.buffers.put_back(bytes),
            Ok(bytes) => self.reader.buffers.put_back(self.decode_bytes(bytes, event, visit)),
            // Those after it may be where the disk can still be read.
            Err(error) => {
                let reason = format!("this chunk of records cannot be read: {error}");
                visit(Decoded::Bad(self.problem("evtx-unreadable-chunk", 0, reason)));
            }
        }
    }
}

impl Chunk {
    /// Decodes the records; gives the memory of the bytes back.
    fn decode_bytes(&self, bytes: Vec<u8>, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) -> Vec<u8> {
        if bytes.is_empty() {
            let reason = "the file ends before this chunk of records".to_owned();
            visit(Decoded::Bad(self.problem("evtx-truncated-chunk", 0, reason)));
            return bytes;
        }
        let is_whole = bytes.len() as u64 == CHUNK_BYTES;
        let mut data = match EvtxChunkData::new(bytes, false) {
            Ok(data) => data,
            Err(error) => {
                visit(Decoded::Bad(self.problem("evtx-chunk", 0, reason(&error))));
                return Vec::new();
            }
        };
        if !is_whole {
            let reason = "the file ends within this chunk of records".to_owned();
            visit(Decoded::Bad(self.problem("evtx-truncated-chunk", 0, reason)));
        } else if !data.validate_checksum() {
            let reason = "the chunk's checksum is wrong; its records are read all the same".to_owned();
            visit(Decoded::Bad(RecordProblem { lost: false, ..self.problem("evtx-checksum", 0, reason) }));
        }
        // Deleted records are found by the evtx crate.
        let is_plain = is_whole && !self.reader.recover;
        let places = if is_plain { direct::records(&data.data, &data.header) } else { None };
        let n_done = places.as_ref().map_or(0, |places| self.direct(&data.data, places, event, visit));
        if places.as_ref().is_none_or(|places| places.len() > n_done) {
            self.others(&mut data, places.as_deref(), n_done, (event, visit));
        }
        mem::take(&mut data.data)
    }

    /// Decodes the records for which the evtx crate is needed, and what comes after them.
    fn others(
        &self,
        data: &mut EvtxChunkData,
        places: Option<&[Range<usize>]>,
        n_done: usize,
        (event, visit): (&mut Event, &mut dyn FnMut(Decoded<'_>)),
    ) {
        let mut rest = |chunk: &mut EvtxChunk<'_>| match places {
            Some(places) => self.both_ways(chunk, places, n_done, (&mut *event, &mut *visit)),
            None => self.records(chunk, event, visit),
        };
        let settings = || Arc::clone(&self.reader.settings);
        if let Ok(mut chunk) = data.parse(settings()) {
            return rest(&mut chunk);
        }
        // The header's table of names is damaged. Names also stand where they were first used, so the
        // records can do without it.
        if let Some(names) = data.data.get_mut(NAME_TABLE) {
            names.fill(0);
        }
        let mut repaired = EvtxChunkData::new(mem::take(&mut data.data), false);
        match repaired.as_mut().map(|data| data.parse(settings())) {
            Ok(Ok(mut chunk)) => rest(&mut chunk),
            Ok(Err(error)) => visit(Decoded::Bad(self.problem("evtx-chunk", 0, reason(&error)))),
            Err(error) => visit(Decoded::Bad(self.problem("evtx-chunk", 0, reason(error)))),
        }
    }

    /// Decodes records directly, as long as they are of combinations that are known to be right; says how
    /// many.
    fn direct(
        &self,
        bytes: &[u8],
        places: &[Range<usize>],
        event: &mut Event,
        visit: &mut dyn FnMut(Decoded<'_>),
    ) -> usize {
        let mut decoder = direct::Decoder::new(bytes, &self.reader.combinations);
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
        let mut decoder = direct::Decoder::new(chunk.data, &self.reader.combinations);
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
                self.reader.combinations.note(combination, read.is_ok() && event.is_same(&other));
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
pub(super) fn rendered(record: Result<EvtxRecord<'_>, EvtxError>, event: &mut Event) -> Result<(), String> {
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
