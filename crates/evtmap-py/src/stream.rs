//! Alerts one after the other, while events are read on another thread.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use evtmap::alert::Alert;
use evtmap::{Progress, ScanAccount, ScanOptions, Sink};
use pyo3::prelude::*;

use crate::alert::PyAlert;
use crate::engine::Engine;
use crate::error;
use crate::events::{Events, Raised};
use crate::progress::Watch;
use crate::scanner;

/// How many lots of alerts may wait to be taken, and how many alerts a lot has at most.
const N_WAITING: usize = 8;
const N_ALERTS: usize = 256;
/// How long Python's signals may wait.
const PAUSE: Duration = Duration::from_millis(50);

/// Alerts of a scan that goes on while they are taken.
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct AlertStream {
    state: Mutex<State>,
    raised: Raised,
}

struct State {
    lots: Option<Receiver<Told>>,
    ready: std::vec::IntoIter<Alert>,
    watch: Watch,
    progress: Progress,
    account: Option<ScanAccount>,
}

/// What the scan tells.
enum Told {
    Alerts(Vec<Alert>, Progress),
    End(io::Result<ScanAccount>),
}

impl AlertStream {
    pub(crate) fn start(
        engine: Arc<Engine>,
        options: ScanOptions,
        events: Events,
        watch: Watch,
    ) -> PyResult<Self> {
        let (sender, lots) = sync_channel(N_WAITING);
        let raised = Arc::clone(&events.raised);
        let work = move || {
            let mut sink = Sending { sender, lot: Vec::new(), progress: Progress::default() };
            let scanned = scanner::scan(&engine, &options, events, &mut sink);
            // Nobody may be there any more to take what is left.
            let _ = sink.send();
            let _ = sink.sender.send(Told::End(scanned));
        };
        thread::Builder::new().name("evtmap-scan".to_owned()).spawn(work)?;
        let state = State {
            lots: Some(lots),
            ready: Vec::new().into_iter(),
            watch,
            progress: Progress::default(),
            account: None,
        };
        Ok(Self { state: Mutex::new(state), raised })
    }
}

#[pymethods]
impl AlertStream {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyAlert>> {
        let next = py.detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).next());
        match next {
            Ok(Next::Alert(alert)) => Ok(Some(PyAlert::of(*alert))),
            Ok(Next::End(account)) => {
                let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(error) = raised {
                    return Err(error);
                }
                if let Some(account) = account {
                    scanner::tell(py, &account)?;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Number of events that were looked at so far.
    #[getter]
    fn n_events(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).progress.events)
    }

    /// End the scan.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.lots = None;
            state.ready = Vec::new().into_iter();
        });
    }
}

enum Next {
    Alert(Box<Alert>),
    /// The end, and the first time the account.
    End(Option<ScanAccount>),
}

impl State {
    fn next(&mut self) -> PyResult<Next> {
        loop {
            if let Some(alert) = self.ready.next() {
                return Ok(Next::Alert(Box::new(alert)));
            }
            let Some(lots) = &self.lots else { return Ok(Next::End(None)) };
            match lots.recv_timeout(PAUSE) {
                Ok(Told::Alerts(alerts, progress)) => {
                    self.progress = progress;
                    self.ready = alerts.into_iter();
                }
                Ok(Told::End(scanned)) => {
                    self.lots = None;
                    let account = scanned.map_err(error::output)?;
                    self.progress = account.progress();
                    Python::attach(|py| self.watch.end(py, self.progress))?;
                    self.account = Some(account.clone());
                    return Ok(Next::End(Some(account)));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.lots = None,
            }
            if self.watch.look(self.progress).is_err() {
                self.lots = None;
                return Err(self
                    .watch
                    .raised
                    .take()
                    .unwrap_or_else(|| error::output(io::ErrorKind::Interrupted.into())));
            }
        }
    }
}

/// Sends alerts in lots.
struct Sending {
    sender: SyncSender<Told>,
    lot: Vec<Alert>,
    progress: Progress,
}

impl Sending {
    fn send(&mut self) -> io::Result<()> {
        let lot = std::mem::take(&mut self.lot);
        let told = Told::Alerts(lot, self.progress);
        self.sender.send(told).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Sink for Sending {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.lot.push(alert.clone());
        if self.lot.len() >= N_ALERTS { self.send() } else { Ok(()) }
    }

    fn progress(&mut self, progress: Progress) -> io::Result<()> {
        self.progress = progress;
        self.send()
    }
}
