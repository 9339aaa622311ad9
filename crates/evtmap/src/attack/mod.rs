//! MITRE ATT&CK: the tactics and techniques of one release, and what a rule's tags mean in it.
//!
//! Rules and ATT&CK data are seldom of one age. A [`Catalogue`] therefore follows a technique that was
//! replaced to its successor, and one that it does not have yet to what came before it; likewise with
//! tactics. It always names things as its own release does.
//!
//! ```
//! use evtmap::attack::Catalogue;
//!
//! let attack = Catalogue::bundled();
//! let mapping = attack.resolve_all(["attack.defense-evasion", "attack.t1562.001"]);
//! for technique in mapping.techniques() {
//!     println!("{} {}", technique.id, technique.name);
//! }
//! assert!(mapping.unresolved.is_empty());
//! ```

mod compact;
mod diff;
mod error;
mod history;
mod library;
mod object;
mod own;
mod resolve;
mod stix;
mod tactic;
mod tag;
mod technique;

use std::collections::BTreeMap;
use std::io::Read;

pub use diff::{Change, Difference, TacticChange, TechniqueChange};
pub use error::AttackError;
pub use library::{Library, ObjectEntry, Reference, TechniqueEntry, Trace, plain_text};
pub use object::{Object, ObjectId, ObjectKind};
pub use own::own_description;
pub use resolve::{Followed, Mapped, Mapping, Resolved, Route};
pub use tactic::{Tactic, TacticId};
pub use technique::{ParseIdError, Status, Technique, TechniqueId};

use history::History;

/// The tactics and techniques of one release of ATT&CK.
#[derive(Debug, Clone)]
pub struct Catalogue {
    domain: Option<String>,
    version: Option<String>,
    date: Option<String>,
    tactics: Vec<Tactic>,
    // INVARIANT: in the order of their ids, each id once.
    techniques: Vec<Technique>,
    // INVARIANT: in the order of their ids, each id once.
    objects: Vec<Object>,
    /// What techniques are, in a few sentences of the release.
    summaries: BTreeMap<TechniqueId, String>,
    history: History,
}

impl Catalogue {
    /// The newest release that is part of the program.
    #[must_use]
    pub fn bundled() -> Self {
        let history = History::embedded();
        let newest = history.releases.first().map(|release| release.version.clone());
        Self::from_history(history, &newest.unwrap_or_default())
    }

    /// A release that is part of the program, by its version; `None` for a version that is not.
    #[must_use]
    pub fn bundled_version(version: &str) -> Option<Self> {
        let history = History::embedded();
        let is_known = history.releases.iter().any(|release| release.version == version);
        is_known.then(|| Self::from_history(history, version))
    }

    fn from_history(history: History, version: &str) -> Self {
        let release = history.releases.iter().find(|release| release.version == version);
        Self {
            domain: Some(history.domain.clone()),
            version: release.map(|release| release.version.clone()),
            date: release.map(|release| release.date.clone()),
            tactics: (release.iter().flat_map(|release| &release.tactics))
                .map(|column| column.tactic.clone())
                .collect(),
            techniques: history.techniques(version),
            objects: history.objects.clone(),
            summaries: BTreeMap::new(),
            history,
        }
    }

    /// Reads a STIX 2.0 or 2.1 bundle of one ATT&CK domain, as MITRE publishes it.
    ///
    /// The bundle is read as a stream.
    ///
    /// # Errors
    ///
    /// When the bundle cannot be read, is not JSON, is no STIX bundle, holds no technique, or is larger than
    /// any bundle of ATT&CK may be.
    pub fn from_stix(reader: impl Read) -> Result<Self, AttackError> {
        Ok(Self::from_stix_whole(reader)?.0)
    }

    /// Reads a bundle as [`from_stix`](Self::from_stix) does, and all that it tells at length.
    ///
    /// # Errors
    /// As those of [`from_stix`](Self::from_stix).
    pub fn from_stix_whole(reader: impl Read) -> Result<(Self, Library), AttackError> {
        let stix::Bundle { domain, version, date, tactics, techniques, objects, library } =
            stix::read(reader)?;
        let told = library.techniques.iter().filter(|(_, entry)| !entry.description.is_empty());
        let summaries = told.map(|(id, entry)| (*id, library::summary(&entry.description))).collect();
        let history = History::embedded();
        let catalogue = Self { domain, version, date, tactics, techniques, objects, summaries, history };
        Ok((catalogue, library))
    }

    /// The versions that are part of the program, newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<&str> {
        self.history.releases.iter().map(|release| release.version.as_str()).collect()
    }

    /// The domain as ATT&CK writes it in its matrix; `None` if the bundle has no matrix.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The release's version; `None` if the bundle does not say, as those of STIX 2.0 do not.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The day of the release as `YYYY-MM-DD`; `None` if the bundle does not say.
    #[must_use]
    pub fn date(&self) -> Option<&str> {
        self.date.as_deref()
    }

    /// Domain, release and its day in words, as `enterprise-attack 19.2 of 2026-08-05`.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label =
            [self.domain().unwrap_or("of"), self.version().unwrap_or("unknown version")].join(" ");
        if let Some(date) = self.date() {
            label = format!("{label} of {date}");
        }
        label
    }

    /// The tactics in the matrix's order.
    #[must_use]
    pub fn tactics(&self) -> &[Tactic] {
        &self.tactics
    }

    /// The tactic with an id.
    #[must_use]
    pub fn tactic(&self, id: TacticId) -> Option<&Tactic> {
        self.tactics.iter().find(|tactic| tactic.id == id)
    }

    /// The techniques and sub-techniques in the order of their ids, also those no longer in use.
    #[must_use]
    pub fn techniques(&self) -> &[Technique] {
        &self.techniques
    }

    /// The technique with an id, as it is: [`resolve`](Self::resolve) follows what was replaced.
    #[must_use]
    pub fn technique(&self, id: TechniqueId) -> Option<&Technique> {
        let place = self.techniques.binary_search_by_key(&id, |technique| technique.id).ok()?;
        self.techniques.get(place)
    }

    /// What a technique is in a few sentences of plain text: the release's where it was read from a bundle
    /// with texts, and otherwise [`own_description`].
    #[must_use]
    pub fn summary(&self, id: TechniqueId) -> Option<&str> {
        self.summaries.get(&id).map(String::as_str).or_else(|| own_description(id))
    }

    /// Groups, software, mitigations and the like in the order of their ids, also those no longer in use.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object with an id, as it is.
    #[must_use]
    pub fn object(&self, id: &ObjectId) -> Option<&Object> {
        let place = self.objects.binary_search_by(|object| object.id.cmp(id)).ok()?;
        self.objects.get(place)
    }
}

#[cfg(test)]
mod tests;
