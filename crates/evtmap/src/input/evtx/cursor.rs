//! A place in a chunk from which tokens, numbers and names are read.

use super::value::Unusual;

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

    /// A text in UTF-16, which stands behind its number of units.
    pub(super) fn text(&mut self) -> Result<&'c [u8], Unusual> {
        let n_units = usize::from(self.u16()?);
        self.bytes(n_units * 2)
    }

    /// The name of an element or an attribute.
    pub(super) fn name(&mut self) -> Result<Name<'c>, Unusual> {
        self.name_text().and_then(Name::of)
    }

    /// A name, which stands where it was first used in the chunk, in UTF-16.
    pub(super) fn name_text(&mut self) -> Result<&'c [u8], Unusual> {
        /// Where the next name is, and a hash.
        const BEFORE: usize = 6;
        let at = usize::try_from(self.u32()?).map_err(|_| Unusual)?;
        let mut elsewhere =
            Self { chunk: self.chunk, at: at.checked_add(BEFORE).ok_or(Unusual)?, end: self.chunk.len() };
        let name = elsewhere.text()?;
        if at == self.at {
            self.at = elsewhere.at + 2;
        }
        Ok(name)
    }
}

/// The name of an element or an attribute: a word in ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'c>(&'c [u8]);

impl<'c> Name<'c> {
    /// The name that a text in UTF-16 is. Anything but words may be written in ways of its own.
    fn of(utf16: &'c [u8]) -> Result<Self, Unusual> {
        let (units, _) = utf16.as_chunks::<2>();
        let is_plain =
            |[byte, high]: &[u8; 2]| *high == 0 && (byte.is_ascii_alphanumeric() || b"_-.:".contains(byte));
        if units.is_empty() || !units.iter().all(is_plain) { Err(Unusual) } else { Ok(Self(utf16)) }
    }

    pub(super) fn utf16(self) -> &'c [u8] {
        self.0
    }

    /// Whether it is a name in ASCII.
    pub(super) fn is(self, name: &str) -> bool {
        self.0.len() == name.len() * 2 && self.starts_with(name)
    }

    fn starts_with(self, name: &str) -> bool {
        let (units, _) = self.0.as_chunks::<2>();
        units.len() >= name.len() && units.iter().zip(name.bytes()).all(|([own, _], byte)| *own == byte)
    }

    /// Whether it is that of an attribute that names a namespace.
    pub(super) fn is_namespace(self) -> bool {
        self.is("xmlns") || self.starts_with("xmlns:")
    }
}
