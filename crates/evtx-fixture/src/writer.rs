//! The file: its header and its chunks.

use crate::chunk::{CHUNK_SIZE, Chunk, Magic, checksum, put_at};
use crate::{Error, Event};

const HEADER_SIZE: usize = 4096;
/// The header's fields end here; flags and checksum follow.
const CHECKED_HEADER: usize = 120;
const FLAG_DIRTY: u32 = 1;

/// What to get wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The header says that the file was not closed, and knows only of its first chunk: a log copied from
    /// a running system.
    DirtyHeader,
    /// The file ends in the middle of its last chunk.
    TruncatedLastChunk,
    /// The records of this chunk, counted from 0, do not have the checksum that its header states.
    ChunkChecksum(usize),
    /// The record with this id does not begin with the magic number; the checksums agree.
    RecordMagic(u64),
}

/// Collects events into an EVTX file.
#[derive(Debug)]
pub struct Writer {
    finished: Vec<Vec<u8>>,
    chunk: Chunk,
    next_record_id: u64,
    damage: Vec<Damage>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty file.
    #[must_use]
    pub fn new() -> Self {
        Self { finished: Vec::new(), chunk: Chunk::new(1), next_record_id: 1, damage: Vec::new() }
    }

    /// Gets something wrong on purpose. Call it before the first event; several kinds add up.
    #[must_use]
    pub fn damage(mut self, damage: Damage) -> Self {
        self.damage.push(damage);
        self
    }

    /// Appends the event and returns its record id.
    ///
    /// # Errors
    ///
    /// The event, or one of its values or names, is too large for the format. The file stays as it was.
    pub fn push(&mut self, event: &Event) -> Result<u64, Error> {
        let id = event.record_id.unwrap_or(self.next_record_id);
        let magic = match self.damage.contains(&Damage::RecordMagic(id)) {
            true => Magic::Broken,
            false => Magic::Intact,
        };
        match self.chunk.push(event, id, magic) {
            Err(Error::EventTooLarge { .. }) if !self.chunk.is_empty() => {
                let mut chunk = Chunk::new(self.chunk.next_number());
                chunk.push(event, id, magic)?;
                self.finished.push(std::mem::replace(&mut self.chunk, chunk).finish());
            }
            written => written?,
        }
        self.next_record_id = id.saturating_add(1);
        Ok(id)
    }

    /// The bytes of the file.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.finished.push(self.chunk.finish());
        for damage in &self.damage {
            if let Damage::ChunkChecksum(number) = damage
                && let Some(last) = self.finished.get_mut(*number).and_then(|chunk| chunk.get_mut(52..56))
            {
                last.iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        let dirty = self.damage.contains(&Damage::DirtyHeader);
        let mut file = header(self.finished.len(), self.next_record_id, dirty);
        file.extend(self.finished.into_iter().flatten());
        if self.damage.contains(&Damage::TruncatedLastChunk) {
            file.truncate(file.len() - CHUNK_SIZE / 2);
        }
        file
    }
}

/// The 4 KiB before the first chunk.
fn header(n_chunks: usize, next_record_id: u64, dirty: bool) -> Vec<u8> {
    let (n_chunks, next_record_id) = if dirty { (1, 1) } else { (n_chunks, next_record_id) };
    let mut header = b"ElfFile\0".to_vec();
    header.extend(0_u64.to_le_bytes()); // the first chunk
    header.extend((n_chunks as u64 - 1).to_le_bytes()); // the last one
    header.extend(next_record_id.to_le_bytes());
    header.extend(128_u32.to_le_bytes()); // the header without its padding
    header.extend([2, 0, 3, 0]); // version 3.2, that of Windows 10
    header.extend((HEADER_SIZE as u16).to_le_bytes());
    header.extend(u16::try_from(n_chunks).unwrap_or(u16::MAX).to_le_bytes());
    header.resize(HEADER_SIZE, 0);
    let checksum = checksum(&[header.get(..CHECKED_HEADER)]);
    let flags = if dirty { FLAG_DIRTY } else { 0 };
    put_at(&mut header, CHECKED_HEADER, &flags.to_le_bytes());
    put_at(&mut header, CHECKED_HEADER + 4, &checksum.to_le_bytes());
    header
}
