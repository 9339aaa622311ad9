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
    /// Its type, and how a row's value is found.
    pub values: Values,
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
    column("timestamp", "when the event was logged", Values::Time(|row| row.event.time)),
    column("host", "the computer", Values::Text(|row| text(&row.event.said.computer))),
    column(
        "user",
        "who did it, as far as the event says",
        Values::Text(|row| optional(&row.event.said.user)),
    ),
    column("channel", "the log", Values::Text(|row| text(&row.event.said.channel))),
    column("provider", "what wrote the event", Values::Text(|row| text(&row.event.said.provider))),
    column("event_id", "the event's id", Values::Number(|row| row.event.said.event_id.map(u64::from))),
    column("record_id", "the event's number in its log", Values::Number(|row| row.event.record_id)),
    column(
        "kind",
        "`detection`, `association`, or `event`",
        Values::Text(|row| Some(row.finding.kind.as_str().into())),
    ),
    column(
        "severity",
        "critical, high, medium, low, informational",
        Values::Text(|row| Some(row.finding.severity?.as_str().into())),
    ),
    column(
        "severity_number",
        "the same to sort by: 1 informational to 5 critical",
        Values::Number(|row| row.finding.severity.map(severity_number)),
    ),
    column(
        "rule_id",
        "the rule's id; for an association `association_<event id>_<technique>`",
        Values::Text(|row| Some(row.rule_id()).filter(|id| !id.is_empty())),
    ),
    column(
        "rule_title",
        "the rule's title, or what the event is",
        Values::Text(|row| text(row.finding.title())),
    ),
    column(
        "description",
        "what the rule finds, or why the event may be evidence",
        Values::Text(|row| text(row.finding.description())),
    ),
    column("rule_author", "who wrote the rule", Values::Text(|row| text(&row.rule()?.author))),
    column("rule_level", "the level its author gave", Values::Text(|row| optional(&row.rule()?.level))),
    column("rule_status", "how mature the rule is", Values::Text(|row| optional(&row.rule()?.status))),
    column("rule_path", "the file that the rule is from", Values::Text(|row| text(&row.rule()?.path))),
    column(
        "technique_ids",
        "techniques of ATT&CK, the most telling first",
        Values::Texts(|row| row.technique_ids().collect()),
    ),
    column("technique_names", "their names", Values::Texts(|row| row.technique_names().collect())),
    column(
        "tactic_ids",
        "tactics, in the matrix's order",
        Values::Texts(|row| row.finding.tactics.iter().map(|tactic| tactic.id.as_str()).collect()),
    ),
    column("tactic_names", "their names", Values::Texts(|row| row.tactic_names().collect())),
    column(
        "fields",
        "the payload by name, a JSON object",
        Values::Text(|row| Some(row.fields_json().into())),
    ),
    column(
        "message",
        "the message as Windows rendered it, where the input has it",
        Values::Text(|row| optional(&row.event.said.message)),
    ),
    column(
        "correlation",
        "the events that a correlation is about, a JSON object",
        Values::Text(|row| serde_json::to_string(row.alert.correlation.as_deref()?).ok().map(Cow::Owned)),
    ),
    column(
        "derived_category",
        "the kind of event that this one stands for",
        Values::Text(|row| text(&row.alert.derived.as_deref()?.category)),
    ),
    column(
        "derived_missing_fields",
        "fields by which the rule makes exceptions and which the event lacks",
        Values::Texts(|row| {
            let derived = row.alert.derived.as_deref().into_iter();
            derived.flat_map(|derived| &derived.missing_fields).map(String::as_str).collect()
        }),
    ),
    column("input", "the file", Values::Text(|row| text(&row.event.input))),
    column(
        "position",
        "the byte at which the record begins in an EVTX file, the line of a text file",
        Values::Number(|row| Some(row.position())),
    ),
    column("recovered", "whether it was deleted and found again", Values::Flag(|row| row.event.is_recovered)),
    column(
        "timezone",
        "the zone in which the time was read, where the time itself names none",
        Values::Text(|row| row.event.timezone.as_deref().and_then(text)),
    ),
];

const fn column(name: &'static str, about: &'static str, values: Values) -> Column {
    Column { name, about, values }
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
