//! Small logs, rules and a catalogue.

use evtx_fixture::{Event, Value, Writer};

/// A rule about command lines with `bad`, and one about those with `odd`.
pub(crate) const RULES: &str = "\
title: Bad Program
id: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0001
status: test
author: Ada Example
level: high
tags: [attack.execution, attack.t1059.003]
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine|contains: bad
    condition: selection
---
title: Odd Program
id: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0002
author: Bob Example
level: low
tags: [attack.t1105]
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine|contains: odd
    condition: selection
";

/// ATT&CK with one tactic and one technique under names of our own.
pub(crate) const ATTACK: &str = r#"{"type": "bundle", "id": "bundle--1", "objects": [
    {"type": "x-mitre-collection", "id": "x-mitre-collection--1", "name": "Enterprise ATT&CK",
     "x_mitre_version": "99.9", "modified": "2030-01-01T00:00:00.000Z"},
    {"type": "x-mitre-matrix", "id": "x-mitre-matrix--1", "name": "Enterprise ATT&CK",
     "tactic_refs": ["x-mitre-tactic--1"],
     "external_references": [{"source_name": "mitre-attack", "external_id": "enterprise-attack"}]},
    {"type": "x-mitre-tactic", "id": "x-mitre-tactic--1", "name": "Doing", "x_mitre_shortname": "execution",
     "external_references": [{"source_name": "mitre-attack", "external_id": "TA0002"}]},
    {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Typing Commands",
     "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
     "x_mitre_platforms": ["Windows"], "description": "Somebody types.\n\nFor long.",
     "external_references": [{"source_name": "mitre-attack", "external_id": "T1059.003"}]},
    {"type": "intrusion-set", "id": "intrusion-set--1", "name": "The Typists", "aliases": ["Fast Fingers"],
     "external_references": [{"source_name": "mitre-attack", "external_id": "G9001"}]},
    {"type": "course-of-action", "id": "course-of-action--1", "name": "No Keyboard",
     "external_references": [{"source_name": "mitre-attack", "external_id": "M9001"}]},
    {"type": "x-mitre-detection-strategy", "id": "x-mitre-detection-strategy--1", "name": "Listen",
     "x_mitre_analytic_refs": ["x-mitre-analytic--1"],
     "external_references": [{"source_name": "mitre-attack", "external_id": "DET9001"}]},
    {"type": "x-mitre-analytic", "id": "x-mitre-analytic--1", "name": "Analytic", "x_mitre_platforms": ["Windows"],
     "x_mitre_log_source_references": [{"name": "Keys", "channel": "EventCode=1"}],
     "external_references": [{"source_name": "mitre-attack", "external_id": "AN9001"}]},
    {"type": "relationship", "relationship_type": "uses", "source_ref": "intrusion-set--1",
     "target_ref": "attack-pattern--1"},
    {"type": "relationship", "relationship_type": "mitigates", "source_ref": "course-of-action--1",
     "target_ref": "attack-pattern--1"},
    {"type": "relationship", "relationship_type": "detects", "source_ref": "x-mitre-detection-strategy--1",
     "target_ref": "attack-pattern--1"}
]}"#;

/// An ordinary export: a logon, and a program that the rules call bad.
pub(crate) const CSV: &str = "\
TimeCreated,Id,ProviderName,LogName,MachineName,SubjectUserName,CommandLine,Message
2026-03-02T08:00:00Z,4624,Microsoft-Windows-Security-Auditing,Security,WS01,ada,,An account was successfully logged on.
2026-03-02T08:01:00Z,4688,Microsoft-Windows-Security-Auditing,Security,WS01,ada,bad.exe /x,A new process has been created.
";

/// What Windows logs when a program starts (Security 4688). The time is of the second of March 2026.
pub(crate) fn process(time: &str, computer: &str, user: &str, command_line: &str) -> Event {
    let fields = vec![
        ("SubjectUserName", user),
        ("SubjectDomainName", ""),
        ("NewProcessName", r"C:\Windows\System32\cmd.exe"),
        ("CommandLine", command_line),
    ];
    security(4688, time, computer, fields)
}

/// What Windows logs when somebody logs on (Security 4624).
pub(crate) fn logon(time: &str, computer: &str, user: &str) -> Event {
    security(4624, time, computer, vec![("TargetUserName", user), ("LogonType", "2")])
}

fn security(event_id: u16, time: &str, computer: &str, fields: Vec<(&str, &str)>) -> Event {
    let mut event = Event::new("Microsoft-Windows-Security-Auditing", event_id);
    event.channel = "Security".to_owned();
    event.computer = computer.to_owned();
    event.time = format!("2026-03-02T{time}Z").parse().unwrap();
    event.body = fields.into_iter().map(|(name, text)| (name, Value::from(text))).collect::<Vec<_>>().into();
    event
}

/// A log of events.
pub(crate) fn evtx(events: &[Event]) -> Vec<u8> {
    write(Writer::new(), events)
}

/// A log of events by a writer that may get something wrong.
pub(crate) fn write(mut writer: Writer, events: &[Event]) -> Vec<u8> {
    for event in events {
        writer.push(event).unwrap();
    }
    writer.finish()
}

/// A log with a logon and four programs, of which two are bad and one is odd.
pub(crate) fn log() -> Vec<u8> {
    evtx(&[
        logon("08:00:00", "WS01", "ada"),
        process("08:01:00", "WS01", "ada", "notepad.exe"),
        process("08:02:00", "WS01", "ada", "bad.exe one"),
        process("08:03:00", "WS02", "bob", "odd.exe"),
        process("08:04:00", "WS02", "bob", "bad.exe two"),
    ])
}

/// A log of many events, every tenth of them bad.
pub(crate) fn long_log(n_events: usize) -> Vec<u8> {
    let events = (0..n_events).map(|n| {
        let time = format!("{:02}:{:02}:{:02}", n / 3600, n / 60 % 60, n % 60);
        let name = if n % 10 == 0 { "bad" } else { "good" };
        process(&time, &format!("WS{:02}", n % 7), "ada", &format!("{name}.exe {n}"))
    });
    evtx(&events.collect::<Vec<_>>())
}
