//! Recordings that others made. They lie beside the project and not in it; where they are missing these
//! tests say that they were skipped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::Folder;
use crate::report::check_schema;

/// A file or folder beside the project, if it is there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if path.exists() {
        return Some(path.canonicalize().unwrap());
    }
    // Not by `eprintln`, which is shown of failing tests only.
    let _ = writeln!(io::stderr(), "skipped: {} is not there", path.display());
    None
}

fn n_files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { n_files(&path) } else { 1 }).sum()
}

#[test]
fn every_file_is_accounted_for_and_every_line_valid() {
    let Some(logs) = shared("data/evtx") else { return };
    let folder = Folder::new();
    let arguments = format!("map {} -o out.jsonl -o out.csv -o out.json", logs.display());
    let run = folder.check(&arguments, 0);
    assert_eq!(run.err, "");
    let lines = folder.read("out.jsonl");
    assert!(lines.lines().count() > 10_000);
    check_schema(&lines);
    let report: Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    let (_, n_read) = run.out.split_once(" events in ").unwrap();
    let (n_read, _) = n_read.split_once(" files").unwrap();
    let n_read: usize = n_read.replace(',', "").parse().unwrap();
    let n_other = report["not_looked_at"]["files"].as_array().unwrap().len();
    assert_eq!(n_read + n_other, n_files(&logs));
}

#[test]
fn an_ordinary_logon_is_not_high() {
    let Some(sample) = shared("seed/TEST_SECURITY_EVENTS.csv") else { return };
    let folder = Folder::new();
    folder.check(&format!("map {} -o out.jsonl --all-events", sample.display()), 0);
    let lines = folder.read("out.jsonl");
    check_schema(&lines);
    let alerts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(alerts.len() >= 14, "{}", alerts.len());
    let mapped = alerts.iter().filter(|alert| !alert["techniques"].as_array().unwrap().is_empty());
    assert!(mapped.count() >= 14);
    for alert in alerts.iter().filter(|alert| alert["event"]["event_id"] == 4624) {
        assert_eq!(alert["kind"], "association");
        assert_eq!(alert["severity"], "informational");
    }
}

/// SigmaHQ's own regression cases: on each recording its rule matches at least as often as it must.
#[test]
fn sigmahqs_rules_find_what_they_must() {
    let (Some(rules), Some(logs)) =
        (shared("data/sigma/sigma-master.tar.gz"), shared("data/sigma-regression"))
    else {
        return;
    };
    let folder = Folder::new();
    let arguments = format!("map --rules {} {} -o out.jsonl", rules.display(), logs.display());
    folder.check(&arguments, 0);
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    for line in folder.read("out.jsonl").lines() {
        let alert: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        *found.entry((text(&alert["rule"]["id"]), text(&alert["input"]["path"]))).or_default() += 1;
    }
    let data = logs.parent().unwrap();
    let cases = fs::read_to_string(data.join("regression.tsv")).unwrap();
    let mut n_cases = 0;
    for case in cases.lines().skip(1) {
        let columns: Vec<&str> = case.split('\t').collect();
        let (id, log, n_expected) = (columns[0], data.join(columns[2]), columns[6].parse().unwrap_or(1));
        let n_found = found.get(&(id.to_owned(), log.display().to_string())).copied().unwrap_or_default();
        assert!(n_found >= n_expected, "{}: {n_found} of {n_expected}", columns[1]);
        n_cases += 1;
    }
    assert_eq!(n_cases, 102);
}

#[test]
fn deleted_records_are_recovered_when_asked_for_and_say_so() {
    let Some(log) = shared("data/evtx/evtx-crate-samples/sample_with_a_bad_chunk_magic.evtx") else { return };
    let folder = Folder::new();
    let arguments = format!("map {} --all-events -o out.jsonl -o out.csv", log.display());
    let run = folder.check(&arguments, 0);
    assert!(run.out.contains("301 events in 1 file") && !run.out.contains("recovered"), "{}", run.out);
    let run = folder.check(&format!("{arguments} --recover"), 0);
    assert!(run.out.contains("351 events in 1 file"), "{}", run.out);
    assert!(run.out.contains("50 events recovered of those that were deleted"), "{}", run.out);
    let lines = folder.read("out.jsonl");
    check_schema(&lines);
    assert_eq!(lines.lines().filter(|line| line.contains(r#""recovered":true"#)).count(), 50);
    assert_eq!(folder.read("out.csv").matches(", recovered\"").count(), 50);
}
