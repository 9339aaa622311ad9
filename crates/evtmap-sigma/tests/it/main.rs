//! The language against rules and vectors that others wrote. They lie beside the project and not in it;
//! where they are missing these tests say that they were skipped.

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
    // Not by `eprintln`, which is shown of failing tests only.
    let _ = writeln!(io::stderr(), "skipped: {} is not there", path.display());
    None
}
