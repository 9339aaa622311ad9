//! Zip archives: the table of members at the end, each member on its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::super::Source;
use super::limit::{Budget, damaged, refused};
use super::{Member, Members};

/// The part of a member's own header that is as long for all.
const LOCAL_HEADER_BYTES: u64 = 30;

pub(super) fn recognises(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

pub(super) fn open(source: Source, budget: &Arc<Budget>) -> io::Result<Box<dyn Members>> {
    let spooled = source.into_file()?;
    if let Some(error) = spooled.cut_off {
        return Err(error);
    }
    let file = Shared(Arc::new(Mutex::new(spooled.file)));
    let section = Section { file: file.clone(), at: 0, end: spooled.size };
    let archive = ZipArchive::new(section).map_err(|error| {
        let message = format!("what is packed is damaged or cut off: {error}");
        let help =
            "copy the file again; nothing of it was read, for a Zip archive says at its end what is in it";
        refused("input-packed-damaged", message, help)
    })?;
    let n_max = budget.limits().members;
    if archive.len() > n_max {
        let message = format!("the archive has {} members, more than {n_max}", archive.len());
        return Err(refused("input-archive-members", message, "unpack it, and give what is needed of it"));
    }
    Ok(Box::new(Zip { archive, file, size: spooled.size, next: 0, budget: Arc::clone(budget) }))
}

struct Zip {
    archive: ZipArchive<Section>,
    file: Shared,
    size: u64,
    next: usize,
    budget: Arc<Budget>,
}

impl Members for Zip {
    fn next(&mut self) -> Option<io::Result<Member>> {
        while self.next < self.archive.len() {
            let index = self.next;
            self.next += 1;
            let entry = match self.archive.by_index_data(index) {
                Ok(entry) if entry.is_dir() => continue,
                Ok(entry) => entry,
                Err(error) => return Some(Err(damaged(error))),
            };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let packed = Packed {
                header: entry.header_start(),
                n_packed: entry.compressed_size(),
                method: entry.compression(),
                checksum: entry.crc32(),
            };
            let content = match (entry.encrypted(), entry.is_symlink()) {
                (true, _) => Err(refused("input-encrypted", "it is encrypted", "unpack it first")),
                (_, true) => Err(refused("input-link", "it is a link to another file", "unpack it first")),
                _ => self.content(&packed),
            };
            return Some(Ok(Member { name, content }));
        }
        None
    }
}

/// Where and how a member is packed.
struct Packed {
    header: u64,
    n_packed: u64,
    method: CompressionMethod,
    checksum: u32,
}

impl Zip {
    fn content(&self, packed: &Packed) -> io::Result<super::Content> {
        let mut header = [0; LOCAL_HEADER_BYTES as usize];
        let at = self.archive.offset() + packed.header;
        Section { file: self.file.clone(), at, end: self.size }.read_exact(&mut header).map_err(damaged)?;
        let [.., name_low, name_high, extra_low, extra_high] = header;
        let n_names = u64::from(u16::from_le_bytes([name_low, name_high]))
            + u64::from(u16::from_le_bytes([extra_low, extra_high]));
        let start = at + LOCAL_HEADER_BYTES + n_names;
        let end = start.saturating_add(packed.n_packed).min(self.size);
        let section = Section { file: self.file.clone(), at: start, end };
        let unpacked: Box<dyn Read + Send> = match packed.method {
            CompressionMethod::Stored => Box::new(section),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(section)),
            other => {
                let message = format!("it is packed by a method that is not read ({other})");
                return Err(refused("input-compressed", message, "unpack it first"));
            }
        };
        Ok(self.budget.meter(Checked { unpacked, sum: Crc::new(), expected: packed.checksum }))
    }
}

/// A file that an archive and its members read in turn.
#[derive(Debug, Clone)]
struct Shared(Arc<Mutex<File>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, File> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a file, with a place of its own.
#[derive(Debug, Clone)]
struct Section {
    file: Shared,
    at: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let n_wanted = buffer.len().min(left);
        let mut file = self.file.lock();
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(buffer.get_mut(..n_wanted).unwrap_or_default())?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| damaged("it points outside of itself"))?;
        Ok(self.at)
    }
}

/// Compares the checksum at the end.
struct Checked {
    unpacked: Box<dyn Read + Send>,
    sum: Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.unpacked.read(buffer).map_err(damaged)?;
        self.sum.update(buffer.get(..n).unwrap_or_default());
        if n == 0 && !buffer.is_empty() && self.sum.sum() != self.expected {
            return Err(damaged("the checksum is wrong"));
        }
        Ok(n)
    }
}
