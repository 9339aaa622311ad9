//! What a scan is given: paths, dicts, or anything that hands out dicts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use evtmap::input::memory::{IN_MEMORY, ObjectReader, Objects, of_batches};
use evtmap::input::{Batch, Found, InputError, InputOptions, Log, find};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyIterator, PyList, PyMapping, PyString, PyTuple};

use crate::frames;
use crate::live::LiveLog;
use crate::object::{self, NoEvent};

/// How many objects are taken from Python at once, and how many bytes of them.
const N_OBJECTS: usize = 1000;
const N_BYTES: usize = 512 << 10;

/// What is scanned.
pub(crate) enum Source {
    Files(Found),
    Log(Log),
}

/// What Python raised while it was asked for events.
pub(crate) type Raised = Arc<Mutex<Option<PyErr>>>;

/// What is scanned, and what to know of it.
pub(crate) struct Events {
    pub(crate) source: Source,
    /// Set when Python raised something.
    pub(crate) raised: Raised,
    /// Whether it may be asked from this thread only.
    pub(crate) is_one_thread: bool,
    /// The size of the files in bytes; 0 where it is not known.
    pub(crate) n_bytes: u64,
}

impl Events {
    /// What an argument stands for: a path or several, an event or several.
    pub(crate) fn of_argument(inputs: &Bound<'_, PyAny>, options: &InputOptions) -> PyResult<Self> {
        if let Some(paths) = paths(inputs)? {
            let found = inputs.py().detach(|| find(paths));
            let sizes = found.files.iter().filter_map(|file| file.path.metadata().ok());
            let n_bytes = sizes.map(|metadata| metadata.len()).sum();
            return Ok(Self { source: Source::Files(found), n_bytes, ..Self::nothing() });
        }
        if let Ok(log) = inputs.cast::<LiveLog>() {
            let found = Found { logs: log.get().logs()?, ..Found::default() };
            return Ok(Self { source: Source::Files(found), ..Self::nothing() });
        }
        if frames::is_frame(inputs)? {
            let log = frames::open(inputs, options)?;
            return Ok(Self { source: Source::Log(log), ..Self::nothing() });
        }
        let is_one = inputs.cast::<PyDict>().is_ok() || inputs.cast::<PyMapping>().is_ok();
        let is_list = inputs.is_instance_of::<PyList>() || inputs.is_instance_of::<PyTuple>();
        let iterator = if is_one {
            PyList::new(inputs.py(), [inputs])?.try_iter()?
        } else {
            inputs.try_iter().map_err(|_| wrong(inputs))?
        };
        let raised = Raised::default();
        let batches = Batches {
            iterator: iterator.unbind(),
            reader: Arc::new(ObjectReader::new(options.clone())),
            n_taken: 0,
            raised: Arc::clone(&raised),
            is_done: false,
        };
        let source = Source::Log(of_batches("objects", batches));
        Ok(Self { source, raised, is_one_thread: !is_one && !is_list, n_bytes: 0 })
    }

    fn nothing() -> Self {
        Self {
            source: Source::Files(Found::default()),
            raised: Raised::default(),
            is_one_thread: false,
            n_bytes: 0,
        }
    }
}

fn wrong(inputs: &Bound<'_, PyAny>) -> PyErr {
    let name = inputs.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    PyTypeError::new_err(format!(
        "`{name}` is no input: give a path, a list of paths, a dict, an iterable of dicts, or a frame"
    ))
}

/// The paths that an argument is, if it is any: one that is no path among others is a mistake.
fn paths(inputs: &Bound<'_, PyAny>) -> PyResult<Option<Vec<PathBuf>>> {
    if inputs.is_instance_of::<PyBytes>() || inputs.is_instance_of::<PyByteArray>() {
        return Err(wrong(inputs));
    }
    if is_path(inputs)? {
        return Ok(Some(vec![inputs.extract()?]));
    }
    if !inputs.is_instance_of::<PyList>() && !inputs.is_instance_of::<PyTuple>() {
        return Ok(None);
    }
    let mut paths = Vec::new();
    for item in inputs.try_iter()? {
        let item = item?;
        if !is_path(&item)? {
            return if paths.is_empty() { Ok(None) } else { Err(wrong(&item)) };
        }
        paths.push(item.extract()?);
    }
    Ok((!paths.is_empty()).then_some(paths))
}

fn is_path(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.is_instance_of::<PyString>() || value.hasattr("__fspath__")?)
}

/// Takes objects from Python, some at a time.
struct Batches {
    iterator: Py<PyIterator>,
    reader: Arc<ObjectReader>,
    n_taken: u64,
    raised: Raised,
    is_done: bool,
}

impl Iterator for Batches {
    type Item = Result<Box<dyn Batch>, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        match Python::attach(|py| self.take(py)) {
            Ok(objects) if objects.is_empty() => None,
            Ok(objects) => Some(Ok(Box::new(objects))),
            Err(error) => {
                self.is_done = true;
                let message = format!("the events end with an exception: {error}");
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Some(Err(InputError::new("input-raised", IN_MEMORY.as_ref(), message, "")))
            }
        }
    }
}

impl Batches {
    fn take(&mut self, py: Python<'_>) -> PyResult<Objects> {
        let mut objects = Objects::new(Arc::clone(&self.reader), self.n_taken);
        let mut iterator = self.iterator.bind(py).clone();
        while objects.len() < N_OBJECTS && objects.n_bytes() < N_BYTES {
            let Some(value) = iterator.next() else {
                self.is_done = true;
                break;
            };
            let value = value?;
            match objects.push(|out| object::write_event(&value, out)) {
                Ok(()) => {}
                Err(NoEvent::Problem(code, reason)) => objects.push_problem(code, reason),
                Err(NoEvent::Raised(error)) => return Err(error),
            }
        }
        self.n_taken += objects.len() as u64;
        Ok(objects)
    }
}
