//! `Rules`: rules ready for scanning.

use std::path::PathBuf;
use std::sync::Arc;

use evtmap::authoring::RuleKnowledge;
use evtmap::rules::{RuleContent, RuleFile, RuleSource, SkipReason};
use evtmap::sigma::Linter;
use evtmap::{Catalogue, Pipelines, Placeholders};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::engine::{LoadedRules, Recipe};
use crate::error::{self, Warning};

/// Rules ready for scanning.
///
/// Equal rules are made ready once a process and shared. They can be pickled: what is pickled are their texts,
/// so that a worker on another machine needs no files.
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct Rules {
    pub(crate) loaded: Arc<LoadedRules>,
}

#[pymethods]
impl Rules {
    /// The rules that come with evtmap.
    ///
    /// Returns
    /// -------
    /// Rules
    #[staticmethod]
    fn default(py: Python<'_>) -> PyResult<Self> {
        Self::make(py, vec![RuleSource::bundled()], String::new())
    }

    /// Read rules from files, folders and archives.
    ///
    /// Parameters
    /// ----------
    /// *paths : str or os.PathLike
    ///     Sigma rules: files, folders, ``.tar.gz`` or ``.zip`` archives such as SigmaHQ's.
    /// placeholders : str, optional
    ///     Values for placeholders, a YAML map of names to lists.
    ///
    /// Returns
    /// -------
    /// Rules
    ///
    /// Raises
    /// ------
    /// RulesError
    ///     When a path cannot be read, or none of the rules can be used.
    ///
    /// Warns
    /// -----
    /// RuleWarning
    ///     For rules that cannot be used as they are written. :attr:`skipped` has all of them.
    ///
    /// Examples
    /// --------
    /// >>> evtmap.Rules.load("sigma-master.tar.gz")  # doctest: +SKIP
    /// <evtmap.Rules: 2857 rules, 12 correlations>
    #[staticmethod]
    #[pyo3(signature = (*paths, placeholders = None))]
    fn load(py: Python<'_>, paths: Vec<PathBuf>, placeholders: Option<String>) -> PyResult<Self> {
        if paths.is_empty() {
            return Err(error::option(
                "no path of rules is given",
                "`Rules.default()` has evtmap's own rules",
            ));
        }
        let sources = py.detach(|| open(&paths))?;
        let rules = Self::make(py, sources, placeholders.unwrap_or_default())?;
        rules.refuse_empty()?;
        rules.warn(py)?;
        Ok(rules)
    }

    /// Read rules from texts.
    ///
    /// Parameters
    /// ----------
    /// *texts : str
    ///     Sigma rules in YAML.
    /// placeholders : str, optional
    ///     Values for placeholders, a YAML map of names to lists.
    ///
    /// Returns
    /// -------
    /// Rules
    #[staticmethod]
    #[pyo3(signature = (*texts, placeholders = None))]
    fn from_text(py: Python<'_>, texts: Vec<String>, placeholders: Option<String>) -> PyResult<Self> {
        let files = texts.into_iter().zip(1..).map(|(text, n)| RuleFile { path: format!("text {n}"), text });
        let source = RuleSource::of_files("text", files.collect());
        let rules = Self::make(py, vec![source], placeholders.unwrap_or_default())?;
        rules.refuse_empty()?;
        rules.warn(py)?;
        Ok(rules)
    }

    /// Say what is wrong or doubtful in rules, as ``evtmap rules check`` does.
    ///
    /// Parameters
    /// ----------
    /// *paths : str or os.PathLike
    ///     Files, folders and archives of rules.
    ///
    /// Returns
    /// -------
    /// list of dict
    ///     For each problem ``path``, ``line``, ``column``, ``gravity`` (``error``, ``warning``, ``remark``),
    ///     ``code``, ``message``, ``help`` and ``title``.
    #[staticmethod]
    #[pyo3(signature = (*paths))]
    fn check<'py>(py: Python<'py>, paths: Vec<PathBuf>) -> PyResult<Bound<'py, PyList>> {
        let found = py.detach(|| check(&paths))?;
        let list = PyList::empty(py);
        for (path, found) in found {
            let entry = PyDict::new(py);
            entry.set_item("path", path)?;
            entry.set_item("line", found.place.line)?;
            entry.set_item("column", found.place.column)?;
            entry.set_item("gravity", format!("{:?}", found.gravity).to_lowercase())?;
            entry.set_item("code", found.code)?;
            entry.set_item("message", &found.message)?;
            entry.set_item("help", &found.help)?;
            list.append(entry)?;
        }
        Ok(list)
    }

    /// Rules that are not used: for each ``path``, ``title``, ``reason`` and ``detail``.
    #[getter]
    fn skipped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for rule in self.loaded.rules.skipped() {
            let entry = PyDict::new(py);
            entry.set_item("path", &rule.path)?;
            entry.set_item("title", &rule.title)?;
            entry.set_item("reason", rule.reason.as_str())?;
            entry.set_item("detail", &rule.detail)?;
            list.append(entry)?;
        }
        Ok(list)
    }

    /// Titles of the rules that are used, correlations last.
    #[getter]
    fn titles(&self) -> Vec<&str> {
        let rules = self.loaded.rules.rules().iter().map(|loaded| &loaded.rule.metadata);
        let correlations = self.loaded.rules.correlations().iter().map(|own| &own.correlation.metadata);
        rules.chain(correlations).map(|metadata| metadata.title.as_str()).collect()
    }

    fn __len__(&self) -> usize {
        self.loaded.rules.rules().len() + self.loaded.rules.correlations().len()
    }

    fn __repr__(&self) -> String {
        let (n_rules, n) = (self.loaded.rules.rules().len(), self.loaded.rules.correlations().len());
        format!("<evtmap.Rules: {n_rules} rules, {n} correlations>")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let recipe = &self.loaded.recipe;
        let parts = PyList::empty(py);
        for source in &recipe.sources {
            let content = match source.content() {
                RuleContent::Program => py.None().into_bound(py),
                RuleContent::Packed(bytes) => PyBytes::new(py, bytes).into_any(),
                RuleContent::Files(files) => {
                    let files = files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
                    PyList::new(py, files.collect::<Vec<_>>())?.into_any()
                }
            };
            parts.append((source.name(), content))?;
        }
        let arguments =
            PyTuple::new(py, [parts.into_any(), recipe.placeholders.as_str().into_pyobject(py)?.into_any()])?;
        Ok((py.get_type::<Self>().getattr("_of_parts")?, arguments))
    }

    #[staticmethod]
    fn _of_parts(
        py: Python<'_>,
        parts: Vec<(String, Bound<'_, PyAny>)>,
        placeholders: String,
    ) -> PyResult<Self> {
        let mut sources = Vec::new();
        for (name, content) in parts {
            sources.push(if content.is_none() {
                RuleSource::bundled()
            } else if let Ok(bytes) = content.cast::<PyBytes>() {
                RuleSource::packed(name, bytes.as_bytes().to_vec())
            } else {
                let files: Vec<(String, String)> = content.extract()?;
                let files = files.into_iter().map(|(path, text)| RuleFile { path, text }).collect();
                RuleSource::of_files(name, files)
            });
        }
        Self::make(py, sources, placeholders)
    }
}

