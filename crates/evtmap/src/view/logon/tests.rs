//! Events in, rows out.

use super::*;
use crate::event::flat;

/// The rows that come of events in flat JSON, without what is empty in them.
fn rows(choice: LogonChoice, events: &[&str]) -> Logons {
    let kinds = LogonKinds::bundled().unwrap();
    let mut logons = Logons::new(choice);
    for (second, event) in events.iter().enumerate() {
        let whole = format!(
            r#"{{"Computer": "WS01", "TimeCreated_SystemTime": "2026-03-11T08:00:{second:02}Z", {event}}}"#
        );
        if let Some(logon) = kinds.read(&flat::read(&whole).unwrap()) {
            logons.add(&logon);
        }
    }
    logons
}

fn show(row: &LogonRow) -> String {
    let reasons: Vec<String> = row.reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    format!(
        "{}\\{} to {} from [{}] [{}] by {}: +{} -{} ?{} [{}]",
        row.domain,
        row.user,
        row.host,
        row.address,
        row.workstation,
        row.kind,
        row.succeeded,
        row.failed,
        row.tried,
        reasons.join(", ")
    )
}

#[track_caller]
fn check(events: &[&str], expected: &[&str]) {
    let logons = rows(LogonChoice::default(), events);
    assert_eq!(logons.rows().iter().map(show).collect::<Vec<_>>(), expected);
}

const LOGON: &str = r#""Channel": "Security", "EventID": 4624, "LogonType": "3", "TargetUserName": "ada", "TargetDomainName": "CORP", "IpAddress": "::ffff:10.0.0.7", "WorkstationName": "WS02", "TargetLogonId": "0x1F""#;

