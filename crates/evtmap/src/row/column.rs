//! The columns of formats that know types: Arrow, Parquet, SQLite.
//!
//! The CSV has columns of its own, since spreadsheets and older scripts want text in another order.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Row, known};
use crate::severity::Severity;

/// A column of a table that knows types.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub about: &'static str,
    /// What its values depend on.
    pub of: Of,
    /// Its type, and how a row's value is found.
    pub values: Values,
}

/// What the values of a column depend on: rows that have it in common have the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// What was found, and the event's id.
    Finding,
    /// What the event says.
    Said,
    /// The file, and the zone of its times.
    Input,
    /// What the event stands for, if it stands for one of another kind.
    Derived,
    /// The alert: each row has a value of its own.
    Alert,
}

/// The type of a column, and how a row's value is found.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// Text; nothing where it is not known.
    Text(for<'a> fn(Row<'a>) -> Option<Cow<'a, str>>),
    /// A list of texts, which may be empty.
    Texts(for<'a> fn(Row<'a>) -> Vec<&'a str>),
    /// A number from 0 to 2⁶⁴ - 1.
    Number(fn(Row<'_>) -> Option<u64>),
    /// A time.
    Time(fn(Row<'_>) -> Option<Timestamp>),
    /// Yes or no.
    Flag(fn(Row<'_>) -> bool),
}

/// Every column, in order.
pub const COLUMNS: &[Column] = &[
    column(Of::Alert, "timestamp", "when the event was logged", Values::Time(|row| row.event.time)),
    column(Of::Said, "host", "the computer", Values::Text(|row| text(&row.event.said.computer))),
    column(
        Of::Said,
        "user",
        "who did it, as far as the event says",
        Values::Text(|row| optional(&row.event.said.user)),
    ),
    column(Of::Said, "channel", "the log", Values::Text(|row| text(&row.event.said.channel))),
    column(Of::Said, "provider", "what wrote the event", Values::Text(|row| text(&row.event.said.provider))),
    column(
        Of::Said,
        "event_id",
        "the event's id",
        Values::Number(|row| row.event.said.event_id.map(u64::from)),
    ),
    column(
        Of::Alert,
        "record_id",
        "the event's number in its log",
        Values::Number(|row| row.event.record_id),
    ),
    column(
        Of::Finding,
        "kind",
        "`detection`, `association`, or `event`",
        Values::Text(|row| Some(row.finding.kind.as_str().into())),
    ),
    column(
        Of::Finding,
        "severity",
        "critical, high, medium, low, informational",
        Values::Text(|row| Some(row.finding.severity?.as_str().into())),
    ),
    column(
        Of::Finding,
        "severity_number",
        "the same to sort by: 1 informational to 5 critical",
        Values::Number(|row| row.finding.severity.map(severity_number)),
    ),
    column(
        Of::Finding,
        "rule_id",
        "the rule's id; for an association `association_<event id>_<technique>`",
        Values::Text(|row| Some(row.rule_id()).filter(|id| !id.is_empty())),
    ),
    column(
        Of::Finding,
        "rule_title",
        "the rule's title, or what the event is",
        Values::Text(|row| text(row.finding.title())),
    ),
    column(
        Of::Finding,
        "description",
        "what the rule finds, or why the event may be evidence",
        Values::Text(|row| text(row.finding.description())),
    ),
    column(Of::Finding, "rule_author", "who wrote the rule", Values::Text(|row| text(&row.rule()?.author))),
    column(
        Of::Finding,
        "rule_level",
        "the level its author gave",
        Values::Text(|row| optional(&row.rule()?.level)),
    ),
    column(
        Of::Finding,
        "rule_status",
        "how mature the rule is",
        Values::Text(|row| optional(&row.rule()?.status)),
    ),
    column(
        Of::Finding,
        "rule_path",
        "the file that the rule is from",
        Values::Text(|row| text(&row.rule()?.path)),
    ),
    column(
        Of::Finding,
        "technique_ids",
        "techniques of ATT&CK, the most telling first",
        Values::Texts(|row| row.technique_ids().collect()),
    ),
    column(
        Of::Finding,
        "technique_names",
        "their names",
        Values::Texts(|row| row.technique_names().collect()),
    ),
    column(
        Of::Finding,
        "tactic_ids",
        "tactics, in the matrix's order",
        Values::Texts(|row| row.finding.tactics.iter().map(|tactic| tactic.id.as_str()).collect()),
    ),
    column(Of::Finding, "tactic_names", "their names", Values::Texts(|row| row.tactic_names().collect())),
    column(
        Of::Said,
        "fields",
        "the payload by name, a JSON object",
        Values::Text(|row| Some(row.fields_json().into())),
    ),
    column(
        Of::Said,
        "message",
        "the message as Windows rendered it, where the input has it",
        Values::Text(|row| optional(&row.event.said.message)),
    ),
    column(
        Of::Alert,
        "correlation",
        "the events that a correlation is about, a JSON object",
        Values::Text(|row| serde_json::to_string(row.alert.correlation.as_deref()?).ok().map(Cow::Owned)),
    ),
    column(
        Of::Derived,
        "derived_category",
        "the kind of event that this one stands for",
        Values::Text(|row| text(&row.alert.derived.as_deref()?.category)),
    ),
    column(
        Of::Derived,
        "derived_missing_fields",
        "fields by which the rule makes exceptions and which the event lacks",
        Values::Texts(|row| {
            let derived = row.alert.derived.as_deref().into_iter();
            derived.flat_map(|derived| &derived.missing_fields).map(String::as_str).collect()
        }),
    ),
    column(Of::Input, "input", "the file", Values::Text(|row| text(&row.event.input))),
    column(
        Of::Alert,
        "position",
        "the byte at which the record begins in an EVTX file, the line of a text file",
        Values::Number(|row| Some(row.position())),
    ),
    column(
        Of::Alert,
        "recovered",
        "whether it was deleted and found again",
        Values::Flag(|row| row.event.is_recovered),
    ),
    column(
        Of::Input,
        "timezone",
        "the zone in which the time was read, where the time itself names none",
        Values::Text(|row| row.event.timezone.as_deref().and_then(text)),
    ),
];

const fn column(of: Of, name: &'static str, about: &'static str, values: Values) -> Column {
    Column { name, about, of, values }
}

fn text(text: &str) -> Option<Cow<'_, str>> {
    known(text).map(Cow::Borrowed)
}

fn optional(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

/// From 1 for informational to 5 for critical.
pub(crate) fn severity_number(severity: Severity) -> u64 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
