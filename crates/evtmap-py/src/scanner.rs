//! `Scanner`: rules and ATT&CK with options, ready to be given events.

use std::io;
use std::sync::{Arc, OnceLock, PoisonError};

use evtmap::alert::Alert;
use evtmap::triage::{BatchCounter, Tally};
use evtmap::{Prepare, Prepared, Progress, ScanAccount, ScanOptions, Sink};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::alerts::Alerts;
use crate::attack::Attack;
use crate::engine::Engine;
use crate::error::{self, Warning};
use crate::events::{Events, Source};
use crate::frames::{self, Labels};
use crate::options;
use crate::progress::Watch;
use crate::rules::Rules;
use crate::stream::AlertStream;

/// Rules and ATT&CK, ready to be given events.
///
/// It can be pickled, and can be used by several threads at once. Rules are made ready once a process.
///
/// Parameters
/// ----------
/// rules : Rules, str, os.PathLike or list of paths, optional
///     What is looked for; evtmap's own rules by default.
/// attack : Attack, str or os.PathLike, optional
///     The release of ATT&CK that names techniques; the one that comes with evtmap by default.
/// **options
///     ``threads`` : int
///         How many threads read and match; as many as there are processors by default.
///     ``since``, ``until`` : datetime.datetime or str
///         Only events from this time on, or before it. Without a zone it is in UTC.
///     ``max_events`` : int
///         Reading ends after so many events.
///     ``min_severity`` : str
///         Nothing less severe is told.
///     ``associations`` : bool
///         Whether an event that no rule matches is told with what its id may hint at; True by default.
///     ``all_events`` : bool
///         Whether an event without any finding is told too; False by default.
///     ``timezone`` : str
///         The zone of times that name none; UTC by default.
///     ``date_format`` : str
///         ``day-first``, ``month-first``, or a pattern in the notation of ``strftime``.
///     ``columns`` : dict of str to str
///         Names of columns of tables, and the fields that they are.
///     ``recover`` : bool
///         Whether EVTX files are searched for deleted records; False by default.
///
/// Examples
/// --------
/// >>> scanner = evtmap.Scanner(min_severity="high")
/// >>> alerts = scanner.map("logs/")  # doctest: +SKIP
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct Scanner {
    pub(crate) engine: Arc<Engine>,
    pub(crate) options: ScanOptions,
    rules: Py<Rules>,
    attack: Py<Attack>,
    /// The options as they were given.
    given: Py<PyDict>,
}

#[pymethods]
impl Scanner {
    #[new]
    #[pyo3(signature = (rules = None, attack = None, **options))]
    pub(crate) fn new(
        py: Python<'_>,
        rules: Option<&Bound<'_, PyAny>>,
        attack: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let rules = Rules::of_argument(py, rules)?;
        let attack = Attack::of_argument(py, attack)?;
        let engine = py.detach(|| Engine::of(&rules.loaded, &attack.loaded))?;
        let given = match options {
            Some(options) => options.copy()?,
            None => PyDict::new(py),
        };
        let options = options::read(Some(&given), &engine.input)?;
        let (rules, attack) = (Py::new(py, rules)?, Py::new(py, attack)?);
        Ok(Self { engine, options, rules, attack, given: given.unbind() })
    }

    /// Find what events show.
    ///
    /// Parameters
    /// ----------
    /// inputs : path, list of paths, dict, iterable of dicts, or frame
    ///     Files and folders of logs (EVTX, CSV, JSON, XML, packed or not); events as dicts in any of the shapes
    ///     in which programs write them as JSON, or with the columns of a table as keys; a pandas or polars
    ///     frame, or anything else with the Arrow PyCapsule interface.
    /// progress : bool or callable, optional
    ///     True for a progress bar (of tqdm, where it is installed). A function is called with the bytes that
    ///     were read, the bytes there are (0 when that is not known), the events and the detections.
    ///
    /// Returns
    /// -------
    /// Alerts
    ///
    /// Raises
    /// ------
    /// InputError
    ///     When none of the files that were named can be read.
    ///
    /// Warns
    /// -----
    /// InputWarning, RecordWarning
    ///     For files and records that could not be read.
    #[pyo3(signature = (inputs, *, progress = None))]
    pub(crate) fn map(
        &self,
        py: Python<'_>,
        inputs: &Bound<'_, PyAny>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Alerts> {
        let events = Events::of_argument(inputs, &self.options.input)?;
        let none = py.None().into_bound(py);
        let watch = Watch::new(py, progress.unwrap_or(&none), events.n_bytes)?;
        let mut all = Gathered { alerts: Vec::new(), tally: Tally::default(), watch };
        let raised = Arc::clone(&events.raised);
        let scanned = py.detach(|| scan(&self.engine, &self.options, events, &mut all));
        if let Some(error) = raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let account = match scanned {
            Ok(account) => account,
            Err(error) => return Err(all.watch.raised.take().unwrap_or_else(|| error::output(error))),
        };
        all.watch.end(py, account.progress())?;
        tell(py, &account)?;
        let Gathered { alerts, tally, .. } = all;
        let summary = tally.finish();
        Ok(Alerts {
            alerts,
            summary,
            account,
            engine: Arc::clone(&self.engine),
            told: OnceLock::new(),
            batches: OnceLock::new(),
        })
    }

