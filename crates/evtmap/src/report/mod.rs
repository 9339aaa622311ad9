//! Reports: one file a format, and a table of them.
//!
//! A format takes alerts as they come and, at the end, the [`Report`] that sums them up; it knows nothing
//! of inputs, rules or the command line.

mod csv;
mod format;
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
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { neutralise_formulas: true }
    }
}

#[cfg(test)]
mod tests;
