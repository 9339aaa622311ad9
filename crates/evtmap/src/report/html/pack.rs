//! A document as text that can stand in a page.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::document::Document;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// JSON, compressed with gzip, in base64. None as soon as that is longer than so many bytes.
pub(super) fn pack_within(document: &Document, n_bytes_max: usize) -> io::Result<Option<String>> {
    let room = Room { bytes: Vec::new(), n_bytes_max: n_bytes_max / 4 * 3, is_exceeded: false };
    let mut encoder = GzEncoder::new(room, Compression::best());
    let written = write(document, &mut encoder).and_then(|()| encoder.try_finish());
    let room = encoder.get_ref();
    if room.is_exceeded {
        return Ok(None);
    }
    written.map(|()| Some(base64(&room.bytes)))
}

/// The same, however long it is.
pub(super) fn pack(document: &Document) -> io::Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    write(document, &mut encoder)?;
    Ok(base64(&encoder.finish()?))
}

fn write(document: &Document, out: &mut impl Write) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    serde_json::to_writer(&mut out, document)?;
    out.flush()
}

/// Bytes up to a number; more are refused.
struct Room {
    bytes: Vec<u8>,
    n_bytes_max: usize,
    is_exceeded: bool,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_exceeded || self.bytes.len() + bytes.len() > self.n_bytes_max {
            self.is_exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize).copied();
            text.push(if place > chunk.len() { '=' } else { digit.map_or('=', char::from) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("\u{ff}\u{3e}", "w78+"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
    }
}