impl Rules {
    /// Rules as an argument: rules, or paths of some; evtmap's own when nothing is given.
    pub(crate) fn of_argument(py: Python<'_>, rules: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(rules) = rules.filter(|rules| !rules.is_none()) else { return Self::default(py) };
        if let Ok(rules) = rules.cast::<Self>() {
            return Ok(Self { loaded: Arc::clone(&rules.get().loaded) });
        }
        let paths = match rules.extract::<PathBuf>() {
            Ok(path) => vec![path],
            Err(_) => rules.extract::<Vec<PathBuf>>().map_err(|_| {
                pyo3::exceptions::PyTypeError::new_err("rules are to be `Rules`, a path, or a list of paths")
            })?,
        };
        Self::load(py, paths, None)
    }

    pub(crate) fn make(py: Python<'_>, sources: Vec<RuleSource>, placeholders: String) -> PyResult<Self> {
        let loaded = py.detach(|| {
            let digest = evtmap::rules::digest(&sources, &placeholders).to_vec();
            LoadedRules::of(&Recipe { sources, placeholders, digest })
        })?;
        Ok(Self { loaded })
    }

    fn refuse_empty(&self) -> PyResult<()> {
        if self.__len__() > 0 {
            return Ok(());
        }
        let names: Vec<&str> = self.loaded.recipe.sources.iter().map(RuleSource::name).collect();
        let first = self.loaded.rules.skipped().first();
        let reason = first.map(|rule| format!("{}: {} ({})", rule.path, rule.reason.as_str(), rule.detail));
        let problem = error::Problem {
            message: format!("no rule of {} can be used", names.join(", ")),
            file: first.map(|rule| rule.path.clone()),
            line: self.loaded.rules.diagnostics().first().map(|(_, problem)| problem.place.line as u64),
            help: reason.as_deref(),
            ..error::Problem::default()
        };
        Err(problem.raise(error::Class::Rules))
    }

    /// Warns of rules that a user may want to mend.
    fn warn(&self, py: Python<'_>) -> PyResult<()> {
        for reason in [SkipReason::Invalid, SkipReason::UnknownLogsource, SkipReason::Duplicate] {
            let skipped: Vec<_> =
                self.loaded.rules.skipped().iter().filter(|rule| rule.reason == reason).collect();
            let Some(first) = skipped.first() else { continue };
            let (n, reason) = (skipped.len(), reason.as_str());
            let rules = if n == 1 { "rule is" } else { "rules are" };
            let message =
                format!("{n} {rules} not used: {reason}; the first is {} ({})", first.path, first.detail);
            error::warn(py, Warning::Rules, &message)?;
        }
        Ok(())
    }
}

fn open(paths: &[PathBuf]) -> PyResult<Vec<RuleSource>> {
    paths.iter().map(|path| RuleSource::open(path).map_err(|error| error::rules(&error))).collect()
}

fn check(paths: &[PathBuf]) -> PyResult<Vec<(String, evtmap::sigma::Finding)>> {
    let pipelines = Pipelines::bundled()
        .map_err(|problem| error::option(problem.to_string(), "this is a fault of evtmap"))?;
    let catalogue = Catalogue::bundled();
    let knowledge = RuleKnowledge::new(&catalogue, &pipelines);
    let placeholders = Placeholders::default();
    let mut linter = Linter::new(&knowledge, &placeholders);
    let mut found = Vec::new();
    for source in open(paths)? {
        for file in source.files().map_err(|error| error::rules(&error))? {
            let checked = linter.check(&file.path, &file.text);
            found.extend(checked.findings.into_iter().map(|problem| (file.path.clone(), problem)));
        }
    }
    Ok(found)
}
