//! The releases of ATT&CK that are embedded: the newest in full, older ones as what differed.
//!
//! Rules and bundles are rarely of one age. What a technique or a tactic was called before, and what became
//! of it, is known from here even where the loaded bundle is silent.

use std::collections::BTreeMap;
use std::io;

use flate2::read::GzDecoder;
use serde::Deserialize;

use super::object::{Object, ObjectId};
use super::tactic::{Tactic, TacticId};
use super::technique::{Status, Technique, TechniqueId};

/// `data/attack/enterprise.json`, compressed by the build script.
static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/attack.json.gz"));
/// `data/attack/objects.json`, compressed likewise.
static OBJECTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/objects.json.gz"));

/// Embedded releases of one domain.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct History {
    pub(super) domain: String,
    /// Newest first.
    pub(super) releases: Vec<Release>,
    /// Every technique of the newest release, in the order of their ids.
    techniques: Vec<Record>,
    /// Groups, software, mitigations and the like, in the order of their ids.
    #[serde(skip)]
    pub(super) objects: Vec<Object>,
}

/// A release and its tactics.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Release {
    pub(super) version: String,
    pub(super) date: String,
    /// In the matrix's order.
    pub(super) tactics: Vec<Column>,
}

/// A tactic of a release.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Column {
    #[serde(flatten)]
    pub(super) tactic: Tactic,
    /// The newest release's tactics that took over from one whose name is gone.
    #[serde(default)]
    became: Vec<TacticId>,
}

/// A technique in the newest release, and what it was before.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: TechniqueId,
    name: String,
    #[serde(default)]
    tactics: Vec<TacticId>,
    #[serde(default)]
    platforms: Vec<String>,
    #[serde(default)]
    status: Status,
    successor: Option<TechniqueId>,
    /// The UUID in its STIX id, which no release changes.
    stix: Option<String>,
    /// Older releases in which it differed; `None` where it did not exist yet.
    #[serde(default)]
    was: BTreeMap<String, Option<Earlier>>,
}

/// What was different in an older release.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Earlier {
    name: Option<String>,
    tactics: Option<Vec<TacticId>>,
    platforms: Option<Vec<String>>,
    /// With `successor`, which may differ only together with it.
    status: Option<Status>,
    successor: Option<TechniqueId>,
}

impl Record {
    /// The technique as a release had it, if that release had it.
    fn at(&self, version: &str) -> Option<Technique> {
        let mut technique = Technique {
            id: self.id,
            name: self.name.clone(),
            tactics: self.tactics.clone(),
            platforms: self.platforms.clone(),
            status: self.status,
            successor: self.successor,
            stix_id: self.stix.as_deref().map(|uuid| format!("attack-pattern--{uuid}")),
        };
        if let Some(was) = self.was.get(version) {
            let was = was.as_ref()?.clone();
            technique.name = was.name.unwrap_or(technique.name);
            technique.tactics = was.tactics.unwrap_or(technique.tactics);
            technique.platforms = was.platforms.unwrap_or(technique.platforms);
            if let Some(status) = was.status {
                (technique.status, technique.successor) = (status, was.successor);
            }
        }
        Some(technique)
    }

    /// Whether any release says that `id` replaced this technique.
    fn led_to(&self, id: TechniqueId) -> bool {
        let earlier = self.was.values().flatten().filter_map(|was| was.successor);
        self.successor.into_iter().chain(earlier).any(|successor| successor == id)
    }

    /// Whether the technique belonged to a tactic in a release.
    fn is_in(&self, tactic: TacticId, version: &str) -> bool {
        let tactics = match self.was.get(version) {
            None => &self.tactics,
            Some(None) => return false,
            Some(Some(was)) => was.tactics.as_ref().unwrap_or(&self.tactics),
        };
        tactics.contains(&tactic)
    }
}

impl History {
    #[expect(clippy::expect_used, reason = "the data is part of the program, and every test loads it")]
    pub(super) fn embedded() -> Self {
        let read = || -> io::Result<Self> {
            let history: Self = serde_json::from_str(&io::read_to_string(GzDecoder::new(PACK))?)?;
            let objects = serde_json::from_str(&io::read_to_string(GzDecoder::new(OBJECTS))?)?;
            Ok(Self { objects, ..history })
        };
        read().expect("the embedded ATT&CK data is whole")
    }

    /// An object that some release had.
    pub(super) fn object(&self, id: &ObjectId) -> Option<&Object> {
        let place = self.objects.binary_search_by(|object| object.id.cmp(id)).ok()?;
        self.objects.get(place)
    }

    fn record(&self, id: TechniqueId) -> Option<&Record> {
        let place = self.techniques.binary_search_by_key(&id, |record| record.id).ok()?;
        self.techniques.get(place)
    }

    /// The techniques of a release.
    pub(super) fn techniques(&self, version: &str) -> Vec<Technique> {
        self.techniques.iter().filter_map(|record| record.at(version)).collect()
    }

    /// A technique's name in the newest release.
    pub(super) fn name(&self, id: TechniqueId) -> Option<&str> {
        self.record(id).map(|record| record.name.as_str())
    }

    /// What replaced a technique, by the newest release.
    pub(super) fn successor(&self, id: TechniqueId) -> Option<TechniqueId> {
        self.record(id)?.successor
    }

    /// What a technique replaced, by any release.
    pub(super) fn predecessors(&self, id: TechniqueId) -> impl Iterator<Item = TechniqueId> {
        self.techniques.iter().filter(move |record| record.led_to(id)).map(|record| record.id)
    }

    /// The tactics, of all releases, that stand for the one that some release calls so: itself, those that
    /// took over from it and those that it took over from.
    pub(super) fn kin(&self, is_asked: impl Fn(&Tactic) -> bool) -> Vec<TacticId> {
        let columns = || self.releases.iter().flat_map(|release| &release.tactics);
        let asked: Vec<&Column> = columns().filter(|column| is_asked(&column.tactic)).collect();
        let took_over = |column: &&Column| asked.iter().any(|asked| column.became.contains(&asked.tactic.id));
        let after = asked.iter().flat_map(|column| &column.became).copied();
        let before = columns().filter(took_over).map(|column| column.tactic.id);
        asked.iter().map(|column| column.tactic.id).chain(after).chain(before).collect()
    }

    /// Whether a technique was in the tactic that some release called so.
    pub(super) fn was_in(&self, technique: TechniqueId, is_asked: impl Fn(&Tactic) -> bool) -> bool {
        let Some(record) = self.record(technique) else {
            return false;
        };
        self.releases.iter().any(|release| {
            let mut asked = release.tactics.iter().filter(|column| is_asked(&column.tactic));
            asked.any(|column| record.is_in(column.tactic.id, &release.version))
        })
    }
}
