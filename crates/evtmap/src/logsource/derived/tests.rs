//! What events of Windows give in place of Sysmon's.

use evtmap_sigma::{Collection, Placeholders};

use super::*;
use crate::Workspace;
use crate::event::flat;
use crate::logsource::Pipelines;
use crate::rules::{RuleFile, Rules};

/// Shows what is derived from an event.
#[track_caller]
fn check(event: &str, expected: &str) {
    let event = flat::read(event).unwrap();
    let mut derived = Event::new();
    Derivations::parse(BUNDLED).unwrap().derive(&event, &mut derived);
    let text = derived.to_string();
    let found = text.lines().filter_map(|line| line.strip_prefix("Derived "));
    let expected = expected.lines().map(str::trim).filter(|line| !line.is_empty());
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn a_process_begins() {
    check(
        r#"{"Channel": "Security", "EventID": 4688, "SubjectUserSid": "S-1-5-21-1-2-3-1105",
            "SubjectUserName": "ada", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7",
            "NewProcessId": "0x1a4c", "NewProcessName": "C:\\Windows\\cmd.exe", "ProcessId": "0x270",
            "CommandLine": "cmd /c x", "TargetUserSid": "S-1-0-0", "TargetUserName": "-",
            "TargetDomainName": "-", "ParentProcessName": "C:\\p.exe", "MandatoryLabel": "S-1-16-12288"}"#,
        r#"
        Image "C:\\Windows\\cmd.exe"
        CommandLine "cmd /c x"
        ProcessId "6732"
        ParentImage "C:\\p.exe"
        ParentProcessId "624"
        User "CORP\\ada"
        LogonId "0x3e7"
        IntegrityLevel "High"
        IntegrityLevel "S-1-16-12288"
        "#,
    );
    check(
        r#"{"Channel": "security", "EventID": "4688", "SubjectUserSid": "S-1-5-18", "SubjectUserName": "WS01$",
            "SubjectDomainName": "CORP", "NewProcessName": "x", "TargetUserSid": "S-1-5-20"}"#,
        r#"
        Image "x"
        User "NT AUTHORITY\\NETWORK SERVICE"
        "#,
    );
    check(r#"{"Channel": "System", "EventID": 4688, "NewProcessName": "x"}"#, "");
}

#[test]
fn a_value_in_the_registry() {
    let event = |key: &str, name: &str, value: &str, kind: &str| {
        format!(
            r#"{{"Channel": "Security", "EventID": 4657, "OperationType": "%%1905", "ObjectName": "{key}",
                 "ObjectValueName": "{name}", "NewValue": "{value}", "NewValueType": "%%{kind}"}}"#
        )
    };
    check(
        &event(r"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\EventLog", "Start", "4", "1876"),
        r#"
        EventType "SetValue"
        TargetObject "HKLM\\SYSTEM\\CurrentControlSet\\Services\\EventLog\\Start"
        Details "DWORD (0x00000004)"
        "#,
    );
    check(
        &event(r"\\registry\\user\\S-1-5-21-1\\Software", "", "a b", "1873"),
        r#"
        EventType "SetValue"
        TargetObject "HKU\\S-1-5-21-1\\Software"
        Details "a b"
        "#,
    );
    check(
        &event(r"\\REGISTRY\\MACHINE\\SOFTWARE\\Classes\\x", "y", "4294967297", "1883"),
        r#"
        EventType "SetValue"
        TargetObject "HKLM\\SOFTWARE\\Classes\\x\\y"
        TargetObject "HKCR\\x\\y"
        Details "QWORD (0x00000001-0x00000001)"
        "#,
    );
    check(
        &event(r"\\REGISTRY\\MACHINERY", "y", "aGk=", "1875"),
        r#"
        EventType "SetValue"
        TargetObject "\\REGISTRY\\MACHINERY\\y"
        Details "Binary Data"
        "#,
    );
}

#[test]
fn a_connection() {
    check(
        r#"{"Channel": "Security", "EventID": 5156, "ProcessID": "3720", "Direction": "%%14593",
            "Application": "\\device\\harddiskvolume2\\windows\\x.exe", "SourceAddress": "10.0.0.1",
            "SourcePort": "50000", "DestAddress": "10.0.0.2", "DestPort": "445", "Protocol": "6"}"#,
        r#"
        Image "C:\\windows\\x.exe"
        ProcessId "3720"
        Initiated "true"
        Protocol "tcp"
        SourceIp "10.0.0.1"
        SourcePort "50000"
        DestinationIp "10.0.0.2"
        DestinationPort "445"
        "#,
    );
    check(
        r#"{"Channel": "Security", "EventID": 5156, "Direction": "%%14592", "Application": "System",
            "Protocol": "2"}"#,
        r#"
        Image "System"
        Initiated "false"
        Protocol "2"
        "#,
    );
}

