//! `--attack`: names of techniques and tactics from a bundle.

use serde_json::{Value, json};

use crate::program::Folder;
use crate::report::check_schema;
use crate::sample;

fn folder() -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::log())
}

#[test]
fn a_bundle_gives_the_names() {
    let folder = folder().with("attack.json", sample::ATTACK);
    let run =
        folder.check("map log.evtx --rules rules.yml --attack attack.json --no-associations -o out.jsonl", 0);
    assert!(run.out.contains("ATT&CK enterprise-attack 99.9"), "{}", run.out);
    let line: Value = serde_json::from_str(folder.read("out.jsonl").lines().next().unwrap()).unwrap();
    let technique = json!({
        "id": "T1059.003", "name": "Typing Commands", "tactics": ["execution"], "parent": "T1059",
        "url": "https://attack.mitre.org/techniques/T1059/003", "description": "Somebody types."
    });
    assert_eq!(line["techniques"], json!([technique]));
    assert_eq!(line["tactics"], json!([{"id": "TA0002", "name": "Doing"}]));
    // The bundle does not know the other rule's technique, which is said.
    assert!(run.out.contains("that this ATT&CK does not know"), "{}", run.out);
}

#[test]
fn what_is_no_bundle_is_named() {
    let folder =
        folder().with("list.json", "[1, 2]").with("text.json", "dear diary").with("other.json", "{}");
    for name in ["list.json", "text.json", "other.json"] {
        let run = folder.check(&format!("map log.evtx --attack {name} -o out.csv"), 2);
        assert!(run.err.contains(&format!("error: cannot use `{name}` as ATT&CK: ")), "{}", run.err);
        assert!(run.err.contains("help: "), "{}", run.err);
    }
    let run = folder.check("map log.evtx --attack missing.json", 2);
    assert!(run.err.contains("error: cannot read `missing.json`: there is no such file"), "{}", run.err);
    assert!(!folder.names().contains(&"out.csv".to_owned()));
}

#[test]
fn a_cache_holds_rules_and_catalogue() {
    let folder = folder()
        .with("cache/enterprise-attack.json", sample::ATTACK)
        .with("cache/rules/a.yml", sample::RULES)
        .with("empty/file", "");
    let run = folder.check("map log.evtx --cache-dir cache", 0);
    assert!(run.out.contains("2 rules from cache/rules, ATT&CK enterprise-attack 99.9"), "{}", run.out);
    let run = folder.check("map log.evtx --cache-dir empty", 0);
    assert!(run.out.contains("rules from the program"), "{}", run.out);
}

#[test]
fn more_is_told_of_techniques_on_request() {
    let folder = folder().with("attack.json", sample::ATTACK);
    folder.check("update attack --from attack.json --cache-dir cache", 0);
    let map = "map log.evtx --rules rules.yml --no-associations -o out.jsonl";
    for options in ["--attack attack.json", "--cache-dir cache"] {
        folder.check(&format!("{map} {options} --enrich groups,mitigations --enrich detections"), 0);
        let lines = folder.read("out.jsonl");
        check_schema(&lines);
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        let technique = &line["techniques"][0];
        assert_eq!(technique["groups"], json!([{"id": "G9001", "name": "The Typists"}]));
        assert_eq!(technique["mitigations"], json!([{"id": "M9001", "name": "No Keyboard"}]));
        let strategy = json!([{"id": "DET9001", "name": "Listen", "logs": ["Keys EventCode=1"]}]);
        assert_eq!(technique["detections"], strategy);
    }
    folder.check(&format!("{map} --attack attack.json --enrich groups"), 0);
    let line: Value = serde_json::from_str(folder.read("out.jsonl").lines().next().unwrap()).unwrap();
    assert!(line["techniques"][0].get("mitigations").is_none());
    let run = folder.check(&format!("{map} --enrich groups"), 2);
    assert!(run.err.contains("error: the ATT&CK of the program has names only"), "{}", run.err);
    let run = folder.check(&format!("{map} --enrich friends"), 2);
    assert!(run.err.contains("it is one of groups, mitigations, detections"), "{}", run.err);
}

/// Rules that were read once are kept, with all that is said of them, and `--no-rule-cache` keeps nothing.
#[test]
fn rules_are_kept_from_one_run_to_the_next() {
    let folder = folder().with("rules/a.yml", sample::RULES).with("rules/broken.yml", "title: [");
    let run = |options: &str| {
        let run = folder
            .check(&format!("map log.evtx --rules rules --cache-dir cache -o - --format jsonl {options}"), 0);
        (run.out, run.err)
    };
    let fresh = run("--no-rule-cache");
    assert!(!folder.path().join("cache").exists());
    assert!(fresh.1.contains("cannot be used as written"), "{}", fresh.1);
    assert_eq!(run(""), fresh);
    let files: Vec<_> = std::fs::read_dir(folder.path().join("cache/compiled")).unwrap().collect();
    assert_eq!(files.len(), 1);
    assert_eq!(run(""), fresh);
    std::fs::write(files[0].as_ref().unwrap().path(), "damaged").unwrap();
    assert_eq!(run(""), fresh);
}
