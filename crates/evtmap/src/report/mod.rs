//! Reports: one file a format, and a table of them.
//!
//! A format takes alerts as they come and, at the end, the [`Report`] that sums them up; it knows nothing
//! of inputs, rules or the command line.

mod csv;
mod evidence;
mod format;
mod html;
mod json;
mod jsonl;
mod line;
mod navigator;
#[cfg(feature = "parquet")]
mod parquet;

use std::io;

pub use csv::COLUMNS as CSV_COLUMNS;
pub use format::{FORMATS, Format, NameError};
pub use line::{AlertLine, schema};

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
}

/// What can be chosen about reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// Whether cells that a spreadsheet would run as a formula are made harmless.
    pub neutralise_formulas: bool,
    /// Whether alerts as JSON say what of their rule's condition held, where the scan told it.
    pub evidence: bool,
    /// What reports for people tell of the run itself.
    pub run: RunNote,
}

/// What is known of a run beside what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunNote {
    /// The command line, one argument an entry; empty when unknown.
    pub command: Vec<String>,
    /// When the report was begun.
    pub begun: Option<Timestamp>,
    /// The other reports of the run, as the user named them: where what a report leaves out may be.
    pub other_reports: Vec<String>,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { neutralise_formulas: true, evidence: false, run: RunNote::default() }
    }
}

#[cfg(test)]
mod tests;
