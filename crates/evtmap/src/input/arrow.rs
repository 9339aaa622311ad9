//! Events that are rows of Arrow record batches: frames of pandas and polars, batches of a cluster engine.
//!
//! What a column means follows from its name, as with the columns of a CSV. What lies in a structure is a column
//! of its own, `EventData.Image`.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float32Type, Float64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{
    Array, LargeStringArray, PrimitiveArray, RecordBatch, RecordBatchReader, StringArray, StringViewArray,
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::csv::Table;
use super::memory::{IN_MEMORY, of_batches};
use super::text::Problem;
use super::{Batch, Decoded, InputError, InputOptions, Log, MAX_COLUMNS, Position, RecordProblem};
use crate::event::Event;
use crate::event::message::Templates;

/// How many rows a thread takes at a time.
const N_ROWS: usize = 2048;
/// How many times are looked at to find out whether day or month comes first.
const N_TIMES: usize = 1000;

/// An input of record batches.
///
/// # Errors
/// When no column is an event id.
pub fn open(
    mut batches: Box<dyn RecordBatchReader + Send>,
    options: &InputOptions,
) -> Result<Log, InputError> {
    let first = batches.next().transpose().map_err(|error| failed(&error))?;
    let first = first.unwrap_or_else(|| RecordBatch::new_empty(batches.schema()));
    let reader = Arc::new(RowReader::new(&first, options)?);
    let mut n_rows = 0;
    let mut lots = Vec::new().into_iter();
    let mut batches = std::iter::once(Ok(first)).chain(batches);
    Ok(of_batches(
        "arrow",
        std::iter::from_fn(move || {
            loop {
                if let Some(lot) = lots.next() {
                    return Some(Ok(lot));
                }
                let batch = match batches.next()? {
                    Ok(batch) => batch,
                    Err(error) => return Some(Err(failed(&error))),
                };
                lots = cut(&batch, &reader, &mut n_rows).into_iter();
            }
        }),
    ))
}

fn failed(error: &ArrowError) -> InputError {
    let help = "what hands the rows out ended early";
    InputError::new("arrow-failed", Path::new(IN_MEMORY), error.to_string(), help)
}

/// Parts of a batch that threads take one by one.
fn cut(batch: &RecordBatch, reader: &Arc<RowReader>, n_rows: &mut u64) -> Vec<Box<dyn Batch>> {
    let starts = (0..batch.num_rows()).step_by(N_ROWS);
    let lots = starts.map(|start| {
        let rows = batch.slice(start, N_ROWS.min(batch.num_rows() - start));
        let first = *n_rows + start as u64;
        Box::new(Lot { rows: Some(rows), reader: Arc::clone(reader), first }) as Box<dyn Batch>
    });
    let lots = lots.collect();
    *n_rows += batch.num_rows() as u64;
    lots
}

/// Reads rows of record batches that have one schema.
pub struct RowReader {
    table: Table,
    n_columns: usize,
}

impl RowReader {
    /// A reader of batches with the columns of the first, whose times tell how dates are written.
    ///
    /// # Errors
    /// When no column is an event id.
    pub fn new(first: &RecordBatch, options: &InputOptions) -> Result<Self, InputError> {
        let flat = first.normalize(".", None).map_err(|error| failed(&error))?;
        let schema = flat.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let Some(mut table) = Table::of_columns(&names, options) else {
            let shown = names.iter().take(10).map(|name| format!("`{name:.40}`")).collect::<Vec<_>>();
            let message = if names.len() > MAX_COLUMNS {
                format!("there are more than {MAX_COLUMNS} columns")
            } else {
                format!("no column is known to be an event id; there are {}", shown.join(", "))
            };
            let help = "say which column is which field, such as `{\"my id\": \"EventID\"}`";
            return Err(InputError::new("table-columns", Path::new(IN_MEMORY), message, help));
        };
        if let Some(column) = table.time_column().and_then(|column| flat.columns().get(column)) {
            let mut text = String::new();
            let cells = Cells::of(column).map_err(|error| failed(&error))?;
            let times = (0..column.len().min(N_TIMES)).map(|row| {
                text.clear();
                match cells.add(row, &mut text) {
                    Cell::Is(cell) => cell.to_owned(),
                    Cell::Written(_) => text.clone(),
                }
            });
            let times: Vec<String> = times.collect();
            table.learn_date_order(times.iter().map(String::as_str));
        }
        Ok(Self { table, n_columns: names.len() })
    }

    /// Reads the rows of a batch one after the other, and shows each to `visit`: its number, and the event or
    /// what is wrong with it.
    ///
    /// # Errors
    /// When the batch has other columns than the first one.
    pub fn read(
        &self,
        batch: &RecordBatch,
        event: &mut Event,
        visit: &mut dyn FnMut(usize, Result<&Event, Problem>),
    ) -> Result<(), ArrowError> {
        let flat = batch.normalize(".", None)?;
        if flat.num_columns() != self.n_columns {
            return Err(ArrowError::SchemaError("a batch has other columns than the first".to_owned()));
        }
        let columns = flat.columns().iter().map(|column| Cells::of(column));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let (mut text, mut templates) = (String::new(), Templates::default());
        for row in 0..flat.num_rows() {
            text.clear();
            let cells: Vec<Cell<'_>> = columns.iter().map(|column| column.add(row, &mut text)).collect();
            let cells = cells.into_iter().map(|cell| match cell {
                Cell::Is(text) => text,
                Cell::Written(range) => text.get(range).unwrap_or_default(),
            });
            event.clear();
            let read = self.table.read(self.n_columns, cells, &mut templates, event);
            visit(row, read.map(|()| &*event));
        }
        Ok(())
    }
}

