//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::{AlertLine, ReportOptions, Writer};
use crate::alert::Alert;
use crate::triage::Report;

struct JsonLines {
    out: Box<dyn Write>,
    with_evidence: bool,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(JsonLines { out, with_evidence: options.evidence }))
}

impl Writer for JsonLines {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let line =
            if self.with_evidence { AlertLine::with_evidence(alert) } else { AlertLine::of(alert) };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.out.flush()
    }
}
