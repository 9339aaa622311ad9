//! OCSF: one Detection Finding (class 2004) a line and alert.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ReportOptions, Writer, lines};
use crate::alert::{Kind, TacticRef, TechniqueRef};
use crate::row::{Row, known, name_and_domain};
use crate::severity::Severity;

/// The version of the schema.
const VERSION: &str = "1.5.0";
/// Category Findings, class Detection Finding, activity Create, and the type that class and activity give.
const CATEGORY: u32 = 2;
const CLASS: u32 = 2004;
const CREATE: u32 = 1;
const TYPE: u32 = CLASS * 100 + CREATE;
/// The kind of an analytic that is a rule.
const RULE: u32 = 1;
/// Kinds of observables: host name, user name.
const HOST_NAME: u32 = 1;
const USER_NAME: u32 = 4;

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::open(out, |row| vec![finding(row)]))
}

fn finding(row: Row<'_>) -> Value {
    let event = row.event;
    let (severity_id, severity) = severity(row.finding.severity);
    let correlation = row.alert.correlation.as_deref();
    // The class asks for a time. Where the event has none it is 0, and the status says so.
    let time = event.time.unwrap_or(Timestamp::UNIX_EPOCH).as_millisecond();
    let finding = lines::pruned(json!({
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": TYPE,
        "type_name": "Detection Finding: Create",
        "time": time,
        "start_time": correlation.map(|detail| detail.first.as_millisecond()),
        "end_time": correlation.map(|detail| detail.last.as_millisecond()),
        "count": correlation.map(|detail| detail.events),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "status_detail": event.time.is_none().then_some("the event has no time"),
        "is_alert": row.finding.kind == Kind::Detection,
        "confidence_id": confidence(row.finding.kind),
        "message": event.said.message.as_deref().unwrap_or(row.finding.title()),
        "metadata": {
            "version": VERSION,
            "uid": row.uuid().to_string(),
            "product": {"name": "evtmap", "vendor_name": "evtmap", "version": env!("CARGO_PKG_VERSION")},
            "log_name": known(&event.said.channel),
            "log_provider": known(&event.said.provider),
            "event_code": event.said.event_id.map(|id| id.to_string()),
            "original_time": event.time.map(|time| time.to_string()),
        },
        "finding_info": finding_info(row),
        "resources": resources(row),
        "observables": observables(row),
        "evidences": [{"data": {"event_id": event.said.event_id, "channel": event.said.channel}}],
        "unmapped": {
            "kind": row.finding.kind,
            "record_id": event.record_id.map(|id| id.to_string()),
            "input": &*event.input,
            "position": row.position(),
            "recovered": event.is_recovered,
            "derived": row.alert.derived.as_deref(),
            "rule_author": row.rule().map(|rule| rule.author.as_str()),
            "rule_level": row.rule().and_then(|rule| rule.level.as_deref()),
            "rule_status": row.rule().and_then(|rule| rule.status.as_deref()),
            "timezone": event.timezone,
        },
    }));
    lines::with_payload(finding, "/evidences/0/data", "fields", row)
}

/// What the class asks for must be there, whatever the rule says of itself.
fn finding_info(row: Row<'_>) -> Value {
    let title = known(row.finding.title()).unwrap_or(row.finding.kind.as_str());
    let rule = row.rule();
    json!({
        "uid": row.uuid().to_string(),
        "title": title,
        "desc": row.finding.description(),
        "types": [row.finding.kind],
        "src_url": rule.and_then(|rule| rule.references.first()),
        "data_sources": [&*row.event.input],
        "analytic": known(&row.rule_id()).map(|id| json!({
            "type_id": RULE,
            "type": "Rule",
            "uid": id,
            "name": title,
            "category": rule.map(|rule| rule.path.as_str()),
            "desc": rule.map(|rule| format!("by {}", known(&rule.author).unwrap_or("an unnamed author"))),
        })),
        "attacks": attacks(row),
    })
}

/// Techniques, each with its tactic; one of several tactics stands there several times, a tactic without a
/// technique alone.
fn attacks(row: Row<'_>) -> Vec<Value> {
    let finding = row.finding;
    let mut attacks = Vec::new();
    for tactic in &finding.tactics {
        let of_it: Vec<_> = finding.techniques.iter().filter(|technique| is_of(technique, tactic)).collect();
        attacks.extend(of_it.iter().map(|technique| attack(Some(tactic), Some(technique))));
        if of_it.is_empty() {
            attacks.push(attack(Some(tactic), None));
        }
    }
    let is_left = |technique: &&TechniqueRef| !finding.tactics.iter().any(|tactic| is_of(technique, tactic));
    attacks.extend(finding.techniques.iter().filter(is_left).map(|technique| attack(None, Some(technique))));
    attacks
}

fn is_of(technique: &TechniqueRef, tactic: &TacticRef) -> bool {
    let short_name = tactic.name.to_lowercase().replace(' ', "-");
    technique.tactics.contains(&short_name)
}

/// Of a sub-technique OCSF wants the technique as well.
fn attack(tactic: Option<&TacticRef>, technique: Option<&TechniqueRef>) -> Value {
    let own = technique.map(|it| json!({"uid": it.id, "name": it.name, "src_url": it.url}));
    let parent = technique.and_then(|it| Some(json!({"uid": it.parent.as_deref()?, "name": it.parent_name})));
    let (technique, sub_technique) = match parent {
        Some(parent) => (Some(parent), own),
        None => (own, None),
    };
    json!({
        "tactic": tactic.map(|tactic| json!({"uid": tactic.id, "name": tactic.name})),
        "technique": technique,
        "sub_technique": sub_technique,
    })
}

fn resources(row: Row<'_>) -> Value {
    let host = known(&row.event.said.computer).map(|host| json!({"type": "host", "name": host}));
    let user = row.event.said.user.as_deref().map(|user| {
        let (name, domain) = name_and_domain(user);
        json!({"type": "user", "name": name, "namespace": domain})
    });
    host.into_iter().chain(user).collect()
}

fn observables(row: Row<'_>) -> Value {
    let host = known(&row.event.said.computer).map(
        |host| json!({"name": "resources.name", "type_id": HOST_NAME, "type": "Hostname", "value": host}),
    );
    let user = row.event.said.user.as_deref().map(
        |user| json!({"name": "resources.name", "type_id": USER_NAME, "type": "User Name", "value": user}),
    );
    host.into_iter().chain(user).collect()
}

fn severity(severity: Option<Severity>) -> (u32, &'static str) {
    match severity {
        None => (0, "Unknown"),
        Some(Severity::Informational) => (1, "Informational"),
        Some(Severity::Low) => (2, "Low"),
        Some(Severity::Medium) => (3, "Medium"),
        Some(Severity::High) => (4, "High"),
        Some(Severity::Critical) => (5, "Critical"),
    }
}

/// What an event id alone hints at deserves little confidence; a rule's confidence is not known.
fn confidence(kind: Kind) -> u32 {
    match kind {
        Kind::Association => 1,
        Kind::Detection | Kind::Event => 0,
    }
}