/// Rows that are read one after the other.
struct Lot {
    rows: Option<RecordBatch>,
    reader: Arc<RowReader>,
    first: u64,
}

impl Batch for Lot {
    fn bytes(&self) -> u64 {
        // What is sliced off shares its memory with the rest, so that the size of the whole says nothing.
        0
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let Some(rows) = self.rows.take() else { return };
        let first = self.first;
        let bad = |code, row, reason| {
            Decoded::Bad(RecordProblem { code, position: Position::Row(row), reason, lost: true })
        };
        let read = self.reader.read(&rows, event, &mut |row, read| {
            let row = first + row as u64;
            match read {
                Ok(event) => visit(Decoded::Event(event, Position::Row(row))),
                Err(problem) => visit(bad(problem.code, row, problem.reason)),
            }
        });
        if let Err(error) = read {
            visit(bad("arrow-failed", first, error.to_string()));
        }
    }
}

/// The values of a column as text.
enum Cells<'a> {
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Utf8View(&'a StringViewArray),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Time(Times<'a>),
    Other(ArrayFormatter<'a>),
}

/// Times since 1970 in a unit, which are in UTC or of no zone.
struct Times<'a> {
    numbers: &'a [i64],
    column: &'a dyn Array,
    unit: TimeUnit,
    is_utc: bool,
}

/// The text of one value.
enum Cell<'a> {
    Is(&'a str),
    Written(Range<usize>),
}

/// A null, and what cannot be shown, is an empty text.
const SHOWN: FormatOptions<'static> = FormatOptions::new().with_display_error(true);

impl<'a> Cells<'a> {
    fn of(column: &'a dyn Array) -> Result<Self, ArrowError> {
        Ok(match column.data_type() {
            DataType::Utf8 => Self::Utf8(column.as_string()),
            DataType::LargeUtf8 => Self::LargeUtf8(column.as_string()),
            DataType::Utf8View => Self::Utf8View(column.as_string_view()),
            DataType::Float32 => Self::Float32(column.as_primitive()),
            DataType::Float64 => Self::Float64(column.as_primitive()),
            DataType::Timestamp(unit, zone) => {
                let numbers: &[i64] = match unit {
                    TimeUnit::Second => column.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => column.as_primitive::<TimestampMillisecondType>().values(),
                    TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().values(),
                    TimeUnit::Nanosecond => column.as_primitive::<TimestampNanosecondType>().values(),
                };
                Self::Time(Times { numbers, column, unit: *unit, is_utc: zone.is_some() })
            }
            _ => Self::Other(ArrayFormatter::try_new(column, &SHOWN)?),
        })
    }

    /// The text of a row, written behind `text` where it has to be made.
    fn add(&self, row: usize, text: &mut String) -> Cell<'a> {
        match self {
            Self::Utf8(texts) if texts.is_valid(row) => Cell::Is(texts.value(row)),
            Self::LargeUtf8(texts) if texts.is_valid(row) => Cell::Is(texts.value(row)),
            Self::Utf8View(texts) if texts.is_valid(row) => Cell::Is(texts.value(row)),
            Self::Float32(numbers) if numbers.is_valid(row) => write_float(numbers.value(row).into(), text),
            Self::Float64(numbers) if numbers.is_valid(row) => write_float(numbers.value(row), text),
            Self::Time(times) => {
                let start = text.len();
                if let Some(time) = times.at(row) {
                    // A time without a zone is written without one, and read in that of the options.
                    let written = match times.is_utc {
                        true => write!(text, "{time}"),
                        false => write!(text, "{}", TimeZone::UTC.to_datetime(time)),
                    };
                    written.unwrap_or_default();
                }
                Cell::Written(start..text.len())
            }
            Self::Other(values) => {
                let start = text.len();
                // A string takes whatever is written; what cannot be shown is cut off where it fails.
                write!(text, "{}", values.value(row)).unwrap_or_default();
                Cell::Written(start..text.len())
            }
            _ => Cell::Is(""),
        }
    }
}

impl Times<'_> {
    fn at(&self, row: usize) -> Option<Timestamp> {
        let number = *self.numbers.get(row).filter(|_| self.column.is_valid(row))?;
        match self.unit {
            TimeUnit::Second => Timestamp::from_second(number).ok(),
            TimeUnit::Millisecond => Timestamp::from_millisecond(number).ok(),
            TimeUnit::Microsecond => Timestamp::from_microsecond(number).ok(),
            TimeUnit::Nanosecond => Timestamp::from_nanosecond(number.into()).ok(),
        }
    }
}

/// A number of which a frame made a fraction for want of a missing whole number is a whole one again.
fn write_float(number: f64, text: &mut String) -> Cell<'static> {
    let start = text.len();
    let written = match number {
        number if !number.is_finite() => Ok(()),
        number if number.fract() == 0.0 && number.abs() < 1e15 => write!(text, "{number:.0}"),
        number => write!(text, "{number}"),
    };
    written.unwrap_or_default();
    Cell::Written(start..text.len())
}

#[cfg(test)]
mod tests;
