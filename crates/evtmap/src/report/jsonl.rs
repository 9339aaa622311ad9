//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::{AlertLine, ReportOptions, Writer};
use crate::alert::Alert;
use crate::row::Row;
use crate::triage::Report;

struct JsonLines {
    out: Box<dyn Write>,
    options: ReportOptions,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(JsonLines { out, options: options.clone() }))
}

impl Writer for JsonLines {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let ReportOptions { fields, times, .. } = &self.options;
        match fields {
            Some(fields) => serde_json::to_writer(&mut self.out, &fields.project(Row::of(alert), times))?,
            None => serde_json::to_writer(&mut self.out, &AlertLine::of(alert, times))?,
        }
        self.out.write_all(b"\n")
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.out.flush()
    }
}
