//! `EventMapper`: what `mitre_mapper_windows` asks of an engine, dict in, dict out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use evtmap::alert::{Finding, Kind};
use evtmap::event::Event;
use evtmap::event::message::Templates;
use evtmap::input::Table;
use evtmap::{Label, Pipelines, ScanOptions, Scanner, Severity, Working};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString};

use crate::attack::Attack;
use crate::engine::Engine;
use crate::error;
use crate::options;
use crate::rules::Rules;

/// The keys of an event that say what it is when its row does not, and the columns that they are.
const OWN: [(&str, &str); 5] = [
    ("event_id", "EventID"),
    ("timestamp", "TimeCreated"),
    ("host", "Computer"),
    ("user", "User"),
    ("raw_message", "Message"),
];
/// How many texts are kept; there are as many as findings and event ids that came together.
const N_TEXTS: usize = 4096;
/// How many working memories are kept for threads that come back.
const N_IDLE: usize = 16;

/// Maps events that are dicts.
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct EventMapper {
    engine: Arc<Engine>,
    options: ScanOptions,
    own: Table,
    /// The table of the last row: rows of one file have the same columns.
    last: Mutex<Option<Arc<Columns>>>,
    idle: Mutex<Vec<Idle>>,
    texts: Mutex<HashMap<(usize, u32), Arc<Texts>>>,
}

struct Columns {
    /// The names as Python has them. Rows of one reader have the very same, which is told in no time.
    names: Vec<Py<PyAny>>,
    table: Option<Table>,
}

/// What a thread needs while it maps.
#[derive(Default)]
struct Idle {
    event: Event,
    working: Working,
    label: Label,
    templates: Templates,
}

/// What is said of an event, as Python has it.
struct Texts {
    values: [Py<PyString>; KEYS.len()],
}

/// The keys that are added to an event, in this order.
const KEYS: [&str; 10] = [
    "rule_id",
    "tactic",
    "technique_id",
    "technique_name",
    "severity",
    "description",
    "kind",
    "all_techniques",
    "sigma_title",
    "sigma_rule_id",
];
/// Which of them depends on all findings of an event.
const ALL_TECHNIQUES: usize = 7;

#[pymethods]
impl EventMapper {
    #[new]
    #[pyo3(signature = (rules = None, attack = None))]
    fn new(
        py: Python<'_>,
        rules: Option<&Bound<'_, PyAny>>,
        attack: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let (rules, attack) = (Rules::of_argument(py, rules)?, Attack::of_argument(py, attack)?);
        let engine = py.detach(|| Engine::of(&rules.loaded, &attack.loaded))?;
        let options = options::read(None, &engine.input)?;
        let own = Table::of_columns(&OWN.map(|(_, column)| column), &engine.input).ok_or_else(|| {
            error::option("the columns of an event are unknown", "this is a fault of evtmap")
        })?;
        let (last, idle, texts) = Default::default();
        Ok(Self { engine, options, own, last, idle, texts })
    }

