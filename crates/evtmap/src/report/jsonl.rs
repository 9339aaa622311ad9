//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::written::WrittenFindings;
use super::{ReportOptions, Writer};
use crate::alert::Alert;
use crate::triage::Report;

struct JsonLines {
    out: Box<dyn Write>,
    findings: WrittenFindings,
    line: Vec<u8>,
}

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(JsonLines { out, findings: WrittenFindings::default(), line: Vec::new() }))
}

impl Writer for JsonLines {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.line.clear();
        self.findings.write(alert, &mut self.line)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.out.flush()
    }
}
