//! The values that Windows renders an event into: a buffer of its variants, read without trusting it.
//!
//! A variant is 16 bytes: the value itself or where it lies, a count, and its type. Source: winevt.h
//! (`EVT_VARIANT`). The types are numbered as those of BinXML are, so that the library writes their text as it
//! does for files. What a variant points to lies in the same buffer; whatever does not is refused.

#![cfg_attr(not(windows), allow(dead_code, reason = "only Windows fills buffers, and tests do"))]

use evtmap::input::write_value;

use crate::error::Code;

/// The bytes of a variant.
const VARIANT_BYTES: usize = 16;
/// The largest buffer; Windows' events have at most 64 KiB, and twice that as XML in UTF-16.
pub(crate) const MAX_BUFFER_BYTES: usize = 16 << 20;

/// The types of variants that are looked at.
pub(crate) mod kind {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const STRING: u8 = 1;
    pub(crate) const INT8: u8 = 3;
    pub(crate) const UINT8: u8 = 4;
    pub(crate) const INT16: u8 = 5;
    pub(crate) const UINT16: u8 = 6;
    pub(crate) const INT32: u8 = 7;
    pub(crate) const UINT32: u8 = 8;
    pub(crate) const INT64: u8 = 9;
    pub(crate) const UINT64: u8 = 10;
    pub(crate) const BOOL: u8 = 13;
    pub(crate) const BINARY: u8 = 14;
    pub(crate) const GUID: u8 = 15;
    pub(crate) const SIZE_T: u8 = 16;
    pub(crate) const FILETIME: u8 = 17;
    pub(crate) const SID: u8 = 19;
    pub(crate) const HEX_INT32: u8 = 20;
    pub(crate) const HEX_INT64: u8 = 21;
}

/// A buffer that Windows fills, aligned as variants have to be; it grows and is used again.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    words: Vec<u64>,
    /// The bytes that were filled last, and where Windows saw the first of them.
    bytes: Vec<u8>,
    address: usize,
}

impl Buffer {
    /// How many bytes it has.
    pub(crate) fn n_bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Makes it at least so large.
    ///
    /// # Errors
    /// When that is more than any event needs.
    pub(crate) fn grow(&mut self, n_bytes: usize) -> Result<(), Code> {
        if n_bytes > MAX_BUFFER_BYTES {
            return Err(Code::INVALID_DATA);
        }
        if n_bytes > self.n_bytes() {
            self.words.resize(n_bytes.div_ceil(8), 0);
        }
        Ok(())
    }

    /// The memory, to be filled.
    pub(crate) fn memory(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Notes how much was filled.
    pub(crate) fn set_used(&mut self, n_bytes: usize) {
        self.address = self.words.as_ptr().addr();
        self.bytes.clear();
        let words = self.words.iter().take(n_bytes.div_ceil(8));
        self.bytes.extend(words.flat_map(|word| word.to_le_bytes()));
        self.bytes.truncate(n_bytes);
    }

    /// The text in UTF-16 that it was filled with, up to the first NUL.
    pub(crate) fn text(&self) -> String {
        let units = self.bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let units = units.take_while(|unit| *unit != 0);
        char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The variants that it was filled with.
    pub(crate) fn values(&self, n_values: usize) -> Values<'_> {
        Values { bytes: &self.bytes, address: self.address, n_values }
    }
}

/// Variants in a buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'b> {
    bytes: &'b [u8],
    address: usize,
    n_values: usize,
}

/// A value of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiveValue<'b> {
    /// Its type.
    pub(crate) kind: u8,
    /// Its bytes, as BinXML has them.
    bytes: &'b [u8],
}

/// A value that is not read here, such as an array, or one that is not as its type says: the event is then read
/// as XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusual;

impl<'b> Values<'b> {
    /// How many there are.
    pub(crate) fn len(self) -> usize {
        self.n_values
    }

    /// The value with an index.
    pub(crate) fn get(self, index: usize) -> Result<LiveValue<'b>, Unusual> {
        let start = index.checked_mul(VARIANT_BYTES).ok_or(Unusual)?;
        let variant = self.bytes.get(start..).and_then(|rest| rest.first_chunk::<VARIANT_BYTES>());
        let (own, rest) = variant.and_then(|variant| variant.split_first_chunk::<8>()).ok_or(Unusual)?;
        let (count, kind) = rest.split_first_chunk::<4>().ok_or(Unusual)?;
        let (count, address) = (u32::from_le_bytes(*count) as usize, u64::from_le_bytes(*own));
        let kind = kind.first_chunk::<4>().copied().map(u32::from_le_bytes).ok_or(Unusual)?;
        let kind = u8::try_from(kind).map_err(|_| Unusual)?;
        let own = |n: usize| own.get(..n).ok_or(Unusual);
        let bytes = match kind {
            kind::NULL => &[],
            kind::INT8 | kind::UINT8 => own(1)?,
            kind::INT16 | kind::UINT16 => own(2)?,
            kind::INT32 | kind::UINT32 | kind::BOOL | kind::HEX_INT32 => own(4)?,
            kind::INT64 | kind::UINT64 | kind::SIZE_T | kind::FILETIME | kind::HEX_INT64 => own(8)?,
            kind::STRING => self.text(address)?,
            kind::GUID => self.behind(address, 16)?,
            kind::BINARY if count == 0 => &[],
            kind::BINARY => self.behind(address, count)?,
            kind::SID => {
                let n_parts = self.behind(address, 2)?.last().copied().unwrap_or_default();
                self.behind(address, 8 + 4 * usize::from(n_parts))?
            }
            _ => return Err(Unusual),
        };
        Ok(LiveValue { kind, bytes })
    }

    /// The number that a value is, whatever its width; nothing when it is none.
    pub(crate) fn number(self, index: usize) -> Option<u64> {
        let bytes = self.get(index).ok()?.bytes;
        let mut number = [0; 8];
        number.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(number))
    }

    /// What lies at an address, which is to be one in the buffer.
    fn at(self, address: u64) -> Result<&'b [u8], Unusual> {
        let address = usize::try_from(address).map_err(|_| Unusual)?;
        let offset = address.checked_sub(self.address).ok_or(Unusual)?;
        self.bytes.get(offset..).ok_or(Unusual)
    }

    fn behind(self, address: u64, n_bytes: usize) -> Result<&'b [u8], Unusual> {
        self.at(address)?.get(..n_bytes).ok_or(Unusual)
    }

    /// The text in UTF-16 at an address, without the NUL that ends it.
    fn text(self, address: u64) -> Result<&'b [u8], Unusual> {
        let bytes = self.at(address)?;
        let n_units = bytes.as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0]).ok_or(Unusual)?;
        bytes.get(..2 * n_units).ok_or(Unusual)
    }
}

