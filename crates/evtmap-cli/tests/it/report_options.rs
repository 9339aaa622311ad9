//! What can be chosen about reports: columns, times, order, and the format by a file's name.

use serde_json::Value;

use crate::program::{Folder, Run};
use crate::sample;

fn folder() -> Folder {
    Folder::new()
        .with("rules.yml", sample::RULES)
        .with("log.evtx", sample::log())
        .with("log.csv", sample::CSV)
}

const MAP: &str = "map log.csv --rules rules.yml --no-associations";

#[test]
fn chosen_columns_and_members() {
    let folder = folder();
    folder.check(&format!("{MAP} -o a.csv -o a.jsonl --fields host,rule.title,fields.CommandLine"), 0);
    assert_eq!(folder.read("a.csv"), "host,rule.title,fields.CommandLine\nWS01,Bad Program,bad.exe /x\n");
    assert_eq!(
        folder.read("a.jsonl"),
        "{\"rule\":{\"title\":\"Bad Program\"},\"event\":{\"computer\":\"WS01\",\"fields\":{\"CommandLine\":\"bad.exe /x\"}}}\n"
    );
}

#[test]
fn columns_that_there_are_not() {
    let run = folder().check(&format!("{MAP} -o a.csv --fields hots"), 2);
    assert!(run.err.contains("error: `--fields hots` names no column"), "{}", run.err);
    assert!(run.err.contains("help: did you mean `host`?"), "{}", run.err);
    let run = folder().check(&format!("{MAP} -o a.parquet --fields host"), 2);
    assert!(run.err.contains("error: no report takes `--fields`"), "{}", run.err);
}

#[test]
fn times_as_the_user_wants_them() {
    let folder = folder();
    let run = folder.check(&format!("{MAP} -o a.csv -o a.json -o a.md --timezone Europe/Berlin"), 0);
    assert!(folder.read("a.csv").contains("\n2026-03-02T09:01:00+01:00,WS01,"), "{}", folder.read("a.csv"));
    assert!(folder.read("a.json").contains("\"time\":\"2026-03-02T09:01:00+01:00\""));
    assert!(folder.read("a.md").contains("| 2026-03-02T09:01:00+01:00 | high | Bad Program |"));
    assert!(run.out.contains("2026-03-02 09:01+01:00"), "{}", run.out);
    let mut command = folder.command(&format!("{MAP} -o a.jsonl --time-format"));
    let run = Run::of(command.arg("%d.%m.%Y %H:%M").output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(folder.read("a.jsonl").contains("\"time\":\"02.03.2026 08:01\""));
    assert!(run.out.contains("02.03.2026 08:01"), "{}", run.out);
}

/// The program's own times are written in one way: those of alerts, and those of the summary with all in it.
#[test]
fn the_summary_has_its_times_as_the_alerts_have() {
    let folder = folder();
    let mut command = folder.command(&format!("{MAP} -o a.json --timezone Europe/Berlin --time-format"));
    let run = Run::of(command.arg("%d.%m.%Y %H:%M:%S %z").output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    let report: Value = serde_json::from_str(&folder.read("a.json")).unwrap();
    let summary = &report["summary"];
    assert_eq!(summary["first_event"], "02.03.2026 09:00:00 +0100");
    for risk in [&summary["hosts_by_risk"][0], &summary["accounts_by_risk"][0]] {
        assert_eq!(
            (&risk["first"], &risk["last"]),
            (&report["alerts"][0]["time"], &report["alerts"][0]["time"])
        );
        assert_eq!(risk["first"], "02.03.2026 09:01:00 +0100");
    }
}

/// An offset west of Greenwich begins as an option does, and is none; what is one is not taken for a zone.
#[test]
fn offsets_west_of_greenwich() {
    let folder = folder();
    folder.check(&format!("{MAP} -o a.csv --timezone -05:00 --fields timestamp"), 0);
    assert_eq!(folder.read("a.csv"), "timestamp\n2026-03-02T03:01:00-05:00\n");
    let local = sample::CSV.replace("08:01:00Z", "08:01:00");
    let folder = folder.with("local.csv", local);
    let map = MAP.replace("log.csv", "local.csv");
    folder.check(&format!("{map} --input-timezone -0530 -o a.csv --fields timestamp"), 0);
    assert_eq!(folder.read("a.csv"), "timestamp\n2026-03-02T13:31:00Z\n");
    for command in
        [MAP, "timeline log.csv", "stats log.csv", "logons log.csv", "summary log.csv", "watch log.csv"]
    {
        let run = folder.check(&format!("{command} --timezone --quiet"), 2);
        assert!(run.err.contains("it is an option, and the zone before it is missing"), "{}", run.err);
    }
}

#[test]
fn what_is_no_time_or_zone() {
    let run = folder().check(&format!("{MAP} --time-format iso"), 2);
    assert!(run.err.contains("error: `--time-format iso` is not a form of times"), "{}", run.err);
    let run = folder().check(&format!("{MAP} --timezone Mars/Olympus"), 2);
    assert!(run.err.contains("error: `--timezone Mars/Olympus` is not a time zone"), "{}", run.err);
}

/// The worst first, whatever the number of threads; what is counted stays the same.
#[test]
fn alerts_in_another_order() {
    let folder = Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::long_log(2000));
    let map = "map log.evtx --rules rules.yml --all-events --fields severity,timestamp";
    folder.check(&format!("{map} -o as-it-is.csv"), 0);
    for by in ["time", "severity"] {
        let read = |threads: u8| {
            folder.check(&format!("{map} --sort {by} --threads {threads} -o {by}.csv"), 0);
            folder.read(&format!("{by}.csv"))
        };
        let (one, two) = (read(1), read(2));
        assert_eq!(one, two);
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&one), sorted(&folder.read("as-it-is.csv")));
    }
    let times: Vec<String> = folder
        .read("time.csv")
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap().to_owned())
        .collect();
    assert!(times.is_sorted());
    let severities = ["critical", "high", "medium", "low", "informational", ""];
    let worst_first: Vec<usize> = (folder.read("severity.csv").lines().skip(1))
        .map(|line| severities.iter().position(|severity| line.split(',').next() == Some(severity)).unwrap())
        .collect();
    assert!(worst_first.is_sorted());
}

