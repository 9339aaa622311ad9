//! Alerts for the tests of whatever shows them: one of each kind, and one that is hostile all over.

use std::sync::Arc;

use super::*;
use crate::input::Position;

/// The texts that somebody who writes logs or rules would try: formulas, markup, Markdown, control characters,
/// changes of direction, ends of lines, separators, and what is no character.
pub(crate) const HOSTILE: &str = "=cmd|' /C calc'!A0 <img src=x onerror=\"alert(1)\">`|*_[x](javascript:1)\n\r\t\u{1b}[31m\u{0}\u{202e}gnp.exe\u{2028}\u{fffe}\u{7f}\\'; DROP TABLE alerts;--";

/// One of each kind, in the order of time as far as they have one.
pub(crate) fn alerts() -> Vec<Alert> {
    vec![association(), detection(), correlation(), mere_event(), hostile()]
}

fn technique(id: &str, name: &str, tactics: &[&str]) -> TechniqueRef {
    TechniqueRef {
        id: id.to_owned(),
        name: name.to_owned(),
        tactics: tactics.iter().map(|tactic| (*tactic).to_owned()).collect(),
        parent: id.split_once('.').map(|(parent, _)| parent.to_owned()),
        parent_name: id.contains('.').then(|| "Command and Scripting Interpreter".to_owned()),
        // What a bundle has for an id may be anything.
        stix_id: Some(match id {
            "T1059.001" => "attack-pattern--970a3432-3237-47ad-bcca-7d8cbb217736".to_owned(),
            "T1078" => "attack-pattern--b17a1a56-e99c-403c-8948-561df0cffe81".to_owned(),
            _ => HOSTILE.to_owned(),
        }),
        url: format!("https://attack.mitre.org/techniques/{}", id.replace('.', "/")),
        description: Some(format!("About {name}.")),
        groups: None,
        mitigations: None,
        detections: None,
    }
}

fn tactic(id: &str, name: &str) -> TacticRef {
    TacticRef { id: id.to_owned(), name: name.to_owned() }
}

fn event(event_id: u32, time: &str, fields: &[(&str, Option<&str>)]) -> AlertEvent {
    AlertEvent {
        time: time.parse().ok(),
        record_id: Some(812),
        said: Arc::new(Said {
            computer: "WS01.corp.example".to_owned(),
            channel: "Security".to_owned(),
            provider: "Microsoft-Windows-Security-Auditing".to_owned(),
            event_id: Some(event_id),
            user: Some("CORP\\m.keller".to_owned()),
            fields: fields.iter().copied().collect(),
            message: None,
        }),
        is_recovered: false,
        timezone: None,
        input: "WS01/Security.evtx".into(),
        position: Position::Byte(123_456),
    }
}

fn rule(title: &str) -> RuleRef {
    RuleRef {
        id: Some("8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0001".to_owned()),
        title: title.to_owned(),
        author: "Ada Example".to_owned(),
        level: Some("high".to_owned()),
        status: Some("test".to_owned()),
        description: "Finds a program that has no business here.".to_owned(),
        falsepositives: vec!["Administrators".to_owned()],
        references: vec!["https://rules.example/1".to_owned()],
        path: "rules/bad_program.yml".to_owned(),
        condition: None,
    }
}

fn alert(finding: Finding, event: AlertEvent) -> Alert {
    Alert {
        finding: Arc::new(finding),
        event: Arc::new(event),
        correlation: None,
        derived: None,
        evidence: None,
    }
}

/// A rule's detection in an event that stands for another, with a payload that names a field twice.
pub(crate) fn detection() -> Alert {
    let fields = [
        ("NewProcessName", Some("C:\\Temp\\bad.exe")),
        ("CommandLine", Some("bad.exe /x \"1, 2\"")),
        ("Data", Some("one")),
        ("Data", None),
        ("IpAddress", Some("::ffff:192.0.2.7")),
    ];
    let finding = Finding {
        kind: Kind::Detection,
        severity: Some(Severity::High),
        rule: Some(rule("Bad Program")),
        techniques: vec![
            technique("T1059.001", "PowerShell", &["execution"]),
            technique("T1105", "Ingress Tool Transfer", &["command-and-control"]),
        ],
        tactics: vec![tactic("TA0002", "Execution"), tactic("TA0011", "Command and Control")],
        ..Finding::of_event()
    };
    let derived =
        Derived { category: "process_creation".to_owned(), missing_fields: vec!["ParentImage".to_owned()] };
    let event = event(4688, "2026-03-02T09:14:07.1234567Z", &fields);
    Alert { derived: Some(Arc::new(derived)), ..alert(finding, event) }
}

