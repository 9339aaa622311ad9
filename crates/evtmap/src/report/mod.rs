//! Reports: one file a format, and a table of them.
//!
//! A format takes alerts as they come and, at the end, the [`Report`] that sums them up; it knows nothing
//! of inputs, rules or the command line.

mod bulk;
mod choice;
mod csv;
mod ecs;
mod evidence;
mod format;
mod html;
mod json;
mod jsonl;
mod line;
mod lines;
mod md;
mod navigator;
mod ocsf;
#[cfg(feature = "parquet")]
mod parquet;
mod sarif;
mod splunk;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stix;
mod time;
mod timesketch;
mod written;

use std::io;

pub use choice::{FieldChoice, UnknownField};
pub use csv::neutralised;
pub use format::{FORMATS, Format, NameError};
pub use json::{not_looked_at, summary};
pub use line::{AlertLine, schema};
pub use time::{Shown, TimeStyle};

use jiff::Timestamp;

use crate::alert::Alert;
use crate::triage::Report;

/// A report that is being written.
pub trait Writer {
    /// Writes an alert.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn alert(&mut self, alert: &Alert) -> io::Result<()>;

    /// Writes what stands at the end.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self, report: &Report<'_>) -> io::Result<()>;

    /// What makes the lines of alerts on any thread, in a format in which no line depends on another.
    fn pen(&self) -> Option<Box<dyn Pen>> {
        None
    }

    /// Writes lines that the pen has made.
    ///
    /// # Errors
    /// When the output cannot be written, or the format has no pen.
    fn lines(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Makes the lines of alerts, as [`Writer::alert`] writes them. It may remember what comes again.
pub trait Pen: Send + Sync {
    /// Appends the lines of alerts.
    ///
    /// # Errors
    /// When an alert cannot be told in the format.
    fn write(&mut self, alerts: &[Alert], out: &mut Vec<u8>) -> io::Result<()>;

    /// A pen that makes the same lines, for another thread.
    fn another(&self) -> Box<dyn Pen>;
}

/// What can be chosen about reports. Formats that others define leave less of a choice: `docs/reports.md` says
/// which option concerns which format.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportOptions {
    /// Whether cells that a spreadsheet would run as a formula are made harmless.
    pub neutralise_formulas: bool,
    /// Which columns of the CSV and which members of JSON lines are wanted; all when nothing is said.
    pub fields: Option<FieldChoice>,
    /// How times are written in CSV, JSON, JSON lines and Markdown.
    pub times: TimeStyle,
    /// Whether alerts as JSON say what of their rule's condition held, where the scan told it.
    pub evidence: bool,
    /// What reports for people tell of the run itself.
    pub run: RunNote,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            neutralise_formulas: true,
            fields: None,
            times: TimeStyle::default(),
            evidence: false,
            run: RunNote::default(),
        }
    }
}

/// What is known of a run beside what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunNote {
    /// The command line, one argument an entry; empty when unknown.
    pub command: Vec<String>,
    /// When the report was begun.
    pub begun: Option<Timestamp>,
    /// The other reports of the run that hold every alert ([`Format::holds_every_alert`]), as the user named
    /// them: what a report leaves out is there.
    pub other_reports: Vec<String>,
}

#[cfg(test)]
mod tests;
