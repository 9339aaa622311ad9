//! How bad an alert is.

use evtmap_sigma::Level;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad an alert is, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Context; no case of its own.
    Informational,
    /// Notable, rarely an incident.
    Low,
    /// Relevant, to be looked at.
    Medium,
    /// Likely an incident.
    High,
    /// An incident.
    Critical,
}

impl Severity {
    /// Every severity, the worst first, as reports show them.
    pub const WORST_FIRST: [Self; 5] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Informational];

    /// The severity of that name, in capitals or not.
    pub fn named(name: &str) -> Option<Self> {
        Self::WORST_FIRST.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(name))
    }

    /// The next worse one; the worst stays.
    pub fn worse(self) -> Self {
        match self {
            Self::Informational => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }

    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl From<Option<Level>> for Severity {
    /// A rule whose author gave no level is worth a look and no alarm.
    fn from(level: Option<Level>) -> Self {
        match level {
            Some(Level::Informational) => Self::Informational,
            Some(Level::Low) => Self::Low,
            Some(Level::Medium) | None => Self::Medium,
            Some(Level::High) => Self::High,
            Some(Level::Critical) => Self::Critical,
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
