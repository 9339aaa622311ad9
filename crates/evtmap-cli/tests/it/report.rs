//! What stands in reports: columns of the table, and JSON that keeps to its schema.

use serde_json::{Value, json};

use crate::program::Folder;
use crate::sample;

fn folder() -> Folder {
    Folder::new()
        .with("rules.yml", sample::RULES)
        .with("log.evtx", sample::log())
        .with("log.csv", sample::CSV)
}

/// Complains about lines that do not keep to the schema in `docs`.
pub(crate) fn check_schema(lines: &str) {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/alert.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in lines.lines() {
        let alert: Value = serde_json::from_str(line).unwrap();
        if let Err(error) = validator.validate(&alert) {
            panic!("{error} at {}\n{line}", error.instance_path());
        }
    }
}

#[test]
fn lines_keep_to_the_schema() {
    let folder = folder();
    folder.check("map log.evtx log.csv --rules rules.yml --all-events -o out.jsonl -o out.json", 0);
    let lines = folder.read("out.jsonl");
    assert_eq!(lines.lines().count(), 7);
    check_schema(&lines);
    let report: Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    let alerts: Vec<String> = report["alerts"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(alerts.len(), 7);
    check_schema(&alerts.join("\n"));
}

#[test]
fn the_schema_refuses_what_is_no_alert() {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/alert.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(!validator.is_valid(&json!({})));
    assert!(!validator.is_valid(&json!({"kind": "guess"})));
}

#[test]
fn a_line_says_all_of_an_alert() {
    let run = folder().check("map log.csv --rules rules.yml --no-associations -o - --format jsonl", 0);
    let alert: Value = serde_json::from_str(&run.out).unwrap();
    let expected = json!({
        "kind": "detection",
        "time": "2026-03-02T08:01:00Z",
        "severity": "high",
        "rule": {
            "id": "8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0001", "title": "Bad Program", "author": "Ada Example",
            "level": "high", "status": "test", "path": "rules.yml",
        },
        "techniques": [{
            "id": "T1059.003", "name": "Windows Command Shell", "tactics": ["execution"], "parent": "T1059",
            "url": "https://attack.mitre.org/techniques/T1059/003",
            "description": "The attacker runs commands or batch files through cmd.exe to control a Windows host, by hand or from malware."
        }],
        "tactics": [{"id": "TA0002", "name": "Execution"}],
        "event": {
            "computer": "WS01", "channel": "Security", "provider": "Microsoft-Windows-Security-Auditing",
            "event_id": 4688, "record_id": null, "user": "ada",
            "fields": {"SubjectUserName": "ada", "CommandLine": "bad.exe /x"},
            "message": "A new process has been created.",
        },
        "input": {"path": "log.csv", "position": 3},
        "derived": {"category": "process_creation", "missing_fields": []},
    });
    assert_eq!(alert, expected);
}

/// The first twelve columns are those of the script that this project began as, in its order.
#[test]
fn columns_of_the_table() {
    let folder = folder();
    folder.check("map log.csv --rules rules.yml -o out.csv", 0);
    let text = folder.read("out.csv");
    let mut lines = text.lines();
    let header = "timestamp,host,user,source,event_id,rule_id,tactic,technique_id,technique_name,severity,\
        description,raw_message,kind,rule_title,rule_author,channel,provider,record_id,all_techniques,\
        all_tactics,input,derived,timezone";
    assert_eq!(lines.next(), Some(header));
    let association = lines.next().unwrap();
    assert!(association.starts_with("2026-03-02T08:00:00Z,WS01,ada,windows_security,4624,association_4624_"));
    let detection = "2026-03-02T08:01:00Z,WS01,ada,windows_security,4688,8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0001,\
        Execution,T1059.003,Windows Command Shell,high,,A new process has been created.,detection,Bad Program,\
        Ada Example,Security,Microsoft-Windows-Security-Auditing,,T1059.003,Execution,\"log.csv, line 3\",\
        process_creation,";
    assert_eq!(lines.next(), Some(detection));
    assert_eq!(lines.next(), None);
}

/// A report without alerts is a report: an empty table, an empty document.
#[test]
fn reports_of_nothing() {
    let folder = folder();
    folder.check("map log.evtx --rules rules.yml --min-severity critical -o a.csv -o a.json -o a.jsonl", 0);
    assert_eq!(folder.read("a.csv").lines().count(), 1);
    assert_eq!(folder.read("a.jsonl"), "");
    let report: Value = serde_json::from_str(&folder.read("a.json")).unwrap();
    assert_eq!(report["alerts"], json!([]));
    assert_eq!(report["summary"]["events"], 5);
}
