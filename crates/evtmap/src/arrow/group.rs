//! The columns that depend on one thing, such as what was found: what many rows have in common is told once, and the rows
//! say which of it is theirs.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, UInt32Array};
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;
use rustc_hash::FxHashMap;

use super::builder::ColumnBuilder;
use super::told;
use crate::alert::Alert;
use crate::row::{COLUMNS, Column, Of, Row};

/// Where two things stand in memory: rows for which they stand in the same places have the same values.
type Key = [usize; 2];

/// The columns that depend on one thing.
#[derive(Debug)]
pub(super) struct Group {
    of: Of,
    /// Whether rows say of lists, too, which is theirs.
    tells_lists: bool,
    /// Each with its place among all columns.
    columns: Vec<(usize, &'static Column, ColumnBuilder)>,
    /// Which of what was told each row has.
    rows: Vec<u32>,
    /// How large what was told is each, in bytes.
    sizes: Vec<usize>,
    places: FxHashMap<Key, u32>,
    /// The last row's, if others may have it.
    last: Option<(Key, u32)>,
    /// An alert for each key, so that nothing else comes to stand in its places.
    held: Vec<Alert>,
}

impl Group {
    pub(super) fn new(of: Of) -> Self {
        let columns = COLUMNS.iter().enumerate().filter(|(_, column)| column.of == of);
        Self {
            of,
            tells_lists: false,
            columns: columns.map(|(place, column)| (place, column, ColumnBuilder::of(column))).collect(),
            rows: Vec::new(),
            sizes: Vec::new(),
            places: FxHashMap::default(),
            last: None,
            held: Vec::new(),
        }
    }

    /// Leaves lists as they are told.
    pub(super) fn tell_lists(&mut self) {
        self.tells_lists = true;
    }

    /// Takes the values of a row, and tells how many bytes they have.
    pub(super) fn push(&mut self, alert: &Alert) -> usize {
        let key = self.key(alert);
        let known = match (key, self.last) {
            (None, _) => None,
            (Some(key), Some((last, place))) if key == last => Some(place),
            (Some(key), _) => self.places.get(&key).copied(),
        };
        let place = known.unwrap_or_else(|| self.tell(alert, key));
        self.last = key.map(|key| (key, place));
        self.rows.push(place);
        self.sizes.get(place as usize).copied().unwrap_or_default()
    }

    /// What tells the rows apart; nothing where the row has nothing in common with another.
    fn key(&self, alert: &Alert) -> Option<Key> {
        let event = &alert.event;
        match self.of {
            Of::Finding => {
                let event_id = event.said.event_id.map_or(usize::MAX, |id| id as usize);
                Some([alert.finding.address(), event_id])
            }
            Of::Said => (Arc::strong_count(&event.said) > 1).then(|| [Arc::as_ptr(&event.said).addr(), 0]),
            Of::Input => {
                let timezone = event.timezone.as_ref().map_or(0, |timezone| Arc::as_ptr(timezone).addr());
                Some([Arc::as_ptr(&event.input).addr(), timezone])
            }
            Of::Derived => Some([alert.derived.as_ref().map_or(0, |derived| Arc::as_ptr(derived).addr()), 0]),
            Of::Alert => None,
        }
    }

    /// Adds what was not told yet.
    fn tell(&mut self, alert: &Alert, key: Option<Key>) -> u32 {
        let row = Row::of(alert);
        let sizes = self.columns.iter_mut().map(|(_, column, builder)| builder.push(column.values, row));
        let size = sizes.sum();
        // A batch has fewer rows than that.
        let place = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        self.sizes.push(size);
        if let Some(key) = key {
            self.places.insert(key, place);
            self.held.push(alert.clone());
        }
        place
    }

    /// Gives the columns with their places, a value for each row, and begins anew.
    pub(super) fn finish(&mut self) -> Result<Vec<(usize, ArrayRef)>, ArrowError> {
        let is_one_each = self.sizes.len() == self.rows.len();
        let rows = UInt32Array::from(std::mem::take(&mut self.rows));
        self.sizes.clear();
        self.places.clear();
        self.held.clear();
        self.last = None;
        let told: Vec<_> =
            self.columns.iter_mut().map(|(place, _, builder)| (*place, builder.finish())).collect();
        let gathered = |told: ArrayRef| match told.data_type() {
            DataType::List(_) if self.tells_lists => told::rows(rows.clone(), told),
            _ if is_one_each => Ok(told),
            _ => take(&told, &rows, None),
        };
        told.into_iter().map(|(place, told)| Ok((place, gathered(told)?))).collect()
    }
}
