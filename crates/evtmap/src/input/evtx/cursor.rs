//! A place in a chunk from which tokens, numbers and names are read.

use super::value::{self, Unusual};

/// A place in a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'c> {
    pub(super) chunk: &'c [u8],
    pub(super) at: usize,
    pub(super) end: usize,
}

impl<'c> Cursor<'c> {
    pub(super) fn bytes(&mut self, n_bytes: usize) -> Result<&'c [u8], Unusual> {
        let end = self.at.checked_add(n_bytes).filter(|end| *end <= self.end).ok_or(Unusual)?;
        let bytes = self.chunk.get(self.at..end).ok_or(Unusual)?;
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unusual> {
        self.bytes(N)?.try_into().map_err(|_| Unusual)
    }

    pub(super) fn token(&mut self) -> Result<u8, Unusual> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Unusual> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Unusual> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn fragment_header(&mut self) -> Result<(), Unusual> {
        if self.array()? == [0x0f, 1, 1, 0] { Ok(()) } else { Err(Unusual) }
    }

    /// A text behind its number of units.
    pub(super) fn text(&mut self) -> Result<String, Unusual> {
        let n_units = usize::from(self.u16()?);
        let mut text = String::new();
        value::push_utf16(self.bytes(n_units * 2)?, &mut text);
        Ok(text)
    }

    /// A name, which stands where it was first used in the chunk.
    pub(super) fn name(&mut self) -> Result<String, Unusual> {
        /// Where the next name is, and a hash.
        const BEFORE: usize = 6;
        let at = usize::try_from(self.u32()?).map_err(|_| Unusual)?;
        let mut elsewhere =
            Self { chunk: self.chunk, at: at.checked_add(BEFORE).ok_or(Unusual)?, end: self.chunk.len() };
        let name = elsewhere.text()?;
        if at == self.at {
            self.at = elsewhere.at + 2;
        }
        // Names of elements are words; anything else may be written in ways of its own.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_plain) { Err(Unusual) } else { Ok(name) }
    }
}
