//! A database of SQLite: alerts with types, techniques and tactics to join with, and views that count.
//!
//! SQLite writes to files only, so the database is made in a temporary one and goes out when it is complete.

use std::fs::File;
use std::io::{self, Seek, Write};

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use tempfile::TempPath;

use super::{ReportOptions, Writer};
use crate::alert::Alert;
use crate::row::{COLUMNS, Column, Row, Values};
use crate::triage::Report;

/// What is not in the columns of alerts, and the views.
const TABLES: &str = include_str!("sqlite.sql");
/// What is made when all alerts are there.
const INDEXES: &str = "\
CREATE INDEX alerts_by_time ON alerts (timestamp);
CREATE INDEX alerts_by_host ON alerts (host);
CREATE INDEX alert_techniques_by_id ON alert_techniques (technique_id);
CREATE INDEX alert_tactics_by_id ON alert_tactics (tactic_id);";
const ADD_TECHNIQUE: &str = "INSERT OR IGNORE INTO alert_techniques VALUES (?1, ?2, ?3)";
const ADD_TACTIC: &str = "INSERT OR IGNORE INTO alert_tactics VALUES (?1, ?2, ?3)";
const ADD_FACT: &str = "INSERT OR REPLACE INTO report VALUES (?1, ?2)";
const ADD_UNREAD: &str = "INSERT INTO not_looked_at VALUES (?1, ?2, ?3, ?4)";

struct Database {
    out: Box<dyn Write>,
    /// None once it is closed.
    connection: Option<Connection>,
    /// The file that it is in.
    file: File,
    /// The name of it, where a file that is open cannot be without one.
    _path: Option<TempPath>,
    insert: String,
    n_alerts: i64,
}

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let made = tempfile::Builder::new().prefix("evtmap-").suffix(".sqlite").tempfile();
    // The output may well be there, where this one cannot be.
    let made = made.map_err(|error| io::Error::other(format!("no temporary file can be made: {error}")));
    let (file, path) = made?.into_parts();
    let connection = Connection::open(&path).map_err(cause)?;
    // Nobody sees the file before it is complete, so it need not survive a crash.
    let settings = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA encoding = 'UTF-8';";
    connection.execute_batch(settings).map_err(cause)?;
    let columns: Vec<String> = COLUMNS.iter().map(|column| format!("\n    {}", definition(column))).collect();
    let alerts = format!("CREATE TABLE alerts (\n    id INTEGER PRIMARY KEY,{}\n);", columns.join(","));
    connection.execute_batch(&format!("{alerts}\n{TABLES}\nBEGIN;")).map_err(cause)?;
    let places: Vec<String> = (1..=COLUMNS.len() + 1).map(|n| format!("?{n}")).collect();
    let insert = format!("INSERT INTO alerts VALUES ({})", places.join(", "));
    // Without a name nothing is left of it, however the program ends.
    let path = if cfg!(unix) { path.close().map(|()| None)? } else { Some(path) };
    Ok(Box::new(Database { out, connection: Some(connection), file, _path: path, insert, n_alerts: 0 }))
}

/// A column as SQLite defines it, with what is in it as a comment that `.schema` shows.
fn definition(column: &Column) -> String {
    let kind = match column.values {
        Values::Text(_) | Values::Texts(_) | Values::Time(_) => " TEXT",
        Values::Flag(_) => " INTEGER",
        // With a type SQLite would make a number beyond its own, which is kept as text, inexact.
        Values::Number(_) => "",
    };
    format!("{}{kind} /* {} */", column.name, column.about)
}

impl Database {
    fn connection(&self) -> io::Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| io::Error::other("the database is closed"))
    }

    fn add(&mut self, row: Row<'_>) -> io::Result<()> {
        self.n_alerts += 1;
        let id = self.n_alerts;
        let connection = self.connection()?;
        let values =
            std::iter::once(Value::Integer(id)).chain(COLUMNS.iter().map(|column| value(column, row)));
        let mut insert = connection.prepare_cached(&self.insert).map_err(cause)?;
        insert.execute(rusqlite::params_from_iter(values)).map_err(cause)?;
        let mut add = connection.prepare_cached(ADD_TECHNIQUE).map_err(cause)?;
        for technique in &row.finding.techniques {
            add.execute(params![id, technique.id, technique.name]).map_err(cause)?;
        }
        let mut add = connection.prepare_cached(ADD_TACTIC).map_err(cause)?;
        for tactic in &row.finding.tactics {
            add.execute(params![id, tactic.id, tactic.name]).map_err(cause)?;
        }
        Ok(())
    }

    fn add_report(&self, report: &Report<'_>) -> io::Result<()> {
        let connection = self.connection()?;
        let facts = [
            ("evtmap_version", env!("CARGO_PKG_VERSION").to_owned()),
            ("attack_version", report.catalogue.version().unwrap_or_default().to_owned()),
            ("attack_from", report.catalogue_origin.to_owned()),
            ("rules_used", report.rules.n_used.to_string()),
            ("rules_from", report.rules.origins.join(", ")),
            ("events", report.scan.progress().events.to_string()),
        ];
        for (name, value) in facts {
            connection.execute(ADD_FACT, params![name, value]).map_err(cause)?;
        }
        let mut add = connection.prepare_cached(ADD_UNREAD).map_err(cause)?;
        for file in &report.scan.files {
            let path = file.path.to_string_lossy();
            if let Some(error) = &file.error {
                add.execute(params!["file", path, error.code, error.message]).map_err(cause)?;
            }
            for (code, problems) in &file.problems {
                let told = format!("{} records, {} of them lost", problems.n, problems.n_lost);
                add.execute(params!["records", path, code, told]).map_err(cause)?;
            }
        }
        for (reason, skipped) in &report.rules.skipped {
            let told = format!("{} rules, such as {}", skipped.n, skipped.examples.join("; "));
            add.execute(params!["rules", "", reason.as_str(), told]).map_err(cause)?;
        }
        for own in &report.scan.policy.exclusions {
            add.execute(params!["excluded", "", own.name, own.line()]).map_err(cause)?;
        }
        Ok(())
    }
}

impl Writer for Database {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.add(Row::of(alert))
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        self.add_report(report)?;
        let connection = self.connection()?;
        connection
            .execute_batch("COMMIT;")
            .and_then(|()| connection.execute_batch(INDEXES))
            .map_err(cause)?;
        if let Some(connection) = self.connection.take() {
            connection.close().map_err(|(_, error)| cause(error))?;
        }
        self.file.rewind()?;
        io::copy(&mut self.file, &mut self.out)?;
        self.out.flush()
    }
}

/// The value of a cell. Lists are JSON; a number beyond SQLite's is text, so that it stays what it is.
fn value(column: &Column, row: Row<'_>) -> Value {
    match column.values {
        Values::Text(text) => text(row).map(|text| Value::Text(text.into_owned())).unwrap_or(Value::Null),
        Values::Texts(texts) => Value::Text(serde_json::to_string(&texts(row)).unwrap_or_default()),
        Values::Number(number) => number(row).map_or(Value::Null, |number| {
            i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer)
        }),
        // As many digits everywhere: texts then sort as times do.
        Values::Time(time) => time(row)
            .map(|time| Value::Text(time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()))
            .unwrap_or(Value::Null),
        Values::Flag(flag) => Value::Integer(i64::from(flag(row))),
    }
}

/// What the system said, as far as SQLite tells it.
fn cause(error: rusqlite::Error) -> io::Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => io::Error::new(io::ErrorKind::StorageFull, error),
        _ => io::Error::other(error),
    }
}
