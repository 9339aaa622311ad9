//! Tests of reading JSON: text in, events and problems as text out.

use super::*;
use crate::input::tests::dump;

#[track_caller]
fn check(json: &str, expected: &str) {
    let found = dump("json", json.as_bytes(), &InputOptions::default());
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// Checks the fields of one event, wherever it stands.
#[track_caller]
fn check_event(json: &str, expected: &str) {
    check(json, &format!("byte 0\n{expected}"));
}

/// Checks which events are read, by their ids.
#[track_caller]
fn check_ids(json: &str, expected: &str) {
    let found = dump("json", json.as_bytes(), &InputOptions::default());
    let mut place = "";
    let lines = found.lines().filter_map(|line| match line.strip_prefix("System EventID ") {
        Some(id) => Some(format!("{place} {}", id.trim_matches('"'))),
        None if line.contains('[') => Some(line.to_owned()),
        None => {
            place = line;
            None
        }
    });
    assert_eq!(lines.collect::<Vec<_>>().join("; "), expected);
}

#[test]
fn lines_arrays_and_objects() {
    const ONE: &str = r#"{"Event": {"System": {"EventID": 1}}}"#;
    const TWO: &str = r#"{"Event": {"System": {"EventID": 2}}}"#;
    let pretty = ONE.replace('{', "{\n  ").replace('}', "\n}");
    check_ids(ONE, "byte 0 1");
    check_ids(&format!("{ONE}\n{TWO}\n"), "line 1 1; line 2 2");
    check_ids(&format!("{ONE}\r\n\r\n{TWO}"), "line 1 1; line 3 2");
    check_ids(&format!("{ONE}{TWO}"), "byte 0 1; byte 37 2");
    check_ids(&format!("[{ONE}, {TWO}]"), "byte 1 1; byte 40 2");
    check_ids(&format!("[\n  {ONE},\n  {TWO}\n]\n"), "line 2 1; line 3 2");
    check_ids(&format!("{pretty}\n{pretty}\n"), "line 1 1; line 8 1");
    check_ids(&format!("\u{feff}{pretty},\n{ONE}"), "line 1 1; line 8 1");
    check_ids(&format!("Record 1\n{pretty}\nRecord 12\r\n{ONE}\nRecord 13\n"), "line 2 1; line 10 1");
    check_ids(
        &format!("{{\"preview\": [1], \"results\":\n[{ONE},{TWO}], \"x\": {{}}}}"),
        "line 2 1; line 2 2",
    );
    check_ids(
        &format!(r#"{{"took": 1, "hits": {{"total": {{"value": 2}}, "hits": [{{"_source": {ONE}}}]}}}}"#),
        "byte 53 1",
    );
}

#[test]
fn every_encoding() {
    let json = "{\"EventID\": 1, \"a\": \"Größe\"}\r\n{\"EventID\": 2}";
    let events = "line 1\nSystem EventID \"1\"\nData a \"Größe\"\nline 2\nSystem EventID \"2\"\n";
    let options = InputOptions::default();
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}{json}");
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        assert_eq!(dump("json", text.as_bytes(), &options), events);
        assert_eq!(dump("json", &utf16(u16::to_le_bytes), &options), events);
        assert_eq!(dump("json", &utf16(u16::to_be_bytes), &options), events);
    }
    let old = encoding_rs::WINDOWS_1252.encode(json).0;
    let remark = "line 1: the record is not valid UTF-8 and is read as Windows-1252 [text-encoding]\n";
    assert_eq!(dump("json", &old, &options), format!("{remark}{events}"));
    let mut broken: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    broken[42..44].copy_from_slice(&[0, 0xd8]);
    assert!(dump("json", &broken, &options).starts_with("line 1: here or after it are characters"));
}

