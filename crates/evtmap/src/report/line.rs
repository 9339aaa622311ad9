//! An alert as JSON: the form of a line of `jsonl` and of an entry of `json`.
//!
//! Its schema is generated from these types (`docs/alert.schema.json`). Fields are added, none is renamed.

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::PartLine;
use super::written::{Written, WrittenParts, WrittenSaid};
use super::{ReportOptions, Shown, TimeStyle};
use crate::alert::{
    Alert, AssociationRef, CorrelationDetail, Derived, Kind, MemberEvent, Overridden, RuleRef, TacticRef,
    TechniqueRef,
};
use crate::row::{EventLine, InputLine};
use crate::severity::Severity;

/// An alert.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "evtmap alert")]
pub struct AlertLine<'a> {
    /// Whether a rule's whole condition held (`detection`), the event id alone may hint at something
    /// (`association`), or nothing is known (`event`, only when every event was asked for).
    kind: Kind,
    /// When the event was logged, in UTC (RFC 3339); null when the input does not say.
    #[schemars(with = "Option<String>")]
    time: Option<Shown<'a>>,
    /// How bad it is; null for a mere event.
    severity: Option<Severity>,
    /// Present when the configuration gave the alert another severity than its rule or association has: which
    /// one that is, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity_override: Option<&'a Overridden>,
    /// The rule of a detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleLine<'a>>,
    /// What the event id of an association hints at.
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<&'a AssociationRef>,
    /// The events that a correlation is about; `event` is then the first of them, with the values that they
    /// have in common as its fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<CorrelationLine<'a>>,
    /// Present when the event is one that Windows itself logs and stands for one of the kind that the rule is
    /// about.
    #[serde(skip_serializing_if = "Option::is_none")]
    derived: Option<&'a Derived>,
    /// On request (`--evidence`): why the rule held, its condition as a tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<PartLine<'a>>,
    /// Techniques of ATT&CK, the most telling first.
    techniques: &'a [TechniqueRef],
    /// Tactics that the rule names, or those of its techniques; in the matrix's order.
    tactics: &'a [TacticRef],
    /// The event.
    event: EventLine<'a>,
    /// Where it was read.
    input: InputLine<'a>,
}

/// The rule of a detection.
#[derive(Debug, Serialize, JsonSchema)]
struct RuleLine<'a> {
    /// The rule's identifier, a UUID as a rule.
    id: Option<&'a str>,
    /// What it finds.
    title: &'a str,
    /// Who wrote it.
    author: &'a str,
    /// The level its author gave.
    level: Option<&'a str>,
    /// How mature it is.
    status: Option<&'a str>,
    /// The file it is from.
    path: &'a str,
}

impl<'a> AlertLine<'a> {
    /// The JSON form of an alert, with times in a style.
    pub fn of(alert: &'a Alert, times: &'a TimeStyle) -> Self {
        let (finding, event) = (&alert.finding, &alert.event);
        Self {
            kind: finding.kind,
            time: event.time.map(|time| times.show(time)),
            severity: finding.severity,
            severity_override: finding.overridden.as_ref(),
            rule: finding.rule.as_ref().map(RuleLine::of),
            association: finding.association.as_ref(),
            correlation: alert.correlation.as_deref().map(|detail| CorrelationLine::of(detail, times)),
            derived: alert.derived.as_deref(),
            evidence: None,
            techniques: &finding.techniques,
            tactics: &finding.tactics,
            event: EventLine::of(event),
            input: InputLine::of(event),
        }
    }
}

impl<'a> AlertLine<'a> {
    /// The same with the alert's evidence, where the scan told it.
    pub fn with_evidence(self, alert: &'a Alert) -> Self {
        Self { evidence: evidence_of(alert), ..self }
    }

    /// What of the line is the same in all alerts of the finding.
    pub(super) fn written(&self) -> serde_json::Result<Written> {
        let mut written = Written::default();
        written.kind.extend_from_slice(b"{\"kind\":");
        serde_json::to_writer(&mut written.kind, &self.kind)?;
        let named = &mut written.severity_and_name;
        named.extend_from_slice(b",\"severity\":");
        serde_json::to_writer(&mut *named, &self.severity)?;
        push_member(named, "severity_override", self.severity_override)?;
        push_member(named, "rule", self.rule.as_ref())?;
        push_member(named, "association", self.association)?;
        let attack = &mut written.techniques_and_tactics;
        push_member(attack, "techniques", Some(self.techniques))?;
        push_member(attack, "tactics", Some(self.tactics))?;
        Ok(written)
    }

