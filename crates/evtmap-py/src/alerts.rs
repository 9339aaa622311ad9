//! `Alerts`: what a scan found, and what it did not look at.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use evtmap::ScanAccount;
use evtmap::alert::Alert;
use evtmap::arrow::told_schema;
use evtmap::report::{self, FORMATS, Format, ReportOptions, TimeStyle};
use evtmap::triage::{Report, RulesAccount, Summary};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList, PySlice};
use pyo3_arrow::error::{PyArrowError, PyArrowResult};
use pyo3_arrow::ffi::to_schema_pycapsule;

use crate::alert::PyAlert;
use crate::attack::Attack;
use crate::engine::Engine;
use crate::error;
use crate::frames;

/// What a scan found: alerts in the order of the input, and what they come to.
///
/// A sequence of :class:`Alert`, and a table for everything that reads Arrow.
#[pyclass(frozen, sequence, module = "evtmap")]
pub(crate) struct Alerts {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) summary: Summary,
    pub(crate) account: ScanAccount,
    pub(crate) engine: Arc<Engine>,
    /// The alerts as columns, with told lists.
    pub(crate) told: OnceLock<Vec<RecordBatch>>,
    /// The same where each row has its own lists; all other columns are shared.
    pub(crate) batches: OnceLock<Vec<RecordBatch>>,
}

#[pymethods]
impl Alerts {
    fn __len__(&self) -> usize {
        self.alerts.len()
    }

    fn __bool__(&self) -> bool {
        !self.alerts.is_empty()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let indices = slice.indices(self.alerts.len().cast_signed())?;
            let list = PyList::empty(py);
            let mut at = indices.start;
            for _ in 0..indices.slicelength {
                list.append(self.at(at)?)?;
                at += indices.step;
            }
            return Ok(list.into_any());
        }
        Ok(self.at(index.extract()?)?.into_pyobject(py)?.into_any())
    }

    /// What the alerts come to, as ``summary`` of the JSON report.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.with_report(|report| report::summary(report, &TimeStyle::default()).to_string()))
    }

    /// What was not looked at and why, as ``not_looked_at`` of the JSON report.
    #[getter]
    fn not_looked_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(
            py,
            &self.with_report(|report| report::not_looked_at(report.scan, Some(report.rules)).to_string()),
        )
    }

    /// Number of events that were looked at.
    #[getter]
    fn n_events(&self) -> u64 {
        self.account.progress().events
    }

    /// Number of detections among the alerts.
    #[getter]
    fn n_detections(&self) -> u64 {
        self.summary.n_detections()
    }

    /// Write a report.
    ///
    /// Parameters
    /// ----------
    /// format : str
    ///     One of :attr:`formats`.
    /// path : str or os.PathLike, optional
    ///     The file to write.
    ///
    /// Returns
    /// -------
    /// str, bytes or None
    ///     The report when no path is given; bytes for a format that is no text.
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     When there is no such format.
    /// OSError
    ///     When the file cannot be written.
    #[pyo3(signature = (format, path = None))]
    fn report<'py>(
        &self,
        py: Python<'py>,
        format: &str,
        path: Option<PathBuf>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(format) = Format::named(format) else {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            let help = format!("formats are {}", names.join(", "));
            return Err(error::option(format!("there is no format `{format}`"), &help));
        };
        if let Some(path) = path {
            py.detach(|| self.write_file(format, &path)).map_err(error::output)?;
            return Ok(None);
        }
        let bytes = py.detach(|| self.write_bytes(format)).map_err(error::output)?;
        Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => text.into_pyobject(py)?.into_any(),
            Err(error) => PyBytes::new(py, error.as_bytes()).into_any(),
        }))
    }

    /// A table for spreadsheets, one row an alert.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike, optional
    ///     The file to write.
    ///
    /// Returns
    /// -------
    /// str or None
    ///     The report when no path is given.
    #[pyo3(signature = (path = None))]
    fn to_csv<'py>(&self, py: Python<'py>, path: Option<PathBuf>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.report(py, "csv", path)
    }

    /// One document with alerts and summary.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike, optional
    ///     The file to write.
    ///
    /// Returns
    /// -------
    /// str or None
    ///     The report when no path is given.
    #[pyo3(signature = (path = None))]
    fn to_json<'py>(&self, py: Python<'py>, path: Option<PathBuf>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.report(py, "json", path)
    }

    /// One JSON object a line and alert.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike, optional
    ///     The file to write.
    ///
    /// Returns
    /// -------
    /// str or None
    ///     The report when no path is given.
    #[pyo3(signature = (path = None))]
    fn to_jsonl<'py>(&self, py: Python<'py>, path: Option<PathBuf>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.report(py, "jsonl", path)
    }

    /// A page with everything in it.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike, optional
    ///     The file to write.
    ///
    /// Returns
    /// -------
    /// str or None
    ///     The report when no path is given.
    #[pyo3(signature = (path = None))]
    fn to_html<'py>(&self, py: Python<'py>, path: Option<PathBuf>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.report(py, "html", path)
    }

    /// A layer for the ATT&CK Navigator.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike, optional
    ///     The file to write.
    ///
    /// Returns
    /// -------
    /// str or None
    ///     The report when no path is given.
    #[pyo3(signature = (path = None))]
    fn to_navigator<'py>(
        &self,
        py: Python<'py>,
        path: Option<PathBuf>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.report(py, "navigator", path)
    }

    /// One row an alert.
    ///
    /// Returns
    /// -------
    /// pandas.DataFrame
    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("evtmap._frames")?.getattr("to_pandas")?.call1((slf,))
    }

    /// One row an alert.
    ///
    /// Returns
    /// -------
    /// polars.DataFrame
    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("evtmap._frames")?.getattr("to_polars")?.call1((slf,))
    }

    /// One row an alert.
    ///
    /// Returns
    /// -------
    /// pyarrow.Table
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("evtmap._frames")?.getattr("to_arrow")?.call1((slf,))
    }

    /// The release of ATT&CK that names techniques.
    #[getter]
    fn attack(&self) -> Attack {
        Attack { loaded: Arc::clone(&self.engine.attack) }
    }

    /// The alerts to look at first.
    ///
    /// Parameters
    /// ----------
    /// n : int, optional
    ///     How many at most.
    ///
    /// Returns
    /// -------
    /// list of Alert
    ///     The most severe detections, in the order of the input where they are equal; then associations.
    #[pyo3(signature = (n = 10))]
    fn top(&self, n: usize) -> Vec<PyAlert> {
        let mut order: Vec<&Alert> = self.alerts.iter().collect();
        order.sort_by_key(|alert| (alert.finding.kind, Reverse(alert.finding.severity)));
        order.into_iter().take(n).cloned().map(PyAlert::of).collect()
    }

    /// Names of the formats in which a report can be written.
    #[classattr]
    fn formats() -> Vec<&'static str> {
        FORMATS.iter().map(|format| format.name).collect()
    }

    /// The columns of the alerts, for everything that reads Arrow.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, evtmap::arrow::schema().as_ref())
    }

    /// The alerts as record batches, for everything that reads Arrow.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let batches = py.detach(|| self.batches()).map_err(PyArrowError::from)?;
        frames::to_stream(py, batches.to_vec(), evtmap::arrow::schema(), requested_schema)
    }

    /// The alerts as record batches in which each list is there once, and rows say which is theirs.
    fn _told_stream<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let told = py.detach(|| self.told()).map_err(PyArrowError::from)?;
        frames::to_stream(py, told.to_vec(), told_schema(&evtmap::arrow::schema()), None)
    }

    fn __repr__(&self) -> String {
        let (n, n_detections) = (self.alerts.len(), self.summary.n_detections());
        format!("<evtmap.Alerts: {n} alerts, {n_detections} detections, {} events>", self.n_events())
    }

    /// The summary as HTML, which notebooks show.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        slf.py().import("evtmap._html")?.getattr("render")?.call1((slf,))?.extract()
    }
}

