//! Alerts as columns in memory, for programs that work on many at once: pandas, polars, DuckDB and the like.
//!
//! ```
//! use std::num::NonZero;
//!
//! assert!(evtmap::arrow::batches(&[], NonZero::<usize>::MIN).unwrap().is_empty());
//! ```
//!
//! [`BatchBuilder`] makes them while alerts come. In [told](told_batches) ones lists are there once for all rows that have
//! them; to [`spread`] these gives each row its own.

mod builder;
mod group;
mod label;
mod told;

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

pub use self::label::{Unread, label, label_schema};
pub use self::told::{spread, told_schema};

use self::group::Group;
use crate::alert::Alert;
use crate::parts::by_parts;
use crate::row::{COLUMNS, Column, Of, Values};

/// How many rows a batch has at most, unless another number is asked for.
const N_ROWS_MAX: usize = 8192;
/// From how many bytes of values on a batch is full, however few its rows: an attacker writes the values, and
/// a column of a batch cannot hold more than 2 GB of them.
const N_BYTES_MAX: usize = 32 << 20;

/// The columns of alerts. Later versions add columns at the end; none is renamed or changes its type.
///
/// Times are microseconds in UTC; lists are never null; what an event does not say is null. Of each field the
/// metadata `description` says what is in it.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

fn field(column: &Column) -> Field {
    let (kind, is_nullable) = match column.values {
        Values::Text(_) => (DataType::Utf8, true),
        Values::Texts(_) => (DataType::new_list(DataType::Utf8, true), false),
        Values::Number(_) => (DataType::UInt64, true),
        Values::Time(_) => (DataType::Timestamp(TimeUnit::Microsecond, Some(builder::UTC.into())), true),
        Values::Flag(_) => (DataType::Boolean, false),
    };
    let about = HashMap::from([("description".to_owned(), column.about.to_owned())]);
    Field::new(column.name, kind, is_nullable).with_metadata(about)
}

/// The columns of alerts, made by so many threads.
///
/// # Errors
/// When a batch cannot be made.
pub fn batches(alerts: &[Alert], threads: NonZero<usize>) -> Result<Vec<RecordBatch>, ArrowError> {
    made_by(alerts, threads, BatchBuilder::new)
}

/// The columns of alerts with [told lists](told_schema), made by so many threads.
///
/// # Errors
/// When a batch cannot be made.
pub fn told_batches(alerts: &[Alert], threads: NonZero<usize>) -> Result<Vec<RecordBatch>, ArrowError> {
    made_by(alerts, threads, BatchBuilder::telling)
}

fn made_by(
    alerts: &[Alert],
    threads: NonZero<usize>,
    builder: fn() -> BatchBuilder,
) -> Result<Vec<RecordBatch>, ArrowError> {
    // Parts of whole batches: the rows of a batch are the same however many threads there are.
    let n_each = alerts.len().div_ceil(threads.get()).next_multiple_of(N_ROWS_MAX);
    let mut batches = Vec::new();
    for part in by_parts(alerts, n_each, |alerts| batches_of(alerts, builder())) {
        batches.extend(part?);
    }
    Ok(batches)
}

fn batches_of(alerts: &[Alert], mut builder: BatchBuilder) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut batches = Vec::new();
    for alert in alerts {
        batches.extend(builder.push(alert)?);
    }
    batches.extend(builder.finish()?);
    Ok(batches)
}

/// Makes record batches of alerts as they come.
///
/// ```
/// use evtmap::alert::Alert;
/// use evtmap::arrow::BatchBuilder;
///
/// fn columns(alerts: &[Alert]) -> Result<Vec<arrow_array::RecordBatch>, arrow_schema::ArrowError> {
///     let mut builder = BatchBuilder::new();
///     let mut batches = Vec::new();
///     for alert in alerts {
///         batches.extend(builder.push(alert)?);
///     }
///     batches.extend(builder.finish()?);
///     Ok(batches)
/// }
/// assert!(columns(&[]).unwrap().is_empty());
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    groups: [Group; 5],
    n_rows: usize,
    n_bytes: usize,
    n_rows_max: usize,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// For batches of up to 8,192 rows.
    pub fn new() -> Self {
        Self::with_rows(N_ROWS_MAX)
    }

    /// For batches of up to so many rows, at least one. A batch of large values has fewer.
    pub fn with_rows(n_rows_max: usize) -> Self {
        Self {
            schema: schema(),
            groups: [Of::Finding, Of::Said, Of::Input, Of::Derived, Of::Alert].map(Group::new),
            n_rows: 0,
            n_bytes: 0,
            n_rows_max: n_rows_max.max(1),
        }
    }

    /// For batches in which lists are [told](told_schema).
    fn telling() -> Self {
        let mut builder = Self::new();
        builder.schema = told_schema(&builder.schema);
        builder.groups.iter_mut().for_each(Group::tell_lists);
        builder
    }

    /// The schema of the batches, which is that of [`schema`].
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Takes an alert, and gives a batch when it is full.
    ///
    /// # Errors
    /// When a batch cannot be made.
    pub fn push(&mut self, alert: &Alert) -> Result<Option<RecordBatch>, ArrowError> {
        self.n_bytes += self.groups.iter_mut().map(|group| group.push(alert)).sum::<usize>();
        self.n_rows += 1;
        if self.n_rows < self.n_rows_max && self.n_bytes < N_BYTES_MAX {
            return Ok(None);
        }
        self.finish()
    }

    /// Gives what is left; nothing when nothing is. The builder can be used anew.
    ///
    /// # Errors
    /// When a batch cannot be made.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.n_rows == 0 {
            return Ok(None);
        }
        (self.n_rows, self.n_bytes) = (0, 0);
        // All begin anew, also where the columns of one cannot be made.
        let finished: Vec<_> = self.groups.iter_mut().map(Group::finish).collect();
        let mut columns = Vec::with_capacity(COLUMNS.len());
        for group in finished {
            columns.extend(group?);
        }
        columns.sort_unstable_by_key(|(place, _)| *place);
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new(self.schema(), columns).map(Some)
    }
}

#[cfg(test)]
mod tests;
