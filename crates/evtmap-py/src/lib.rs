//! evtmap as a Python module: what the library does, for Python's values.

#![expect(clippy::needless_pass_by_value, reason = "Python's arguments come as values of their own")]

mod alert;
mod alerts;
mod attack;
mod cache;
mod engine;
mod error;
mod events;
mod frames;
mod live;
mod object;
mod options;
mod progress;
mod rules;
mod scanner;
mod seed;
mod stream;

/// Results are kept here, unlike in the program, and what is kept is given back by another thread than the one that
/// made it. The system's allocator takes a fifth of the time of a frame for that, page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The module that `evtmap` takes its classes from.
#[pyo3::pymodule]
mod _native {
    use std::borrow::Cow;
    use std::path::PathBuf;

    use evtmap_live::{Order, Query};
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyString};

    #[pymodule_export]
    use crate::alert::PyAlert;
    #[pymodule_export]
    use crate::alerts::Alerts;
    #[pymodule_export]
    use crate::attack::{Attack, Tactic, Technique};
    #[pymodule_export]
    use crate::frames::Labels;
    #[pymodule_export]
    use crate::live::LiveLog;
    #[pymodule_export]
    use crate::rules::Rules;
    #[pymodule_export]
    use crate::scanner::Scanner;
    #[pymodule_export]
    use crate::seed::EventMapper;
    #[pymodule_export]
    use crate::stream::AlertStream;

    /// Find what events show.
    ///
    /// Parameters
    /// ----------
    /// inputs : path, list of paths, dict, iterable of dicts, or frame
    ///     What is looked at; see :meth:`Scanner.map`.
    /// rules : Rules, path or list of paths, optional
    ///     What is looked for; evtmap's own rules by default.
    /// attack : Attack or path, optional
    ///     The release of ATT&CK that names techniques.
    /// progress : bool or callable, optional
    ///     True for a progress bar; see :meth:`Scanner.map`.
    /// **options
    ///     Those of :class:`Scanner`.
    ///
    /// Returns
    /// -------
    /// Alerts
    ///
    /// Examples
    /// --------
    /// >>> alerts = evtmap.map("Security.evtx", min_severity="medium")  # doctest: +SKIP
    /// >>> alerts.to_pandas().groupby("severity").size()  # doctest: +SKIP
    #[pyfunction]
    #[pyo3(signature = (inputs, rules = None, attack = None, *, progress = None, **options))]
    fn map(
        inputs: &Bound<'_, PyAny>,
        rules: Option<&Bound<'_, PyAny>>,
        attack: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Alerts> {
        let py = inputs.py();
        Scanner::new(py, rules, attack, options)?.map(py, inputs, progress)
    }

    /// The event log of this Windows computer, to be given to :func:`map` or a :class:`Scanner`.
    ///
    /// Parameters
    /// ----------
    /// channels : str or list of str, optional
    ///     Channels such as ``Security``, or paths of exported logs; ``all`` is every channel that is enabled.
    /// xpath : str, optional
    ///     Which events Windows is to hand out, such as ``*[System[EventID=4625]]``.
    /// newest_first : bool
    ///     Whether the newest events come first.
    /// computer : str, optional
    ///     The name of another computer, which is asked with the rights of whoever runs this.
    /// messages : bool
    ///     Whether Windows makes the message of each event too, which takes time.
    ///
    /// Returns
    /// -------
    /// LiveLog
    ///
    /// Raises
    /// ------
    /// InputError
    ///     When this is no Windows (its ``code`` is ``live-elsewhere``), or the computer does not answer.
    ///
    /// Examples
    /// --------
    /// >>> alerts = evtmap.map(evtmap.live("Security"), since="2026-03-01")  # doctest: +SKIP
    #[pyfunction]
    #[pyo3(signature = (channels = None, *, xpath = None, newest_first = false, computer = None, messages = false))]
    fn live(
        channels: Option<&Bound<'_, PyAny>>,
        xpath: Option<String>,
        newest_first: bool,
        computer: Option<String>,
        messages: bool,
    ) -> PyResult<LiveLog> {
        let channels = match channels {
            None => vec!["Security".to_owned()],
            Some(channels) => match channels.extract::<String>() {
                Ok(channel) => vec![channel],
                Err(_) => channels.extract()?,
            },
        };
        let order = if newest_first { Order::NewestFirst } else { Order::OldestFirst };
        LiveLog::new(channels, Query { xpath, order, computer, messages, ..Query::default() })
    }

    /// A cell as a spreadsheet may be given it: what it would run as a formula gets a quote in front.
    #[pyfunction]
    fn neutralised<'py>(cell: Bound<'py, PyString>) -> PyResult<Bound<'py, PyString>> {
        let text = cell.to_cow()?;
        let changed = match evtmap::report::neutralised(Cow::Borrowed(&*text)) {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(PyString::new(cell.py(), &changed)),
        };
        drop(text);
        Ok(changed.unwrap_or(cell))
    }

    /// The rules and the release of ATT&CK of a cache folder, and what is to be told of it.
    #[pyfunction]
    fn load_cache(py: Python<'_>, folder: PathBuf) -> PyResult<(Option<Rules>, Option<Attack>, Vec<String>)> {
        crate::cache::load(py, &folder)
    }

    /// Fetch what is newer of a part: `rules` or `attack`.
    #[pyfunction]
    fn refresh_cache(py: Python<'_>, folder: PathBuf, part: &str) -> PyResult<String> {
        crate::cache::refresh(py, folder, part)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