#[test]
fn damage_costs_one_record() {
    check_ids(
        "{\"EventID\": 1}\n{\"EventID\": 2\n\0\0\n{\"EventID\": 3}{\n{\"EventID\": 4}",
        "line 1 1; line 2: the text ends within an object or array [json-record]; \
         line 3: this is not the beginning of a value [json-record]; line 4: there is more behind the value [json-record]; line 5 4",
    );
    check_ids(
        "[\n  {\n    \"EventID\": 1\n  },\n  {\n    \"EventID\": \"2\n  },\n  {\n    \"EventID\": 3\n  }\n]",
        "line 2 1; line 5: a text is not closed in its line [json-unclosed]; line 8 3",
    );
    check_ids(
        "[{\"EventID\": 1}, x {\"EventID\": 2},{\"EventID\": 3}]",
        "byte 1 1; byte 17: there is something between the objects [json-stray]; byte 19 2; byte 34 3",
    );
    check_ids(
        "[{\"EventID\": 1}, {\"EventID\":",
        "byte 1 1; byte 17: the file ends within the object [json-unclosed]",
    );
    check_ids(
        "[{\"EventID\": 1}, {\"a\": 2, \"b\": 3}, {}]",
        "byte 1 1; byte 17: this is no event of a known shape; it begins with `a`, `b` [json-shape]",
    );
    check_ids("{\"EventID\": \"x\"}", "byte 0: the event has no event id that is a number [json-event-id]");
}

#[test]
fn everything_is_bounded() {
    let deep = format!(
        "{{\"EventID\": 1}}\n{{\"EventID\": {}1{}}}\n{{\"EventID\": 3}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    check_ids(&deep, "line 1 1; line 2: values lie deeper than 128 in each other [json-record]; line 3 3");
    check_ids(
        &deep.replacen('\n', "", 1).replace(":", ":\n"),
        "line 1 1; line 2: arrays and objects lie deeper than 128 in each other [json-depth]; line 4 3",
    );
    let many: String = (0..10_001).map(|i| format!("\"{i}\": 1, ")).collect();
    check_ids(
        &format!("{{\"EventID\": 1}}\n{{{many}\"EventID\": 2}}\n"),
        "line 1 1; line 2: the object has more than 10000 members [json-record]",
    );
    let long = "x".repeat(17 << 20);
    check_ids(
        &format!("{{\"EventID\": 1}}\n{{\"a\": \"{long}\"}}\n{{\"EventID\": 2}}\n"),
        "line 1 1; line 2: the record does not end within 16 MiB [record-too-long]; line 3 2",
    );
    check_ids(
        &format!("[{{\"EventID\": 1}},{{\"a\": \"{long}\"}},{{\"EventID\": 2}}]"),
        "byte 1 1; byte 16: the record does not end within 16 MiB [record-too-long]; byte 17825818 2",
    );
}

#[test]
fn evtx_dump_and_chainsaw() {
    let event = "System Provider_Name \"p\"\nSystem EventID \"1\"\nData a \"b\"";
    check_event(
        r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"p"}},"EventID":1},"EventData":{"a":"b"}}}"##,
        event,
    );
    check_event(
        r#"{"group": "x", "document": {"kind": "evtx", "data":
            {"Event": {"System": {"Provider_attributes": {"Name": "p"}, "EventID": 1}, "EventData": {"a": "b"}}}}}"#
            .replace('\n', "").as_str(),
        event,
    );
}

#[test]
fn hayabusa() {
    check_event(
        r#"{"Timestamp": "2026-03-02 10:00:00.123 +02:00", "RuleTitle": "x", "Level": "high", "Computer": "c",
            "Channel": "PwSh", "EventID": 4104, "RecordID": 7, "Details": {"ScriptBlock": "y"},
            "ExtraFieldInfo": "Path: C:\\a ¦ MessageNumber: 1", "RuleID": "z"}"#
            .replace('\n', "").as_str(),
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.123Z"
        System Computer "c"
        System Channel "Microsoft-Windows-PowerShell/Operational"
        System EventID "4104"
        System EventRecordID "7"
        Data ScriptBlock "y"
        Data Path "C:\\a"
        Data MessageNumber "1"
        "#,
    );
}

