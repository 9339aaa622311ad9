//! `evtmap rules`: check, list, show, explain, test.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Folder, Run};
use crate::sample;

/// A rule with one of each: a warning, and remarks with and without a mend.
const RULE: &str = "\
title: Whoami Run by SYSTEM
id: 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a11
status: test
description: The SYSTEM account asked who it is, which programs do not.
references:
    - https://attack.mitre.org/techniques/T1033/
author: somebody
date: 2026-01-31
tags:
    - attack.discovery
    - attack.t1033
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image: '*\\whoami.exe'
        CommandLine|contains:
            - '/all'
            - '/ALL'
    filter:
        User: nobody
    condition: selection
level: medium
";

const EXAMPLES: &str = "\
matches:
    - {Image: 'C:\\Windows\\System32\\whoami.exe', CommandLine: whoami /all}
    - {Channel: Security, EventID: 4688, NewProcessName: 'C:\\whoami.exe', CommandLine: whoami /all}
misses:
    - {Image: 'C:\\Windows\\System32\\whoami.exe', CommandLine: whoami}
    - {Channel: System, EventID: 1, Image: 'C:\\whoami.exe', CommandLine: whoami /all}
";

const EVENT: &str = r#"{"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\whoami.exe", "CommandLine": "whoami"}"#;