impl Alerts {
    fn at(&self, index: isize) -> PyResult<PyAlert> {
        let at = if index < 0 { index.checked_add_unsigned(self.alerts.len()) } else { Some(index) };
        let alert = at.and_then(|at| self.alerts.get(usize::try_from(at).ok()?));
        alert
            .cloned()
            .map(PyAlert::of)
            .ok_or_else(|| PyIndexError::new_err("there is no alert of this number"))
    }

    fn with_report<T>(&self, told: impl FnOnce(&Report<'_>) -> T) -> T {
        let rules = &self.engine.rules;
        let origins = rules.recipe.sources.iter().map(|source| source.name().to_owned()).collect();
        let rules = RulesAccount::new(origins, &rules.rules, &self.engine.findings);
        told(&Report {
            summary: &self.summary,
            scan: &self.account,
            rules: &rules,
            catalogue: &self.engine.attack.catalogue,
            catalogue_origin: &self.engine.attack.origin,
        })
    }

    fn write(&self, format: &Format, out: Box<dyn Write>) -> io::Result<()> {
        let mut writer = format.open(out, &ReportOptions::default())?;
        self.alerts.iter().try_for_each(|alert| writer.alert(alert))?;
        self.with_report(|report| writer.finish(report))
    }

    /// The file is put in place whole, so that an end in between leaves what was there.
    fn write_file(&self, format: &Format, path: &std::path::Path) -> io::Result<()> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let written = std::fs::File::create(&draft)
            .and_then(|file| self.write(format, Box::new(io::BufWriter::new(file))))
            .and_then(|()| std::fs::rename(&draft, path));
        if written.is_err() {
            // What went wrong is told; that a half is left over as well helps nobody.
            let _ = std::fs::remove_file(&draft);
        }
        written
    }

    fn write_bytes(&self, format: &Format) -> io::Result<Vec<u8>> {
        let shared = Shared::default();
        self.write(format, Box::new(shared.clone()))?;
        let bytes = std::mem::take(&mut *shared.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(bytes)
    }

    /// The alerts as columns with told lists, which are made once and shared by all who take them.
    fn told(&self) -> Result<&[RecordBatch], ArrowError> {
        if let Some(told) = self.told.get() {
            return Ok(told);
        }
        let told = evtmap::arrow::told_batches(&self.alerts, frames::n_threads())?;
        Ok(self.told.get_or_init(|| told))
    }

    /// The alerts as columns in which each row has its own lists.
    fn batches(&self) -> Result<&[RecordBatch], ArrowError> {
        if let Some(batches) = self.batches.get() {
            return Ok(batches);
        }
        let batches = evtmap::arrow::spread(self.told()?, frames::n_threads())?;
        Ok(self.batches.get_or_init(|| batches))
    }
}

/// What is written, to be taken when all of it is.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// JSON as Python's values.
pub(crate) fn loads<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.getattr("loads")?.call1((json,))
}
