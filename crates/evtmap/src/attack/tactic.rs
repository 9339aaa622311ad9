//! A tactic: what an adversary is after, a column of the matrix.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::technique::{ParseIdError, digits};

/// The id of a tactic: `TA` and four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TacticId(u16);

impl FromStr for TacticId {
    type Err = ParseIdError;

    /// Reads an id in either case.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let parse = || {
            let (prefix, number) = text.split_at_checked(2)?;
            prefix.eq_ignore_ascii_case("TA").then(|| digits(number, 4))?
        };
        parse().map(Self).ok_or_else(|| ParseIdError::tactic(text))
    }
}

impl fmt::Display for TacticId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TA{:04}", self.0)
    }
}

impl TryFrom<String> for TacticId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, ParseIdError> {
        text.parse()
    }
}

impl From<TacticId> for String {
    fn from(id: TacticId) -> Self {
        id.to_string()
    }
}

/// A tactic as one release of ATT&CK names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tactic {
    /// Its id. An id may outlive a name: one release's tactic can be another's under a new name.
    pub id: TacticId,
    /// The name that tags and STIX use, in lower case with hyphens.
    pub short_name: String,
    /// The name for people.
    pub name: String,
}
