//! The language against its conformance suite, against hostile input and random rules, and against rules,
//! vectors and a program that others wrote. Those lie beside the project and not in it; where they are
//! missing their tests say that they were skipped.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does, by a panic"
)]

mod corpus;
mod hostile;
mod properties;
mod pysigma;
mod sigmahq;
mod vectors;

use std::io::{self, Write};
use std::path::PathBuf;

/// A file beside the project, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there", path.display()));
    None
}

/// Says that a test was skipped; not by `eprintln`, which is shown of failing tests only.
fn skipped(reason: &str) {
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}