/// Shows an event to a rule: whether it matches, by which way, and which fields of its exceptions are missing.
#[track_caller]
fn check_rule(category: &str, detection: &str, event: &str, expected: &str) {
    let text =
        format!("title: x\nlogsource: {{product: windows, category: {category}}}\ndetection: {detection}\n");
    let event = flat::read(event).unwrap();
    let files = [RuleFile { path: "x.yml".to_owned(), text: text.clone() }];
    let rules = Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default());
    let rule = |index: usize| rules.rules().get(index).map(|loaded| &loaded.rule);
    let mut found = "no".to_owned();
    rules.router().matches(&event, &rule, &mut Workspace::default(), &mut |index, seen| {
        let missing = missing_exceptions(rule(index).unwrap(), seen);
        found = format!("derived {}, without {:?}", seen.is_derived(), missing);
    });
    assert_eq!(found, expected);
    let mut plainly = false;
    rules.router().matches_plainly(&event, &rule, &mut |_| plainly = true);
    assert_eq!(plainly, found != "no");
    let rule = Collection::parse(&text, &Placeholders::default()).rules.remove(0);
    assert_eq!(Pipelines::bundled().unwrap().explain(&rule, &event).matches, plainly);
    let mut without = Pipelines::bundled().unwrap();
    without.remove_derived();
    assert!(!without.explain(&rule, &event).matches || !found.starts_with("derived true"));
}

const PROCESS: &str = r#"{"Channel": "Security", "EventID": 4688, "NewProcessId": "0x10", "ProcessId": "0x20",
    "NewProcessName": "C:\\cmd.exe", "MandatoryLabel": "S-1-16-16384"}"#;

#[test]
fn rules_see_what_is_derived() {
    let check =
        |detection: &str, expected: &str| check_rule("process_creation", detection, PROCESS, expected);
    check(
        r"{a: {Image|endswith: '\cmd.exe', IntegrityLevel: System}, condition: a}",
        "derived true, without []",
    );
    check("{a: {IntegrityLevel: 'S-1-16-16384'}, condition: a}", "derived true, without []");
    check("{a: {ProcessId: 16, ParentProcessId: 32}, condition: a}", "derived true, without []");
    check("{a: {ProcessId: '0x20'}, condition: a}", "no");
    // Keywords are looked for in what the event itself says.
    check("{a: [System], condition: a}", "no");
    check("{a: ['0x10'], condition: a}", "derived true, without []");
}

#[test]
fn exceptions_by_fields_that_are_not_there_are_told() {
    let check =
        |detection: &str, expected: &str| check_rule("process_creation", detection, PROCESS, expected);
    check(
        "{a: {ProcessId: 16}, f: {ParentCommandLine: x, ParentImage: z, User: q}, condition: a and not f}",
        r#"derived true, without ["ParentCommandLine", "ParentImage", "User"]"#,
    );
    check(
        "{a: {ProcessId: 16}, f1: {Image: x}, f2: {Company: y}, condition: a and not 1 of f*}",
        r#"derived true, without ["Company"]"#,
    );
    check(
        "{a: {ProcessId: 16}, f: {Company: y}, condition: not (not a and not f)}",
        "derived true, without []",
    );
    check("{a: {Company|neq: y}, condition: a}", r#"derived true, without ["Company"]"#);
}

#[test]
fn sysmons_own_events_are_not_derived() {
    let event =
        r#"{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\cmd.exe"}"#;
    let detection = r"{a: {Image|endswith: '\cmd.exe'}, condition: a}";
    check_rule("process_creation", detection, event, "derived false, without []");
}

#[test]
fn registry_categories_are_told_apart_by_what_was_done() {
    let event = |operation: u32| {
        format!(
            r#"{{"Channel": "Security", "EventID": 4657, "OperationType": "%%{operation}",
                 "ObjectName": "\\REGISTRY\\MACHINE\\x", "ObjectValueName": "y"}}"#
        )
    };
    let detection = r"{a: {TargetObject: 'HKLM\x\y'}, condition: a}";
    for (category, operations) in [
        ("registry_add", [true, false, false]),
        ("registry_set", [true, true, false]),
        ("registry_delete", [false, false, true]),
        ("registry_event", [true, true, true]),
        ("registry_rename", [false, false, false]),
    ] {
        for (is_match, operation) in operations.into_iter().zip(1904..) {
            let expected = if is_match { "derived true, without []" } else { "no" };
            check_rule(category, detection, &event(operation), expected);
        }
    }
}

#[test]
fn the_table_of_the_program_can_be_read() {
    let derivations = Derivations::parse(BUNDLED).unwrap();
    assert!(derivations.events.len() >= 4);
    for field in derivations.events.values().flatten().flat_map(|(_, fields)| fields) {
        assert!(!field.from.is_empty(), "{}", field.name);
    }
}