    /// What of the line is the same in all alerts about events that say the same.
    pub(super) fn written_said(alert: &Alert) -> serde_json::Result<WrittenSaid> {
        let (mut written, event) = (WrittenSaid::default(), EventLine::of(&alert.event));
        event.write_start(&mut written.start)?;
        event.write_end(&mut written.end);
        Ok(written)
    }

    /// Appends what serde would write of the line of an alert, with the evidence that the options ask for, where much
    /// of it was written before.
    pub(super) fn write(
        alert: &Alert,
        options: &ReportOptions,
        parts: &WrittenParts<'_>,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let (WrittenParts { finding, said, input }, times) = (parts, &options.times);
        out.extend_from_slice(&finding.kind);
        out.extend_from_slice(b",\"time\":");
        match alert.event.time {
            Some(time) => times.show(time).push_json(out).map_err(serde_json::Error::io)?,
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(&finding.severity_and_name);
        let correlation = alert.correlation.as_deref().map(|detail| CorrelationLine::of(detail, times));
        push_member(out, "correlation", correlation.as_ref())?;
        push_member(out, "derived", alert.derived.as_deref())?;
        let evidence = if options.evidence { evidence_of(alert) } else { None };
        push_member(out, "evidence", evidence.as_ref())?;
        out.extend_from_slice(&finding.techniques_and_tactics);
        out.extend_from_slice(b",\"event\":");
        let event = EventLine::of(&alert.event);
        match said {
            Some(said) => {
                out.extend_from_slice(&said.start);
                event.write_number(out)?;
                out.extend_from_slice(&said.end);
            }
            None => event.write(out)?,
        }
        out.extend_from_slice(b",\"input\":");
        out.extend_from_slice(input);
        InputLine::of(&alert.event).write_rest(out);
        out.push(b'}');
        Ok(())
    }
}

/// Why the rule of an alert held, where the scan told it.
fn evidence_of(alert: &Alert) -> Option<PartLine<'_>> {
    let condition = alert.finding.rule.as_ref().and_then(|rule| rule.condition.as_deref());
    let evidence = condition.zip(alert.evidence.as_deref());
    evidence.map(|(condition, evidence)| PartLine::of(condition, evidence))
}

/// Appends a member behind others, if there is one.
fn push_member<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    name: &str,
    value: Option<&T>,
) -> serde_json::Result<()> {
    let Some(value) = value else { return Ok(()) };
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    serde_json::to_writer(out, value)
}

/// The events that a correlation is about.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CorrelationDetail")]
struct CorrelationLine<'a> {
    /// The type of the correlation, such as `event_count`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// When the first event was, in UTC (RFC 3339).
    #[schemars(with = "String")]
    first: Shown<'a>,
    /// When the last event was, in UTC (RFC 3339).
    #[schemars(with = "String")]
    last: Shown<'a>,
    /// How many events it is about.
    events: u64,
    /// The first of them, at most 100.
    examples: Vec<MemberLine<'a>>,
}

/// One of the events that a correlation is about.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MemberEvent")]
struct MemberLine<'a> {
    /// When it was, in UTC (RFC 3339).
    #[schemars(with = "Option<String>")]
    time: Option<Shown<'a>>,
    /// The computer it was logged on.
    computer: &'a str,
    /// Its id.
    event_id: Option<u32>,
    /// Its number in its log.
    record_id: Option<u64>,
    /// The file it was read from.
    path: &'a str,
    /// Where in the file: the record's byte or line.
    position: u64,
}

impl<'a> CorrelationLine<'a> {
    fn of(detail: &'a CorrelationDetail, times: &'a TimeStyle) -> Self {
        let member = |event: &'a MemberEvent| MemberLine {
            time: event.time.map(|time| times.show(time)),
            computer: &event.computer,
            event_id: event.event_id,
            record_id: event.record_id,
            path: &event.path,
            position: event.position,
        };
        Self {
            kind: &detail.kind,
            first: times.show(detail.first),
            last: times.show(detail.last),
            events: detail.events,
            examples: detail.examples.iter().map(member).collect(),
        }
    }
}

impl<'a> RuleLine<'a> {
    fn of(rule: &'a RuleRef) -> Self {
        Self {
            id: rule.id.as_deref(),
            title: &rule.title,
            author: &rule.author,
            level: rule.level.as_deref(),
            status: rule.status.as_deref(),
            path: &rule.path,
        }
    }
}

/// The JSON Schema of an alert.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(AlertLine<'static>).to_value()
}