fn folder() -> Folder {
    Folder::new().with("whoami.yml", RULE)
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn check_shows_lines_and_counts() {
    let run = folder().check("rules check whoami.yml", 0);
    let expected = "\
warning[unused-selection]: no condition names the selection `filter`
  --> whoami.yml:21:5
   |
21 |     filter:
   |     ^^^^^^
  = help: name it in the condition, or remove it
";
    assert!(run.out.contains(expected), "{}", run.out);
    let last = "1 rule, 0 correlations and 0 filters loaded, 0 documents refused: 0 errors, 1 warning, 2 remarks\n\
        `--fix` mends 2 of these\n";
    assert!(run.out.ends_with(last), "{}", run.out);
}

#[test]
fn check_fails_for_what_is_denied() {
    let folder = folder();
    folder.check("rules check whoami.yml --deny warnings", 1);
    folder.check("rules check whoami.yml --deny warnings --allow unused-selection", 0);
    folder.check("rules check whoami.yml --deny remarks --allow unused-selection", 1);
    folder.check("rules check whoami.yml --allow unused-selektion", 2);
    folder.check("rules check missing.yml", 2);
    let broken =
        Folder::new().with("broken.yml", "title: x\nlogsource: {product: windows}\ndetection: {a: {b: c}}\n");
    let run = broken.check("rules check broken.yml --min error", 1);
    assert!(run.out.contains("error[missing-attribute]: the detection has no condition"), "{}", run.out);
    assert!(run.out.contains("1 document refused"), "{}", run.out);
}

#[test]
fn check_mends_files() {
    let folder = folder();
    let run = folder.check("rules check whoami.yml --fix", 0);
    assert!(run.out.contains("1 file mended"), "{}", run.out);
    let mended = folder.read("whoami.yml");
    assert!(mended.contains("        Image|endswith: '\\whoami.exe'\n"), "{mended}");
    assert!(!mended.contains("/ALL"), "{mended}");
    assert_eq!(folder.names(), ["whoami.yml"]);
    let run = folder.check("rules check whoami.yml --fix", 0);
    assert!(!run.out.contains("mended"), "{}", run.out);
}

#[test]
fn check_writes_json_and_sarif() {
    let folder = folder();
    let found = json(&folder.check("rules check whoami.yml --format json", 0));
    assert_eq!(found["rules"], 1);
    let codes: Vec<&str> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["wildcard-endswith", "duplicate-value", "unused-selection"]);
    assert_eq!(found["findings"][0]["edits"].as_array().unwrap().len(), 2);

    let log = json(&folder.check("rules check whoami.yml --format sarif", 0));
    // Types made from the official schema take it and lose nothing of it.
    let typed: serde_sarif::sarif::Sarif = serde_json::from_value(log.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), log);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][2];
    assert_eq!(result["ruleId"], "unused-selection");
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "unused-selection");
    assert_eq!(result["level"], "warning");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "whoami.yml");
    assert_eq!(place["region"]["startLine"], 21);
    assert_eq!(
        run["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn check_knows_the_users_placeholders() {
    let rule = RULE.replace("User: nobody", "User|expand: '%Servers%'");
    let folder = Folder::new().with("rule.yml", &rule).with("site.yml", "Servers: [SRV01]\n");
    let run = folder.check("rules check rule.yml", 1);
    assert!(run.out.contains("error[unresolved-placeholder]"), "{}", run.out);
    let run = folder.check("rules check rule.yml --placeholders site.yml", 0);
    assert!(run.out.contains("1 rule, 0 correlations"), "{}", run.out);
    folder.check("rules check rule.yml --placeholders missing.yml", 2);
}

/// The rules that come with the program are as it asks others' to be.
#[test]
fn own_rules_are_clean() {
    let run = Folder::new().check("rules check --deny remarks", 0);
    assert!(run.out.contains("0 errors, 0 warnings, 0 remarks"), "{}", run.out);
}

#[test]
fn list_tells_and_filters() {
    let folder = folder();
    let run = folder.check("rules list whoami.yml", 0);
    assert!(run.out.starts_with("medium        Whoami Run by SYSTEM "), "{}", run.out);
    assert!(run.out.contains("T1033"), "{}", run.out);
    for (options, n_rules) in [
        ("--level medium", 1),
        ("--level high", 0),
        ("--technique T1033", 1),
        ("--technique T1059", 0),
        ("--logsource process_creation", 1),
        ("--logsource security", 0),
    ] {
        let rules = json(&folder.check(&format!("rules list whoami.yml --json {options}"), 0));
        assert_eq!(rules.as_array().unwrap().len(), n_rules, "{options}");
    }
    folder.check("rules list whoami.yml --level loud", 2);
}

#[test]
fn show_names_places_and_techniques() {
    let folder = folder();
    for rule in ["whoami.yml", "2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a11 whoami.yml"] {
        let run = folder.check(&format!("rules show {rule}"), 0);
        for part in [
            "Whoami Run by SYSTEM",
            "author     somebody",
            "T1033 System Owner/User Discovery",
            "Microsoft-Windows-Sysmon/Operational, event 1",
            "Security, event 4688",
            "Image is called NewProcessName",
            "CommandLine contains one of",
        ] {
            assert!(run.out.contains(part), "{part}: {}", run.out);
        }
    }
    let run = folder.check("rules show nothing", 2);
    assert!(run.err.contains("there is no rule `nothing`"), "{}", run.err);
}

#[test]
fn explain_shows_what_decided() {
    let folder = folder().with("event.json", EVENT);
    let run = folder.check("rules explain whoami.yml event.json", 1);
    let expected = "\
Whoami Run by SYSTEM (product windows, category process_creation) does not match the event
condition: selection
log source
  ✗ Microsoft-Windows-Sysmon/Operational, event 1 (the event's channel is `Security`, the event's id is 4688)
  ✓ Security, event 4688, derived
detection
  ✗ selection
    ✓ Image: `*\\whoami.exe`
        the event has `C:\\whoami.exe`
    ✗ CommandLine|contains: none of 2: `/all`, `/ALL`
        the event has `whoami`
";
    assert_eq!(run.out, expected);
    let tree = json(&folder.check("rules explain whoami.yml event.json --json", 1));
    assert_eq!(tree["matches"], false);
    assert_eq!(tree["detection"]["members"][0]["found"][0], "C:\\whoami.exe");
}

/// What holds many events is gone through for the one that the rule is about.
#[test]
fn explain_reads_lines_of_json() {
    let event = |n: u32, program: &str| {
        format!(
            "{{\"Channel\": \"Microsoft-Windows-Sysmon/Operational\", \"Provider_Name\": \"Microsoft-Windows-Sysmon\", \"EventID\": 1, \"EventRecordID\": {n}, \"CommandLine\": \"{program}\"}}\n"
        )
    };
    let lines = event(1, "calc.exe") + &event(2, "bad.exe") + &event(3, "calc.exe");
    let rule = sample::RULES.split("---").next().unwrap();
    let folder = Folder::new().with("bad.yml", rule).with("log.jsonl", lines);
    let run = folder.check("rules explain bad.yml log.jsonl", 0);
    assert!(run.out.contains("matches record 2"), "{}", run.out);
    let run = folder.check("rules explain bad.yml log.jsonl --record 3", 1);
    assert!(run.out.contains("does not match record 3"), "{}", run.out);
    folder.check("rules explain bad.yml log.jsonl --record 4", 2);
}

#[test]
fn explain_reads_standard_input_and_logs() {
    let folder = folder().with("log.evtx", sample::log()).with("rules.yml", sample::RULES);
    let mut program = folder.command("rules explain whoami.yml -");
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(EVENT.replace("whoami\"}", "whoami /all\"}").as_bytes()).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("matches the event"), "{}", run.out);

    let run = folder.run("rules explain whoami.yml log.evtx");
    assert!(run.out.contains("match record "), "{}{}", run.out, run.err);
    let run = folder.check("rules explain whoami.yml log.evtx --record 999999", 2);
    assert!(run.err.contains("`log.evtx` has no record 999999"), "{}", run.err);
    let run = folder.check("rules explain rules.yml log.evtx", 2);
    assert!(run.err.contains("holds several rules"), "{}", run.err);
}

