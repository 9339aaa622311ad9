//! Causes for which rules did not match events that they are about, or matched others, in programs of this
//! kind. Each goes the whole way: a file, its events, a rule.

use evtmap::event::Event;
use evtmap::input::{self, Decoded, InputOptions};
use evtmap::rules::RuleFile;
use evtmap::{Pipelines, Placeholders, Rules, Workspace, rules};

use crate::shared;

const SECURITY: &str = "product: windows, service: security";
const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

/// Whether a rule of a log source matches the event in a record as the evtx crate renders it.
fn matches(logsource: &str, detection: &str, record: &str) -> bool {
    let text = format!("title: x\nlogsource: {{{logsource}}}\ndetection:\n{detection}\n");
    let files = [RuleFile { path: "x.yml".to_owned(), text }];
    let rules = Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default());
    assert_eq!(rules.rules().len(), 1, "{:?} {:?}", rules.skipped(), rules.diagnostics());
    let rule = |index: usize| rules.rules().get(index).map(|loaded| &loaded.rule);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, record).unwrap();
    let mut log = input::open(&path, &InputOptions::default()).unwrap();
    let (mut n_events, mut found) = (0, false);
    while let Some(batch) = log.next_batch() {
        batch.unwrap().decode(&mut Event::new(), &mut |decoded| {
            let Decoded::Event(event, _) = decoded else { return };
            n_events += 1;
            rules.router().matches(event, &rule, &mut Workspace::default(), &mut |_, _| found = true);
        });
    }
    assert_eq!(n_events, 1);
    found
}

