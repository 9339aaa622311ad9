//! A catalogue in few bytes: what is kept of a bundle, so that it need not be read again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::history::History;
use super::object::Object;
use super::tactic::Tactic;
use super::technique::{Technique, TechniqueId};
use super::{AttackError, Catalogue, Library};

/// The form of what is written. Another one is not read: the bundle is.
const FORMAT: u32 = 2;

/// A catalogue as it is written.
#[derive(Serialize, Deserialize)]
struct Compact<'a> {
    format: u32,
    domain: Option<String>,
    version: Option<String>,
    date: Option<String>,
    tactics: Cow<'a, [Tactic]>,
    techniques: Cow<'a, [Technique]>,
    objects: Cow<'a, [Object]>,
    summaries: Cow<'a, BTreeMap<TechniqueId, String>>,
}

/// A library as it is written.
#[derive(Serialize, Deserialize)]
struct CompactLibrary<'a> {
    format: u32,
    library: Cow<'a, Library>,
}

impl Catalogue {
    /// The catalogue in a form of its own that is read in a few milliseconds, for a cache.
    #[must_use]
    pub fn to_compact(&self) -> Vec<u8> {
        let compact = Compact {
            format: FORMAT,
            domain: self.domain.clone(),
            version: self.version.clone(),
            date: self.date.clone(),
            tactics: Cow::Borrowed(&self.tactics),
            techniques: Cow::Borrowed(&self.techniques),
            objects: Cow::Borrowed(&self.objects),
            summaries: Cow::Borrowed(&self.summaries),
        };
        // Nothing of it can fail to be written as JSON.
        serde_json::to_vec(&compact).unwrap_or_default()
    }

    /// Reads what [`to_compact`](Self::to_compact) wrote.
    ///
    /// # Errors
    /// When the bytes are not that, or of another version of the program.
    pub fn from_compact(bytes: &[u8]) -> Result<Self, AttackError> {
        let compact: Compact<'_> = read(bytes)?;
        let (techniques, objects) = (compact.techniques.into_owned(), compact.objects.into_owned());
        let is_sorted =
            techniques.is_sorted_by(|a, b| a.id < b.id) && objects.is_sorted_by(|a, b| a.id < b.id);
        if compact.format != FORMAT || !is_sorted {
            return Err(AttackError::NotBundle("it is of another version of the program".to_owned()));
        }
        Ok(Self {
            domain: compact.domain,
            version: compact.version,
            date: compact.date,
            tactics: compact.tactics.into_owned(),
            techniques,
            objects,
            summaries: compact.summaries.into_owned(),
            history: History::embedded(),
        })
    }
}

impl Library {
    /// The library in a form of its own, for a cache.
    #[must_use]
    pub fn to_compact(&self) -> Vec<u8> {
        let compact = CompactLibrary { format: FORMAT, library: Cow::Borrowed(self) };
        serde_json::to_vec(&compact).unwrap_or_default()
    }

    /// Reads what [`to_compact`](Self::to_compact) wrote.
    ///
    /// # Errors
    /// When the bytes are not that, or of another version of the program.
    pub fn from_compact(bytes: &[u8]) -> Result<Self, AttackError> {
        let compact: CompactLibrary<'_> = read(bytes)?;
        if compact.format != FORMAT {
            return Err(AttackError::NotBundle("it is of another version of the program".to_owned()));
        }
        Ok(compact.library.into_owned())
    }
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, AttackError> {
    serde_json::from_slice(bytes).map_err(|error| AttackError::of_object(&error, bytes))
}