#[test]
fn every_format_by_its_name() {
    let folder = folder();
    let names = [
        "a.bulk.ndjson",
        "a.csv",
        "a.ecs.json",
        "a.json",
        "a.jsonl",
        "a.md",
        "a.navigator.json",
        "a.ocsf.jsonl",
        "a.parquet",
        "a.sarif",
        "a.splunk.json",
        "a.db",
        "a.stix.json",
        "a.timesketch.csv",
        "a.timesketch.jsonl",
    ];
    let outputs: Vec<String> = names.iter().map(|name| format!("-o {name}")).collect();
    folder.check(&format!("{MAP} {}", outputs.join(" ")), 0);
    let mut expected: Vec<&str> = names.into_iter().chain(["log.csv", "log.evtx", "rules.yml"]).collect();
    expected.sort_unstable();
    assert_eq!(folder.names(), expected);
    for name in names {
        assert!(folder.path().join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let run = folder.check(&format!("{MAP} -o out.timesketch"), 2);
    assert!(run.err.contains("the name of `out.timesketch` tells several formats"), "{}", run.err);
    assert!(run.err.contains("timesketch, timesketch-jsonl"), "{}", run.err);
}

/// A database and a table that is made of parts appear whole or not at all, as others do.
#[test]
fn a_run_that_fails_leaves_databases_as_they_were() {
    let folder = folder().with("out.db", "of yesterday").with("out.parquet", "of yesterday");
    folder.check("map log.csv --rules missing.yml -o out.db -o out.parquet", 2);
    assert_eq!(
        (folder.read("out.db"), folder.read("out.parquet")),
        ("of yesterday".into(), "of yesterday".into())
    );
    folder.check(&format!("{MAP} -o out.db -o out.parquet"), 0);
    assert!(std::fs::read(folder.path().join("out.db")).unwrap().starts_with(b"SQLite format 3\0"));
    assert!(std::fs::read(folder.path().join("out.parquet")).unwrap().ends_with(b"PAR1"));
    assert_eq!(folder.names(), ["log.csv", "log.evtx", "out.db", "out.parquet", "rules.yml"]);
}
