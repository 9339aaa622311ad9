//! Parts of files that grow: whoever follows a file reads what has come, and has it decoded here.
//!
//! A file that is followed is never read as a whole: of lines there is what was added, of an event log a chunk
//! of which the first records are known already.

use super::evtx::{self, CHUNK_BYTES, CHUNK_HEADER_BYTES, CHUNK_MAGIC, FILE_HEADER_BYTES, FILE_MAGIC};
use super::{Batch, Decoded, InputOptions, RecordProblem, csv, json, xml};
use crate::event::Event;

pub use super::json::JsonLines;

/// How many bytes tell what a file is; less is enough where its first line is shorter.
pub const HEAD_BYTES: usize = super::HEAD_BYTES;

/// The size of a chunk of an event log, in bytes.
pub const CHUNK_SIZE: u64 = CHUNK_BYTES;
/// How much of a chunk is its header, in bytes.
pub const CHUNK_HEADER_SIZE: usize = CHUNK_HEADER_BYTES;
/// Where the first chunk of an event log begins, in bytes.
pub const FIRST_CHUNK: u64 = FILE_HEADER_BYTES;

/// A kind of file that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowingKind {
    /// An event log as Windows keeps it.
    Evtx,
    /// One JSON object a line, in UTF-8.
    JsonLines,
}

impl GrowingKind {
    /// The kind of the file that begins with these bytes; nothing if it is none that can be followed, or if
    /// more is needed to tell.
    pub fn of(head: &[u8], options: &InputOptions) -> Option<Self> {
        if head.starts_with(FILE_MAGIC) {
            return Some(Self::Evtx);
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let line = text.get(..memchr::memchr(b'\n', text)?)?;
        let is_object = line.starts_with(b"{") && line.trim_ascii_end().ends_with(b"}");
        (is_object && json::recognises(text, options)).then_some(Self::JsonLines)
    }

    /// Why a file is of no such kind that begins with these bytes, and what can be done. Whoever has it watched
    /// would wait in vain for what `map` finds in it.
    pub fn why_not(head: &[u8], options: &InputOptions) -> (&'static str, &'static str) {
        const WHEN_WHOLE: &str = "read it with `evtmap map` when it is whole";
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            let help = "have it written in UTF-8, or read it with `evtmap map` when it is whole";
            return ("the file is in UTF-16, which cannot be followed while it grows", help);
        }
        let message = if json::recognises(head, options) {
            "the file is JSON, but not an object a line, which cannot be followed while it grows"
        } else if xml::recognises(head, options) {
            "the file is XML, which cannot be followed while it grows"
        } else if csv::recognises(head, options) {
            "the file is a table (CSV), which cannot be followed while it grows"
        } else {
            "only event logs (.evtx) and JSON lines can be followed while they grow"
        };
        (message, WHEN_WHOLE)
    }

    /// The word for it in accounts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::JsonLines => "json",
        }
    }
}

/// What the header of a chunk says about the records in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    /// The id of the first record.
    pub first: u64,
    /// The id of the last record.
    pub last: u64,
    /// How many bytes of the chunk are in use, its header included.
    pub n_used: u32,
    checksum: u32,
}

impl ChunkHeader {
    /// Reads the header with which a chunk begins; nothing where there is no chunk, or one without records.
    ///
    /// Source: the layout of event logs as libevtx describes it ("Chunk header").
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(CHUNK_MAGIC) {
            return None;
        }
        let wide = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk::<8>()?;
            Some(u64::from_le_bytes(*bytes))
        };
        let narrow = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*bytes))
        };
        let (first, last) = (wide(24)?, wide(32)?);
        let (n_used, checksum) = (narrow(48)?, narrow(52)?);
        let is_used = first <= last && last != u64::MAX;
        let n_used_max = u32::try_from(CHUNK_BYTES).unwrap_or(u32::MAX);
        (is_used && n_used <= n_used_max).then_some(Self { first, last, n_used, checksum })
    }

    /// Whether the records of the chunk are those that the header was written for. While Windows is at work on
    /// a chunk they may not be.
    pub fn fits(&self, chunk: &[u8]) -> bool {
        let end = usize::try_from(self.n_used).unwrap_or_default();
        chunk.get(CHUNK_HEADER_BYTES..end).is_some_and(|records| crc32fast::hash(records) == self.checksum)
    }
}

/// How a record begins, and how long it is at least: its header, and its size once more at its end.
const RECORD_MAGIC: &[u8] = b"**\0\0";
const MIN_RECORD_BYTES: usize = 28;

/// Whether records stand one behind the other in a chunk, from one place to another, each with its size at both
/// ends. A record that is being written does not have the second yet.
pub fn has_whole_records(chunk: &[u8], from: usize, to: usize) -> bool {
    let size_at = |at: usize| {
        let bytes = chunk.get(at..)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let mut at = from;
    while at < to {
        let is_record = chunk.get(at..).is_some_and(|rest| rest.starts_with(RECORD_MAGIC));
        match size_at(at + RECORD_MAGIC.len()) {
            Some(size) if is_record && size >= MIN_RECORD_BYTES && size_at(at + size - 4) == Some(size) => {
                at += size;
            }
            _ => return false,
        }
    }
    at == to
}

/// The records of a chunk that come after what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Records that begin before this byte of the file are known.
    pub end: u64,
    /// Records whose id is not greater are known.
    pub last: u64,
}

/// A batch of those records of a chunk that are not known. The chunk begins at `offset` in its file.
pub fn chunk(offset: u64, bytes: Vec<u8>, known: Known, options: &InputOptions) -> Box<dyn Batch> {
    let end = offset + bytes.len() as u64;
    let inner = evtx::of_chunk(offset, bytes, options);
    Box::new(After { inner, known, n_bytes: end.saturating_sub(known.end.max(offset)) })
}

struct After {
    inner: Box<dyn Batch>,
    known: Known,
    n_bytes: u64,
}

impl Batch for After {
    fn bytes(&self) -> u64 {
        self.n_bytes
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let known = self.known;
        self.inner.decode(event, &mut |decoded| {
            let is_known = match &decoded {
                Decoded::Event(event, position) => {
                    position.number() < known.end || event.record_id().is_some_and(|id| id <= known.last)
                }
                Decoded::Bad(problem) => problem.position.number() < known.end,
            };
            if !is_known {
                visit(decoded);
            }
        });
    }
}

/// A batch without records that tells of a problem: what became of a file is accounted for with its records.
pub fn problem(problem: RecordProblem) -> Box<dyn Batch> {
    Box::new(Told(Some(problem)))
}

struct Told(Option<RecordProblem>);

impl Batch for Told {
    fn bytes(&self) -> u64 {
        0
    }

    fn decode(&mut self, _: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        if let Some(problem) = self.0.take() {
            visit(Decoded::Bad(problem));
        }
    }
}