    /// The event with what is found in it.
    fn apply<'py>(&self, py: Python<'py>, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let Ok(given) = event.cast::<PyDict>() else {
            let name = event.get_type().name()?;
            return Err(PyTypeError::new_err(format!("`{name}` is no event; a dict is")));
        };
        let mapped = given.copy()?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let texts = self.map(py, given, &mut idle);
        let mut waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < N_IDLE {
            waiting.push(idle);
        }
        drop(waiting);
        for (key, value) in keys(py).iter().zip(&texts?.values) {
            mapped.set_item(key, value)?;
        }
        Ok(mapped)
    }

    /// What is known of an event id: rules, the most severe first, then associations.
    fn rules_for<'py>(&self, py: Python<'py>, event_id: u32) -> PyResult<Bound<'py, PyList>> {
        let pipelines = Pipelines::bundled()
            .map_err(|problem| error::option(problem.to_string(), "this is a fault of evtmap"))?;
        let rules = &self.engine.rules.rules;
        let found = py.detach(|| {
            let about = rules.about(event_id, &pipelines);
            let mut found: Vec<_> = about
                .into_iter()
                .filter_map(|index| {
                    let date = rules.rules().get(index)?.rule.metadata.date.clone();
                    Some((self.engine.findings.of_rule(index)?, date))
                })
                .collect();
            found.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.severity));
            found.extend(self.engine.findings.of_event_id(event_id).map(|finding| (finding, None)));
            found
        });
        let list = PyList::empty(py);
        for (finding, date) in found {
            for technique in &finding.techniques {
                let entry = PyDict::new(py);
                let rule = finding.rule.as_ref();
                entry.set_item("technique_id", &technique.id)?;
                entry.set_item("technique_name", &technique.name)?;
                entry.set_item("sigma_title", finding.title())?;
                entry.set_item("tactic", tactics(finding))?;
                entry.set_item("severity", finding.severity.map(Severity::as_str))?;
                entry.set_item("description", described(finding, technique.description.as_deref()))?;
                entry.set_item("author", rule.map_or("", |rule| &rule.author))?;
                entry.set_item("references", rule.map(|rule| rule.references.clone()).unwrap_or_default())?;
                let positives = rule.map(|rule| rule.falsepositives.clone());
                entry.set_item("falsepositives", positives.unwrap_or_default())?;
                entry.set_item("status", rule.and_then(|rule| rule.status.as_deref()).unwrap_or_default())?;
                entry.set_item("date", date.as_deref().unwrap_or_default())?;
                entry.set_item("kind", finding.kind.as_str())?;
                entry.set_item(
                    "sigma_rule_id",
                    rule.and_then(|rule| rule.id.as_deref()).unwrap_or_default(),
                )?;
                list.append(entry)?;
            }
        }
        Ok(list)
    }

    /// How many rules are used, correlations left out.
    #[getter]
    fn n_rules(&self) -> usize {
        self.engine.rules.rules.rules().len()
    }
}

impl EventMapper {
    fn map(&self, py: Python<'_>, given: &Bound<'_, PyDict>, idle: &mut Idle) -> PyResult<Arc<Texts>> {
        let Idle { event, working, label, templates } = idle;
        label.clear();
        if self.read(given, templates, event)? {
            let engine = &*self.engine;
            let scanner = Scanner::borrowing(&engine.rules.rules, &engine.findings, &self.options);
            scanner.ask(event, working, &mut |finding| label.add(finding));
        }
        let event_id = event.event_id().unwrap_or_default();
        let chosen = label.findings().iter().find(|finding| !finding.techniques.is_empty());
        let Some(chosen) = chosen.or(label.chosen()) else { return self.texts(py, None, event_id) };
        let texts = self.texts(py, Some(chosen), event_id)?;
        if label.findings().len() == 1 {
            return Ok(texts);
        }
        let ids: Vec<&str> = label.techniques().iter().map(|technique| technique.id.as_str()).collect();
        let mut values = texts.values.each_ref().map(|text| text.clone_ref(py));
        if let Some(all) = values.get_mut(ALL_TECHNIQUES) {
            *all = PyString::new(py, &ids.join(", ")).unbind();
        }
        Ok(Arc::new(Texts { values }))
    }

    /// Fills an event from a dict: from its row, unless the dict says that it is another event. Gives whether
    /// it is one.
    fn read(
        &self,
        given: &Bound<'_, PyDict>,
        templates: &mut Templates,
        event: &mut Event,
    ) -> PyResult<bool> {
        event.clear();
        let py = given.py();
        let own_id = given.get_item(pyo3::intern!(py, "event_id"))?;
        let row = given.get_item(pyo3::intern!(py, "original_row"))?;
        if let Some(row) = row.as_ref().and_then(|row| row.cast::<PyDict>().ok())
            && self.read_row(row, templates, event)?
        {
            let id = own_id.as_ref().map(cell).transpose()?;
            let is_same = id.is_none_or(|id| id.trim().parse() == Ok(event.event_id().unwrap_or_default()));
            if is_same {
                return Ok(true);
            }
        }
        event.clear();
        let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(OWN.len());
        let values = OWN.iter().map(|(key, _)| given.get_item(key)).collect::<PyResult<Vec<_>>>()?;
        for value in &values {
            cells.push(value.as_ref().map(cell).transpose()?.unwrap_or_default());
        }
        Ok(self.own.read(cells.len(), cells.iter().map(|cell| &**cell), templates, event).is_ok())
    }

    /// Fills an event from the row that the dict was made of.
    fn read_row(
        &self,
        row: &Bound<'_, PyDict>,
        templates: &mut Templates,
        event: &mut Event,
    ) -> PyResult<bool> {
        let entries: Vec<_> = row.iter().collect();
        let columns = self.columns(&entries)?;
        let Some(table) = &columns.table else { return Ok(false) };
        let cells = entries.iter().map(|(_, value)| cell(value)).collect::<PyResult<Vec<_>>>()?;
        Ok(table.read(cells.len(), cells.iter().map(|cell| &**cell), templates, event).is_ok())
    }