impl LiveValue<'_> {
    /// Appends its text, as Windows shows it.
    pub(crate) fn write(self, text: &mut String) -> Result<(), Unusual> {
        self.write_as(self.kind, text)
    }

    /// Appends its text as that of another type of the same size.
    pub(crate) fn write_as(self, kind: u8, text: &mut String) -> Result<(), Unusual> {
        if write_value(kind, self.bytes, text) { Ok(()) } else { Err(Unusual) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Fills a buffer as Windows does: the variants, and behind them what they point to.
    pub(crate) fn filled(values: &[(u8, &[u8])]) -> Buffer {
        let mut buffer = Buffer::default();
        let n_behind: usize = values.iter().map(|(_, bytes)| bytes.len().next_multiple_of(8) + 8).sum();
        buffer.grow(values.len() * VARIANT_BYTES + n_behind).unwrap();
        let start = buffer.words.as_ptr().addr() as u64;
        let mut at = values.len() * 2;
        for (index, (kind, bytes)) in values.iter().enumerate() {
            let word = |chunk: &[u8]| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            };
            let is_behind = matches!(*kind, kind::STRING | kind::GUID | kind::BINARY | kind::SID);
            buffer.words[2 * index] = if is_behind { start + 8 * at as u64 } else { word(bytes) };
            buffer.words[2 * index + 1] = u64::from(*kind) << 32 | bytes.len() as u64;
            if is_behind {
                for chunk in bytes.chunks(8) {
                    buffer.words[at] = word(chunk);
                    at += 1;
                }
                at += 1;
            }
        }
        buffer.set_used(buffer.n_bytes());
        buffer
    }

    pub(crate) fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn text(value: LiveValue<'_>) -> String {
        let mut text = String::new();
        value.write(&mut text).unwrap();
        text
    }

    #[test]
    fn each_type() {
        let sid = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        let long = utf16(&"x".repeat(60_000));
        let values: [(u8, &[u8]); 12] = [
            (kind::NULL, &[]),
            (kind::STRING, &utf16("bü☃")),
            (kind::UINT8, &[200]),
            (kind::INT32, &[0xff, 0xff, 0xff, 0xff]),
            (kind::BOOL, &[1, 0, 0, 0]),
            (kind::BINARY, &[0, 255]),
            (kind::GUID, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
            (kind::FILETIME, &133_000_000_000_000_000_u64.to_le_bytes()),
            (kind::SID, &sid),
            (kind::HEX_INT64, &4096_u64.to_le_bytes()),
            (kind::STRING, &long),
            (kind::STRING, &[]),
        ];
        let buffer = filled(&values);
        let found = buffer.values(values.len());
        let texts: Vec<String> = (0..found.len()).map(|index| text(found.get(index).unwrap())).collect();
        let expected = [
            "",
            "bü☃",
            "200",
            "-1",
            "true",
            "00FF",
            "{04030201-0605-0807-090a-0b0c0d0e0f10}",
            "2022-06-18T04:26:40.0000000Z",
            "S-1-5-32-544",
            "0x1000",
        ];
        assert_eq!(texts[..10], expected);
        assert_eq!((texts[10].len(), texts[11].as_str()), (60_000, ""));
    }

    #[track_caller]
    fn check_refused(kind: u8, value: u64, count: u32) {
        let mut buffer = filled(&[(kind::BINARY, &[0xff; 16])]);
        if value != 0 {
            buffer.words[0] = value;
        }
        buffer.words[1] = u64::from(kind) << 32 | u64::from(count);
        buffer.words[2..].fill(u64::MAX);
        buffer.set_used(buffer.n_bytes());
        assert_eq!(buffer.values(1).get(0), Err(Unusual));
    }

    #[test]
    fn what_lies_outside_is_refused() {
        for kind in [kind::STRING, kind::GUID, kind::SID, kind::BINARY] {
            for address in [1, 8, u64::MAX, u64::MAX - 3] {
                check_refused(kind, address, 16);
            }
        }
        // A text without its end, a SID and a binary that are longer than the buffer.
        for kind in [kind::STRING, kind::SID, kind::BINARY, 129, 2] {
            check_refused(kind, 0, u32::MAX);
        }
        assert_eq!(filled(&[(kind::UINT8, &[1])]).values(9).get(8), Err(Unusual));
        assert_eq!(Buffer::default().grow(MAX_BUFFER_BYTES + 1), Err(Code::INVALID_DATA));
    }
}
