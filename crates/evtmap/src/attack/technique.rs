//! A technique or a sub-technique: how an adversary reaches a tactic's goal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::tactic::TacticId;

/// The id of a technique, `T` and four digits, or of a sub-technique, with a dot and three digits more.
///
/// Ids are ordered as ATT&CK lists them: a technique, then its sub-techniques.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TechniqueId {
    number: u16,
    sub: Option<u16>,
}

impl TechniqueId {
    /// The technique to which a sub-technique belongs; `None` for a technique.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.sub.map(|_| Self { number: self.number, sub: None })
    }

    /// The page that MITRE has about it, by the form that all of them have.
    #[must_use]
    pub fn url(self) -> String {
        let Self { number, sub } = self;
        let sub = sub.map_or_else(String::new, |sub| format!("/{sub:03}"));
        format!("https://attack.mitre.org/techniques/T{number:04}{sub}")
    }
}

impl FromStr for TechniqueId {
    type Err = ParseIdError;

    /// Reads an id in either case.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let parse = || {
            let rest = text.strip_prefix(['T', 't'])?;
            let (number, sub) = match rest.split_once('.') {
                Some((number, sub)) => (number, Some(digits(sub, 3)?)),
                None => (rest, None),
            };
            Some(Self { number: digits(number, 4)?, sub })
        };
        parse().ok_or_else(|| ParseIdError::technique(text))
    }
}

impl fmt::Display for TechniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:04}", self.number)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{sub:03}"))
    }
}

impl TryFrom<String> for TechniqueId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, ParseIdError> {
        text.parse()
    }
}

impl From<TechniqueId> for String {
    fn from(id: TechniqueId) -> Self {
        id.to_string()
    }
}

/// Reads a number of exactly `n_digits` digits.
pub(super) fn digits(text: &str, n_digits: usize) -> Option<u16> {
    let exact = text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    exact.then(|| text.parse().ok())?
}

/// The text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the id of a {kind}")]
pub struct ParseIdError {
    text: String,
    kind: &'static str,
    help: &'static str,
}

impl ParseIdError {
    fn technique(text: &str) -> Self {
        let help = "write `T` and four digits, and for a sub-technique a dot and three digits";
        Self { text: text.to_owned(), kind: "technique", help }
    }

    pub(super) fn tactic(text: &str) -> Self {
        Self { text: text.to_owned(), kind: "tactic", help: "write `TA` and four digits" }
    }

    pub(super) fn object(text: &str) -> Self {
        let help = "write one to three letters and four digits";
        Self { text: text.to_owned(), kind: "group, software or the like", help }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "attack-bad-id"
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.help
    }
}

/// Whether ATT&CK still uses a technique.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    #[default]
    Active,
    /// Withdrawn without a successor.
    Deprecated,
    /// Replaced by another technique.
    Revoked,
}

/// A technique or sub-technique as one release of ATT&CK has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technique {
    /// Its id; [`TechniqueId::parent`] tells a sub-technique's technique.
    pub id: TechniqueId,
    /// Its name; a sub-technique's is without that of its technique.
    pub name: String,
    /// Its tactics, in the matrix's order. Empty for a revoked technique, which has no place in the matrix.
    pub tactics: Vec<TacticId>,
    /// The platforms to which it applies, sorted. Empty for a revoked technique.
    pub platforms: Vec<String>,
    /// Whether it is in use.
    pub status: Status,
    /// The technique that replaced a revoked one. It may itself have been revoked since.
    pub successor: Option<TechniqueId>,
    /// The id of its object in STIX, such as `attack-pattern--` and a UUID, by which other tools know it. No
    /// release changes it.
    pub stix_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let technique = text.parse::<TechniqueId>().map(|id| match id.parent() {
            Some(parent) => format!("{id} of {parent}"),
            None => id.to_string(),
        });
        let got = technique.or_else(|_| text.parse::<TacticId>().map(|id| id.to_string()));
        assert_eq!(got.unwrap_or_else(|_| "-".to_owned()), expect, "{text}");
    }

    #[test]
    fn ids() {
        check("T1059", "T1059");
        check("t1059.001", "T1059.001 of T1059");
        check("T0859", "T0859");
        check("ta0005", "TA0005");
        check("TA0112", "TA0112");
        for bad in [
            "",
            "T",
            "TA",
            "T105",
            "T10590",
            "T1059.",
            "T1059.1",
            "T1059.0001",
            "T1059.001.2",
            "T+059",
            "X1059",
            "TA005",
            "T１０５９",
            "é1059",
            "Té059",
            "T1059 ",
        ] {
            check(bad, "-");
        }
    }

    #[test]
    fn sub_techniques_follow_their_technique() {
        let mut ids: Vec<TechniqueId> =
            ["T1060", "T1059.002", "T1059", "T1059.001"].iter().map(|id| id.parse().unwrap()).collect();
        ids.sort();
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["T1059", "T1059.001", "T1059.002", "T1060"]);
    }

    #[test]
    fn an_error_says_what_to_write() {
        let error = "T12".parse::<TechniqueId>().unwrap_err();
        assert_eq!(error.to_string(), "`T12` is not the id of a technique");
        assert_eq!(error.code(), "attack-bad-id");
        assert!(error.help().starts_with("write `T`"));
    }
}
