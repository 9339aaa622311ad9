//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::written::WrittenFindings;
use super::{Pen, ReportOptions, Writer, lines};
use crate::alert::Alert;
use crate::idle::Idle;
use crate::row::Row;

struct JsonLines {
    options: ReportOptions,
    findings: Idle<WrittenFindings>,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::written_by(JsonLines { options: options.clone(), findings: Idle::default() }, out))
}

impl Pen for JsonLines {
    fn write(&self, alerts: &[Alert], out: &mut Vec<u8>) -> io::Result<()> {
        let mut findings = self.findings.take();
        for alert in alerts {
            match &self.options.fields {
                Some(fields) => {
                    serde_json::to_writer(&mut *out, &fields.project(Row::of(alert), &self.options.times))?;
                }
                None => findings.write(alert, &self.options, out)?,
            }
            out.push(b'\n');
        }
        self.findings.put_back(findings);
        Ok(())
    }
}
