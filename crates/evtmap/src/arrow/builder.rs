//! The values of one column, gathered row by row.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow_array::{Array as _, ArrayRef};

use crate::row::{Column, Row, Values};

/// The zone of all times.
pub(super) const UTC: &str = "UTC";

/// For how many bytes of values room is made before they come: a batch of large ones may be the last.
const N_BYTES_AT_ONCE: usize = 1 << 20;

/// The values of a column so far.
#[derive(Debug)]
pub(super) enum ColumnBuilder {
    Text(StringBuilder),
    Texts(ListBuilder<StringBuilder>),
    Number(UInt64Builder),
    Time(TimestampMicrosecondBuilder),
    Flag(BooleanBuilder),
}

impl ColumnBuilder {
    pub(super) fn of(column: &Column) -> Self {
        match column.values {
            Values::Text(_) => Self::Text(StringBuilder::new()),
            Values::Texts(_) => Self::Texts(ListBuilder::new(StringBuilder::new())),
            Values::Number(_) => Self::Number(UInt64Builder::new()),
            Values::Time(_) => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            Values::Flag(_) => Self::Flag(BooleanBuilder::new()),
        }
    }

    /// Takes the value of a row, and tells how many bytes it has. `values` must be those of the column that
    /// the builder was made of.
    pub(super) fn push(&mut self, values: Values, row: Row<'_>) -> usize {
        match (self, values) {
            (Self::Text(builder), Values::Text(text)) => {
                let text = text(row);
                builder.append_option(text.as_deref());
                text.map_or(0, |text| text.len())
            }
            (Self::Texts(builder), Values::Texts(texts)) => {
                let texts = texts(row);
                texts.iter().for_each(|text| builder.values().append_value(text));
                builder.append(true);
                texts.iter().map(|text| text.len()).sum()
            }
            (Self::Number(builder), Values::Number(number)) => {
                builder.append_option(number(row));
                size_of::<u64>()
            }
            (Self::Time(builder), Values::Time(time)) => {
                builder.append_option(time(row).map(jiff::Timestamp::as_microsecond));
                size_of::<i64>()
            }
            (Self::Flag(builder), Values::Flag(flag)) => {
                builder.append_value(flag(row));
                1
            }
            // A column of another type would leave the batch a row short, which making it tells.
            _ => 0,
        }
    }

    /// Gives the values, and makes room for as many more: the next batch is probably like this one.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => {
                let texts = builder.finish();
                let n_bytes = texts.value_data().len().min(N_BYTES_AT_ONCE);
                *builder = StringBuilder::with_capacity(texts.len(), n_bytes + n_bytes / 8);
                Arc::new(texts)
            }
            Self::Texts(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
        }
    }
}
