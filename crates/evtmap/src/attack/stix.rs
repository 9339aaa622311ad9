//! Reads a STIX bundle of ATT&CK.
//!
//! A bundle of 50 MB holds 200 kB that matter here. So its objects are read one at a time, each into the
//! few properties that any kind of object may have, and most are dropped at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::AttackError;
use super::tactic::Tactic;
use super::technique::{Status, Technique, TechniqueId};

/// Ten times the largest bundle of today: more is no bundle of ATT&CK.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What a bundle says of the matrix.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) domain: Option<String>,
    pub(super) version: Option<String>,
    pub(super) date: Option<String>,
    /// In the matrix's order.
    pub(super) tactics: Vec<Tactic>,
    /// In the order of their ids.
    pub(super) techniques: Vec<Technique>,
}

/// Reads a bundle of STIX 2.0 or 2.1.
pub(super) fn read(reader: impl Read) -> Result<Bundle, AttackError> {
    let mut limited = BufReader::with_capacity(64 * 1024, reader.take(BYTES_MAX));
    let mut json = serde_json::Deserializer::from_reader(&mut limited);
    let mut objects = Objects::default();
    let outcome = objects.deserialize(&mut json).and_then(|()| json.end());
    if limited.get_ref().limit() == 0 {
        return Err(AttackError::TooLarge(BYTES_MAX));
    }
    outcome?;
    objects.finish()
}

