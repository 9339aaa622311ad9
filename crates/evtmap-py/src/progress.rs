//! What happens while a scan goes on: Python's signals, and how far it has come.

use std::io;
use std::time::{Duration, Instant};

use evtmap::Progress;
use pyo3::prelude::*;

/// How often Python is asked for signals, and told how far the scan has come.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks after a scan that runs without the GIL.
pub(crate) struct Watch {
    /// What is told: done and all bytes, events, detections.
    told: Option<Py<PyAny>>,
    n_bytes: u64,
    last: Instant,
    /// Why the scan was ended.
    pub(crate) raised: Option<PyErr>,
}

impl Watch {
    /// A watch over so many bytes. `progress` is what the user asked for: nothing, `True` or a function.
    pub(crate) fn new(py: Python<'_>, progress: &Bound<'_, PyAny>, n_bytes: u64) -> PyResult<Self> {
        let told = if progress.is_callable() {
            Some(progress.clone().unbind())
        } else if progress.is_truthy()? {
            Some(py.import("evtmap._progress")?.getattr("bar")?.call0()?.unbind())
        } else {
            None
        };
        Ok(Self { told, n_bytes, last: Instant::now(), raised: None })
    }

    /// Lets Python have its turn now and then.
    ///
    /// # Errors
    /// When the scan is to end: `raised` says why.
    pub(crate) fn look(&mut self, progress: Progress) -> io::Result<()> {
        if self.last.elapsed() < PAUSE {
            return Ok(());
        }
        let looked = self.tell(progress);
        self.last = Instant::now();
        looked.map_err(|error| {
            self.raised = Some(error);
            io::ErrorKind::Interrupted.into()
        })
    }

    /// Tells how far the scan has come.
    pub(crate) fn tell(&self, progress: Progress) -> PyResult<()> {
        Python::attach(|py| {
            py.check_signals()?;
            let Some(told) = &self.told else { return Ok(()) };
            let Progress { bytes, events, detections } = progress;
            told.call1(py, (bytes, self.n_bytes, events, detections)).map(drop)
        })
    }

    /// Tells how far it came, and that it goes no further.
    pub(crate) fn end(&self, py: Python<'_>, progress: Progress) -> PyResult<()> {
        let Some(told) = &self.told else { return Ok(()) };
        self.tell(progress)?;
        if let Ok(close) = told.getattr(py, "close") {
            close.call0(py)?;
        }
        Ok(())
    }
}
