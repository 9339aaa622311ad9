//! The sinks of a watch, and alerts as they want them.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use evtmap::Severity;
use evtmap::alert::{Alert, Kind};
use evtmap::report::{Format, ReportOptions, Writer};
use evtmap::row::Row;

use crate::error::WatchError;
use crate::sink::{Sink, Told};

/// The sinks, and alerts as they want them.
pub(crate) struct Outlets {
    pub(crate) sinks: Vec<Box<dyn Sink>>,
    writer: Box<dyn Writer>,
    line: Line,
    /// Alerts by kind and severity.
    pub(crate) counts: BTreeMap<(Kind, Option<Severity>), u64>,
    /// Whether sinks have taken alerts that they were not asked to give on.
    pub(crate) has_taken: bool,
}

/// The line that a writer has written last.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<Vec<u8>>>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlets {
    pub(crate) fn new(sinks: Vec<Box<dyn Sink>>, options: &ReportOptions) -> Result<Self, WatchError> {
        let line = Line::default();
        let format = Format::named("jsonl");
        let writer = format.and_then(|format| format.open(Box::new(line.clone()), options).ok());
        let writer =
            writer.ok_or_else(|| WatchError::new("watch-format", "alerts cannot be written as JSON", ""))?;
        Ok(Self { sinks, writer, line, counts: BTreeMap::new(), has_taken: false })
    }
}

impl evtmap::Sink for Outlets {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.writer.alert(alert)?;
        let line = std::mem::take(&mut *self.line.0.lock().unwrap_or_else(PoisonError::into_inner));
        let line = String::from_utf8_lossy(&line);
        let id = Row::of(alert).uuid().to_string();
        let told = Told { alert, id: &id, line: line.trim_end_matches('\n') };
        self.sinks.iter_mut().for_each(|sink| sink.take(&told));
        *self.counts.entry((alert.finding.kind, alert.finding.severity)).or_default() += 1;
        self.has_taken = true;
        Ok(())
    }
}
