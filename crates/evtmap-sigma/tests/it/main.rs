//! The language against rules and vectors that others wrote. They lie beside the project and not in it;
//! where they are missing these tests say that they were skipped.

#![expect(clippy::print_stderr, reason = "a skipped test must say so")]
#![expect(clippy::unwrap_used, reason = "what a test needs and cannot get fails it")]

mod lint;
mod sigmahq;
mod vectors;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file beside the project, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
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
