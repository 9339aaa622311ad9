//! The library against recordings, and the rules against their examples. Recordings lie beside the project and
//! not in it; where they are missing these tests say that they were skipped.
#![expect(clippy::print_stderr, reason = "what was compared is worth a line")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cache;
mod causes;
mod differential;
mod incident;
mod inputs;
mod repeats;
mod rules;

use std::io::{self, Write};
use std::path::PathBuf;

/// A file or folder beside the project, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    // Not by `eprintln`, which is shown of failing tests only.
    let _ = writeln!(io::stderr(), "skipped: {} is not there", path.display());
    None
}
