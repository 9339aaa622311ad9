//! JSON lines: one object a line and alert.

use std::io::{self, Write};

use super::{AlertLine, ReportOptions, Writer};
use crate::alert::Alert;
use crate::triage::Report;

struct JsonLines(Box<dyn Write>);

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(JsonLines(out)))
}

impl Writer for JsonLines {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, &AlertLine::of(alert))?;
        self.0.write_all(b"\n")
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.0.flush()
    }
}
