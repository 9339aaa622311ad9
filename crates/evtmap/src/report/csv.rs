//! A table for spreadsheets, one row an alert.
//!
//! The first twelve columns are those of the script that this project began as, in its order, so that what
//! was built on its reports goes on working.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;

use super::{AlertLine, FieldChoice, Pen, ReportOptions, TimeStyle, Writer, lines};
use crate::alert::{Alert, TechniqueRef};
use crate::row::Row;
use crate::severity::Severity;

/// A column of the table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// The member of the JSON lines that has the same; none where they do not have it.
    pub(super) member: Option<&'static str>,
    pub(super) cell: for<'a> fn(Row<'a>, &TimeStyle) -> Cow<'a, str>,
}

/// The columns from left to right.
pub(super) const COLUMNS: &[Column] = &[
    column("timestamp", Some("time"), |row, times| time(row, times).into()),
    column("host", Some("event.computer"), |row, _| row.event.said.computer.as_str().into()),
    column("user", Some("event.user"), |row, _| text(row.event.said.user.as_deref())),
    column("source", None, |row, _| row.source().into()),
    column("event_id", Some("event.event_id"), |row, _| number(row.event.said.event_id.map(u64::from))),
    column("rule_id", Some("rule.id"), |row, _| row.rule_id()),
    column("tactic", Some("tactics.name"), |row, _| joined(row.tactic_names())),
    column("technique_id", Some("techniques.id"), |row, _| text(technique(row).map(|it| it.id.as_str()))),
    column("technique_name", Some("techniques.name"), |row, _| {
        text(technique(row).map(|technique| technique.name.as_str()))
    }),
    column("severity", Some("severity"), |row, _| text(row.finding.severity.map(Severity::as_str))),
    column("description", None, |row, _| row.finding.description().into()),
    column("raw_message", None, |row, _| row.raw_message()),
    column("kind", Some("kind"), |row, _| row.finding.kind.as_str().into()),
    column("rule_title", Some("rule.title"), |row, _| row.finding.title().into()),
    column("rule_author", Some("rule.author"), |row, _| text(row.rule().map(|rule| rule.author.as_str()))),
    column("channel", Some("event.channel"), |row, _| row.event.said.channel.as_str().into()),
    column("provider", Some("event.provider"), |row, _| row.event.said.provider.as_str().into()),
    column("record_id", Some("event.record_id"), |row, _| number(row.event.record_id)),
    column("all_techniques", Some("techniques.id"), |row, _| joined(row.technique_ids())),
    column("all_tactics", Some("tactics.name"), |row, _| joined(row.tactic_names())),
    column("input", Some("input"), |row, _| row.place().into()),
    column("derived", Some("derived"), |row, _| row.derived().into()),
    column("timezone", Some("input.timezone"), |row, _| text(row.event.timezone.as_deref())),
];

/// The longest cell in characters: what the common spreadsheet takes.
const N_CELL_CHARS_MAX: usize = 32_767;

const fn column(
    name: &'static str,
    member: Option<&'static str>,
    cell: for<'a> fn(Row<'a>, &TimeStyle) -> Cow<'a, str>,
) -> Column {
    Column { name, member, cell }
}

fn time(row: Row<'_>, times: &TimeStyle) -> String {
    row.event.time.map(|time| times.text(time)).unwrap_or_default()
}

fn text(text: Option<&str>) -> Cow<'_, str> {
    text.unwrap_or_default().into()
}

fn number<'a>(number: Option<u64>) -> Cow<'a, str> {
    number.map(|number| number.to_string()).unwrap_or_default().into()
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    texts.collect::<Vec<_>>().join(", ").into()
}

fn technique(row: Row<'_>) -> Option<&TechniqueRef> {
    row.finding.techniques.first()
}

/// Makes the rows.
#[derive(Clone)]
struct Rows(ReportOptions);

pub(super) fn open(mut out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let header: Vec<Cow<'_, str>> = match &options.fields {
        Some(fields) => fields.chosen().iter().map(|chosen| chosen.name.as_str().into()).collect(),
        None => COLUMNS.iter().map(|column| column.name.into()).collect(),
    };
    write_header(&mut out, header)?;
    Ok(lines::written_by(Rows(options.clone()), out))
}

impl Pen for Rows {
    fn write(&mut self, alerts: &[Alert], out: &mut Vec<u8>) -> io::Result<()> {
        let ReportOptions { fields, times, neutralise_formulas, .. } = &self.0;
        let rows = alerts.iter().map(|alert| {
            let cells = cells(Row::of(alert), fields.as_ref(), times);
            cells.into_iter().map(|cell| safe(cell, *neutralise_formulas)).collect()
        });
        push_rows(out, rows)
    }

    fn another(&self) -> Box<dyn Pen> {
        Box::new(self.clone())
    }
}

/// Writes the first row.
pub(super) fn write_header(out: &mut dyn Write, names: Vec<Cow<'_, str>>) -> io::Result<()> {
    let mut header = Vec::new();
    push_rows(&mut header, [names].into_iter())?;
    out.write_all(&header)
}

/// Appends rows.
pub(super) fn push_rows<'r>(
    out: &mut Vec<u8>,
    rows: impl Iterator<Item = Vec<Cow<'r, str>>>,
) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    for row in rows {
        table.write_record(row.iter().map(|cell| cell.as_bytes())).map_err(cause)?;
    }
    table.flush()
}

/// The cells of a row, in the order of [`COLUMNS`] or of what was chosen.
fn cells<'a>(row: Row<'a>, fields: Option<&FieldChoice>, times: &TimeStyle) -> Vec<Cow<'a, str>> {
    let Some(fields) = fields else {
        return COLUMNS.iter().map(|column| (column.cell)(row, times)).collect();
    };
    let needs_line = fields.chosen().iter().any(super::choice::Chosen::needs_line);
    let line = needs_line.then(|| AlertLine::of(row.alert, times).with_evidence(row.alert));
    let line = line.map(|line| serde_json::to_value(line).unwrap_or_default());
    let line = line.unwrap_or(Value::Null);
    fields.chosen().iter().map(|chosen| chosen.cell(row, &line, times)).collect()
}

/// What the system said, so that a closed pipe can be told from a full disk.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A cell as a spreadsheet takes it: not too long, and unless the user wants it as it is, no formula.
pub(super) fn safe(cell: Cow<'_, str>, neutralise_formulas: bool) -> Cow<'_, str> {
    let cell = shortened(cell);
    if neutralise_formulas { neutralised(cell) } else { cell }
}

/// A spreadsheet cuts or refuses longer cells; the cut is shown.
fn shortened(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.len() <= N_CELL_CHARS_MAX || cell.chars().count() <= N_CELL_CHARS_MAX {
        return cell;
    }
    cell.chars().take(N_CELL_CHARS_MAX - 1).chain(['…']).collect::<String>().into()
}

/// A quote in front of what a spreadsheet would run: an attacker writes the log, an analyst opens the table.
pub fn neutralised(cell: Cow<'_, str>) -> Cow<'_, str> {
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
