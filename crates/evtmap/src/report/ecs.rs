//! The Elastic Common Schema: one document a line and alert.
//!
//! What ECS has no name for stands where Winlogbeat puts it (`winlog`), so that what was made for Winlogbeat's
//! events finds alerts too, and below `evtmap`.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ReportOptions, Writer, lines};
use crate::alert::{Kind, TechniqueRef};
use crate::row::{Row, known, name_and_domain, severity_number};

/// The version of ECS that the documents keep to.
const VERSION: &str = "9.4.0";

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::open(out, |row| vec![document(row)]))
}

/// An alert as a document.
pub(super) fn document(row: Row<'_>) -> Value {
    let (finding, event) = (row.finding, row.event);
    let user = event.said.user.as_deref().map(name_and_domain);
    let document = lines::pruned(json!({
        // ECS wants a time, and data streams refuse what has none.
        "@timestamp": event.time.unwrap_or(Timestamp::UNIX_EPOCH).to_string(),
        "tags": event.time.is_none().then_some(["no_time"]),
        "ecs": {"version": VERSION},
        "message": message(row),
        "event": {
            "id": row.uuid().to_string(),
            "kind": kind(finding.kind),
            "category": if finding.kind == Kind::Detection { &["intrusion_detection"][..] } else { &[] },
            "type": if finding.kind == Kind::Event { &[][..] } else { &["info"] },
            "module": "evtmap",
            "dataset": "evtmap.alerts",
            "code": event.said.event_id.map(|id| id.to_string()),
            "provider": known(&event.said.provider),
            "severity": finding.severity.map(severity_number),
            "reason": known(finding.description()),
            "timezone": event.timezone,
        },
        "log": {
            "level": row.severity(),
            "file": {"path": &*event.input},
        },
        "host": {"name": known(&event.said.computer), "hostname": known(&event.said.computer)},
        "user": {"name": user.map(|(name, _)| name), "domain": user.and_then(|(_, domain)| domain)},
        "rule": rule(row),
        "threat": threat(row),
        "winlog": {
            "channel": known(&event.said.channel),
            "provider_name": known(&event.said.provider),
            "event_id": event.said.event_id.map(|id| id.to_string()),
            "record_id": event.record_id.map(|id| id.to_string()),
            "computer_name": known(&event.said.computer),
        },
        "evtmap": {
            "kind": finding.kind,
            "position": row.position(),
            "recovered": event.is_recovered,
            "derived": row.alert.derived.as_deref(),
            "correlation": row.alert.correlation.as_deref(),
            "rule": row.rule().map(|rule| json!({"level": rule.level, "status": rule.status})),
        },
    }));
    lines::with_payload(document, "/winlog", "event_data", row)
}

/// The message of the event, or what was found where it has none.
fn message(row: Row<'_>) -> &str {
    row.event.said.message.as_deref().unwrap_or(row.finding.title())
}

/// Only a detection is an alert to Elastic.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Detection => "alert",
        Kind::Association | Kind::Event => "event",
    }
}

fn rule(row: Row<'_>) -> Value {
    let rule = row.rule();
    json!({
        "id": row.rule_id(),
        "name": row.finding.title(),
        "description": row.finding.description(),
        "author": rule.map(|rule| [rule.author.as_str()]),
        "reference": rule.and_then(|rule| rule.references.first()),
        "ruleset": rule.map(|rule| rule.path.as_str()),
    })
}

/// Techniques and sub-techniques apart, as ECS wants them; a sub-technique brings its technique with it.
fn threat(row: Row<'_>) -> Value {
    let finding = row.finding;
    if finding.techniques.is_empty() && finding.tactics.is_empty() {
        return Value::Null;
    }
    let subs = finding.techniques.iter().filter(|technique| technique.parent.is_some());
    let sub = |value: fn(&TechniqueRef) -> &str| subs.clone().map(value).collect::<Vec<_>>();
    let mut techniques: Vec<(&str, &str)> = Vec::new();
    for technique in &finding.techniques {
        let (id, name) = match (&technique.parent, &technique.parent_name) {
            (Some(parent), name) => (parent, name.as_ref().unwrap_or(parent)),
            (None, _) => (&technique.id, &technique.name),
        };
        if !techniques.iter().any(|(known, _)| known == id) {
            techniques.push((id, name));
        }
    }
    let tactics: Vec<&str> = finding.tactics.iter().map(|tactic| tactic.id.as_str()).collect();
    json!({
        "framework": "MITRE ATT&CK",
        "tactic": {"id": tactics, "name": row.tactic_names().collect::<Vec<_>>()},
        "technique": {
            "id": techniques.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            "name": techniques.iter().map(|(_, name)| name).collect::<Vec<_>>(),
            "subtechnique": {
                "id": sub(|technique| &technique.id),
                "name": sub(|technique| &technique.name),
                "reference": sub(|technique| &technique.url),
            },
        },
    })
}
