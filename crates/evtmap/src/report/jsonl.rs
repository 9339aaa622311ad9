//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::written::WrittenFindings;
use super::{ReportOptions, Writer};
use crate::alert::Alert;
use crate::row::Row;
use crate::triage::Report;

struct JsonLines {
    out: Box<dyn Write>,
    options: ReportOptions,
    findings: WrittenFindings,
    line: Vec<u8>,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let (options, findings) = (options.clone(), WrittenFindings::new(options.evidence));
    Ok(Box::new(JsonLines { out, options, findings, line: Vec::new() }))
}

impl Writer for JsonLines {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let ReportOptions { fields, times, .. } = &self.options;
        self.line.clear();
        match fields {
            Some(fields) => serde_json::to_writer(&mut self.line, &fields.project(Row::of(alert), times))?,
            None => self.findings.write(alert, times, &mut self.line)?,
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.out.flush()
    }
}
