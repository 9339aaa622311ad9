//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::written::WrittenFindings;
use super::{Pen, ReportOptions, Writer, lines};
use crate::alert::Alert;
use crate::row::Row;

struct JsonLines {
    options: ReportOptions,
    findings: WrittenFindings,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::written_by(JsonLines::new(options), out))
}

impl JsonLines {
    fn new(options: &ReportOptions) -> Self {
        Self { options: options.clone(), findings: WrittenFindings::default() }
    }
}

impl Pen for JsonLines {
    fn write(&mut self, alerts: &[Alert], out: &mut Vec<u8>) -> io::Result<()> {
        for alert in alerts {
            match &self.options.fields {
                Some(fields) => {
                    serde_json::to_writer(&mut *out, &fields.project(Row::of(alert), &self.options.times))?;
                }
                None => self.findings.write(alert, &self.options, out)?,
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn another(&self) -> Box<dyn Pen> {
        Box::new(Self::new(&self.options))
    }
}
