//! What other tools make of reports: their own readers read what was written, and find the alerts in it.
//!
//! The tools come from PyPI by `make python`. Where they are missing, a test says that it is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::super::*;
use super::render;
use crate::alert::tests::alerts;

/// A Python that has the modules, in the checkout's own environment or on the path.
fn python(modules: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let candidates = [root.join(".venv/bin/python"), PathBuf::from("python3")];
    candidates.into_iter().find(|python| {
        let tried = Command::new(python).args(["-c", &format!("import {modules}")]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// Runs a script of this folder over reports of all samples: as named, in the formats that their names tell.
fn check(script: &str, modules: &str, files: &[(&str, &ReportOptions)]) {
    let Some(python) = python(modules) else {
        eprintln!("skipped: no Python that has {modules}; `make python` gets it");
        return;
    };
    let folder = TempDir::new().unwrap();
    for (name, options) in files {
        let format = Format::of_file(Path::new(name), None).unwrap();
        std::fs::write(folder.path().join(name), render(format, options, &alerts())).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/tests").join(script);
    let output = Command::new(python).arg(script).current_dir(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn pandas_reads_what_the_lines_say() {
    let (plain, raw) =
        (ReportOptions::default(), ReportOptions { neutralise_formulas: false, ..ReportOptions::default() });
    let files = [("a.jsonl", &plain), ("a.parquet", &plain), ("a.csv", &plain), ("raw.csv", &raw)];
    check("read_tables.py", "pandas, pyarrow", &files);
}

#[test]
fn timesketch_takes_every_row() {
    let options = ReportOptions::default();
    let files = ["a.jsonl", "a.timesketch.csv", "a.timesketch.jsonl"].map(|name| (name, &options));
    check("read_timesketch.py", "pandas", &files);
}

#[test]
fn findings_keep_to_ocsf() {
    check("read_ocsf.py", "py_ocsf_models", &[("a.ocsf.jsonl", &ReportOptions::default())]);
}

#[test]
fn bundles_keep_to_stix() {
    check("check_stix.py", "stix2validator", &[("a.stix.json", &ReportOptions::default())]);
}

#[test]
fn the_navigator_takes_layers() {
    let options = ReportOptions::default();
    check("read_layer.py", "mitreattack.navlayers", &[("a.jsonl", &options), ("a.navigator.json", &options)]);
}

#[test]
fn databases_say_what_the_lines_say() {
    let options = ReportOptions::default();
    check("read_sqlite.py", "sqlite3", &[("a.jsonl", &options), ("a.sqlite", &options)]);
}

/// The same alerts give the same database, byte by byte.
#[test]
fn databases_and_tables_are_the_same_twice() {
    for name in ["sqlite", "parquet"] {
        let format = Format::named(name).unwrap();
        let [first, second] = [(), ()].map(|()| render(format, &ReportOptions::default(), &alerts()));
        assert!(first == second, "{name}");
    }
}
