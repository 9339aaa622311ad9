//! What can go wrong when ATT&CK is read from a file.

use std::io;

use thiserror::Error;

/// A file could not be read as ATT&CK.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttackError {
    /// The file could not be read to its end.
    #[error("the ATT&CK bundle could not be read: {0}")]
    Read(#[source] io::Error),
    /// The file is not JSON, or ends too early.
    #[error("the ATT&CK bundle is broken: {0}")]
    Broken(String),
    /// The file is JSON, but its shape is not that of STIX.
    #[error("the file is not a STIX bundle: {0}")]
    NotBundle(String),
    /// The bundle is larger than the given number of bytes.
    #[error("the ATT&CK bundle is larger than {0} bytes")]
    TooLarge(u64),
    /// The bundle holds no technique of ATT&CK.
    #[error("the STIX bundle holds no ATT&CK technique")]
    NoTechnique,
}

/// How much of an object that cannot be read is shown.
const N_SHOWN: usize = 60;

impl AttackError {
    /// JSON errors tell by their category what is wrong with an object.
    pub(super) fn of_object(error: &serde_json::Error, object: &[u8]) -> Self {
        let start = String::from_utf8_lossy(object.get(..N_SHOWN).unwrap_or(object));
        let what = format!("{error}, in the object that begins `{}`", start.replace(['\n', '\r'], " "));
        if error.is_data() { Self::NotBundle(what) } else { Self::Broken(what) }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "attack-unreadable",
            Self::Broken(_) => "attack-broken-json",
            Self::NotBundle(_) => "attack-not-a-bundle",
            Self::TooLarge(_) => "attack-too-large",
            Self::NoTechnique => "attack-no-technique",
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read(_) => "check that the file exists and may be read",
            Self::Broken(_) => "the file may be only partly downloaded; fetch it again",
            Self::NotBundle(_) | Self::NoTechnique => {
                "give a bundle of MITRE's attack-stix-data or cti repository, such as enterprise-attack.json"
            }
            Self::TooLarge(_) => "give a bundle of one domain and one release",
        }
    }
}
