//! Parquet: the columns of [`crate::arrow`] in a file, for pandas, polars, DuckDB, Spark and the like.

use std::io::{self, Write};

use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{ReportOptions, Writer};
use crate::alert::Alert;
use crate::arrow::{BatchBuilder, schema};
use crate::triage::Report;

/// How large a row group grows in bytes, as far as it is encoded, and in rows. A row group is kept in memory
/// until it is written, and read as a whole.
const N_GROUP_BYTES_MAX: usize = 16 << 20;
const N_GROUP_ROWS_MAX: usize = 1 << 17;

struct Parquet {
    out: Box<dyn Write>,
    batches: BatchBuilder,
    /// Writes into memory, from where a row group goes out when it is complete.
    file: ArrowWriter<Vec<u8>>,
}

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_bytes(Some(N_GROUP_BYTES_MAX))
        .set_max_row_group_row_count(Some(N_GROUP_ROWS_MAX))
        .set_created_by(concat!("evtmap ", env!("CARGO_PKG_VERSION")).to_owned());
    let file = ArrowWriter::try_new(Vec::new(), schema(), Some(properties.build())).map_err(cause)?;
    Ok(Box::new(Parquet { out, batches: BatchBuilder::new(), file }))
}

impl Parquet {
    fn write(&mut self, batch: Option<arrow_array::RecordBatch>) -> io::Result<()> {
        let Some(batch) = batch else { return Ok(()) };
        self.file.write(&batch).map_err(cause)?;
        self.pass_on()
    }

    /// Gives on what is written. The file counts for itself how far it is, and never goes back.
    fn pass_on(&mut self) -> io::Result<()> {
        let written = std::mem::take(self.file.inner_mut());
        self.out.write_all(&written)
    }
}

impl Writer for Parquet {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let batch = self.batches.push(alert).map_err(io::Error::other)?;
        self.write(batch)
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        let batch = self.batches.finish().map_err(io::Error::other)?;
        self.write(batch)?;
        let told = [
            ("evtmap.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("evtmap.attack_version", report.catalogue.version().unwrap_or_default().to_owned()),
            ("evtmap.rules_from", report.rules.origins.join(", ")),
        ];
        let exclusions = report.scan.policy.exclusions.iter();
        let excluded = exclusions.map(|own| (format!("evtmap.excluded.{}", own.name), own.line()));
        for (key, value) in told.map(|(key, value)| (key.to_owned(), value)).into_iter().chain(excluded) {
            self.file.append_key_value_metadata(KeyValue::new(key, value));
        }
        self.file.finish().map_err(cause)?;
        self.pass_on()?;
        self.out.flush()
    }
}

/// What the system said, where it was the system.
fn cause(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    }
}
