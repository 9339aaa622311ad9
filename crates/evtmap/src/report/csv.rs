//! A table for spreadsheets, one row an alert.
//!
//! The first twelve columns are those of the script that this project began as, in its order, so that what
//! was built on its reports goes on working.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{ReportOptions, Writer};
use crate::alert::Alert;
use crate::row::Row;
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
    is_neutralised: bool,
    has_header: bool,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(Table {
        table: csv::Writer::from_writer(out),
        is_neutralised: options.neutralise_formulas,
        has_header: false,
    }))
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
        for cell in cells(Row::of(alert)) {
            let cell = shortened(cell);
            let cell = if self.is_neutralised { neutralised(cell) } else { cell };
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
fn cells(row: Row<'_>) -> [Cow<'_, str>; 23] {
    let (finding, event) = (row.finding, row.event);
    let technique = finding.techniques.first();
    let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let tactics = joined(row.tactic_names());
    [
        event.time.map(|time| time.to_string()).unwrap_or_default().into(),
        event.computer.as_str().into(),
        event.user.as_deref().unwrap_or_default().into(),
        row.source().into(),
        number(event.event_id.map(u64::from)).into(),
        row.rule_id(),
        tactics.clone().into(),
        technique.map(|technique| technique.id.as_str()).unwrap_or_default().into(),
        technique.map(|technique| technique.name.as_str()).unwrap_or_default().into(),
        finding.severity.map(Severity::as_str).unwrap_or_default().into(),
        finding.description().into(),
        row.raw_message(),
        finding.kind.as_str().into(),
        finding.title().into(),
        row.rule().map(|rule| rule.author.as_str()).unwrap_or_default().into(),
        event.channel.as_str().into(),
        event.provider.as_str().into(),
        number(event.record_id).into(),
        joined(row.technique_ids()).into(),
        tactics.into(),
        row.place().into(),
        row.derived().into(),
        event.timezone.as_deref().unwrap_or_default().into(),
    ]
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<Vec<_>>().join(", ")
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
    fn long_cells_are_cut_visibly() {
        let cell = shortened("ä".repeat(40_000).into());
        assert_eq!(cell.chars().count(), N_CELL_CHARS_MAX);
        assert!(cell.ends_with('…'));
        assert_eq!(shortened("ä".repeat(32_767).into()).chars().last(), Some('ä'));
    }
}
