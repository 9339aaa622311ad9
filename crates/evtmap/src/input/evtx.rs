//! Event logs as Windows keeps them: `.evtx`.
//!
//! A log is a header of 4 KiB and then chunks of 64 KiB, each of which can be read alone; a chunk is a batch.
//! The header is not needed: a log that Windows did not close has a stale one, and one that was carved from
//! a disk may have none. The evtx crate decodes the records of a [`chunk`]; those that are as nearly all are,
//! [`direct`] decodes faster.

mod again;
mod chunk;
mod combination;
mod cursor;
mod direct;
mod file;
mod template;
mod templates;
mod value;

use std::iter::Chain;
use std::ops::Range;
use std::sync::Arc;

pub use combination::Combinations;
pub use file::OpenFiles;

use chunk::{Chunk, ChunkReader, Content};
use file::LogFile;

use super::{Batch, Input, InputError, InputOptions, Opened, Source, Spooled};

pub(super) const FILE_MAGIC: &[u8] = b"ElfFile\0";
pub(super) const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";
pub(super) const FILE_HEADER_BYTES: u64 = 4096;
pub(super) const CHUNK_BYTES: u64 = 65_536;
pub(super) const CHUNK_HEADER_BYTES: usize = 512;

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
    let reader = ChunkReader::new(&InputOptions { recover: false, ..options.clone() });
    Box::new(Chunk { offset, content: Content::Given(bytes), reader: Arc::new(reader) })
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
    let cut_off = cut_off.map(|error| InputError::io(&path, &error));
    let reader = Arc::new(ChunkReader::new(options));
    let file = Arc::new(LogFile::new(file, &options.open));
    let mut log = Log { file, start, size, chunks: (0..0).chain(0..0), cut_off, reader };
    let count = size.saturating_sub(start).div_ceil(CHUNK_BYTES);
    let oldest = log.oldest_chunk(count);
    log.chunks = (oldest..count).chain(0..oldest);
    Ok(Box::new(log))
}

struct Log {
    file: Arc<LogFile>,
    /// Where the first chunk begins.
    start: u64,
    size: u64,
    /// The numbers of the chunks that are still to be read: from the oldest to the end, then from the start.
    chunks: Chain<Range<u64>, Range<u64>>,
    /// Why the log is not there as a whole; told when all of it that is there was handed out.
    cut_off: Option<InputError>,
    reader: Arc<ChunkReader>,
}

impl Log {
    fn offset(&self, chunk: u64) -> u64 {
        self.start + chunk * CHUNK_BYTES
    }

    /// The chunk with the lowest record ids: a full log is overwritten from its start, so that its oldest
    /// chunk may be anywhere. The file's header cannot be trusted to say where.
    fn oldest_chunk(&self, count: u64) -> u64 {
        if count < 2 {
            return 0;
        }
        let mut oldest = (u64::MAX, 0);
        for chunk in 0..count {
            // Windows numbers from 1, so that nothing is older: a log that was never overwritten is not gone through,
            // which for a large one takes as long as the start of the program.
            if oldest.0 <= 1 {
                break;
            }
            let mut header = [0; RECORD_IDS.end];
            if self.file.read(self.offset(chunk), &mut header).is_ok_and(|n_read| n_read == header.len())
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
        let Some(chunk) = self.chunks.next() else { return self.cut_off.take().map(Err) };
        let offset = self.offset(chunk);
        let n_bytes = self.size.saturating_sub(offset).min(CHUNK_BYTES);
        let n_bytes = usize::try_from(n_bytes).unwrap_or_default();
        let (file, reader) = (&self.file, &self.reader);
        // What cannot be read is told of where the records are.
        let content = match file.may_stay_open() {
            false if let Ok(bytes) = reader.chunk(file, offset, n_bytes) => Content::Read { bytes, n_bytes },
            _ => Content::InFile { file: Arc::clone(file), n_bytes },
        };
        Some(Ok(Box::new(Chunk { offset, content, reader: Arc::clone(&self.reader) })))
    }
}

#[cfg(test)]
mod tests;
