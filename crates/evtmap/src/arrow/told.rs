//! Lists that are there once, and rows that say which is theirs.
//!
//! There are about as many lists of techniques and tactics as rules, and many more rows: where a list is to become
//! something else, such as a tuple of Python, it does so once.

use std::num::NonZero;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use arrow_select::take::take;

use crate::parts::by_parts;

/// A schema in which each list is a dictionary of lists, with keys of 32 bits. A list may be in it more than once.
pub fn told_schema(schema: &Schema) -> SchemaRef {
    changed(schema, |kind| match kind {
        DataType::List(_) => DataType::Dictionary(Box::new(DataType::UInt32), Box::new(kind.clone())),
        _ => kind.clone(),
    })
}

/// Gives each row of batches of a [told schema](told_schema) the list that is its own, by so many threads. All other
/// columns are shared.
///
/// # Errors
/// When a batch cannot be made.
///
/// ```
/// use std::num::NonZero;
/// use evtmap::arrow::{schema, spread, told_schema};
///
/// let told = arrow_array::RecordBatch::new_empty(told_schema(&schema()));
/// let [own] = &spread(&[told], NonZero::<usize>::MIN)?[..] else { panic!() };
/// assert_eq!(own.schema(), schema());
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
pub fn spread(told: &[RecordBatch], threads: NonZero<usize>) -> Result<Vec<RecordBatch>, ArrowError> {
    let parts = by_parts(told, told.len().div_ceil(threads.get()), |part| -> Vec<_> {
        part.iter().map(spread_one).collect()
    });
    parts.into_iter().flatten().collect()
}

fn spread_one(told: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = changed(&told.schema(), |kind| match kind {
        DataType::Dictionary(_, list) => DataType::clone(list),
        _ => kind.clone(),
    });
    let own = |column: &ArrayRef| match column.as_dictionary_opt::<UInt32Type>() {
        Some(told) => take(told.values(), told.keys(), None),
        None => Ok(Arc::clone(column)),
    };
    let columns = told.columns().iter().map(own).collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns)
}

/// A column of rows that say which of the lists is theirs.
pub(super) fn rows(rows: UInt32Array, lists: ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<UInt32Type>::try_new(rows, lists)?))
}

fn changed(schema: &Schema, kind: impl Fn(&DataType) -> DataType) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let kind = kind(field.data_type());
        field.as_ref().clone().with_data_type(kind)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}
