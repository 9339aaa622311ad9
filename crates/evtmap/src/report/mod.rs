//! Reports: one file a format, and a table of them.
//!
//! A format takes alerts as they come and, at the end, the [`Report`] that sums them up; it knows nothing
//! of inputs, rules or the command line. Nothing is held back in memory.

mod csv;
mod json;
mod jsonl;
mod line;
mod navigator;

use std::io::{self, Write};

pub use csv::COLUMNS as CSV_COLUMNS;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// Whether cells that a spreadsheet would run as a formula are made harmless.
    pub neutralise_formulas: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { neutralise_formulas: true }
    }
}

/// A format of reports.
pub struct Format {
    /// Its name, which is also the extension of its files.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    open: fn(Box<dyn Write>, ReportOptions) -> Box<dyn Writer>,
}

/// Every format; a new one is a file in this folder and a line here.
pub const FORMATS: &[Format] = &[
    Format { name: "csv", about: "a table for spreadsheets, one row an alert", open: csv::open },
    Format { name: "json", about: "one document with alerts and summary", open: json::open },
    Format { name: "jsonl", about: "one JSON object a line and alert", open: jsonl::open },
    Format {
        name: "navigator",
        about: "a layer for the ATT&CK Navigator with the techniques of detections",
        open: navigator::open,
    },
];

impl Format {
    /// The format of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name.eq_ignore_ascii_case(name))
    }

    /// Begins a report.
    pub fn open(&self, out: Box<dyn Write>, options: ReportOptions) -> Box<dyn Writer> {
        (self.open)(out, options)
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
