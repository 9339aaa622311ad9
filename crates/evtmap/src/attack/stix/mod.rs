//! Reads a STIX bundle of ATT&CK.
//!
//! A bundle of 50 MB holds some 4 MB that matter here. So its objects are cut out one at a time, each is
//! read into the few properties that any kind of object may have, and most are dropped at once.

mod cut;
mod object;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use self::cut::Cutter;
use self::object::{Kind, Object, References, Relationship};
use super::error::AttackError;
use super::library::{Library, ObjectEntry, TechniqueEntry, Trace};
use super::object::{Object as Other, ObjectId, ObjectKind};
use super::tactic::Tactic;
use super::technique::{Status, Technique, TechniqueId};

/// Ten times the largest bundle of today: more is no bundle of ATT&CK.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How much is read at once, in bytes.
const N_READ: usize = 256 * 1024;

/// What a bundle says.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) domain: Option<String>,
    pub(super) version: Option<String>,
    pub(super) date: Option<String>,
    /// In the matrix's order.
    pub(super) tactics: Vec<Tactic>,
    /// In the order of their ids.
    pub(super) techniques: Vec<Technique>,
    /// In the order of their ids.
    pub(super) objects: Vec<Other>,
    pub(super) library: Library,
}

/// Reads a bundle of STIX 2.0 or 2.1.
pub(super) fn read(reader: impl Read) -> Result<Bundle, AttackError> {
    read_by(reader, N_READ)
}

