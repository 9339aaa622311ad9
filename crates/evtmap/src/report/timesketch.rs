//! Timesketch: its importer wants `message`, `datetime` and `timestamp_desc`, and takes any other columns.
//!
//! Every time has six digits after the point and the same offset, since the importer guesses the form of a
//! whole chunk from its first row and drops rows of another.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::csv::{push_rows, safe, write_header};
use super::{Pen, ReportOptions, Writer, lines};
use crate::alert::Alert;
use crate::row::{Row, known, severity_number};

/// What the time of a row is.
const LOGGED: &str = "Event Logged";
/// The same for an alert whose time is not known: Timesketch takes no row without a time.
const NO_TIME: &str = "Not a time";

/// A column: its name, and how a row's value is found.
type Column = (&'static str, fn(Row<'_>) -> Value);

/// The columns, those that the importer wants first.
const COLUMNS: &[Column] = &[
    ("message", |row| message(row).into()),
    ("datetime", |row| datetime(row).into()),
    ("timestamp_desc", |row| if row.event.time.is_some() { LOGGED } else { NO_TIME }.into()),
    ("timestamp", |row| time(row).as_microsecond().into()),
    ("tag", |row| tags(row).into()),
    ("kind", |row| row.finding.kind.as_str().into()),
    ("severity", |row| row.severity().into()),
    ("severity_number", |row| row.finding.severity.map(severity_number).into()),
    ("computer_name", |row| known(&row.event.said.computer).into()),
    ("username", |row| row.event.said.user.as_deref().into()),
    ("channel", |row| known(&row.event.said.channel).into()),
    ("source_name", |row| known(&row.event.said.provider).into()),
    ("event_identifier", |row| row.event.said.event_id.into()),
    ("record_number", |row| row.event.record_id.map(|id| id.to_string()).into()),
    ("event_data", |row| row.raw_message().into()),
    ("rule_id", |row| row.rule_id().into()),
    ("rule_title", |row| row.finding.title().into()),
    ("rule_author", |row| row.rule().map(|rule| rule.author.as_str()).into()),
    ("rule_description", |row| row.finding.description().into()),
    ("technique_ids", |row| row.technique_ids().collect::<Vec<_>>().join(", ").into()),
    ("technique_names", |row| row.technique_names().collect::<Vec<_>>().join(", ").into()),
    ("tactic_names", |row| row.tactic_names().collect::<Vec<_>>().join(", ").into()),
    ("derived", |row| row.derived().into()),
    ("source_file", |row| row.place().into()),
    ("alert_id", |row| row.uuid().to_string().into()),
];

/// Makes the rows of the CSV.
#[derive(Clone)]
struct Rows {
    neutralise_formulas: bool,
}

/// The CSV.
pub(super) fn open(mut out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    write_header(&mut out, COLUMNS.iter().map(|(name, _)| (*name).into()).collect())?;
    Ok(lines::written_by(Rows { neutralise_formulas: options.neutralise_formulas }, out))
}

/// The JSON lines.
pub(super) fn open_lines(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::open(out, |row| {
        let members = COLUMNS.iter().map(|(name, value)| ((*name).to_owned(), value(row)));
        vec![lines::pruned(Value::Object(members.collect::<Map<_, _>>()))]
    }))
}

impl Pen for Rows {
    fn write(&mut self, alerts: &[Alert], out: &mut Vec<u8>) -> io::Result<()> {
        let cell = |value| match value {
            Value::Null => Cow::Borrowed(""),
            Value::String(text) => safe(text.into(), self.neutralise_formulas),
            other => other.to_string().into(),
        };
        let cells = |row| COLUMNS.iter().map(|(_, value)| cell(value(row))).collect();
        push_rows(out, alerts.iter().map(|alert| cells(Row::of(alert))))
    }

    fn another(&self) -> Box<dyn Pen> {
        Box::new(self.clone())
    }
}

fn time(row: Row<'_>) -> Timestamp {
    row.event.time.unwrap_or(Timestamp::UNIX_EPOCH)
}

fn datetime(row: Row<'_>) -> String {
    time(row).strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

/// What stands in the list of events: how bad, what, where, who.
fn message(row: Row<'_>) -> String {
    let event = row.event;
    let mut text = match (row.finding.severity, known(row.finding.title())) {
        (Some(severity), Some(title)) => format!("[{severity}] {title}"),
        _ => "Event".to_owned(),
    };
    let id = event.said.event_id.map(|id| format!(" {id}")).unwrap_or_default();
    text.push_str(&format!(" ({}{id})", known(&event.said.channel).unwrap_or("unknown log")));
    if let Some(computer) = known(&event.said.computer) {
        text.push_str(&format!(" on {computer}"));
    }
    if let Some(user) = &event.said.user {
        text.push_str(&format!(" by {user}"));
    }
    text
}

/// Tags as Timesketch shows them: kind and techniques. They are ids of ours and ATT&CK's, never text of a log.
fn tags(row: Row<'_>) -> Vec<&str> {
    [row.finding.kind.as_str()].into_iter().chain(row.severity()).chain(row.technique_ids()).collect()
}
