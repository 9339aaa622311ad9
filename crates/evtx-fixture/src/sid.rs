//! Security identifiers.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A security identifier such as `S-1-5-18`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    /// 48 bits: 5 is the NT authority.
    authority: u64,
    /// At most 15.
    sub_authorities: Vec<u32>,
}

impl Sid {
    const REVISION: u8 = 1;
    const SUB_AUTHORITIES_MAX: usize = 15;

    /// The bytes of the file: revision, count, authority (big-endian), sub-authorities (little-endian).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let [_, _, authority @ ..] = self.authority.to_be_bytes();
        let count = u8::try_from(self.sub_authorities.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![Self::REVISION, count];
        bytes.extend(authority);
        bytes.extend(self.sub_authorities.iter().flat_map(|id| id.to_le_bytes()));
        bytes
    }
}

impl FromStr for Sid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (authority, rest) = text.strip_prefix("S-1-")?.split_once('-')?;
            let sid = Self {
                authority: authority.parse().ok()?,
                sub_authorities: rest.split('-').map(|id| id.parse().ok()).collect::<Option<_>>()?,
            };
            let valid = sid.authority < 1 << 48 && sid.sub_authorities.len() <= Self::SUB_AUTHORITIES_MAX;
            valid.then_some(sid)
        };
        parse().ok_or_else(|| Error::InvalidSid(text.to_owned()))
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-{}-{}", Self::REVISION, self.authority)?;
        self.sub_authorities.iter().try_for_each(|id| write!(f, "-{id}"))
    }
}
