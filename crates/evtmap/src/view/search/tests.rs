//! A query and an event in, the marks out.

use super::*;
use crate::event::flat;

const EVENT: &str = r#"{"Computer": "WS01.corp.example", "Channel": "Microsoft-Windows-Sysmon/Operational", "Provider_Name": "Microsoft-Windows-Sysmon", "EventID": 1, "Image": "C:\\Windows\\System32\\cmd.exe", "CommandLine": "cmd /c \"whoami /all\" 100%*", "ProcessId": 4711, "ParentImage": null}"#;

/// What the query marks in the event; nothing when it is not found, or why the query cannot be used.
fn marks(query: &Query) -> String {
    let search = match Search::new(query) {
        Ok(search) => search,
        Err(error) => return format!("{error} ({})", error.help),
    };
    let event = flat::read(EVENT).unwrap();
    if !search.finds(&event, &mut Workspace::default()) {
        return String::new();
    }
    let hit = search.hit(&event, &[]);
    hit.marks.iter().map(|mark| mark.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[track_caller]
fn check_where(conditions: &[&str], expected: &str) {
    assert_eq!(
        marks(&Query { conditions: texts(conditions), ..Query::default() }),
        expected,
        "{conditions:?}"
    );
}

#[test]
fn conditions() {
    check_where(&[r"Image|endswith=\cmd.exe"], "Image");
    check_where(&[r"image|endswith=\CMD.exe", "CommandLine|contains|all=whoami"], "image CommandLine");
    check_where(&[r"Image|endswith=\cmd.exe", "CommandLine=x"], "");
    check_where(&["ProcessId=4711"], "ProcessId");
    check_where(&["ProcessId|gte=4000"], "ProcessId");
    check_where(&["ParentImage=null"], "ParentImage");
    check_where(&["User|exists=false"], "Image CommandLine ProcessId ParentImage");
    check_where(&["CommandLine=cmd *\\*"], "CommandLine");
    check_where(&["CommandLine|re=who.mi.*=?"], "CommandLine");
    check_where(&["Computer|startswith=ws01"], "Computer");
}

#[test]
fn texts_are_literal() {
    let of = |text: &str| marks(&Query { texts: texts(&[text]), ..Query::default() });
    assert_eq!(of("WHOAMI /ALL"), "CommandLine");
    assert_eq!(of("100%*"), "CommandLine");
    assert_eq!(of("whoami*all"), "");
    assert_eq!(of(r"system32\cmd"), "Image");
    let regex = Query { regexes: texts(&["(?i)SYSTEM32.cmd"]), ..Query::default() };
    assert_eq!(marks(&regex), "Image");
}

#[test]
fn joined_otherwise() {
    let query = |condition: Option<&str>, any: bool| Query {
        conditions: texts(&["ProcessId=1", "ProcessId=4711"]),
        texts: texts(&["whoami"]),
        exceptions: texts(&["Image|endswith=notepad.exe"]),
        condition: condition.map(str::to_owned),
        any,
        ..Query::default()
    };
    assert_eq!(marks(&query(None, false)), "");
    assert_eq!(marks(&query(None, true)), "CommandLine ProcessId");
    assert_eq!(marks(&query(Some("(w1 or w2) and t1 and not n1"), false)), "ProcessId CommandLine");
    assert_eq!(marks(&query(Some("1 of w* and t1 and not n1"), false)), "ProcessId CommandLine");
}

#[test]
fn only_exceptions_and_only_ids() {
    let exceptions = Query { exceptions: texts(&["Image|contains=cmd"]), ..Query::default() };
    assert_eq!(marks(&exceptions), "");
    let exceptions = Query { exceptions: texts(&["Image|contains=notepad"]), ..Query::default() };
    assert_eq!(marks(&exceptions), "Image CommandLine ProcessId ParentImage");
    for (ids, channel, host, is_found) in [
        (vec![], "", "", true),
        (vec![1, 2], "*sysmon*", "ws01", true),
        (vec![1], "microsoft-windows-sysmon/operational", "WS01.*", true),
        (vec![2], "", "", false),
        (vec![], "sysmon", "", true),
        (vec![], "Sysmon/Operational", "", false),
        (vec![], "", "WS02", false),
    ] {
        let list = |text: &str| if text.is_empty() { Vec::new() } else { texts(&[text]) };
        let (channels, hosts) = (list(channel), list(host));
        let query = Query { event_ids: ids.into_iter().collect(), channels, hosts, ..Query::default() };
        assert_eq!(!marks(&query).is_empty(), is_found, "{query:?}");
    }
}

/// In a category, fields have the names that rules use, whatever the event calls them.
#[test]
fn categories() {
    let audit = r#"{"Channel": "Security", "Provider_Name": "Microsoft-Windows-Security-Auditing", "EventID": 4688, "NewProcessName": "C:\\x\\cmd.exe"}"#;
    let query = |category: Option<&str>| Query {
        conditions: texts(&[r"Image|endswith=\cmd.exe"]),
        category: category.map(str::to_owned),
        ..Query::default()
    };
    let finds = |category: Option<&str>| {
        let search = Search::new(&query(category)).unwrap();
        search.finds(&flat::read(audit).unwrap(), &mut Workspace::default())
    };
    assert!(finds(Some("process_creation")) && !finds(None));
    let error = Search::new(&query(Some("nothing"))).unwrap_err();
    assert_eq!(error.to_string(), "`nothing`: is no category of events that Windows logs");
    assert!(error.help.contains("process_creation"));
}

#[test]
fn mistakes_are_told() {
    check_where(
        &["Image|endwith=x"],
        "`Image|endwith=x`: the modifier `endwith` is unknown (did you mean `endswith`?)",
    );
    check_where(
        &["Image"],
        r"`Image`: there is no `=` in it (write a field, modifiers if need be, and a value: `Image|endswith=\cmd.exe`)",
    );
    assert!(marks(&Query { regexes: texts(&["("]), ..Query::default() }).starts_with("`(`: "));
    let joined = |condition: &str| {
        let conditions = texts(&["A=1", "B=2"]);
        marks(&Query { conditions, condition: Some(condition.to_owned()), ..Query::default() })
    };
    assert!(
        joined("w1 and w3 and w2")
            .starts_with("`w1 and w3 and w2`: there is no `w3` (what is given is called w1, w2")
    );
    assert!(joined("w1").starts_with("`w1`: `w2` is not in it"));
    assert!(joined("w1 and (w2").contains("at character"));
}

#[test]
fn fields_that_no_event_has() {
    let search =
        Search::new(&Query { conditions: texts(&["Imgae=x", "Image=y"]), ..Query::default() }).unwrap();
    search.finds(&flat::read(EVENT).unwrap(), &mut Workspace::default());
    assert_eq!(search.unseen_fields(), ["Imgae"]);
}

/// A condition finds here what it finds as a rule.
#[test]
fn as_a_rule_would() {
    for (key, value) in [
        ("Image|endswith", r"\cmd.exe"),
        ("CommandLine", "*who?mi*"),
        ("ProcessId", "4711"),
        ("Image|re", r"cmd\.exe$"),
    ] {
        let text = format!(
            "title: x\nlogsource: {{product: windows}}\ndetection: {{a: {{{key}: '{value}'}}, condition: a}}\n"
        );
        let rules = Rules::load(
            &[RuleFile { path: "x".to_owned(), text }],
            &Pipelines::bundled().unwrap(),
            &Placeholders::default(),
        );
        let event = flat::read(EVENT).unwrap();
        let rule = |index: usize| rules.rules().get(index).map(|loaded| &loaded.rule);
        let mut matches = false;
        rules.router().matches_plainly(&event, &rule, &mut |_| matches = true);
        let query = Query { conditions: vec![format!("{key}={value}")], ..Query::default() };
        let finds = Search::new(&query).unwrap().finds(&event, &mut Workspace::default());
        assert_eq!((finds, matches), (true, true), "{key}={value}");
    }
}
