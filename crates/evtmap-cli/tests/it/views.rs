//! Views of the incident in `examples`: whole texts, and what JSON says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Folder, Run, slashes};
use crate::sample;

const RULES: &str = "\
title: Tool Fetched With Certutil
author: Ada Example
level: high
tags: [attack.command-and-control, attack.t1105]
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|endswith: '\\certutil.exe'}, condition: selection}
---
title: Wrong Password
author: Bo Example
level: low
tags: [attack.credential-access, attack.t1110]
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}
";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Runs the program in the folder of examples, so that paths are the same everywhere.
fn run(folder: &Folder, arguments: &[&str]) -> Run {
    let mut command: Command = folder.command("");
    command.current_dir(examples()).args(arguments);
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.status, 0, "{arguments:?}\n{}", run.err);
    run
}

/// Compares what is printed with a golden file. With `EVTMAP_BLESS` in the environment it becomes the file.
#[track_caller]
fn check(name: &str, arguments: &[&str]) {
    let folder = Folder::new().with("rules.yml", RULES);
    let rules = folder.path().join("rules.yml");
    let rules = rules.to_str().unwrap();
    let arguments: Vec<&str> =
        arguments.iter().map(|argument| if *argument == "RULES" { rules } else { argument }).collect();
    let out = run(&folder, &arguments).out.replace(rules, "RULES");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("EVTMAP_BLESS").is_some() {
        fs::write(&path, &out).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let is_same = slashes(&out) == slashes(&expected);
    assert!(is_same, "run again with EVTMAP_BLESS=1 if this is as it should be:\n{out}");
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(folder, arguments).out).unwrap()
}

#[test]
fn timeline() {
    check("timeline.txt", &["timeline", "incident", "--rules", "RULES", "--no-rule-cache"]);
}

#[test]
fn logons() {
    check("logons.txt", &["logons", "incident", "--sort", "failed", "--max", "12"]);
}

#[test]
fn stats() {
    check("stats.txt", &["stats", "incident", "--max", "12"]);
}

#[test]
fn search() {
    check(
        "search.txt",
        &["search", "incident", "--category", "process_creation", "--where", "Image|endswith=\\certutil.exe"],
    );
}

#[test]
fn the_summary_as_json_is_that_of_the_report() {
    let folder = Folder::new().with("rules.yml", RULES).with("a.evtx", sample::evtx(&[]));
    folder.check("map a.evtx --rules rules.yml -o out.json", 0);
    let report: Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    let summary: Value =
        serde_json::from_str(&folder.check("summary a.evtx --rules rules.yml --json", 0).out).unwrap();
    assert_eq!(summary["summary"], report["summary"]);
    assert_eq!(summary["not_looked_at"], report["not_looked_at"]);
    let text = folder.check("summary a.evtx --rules rules.yml", 0).out;
    assert_eq!(text, folder.check("map a.evtx --rules rules.yml", 0).out);
}

/// Every view says the same whatever the number of threads, and what it says as JSON can be read.
#[test]
fn threads_make_no_difference() {
    let folder = Folder::new();
    for arguments in [
        &["timeline", "incident", "--json"][..],
        &["logons", "incident", "--json"],
        &["stats", "incident", "--json"],
    ] {
        let with = |threads| json(&folder, &[arguments, &["--threads", threads]].concat());
        let (one, four) = (with("1"), with("4"));
        assert_eq!(one, four, "{arguments:?}");
        assert_eq!(one["events"], 2722);
        assert_eq!(one["not_looked_at"]["files"].as_array().unwrap().len(), 1);
        if let Some(traces) = one["traces"].as_array() {
            assert_eq!((traces.len(), &traces[0]["host"]), (2, &Value::from("FS01.corp.example")));
        }
    }
    let lines = |threads| {
        run(&folder, &["search", "incident", "--text", "keller", "--max", "300", "--threads", threads]).out
    };
    assert_eq!(lines("1"), lines("4"));
    assert_eq!(lines("1").lines().count(), 300);
}

#[test]
fn events_as_lines_of_json() {
    let folder = Folder::new();
    let out = run(&folder, &["search", "incident", "--event-id", "1102,104", "--json"]).out;
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&Value> = events.iter().map(|event| &event["event_id"]).collect();
    assert_eq!(ids, [1102, 104]);
    assert_eq!(events[1]["fields"]["Channel"], "System");
    assert_eq!(run(&folder, &["search", "incident", "--event-id", "4624", "--count"]).out, "319\n");
}

