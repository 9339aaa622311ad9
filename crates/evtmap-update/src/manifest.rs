//! What an edition says of itself: what it is made of, where each piece is from, and since when.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The form of manifests that this program writes. One of a higher number is by a later program.
pub(crate) const FORMAT: u32 = 1;

/// What the cache holds, each with editions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Sigma rules.
    Rules,
    /// ATT&CK.
    Attack,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 2] = [Self::Rules, Self::Attack];

    /// The word for it on the command line and in the cache.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Attack => "attack",
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Attack => "ATT&CK data",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|part| part.as_str() == text)
            .ok_or_else(|| "it is `rules` or `attack`".to_owned())
    }
}

/// What an edition is made of. It lies in the edition's folder as `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the manifest.
    pub format: u32,
    /// What the edition is of.
    pub part: Part,
    /// When it was put into the cache.
    pub landed: Timestamp,
    /// The version of the program that put it there.
    pub evtmap: String,
    /// What it is made of.
    pub pieces: Vec<Piece>,
}

/// Content from one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The source's name, such as `sigmahq`; each once in an edition.
    pub name: String,
    /// The URL or path that it is from.
    pub origin: String,
    /// Its commit, where the content tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Its version, such as ATT&CK's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The day that its content is of as `YYYY-MM-DD`, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// What its licence calls itself, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// When it was fetched or carried over.
    pub fetched: Timestamp,
    /// What the server calls this state of it, to ask whether there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When the server last changed it, in the server's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The file in the edition's folder.
    pub file: String,
    /// How long the file is.
    pub n_bytes: u64,
    /// The file's digest.
    pub sha256: Digest,
}

impl Piece {
    /// The piece in few words, such as `sigmahq of 2026-08-05 (commit 1a2b3c4)`.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = self.name.clone();
        if let Some(version) = &self.version {
            label = format!("{label} {version}");
        }
        if let Some(date) = &self.date {
            label = format!("{label} of {date}");
        }
        if let Some(commit) = self.commit.as_deref().and_then(|commit| commit.get(..7)) {
            label = format!("{label} (commit {commit})");
        }
        label
    }
}