#[test]
fn winlogbeat() {
    let event = r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.123Z"
        System Channel "Security"
        System Computer "c.corp.example"
        Data TargetUserName "alice"
        System EventID "4625"
        System Keywords "Audit Failure"
        System Execution_ProcessID "4"
        System Execution_ThreadID "8"
        System Provider_Name "Microsoft-Windows-Security-Auditing"
        System EventRecordID "7"
        message "It was."
        "#;
    check_event(
        r#"{"@timestamp": "2026-03-02T08:00:00.123Z", "agent": {"type": "winlogbeat"}, "tags": ["a"],
            "event": {"code": "4625", "kind": "event"}, "host": {"name": "c"}, "message": "It was.",
            "winlog": {"channel": "Security", "computer_name": "c.corp.example",
                "event_data": {"TargetUserName": "alice"}, "event_id": 4625, "keywords": ["Audit Failure"],
                "process": {"pid": 4, "thread": {"id": 8}},
                "provider_name": "Microsoft-Windows-Security-Auditing", "record_id": 7}}"#
            .replace('\n', "")
            .as_str(),
        event,
    );
    check_event(
        r#"{"_index": "x", "_source": {"@timestamp": "2026-03-02T08:00:00.123Z", "message": "It was.",
            "winlog.channel": "Security", "winlog.computer_name": "c.corp.example",
            "winlog.event_data.TargetUserName": "alice", "winlog.event_id": "4625",
            "winlog.keywords": ["Audit Failure"], "winlog.process.pid": 4, "winlog.process.thread.id": 8,
            "winlog.provider_name": "Microsoft-Windows-Security-Auditing", "winlog.record_id": 7, "host.name": "c"}}"#
            .replace('\n', "").as_str(),
        event,
    );
    check_event(
        r#"{"event": {"code": 1102, "provider": "p"}, "host": {"name": "c"}, "winlog": {"channel": "Security", "user_data": {"xml_name": "LogFileCleared", "SubjectUserName": "a"}}}"#,
        r#"
        System Channel "Security"
        Data SubjectUserName "a"
        System EventID "1102"
        System Provider_Name "p"
        System Computer "c"
        "#,
    );
    check_event(
        r#"{"@timestamp": "2026-03-02T08:00:00.123Z", "beat": {"name": "x"}, "event_id": 1, "log_name": "l", "source_name": "p", "event_data": {"a": "b"}}"#,
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.123Z"
        System EventID "1"
        System Channel "l"
        System Provider_Name "p"
        Data a "b"
        "#,
    );
}

#[test]
fn nxlog() {
    check_event(
        r#"{"Keywords": -9187343239835811840, "SeverityValue": 2, "Severity": "INFO", "EventID": 7045,
            "EventReceivedTime": "2020-09-20 02:57:49", "EventTime": "2020-09-20 02:57:47",
            "@timestamp": "2020-09-20T06:57:49.174Z", "@version": "1", "host": "h", "port": 1, "tags": ["t"],
            "AccountType": "User", "AccountName": "bob", "UserID": "S-1-5-18", "Domain": "d",
            "EventType": "INFO", "Hostname": "c", "Channel": "System", "OpcodeValue": 0, "Opcode": "Info",
            "SourceName": "Service Control Manager", "ServiceName": "x", "ProcessId": "0x4", "n": null}"#
            .replace('\n', "")
            .as_str(),
        r#"
        System Keywords "0x8080000000000000"
        System EventID "7045"
        System TimeCreated_SystemTime "2020-09-20T06:57:47Z"
        System Security_UserID "S-1-5-18"
        System Computer "c"
        System Channel "System"
        System Opcode "0"
        System Provider_Name "Service Control Manager"
        Data ServiceName "x"
        Data ProcessId "0x4"
        Data n null
        "#,
    );
    check_event(
        r#"{"EventID": 7045, "TimeCreated": "2020-10-19 03:30:46.416", "EventType": "SetValue", "Hostname": "c", "AccountName": "LocalSystem", "SourceName": "Service Control Manager", "Channel": "System", "Level": "4"}"#,
        r#"
        System EventID "7045"
        System TimeCreated_SystemTime "2020-10-19T03:30:46.416Z"
        Data EventType "SetValue"
        System Computer "c"
        Data AccountName "LocalSystem"
        System Provider_Name "Service Control Manager"
        System Channel "System"
        System Level "4"
        "#,
    );
}

