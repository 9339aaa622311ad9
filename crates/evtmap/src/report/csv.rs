//! A table for spreadsheets, one row an alert.
//!
//! The first twelve columns are those of the script that this project began as, in its order, so that what
//! was built on its reports goes on working.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{ReportOptions, Writer};
use crate::alert::{Alert, AlertEvent, Derived, Finding, Kind};
use crate::severity::Severity;
use crate::triage::Report;

/// The columns from left to right.
pub const COLUMNS: [&str; 23] = [
    "timestamp",
    "host",
    "user",
    "source",
    "event_id",
    "rule_id",
    "tactic",
    "technique_id",
    "technique_name",
    "severity",
    "description",
    "raw_message",
    "kind",
    "rule_title",
    "rule_author",
    "channel",
    "provider",
    "record_id",
    "all_techniques",
    "all_tactics",
    "input",
    "derived",
    "timezone",
];

/// The longest cell in characters: what the common spreadsheet takes.
const N_CELL_CHARS_MAX: usize = 32_767;

struct Table {
    table: csv::Writer<Box<dyn Write>>,
    options: ReportOptions,
    has_header: bool,
}

pub(super) fn open(out: Box<dyn Write>, options: ReportOptions) -> Box<dyn Writer> {
    Box::new(Table { table: csv::Writer::from_writer(out), options, has_header: false })
}

impl Table {
    fn header(&mut self) -> io::Result<()> {
        if !self.has_header {
            self.has_header = true;
            self.table.write_record(COLUMNS).map_err(cause)?;
        }
        Ok(())
    }
}

impl Writer for Table {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.header()?;
        for cell in cells(alert) {
            let cell = shortened(cell);
            let cell = if self.options.neutralise_formulas { neutralised(cell) } else { cell };
            self.table.write_field(cell.as_bytes()).map_err(cause)?;
        }
        self.table.write_record(None::<&[u8]>).map_err(cause)
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.header()?;
        self.table.flush()
    }
}

/// What the system said, so that a closed pipe can be told from a full disk.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The cells of a row, in the order of [`COLUMNS`].
fn cells(alert: &Alert) -> [Cow<'_, str>; 23] {
    let (finding, event) = (&*alert.finding, &*alert.event);
    let technique = finding.techniques.first();
    let rule = finding.rule.as_ref();
    let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let tactics = joined(finding.tactics.iter().map(|tactic| tactic.name.as_str()), ", ");
    [
        event.time.map(|time| time.to_string()).unwrap_or_default().into(),
        event.computer.as_str().into(),
        event.user.as_deref().unwrap_or_default().into(),
        source(&event.channel).into(),
        number(event.event_id.map(u64::from)).into(),
        rule_id(finding, event).into(),
        tactics.clone().into(),
        technique.map(|technique| technique.id.as_str()).unwrap_or_default().into(),
        technique.map(|technique| technique.name.as_str()).unwrap_or_default().into(),
        finding.severity.map(Severity::as_str).unwrap_or_default().into(),
        finding.description().into(),
        raw_message(event),
        finding.kind.as_str().into(),
        finding.title().into(),
        rule.map(|rule| rule.author.as_str()).unwrap_or_default().into(),
        event.channel.as_str().into(),
        event.provider.as_str().into(),
        number(event.record_id).into(),
        joined(finding.techniques.iter().map(|technique| technique.id.as_str()), ", ").into(),
        tactics.into(),
        format!("{}, {}{}", event.input, event.position, if event.is_recovered { ", recovered" } else { "" })
            .into(),
        alert.derived.as_deref().map(derived).unwrap_or_default().into(),
        event.timezone.as_deref().unwrap_or_default().into(),
    ]
}

/// What kind of event this one stands for, and which fields it lacks that the rule makes exceptions by.
fn derived(derived: &Derived) -> String {
    match derived.missing_fields.as_slice() {
        [] => derived.category.clone(),
        missing => format!("{}; without {}", derived.category, missing.join(", ")),
    }
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>, between: &str) -> String {
    texts.collect::<Vec<_>>().join(between)
}

/// The log in the manner of the first script, which knew `windows_security` only.
fn source(channel: &str) -> String {
    let name = channel.strip_prefix("Microsoft-Windows-").unwrap_or(channel).to_lowercase();
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if name.is_empty() { "windows".to_owned() } else { format!("windows_{name}") }
}

/// A rule's own id; for an association what names it as well: event and technique.
fn rule_id(finding: &Finding, event: &AlertEvent) -> String {
    let technique = finding.techniques.first().map(|technique| technique.id.as_str()).unwrap_or_default();
    let event_id = event.event_id.map(|id| id.to_string()).unwrap_or_default();
    match (finding.kind, finding.rule.as_ref().and_then(|rule| rule.id.clone())) {
        (Kind::Detection, Some(id)) => id,
        (Kind::Detection, None) => format!("sigma_{event_id}_{technique}"),
        (Kind::Association, _) => format!("association_{event_id}_{technique}"),
        (Kind::Event, _) => String::new(),
    }
}

/// The message as Windows rendered it, or the payload where the input has no message.
fn raw_message(event: &AlertEvent) -> Cow<'_, str> {
    if let Some(message) = &event.message {
        return message.as_str().into();
    }
    let fields =
        event.fields.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_deref()?)));
    fields.collect::<Vec<_>>().join(" | ").into()
}

/// A spreadsheet cuts or refuses longer cells; the cut is shown.
fn shortened(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.len() <= N_CELL_CHARS_MAX || cell.chars().count() <= N_CELL_CHARS_MAX {
        return cell;
    }
    cell.chars().take(N_CELL_CHARS_MAX - 1).chain(['…']).collect::<String>().into()
}

/// A quote in front of what a spreadsheet would run: an attacker writes the log, an analyst opens the table.
fn neutralised(cell: Cow<'_, str>) -> Cow<'_, str> {
    let first = cell.trim_start_matches([' ', '\u{a0}']).chars().next();
    if matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'))
        && cell != "-"
    {
        return format!("'{cell}").into();
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for (cell, written) in [
            ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            (" =1", "' =1"),
            ("＝1", "'＝1"),
            ("-", "-"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(neutralised(cell.into()), written);
        }
    }

    #[test]
    fn sources_are_like_the_first_scripts() {
        assert_eq!(source("Security"), "windows_security");
        assert_eq!(source("Microsoft-Windows-Sysmon/Operational"), "windows_sysmon_operational");
        assert_eq!(source(""), "windows");
    }

    #[test]
    fn long_cells_are_cut_visibly() {
        let cell = shortened("ä".repeat(40_000).into());
        assert_eq!(cell.chars().count(), N_CELL_CHARS_MAX);
        assert!(cell.ends_with('…'));
        assert_eq!(shortened("ä".repeat(32_767).into()).chars().last(), Some('ä'));
    }
}