#[test]
fn rules_are_tried_on_their_examples() {
    let folder = folder().with("whoami.test.yml", EXAMPLES);
    for path in ["whoami.yml", "whoami.test.yml", "."] {
        let run = folder.check(&format!("rules test {path}"), 0);
        assert_eq!(run.out, "4 examples passed, 0 failed\n", "{path}");
    }
    // Examples are no rules.
    let run = folder.check("rules check .", 0);
    assert!(run.out.contains("1 rule, "), "{}", run.out);

    let wrong = EXAMPLES.replace("CommandLine: whoami}", "CommandLine: whoami /all}");
    let folder = folder.with("whoami.test.yml", wrong);
    let run = folder.check("rules test .", 1);
    assert!(run.out.contains("the rule matches, and it should not"), "{}", run.out);
    assert!(run.out.contains("whoami.test.yml:5 Whoami Run by SYSTEM"), "{}", run.out);
    assert!(run.out.ends_with("3 examples passed, 1 failed\n"), "{}", run.out);
    folder.check("rules test . --junit results.xml", 1);
    let results = folder.read("results.xml");
    assert!(
        results.contains("<testsuites name=\"evtmap rules test\" tests=\"4\" failures=\"1\""),
        "{results}"
    );
    assert!(results.contains("<failure message=\"the rule matches, and it should not\">"), "{results}");
    assert!(!results.contains('\u{1b}'), "{results}");
    Folder::new().check("rules test .", 2);
}

#[test]
fn recordings_are_tried_on_their_rule() {
    let info = "rule_metadata:\n    - id: 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a11\n\
        regression_tests_info:\n    - {type: evtx, path: a/log.evtx, match_count: 1}\n";
    let folder = folder().with("data/info.yml", info).with("data/log.evtx", sample::log());
    let run = folder.check("rules test data --rules whoami.yml", 1);
    assert!(run.out.contains("the rule matches 0 events, it should be at least 1"), "{}", run.out);
    let run = folder.check("rules test data", 1);
    assert!(run.out.contains("no rule with the id"), "{}", run.out);
}

/// What a rule says cannot steer the terminal.
#[test]
fn control_characters_do_not_pass() {
    let rule = RULE.replace("nobody", "\"\\e[31mnobody\"").replace("SYSTEM\n", "SYSTEM \u{202e}\n");
    let folder = Folder::new().with("whoami.yml", &rule).with("event.json", EVENT);
    for command in ["check whoami.yml", "list whoami.yml", "show whoami.yml", "explain whoami.yml event.json"]
    {
        let run = folder.run(&format!("rules {command}"));
        let steers = |c: char| c == '\u{1b}' || c == '\u{202e}';
        assert!(!run.out.contains(steers) && !run.err.contains(steers), "{command}: {}{}", run.out, run.err);
    }
}

/// Two correlations about one rule.
const CORRELATIONS: &str = "\
title: Failed Logon
name: failed_logon
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}
level: informational
---
title: Password Guessing
name: guessing
tags: [attack.t1110.001]
correlation:
    type: event_count
    rules: failed_logon
    group-by: TargetUserName
    timespan: 1m
    condition: {gte: 3}
level: medium
---
title: Password Spraying
name: spraying
tags: [attack.t1110.003]
correlation:
    type: value_count
    rules: failed_logon
    timespan: 1m
    condition: {field: TargetUserName, gte: 3}
level: high
";