#[test]
fn succeeded_and_failed_are_one_row() {
    let failed = |status: &str, sub: &str| {
        LOGON.replace("4624", "4625").replace("ada", "ADA")
            + &format!(r#", "Status": "{status}", "SubStatus": "{sub}""#)
    };
    check(
        &[
            LOGON,
            &failed("0xc000006d", "0xc000006a"),
            &failed("0xC000006D", "0xC000006A"),
            &failed("0xc000006e", "0x0"),
            &failed("0xc0ffee00", "0x0"),
        ],
        &["CORP\\ada to WS01 from [10.0.0.7] [WS02] by network: +1 -4 ?0 \
           [status 0xc0ffee00 1, the account is restricted 1, wrong password 2]"],
    );
}

#[test]
fn other_ways() {
    check(
        &[
            r#""Channel": "Security", "EventID": 4769, "TargetUserName": "ada@CORP.EXAMPLE", "TargetDomainName": "CORP.EXAMPLE", "ServiceName": "FS01$", "IpAddress": "::1", "Status": "0x0""#,
            r#""Channel": "Security", "EventID": 4771, "TargetUserName": "bob", "IpAddress": "10.0.0.9", "Status": "0x18""#,
            r#""Channel": "Security", "EventID": 4776, "TargetUserName": "bob", "Workstation": "\\\\WS09", "Status": "0xc0000064""#,
            r#""Channel": "Security", "EventID": 4648, "SubjectUserName": "ada", "TargetUserName": "root", "TargetDomainName": "CORP", "TargetServerName": "FS01""#,
            r#""Channel": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", "EventID": 21, "User": "CORP\\ada", "Address": "10.0.0.9""#,
            r#""Channel": "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational", "EventID": 1149, "Param1": "ada", "Param2": "CORP", "Param3": "10.0.0.9""#,
            r#""Channel": "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational", "EventID": 140, "IPString": "192.0.2.1""#,
            r#""Channel": "System", "EventID": 4624, "TargetUserName": "nobody""#,
        ],
        &[
            "CORP.EXAMPLE\\ada to FS01$ from [::1] [] by Kerberos, service ticket: +1 -0 ?0 []",
            "\\bob to WS01 from [10.0.0.9] [] by Kerberos, first ticket: +0 -1 ?0 [wrong password 1]",
            "\\bob to WS01 from [] [WS09] by NTLM: +0 -1 ?0 [no such account 1]",
            "CORP\\root to FS01 from [] [WS01] by explicit credentials: +0 -0 ?1 []",
            "CORP\\ada to WS01 from [10.0.0.9] [] by desktop session: +1 -0 ?0 []",
            "CORP\\ada to WS01 from [10.0.0.9] [] by remote desktop connection: +0 -0 ?1 []",
            "\\ to WS01 from [192.0.2.1] [] by remote desktop connection: +0 -1 ?0 []",
        ],
    );
}

#[test]
fn sessions() {
    let of_session = |id: u32| {
        format!(
            r#""Channel": "Security", "EventID": {id}, "TargetLogonId": "0x1f", "SubjectLogonId": "0x1f""#
        )
    };
    let (asked, done, privileged) = (of_session(4647), of_session(4634), of_session(4672));
    let logons = rows(LogonChoice::default(), &[LOGON, &privileged, &asked, &done, LOGON, &done]);
    let row = &logons.rows()[0];
    assert_eq!((row.succeeded, row.ended, row.privileged, row.longest_seconds), (2, 2, 1, Some(2)));
    assert_eq!(
        (logons.rows().len(), row.first.unwrap().as_second() % 60, row.last.unwrap().as_second() % 60),
        (1, 0, 4)
    );
}

#[test]
fn desktop_sessions() {
    let of = |id: u32| {
        format!(
            r#""Channel": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", "EventID": {id}, "User": "CORP\\ada", "SessionID": "3", "Address": "10.0.0.9""#
        )
    };
    let logons = rows(LogonChoice::default(), &[&of(21), &of(24), &of(25), &of(23)]);
    let ended: Vec<(&str, u64, u64)> =
        logons.rows().iter().map(|row| (row.kind.as_str(), row.succeeded, row.ended)).collect();
    assert_eq!(ended, [("desktop session", 1, 1), ("desktop session reconnected", 1, 1)]);
}

/// Whoever writes the logs cannot fill the memory with names, and what goes beyond is counted.
#[test]
fn there_are_bounds() {
    let kinds = LogonKinds::bundled().unwrap();
    let event = flat::read(&format!("{{{LOGON}}}")).unwrap();
    let mut logon = kinds.read(&event).unwrap();
    let mut logons = Logons::new(LogonChoice::default());
    for n in 0..N_ROWS_MAX + 10 {
        logon.user = n.to_string();
        logon.reason = Some(n.to_string());
        logons.add(&logon);
    }
    assert_eq!((logons.rows().len(), logons.left_out().beyond), (N_ROWS_MAX, 10));
    logon.user = "0".to_owned();
    for n in 0..20 {
        logon.reason = Some(n.to_string());
        logon.by = Some(n.to_string());
        logons.add(&logon);
    }
    let row = &logons.rows()[0];
    assert_eq!((row.reasons.len(), row.by.len(), row.succeeded), (N_NAMES_MAX + 1, N_NAMES_MAX, 21));
}

#[test]
fn services_are_left_out_unless_at_a_keyboard() {
    let of = |user: &str, logon_type: u32| {
        LOGON.replace("ada", user).replace(r#""LogonType": "3""#, &format!(r#""LogonType": "{logon_type}""#))
    };
    let events = [of("WS01$", 3), of("SYSTEM", 5), of("DWM-12", 2), of("DWM-x", 2), of("backup$", 10)];
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let logons = rows(LogonChoice::default(), &events);
    let users: Vec<&str> = logons.rows().iter().map(|row| row.user.as_str()).collect();
    assert_eq!((users, logons.left_out().services), (vec!["DWM-x", "backup$"], 3));
    let all = rows(LogonChoice { all: true, ..LogonChoice::default() }, &events);
    assert_eq!(all.rows().len(), 5);
}

#[test]
fn choices() {
    let pattern = |text: &str| vec![Pattern::parse(text)];
    let none = LogonChoice::default;
    for (choice, n) in [
        (LogonChoice { users: pattern("ADA"), ..none() }, 1),
        (LogonChoice { users: pattern("corp\\\\a*"), ..none() }, 1),
        (LogonChoice { users: pattern("bob"), ..none() }, 0),
        (LogonChoice { hosts: pattern("ws01"), ..none() }, 1),
        (LogonChoice { addresses: pattern("10.0.0.*"), ..none() }, 1),
        (LogonChoice { addresses: pattern("ws02"), ..none() }, 1),
        (LogonChoice { types: pattern("3"), ..none() }, 1),
        (LogonChoice { types: pattern("net*"), hosts: pattern("DC*"), ..none() }, 0),
    ] {
        let logons = rows(choice.clone(), &[LOGON]);
        assert_eq!((logons.rows().len(), logons.left_out().not_chosen), (n, 1 - n as u64), "{choice:?}");
    }
}

#[test]
fn one_place_that_tries_several_accounts_is_told() {
    let failed = |user: &str| LOGON.replace("4624", "4625").replace("ada", user);
    let events = [failed("a"), failed("b"), failed("c"), failed("A"), LOGON.replace("ada", "b")];
    let logons = rows(LogonChoice::default(), &events.iter().map(String::as_str).collect::<Vec<_>>());
    let sources = logons.sources();
    assert_eq!((sources.len(), sources[0].accounts, sources[0].failed), (1, 3, 4));
    assert_eq!(sources[0].succeeded.iter().collect::<Vec<_>>(), ["b"]);
    assert!(rows(LogonChoice::default(), &[&failed("a"), &failed("b")]).sources().is_empty());
}

#[test]
fn the_data_is_whole() {
    let file: toml::Table = toml::from_str(include_str!("../../../data/logons/logons.toml")).unwrap();
    let reasons = file["reasons"].as_table().unwrap();
    let mut seen = BTreeSet::new();
    for event in file["event"].as_array().unwrap() {
        assert!(seen.insert((event["channel"].to_string(), event["id"].to_string())), "{event}");
        let is_told = event.get("type").is_some() || event.get("way").is_some();
        assert!(is_told || ["ended", "privileged"].contains(&event["outcome"].as_str().unwrap()), "{event}");
        assert!(
            event.get("reasons").is_none_or(|name| reasons.contains_key(name.as_str().unwrap())),
            "{event}"
        );
    }
    for (code, words) in reasons.values().flat_map(|table| table.as_table().unwrap()) {
        let digits = code.strip_prefix("0x").unwrap();
        assert!(u32::from_str_radix(digits, 16).is_ok(), "{code}");
        assert_eq!(digits, digits.to_uppercase(), "{words}");
    }
}