    /// Find what events show, one alert after the other, while they are read.
    ///
    /// Parameters
    /// ----------
    /// inputs : path, list of paths, dict, iterable of dicts, or frame
    ///     As for :meth:`map`. An iterable is asked from another thread.
    /// progress : bool or callable, optional
    ///     As for :meth:`map`.
    ///
    /// Returns
    /// -------
    /// iterator of Alert
    ///     When it is at its end, ``n_events`` and ``not_read`` tell what was looked at. To let go of it ends
    ///     the scan.
    #[pyo3(signature = (inputs, *, progress = None))]
    fn scan(
        &self,
        py: Python<'_>,
        inputs: &Bound<'_, PyAny>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<AlertStream> {
        let events = Events::of_argument(inputs, &self.options.input)?;
        let none = py.None().into_bound(py);
        let watch = Watch::new(py, progress.unwrap_or(&none), events.n_bytes)?;
        AlertStream::start(Arc::clone(&self.engine), self.options.clone(), events, watch)
    }

    /// Say of each row of a frame what rules find in it.
    ///
    /// Parameters
    /// ----------
    /// frame : frame
    ///     Anything with the Arrow PyCapsule interface.
    ///
    /// Returns
    /// -------
    /// Labels
    ///     As many rows, and a column for each thing that is said; see :func:`evtmap.enrich`, which adds them to
    ///     the frame.
    fn label(&self, py: Python<'_>, frame: &Bound<'_, PyAny>) -> PyResult<Labels> {
        frames::label(py, self, frame)
    }

    /// The rules.
    #[getter]
    fn rules(&self, py: Python<'_>) -> Py<Rules> {
        self.rules.clone_ref(py)
    }

    /// The release of ATT&CK.
    #[getter]
    fn attack(&self, py: Python<'_>) -> Py<Attack> {
        self.attack.clone_ref(py)
    }

    /// The options that were given.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.given.bind(py).copy()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let rules = self.rules.bind(py).repr()?;
        let attack = self.attack.bind(py).repr()?;
        let mut told = format!("evtmap.Scanner({rules}, {attack}");
        for (name, value) in self.given.bind(py) {
            told.push_str(&format!(", {name}={}", value.repr()?.to_string_lossy()));
        }
        Ok(told + ")")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let parts = [
            self.rules.bind(py).clone().into_any(),
            self.attack.bind(py).clone().into_any(),
            self.given.bind(py).clone().into_any(),
        ];
        Ok((py.get_type::<Self>().getattr("_of_parts")?, PyTuple::new(py, parts)?))
    }

    #[staticmethod]
    fn _of_parts(
        py: Python<'_>,
        rules: &Bound<'_, PyAny>,
        attack: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        Self::new(py, Some(rules), Some(attack), Some(options))
    }
}

/// Scans events with an engine.
pub(crate) fn scan(
    engine: &Engine,
    options: &ScanOptions,
    events: Events,
    sink: &mut dyn Sink,
) -> io::Result<ScanAccount> {
    let mut options = options.clone();
    if events.is_one_thread {
        options.threads = std::num::NonZero::<usize>::MIN;
    }
    let scanner = evtmap::Scanner::new(&engine.rules.rules, &engine.findings, options);
    match events.source {
        Source::Files(found) => scanner.scan(&found, sink),
        Source::Log(log) => scanner.scan_log(log, sink),
    }
}

/// Takes all alerts of a scan.
struct Gathered {
    alerts: Vec<Alert>,
    tally: Tally,
    watch: Watch,
}

impl Sink for Gathered {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.tally.add(alert);
        self.alerts.push(alert.clone());
        Ok(())
    }

    fn batch(&mut self, alerts: &mut Vec<Alert>, prepared: &Prepared) -> io::Result<()> {
        self.tally.add_batch(&prepared.counts);
        self.alerts.append(alerts);
        Ok(())
    }

    fn preparation(&self) -> Option<Box<dyn Prepare>> {
        Some(Box::new(Counting::default()))
    }

    fn progress(&mut self, progress: Progress) -> io::Result<()> {
        self.watch.look(progress)
    }
}

/// Counts alerts on the threads that find them.
#[derive(Default)]
struct Counting(BatchCounter);

impl Prepare for Counting {
    fn prepare(&mut self, alerts: &[Alert], prepared: &mut Prepared) {
        self.0.count(alerts, &mut prepared.counts);
    }

    fn another(&self) -> Box<dyn Prepare> {
        Box::new(Self::default())
    }
}

/// Warns of what could not be read. That none of what was named could be is an error.
pub(crate) fn tell(py: Python<'_>, account: &ScanAccount) -> PyResult<()> {
    let wanted = account.files.iter().filter(|file| file.named || file.kind.is_some());
    let failed: Vec<_> = wanted.clone().filter_map(|file| file.error.as_ref()).collect();
    let has_read = account.files.iter().any(|file| file.kind.is_some());
    if let Some(first) = failed.first().filter(|_| !has_read) {
        return Err(error::input(first));
    }
    for problem in failed {
        error::warn(py, Warning::Input, &format!("{problem} [{}]", problem.code))?;
    }
    for file in &account.files {
        for (code, problems) in file.problems.iter().filter(|(_, problems)| problems.n_lost > 0) {
            let path = file.path.display();
            let (n, records) = (problems.n_lost, if problems.n_lost == 1 { "record" } else { "records" });
            let first = problems.examples.first();
            let first =
                first.map(|first| format!("{}: {}", first.position, first.reason)).unwrap_or_default();
            let message = format!("`{path}`: {n} {records} could not be read; the first at {first} [{code}]");
            error::warn(py, Warning::Records, &message)?;
        }
    }
    Ok(())
}
