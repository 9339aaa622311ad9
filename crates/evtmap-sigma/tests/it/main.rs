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
mod lint;
mod properties;
mod pysigma;
mod sigmahq;
mod vectors;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

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

/// The rule files of SigmaHQ's archive, those of retired rules left out: path and text.
fn archive(path: &Path) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let is_rule =
            path.ends_with(".yml") && path.split('/').nth(1).is_some_and(|dir| dir.starts_with("rules"));
        if is_rule {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.push((path, text));
        }
    }
    files
}
