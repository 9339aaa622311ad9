//! STIX 2.1: a bundle of what was seen where, with references to MITRE's own objects of techniques.
//!
//! Every id follows from what the object says, so the same logs give the same bundle, and what is imported
//! twice is there once. Techniques are referred to and not defined: whoever takes the bundle has ATT&CK.

mod observable;

use std::collections::HashSet;
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use self::observable::observables;
use super::{ReportOptions, Writer, lines};
use crate::alert::Alert;
use crate::row::{NAMESPACE, Row, known};
use crate::triage::Report;

/// How many ids are remembered so that an object which several alerts share is written once. An attacker can
/// make more; those are written again, which consumers take for the same object.
const N_IDS_MAX: usize = 1 << 20;

struct Stix {
    out: Box<dyn Write>,
    ids: HashSet<Uuid>,
    n_objects: u64,
    /// The id of the bundle: of the ids of what is in it.
    bundle: Uuid,
}

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let bundle = Uuid::new_v5(&NAMESPACE, b"bundle");
    Ok(Box::new(Stix { out, ids: HashSet::new(), n_objects: 0, bundle }))
}

impl Stix {
    fn object(&mut self, object: &Object) -> io::Result<()> {
        if self.ids.contains(&object.uuid) {
            return Ok(());
        }
        if self.ids.len() < N_IDS_MAX {
            self.ids.insert(object.uuid);
        }
        self.bundle = Uuid::new_v5(&self.bundle, object.uuid.as_bytes());
        self.out.write_all(if self.n_objects == 0 {
            b"{\"type\":\"bundle\",\"objects\":[\n"
        } else {
            b",\n"
        })?;
        self.n_objects += 1;
        serde_json::to_writer(&mut self.out, &object.value)?;
        Ok(())
    }
}

impl Writer for Stix {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        objects(Row::of(alert)).iter().try_for_each(|object| self.object(object))
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        // A bundle may not be without objects.
        self.object(&maker())?;
        write!(self.out, "\n],\n\"id\":\"bundle--{}\"}}\n", self.bundle)?;
        self.out.flush()
    }
}

/// A STIX object and the UUID in its id.
struct Object {
    id: String,
    uuid: Uuid,
    value: Value,
}

impl Object {
    /// An object of a type whose id follows from a name in a namespace. `value` is told the id.
    fn new(kind: &str, namespace: &Uuid, name: &str, value: impl FnOnce(&str) -> Value) -> Self {
        let uuid = Uuid::new_v5(namespace, name.as_bytes());
        let id = format!("{kind}--{uuid}");
        let value = lines::pruned(value(&id));
        Self { id, uuid, value }
    }
}

/// All objects of an alert, those that are referred to before those that refer.
fn objects(row: Row<'_>) -> Vec<Object> {
    let maker = maker();
    let mut objects = observables(row);
    let seen = row.alert.correlation.as_deref();
    let first = seen.map(|detail| detail.first).or(row.event.time);
    let last = seen.map(|detail| detail.last).or(row.event.time);
    let observed = Object::new("observed-data", &NAMESPACE, &format!("observed {}", row.uuid()), |id| {
        json!({
            "type": "observed-data", "spec_version": "2.1", "id": id, "created_by_ref": maker.id,
            "created": time(first), "modified": time(first),
            "first_observed": time(first), "last_observed": time(last),
            "number_observed": seen.map_or(1, |detail| detail.events.clamp(1, 999_999_999)),
            "object_refs": objects.iter().map(|object| object.id.as_str()).collect::<Vec<_>>(),
            "labels": [row.finding.kind.as_str()],
        })
    });
    let place = known(&row.event.said.computer).map(|host| {
        Object::new("identity", &NAMESPACE, &format!("host {host}"), |id| {
            json!({
                "type": "identity", "spec_version": "2.1", "id": id, "created_by_ref": maker.id,
                "created": time(None), "modified": time(None), "name": host, "identity_class": "system",
            })
        })
    });
    let note = note(row, &observed, &maker, first);
    let techniques = row.finding.techniques.iter().filter_map(|it| it.stix_id.as_deref());
    let sightings: Vec<Object> = techniques
        .filter(|id| is_technique(id))
        .map(|technique| sighting(row, technique, [&observed, &maker], place.as_ref()))
        .collect();
    objects.push(maker);
    objects.push(observed);
    objects.extend(place);
    objects.extend(sightings);
    objects.push(note);
    objects
}