#[test]
fn splunk() {
    check_event(
        r#"{"preview": false, "result": {"_raw": "<Event/>", "_time": "2026-03-02 08:00:00.000 UTC", "EventCode": "4688",
            "LogName": "Security", "ComputerName": "c", "SourceName": "Microsoft Windows security auditing.",
            "EventType": "0", "host": "h", "sourcetype": "WinEventLog", "New_Process_Name": "x", "Empty": "",
            "Message": "A new process"}}"#
            .replace('\n', "").as_str(),
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00Z"
        System EventID "4688"
        System Channel "Security"
        System Computer "c"
        System Provider_Name "Microsoft Windows security auditing."
        Data New_Process_Name "x"
        message "A new process"
        "#,
    );
}

/// What an event says that has a message and no fields, or fields under names of the collector.
#[test]
fn fields_out_of_messages() {
    let fields = |json: &str| {
        let found = dump("json", json.as_bytes(), &InputOptions::default());
        let lines = found.lines().filter_map(|line| line.strip_prefix("Data "));
        lines.collect::<Vec<_>>().join("; ")
    };
    let message = "The SNMP service entered the running state.";
    let winlogbeat = |payload: &str| {
        fields(&format!(
            r#"{{"winlog": {{"channel": "System", "event_id": 7036, "provider_name": "Service Control Manager"{payload}}}, "message": "{message}"}}"#
        ))
    };
    assert_eq!(winlogbeat(""), r#"param1 "SNMP"; param2 "running""#);
    assert_eq!(winlogbeat(r#", "event_data": {"param1": "x"}"#), r#"param1 "x""#);
    let powershell = format!(
        r#"{{"Id": 7036, "LogName": "System", "ProviderName": "Service Control Manager",
            "Properties": [{{"Value": "SNMP"}}], "Message": "{message}"}}"#
    );
    assert_eq!(fields(&powershell), r#"Data "SNMP"; param1 "SNMP"; param2 "running""#);
    let splunk = format!(
        r#"{{"EventCode": 7036, "LogName": "System", "SourceName": "Service Control Manager", "Service": "SNMP",
            "Message": "{message}"}}"#
    );
    assert_eq!(fields(&splunk), r#"Service "SNMP"; param1 "SNMP"; param2 "running""#);
    let forwarded = format!(
        r##"{{"Event": {{"System": {{"Provider": {{"#attributes": {{"Name": "Service Control Manager"}}}}, "EventID": 7036}},
            "RenderingInfo": {{"Message": "{message}"}}}}}}"##
    );
    assert_eq!(fields(&forwarded), r#"param1 "SNMP"; param2 "running""#);
}

#[test]
fn evtxecmd() {
    check_event(
        r##"{"PayloadData1": "x", "EventRecordId": "812", "TimeCreated": "2026-03-02T08:00:00.1234567+00:00",
            "EventId": 1, "Level": "Info", "Provider": "P", "Channel": "C", "Computer": "WS01",
            "Payload": "{\"EventData\":{\"Data\":[{\"@Name\":\"Image\",\"#text\":\"y\"}]}}"}"##
            .replace('\n', "")
            .as_str(),
        r#"
        System EventRecordID "812"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.1234567Z"
        System EventID "1"
        System Level "Info"
        System Provider_Name "P"
        System Channel "C"
        System Computer "WS01"
        Data Image "y"
        "#,
    );
}

#[test]
fn velociraptor() {
    check_event(
        r#"{"System": {"Provider": {"Name": "p", "Guid": "{1}"}, "EventID": {"Value": 4624},
            "Keywords": 9232379236109516800, "TimeCreated": {"SystemTime": 1772438400.25},
            "Correlation": {}, "Execution": {"ProcessID": 4}, "Channel": "Security", "Computer": "c"},
            "EventData": {"TargetUserName": "alice", "LogonType": 3}, "Message": "m", "OSPath": "x"}"#
            .replace('\n', "")
            .as_str(),
        r#"
        System Provider_Name "p"
        System Provider_Guid "{1}"
        System EventID "4624"
        System Keywords "0x8020000000000000"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.25Z"
        System Execution_ProcessID "4"
        System Channel "Security"
        System Computer "c"
        Data TargetUserName "alice"
        Data LogonType "3"
        message "m"
        "#,
    );
    check_event(
        r#"{"EventTime": "2026-03-02T08:00:00Z", "Channel": "Security", "EventID": 4624, "EventRecordID": 1, "Fqdn": "x", "EventData": {"a": "b"}, "UserData": null}"#,
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00Z"
        System Channel "Security"
        System EventID "4624"
        System EventRecordID "1"
        Data a "b"
        System Provider_Name "Microsoft-Windows-Security-Auditing"
        "#,
    );
}

