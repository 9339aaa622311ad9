//! Splunk's HTTP event collector: one event a line and alert, with the fields by which one searches indexed.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AlertLine, ReportOptions, TimeStyle, Writer, lines};
use crate::row::{Row, known};

/// The type of source that a `props.conf` can name.
const SOURCE_TYPE: &str = "evtmap:alert";

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::open(out, |row| vec![envelope(row)]))
}

/// The event within what tells Splunk where to put it. Without a time Splunk takes that of the import.
fn envelope(row: Row<'_>) -> Value {
    let (finding, event) = (row.finding, row.event);
    let times = TimeStyle::default();
    let mut envelope = lines::pruned(json!({
        "time": event.time.map(seconds),
        "host": known(&event.said.computer),
        "source": &*event.input,
        "sourcetype": SOURCE_TYPE,
        "fields": {
            "kind": finding.kind,
            "severity": finding.severity,
            "rule_id": row.rule_id(),
            "rule_title": finding.title(),
            "rule_author": row.rule().map(|rule| rule.author.as_str()),
            "technique_id": row.technique_ids().collect::<Vec<_>>(),
            "tactic": row.tactic_names().collect::<Vec<_>>(),
            "user": event.said.user,
            "alert_id": row.uuid().to_string(),
        },
    }));
    if let Some(members) = envelope.as_object_mut() {
        let line = serde_json::to_value(AlertLine::of(row.alert, &times)).unwrap_or_default();
        members.insert("event".to_owned(), line);
    }
    envelope
}

/// Seconds since 1970 with microseconds, as a text: a number would lose digits.
fn seconds(time: Timestamp) -> String {
    let microseconds = time.as_microsecond();
    format!("{}.{:06}", microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000))
}
