//! The columns of rows that are dicts, and what was found in rows that came more than once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use evtmap::event::Event;
use evtmap::input::{InputOptions, Table};
use evtmap::recurring::{self, Recurring, is_small};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::cell;

/// What a character and a cell take at most, in bytes.
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
    /// Whether any row came. Where each has other columns, nothing of them comes again.
    has_rows: AtomicBool,
    rows: Mutex<Recurring<Known>>,
}

/// A row that came again.
struct Known {
    cells: Py<PyTuple>,
    /// What is added to it.
    added: Py<PyDict>,
}

/// A row as it is remembered: all of its cells but the time, and the id that its event has beside it.
pub(super) struct Row<'py> {
    cells: Bound<'py, PyTuple>,
    n_bytes: usize,
}

/// How a row was met.
pub(super) enum Met<'py> {
    /// This is added to it.
    Known(Bound<'py, PyDict>),
    /// It came before, and may be kept under its hash.
    Again(Row<'py>, u64),
    First,
}

impl Columns {
    pub(super) fn of(entries: &[Entry<'_>], options: &InputOptions) -> PyResult<Self> {
        let texts = entries.iter().map(|(name, _)| cell(name)).collect::<PyResult<Vec<_>>>()?;
        Ok(Self {
            names: entries.iter().map(|(name, _)| name.clone().unbind()).collect(),
            table: Table::of_columns(&texts, options),
            has_rows: AtomicBool::new(false),
            rows: Mutex::default(),
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
        if !self.has_rows.swap(true, Ordering::Relaxed) {
            return Ok(Met::First);
        }
        let Some(row) = row(entries, column, own_id)? else { return Ok(Met::First) };
        let py = row.cells.py();
        let hash = row.cells.hash()? as u64;
        let mut rows = self.rows();
        // Whether tuples of texts are equal is told without running Python, as long as nothing is a subclass.
        let is_it = |known: &Known| row.cells.eq(&known.cells).unwrap_or(false);
        let place = match rows.meet(hash, is_it) {
            recurring::Met::Known(place) => place,
            recurring::Met::Again(hash) => return Ok(Met::Again(row, hash)),
            recurring::Met::First => return Ok(Met::First),
        };
        let added = rows.get(place).map(|known| known.added.clone_ref(py).into_bound(py));
        drop(rows);
        let is_same = table.says_time(&cell(time)?, event);
        Ok(added.filter(|_| is_same).map_or(Met::First, Met::Known))
    }

    /// Keeps what is added to rows that say the same.
    pub(super) fn keep(&self, row: Row<'_>, hash: u64, added: &Bound<'_, PyDict>) {
        let known = Known { cells: row.cells.unbind(), added: added.clone().unbind() };
        self.rows().keep(hash, row.n_bytes, known);
    }

    // INVARIANT: nothing of Python's runs while it is held.
    fn rows(&self) -> MutexGuard<'_, Recurring<Known>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row as it may be remembered; nothing when one of its cells is no text, or much of it.
fn row<'py>(
    entries: &[Entry<'py>],
    time: usize,
    own_id: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Row<'py>>> {
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
    if !is_small(n_bytes) {
        return Ok(None);
    }
    Ok(Some(Row { cells: PyTuple::new(own_id.py(), kept)?, n_bytes }))
}