fn read_by(reader: impl Read, n_read: usize) -> Result<Bundle, AttackError> {
    let mut limited = reader.take(BYTES_MAX);
    let mut collected = Collected::default();
    let mut cutter = Cutter::new(&mut limited, n_read);
    let outcome = loop {
        match cutter.next() {
            Ok(Some(bytes)) => match serde_json::from_slice(bytes) {
                Ok(object) => collected.add(object),
                Err(error) => break Err(AttackError::of_object(&error, bytes)),
            },
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if limited.limit() == 0 {
        return Err(AttackError::TooLarge(BYTES_MAX));
    }
    outcome?;
    collected.finish()
}

/// What is kept while the bundle is read; STIX objects refer to one another before and after.
#[derive(Default)]
struct Collected {
    collection: Option<(Option<String>, Option<String>)>,
    matrices: Vec<Matrix>,
    tactics: Vec<(String, Tactic)>,
    techniques: Vec<Raw>,
    others: Vec<RawOther>,
    /// STIX ids of a revoked object and of the one that replaces it.
    revoked_by: HashMap<String, String>,
    /// STIX ids of an object and of a technique that it has to do with.
    related: Vec<(String, String)>,
}

struct Matrix {
    domain: Option<String>,
    tactic_refs: Vec<String>,
}

/// A technique as its object has it.
struct Raw {
    stix_id: String,
    id: TechniqueId,
    name: String,
    status: Status,
    phases: Vec<String>,
    platforms: Vec<String>,
    entry: TechniqueEntry,
}

/// Another object as it is there.
struct RawOther {
    stix_id: String,
    id: ObjectId,
    kind: ObjectKind,
    name: String,
    status: Status,
    entry: ObjectEntry,
    /// The analytics of a detection strategy.
    analytics: Vec<String>,
    /// The traces of an analytic, with the STIX ids of their components.
    traces: Vec<(Option<String>, Trace)>,
    /// The data source of a data component.
    data_source: Option<String>,
}

impl Collected {
    fn add(&mut self, object: Object<'_>) {
        match object.kind {
            Kind::AttackPattern => self.techniques.extend(raw(object)),
            Kind::XMitreTactic => {
                let tactic = object.tactic();
                self.tactics.extend(object.id.zip(tactic));
            }
            Kind::XMitreMatrix if object.status() == Status::Active => self.matrices.push(Matrix {
                domain: object.references().id(),
                tactic_refs: object.tactic_refs.unwrap_or_default(),
            }),
            Kind::XMitreCollection => self.collection = Some((object.x_mitre_version, object.modified)),
            Kind::Relationship if object.status() == Status::Active => self.relate(object),
            Kind::Campaign => self.other(ObjectKind::Campaign, object),
            Kind::CourseOfAction => self.other(ObjectKind::Mitigation, object),
            Kind::IntrusionSet => self.other(ObjectKind::Group, object),
            Kind::Malware | Kind::Tool => self.other(ObjectKind::Software, object),
            Kind::XMitreAnalytic => self.other(ObjectKind::Analytic, object),
            Kind::XMitreDataComponent => self.other(ObjectKind::DataComponent, object),
            Kind::XMitreDataSource => self.other(ObjectKind::DataSource, object),
            Kind::XMitreDetectionStrategy => self.other(ObjectKind::DetectionStrategy, object),
            Kind::XMitreMatrix | Kind::Relationship | Kind::Other => {}
        }
    }

    fn relate(&mut self, object: Object<'_>) {
        let (Some(source), Some(target)) = (object.source_ref, object.target_ref) else { return };
        match object.relationship_type {
            Some(Relationship::RevokedBy) => drop(self.revoked_by.insert(source, target)),
            Some(Relationship::Detects | Relationship::Mitigates | Relationship::Uses) => {
                self.related.push((source, target));
            }
            Some(Relationship::Other) | None => {}
        }
    }

    fn other(&mut self, kind: ObjectKind, object: Object<'_>) {
        let references = object.references();
        let (Some(stix_id), Some(id)) = (object.id.clone(), references.id::<ObjectId>()) else { return };
        self.others.push(raw_other(stix_id, id, kind, object, &references));
    }

    fn finish(mut self) -> Result<Bundle, AttackError> {
        let tactics = self.tactics();
        let ids: HashMap<&str, TechniqueId> =
            self.techniques.iter().map(|raw| (raw.stix_id.as_str(), raw.id)).collect();
        let objects = self.objects();
        let mut related = self.related(&ids);
        let successors: HashMap<String, TechniqueId> = (self.revoked_by.iter())
            .filter_map(|(source, target)| Some((source.clone(), *ids.get(target.as_str())?)))
            .collect();
        let mut techniques: BTreeMap<TechniqueId, (Technique, TechniqueEntry)> = BTreeMap::new();
        for raw in std::mem::take(&mut self.techniques) {
            let successor = successors.get(&raw.stix_id).copied();
            let mut entry = raw.entry.clone();
            entry.related = related.remove(&raw.stix_id).into_iter().flatten().collect();
            let technique = technique(raw, successor, &tactics);
            // An id used twice belongs to the object that is in use.
            let is_better =
                techniques.get(&technique.id).is_none_or(|(known, _)| known.status != Status::Active);
            if is_better {
                techniques.insert(technique.id, (technique, entry));
            }
        }
        if techniques.is_empty() {
            return Err(AttackError::NoTechnique);
        }
        let library = Library {
            techniques: techniques.iter().map(|(id, (_, entry))| (*id, entry.clone())).collect(),
            objects: self.entries(),
        };
        let (version, modified) = self.collection.unwrap_or_default();
        Ok(Bundle {
            domain: self.matrices.into_iter().next().and_then(|matrix| matrix.domain),
            date: modified.and_then(|modified| Some(modified.get(..10)?.to_owned())),
            version,
            tactics,
            techniques: techniques.into_values().map(|(technique, _)| technique).collect(),
            objects,
            library,
        })
    }

    /// The tactics of every matrix in its order; in the file's order where no matrix says one.
    fn tactics(&self) -> Vec<Tactic> {
        let mut known: Vec<&(String, Tactic)> = self.tactics.iter().collect();
        let refs = self.matrices.iter().flat_map(|matrix| &matrix.tactic_refs);
        let order: HashMap<&str, usize> = refs.enumerate().map(|(place, id)| (id.as_str(), place)).collect();
        if !order.is_empty() {
            known.retain(|(stix_id, _)| order.contains_key(stix_id.as_str()));
            known.sort_by_key(|(stix_id, _)| order.get(stix_id.as_str()));
        }
        known.into_iter().map(|(_, tactic)| tactic.clone()).collect()
    }

    /// The objects beside techniques; an id used twice belongs to the one in use.
    fn objects(&self) -> Vec<Other> {
        let ids = self.other_ids();
        let mut objects: BTreeMap<&ObjectId, Other> = BTreeMap::new();
        for raw in &self.others {
            let successor = self.revoked_by.get(&raw.stix_id).and_then(|stix_id| ids.get(stix_id.as_str()));
            let object = Other {
                id: raw.id.clone(),
                kind: raw.kind,
                name: raw.name.clone(),
                status: raw.status,
                successor: successor.filter(|_| raw.status == Status::Revoked).map(|id| (*id).clone()),
            };
            if objects.get(&raw.id).is_none_or(|known| known.status != Status::Active) {
                objects.insert(&raw.id, object);
            }
        }
        objects.into_values().collect()
    }

    fn other_ids(&self) -> HashMap<&str, &ObjectId> {
        self.others.iter().map(|raw| (raw.stix_id.as_str(), &raw.id)).collect()
    }

    /// By technique, what in use has to do with it. A data component stands for its data source too.
    fn related(&self, techniques: &HashMap<&str, TechniqueId>) -> HashMap<String, BTreeSet<ObjectId>> {
        let active = self.others.iter().filter(|raw| raw.status == Status::Active);
        let others: HashMap<&str, &RawOther> = active.map(|raw| (raw.stix_id.as_str(), raw)).collect();
        let mut related: HashMap<String, BTreeSet<ObjectId>> = HashMap::new();
        for (source, target) in &self.related {
            let Some(other) = others.get(source.as_str()) else { continue };
            if techniques.contains_key(target.as_str()) {
                let source = other.data_source.as_ref().and_then(|stix_id| others.get(stix_id.as_str()));
                let ids = source.into_iter().chain([other]).map(|other| other.id.clone());
                related.entry(target.clone()).or_default().extend(ids);
            }
        }
        related
    }

    /// What is told of the objects beside techniques. A detection strategy has the traces of its analytics.
    fn entries(&mut self) -> BTreeMap<ObjectId, ObjectEntry> {
        let others = std::mem::take(&mut self.others);
        let ids: HashMap<&str, &ObjectId> =
            others.iter().map(|raw| (raw.stix_id.as_str(), &raw.id)).collect();
        let traces_of = |analytic: &RawOther| -> Vec<Trace> {
            let with_component = |(component, trace): &(Option<String>, Trace)| Trace {
                component: component.as_deref().and_then(|id| ids.get(id)).map(|id| (*id).clone()),
                ..trace.clone()
            };
            analytic.traces.iter().map(with_component).collect()
        };
        let analytics: HashMap<&str, Vec<Trace>> =
            others.iter().map(|raw| (raw.stix_id.as_str(), traces_of(raw))).collect();
        let mut entries = BTreeMap::new();
        for raw in &others {
            let mut entry = raw.entry.clone();
            let own = raw.analytics.iter().filter_map(|stix_id| analytics.get(stix_id.as_str()));
            entry.traces = own.chain(analytics.get(raw.stix_id.as_str())).flatten().cloned().collect();
            entry.traces.sort();
            entry.traces.dedup();
            if raw.status == Status::Active || !entries.contains_key(&raw.id) {
                entries.insert(raw.id.clone(), entry);
            }
        }
        entries
    }
}

fn raw(object: Object<'_>) -> Option<Raw> {
    let references = object.references();
    let id = references.id()?;
    let status = object.status();
    let (description, phases) = (object.description(), object.kill_chain_phases.unwrap_or_default());
    let entry = TechniqueEntry { description, related: Vec::new(), references: references.elsewhere() };
    Some(Raw {
        stix_id: object.id.unwrap_or_default(),
        id,
        name: object.name.unwrap_or_default(),
        status,
        phases: phases.into_iter().map(|phase| phase.phase_name).collect(),
        platforms: object.x_mitre_platforms.unwrap_or_default(),
        // What is no longer in use has a place in the list and no text: there is a better one to read.
        entry: if status == Status::Revoked { TechniqueEntry::default() } else { entry },
    })
}

fn raw_other(
    stix_id: String,
    id: ObjectId,
    kind: ObjectKind,
    object: Object<'_>,
    references: &References,
) -> RawOther {
    let (status, description) = (object.status(), object.description());
    let name = object.name.unwrap_or_default();
    let mut aliases = object.aliases.or(object.x_mitre_aliases).unwrap_or_default();
    aliases.retain(|alias| *alias != name);
    let platforms = object.x_mitre_platforms.unwrap_or_default();
    let traces = object.x_mitre_log_source_references.into_iter().flatten().map(|reference| {
        let trace = Trace {
            platforms: platforms.clone(),
            component: None,
            log: reference.name.unwrap_or_default(),
            channel: reference.channel.unwrap_or_default(),
        };
        (reference.x_mitre_data_component_ref, trace)
    });
    RawOther {
        entry: ObjectEntry {
            description,
            url: references.url(id.as_str()).unwrap_or_default().to_owned(),
            aliases,
            traces: Vec::new(),
        },
        traces: traces.collect(),
        analytics: object.x_mitre_analytic_refs.unwrap_or_default(),
        data_source: object.x_mitre_data_source_ref.filter(|id| !id.is_empty()),
        stix_id,
        id,
        kind,
        name,
        status,
    }
}

fn technique(raw: Raw, successor: Option<TechniqueId>, tactics: &[Tactic]) -> Technique {
    let mut technique = Technique {
        id: raw.id,
        name: raw.name,
        tactics: Vec::new(),
        platforms: Vec::new(),
        status: raw.status,
        successor: successor.filter(|_| raw.status == Status::Revoked),
        stix_id: Some(raw.stix_id).filter(|id| !id.is_empty()),
    };
    // What a revoked object says of tactics is of the day when it was revoked.
    if raw.status != Status::Revoked {
        let is_named = |tactic: &&Tactic| raw.phases.contains(&tactic.short_name);
        technique.tactics = tactics.iter().filter(is_named).map(|tactic| tactic.id).collect();
        technique.platforms = raw.platforms;
        technique.platforms.sort();
        technique.platforms.dedup();
    }
    technique
}

#[cfg(test)]
mod tests;
