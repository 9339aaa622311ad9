//! Inputs that cannot be read, or not to their end: each is named, and the others are read.

use std::io::Write;
use std::process::Stdio;

use evtx_fixture::{Damage, Writer};

use crate::program::{Folder, Run};
use crate::sample;

/// A folder with a log, and one thing more that is wrong.
fn folder(name: &str, content: impl AsRef<[u8]>) -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("good.evtx", sample::log()).with(name, content)
}

/// Runs over the wrong file and the good log: the file is named with a reason in the summary and in the
/// warning, the log is read, and the status is 2.
fn check(folder: &Folder, name: &str, reason: &str) {
    let run = folder.check(&format!("map {name} good.evtx --rules rules.yml"), 2);
    assert!(run.err.contains(&format!("warning: `{name}`: {reason}")), "{}", run.err);
    assert!(run.err.contains("help: "), "{}", run.err);
    assert!(run.out.contains("5 events in 1 file"), "{}", run.out);
    assert!(run.out.contains("3 detections: 2 high, 1 low"), "{}", run.out);
    let (_, not_looked_at) = run.out.split_once("Not looked at").unwrap();
    assert!(not_looked_at.contains(reason) && not_looked_at.contains(name), "{}", run.out);
}

#[test]
fn a_missing_file() {
    check(&folder("other.txt", ""), "missing.evtx", "there is no such file");
}

#[test]
fn an_empty_file() {
    check(&folder("empty.evtx", ""), "empty.evtx", "the file is empty");
}

#[test]
fn a_text_that_is_called_evtx() {
    check(&folder("text.evtx", "dear diary\n"), "text.evtx", "the file is called .evtx but holds text");
}

#[test]
fn a_file_of_another_kind() {
    check(
        &folder("picture.png", b"\x89PNG\r\n\x1a\n\0"),
        "picture.png",
        "the content is not that of an event log",
    );
}

#[test]
fn a_truncated_log_is_read_as_far_as_it_goes() {
    let events = (0..300).map(|n| sample::process("08:00:00", "WS01", "ada", &format!("bad.exe {n}")));
    let events: Vec<_> = events.collect();
    let log = sample::write(Writer::new().damage(Damage::TruncatedLastChunk), &events);
    let run = folder("cut.evtx", log).check("map cut.evtx good.evtx --rules rules.yml -o out.json", 0);
    let (_, not_looked_at) = run.out.split_once("Not looked at").unwrap();
    assert!(not_looked_at.contains("cut.evtx"), "{}", run.out);
    assert!(not_looked_at.contains("records lost"), "{}", run.out);
    assert!(run.out.contains("in 2 files"), "{}", run.out);
}

#[test]
fn a_log_that_breaks_off_in_its_header() {
    let log = sample::log().get(..100).unwrap().to_vec();
    let run = folder("cut.evtx", log).check("map cut.evtx good.evtx --rules rules.yml", 2);
    assert!(run.err.contains("`cut.evtx`: "), "{}", run.err);
    assert!(run.out.contains("3 detections"), "{}", run.out);
}

#[test]
fn a_stray_file_in_a_folder_is_told_and_is_no_error() {
    let folder = folder("logs/notes.txt", "dear diary").with("logs/a.csv", sample::CSV);
    let run = folder.check("map logs --rules rules.yml", 0);
    assert_eq!(run.err, "");
    assert!(run.out.contains("2 events in 1 file"), "{}", run.out);
    assert!(run.out.contains("1 file: the content is not that of an event log"), "{}", run.out);
    assert!(run.out.contains("notes.txt"), "{}", run.out);
}

/// A folder that was mistaken for another must not look like one in which nothing happened.
#[test]
fn a_folder_without_a_log_is_an_error() {
    let folder = folder("empty/deep/notes.txt", "dear diary");
    for command in ["map empty -q", "map empty", "stats empty", "coverage empty"] {
        let run = folder.check(command, 2);
        assert!(
            run.err.contains("warning: there is no event log in what was named"),
            "{command}: {}",
            run.err
        );
    }
    folder.check("map empty good.evtx", 0);
}

/// Whoever wants no summary is told all the same that something is missing.
#[test]
fn lost_records_are_told_quietly_too() {
    let lines = "{\"EventID\": 1102, \"Channel\": \"Security\"}\n{\"EventID\": 11\n";
    let run = folder("cut.jsonl", lines).check("map cut.jsonl -q", 0);
    assert!(
        run.err.contains("warning: cut.jsonl: 1 problem with records lost, first line 2: the text ends"),
        "{}",
        run.err
    );
}

/// An event without a time is looked at, and in no correlation; everybody is told.
#[test]
fn events_without_a_time_are_told() {
    let table = "Date and Time,Event ID,Source,Task Category\nsoon,4624,Microsoft-Windows-Security-Auditing,x\n\
        2026-03-02 08:00:00,4624,Microsoft-Windows-Security-Auditing,x\n";
    let folder = folder("times.csv", table);
    let run = folder.check("map times.csv -o out.json", 0);
    let expected =
        "when 1 event happened: there is no time that can be read, so that no correlation has them";
    assert!(run.out.contains(expected) && run.out.contains("times.csv (1)"), "{}", run.out);
    assert!(run.out.contains("(`--date-format` says how dates are written)"), "{}", run.out);
    assert!(
        folder.read("out.json").contains("\"events_without_time\": 1")
            || folder.read("out.json").contains("\"events_without_time\":1")
    );
    assert!(folder.check("stats times.csv", 0).out.contains(expected));
    // What only tables can be told is not advised elsewhere.
    let folder = folder.with("event.json", "{\"EventID\": 1102, \"Channel\": \"Security\"}");
    let run = folder.check("map event.json", 0);
    assert!(run.out.contains(expected) && !run.out.contains("--date-format"), "{}", run.out);
}

