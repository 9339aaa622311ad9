//! What ATT&CK has beside tactics and techniques: groups, software, mitigations and the like.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::technique::{ParseIdError, Status, digits};

/// The id of such an object: one to three letters and four digits, such as those of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId(String);

impl FromStr for ObjectId {
    type Err = ParseIdError;

    /// Reads an id in either case.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let number = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let n_letters = text.len() - number.len();
        // A new kind of object has other letters and needs no change here; a technique's and a tactic's are
        // ids of their own.
        let is_own = text.parse::<super::TechniqueId>().is_err() && text.parse::<super::TacticId>().is_err();
        if is_own && (1..=3).contains(&n_letters) && digits(number, 4).is_some() {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(ParseIdError::object(text))
        }
    }
}

impl ObjectId {
    /// The id as ATT&CK writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ObjectId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, ParseIdError> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.0
    }
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// What can be done against techniques.
    Mitigation,
    /// Who uses them.
    Group,
    /// Malware and tools that use them.
    Software,
    /// A series of intrusions in which they were used.
    Campaign,
    /// Where traces are found; a word of releases before 18.
    DataSource,
    /// What traces are.
    DataComponent,
    /// How a technique is seen; from release 18 on.
    DetectionStrategy,
    /// What a detection strategy looks at on one platform.
    Analytic,
}

impl ObjectKind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Mitigation,
        Self::Group,
        Self::Software,
        Self::Campaign,
        Self::DataSource,
        Self::DataComponent,
        Self::DetectionStrategy,
        Self::Analytic,
    ];

    /// The word for one of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mitigation => "mitigation",
            Self::Group => "group",
            Self::Software => "software",
            Self::Campaign => "campaign",
            Self::DataSource => "data source",
            Self::DataComponent => "data component",
            Self::DetectionStrategy => "detection strategy",
            Self::Analytic => "analytic",
        }
    }

    /// The word for several of the kind.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Mitigation => "mitigations",
            Self::Group => "groups",
            Self::Software => "software",
            Self::Campaign => "campaigns",
            Self::DataSource => "data sources",
            Self::DataComponent => "data components",
            Self::DetectionStrategy => "detection strategies",
            Self::Analytic => "analytics",
        }
    }
}

/// An object as one release of ATT&CK has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its id.
    pub id: ObjectId,
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    #[serde(default, skip_serializing_if = "is_active")]
    pub status: Status,
    /// The object that replaced a revoked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<ObjectId>,
}

fn is_active(status: &Status) -> bool {
    *status == Status::Active
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let read = |text: &str| text.parse::<ObjectId>().map(|id| id.to_string()).unwrap_or_default();
        for id in ["G0049", "S0002", "C0001", "M1036", "DS0005", "DC0034", "DET0001", "AN0061"] {
            assert_eq!(read(&id.to_lowercase()), id);
        }
        // Mitigations of old releases have the ids of techniques.
        for text in ["T1059", "TA0005", "T1059.001", "G49", "ABCD0001", "0001", "", "G004é", "G00491"] {
            assert_eq!(read(text), "", "{text}");
        }
    }
}