    /// What the columns of a row mean.
    fn columns(&self, entries: &[(Bound<'_, PyAny>, Bound<'_, PyAny>)]) -> PyResult<Arc<Columns>> {
        // INVARIANT: no lock is held where Python may run, since another thread could then wait for the lock
        // with the GIL, and this one for the GIL with the lock.
        let names = || entries.iter().map(|(name, _)| name);
        let is_same = |columns: &&Arc<Columns>| {
            columns.names.len() == entries.len()
                && columns.names.iter().zip(names()).all(|(own, name)| own.is(name))
        };
        let known =
            self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().filter(is_same).cloned();
        if let Some(columns) = known {
            return Ok(columns);
        }
        let texts = names().map(cell).collect::<PyResult<Vec<_>>>()?;
        let table = Table::of_columns(&texts, &self.engine.input);
        let columns = Arc::new(Columns { names: names().map(|name| name.clone().unbind()).collect(), table });
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::clone(&columns));
        drop(before);
        Ok(columns)
    }

    /// What a finding says of an event with an id, made once.
    fn texts(&self, py: Python<'_>, finding: Option<&Arc<Finding>>, event_id: u32) -> PyResult<Arc<Texts>> {
        // The engine keeps its findings, so that an address stands for one of them only.
        let key = match finding {
            Some(finding) => (Arc::as_ptr(finding).addr(), event_id),
            None => (0, 0),
        };
        let known = self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(texts) = known {
            return Ok(texts);
        }
        let values = finding.map(|finding| said(finding, event_id)).unwrap_or_default();
        let texts = Arc::new(Texts { values: values.map(|text| PyString::new(py, &text).unbind()) });
        let mut all = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if all.len() >= N_TEXTS { std::mem::take(&mut *all) } else { HashMap::new() };
        all.insert(key, Arc::clone(&texts));
        drop(all);
        drop(before);
        Ok(texts)
    }
}

/// The keys as Python has them, made once.
fn keys(py: Python<'_>) -> &'static [Py<PyString>; KEYS.len()] {
    static MADE: PyOnceLock<[Py<PyString>; KEYS.len()]> = PyOnceLock::new();
    MADE.get_or_init(py, || KEYS.map(|key| PyString::intern(py, key).unbind()))
}

/// The text of a cell. What is missing is an empty one; of a list, as `csv.DictReader` has it of cells beyond
/// the header, the parts are joined.
fn cell<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_string_lossy());
    }
    if value.is_none() {
        return Ok(Cow::Borrowed(""));
    }
    if let Ok(list) = value.cast::<PyList>() {
        let mut parts = Vec::new();
        for part in list {
            parts.push(part.str()?.to_string_lossy().into_owned());
        }
        return Ok(Cow::Owned(parts.join("\n")));
    }
    Ok(Cow::Owned(value.str()?.to_string_lossy().into_owned()))
}

/// What a finding says, in the order of [`KEYS`].
fn said(finding: &Finding, event_id: u32) -> [String; KEYS.len()] {
    let first = finding.techniques.first();
    let id = first.map(|technique| technique.id.as_str()).unwrap_or_default();
    let ids: Vec<&str> = finding.techniques.iter().map(|technique| technique.id.as_str()).collect();
    let rule = finding.rule.as_ref();
    let sigma_title = if finding.kind == Kind::Detection { finding.title() } else { "" };
    [
        format!("sigma_{event_id}_{id}"),
        tactics(finding),
        id.to_owned(),
        first.map(|technique| technique.name.clone()).unwrap_or_default(),
        finding.severity.map(Severity::as_str).unwrap_or_default().to_owned(),
        described(finding, first.and_then(|technique| technique.description.as_deref())),
        finding.kind.as_str().to_owned(),
        ids.join(", "),
        sigma_title.to_owned(),
        rule.and_then(|rule| rule.id.clone()).unwrap_or_default(),
    ]
}

fn tactics(finding: &Finding) -> String {
    finding.tactics.iter().map(|tactic| tactic.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn described(finding: &Finding, technique: Option<&str>) -> String {
    match technique {
        Some(technique) => format!("{}\n\nTechnique: {technique}", finding.description()),
        None => finding.description().to_owned(),
    }
}
