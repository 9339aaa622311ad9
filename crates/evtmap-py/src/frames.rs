//! Frames: events that are rows, and what is said of each row.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use evtmap::arrow::{Unread, label_schema, spread, told_schema};
use evtmap::input::arrow::RowReader;
use evtmap::input::{InputOptions, Log};
use evtmap::{Progress, Working};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::error::{PyArrowError, PyArrowResult};
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};
use pyo3_arrow::input::AnyRecordBatch;

use crate::error::{self, Warning};
use crate::progress::Watch;
use crate::scanner::Scanner;

/// How many rows are asked about between two looks at Python's signals.
const N_ROWS: usize = 4096;

/// Whether a value is a frame, or anything else that hands out Arrow's record batches.
pub(crate) fn is_frame(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.hasattr("__arrow_c_stream__")? || value.hasattr("__arrow_c_array__")?)
}

/// The events in the rows of a frame.
pub(crate) fn open(frame: &Bound<'_, PyAny>, options: &InputOptions) -> PyResult<Log> {
    evtmap::input::arrow::open(reader(frame)?, options).map_err(|error| error::input(&error))
}

fn reader(frame: &Bound<'_, PyAny>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    let frame = frame.py().import("evtmap._frames")?.getattr("readable")?.call1((frame,))?;
    frame.extract::<AnyRecordBatch>()?.into_reader()
}

/// Record batches as a stream that Python hands on.
pub(crate) fn to_stream<'py>(
    py: Python<'py>,
    batches: Vec<RecordBatch>,
    schema: SchemaRef,
    requested: Option<Bound<'py, PyCapsule>>,
) -> PyArrowResult<Bound<'py, PyCapsule>> {
    let field =
        Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone());
    let arrays = batches.into_iter().map(|batch| Ok(Arc::new(StructArray::from(batch)) as ArrayRef));
    let arrays = ArrayIterator::new(arrays.collect::<Vec<Result<_, ArrowError>>>(), field.into());
    to_stream_pycapsule(py, Box::new(arrays), requested)
}

/// How many threads make columns.
pub(crate) fn n_threads() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// What is said of each row of a frame: a table for everything that reads Arrow.
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct Labels {
    /// With told lists.
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl Labels {
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, DataType::Struct(label_schema().fields().clone()))
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let batches = py.detach(|| spread(&self.batches, n_threads())).map_err(PyArrowError::from)?;
        to_stream(py, batches, label_schema(), requested_schema)
    }

    /// The same where each list is there once, and rows say which is theirs.
    fn _told_stream<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_stream(py, self.batches.clone(), told_schema(&label_schema()), None)
    }
}

/// Asks about each row of a frame.
pub(crate) fn label(py: Python<'_>, scanner: &Scanner, frame: &Bound<'_, PyAny>) -> PyResult<Labels> {
    let frame = reader(frame)?;
    let mut watch = Watch::new(py, py.None().bind(py), 0)?;
    let (batches, unread) = py.detach(|| label_all(scanner, frame, &mut watch))?;
    if let Some(Unread { n, row, reason, code }) = unread {
        let rows = if n == 1 { "row is no event" } else { "rows are no events" };
        let message = format!("{n} {rows}; the first at row {row}: {reason} [{code}]");
        error::warn(py, Warning::Records, &message)?;
    }
    Ok(Labels { batches })
}

fn label_all(
    scanner: &Scanner,
    frame: Box<dyn RecordBatchReader + Send>,
    watch: &mut Watch,
) -> PyResult<(Vec<RecordBatch>, Option<Unread>)> {
    let arrow = |error: ArrowError| PyErr::from(PyArrowError::from(error));
    let options = scanner.options.clone();
    let engine = &scanner.engine;
    let asked = evtmap::Scanner::new(&engine.rules.rules, &engine.findings, options);
    let (mut working, mut reader) = (Working::default(), None);
    let (mut labels, mut all, mut n_rows) = (Vec::new(), None::<Unread>, 0);
    for batch in frame {
        let batch = batch.map_err(arrow)?;
        let reader = match &reader {
            Some(reader) => reader,
            None => {
                let made = RowReader::new(&batch, &scanner.options.input);
                &*reader.insert(made.map_err(|error| error::input(&error))?)
            }
        };
        for start in (0..batch.num_rows()).step_by(N_ROWS) {
            let rows = batch.slice(start, N_ROWS.min(batch.num_rows() - start));
            let (found, unread) = evtmap::arrow::label(&asked, reader, &mut working, &rows).map_err(arrow)?;
            labels.push(found);
            if let Some(unread) = unread {
                let n = unread.n;
                all.get_or_insert(Unread { n: 0, row: n_rows + start + unread.row, ..unread }).n += n;
            }
            if let Err(error) = watch.look(Progress::default()) {
                return Err(watch.raised.take().unwrap_or_else(|| error::output(error)));
            }
        }
        n_rows += batch.num_rows();
    }
    Ok((labels, all))
}