/// That a technique was seen.
fn sighting(
    row: Row<'_>,
    technique: &str,
    [observed, maker]: [&Object; 2],
    place: Option<&Object>,
) -> Object {
    let seen = row.alert.correlation.as_deref();
    let first = seen.map(|detail| detail.first).or(row.event.time);
    let last = seen.map(|detail| detail.last).or(row.event.time);
    Object::new("sighting", &NAMESPACE, &format!("sighting {} {technique}", row.uuid()), |id| {
        json!({
            "type": "sighting", "spec_version": "2.1", "id": id, "created_by_ref": maker.id,
            "created": time(first), "modified": time(first),
            "first_seen": first.map(|_| time(first)), "last_seen": last.map(|_| time(last)),
            "count": 1,
            "description": abstract_of(row),
            "confidence": confidence(row),
            "labels": [row.finding.kind.as_str()],
            "sighting_of_ref": technique,
            "observed_data_refs": [observed.id],
            "where_sighted_refs": place.map(|place| [place.id.as_str()]),
        })
    })
}

/// What was found, by whose rule, with what the event says: for people.
fn note(row: Row<'_>, observed: &Object, maker: &Object, first: Option<Timestamp>) -> Object {
    let rule = row.rule();
    Object::new("note", &NAMESPACE, &format!("note {}", row.uuid()), |id| {
        let references = rule.map(|rule| rule.references.as_slice()).unwrap_or_default().iter();
        let references = references.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        json!({
            "type": "note", "spec_version": "2.1", "id": id, "created_by_ref": maker.id,
            "created": time(first), "modified": time(first),
            "abstract": abstract_of(row),
            "content": content(row),
            "authors": rule.and_then(|rule| known(&rule.author)).map(|author| [author]),
            "external_references": references
                .map(|url| json!({"source_name": "rule", "url": url}))
                .collect::<Vec<_>>(),
            "object_refs": [observed.id],
        })
    })
}

fn abstract_of(row: Row<'_>) -> String {
    let title = known(row.finding.title()).unwrap_or("event");
    match row.rule().and_then(|rule| known(&rule.author)) {
        Some(author) => format!("{title} (rule by {author})"),
        None => title.to_owned(),
    }
}

fn content(row: Row<'_>) -> String {
    let event = row.event;
    let id = event.said.event_id.map(|id| format!(", event {id}")).unwrap_or_default();
    let record = event.record_id.map(|id| format!(", record {id}")).unwrap_or_default();
    let severity = row.severity().map(|severity| format!("Severity: {severity}. ")).unwrap_or_default();
    let description = known(row.finding.description()).map(|text| format!("{text} ")).unwrap_or_default();
    format!(
        "{severity}{description}{}{id}{record}: {} ({})",
        event.said.channel,
        row.raw_message(),
        row.place()
    )
}

/// From 0 to 100: the severity, as far as a whole condition held; little for what an event id hints at.
fn confidence(row: Row<'_>) -> Option<u64> {
    let severity = row.finding.severity.map(crate::row::severity_number)?;
    Some(if row.finding.kind == crate::alert::Kind::Detection { 15 + 15 * severity } else { 10 })
}

/// What made the objects.
fn maker() -> Object {
    Object::new("identity", &NAMESPACE, "evtmap", |id| {
        json!({
            "type": "identity", "spec_version": "2.1", "id": id,
            "created": time(None), "modified": time(None), "name": "evtmap", "identity_class": "system",
        })
    })
}

/// A time with milliseconds, as most consumers want it; the beginning of 1970 where it is not known.
fn time(time: Option<Timestamp>) -> String {
    let time = time.unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Whether a bundle of ATT&CK gave an id that is one.
fn is_technique(id: &str) -> bool {
    id.strip_prefix("attack-pattern--").is_some_and(|uuid| uuid.len() == 36 && uuid.parse::<Uuid>().is_ok())
}