/// In text times are where the reader is; in JSON they are what programs sort by.
#[test]
fn times_in_a_zone() {
    let folder = Folder::new();
    let commands: [&[&str]; 5] = [
        &["timeline", "incident", "--each"],
        &["logons", "incident"],
        &["stats", "incident"],
        &["search", "incident", "--event-id", "1102,104"],
        &["summary", "incident"],
    ];
    for command in commands {
        let with = |more: &[&str]| run(&folder, &[command, more].concat()).out;
        let (utc, tokyo) = (with(&[]), with(&["--timezone", "Asia/Tokyo"]));
        assert!(utc.contains("2026-03-11") && !utc.contains("+09:00"), "{utc}");
        let n_times = |text: &str, what: &str| text.matches(what).count();
        assert!(n_times(&tokyo, "+09:00") >= n_times(&utc, "2026-03-11 "), "{tokyo}");
        assert!(!tokyo.contains("UTC"), "{tokyo}");
        assert_eq!(with(&["--json", "--timezone", "Asia/Tokyo"]), with(&["--json"]));
    }
    let first = run(&folder, &["search", "incident", "--max", "1", "--timezone", "Asia/Tokyo"]).out;
    let in_utc = run(&folder, &["search", "incident", "--max", "1"]).out;
    let time = |line: &str| line.split("  ").next().unwrap().to_owned();
    let same: [jiff::Timestamp; 2] =
        [time(&first), time(&in_utc) + "Z"].map(|text| text.replace(' ', "T").parse().unwrap());
    assert_eq!(same[0], same[1]);
}

#[test]
fn mistakes() {
    let folder = Folder::new().with("a.evtx", sample::evtx(&[]));
    let told = |arguments: &str| folder.check(arguments, 2).err;
    assert!(told("search a.evtx --where Image").contains("there is no `=` in it"));
    assert!(told("search a.evtx --where Image|endwith=x").contains("did you mean `endswith`?"));
    assert!(told("search a.evtx --where A=1 --condition w2").contains("there is no `w2`"));
    assert!(told("search gone.evtx").contains("gone.evtx"));
    assert!(told("logons a.evtx --since yesterday").contains("is not a time"));
    assert!(told("stats a.evtx --timezone Mars").contains("`--timezone Mars` is not a time zone"));
    let none = folder.check("search a.evtx --where Imgae=x", 0);
    assert!(none.err.contains("has a field `Imgae`"), "{}", none.err);
}

/// What the incident has no example of: records that are missing and come twice, and time that runs backwards.
#[test]
fn signs_of_tampering() {
    let record = |id: u64, time: &str| {
        format!(
            "{{\"Channel\": \"Security\", \"EventID\": 4688, \"Computer\": \"WS01\", \"EventRecordID\": {id}, \"TimeCreated\": \"2026-03-11T{time}Z\"}}\n"
        )
    };
    let log =
        record(1, "08:00:00") + &record(2, "08:00:05") + &record(7, "08:10:00") + &record(7, "08:10:00");
    let log = log + &record(8, "06:00:00");
    let folder = Folder::new().with("a.jsonl", log);
    let out = folder.check("stats a.jsonl", 0).out;
    for sign in [
        "WS01, Security: records 3 to 6 (4) are missing between 2026-03-11 08:00:05 and 2026-03-11 08:10:00: deleted",
        "WS01, Security: 1 record id comes again (7): ",
        "WS01, Security: record 8 of 2026-03-11 06:00:00 is 2 h 10 min older than the one before it: the clock",
    ] {
        assert!(out.contains(sign), "{sign}\n{out}");
    }
    let json: Value = serde_json::from_str(&folder.check("stats a.jsonl --json", 0).out).unwrap();
    let log = &json["logs"][0];
    assert_eq!((&log["missing_records"], &log["repeated"][0]), (&Value::from(4), &Value::from(7)));
}

#[test]
fn explain_is_short_for_rules_explain() {
    let folder = Folder::new().with("rule.yml", RULES.split("---").next().unwrap());
    let folder = folder.with("event.json", "{\"Channel\": \"Security\", \"EventID\": 4688}");
    let out = folder.check("explain rule.yml event.json", 1).out;
    assert_eq!(out, folder.check("rules explain rule.yml event.json", 1).out);
}

/// What a log says never steers the terminal, in no view.
#[test]
fn hostile_logs() {
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil";
    let event = |id: u32, fields: &[(&str, &str)]| {
        let fields: Vec<String> = (fields.iter())
            .map(|(name, value)| format!("{}: {}", Value::from(*name), Value::from(*value)))
            .collect();
        format!(
            "{{\"Channel\": \"Security\", \"EventID\": {id}, \"Computer\": {}, \"TimeCreated\": \"2026-03-11T08:00:00Z\", {}}}\n",
            Value::from(hostile),
            fields.join(", ")
        )
    };
    let log = event(4624, &[("TargetUserName", hostile), ("WorkstationName", hostile), ("LogonType", "3")])
        + &event(4625, &[("TargetUserName", "a"), ("Status", hostile), (hostile, hostile)])
        + &event(1102, &[("SubjectUserName", hostile)]);
    let folder = Folder::new().with("a.jsonl", log).with("rules.yml", RULES);
    for arguments in [
        "timeline a.jsonl --rules rules.yml",
        "logons a.jsonl",
        "stats a.jsonl",
        "search a.jsonl --text evil",
        "search a.jsonl",
        "timeline a.jsonl --rules rules.yml --json",
        "logons a.jsonl --json",
        "stats a.jsonl --json",
        "search a.jsonl --json",
    ] {
        let run = folder.check(arguments, 0);
        let is_steering = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(run.out.contains("evil"), "{arguments}\n{}", run.out);
        assert!(!run.out.chars().chain(run.err.chars()).any(is_steering), "{arguments}\n{}", run.out);
    }
}