/// The properties of a STIX object that matter, whatever its type.
#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: Kind,
    id: Option<String>,
    name: Option<String>,
    modified: Option<String>,
    revoked: Option<bool>,
    external_references: Option<Vec<ExternalReference>>,
    kill_chain_phases: Option<Vec<KillChainPhase>>,
    tactic_refs: Option<Vec<String>>,
    relationship_type: Option<Relationship>,
    source_ref: Option<String>,
    target_ref: Option<String>,
    x_mitre_deprecated: Option<bool>,
    x_mitre_platforms: Option<Vec<String>>,
    x_mitre_shortname: Option<String>,
    x_mitre_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    AttackPattern,
    Relationship,
    XMitreCollection,
    XMitreMatrix,
    XMitreTactic,
    #[serde(other)]
    Other,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Relationship {
    RevokedBy,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct ExternalReference {
    external_id: Option<String>,
}

#[derive(Deserialize)]
struct KillChainPhase {
    phase_name: String,
}

impl Object {
    /// The first external id of the wanted form: other catalogues' ids stand beside ATT&CK's.
    fn external_id<T: std::str::FromStr>(&self) -> Option<T> {
        let references = self.external_references.iter().flatten();
        references.filter_map(|reference| reference.external_id.as_deref()?.parse().ok()).next()
    }

    fn tactic(&self) -> Option<Tactic> {
        let (short_name, name) = (self.x_mitre_shortname.clone()?, self.name.clone()?);
        Some(Tactic { id: self.external_id()?, short_name, name })
    }

    fn status(&self) -> Status {
        match (self.revoked, self.x_mitre_deprecated) {
            (Some(true), _) => Status::Revoked,
            (_, Some(true)) => Status::Deprecated,
            _ => Status::Active,
        }
    }
}

/// What is kept while the bundle is read; STIX objects refer to one another before and after.
#[derive(Default)]
struct Objects {
    collection: Option<Object>,
    matrices: Vec<Object>,
    tactics: Vec<Object>,
    techniques: Vec<Object>,
    /// STIX ids of a revoked object and of the one that replaces it.
    revoked_by: HashMap<String, String>,
}

impl Objects {
    fn add(&mut self, object: Object) {
        match object.kind {
            Kind::AttackPattern => self.techniques.push(object),
            Kind::XMitreTactic => self.tactics.push(object),
            Kind::XMitreMatrix if object.status() == Status::Active => self.matrices.push(object),
            Kind::XMitreCollection => self.collection = Some(object),
            Kind::Relationship
                if object.relationship_type == Some(Relationship::RevokedBy)
                    && object.status() == Status::Active =>
            {
                if let (Some(source), Some(target)) = (object.source_ref, object.target_ref) {
                    self.revoked_by.insert(source, target);
                }
            }
            Kind::XMitreMatrix | Kind::Relationship | Kind::Other => {}
        }
    }

    fn finish(self) -> Result<Bundle, AttackError> {
        let tactics = self.tactics();
        let techniques = self.techniques(&tactics);
        if techniques.is_empty() {
            return Err(AttackError::NoTechnique);
        }
        let date = |object: &Object| Some(object.modified.as_deref()?.get(..10)?.to_owned());
        Ok(Bundle {
            domain: self.matrices.first().and_then(Object::external_id),
            date: self.collection.as_ref().and_then(date),
            version: self.collection.and_then(|collection| collection.x_mitre_version),
            tactics,
            techniques,
        })
    }

    /// The tactics of every matrix in its order; in the file's order where no matrix says one.
    fn tactics(&self) -> Vec<Tactic> {
        let mut known: Vec<(&str, Tactic)> = self
            .tactics
            .iter()
            .filter_map(|object| Some((object.id.as_deref()?, object.tactic()?)))
            .collect();
        let refs = self.matrices.iter().flat_map(|matrix| &matrix.tactic_refs).flatten();
        let order: HashMap<&str, usize> = refs.enumerate().map(|(place, id)| (id.as_str(), place)).collect();
        if !order.is_empty() {
            known.retain(|(stix_id, _)| order.contains_key(stix_id));
            known.sort_by_key(|(stix_id, _)| order.get(stix_id));
        }
        known.into_iter().map(|(_, tactic)| tactic).collect()
    }

    fn techniques(&self, tactics: &[Tactic]) -> Vec<Technique> {
        let ids: HashMap<&str, TechniqueId> = (self.techniques.iter())
            .filter_map(|object| Some((object.id.as_deref()?, object.external_id()?)))
            .collect();
        let mut techniques = BTreeMap::new();
        for object in &self.techniques {
            let Some(id) = object.external_id() else { continue };
            let successor = (object.id.as_ref())
                .and_then(|stix_id| self.revoked_by.get(stix_id))
                .and_then(|stix_id| ids.get(stix_id.as_str()).copied());
            let technique = technique(id, object, successor, tactics);
            let entry = techniques.entry(id).or_insert_with(|| technique.clone());
            // An id used twice belongs to the object that is in use.
            if entry.status != Status::Active {
                *entry = technique;
            }
        }
        techniques.into_values().collect()
    }
}

fn technique(
    id: TechniqueId,
    object: &Object,
    successor: Option<TechniqueId>,
    tactics: &[Tactic],
) -> Technique {
    let status = object.status();
    let mut technique = Technique {
        id,
        name: object.name.clone().unwrap_or_default(),
        tactics: Vec::new(),
        platforms: Vec::new(),
        status,
        successor: successor.filter(|_| status == Status::Revoked),
    };
    // What a revoked object says of tactics is of the day when it was revoked.
    if status != Status::Revoked {
        let phases: Vec<&KillChainPhase> = object.kill_chain_phases.iter().flatten().collect();
        let is_named = |tactic: &&Tactic| phases.iter().any(|phase| phase.phase_name == tactic.short_name);
        technique.tactics = tactics.iter().filter(is_named).map(|tactic| tactic.id).collect();
        technique.platforms = object.x_mitre_platforms.clone().unwrap_or_default();
        technique.platforms.sort();
        technique.platforms.dedup();
    }
    technique
}

/// Reads the bundle itself; `objects` may stand anywhere among its properties.
impl<'de> DeserializeSeed<'de> for &mut Objects {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(BundleVisitor(self))
    }
}

struct BundleVisitor<'a>(&'a mut Objects);

impl<'de> Visitor<'de> for BundleVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a STIX bundle")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_objects = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "objects" {
                has_objects = true;
                map.next_value_seed(List(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if has_objects { Ok(()) } else { Err(serde::de::Error::missing_field("objects")) }
    }
}

struct List<'a>(&'a mut Objects);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of STIX objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(object) = seq.next_element()? {
            self.0.add(object);
        }
        Ok(())
    }
}
