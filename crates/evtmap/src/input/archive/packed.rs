//! Files that are compressed as a whole: `.gz`, `.zst`.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::super::Content;
use super::limit::{Budget, damaged, refused};

type Stream = Box<dyn Read + Send>;

/// A way to compress a file: how it is recognised, and how it is unpacked.
struct Packing {
    magic: &'static [u8],
    unpack: fn(Stream) -> io::Result<Stream>,
}

const PACKINGS: [Packing; 5] = [
    Packing {
        magic: &[0x1f, 0x8b, 8],
        unpack: |packed| Ok(Box::new(Damage(MultiGzDecoder::new(BufReader::new(packed))))),
    },
    Packing { magic: &[0x28, 0xb5, 0x2f, 0xfd], unpack: |packed| Ok(Box::new(Zstd::new(packed))) },
    Packing { magic: b"BZh", unpack: |_| Err(foreign("bzip2")) },
    Packing { magic: b"\xfd7zXZ\0", unpack: |_| Err(foreign("xz")) },
    Packing { magic: b"7z\xbc\xaf\x27\x1c", unpack: |_| Err(foreign("7-Zip")) },
];

fn foreign(name: &str) -> io::Error {
    refused("input-compressed", format!("the file is packed by {name}, which is not read"), "unpack it first")
}

pub(super) fn recognises(head: &[u8]) -> bool {
    packing(head).is_some()
}

fn packing(head: &[u8]) -> Option<&'static Packing> {
    PACKINGS.iter().find(|packing| head.starts_with(packing.magic))
}

/// What is in a compressed file.
pub(super) fn unpack(packed: Content, budget: &Arc<Budget>) -> io::Result<Content> {
    let mut packed = BufReader::new(packed);
    let packing = packing(packed.fill_buf()?).ok_or_else(|| damaged("it does not begin like one"))?;
    Ok(budget.meter((packing.unpack)(Box::new(packed))?))
}

/// Says of any error that the data are damaged, unless it was said already.
struct Damage<R>(R);

impl<R: Read> Read for Damage<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.get_ref() {
            Some(inner) if inner.is::<super::limit::Refused>() => error,
            _ => damaged(&error),
        })
    }
}

/// The frames of a zstd file one after the other.
struct Zstd {
    packed: Option<BufReader<Stream>>,
    frame: Option<StreamingDecoder<BufReader<Stream>, FrameDecoder>>,
}

impl Zstd {
    fn new(packed: Stream) -> Self {
        Self { packed: Some(BufReader::new(packed)), frame: None }
    }

    /// Begins the next frame, if there is one.
    fn begin(&mut self) -> io::Result<bool> {
        let Some(mut packed) = self.packed.take() else { return Ok(false) };
        if packed.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let frame = StreamingDecoder::new(packed).map_err(|error| damaged(first_line(&error)))?;
        self.frame = Some(frame);
        Ok(true)
    }
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let n = frame.read(buffer).map_err(|error| damaged(first_line(&error)))?;
                if n > 0 {
                    return Ok(n);
                }
                self.packed = self.frame.take().map(StreamingDecoder::into_inner);
            }
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

/// What the decoder says is wrong, which may go on with the error beneath.
fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
