//! What came from a source, looked at before it is let in: one file a part.
//!
//! Nothing of it is believed. It is read with limits, nothing of it is written under a name of its own, and
//! what holds no rule or no ATT&CK is refused with what was found instead.

mod attack;
mod derived;
mod rules;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use attack::AttackChanges;
pub use rules::{LevelChange, RuleChanges};

use crate::error::UpdateError;
use crate::manifest::{Part, Piece};
use crate::store::{Draft, Edition};

/// The most that is read of content that must be held in memory, in bytes.
const MAX_BYTES: u64 = 512 << 20;

/// What came from a source.
#[derive(Debug)]
pub(crate) struct Received {
    /// The source's name.
    pub(crate) name: String,
    /// The URL or path that it is from, in the user's words.
    pub(crate) origin: String,
    /// Where it lies now: a file, or a folder of rules.
    pub(crate) path: PathBuf,
    /// The licence, where the source says one.
    pub(crate) licence: Option<String>,
    /// What the server calls this state of it.
    pub(crate) etag: Option<String>,
    /// When the server last changed it.
    pub(crate) last_modified: Option<String>,
}

/// What is different after an update.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changes {
    /// In the rules.
    Rules(RuleChanges),
    /// In ATT&CK.
    Attack(AttackChanges),
}

/// Checks what was received and writes it into a draft.
pub(crate) fn admit(
    part: Part,
    received: &[Received],
    draft: &mut Draft,
    now: Timestamp,
) -> Result<(), UpdateError> {
    for received in received {
        match part {
            Part::Rules => rules::admit(received, draft, now)?,
            Part::Attack => attack::admit(received, draft, now)?,
        }
    }
    Ok(())
}

/// What is different between two editions; all of it is new where there was none before.
pub(crate) fn changes(before: Option<&Edition>, after: &Edition) -> Result<Changes, UpdateError> {
    Ok(match after.manifest().part {
        Part::Rules => Changes::Rules(rules::changes(before, after)?),
        Part::Attack => Changes::Attack(attack::changes(before, after)?),
    })
}

impl Received {
    /// The piece of an edition that it becomes; length and digest follow when it is written.
    fn piece(&self, file: String, now: Timestamp) -> Piece {
        Piece {
            name: self.name.clone(),
            origin: self.origin.clone(),
            commit: None,
            version: None,
            date: None,
            licence: self.licence.clone(),
            fetched: now,
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            file,
            n_bytes: 0,
            sha256: crate::Digest::of(b""),
        }
    }

    fn refuse(&self, what: impl Into<String>, help: &'static str) -> UpdateError {
        UpdateError::content(&self.origin, what, help)
    }

    fn open(&self) -> Result<File, UpdateError> {
        File::open(&self.path).map_err(UpdateError::file("read", &self.path))
    }

    fn bytes(&self) -> Result<Vec<u8>, UpdateError> {
        let mut bytes = Vec::new();
        let mut file = self.open()?.take(MAX_BYTES + 1);
        file.read_to_end(&mut bytes).map_err(UpdateError::file("read", &self.path))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(self.refuse("it is larger than the limits allow", HELP_WHOLE));
        }
        Ok(bytes)
    }
}

const HELP_WHOLE: &str = "check that it is what you meant; what was in use before still is";

/// Whether content is a web page: what a proxy, a login page or a wrong link gives instead of a file.
fn is_web_page(start: &[u8]) -> bool {
    let start = String::from_utf8_lossy(start.get(..512).unwrap_or(start)).to_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// A name for what lies at a path, fit for a file.
pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = [".tar.gz", ".tgz", ".zip", ".yml", ".yaml", ".json.gz", ".json"]
        .into_iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(&name);
    let plain: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let plain = plain.trim_start_matches('.');
    let short: String = plain.chars().take(80).collect();
    if short.is_empty() { "unnamed".to_owned() } else { short }
}