/// A record of a channel and event id with other parts beside System.
fn record(channel: &str, event_id: u32, rest: &str) -> String {
    format!(r#"{{"Event": {{"System": {{"EventID": {event_id}, "Channel": "{channel}"}}, {rest}}}}}"#)
}

#[track_caller]
fn check(logsource: &str, detection: &str, record: &str, is_match: bool) {
    assert_eq!(matches(logsource, detection, record), is_match, "{detection}\n{record}");
}

#[test]
fn names_of_fields_with_spaces() {
    let record = record(
        "Microsoft-Windows-Windows Defender/Operational",
        1116,
        r#""EventData": {"Threat Name": "HackTool:X", "Source Name": "%%818"}"#,
    );
    let logsource = "product: windows, service: windefend";
    check(
        logsource,
        "  a: {ThreatName|contains: HackTool, SourceName: '%%818'}\n  condition: a",
        &record,
        true,
    );
}

#[test]
fn escaped_backslashes() {
    let command = |line: &str| record(SYSMON, 1, &format!(r#""EventData": {{"CommandLine": "{line}"}}"#));
    let logsource = "product: windows, category: process_creation";
    let two = r"  a: {CommandLine|contains: ' \\\\'}
  condition: a";
    check(logsource, two, &command(r"net view \\\\host"), true);
    check(logsource, two, &command(r"net view \\host"), false);
    let namespace = r"  a: {CommandLine|contains: '/Namespace:\\\\root\\Microsoft'}
  condition: a";
    check(logsource, namespace, &command(r"wmic /Namespace:\\\\root\\Microsoft\\x"), true);
    let share = |name: &str| record("Security", 5145, &format!(r#""EventData": {{"ShareName": "{name}"}}"#));
    let admin = r"  a: {ShareName: '\\\\\*\\ADMIN$'}
  condition: a";
    check(SECURITY, admin, &share(r"\\\\*\\ADMIN$"), true);
    check(SECURITY, admin, &share(r"\\\\host\\ADMIN$"), false);
}

#[test]
fn wildcards_within_contains() {
    let record = record(SYSMON, 1, r#""EventData": {"CommandLine": "tasklist /svc | find \"x\""}"#);
    let detection = "  a: {CommandLine|contains: 'tasklist*|*find'}\n  condition: a";
    check("product: windows, category: process_creation", detection, &record, true);
}

#[test]
fn fields_below_user_data() {
    let channel = "Microsoft-Windows-WMI-Activity/Operational";
    let rest = r#""UserData": {"Operation_ClientFailure": {"Operation": "Start IWbemServices::ExecQuery"}}"#;
    let detection = "  a: {EventID: 5858, Operation|contains: ExecQuery}\n  condition: a";
    check("product: windows, service: wmi", detection, &record(channel, 5858, rest), true);
}

#[test]
fn process_creation_from_security() {
    let rest = r#""EventData": {"NewProcessName": "C:\\Windows\\whoami.exe", "CommandLine": "whoami /all"}"#;
    let detection = "  a: {Image|endswith: '\\whoami.exe', CommandLine|contains: '/all'}\n  condition: a";
    let logsource = "product: windows, category: process_creation";
    check(logsource, detection, &record("Security", 4688, rest), true);
}

#[test]
fn an_exception_by_a_field_that_is_not_there() {
    let record = record("Security", 4688, r#""EventData": {"CommandLine": "bad"}"#);
    let detection =
        "  a: {CommandLine: bad}\n  f: {ParentCommandLine|contains: good}\n  condition: a and not f";
    check("product: windows, category: process_creation", detection, &record, true);
}

#[test]
fn modifiers_that_others_do_not_know() {
    let logsource = "product: windows, category: process_creation";
    let command = |line: &str| record(SYSMON, 1, &format!(r#""EventData": {{"CommandLine": "{line}"}}"#));
    let dash = "  a: {CommandLine|contains|windash: ' -enc '}\n  condition: a";
    check(logsource, dash, &command("powershell /enc x"), true);
    check(logsource, dash, &command("powershell \u{2013}enc x"), true);
    let re = "  a: {CommandLine|re|i: 'P.W.R'}\n  condition: a";
    check(logsource, re, &command("a powered b"), true);
    let rest = r#""EventData": {"DestinationIp": "10.1.2.3", "Image": "x", "User": "x"}"#;
    let connection = record(SYSMON, 3, rest);
    let logsource = "product: windows, category: network_connection";
    check(logsource, "  a: {DestinationIp|cidr: 10.0.0.0/8}\n  condition: a", &connection, true);
    check(logsource, "  a: {Image|fieldref: User}\n  condition: a", &connection, true);
    check(logsource, "  a: {Image|fieldref: DestinationIp}\n  condition: a", &connection, false);
}

#[test]
fn booleans() {
    let logsource = "product: windows, category: network_connection";
    for truth in ["true", "\"true\""] {
        let record = record(SYSMON, 3, &format!(r#""EventData": {{"Initiated": {truth}}}"#));
        check(logsource, "  a: {Initiated: 'true'}\n  condition: a", &record, true);
        check(logsource, "  a: {Initiated: true}\n  condition: a", &record, true);
        check(logsource, "  a: {Initiated: 'false'}\n  condition: a", &record, false);
    }
}

#[test]
fn guids_with_and_without_braces() {
    const GUID: &str = "0CCE9210-69AE-11D9-BED3-505054503030";
    let these = format!("  a: {{EventID: 4719, SubcategoryGuid: '{{{GUID}}}'}}\n  condition: a");
    let others =
        format!("  a: {{EventID: 4719}}\n  f: {{SubcategoryGuid: '{{{GUID}}}'}}\n  condition: a and not f");
    for value in [GUID.to_owned(), format!("{{{GUID}}}"), format!("{{{}}}", GUID.to_lowercase())] {
        let json = record("Security", 4719, &format!(r#""EventData": {{"SubcategoryGuid": "{value}"}}"#));
        let xml = format!(
            r#"<Event><System><EventID>4719</EventID><Channel>Security</Channel></System>
            <EventData><Data Name="SubcategoryGuid">{value}</Data></EventData></Event>"#
        );
        let header = "TimeCreated,EventId,Channel";
        let row = "2026-03-02T08:00:00Z,4719,Security";
        let table = format!("{header},SubcategoryGuid\n{row},{value}\n");
        let payload = format!(
            r##"{header},Payload
{row},"{{""EventData"":{{""Data"":[{{""@Name"":""SubcategoryGuid"",""#text"":""{value}""}}]}}}}""##
        );
        for log in [json, xml, table, payload] {
            check(SECURITY, &these, &log, true);
            check(SECURITY, &others, &log, false);
        }
    }
}

#[test]
fn data_without_names() {
    let detection = "  a: {Provider_Name: ESENT, EventID: 325, Data|contains: ntds.dit}\n  condition: a";
    for data in
        [r#"["lsass", "C:\\x\\ntds.dit"]"#, r##"{"#text": ["lsass", "C:\\x\\ntds.dit"]}"##, r#""ntds.dit""#]
    {
        let record = format!(
            r##"{{"Event": {{"System": {{"Provider": {{"#attributes": {{"Name": "ESENT"}}}}, "EventID": 325,
            "Channel": "Application"}}, "EventData": {{"Data": {data}}}}}}}"##
        );
        check("product: windows, service: application", detection, &record, true);
    }
}

#[test]
fn integrity_levels_of_security() {
    let record = record("Security", 4688, r#""EventData": {"MandatoryLabel": "S-1-16-16384"}"#);
    let logsource = "product: windows, category: process_creation";
    for value in ["System", "S-1-16-16384"] {
        check(logsource, &format!("  a: {{IntegrityLevel: {value}}}\n  condition: a"), &record, true);
    }
    check(logsource, "  a: {IntegrityLevel: High}\n  condition: a", &record, false);
}

#[test]
fn services_are_channels_and_not_providers() {
    let record = r##"{"Event": {"System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Eventlog"}},
        "EventID": 1102, "Channel": "Security"}, "UserData": {"LogFileCleared": {"SubjectUserName": "ada"}}}}"##;
    check(
        SECURITY,
        "  a: {EventID: 1102, Provider_Name: Microsoft-Windows-Eventlog}\n  condition: a",
        record,
        true,
    );
}

#[test]
fn names_that_system_and_the_payload_share() {
    let cleared = |channel: &str| {
        record("System", 104, &format!(r#""UserData": {{"LogFileCleared": {{"Channel": "{channel}"}}}}"#))
    };
    let detection = "  a: {EventID: 104, Channel: [Security, System]}\n  condition: a";
    let logsource = "product: windows, service: system";
    check(logsource, detection, &cleared("Security"), true);
    check(logsource, detection, &cleared("Setup"), false);
}

#[test]
fn a_category_is_never_every_event() {
    let detection = "  a: {QueryName|contains: evil}\n  condition: a";
    let logsource = "product: windows, category: dns_query";
    let rest = r#""EventData": {"QueryName": "evil.example"}"#;
    check(logsource, detection, &record(SYSMON, 22, rest), true);
    check(logsource, detection, &record(SYSMON, 12, rest), false);
}

#[test]
fn blanks_that_windows_adds() {
    let record = record("Security", 4624, r#""EventData": {"LogonProcessName": "NtLmSsp ", "Other": "x "}"#);
    check(SECURITY, "  a: {LogonProcessName: NtLmSsp}\n  condition: a", &record, true);
    check(SECURITY, "  a: {LogonProcessName: NtLm}\n  condition: a", &record, false);
    // Of other fields they are part of the value.
    check(SECURITY, "  a: {Other: x}\n  condition: a", &record, false);
}

/// Others leave out rules by a list that is not shown.
#[test]
fn no_rule_is_left_out_without_a_reason() {
    let Some(archive) = shared("data/sigma/sigma-master.tar.gz") else { return };
    let files = rules::read(&archive).unwrap();
    let rules = Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default());
    assert!(rules.rules().len() > 2_000);
    assert!(rules.rules().len() + rules.correlations().len() + rules.skipped().len() >= files.len());
    for title in ["Local User Creation", "Security Eventlog Cleared", "User Logoff Event"] {
        assert!(rules.rules().iter().any(|loaded| loaded.rule.metadata.title == title), "{title}");
    }
}
