//! GUIDs, in the byte order of the file.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A GUID. It reads with or without braces and prints as Windows prints it in an event:
/// `{54849625-5478-4994-a5ba-3e3b0328c30d}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u128);

impl Guid {
    /// The GUID whose hexadecimal digits, read without hyphens, are this number.
    #[must_use]
    pub const fn from_u128(digits: u128) -> Self {
        Self(digits)
    }

    /// The 16 bytes of the file: the first three groups little-endian, the rest as printed.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.0.to_be_bytes();
        let [i, j, k, l, m, n, o, p] = rest;
        [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
    }
}

impl FromStr for Guid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidGuid(text.to_owned());
        let bare = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
        if !bare.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
            return Err(invalid());
        }
        u128::from_str_radix(&bare.replace('-', ""), 16).map(Self).map_err(|_| invalid())
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |shift: u32, bits: u32| (self.0 >> shift) & ((1 << bits) - 1);
        let (a, b, c) = (group(96, 32), group(80, 16), group(64, 16));
        let (d, e) = (group(48, 16), group(0, 48));
        write!(f, "{{{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}}}")
    }
}
