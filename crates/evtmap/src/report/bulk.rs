//! Elasticsearch's `_bulk`: an action and a document of [`super::ecs`] for each alert.
//!
//! The index stands in the address that the file is sent to. The id is the alert's own, so what is sent twice
//! is there once; `create` is what data streams take.

use std::io::{self, Write};

use serde_json::json;

use super::{ReportOptions, Writer, ecs, lines};

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(lines::open(out, |row| vec![json!({"create": {"_id": row.uuid().to_string()}}), ecs::document(row)]))
}