/// What an event id alone hints at.
pub(crate) fn association() -> Alert {
    let finding = Finding {
        kind: Kind::Association,
        severity: Some(Severity::Informational),
        association: Some(AssociationRef {
            title: "A logon".to_owned(),
            why: "Somebody logged on.".to_owned(),
        }),
        techniques: vec![technique("T1078", "Valid Accounts", &["persistence", "stealth"])],
        tactics: vec![tactic("TA0003", "Persistence"), tactic("TA0005", "Stealth")],
        ..Finding::of_event()
    };
    let mut event = event(4624, "2026-03-02T09:00:00Z", &[("LogonType", Some("3"))]);
    event.said_mut().message = Some("An account was logged on.\r\n\r\nLogon Type:\t3".to_owned());
    event.timezone = Some("Europe/Berlin".into());
    event.input = "export.csv".into();
    event.position = Position::Line(3);
    event.record_id = None;
    alert(finding, event)
}

/// A correlation's detection, by a rule that says little of itself.
pub(crate) fn correlation() -> Alert {
    let finding = Finding {
        kind: Kind::Detection,
        severity: Some(Severity::Critical),
        rule: Some(RuleRef { title: "Many Bad Programs".to_owned(), ..RuleRef::default() }),
        ..Finding::of_event()
    };
    let first = event(4688, "2026-03-02T09:15:00Z", &[("User", Some("m.keller"))]);
    let mut last = first.clone();
    last.time = "2026-03-02T09:20:00.5Z".parse().ok();
    let detail = CorrelationDetail {
        kind: "event_count".to_owned(),
        first: first.time.unwrap(),
        last: last.time.unwrap(),
        events: 2,
        examples: vec![MemberEvent::of(&first), MemberEvent::of(&last)],
    };
    Alert { correlation: Some(Arc::new(detail)), ..alert(finding, first) }
}

/// An event that nothing is known of, recovered, with the largest numbers there are.
pub(crate) fn mere_event() -> Alert {
    let mut event = event(u32::MAX, "2026-03-02T10:00:00Z", &[]);
    event.record_id = Some(u64::MAX);
    event.is_recovered = true;
    event.said_mut().user = None;
    alert(Finding::of_event(), event)
}

/// Every text of a log and of a rule is an attempt, and nothing is known of the time.
pub(crate) fn hostile() -> Alert {
    let text = || HOSTILE.to_owned();
    let finding = Finding {
        kind: Kind::Detection,
        severity: Some(Severity::Medium),
        rule: Some(RuleRef {
            id: Some(text()),
            title: text(),
            author: text(),
            level: None,
            status: Some(text()),
            description: text(),
            falsepositives: vec![text()],
            references: vec![text()],
            path: text(),
            condition: None,
        }),
        techniques: vec![technique("T1105", "Ingress Tool Transfer", &["command-and-control"])],
        tactics: vec![tactic("TA0011", "Command and Control")],
        ..Finding::of_event()
    };
    let event = AlertEvent {
        time: None,
        record_id: None,
        said: Arc::new(Said {
            computer: text(),
            channel: text(),
            provider: text(),
            event_id: None,
            user: Some(text()),
            fields: [(HOSTILE, Some(HOSTILE)), ("Empty", Some(""))].into_iter().collect(),
            message: Some(text()),
        }),
        is_recovered: false,
        timezone: Some(HOSTILE.into()),
        input: HOSTILE.into(),
        position: Position::Line(1),
    };
    alert(finding, event)
}