const CORRELATION_EXAMPLES: &str = "\
rule: Password Guessing
matches:
    - - {time: [0, 10, 20], EventID: 4625, TargetUserName: alice}
    - - {time: [0, 10], Channel: Security, EventID: 4625, TargetUserName: alice}
      - {time: '1970-01-01T00:00:30Z', Channel: Security, EventID: 4625, TargetUserName: ALICE}
misses:
    - - {time: [0, 10, 80], EventID: 4625, TargetUserName: alice}
    - - {time: [0, 10, 20], Channel: System, EventID: 4625, TargetUserName: alice}
---
rule: Password Spraying
matches:
    - - {time: 0, EventID: 4625, TargetUserName: alice}
      - {time: 1, EventID: 4625, TargetUserName: bob}
      - {time: 2, EventID: 4625, TargetUserName: carol}
misses:
    - - {time: [0, 1, 2], EventID: 4625, TargetUserName: alice}
";

fn correlations() -> Folder {
    let events: String = ["alice", "bob", "alice"]
        .iter()
        .enumerate()
        .map(|(second, user)| {
            format!(
                "{{\"TimeCreated\": \"2026-03-02T08:00:0{second}Z\", \"Channel\": \"Security\", \"EventID\": 4625, \"TargetUserName\": \"{user}\"}}\n"
            )
        })
        .collect();
    Folder::new()
        .with("logon.yml", CORRELATIONS)
        .with("logon.test.yml", CORRELATION_EXAMPLES)
        .with("log.jsonl", &events)
}

#[test]
fn correlations_are_listed_and_shown() {
    let folder = correlations();
    let rules = json(&folder.check("rules list logon.yml --json", 0));
    let kinds: Vec<&str> =
        rules.as_array().unwrap().iter().map(|rule| rule["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["rule", "correlation", "correlation"]);
    assert_eq!(rules[1]["correlation"]["type"], "event_count");
    let rules = json(&folder.check("rules list logon.yml --json --technique T1110 --level high", 0));
    assert_eq!(rules.as_array().unwrap().len(), 1);
    let run = folder.check("rules show logon.yml", 2);
    assert!(run.err.contains("holds several rules"), "{}", run.err);
    let run = folder.check("rules show spraying logon.yml", 0);
    for part in [
        "T1110.003 Password Spraying",
        "correlation value_count gte 3 of TargetUserName within 1m\n  Failed Logon failed_logon\n",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
}

#[test]
fn correlations_are_explained_with_what_came_near() {
    let folder = correlations();
    let run = folder.check("rules explain guessing log.jsonl --rules logon.yml", 1);
    let expected = "\
Password Guessing (event_count gte 3 within 1m by TargetUserName) does not hold
rules
  ✓ Failed Logon matches 3 events
came nearest
  ✗ TargetUserName `alice`: 2 (2 events, 2026-03-02T08:00:00Z to 2026-03-02T08:00:02Z)
  ✗ TargetUserName `bob`: 1 (1 event, 2026-03-02T08:00:01Z to 2026-03-02T08:00:01Z)
";
    assert_eq!(run.out, expected);
    let tree = json(&folder.check("rules explain spraying log.jsonl --rules logon.yml --json", 1));
    assert_eq!(tree["nearest"][0]["value"], "2");
    let run = folder.check("rules explain guessing log.jsonl --rules logon.yml --record 1", 2);
    assert!(run.err.contains("a correlation is about several events"), "{}", run.err);
}

#[test]
fn correlations_are_tried_on_examples() {
    let folder = correlations();
    let run = folder.check("rules test logon.yml", 0);
    assert_eq!(run.out, "6 examples passed, 0 failed\n");
    let wrong = CORRELATION_EXAMPLES.replace("[0, 10, 20], EventID", "[0, 10], EventID");
    let run = folder.with("logon.test.yml", &wrong).check("rules test logon.yml", 1);
    let expected = "the rule does not match, and it should\nrules\n  ✓ Failed Logon matches 2 events\n\
        came nearest\n  ✗ TargetUserName `alice`: 2 (2 events, ";
    assert!(run.out.contains(expected), "{}", run.out);
    let one = "rule: Password Guessing\nmatches: [{EventID: 4625}]\n---\nrule: Failed Logon\nmisses: [[{time: 0, EventID: 1}]]\n";
    let run = correlations().with("logon.test.yml", one).check("rules test logon.yml", 1);
    for part in [
        "an example for a correlation is a list of events, this is one",
        "an example for a rule is one event, this is several",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
}
