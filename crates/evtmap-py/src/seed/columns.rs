//! The columns of rows that are dicts, and what was found in rows that came more than once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use evtmap::event::Event;
use evtmap::input::{InputOptions, Table};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::cell;

/// How many rows are remembered, how much memory they may take together, in bytes, and of how many it is known that
/// they came once.
const N_KNOWN_MAX: usize = 2048;
const N_BYTES_MAX: usize = 4 << 20;
const N_SEEN: usize = 4096;
/// Rows that take more memory than this, in bytes, are not remembered.
const N_BYTES_EACH_MAX: usize = 16 << 10;
/// What a character and a cell take at most.
const N_BYTES_OF_CHAR: usize = 4;
const N_BYTES_OF_CELL: usize = 64;

/// An entry of a row: the name of its column, and its cell.
pub(super) type Entry<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What the columns of rows mean.
pub(super) struct Columns {
    /// The names as Python has them. Rows of one reader have the very same, which is told in no time.
    names: Vec<Py<PyAny>>,
    /// Nothing when the rows are no events.
    pub(super) table: Option<Table>,
    seen: Mutex<Seen>,
    /// What is added to rows that came again, by all of their cells but the time.
    known: Py<PyDict>,
}

/// What is known of the rows that came.
#[derive(Default)]
struct Seen {
    has_any: bool,
    /// Their hashes, by the lowest bits.
    hashes: Vec<isize>,
    /// How much memory those take that are remembered.
    n_bytes: usize,
}

/// A row as it is remembered.
pub(super) struct Key<'py> {
    cells: Bound<'py, PyTuple>,
    n_bytes: usize,
}

/// How a row was met.
pub(super) enum Met<'py> {
    /// This is added to it.
    Known(Bound<'py, PyDict>),
    /// It came before, and may be kept under this.
    Again(Key<'py>),
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

    /// Whether a row has these columns.
    pub(super) fn are_of(&self, entries: &[Entry<'_>]) -> PyResult<bool> {
        if self.names.len() != entries.len() {
            return Ok(false);
        }
        for (own, (name, _)) in self.names.iter().zip(entries) {
            let is_same = own.is(name) || name.is_exact_instance_of::<PyString>() && name.eq(own)?;
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a row said the same before, at this time or another; `own_id` is the id that its event has beside it.
    pub(super) fn meet<'py>(
        &self,
        entries: &[Entry<'py>],
        own_id: Option<&Bound<'py, PyAny>>,
        event: &mut Event,
    ) -> PyResult<Met<'py>> {
        let Some(table) = &self.table else { return Ok(Met::First) };
        let Some(column) = table.time_column() else { return Ok(Met::First) };
        let Some((_, time)) = entries.get(column) else { return Ok(Met::First) };
        // Where each row has other columns, nothing of them comes again.
        if !std::mem::replace(&mut self.seen().has_any, true) {
            return Ok(Met::First);
        }
        let Some(key) = key(entries, column, own_id)? else { return Ok(Met::First) };
        if let Some(known) = self.known.bind(key.cells.py()).get_item(&key.cells)? {
            let is_same = table.says_time(&cell(time)?, event);
            return Ok(known.cast_into::<PyDict>().ok().filter(|_| is_same).map_or(Met::First, Met::Known));
        }
        let hash = key.cells.hash()?;
        let mut seen = self.seen();
        if seen.hashes.is_empty() {
            seen.hashes.resize(N_SEEN, 0);
        }
        let place = seen.hashes.get_mut(hash.cast_unsigned() % N_SEEN);
        let is_again = place.is_some_and(|seen| std::mem::replace(seen, hash) == hash);
        Ok(if is_again { Met::Again(key) } else { Met::First })
    }

    /// Keeps what is added to rows that say the same.
    pub(super) fn keep(&self, row: Key<'_>, added: &Bound<'_, PyDict>) -> PyResult<()> {
        let known = self.known.bind(added.py());
        let mut seen = self.seen();
        seen.n_bytes += row.n_bytes;
        let is_full = seen.n_bytes > N_BYTES_MAX || known.len() >= N_KNOWN_MAX;
        if is_full {
            seen.n_bytes = row.n_bytes;
        }
        drop(seen);
        if is_full {
            known.clear();
        }
        known.set_item(row.cells, added)
    }

    // INVARIANT: it is let go before Python may run.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that a row says but for its time; nothing when one of its cells is no text, or much of it.
fn key<'py>(
    entries: &[Entry<'py>],
    time: usize,
    own_id: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Key<'py>>> {
    let Some(own_id) = own_id else { return Ok(None) };
    let mut n_bytes = 0;
    let cells = entries.iter().map(|(_, cell)| cell).chain([own_id]);
    let mut kept = Vec::with_capacity(entries.len());
    for (place, cell) in cells.enumerate() {
        // A number and a text that look alike, or two numbers that do not, are not one to Python as they are here.
        let Ok(text) = cell.cast_exact::<PyString>() else { return Ok(None) };
        n_bytes += text.len()? * N_BYTES_OF_CHAR + N_BYTES_OF_CELL;
        if place != time {
            kept.push(text);
        }
    }
    if n_bytes > N_BYTES_EACH_MAX {
        return Ok(None);
    }
    Ok(Some(Key { cells: PyTuple::new(own_id.py(), kept)?, n_bytes }))
}