#[test]
fn fluent_bit() {
    check_event(
        r#"{"date": 1, "ProviderName": "p", "EventID": 1, "TimeCreated": "2026-03-02 10:00:00 +0200", "Channel": "l", "Computer": "c", "UserID": "", "StringInserts": ["a", 1]}"#,
        r#"
        System Provider_Name "p"
        System EventID "1"
        System TimeCreated_SystemTime "2026-03-02T08:00:00Z"
        System Channel "l"
        System Computer "c"
        Data Data "a"
        Data Data "1"
        "#,
    );
}

#[test]
fn azure() {
    check_event(
        r#"{"TenantId": "t", "TimeGenerated [UTC]": "3/2/2026, 8:00:00.123 AM", "SourceSystem": "OpsManager", "Account": "a",
            "EventSourceName": "p", "Channel": "Security", "Computer": "c", "EventID": 4688, "Activity": "4688 - x",
            "NewProcessName": "C:\\x", "CommandLine": "", "EventData": "", "Type": "SecurityEvent"}"#
            .replace('\n', "").as_str(),
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.123Z"
        System Provider_Name "p"
        System Channel "Security"
        System Computer "c"
        System EventID "4688"
        Data NewProcessName "C:\\x"
        "#,
    );
    check_event(
        r#"{"TimeGenerated": "2026-03-02T08:00:00Z", "Provider": "p", "Channel": "l", "EventID": 1, "EventData": "{\"a\": \"b\"}", "Type": "WindowsEvent"}"#,
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00Z"
        System Provider_Name "p"
        System Channel "l"
        System EventID "1"
        Data a "b"
        "#,
    );
}

#[test]
fn azure_with_a_payload_as_xml() {
    check_event(
        r#"{"TimeGenerated": "2026-03-02T08:00:00Z", "Source": "p", "EventLog": "l", "Computer": "c", "EventID": 1, "EventLevelName": "Information", "RenderedDescription": "m", "UserName": "u", "EventData": "<DataItem><EventData><Data Name='a'>b</Data></EventData></DataItem>"}"#,
        r#"
        System TimeCreated_SystemTime "2026-03-02T08:00:00Z"
        System Provider_Name "p"
        System Channel "l"
        System Computer "c"
        System EventID "1"
        Data a "b"
        System Level "Information"
        message "m"
        "#,
    );
}

#[test]
fn powershell() {
    check_event(
        r#"{"Id": 4624, "Version": 2, "Keywords": -9214364837600034816, "ProviderName": "p", "LogName": "Security", "MachineName": "c", "UserId": null, "TimeCreated": "\/Date(1772438400123)\/", "MatchedQueryIds": [], "Properties": [{"Value": "a"}, {"Value": 3}], "Message": "m"}"#,
        r#"
        System EventID "4624"
        System Version "2"
        System Keywords "0x8020000000000000"
        System Provider_Name "p"
        System Channel "Security"
        System Computer "c"
        System TimeCreated_SystemTime "2026-03-02T08:00:00.123Z"
        Data Data "a"
        Data Data "3"
        message "m"
        "#,
    );
}

#[test]
fn fields_under_sigmas_names() {
    check_event(
        r#"{"EventID": 1, "Provider_Name": "Microsoft-Windows-Sysmon", "Image": "x", "Nested": {"CommandLine": "y"}, "List": [1, true, null]}"#,
        r#"
        System EventID "1"
        System Provider_Name "Microsoft-Windows-Sysmon"
        Data Image "x"
        Data CommandLine "y"
        Data List "1"
        Data List "true"
        Data List null
        System Channel "Microsoft-Windows-Sysmon/Operational"
        "#,
    );
}

#[test]
fn other_json_is_not_an_event_log() {
    for json in [
        r#"{"name": "x", "version": 1}"#,
        "[1, 2]",
        "[]",
        "{",
        "{}\n{}",
        r#"{"kind": "detection", "event": {"event_id": 1, "channel": "Security"}, "input": {"path": "x"}}"#,
    ] {
        check(json, "input-unrecognised: the content is not that of an event log");
    }
}
