//! Tar archives, read as they come.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use tar::{EntryType, Header, PaxExtensions};

use super::super::{Content, Source};
use super::limit::{Budget, damaged, refused};
use super::{Member, Members};

const BLOCK_BYTES: usize = 512;
/// The longest text in place of a name that does not fit its header.
const MAX_NAME_BYTES: u64 = 64 << 10;

/// A tar begins with the header of its first member, and a header has its own checksum.
pub(super) fn recognises(head: &[u8]) -> bool {
    head.first().is_some_and(|first| *first != 0)
        && head.first_chunk::<BLOCK_BYTES>().is_some_and(|block| is_header(Header::from_byte_slice(block)))
}

/// Whether the checksum is right: the sum of all bytes, those of the checksum as blanks.
fn is_header(header: &Header) -> bool {
    let bytes = header.as_bytes();
    let (before, rest) = bytes.split_at(148);
    let (_, after) = rest.split_at(8);
    let sum: u32 = before.iter().chain(after).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    header.cksum().is_ok_and(|expected| expected == sum)
}

pub(super) fn open(source: Source, budget: &Arc<Budget>) -> io::Result<Box<dyn Members>> {
    let stream = Stream { bytes: source.into_stream(), number: 0, left: 0, padding: 0 };
    Ok(Box::new(Tar { stream: Arc::new(Mutex::new(stream)), n_members_max: budget.limits().members }))
}

struct Tar {
    stream: Arc<Mutex<Stream>>,
    n_members_max: usize,
}

/// The archive at the place where it is read.
struct Stream {
    bytes: Content,
    /// The number of the member that is being read.
    number: usize,
    /// How many of the member's bytes are left, and how many after it fill its last block.
    left: u64,
    padding: u64,
}

/// What headers before a member's own say about it.
#[derive(Default)]
struct Extension {
    name: Option<String>,
    size: Option<u64>,
}

impl Members for Tar {
    fn next(&mut self) -> Option<io::Result<Member>> {
        let mut extension = Extension::default();
        loop {
            let header = match lock(&self.stream).next_header() {
                Ok(header) => header?,
                Err(error) => return Some(Err(error)),
            };
            match self.member(&header, &mut extension) {
                Ok(Some(member)) => return Some(Ok(member)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn lock(stream: &Mutex<Stream>) -> std::sync::MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tar {
    /// The member that a header is about, if it is a file.
    fn member(&self, header: &Header, extension: &mut Extension) -> io::Result<Option<Member>> {
        let mut stream = lock(&self.stream);
        let kind = header.entry_type();
        let is_about_next = matches!(kind, EntryType::GNULongName | EntryType::XHeader);
        let size = extension.size.filter(|_| !is_about_next).map_or_else(|| header.entry_size(), Ok);
        stream.begin(size.map_err(damaged)?);
        if is_about_next {
            return stream.extension(kind, extension).map(|()| None);
        }
        let Extension { name, .. } = std::mem::take(extension);
        let content = match kind {
            EntryType::Regular | EntryType::Continuous => {
                let number = stream.number;
                Ok(Content::Stream(Box::new(Reading { stream: Arc::clone(&self.stream), number })))
            }
            EntryType::GNUSparse => {
                Err(refused("input-compressed", "it is packed as a file with holes", "unpack it first"))
            }
            // Folders, links and devices.
            _ => return Ok(None),
        };
        if stream.number > self.n_members_max {
            let message = format!("the archive has more than {} members", self.n_members_max);
            return Err(refused(
                "input-archive-members",
                message,
                "unpack it, and give what is needed of it",
            ));
        }
        let name = name.unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned());
        Ok(Some(Member { name, content }))
    }
}

impl Stream {
    /// Passes over the rest of the member and reads the next header; nothing at the end.
    fn next_header(&mut self) -> io::Result<Option<Header>> {
        let n_rest = self.left.saturating_add(self.padding);
        self.left = 0;
        if io::copy(&mut self.bytes.by_ref().take(n_rest), &mut io::sink())? < n_rest {
            return Err(damaged("it ends within a member"));
        }
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        self.bytes.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
        // The archive ends with blocks of zeros, which some programs leave out.
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let block = block.first_chunk::<BLOCK_BYTES>().ok_or_else(|| damaged("it ends within a header"))?;
        let header = Header::from_byte_slice(block);
        if is_header(header) { Ok(Some(header.clone())) } else { Err(damaged("a header is not one")) }
    }

    fn begin(&mut self, size: u64) {
        self.number += 1;
        self.left = size;
        let block = BLOCK_BYTES as u64;
        self.padding = (block - size % block) % block;
    }

    /// Reads what is said about the next member.
    fn extension(&mut self, kind: EntryType, extension: &mut Extension) -> io::Result<()> {
        let mut text = Vec::new();
        self.bytes.by_ref().take(self.left.min(MAX_NAME_BYTES)).read_to_end(&mut text)?;
        self.left = self.left.saturating_sub(text.len() as u64);
        if kind == EntryType::GNULongName {
            let name = text.split(|byte| *byte == 0).next().unwrap_or_default();
            extension.name = Some(String::from_utf8_lossy(name).into_owned());
            return Ok(());
        }
        for pair in PaxExtensions::new(&text).flatten() {
            match pair.key_bytes() {
                b"path" => extension.name = Some(String::from_utf8_lossy(pair.value_bytes()).into_owned()),
                b"size" => extension.size = pair.value().ok().and_then(|size| size.parse().ok()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The content of a member, until the next one is begun.
struct Reading {
    stream: Arc<Mutex<Stream>>,
    number: usize,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = lock(&self.stream);
        if stream.number != self.number || buffer.is_empty() {
            return Ok(0);
        }
        let n_wanted = buffer.len().min(usize::try_from(stream.left).unwrap_or(usize::MAX));
        let n = stream.bytes.read(buffer.get_mut(..n_wanted).unwrap_or_default())?;
        stream.left -= n as u64;
        if n == 0 && stream.left > 0 {
            stream.left = 0;
            stream.padding = 0;
            return Err(damaged("it ends within a member"));
        }
        Ok(n)
    }
}