#[test]
fn nothing_that_can_be_read() {
    let run = Folder::new().check("map missing.evtx", 2);
    assert!(run.err.contains("`missing.evtx`: there is no such file"), "{}", run.err);
    assert!(run.out.contains("0 events in 0 files"), "{}", run.out);
}

#[test]
fn what_was_missing_is_in_the_json_report() {
    let folder = folder("other.txt", "");
    folder.check("map missing.evtx good.evtx --rules rules.yml -o out.json -q", 2);
    let report: serde_json::Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    assert_eq!(report["not_looked_at"]["files"][0]["path"], "missing.evtx");
    assert_eq!(report["not_looked_at"]["files"][0]["code"], "input-missing");
}

#[test]
fn a_row_that_does_not_fit_is_lost_alone() {
    let csv = sample::CSV.replace("bad.exe /x,", "bad.exe /x,one,cell,too,many,");
    let folder = folder("log.csv", csv + "2026-03-02T08:02:00Z,4688,,Security,WS01,ada,bad.exe,\n");
    let run = folder.check("map log.csv --rules rules.yml", 0);
    assert!(run.out.contains("2 events in 1 file"), "{}", run.out);
    assert!(run.out.contains("1 detection: 1 high"), "{}", run.out);
    assert!(run.out.contains("log.csv, line 3"), "{}", run.out);
}

/// A zip of two logs and of a file that is none.
fn zip() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in
        [("logs/good.evtx", sample::log()), ("a.csv", sample::CSV.into()), ("notes.txt", "dear diary".into())]
    {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_is_read_member_by_member() {
    let folder = folder("logs.zip", zip());
    let run = folder.check("map logs.zip --rules rules.yml -o out.jsonl", 0);
    assert_eq!(run.err, "");
    assert!(run.out.contains("7 events in 2 files"), "{}", run.out);
    assert!(run.out.contains("logs.zip!notes.txt"), "{}", run.out);
    assert!(folder.read("out.jsonl").contains(r#""path":"logs.zip!logs/good.evtx""#));
    let run = folder.check("map logs.zip good.evtx --rules rules.yml --max-events 2", 0);
    assert!(run.out.contains("1 file: not reached"), "{}", run.out);
}

#[test]
fn an_archive_of_other_things_is_an_error_when_it_was_named() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("notes.txt", zip::write::SimpleFileOptions::default()).unwrap();
    let content = writer.finish().unwrap().into_inner();
    check(&folder("other.zip", content), "other.zip", "there is no event log in it");
}

/// Runs over what comes through a pipe.
fn pipe(content: &[u8]) -> Run {
    let folder = Folder::new().with("rules.yml", sample::RULES);
    let mut command = folder.command("map - --rules rules.yml");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    Run::of(child.wait_with_output().unwrap())
}

#[test]
fn standard_input_may_be_anything() {
    for (content, events) in [(sample::log(), 5), (sample::CSV.into(), 2), (zip(), 7)] {
        let run = pipe(&content);
        assert!(run.out.contains(&format!("{events} events in ")), "{}{}", run.out, run.err);
        assert_eq!(run.status, 0);
    }
    let run = pipe(b"dear diary");
    assert_eq!(run.status, 2);
    assert!(run.err.contains("warning: `-`: the content is not that of an event log"), "{}", run.err);
}

/// A table with times that say little about themselves.
const LOCAL: &str = "Event ID;When;Log;CommandLine\n4688;05/06/2026 10:00:00;Security;bad.exe\n";

#[test]
fn local_times_are_read_as_told_and_every_report_says_so() {
    let folder = Folder::new()
        .with("rules.yml", sample::RULES)
        .with("log.csv", LOCAL)
        .with("columns.toml", "When = \"TimeCreated_SystemTime\"\nLog = \"Channel\"\n");
    let check = |options: &str, time: &str, told: &str| {
        let options = format!("map log.csv --rules rules.yml --columns columns.toml {options}");
        let run = folder.check(&format!("{options} -o out.jsonl -o out.csv -o out.json"), 0);
        assert!(run.out.contains(told), "{}", run.out);
        assert!(
            folder.read("out.jsonl").contains(&format!(r#""time":"{time}""#)),
            "{}",
            folder.read("out.jsonl")
        );
    };
    check(
        "",
        "2026-05-06T10:00:00Z",
        "1 time without a time zone read as UTC; month-first of 1 file assumed",
    );
    assert!(folder.read("out.jsonl").contains(r#""timezone":"UTC""#));
    assert!(folder.read("out.csv").ends_with(",UTC\n"), "{}", folder.read("out.csv"));
    assert!(
        folder
            .read("out.json")
            .contains(r#""dates":[{"order":"month-first","from":"assumption","files":1}]"#),
        "{}",
        folder.read("out.json")
    );
    check(
        "--input-timezone Europe/Berlin --date-format day-first",
        "2026-06-05T08:00:00Z",
        "read as Europe/Berlin; day-first of 1 file as asked for",
    );
    check("--input-timezone +02:00", "2026-05-06T08:00:00Z", "read as +02");
    folder.check("map log.csv --input-timezone Atlantis", 2);
    folder.check("map log.csv --date-format never", 2);
    folder.check("map log.csv --columns rules.yml", 2);
}
