//! Tests of [`Event`]: fields in, answers out.

use super::*;

/// Reads lines `System Name value` and `Data Name value`; a value `null` is null.
fn event(lines: &str) -> Event {
    let mut event = Event::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (place, rest) = line.split_once(' ').unwrap();
        let (name, value) = rest.split_once('=').unwrap();
        let place = if place == "System" { Place::System } else { Place::Data };
        event.push(place, name, if value == "null" { Value::Null } else { Value::Text(value) });
    }
    event
}

#[track_caller]
fn check_find(lines: &str, name: &str, expected: &[&str]) {
    let event = event(lines);
    let found: Vec<&str> = event.find(name).map(|value| value.text().unwrap_or("null")).collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_user(lines: &str, expected: &str) {
    let mut event = event(lines);
    assert_eq!(event.user().map_or("nobody".to_owned(), |account| account.to_string()), expected);
    assert_eq!(event.user().map_or("nobody".to_owned(), |account| account.parts().concat()), expected);
    // Where the accounts are is remembered: of the shape that a reader has a number for, and of the names. That
    // another event with as many fields has other names is seen.
    let mut places = AccountPlaces::default();
    let mut other = Event::new();
    (0..event.n_fields()).for_each(|_| other.push(Place::Data, "User", Value::Text("else")));
    assert_eq!(places.user(&other), other.user());
    assert_eq!(places.user(&event), event.user());
    assert_eq!(places.user(&event), event.user());
    event.set_shape(7);
    assert_eq!(places.user(&event), event.user());
    assert_eq!(places.user(&event), event.user());
}

#[track_caller]
fn check_time(text: &str, expected: &str) {
    let mut event = Event::new();
    event.push(Place::System, "TimeCreated_SystemTime", Value::Text(text));
    assert_eq!(event.time().map_or("none".to_owned(), |time| time.to_string()), expected);
}

#[test]
fn the_payload_comes_before_system() {
    check_find("System Channel=System\nData Channel=Security", "Channel", &["Security"]);
    check_find("System Channel=System\nData Channel=Security", "channel", &["Security"]);
}

#[test]
fn the_exact_name_comes_before_a_loose_one() {
    check_find("Data processPath=a\nData ProcessPath=b", "ProcessPath", &["b"]);
    check_find("Data level=a\nSystem Level=4", "Level", &["4"]);
    check_find("Data processPath=a\nData PROCESSPATH=b", "ProcessPath", &["a", "b"]);
}

#[test]
fn spaces_in_an_events_names_do_not_count() {
    check_find("Data Threat Name=x", "ThreatName", &["x"]);
    check_find("Data Threat Name=x", "threatname", &["x"]);
    check_find("Data Threat Name=x", "Threat Name", &["x"]);
    check_find("Data ThreatName=x", "Threat Name", &[]);
    check_find("Data Threat Name=x", "Threat", &[]);
}

#[test]
fn a_field_may_have_several_values() {
    check_find("Data Data=a\nData Binary=b\nData Data=null", "Data", &["a", "null"]);
    check_find("Data Data=a", "Date", &[]);
}

#[test]
fn the_computer_has_two_names() {
    check_find("System Computer=a", "ComputerName", &["a"]);
    check_find("System Computer=a\nData ComputerName=b", "ComputerName", &["b"]);
    check_find("System Channel=a", "ComputerName", &[]);
}

#[test]
fn system_has_typed_accessors() {
    let mut event = event(
        "Data EventID=9
         System Provider_Name=Microsoft-Windows-Eventlog
         System EventID=1102
         System EventRecordID=18446744073709551615
         System Channel=Security
         System Computer=dc01",
    );
    assert_eq!(event.provider(), "Microsoft-Windows-Eventlog");
    assert_eq!(event.event_id(), Some(1102));
    assert_eq!(event.record_id(), Some(u64::MAX));
    assert_eq!((event.channel(), event.computer()), ("Security", "dc01"));
    assert_eq!(event.data().collect::<Vec<_>>(), [("EventID", Value::Text("9"))]);
    event.set_message("The audit log was cleared.");
    assert_eq!(event.message(), Some("The audit log was cleared."));
    event.clear();
    assert_eq!((event.provider(), event.event_id(), event.message()), ("", None, None));
    assert_eq!(event.fields().count(), 0);
}

#[test]
fn times() {
    check_time("2026-01-02T03:04:05.6789012Z", "2026-01-02T03:04:05.6789012Z");
    check_time("2026-01-02 03:04:05.678 UTC", "2026-01-02T03:04:05.678Z");
    check_time(" 2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z");
    check_time("2026-01-02 03:04:05", "2026-01-02T03:04:05Z");
    check_time("yesterday", "none");
    check_time("", "none");
}

#[test]
fn who_did_it() {
    check_user(r"Data User=LAB\alice", r"LAB\alice");
    check_user("Data User=alice", "alice");
    check_user(
        "Data SubjectUserName=alice\nData SubjectDomainName=LAB\nData TargetUserName=bob",
        r"LAB\alice",
    );
    check_user("Data SubjectUserName=-\nData TargetUserName=bob\nData TargetDomainName=LAB", r"LAB\bob");
    check_user("Data SubjectUserName=WS01$\nData SubjectDomainName=LAB\nData TargetUserName=bob", "bob");
    check_user("Data SubjectUserName=SYSTEM\nData SubjectDomainName=-\nData TargetUserName=-", "SYSTEM");
    check_user("Data TargetUserName=null\nSystem Security_UserID=S-1-5-21-1", "S-1-5-21-1");
    check_user("Data Image=x", "nobody");
    // Kerberos
    check_user(
        "Data TargetUserName=ada@CORP.EXAMPLE\nData TargetDomainName=CORP.EXAMPLE",
        r"CORP.EXAMPLE\ada",
    );
    check_user("Data SubjectUserName=bob\nData TargetUserName=DC01$@CORP.EXAMPLE", "bob");
    check_user("Data SubjectUserName=DC01$@CORP.EXAMPLE\nData TargetUserName=bob", "bob");
    check_user("Data TargetUserName=ada@corp.example\nData TargetDomainName=CORP", "ada@corp.example");
}
