//! `EventMapper`: what `mitre_mapper_windows` asks of an engine, dict in, dict out.

mod columns;

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
use pyo3::types::{PyDict, PyList, PyString};

use crate::attack::Attack;
use crate::engine::Engine;
use crate::error;
use crate::options;
use crate::rules::Rules;

use self::columns::{Columns, Entry, Met};

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
    /// What is added to events in which a finding was chosen, by its address and the event id.
    texts: Mutex<HashMap<(usize, u32), Py<PyDict>>>,
}

/// What a thread needs while it maps.
#[derive(Default)]
struct Idle {
    event: Event,
    working: Working,
    label: Label,
    templates: Templates,
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
/// The one that depends on all findings of an event.
const ALL_TECHNIQUES: &str = "all_techniques";

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
        let added = self.map(py, given, &mut idle);
        let mut waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < N_IDLE {
            waiting.push(idle);
        }
        drop(waiting);
        mapped.update(added?.as_mapping())?;
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
                    Some((self.engine.findings.of_rule(rules, index)?, date))
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
    /// What is added to an event.
    fn map<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyDict>,
        idle: &mut Idle,
    ) -> PyResult<Bound<'py, PyDict>> {
        let own_id = given.get_item(pyo3::intern!(py, "event_id"))?;
        let row = given.get_item(pyo3::intern!(py, "original_row"))?;
        let Some(row) = row.as_ref().and_then(|row| row.cast::<PyDict>().ok()) else {
            return self.map_own(given, idle);
        };
        let entries: Vec<Entry<'py>> = row.iter().collect();
        let columns = self.columns(&entries)?;
        let met = columns.meet(&entries, own_id.as_ref(), &mut idle.event)?;
        if let Met::Known(added) = met {
            return Ok(added);
        }
        let Some(table) = columns.table.as_ref() else { return self.map_own(given, idle) };
        let cells = entries.iter().map(|(_, value)| cell(value)).collect::<PyResult<Vec<_>>>()?;
        let cells = cells.iter().map(|cell| &**cell);
        idle.event.clear();
        let is_read = table.read(entries.len(), cells, &mut idle.templates, &mut idle.event).is_ok();
        let id = own_id.as_ref().map(cell).transpose()?;
        let is_same = |id: &str| id.trim().parse() == Ok(idle.event.event_id().unwrap_or_default());
        if !is_read || !id.as_deref().is_none_or(is_same) {
            return self.map_own(given, idle);
        }
        let added = self.ask(py, idle)?;
        if let Met::Again(row, hash) = met
            && table.has_time_of_its_cell(&idle.event)
            && self.scanner().ignores_what_passes(&idle.event, &mut idle.working)
        {
            columns.keep(row, hash, &added);
        }
        Ok(added)
    }

    /// What is added to an event by what it says beside its row, which has none or is of another event.
    fn map_own<'py>(&self, given: &Bound<'py, PyDict>, idle: &mut Idle) -> PyResult<Bound<'py, PyDict>> {
        let Idle { event, templates, .. } = idle;
        event.clear();
        let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(OWN.len());
        let values = OWN.iter().map(|(key, _)| given.get_item(key)).collect::<PyResult<Vec<_>>>()?;
        for value in &values {
            cells.push(value.as_ref().map(cell).transpose()?.unwrap_or_default());
        }
        if self.own.read(cells.len(), cells.iter().map(|cell| &**cell), templates, event).is_err() {
            return self.texts(given.py(), None, event.event_id().unwrap_or_default());
        }
        self.ask(given.py(), idle)
    }

    /// What is added to the event that was read.
    fn ask<'py>(&self, py: Python<'py>, idle: &mut Idle) -> PyResult<Bound<'py, PyDict>> {
        let Idle { event, working, label, .. } = idle;
        label.clear();
        self.scanner().ask(event, working, &mut |finding| label.add(finding));
        let event_id = event.event_id().unwrap_or_default();
        let chosen = label.findings().iter().find(|finding| !finding.techniques.is_empty());
        let Some(chosen) = chosen.or(label.chosen()) else { return self.texts(py, None, event_id) };
        let texts = self.texts(py, Some(chosen), event_id)?;
        if label.findings().len() == 1 {
            return Ok(texts);
        }
        let ids: Vec<&str> = label.techniques().iter().map(|technique| technique.id.as_str()).collect();
        let texts = texts.copy()?;
        texts.set_item(ALL_TECHNIQUES, ids.join(", "))?;
        Ok(texts)
    }

    fn scanner(&self) -> Scanner<'_> {
        Scanner::borrowing(&self.engine.rules.rules, &self.engine.findings, &self.options)
    }

    /// What the columns of a row mean.
    fn columns(&self, entries: &[Entry<'_>]) -> PyResult<Arc<Columns>> {
        // INVARIANT: no lock is held where Python may run, since another thread could then wait for the lock
        // with the GIL, and this one for the GIL with the lock.
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(columns) = last
            && columns.are_of(entries)?
        {
            return Ok(columns);
        }
        let columns = Arc::new(Columns::of(entries, &self.engine.input)?);
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::clone(&columns));
        drop(before);
        Ok(columns)
    }

    /// What a finding says of an event with an id, made once.
    fn texts<'py>(
        &self,
        py: Python<'py>,
        finding: Option<&Arc<Finding>>,
        event_id: u32,
    ) -> PyResult<Bound<'py, PyDict>> {
        // The engine keeps its findings, so that an address stands for one of them only.
        let key = match finding {
            Some(finding) => (Arc::as_ptr(finding).addr(), event_id),
            None => (0, 0),
        };
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.get(&key).map(|known| known.clone_ref(py)) {
            return Ok(known.into_bound(py));
        }
        drop(texts);
        let values = finding.map(|finding| said(finding, event_id)).unwrap_or_default();
        let made = PyDict::new(py);
        for (key, value) in KEYS.iter().zip(values) {
            made.set_item(PyString::intern(py, key), value)?;
        }
        let mut all = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if all.len() >= N_TEXTS { std::mem::take(&mut *all) } else { HashMap::new() };
        all.insert(key, made.clone().unbind());
        drop(all);
        drop(before);
        Ok(made)
    }
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
