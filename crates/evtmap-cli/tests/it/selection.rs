//! What is looked at and what is told: severities, times, numbers, and the exit status.

use serde_json::Value;

use crate::program::Folder;
use crate::sample;

fn folder() -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::log())
}

/// The alerts of a run over the log, each as its kind, its severity and its minute.
fn check(options: &str, expected: &[&str]) {
    let run = folder().check(&format!("map log.evtx --rules rules.yml -o - --format jsonl {options}"), 0);
    let alerts = run.out.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let severity = line["severity"].as_str().unwrap_or("none");
        format!("{} {severity} {}", line["kind"].as_str().unwrap(), &line["time"].as_str().unwrap()[11..16])
    });
    assert_eq!(alerts.collect::<Vec<_>>(), expected, "{options}");
}

const LOGON: &str = "association informational 08:00";
const START: &str = "association informational 08:01";

#[test]
fn all_by_default() {
    check("", &[LOGON, START, "detection high 08:02", "detection low 08:03", "detection high 08:04"]);
}

#[test]
fn severities() {
    check("--min-severity low", &["detection high 08:02", "detection low 08:03", "detection high 08:04"]);
    check("--min-severity HIGH", &["detection high 08:02", "detection high 08:04"]);
    check("--min-severity critical", &[]);
}

#[test]
fn associations_and_all_events() {
    check("--no-associations", &["detection high 08:02", "detection low 08:03", "detection high 08:04"]);
    check(
        "--all-events --no-associations --min-severity high",
        &[
            "event none 08:00",
            "event none 08:01",
            "detection high 08:02",
            "event none 08:03",
            "detection high 08:04",
        ],
    );
}

#[test]
fn times() {
    check("--since 2026-03-02T08:03:00Z", &["detection low 08:03", "detection high 08:04"]);
    check("--until 2026-03-02T08:03:00Z", &[LOGON, START, "detection high 08:02"]);
    check("--since 2026-03-02T09:02:00+01:00 --until 2026-03-02T08:03:00Z", &["detection high 08:02"]);
    check("--until 2026-03-02", &[]);
    check("--since 1h", &[]);
    let run = folder().check("map log.evtx --rules rules.yml --since 2026-03-02T08:03:00Z", 0);
    assert!(run.out.contains("2 events in 1 file"), "{}", run.out);
    assert!(run.out.contains("3 events outside the times asked for"), "{}", run.out);
    let run = folder().check("map log.evtx --until yesterday", 2);
    assert!(run.err.contains("error: `--until yesterday` is not a time"), "{}", run.err);
}

#[test]
fn numbers_of_events() {
    check("--max-events 0", &[]);
    check("--max-events 3", &[LOGON, START, "detection high 08:02"]);
    check(
        "--max-events 5000000000",
        &[LOGON, START, "detection high 08:02", "detection low 08:03", "detection high 08:04"],
    );
    let run = folder().check("map log.evtx log.evtx --rules rules.yml --max-events 3 --threads 4", 0);
    assert!(run.out.contains("3 events in 1 file"), "{}", run.out);
    assert!(run.out.contains("what comes after the number of events asked for"), "{}", run.out);
}

#[test]
fn exit_status() {
    let folder = folder();
    let status = |options: &str| folder.run(&format!("map log.evtx --rules rules.yml {options}")).status;
    assert_eq!(status(""), 0);
    assert_eq!(status("--fail-on critical"), 0);
    assert_eq!(status("--fail-on high"), 1);
    assert_eq!(status("--fail-on low"), 1);
    assert_eq!(status("--fail-on high --quiet -o out.csv"), 1);
    // An association is no finding to fail on.
    assert_eq!(status("--fail-on informational --until 2026-03-02T08:01:00Z"), 0);
    assert_eq!(status("missing.evtx"), 2);
    assert_eq!(status("missing.evtx --fail-on high"), 1);
    assert_eq!(status("--no-such-option"), 2);
    assert_eq!(status("--threads 0"), 2);
}

#[test]
fn threads_do_not_change_a_byte() {
    let mut folder = Folder::new().with("rules.yml", sample::RULES);
    for (name, n_events) in [("a", 700), ("b", 3), ("c", 1500)] {
        folder = folder.with(&format!("logs/{name}.evtx"), sample::long_log(n_events));
    }
    let folder = folder.with("logs/d.csv", sample::CSV).with("logs/e.txt", "dear diary");
    let [one, four] = [1, 4].map(|n| {
        let reports = format!("-o {n}.csv -o {n}.json -o {n}.jsonl");
        let run =
            folder.check(&format!("map logs --rules rules.yml --all-events --threads {n} {reports}"), 0);
        let reports = ["csv", "json", "jsonl"].map(|format| folder.read(&format!("{n}.{format}")));
        (run.out, reports)
    });
    assert!(one.1[2].lines().count() > 2000);
    assert!(one == four);
}
