//! Reports: one file a format, and a table of them.
//!
//! A format takes alerts as they come and, at the end, the [`Report`] that sums them up; it knows nothing
//! of inputs, rules or the command line.

mod bulk;
mod choice;
mod csv;
mod ecs;
mod format;
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
pub use format::{FORMATS, Format, NameError};
pub use json::{not_looked_at, summary};
pub use line::{AlertLine, schema};
pub use time::{Shown, TimeStyle};

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
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { neutralise_formulas: true, fields: None, times: TimeStyle::default() }
    }
}

#[cfg(test)]
mod tests;
