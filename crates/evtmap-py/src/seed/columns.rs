//! The columns of rows that are dicts, and what was found in rows that came more than once.

use std::sync::{Mutex, PoisonError};

use evtmap::event::Event;
use evtmap::input::{InputOptions, Table};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::cell;

/// How many rows are remembered, and of how many it is known that they came once.
const N_KNOWN_MAX: usize = 2048;
const N_SEEN: usize = 4096;
/// Rows that have more text than this, in characters, are not remembered.
const N_CHARS_MAX: usize = 4096;

/// An entry of a row: the name of its column, and its cell.
pub(super) type Entry<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What the columns of rows mean.
pub(super) struct Columns {
    /// The names as Python has them. Rows of one reader have the very same, which is told in no time.
    names: Vec<Py<PyAny>>,
    /// Nothing when the rows are no events.
    pub(super) table: Option<Table>,
    /// The hashes of rows that came, by their lowest bits.
    seen: Mutex<Vec<isize>>,
    /// What is added to rows that came again, by all of their cells but the time.
    known: Py<PyDict>,
}

/// How a row was met.
pub(super) enum Met<'py> {
    /// This is added to it.
    Known(Bound<'py, PyDict>),
    /// It came before, and may be kept under this.
    Again(Bound<'py, PyTuple>),
    First,
}

impl Columns {
    pub(super) fn of(py: Python<'_>, entries: &[Entry<'_>], options: &InputOptions) -> PyResult<Self> {
        let texts = entries.iter().map(|(name, _)| cell(name)).collect::<PyResult<Vec<_>>>()?;
        Ok(Self {
            names: entries.iter().map(|(name, _)| name.clone().unbind()).collect(),
            table: Table::of_columns(&texts, options),
            seen: Mutex::default(),
            known: PyDict::new(py).unbind(),
        })
    }

    /// Whether a row has these very columns.
    pub(super) fn are_of(&self, entries: &[Entry<'_>]) -> bool {
        self.names.len() == entries.len()
            && self.names.iter().zip(entries).all(|(own, (name, _))| own.is(name))
    }

    /// Whether a row said the same before, at this time or another; `own_id` is the id that its event has beside it.
    pub(super) fn meet<'py>(
        &self,
        entries: &[Entry<'py>],
        own_id: Option<&Bound<'py, PyAny>>,
        event: &mut Event,
    ) -> PyResult<Met<'py>> {
        let time = self.table.as_ref().and_then(|table| Some((table, table.time_column()?)));
        let Some((table, (column, cell_of_time))) =
            time.and_then(|(table, column)| Some((table, (column, entries.get(column)?))))
        else {
            return Ok(Met::First);
        };
        let Some(key) = key(entries, column, own_id)? else { return Ok(Met::First) };
        if let Some(known) = self.known.bind(key.py()).get_item(&key)? {
            let is_same = table.says_time(&cell(&cell_of_time.1)?, event);
            return Ok(known.cast_into::<PyDict>().ok().filter(|_| is_same).map_or(Met::First, Met::Known));
        }
        let hash = key.hash()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_empty() {
            seen.resize(N_SEEN, 0);
        }
        let Some(seen) = seen.get_mut(hash.cast_unsigned() % N_SEEN) else { return Ok(Met::First) };
        let is_again = std::mem::replace(seen, hash) == hash;
        Ok(if is_again { Met::Again(key) } else { Met::First })
    }

    /// Keeps what is added to rows that say the same.
    pub(super) fn keep(&self, row: &Bound<'_, PyTuple>, added: &Bound<'_, PyDict>) -> PyResult<()> {
        let known = self.known.bind(row.py());
        if known.len() >= N_KNOWN_MAX {
            known.clear();
        }
        known.set_item(row, added)
    }
}

/// All that a row says but for its time; nothing when one of its cells is no text, or much of it.
fn key<'py>(
    entries: &[Entry<'py>],
    time: usize,
    own_id: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let Some(own_id) = own_id else { return Ok(None) };
    let mut n_chars = 0;
    let cells = entries.iter().map(|(_, cell)| cell).chain([own_id]);
    let mut kept = Vec::with_capacity(entries.len());
    for (place, cell) in cells.enumerate() {
        // A number and a text that look alike, or two numbers that do not, are not one to Python as they are here.
        let Ok(text) = cell.cast_exact::<PyString>() else { return Ok(None) };
        n_chars += text.len()?;
        if place != time {
            kept.push(text);
        }
    }
    if n_chars > N_CHARS_MAX {
        return Ok(None);
    }
    PyTuple::new(own_id.py(), kept).map(Some)
}
