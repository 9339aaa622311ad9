//! Tests of messages: a message in, fields out.

use super::*;

const LAYOUTS: &str = r#"
[alias]
"Some long name." = "P"

[constant]
1833 = "Impersonation"
1842 = "Yes"
1793 = "<value not set>"
1844 = "System"
8272 = "System"
8448 = "Success removed"
8449 = "Success Added"
4416 = "ReadData (or ListDirectory)"
1801 = "Granted by"

[sid]
"S-1-5-18" = ['NT AUTHORITY\SYSTEM', 'SYSTEM']

[rid]
512 = ['Domain Admins']

[[event]]
provider = "P"
id = 1
until = ["This event is generated"]
labels = '''
Subject:
	Security ID: SubjectUserSid | sid
	Account Name: SubjectUserName
	Logon ID: SubjectLogonId
Level: ImpersonationLevel | constant
New Logon:
	Security ID: TargetUserSid | sid
	Account Name: TargetUserName
Process:
	Command Line: CommandLine
	Text: Text | lines
	Unknown: -
	User: {Domain}\{User}
	Accesses: AccessList | lines constant
'''

[[event]]
provider = "P"
id = 2
text = "The {param1} service entered the {param2} state."

[[event]]
provider = "P"
id = 3
text = '''
Creating text ({Number} of {Total}):
{Text | lines}

ID: {Id}
Path: {Path}'''

[[event]]
provider = "P"
id = 4

[[event]]
provider = "P"
id = 5
labels = '''
Kind: Kind | constant 8272
Command: Command
User: User
'''
"#;

#[track_caller]
fn check_of(provider: &str, id: u32, message: &str, expected: &str) {
    let mut event = Event::new();
    event.push(Place::System, "Provider_Name", Value::Text(provider));
    event.push_display(Place::System, &["EventID"], id);
    event.set_message(message);
    Messages::parse(&[LAYOUTS]).unwrap().fill(&mut event, &mut Templates::default());
    let mut found: Vec<String> = event.data().map(|(name, value)| format!("{name} {value:?}")).collect();
    found.extend(event.is_message_unread().then(|| "unread".to_owned()));
    let found: Vec<String> =
        found.iter().map(|line| line.replace("Text(", "").replace("\")", "\"")).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected, "{message}");
}

#[track_caller]
fn check(id: u32, message: &str, expected: &str) {
    check_of("P", id, message, expected);
    check_of("P", id, &message.replace('\n', "\r\n"), &expected.replace("\\n", "\\r\\n"));
}

#[test]
fn sections_tell_equal_labels_apart() {
    check(
        1,
        "A sentence.\n\nSubject:\n\tSecurity ID:\t\tSYSTEM\n\tAccount Name:\t\talice\n\tLogon ID:\t\t0x3E7\n\nLevel:\t\tImpersonation\n\nNew Logon:\n\tSecurity ID:\t\tLAB\\bob\n\tAccount Name:\t\tbob",
        r#"SubjectUserSid "S-1-5-18"
        SubjectUserName "alice"
        SubjectLogonId "0x3e7"
        ImpersonationLevel "%%1833"
        TargetUserSid "LAB\\bob"
        TargetUserName "bob""#,
    );
}

#[test]
fn groups_that_every_domain_has() {
    let sid = |name: &str, expected: &str| {
        check(1, &format!("Subject:\n\tSecurity ID:\t\t{name}"), &format!("SubjectUserSid {expected:?}"));
    };
    sid(r"LAB\Domain Admins", "S-1-5-21-?-512");
    sid("Domain Admins", "Domain Admins");
    sid(r"LAB\Domain Admins of Old", r"LAB\Domain Admins of Old");
}

#[test]
fn labels_may_be_missing_or_spaced_otherwise() {
    check(1, "New Logon :\n    Account Name:   bob", r#"TargetUserName "bob""#);
    check(1, "Subject:\n\tAccount Name:\t\t\n\tLogon ID:\t\t-", "SubjectUserName \"\"\nSubjectLogonId \"-\"");
    // A label out of its turn is none.
    check(1, "New Logon:\n\tAccount Name: a\nSubject:\n\tb", r#"TargetUserName "a\nSubject:\n\tb""#);
}

#[test]
fn values_hold_colons_and_blanks() {
    check(1, "Process:\n\tCommand Line:\tcmd /c: \"a\tb\"  ", r#"CommandLine "cmd /c: \"a\tb\"  ""#);
    check(1, "Process:\n\tUser: LAB\\bob", "Domain \"LAB\"\nUser \"bob\"");
    check(1, "Process:\n\tUser: bob\n\tAccesses: a", "AccessList \"a\"");
}

#[test]
fn values_of_many_lines() {
    check(
        1,
        "Process:\n\tCommand Line:\ta\nb: c\n\nThe closing paragraph.\nMore: of it.\n",
        r#"CommandLine "a\nb: c""#,
    );
    check(
        1,
        "Process:\n\tText:\n\n<a>\n\n  <b>\n\nThis event is generated when a thing happens.\n\nMore.\n",
        r#"Text "<a>\n\n  <b>""#,
    );
    check(1, "Process:\n\tText:\ta\n\tUnknown:\tb\nc", r#"Text "a""#);
}

#[test]
fn constants() {
    check(
        1,
        "Process:\n\tAccesses:\tReadData (or ListDirectory)\n\t\t\t\tOther\n\t\t\t\t\n\nEnd: x",
        r#"AccessList "%%4416\n\t\t\t\tOther\n\t\t\t\t\n\nEnd: x""#,
    );
    check(
        1,
        "Process:\n\tAccesses:\tReadData (or ListDirectory):\tGranted by\tD:(A;;;;;WD)",
        r#"AccessList "%%4416:\t%%1801\tD:(A;;;;;WD)""#,
    );
    check(1, "Level: Success removed, Success Added", r#"ImpersonationLevel "%%8448, %%8449""#);
    check(1, "Process:\n\tCommand Line:\t<value not set>", r#"CommandLine "%%1793""#);
    check(1, "Process:\n\tCommand Line:\t\u{200e}2022\u{200e}-\u{200e}08", r#"CommandLine "2022-08""#);
    check(1, "Process:\n\tCommand Line:\tYes", r#"CommandLine "Yes""#);
}

#[test]
fn labels_that_newer_versions_have_are_no_values() {
    check(
        1,
        "New Logon:\n\tAccount Name:\t\tbob\n\tGuard:\t\tNo\n\tNone:\nProcess:\n\tCommand Line:\t\tx\nfoo:\ty",
        "TargetUserName \"bob\"\nCommandLine \"x\\nfoo:\\ty\"",
    );
}

#[test]
fn labels_without_a_colon() {
    check(
        1,
        "Subject\n\tAccount Name\t\talice\nLevel\tYes",
        "SubjectUserName \"alice\"\nImpersonationLevel \"%%1842\"",
    );
}

/// What closes the message may stand in a value of many lines as well: the last that does is it.
#[test]
fn a_value_of_many_lines_ends_where_the_message_is_closed() {
    let closing = "\n\nThis event is generated when a text is.\n\nAnd so on.";
    let message = |text: &str| format!("Process:\n\tText:\t\t{text}{closing}");
    check(1, &message("a\n\nb"), "Text \"a\\n\\nb\"");
    check(1, &message("a\n\nThis event is generated\nb"), "Text \"a\\n\\nThis event is generated\\nb\"");
    check(1, &message("a"), "Text \"a\"");
    check(
        1,
        "Process:\n\tText:\t\ta\n\nThis event is generated by b\n\tAccesses:\tReadData (or ListDirectory)",
        "Text \"a\\n\\nThis event is generated by b\"\nAccessList \"%%4416\"",
    );
}

#[test]
fn without_sections_a_value_goes_on_until_the_next_label() {
    check(5, "A:\nCommand: a\n\nb\n\nUser: c\n\nd\n", "Command \"a\\n\\nb\"\nUser \"c\"");
}

#[test]
fn of_equal_meanings_the_nearest_is_it() {
    check(5, "Kind: System", r#"Kind "%%8272""#);
    check(1, "Level: System", r#"ImpersonationLevel "%%1844""#);
}

#[test]
fn sentences() {
    check(2, "The A service entered the  B \nstate.\n", "param1 \"A\"\nparam2 \"B\"");
    check(2, "The service service entered the x state state.", "param1 \"service\"\nparam2 \"x state\"");
    check(
        3,
        "Creating text (1 of 2):\nID: a\n\nPath: b\n\n\nID: 7\nPath: ",
        "Number \"1\"\nTotal \"2\"\nText \"ID: a\\n\\nPath: b\"\nId \"7\"\nPath \"\"",
    );
}

#[test]
fn what_does_not_fit_is_unread() {
    check(1, "A new process has been created: C:\\x.exe", "unread");
    check(2, "The A service entered the B state. And more.", "unread");
    check(3, "Creating text (1 of 2)", "unread");
    check(9, "Whatever.", "unread");
    check(4, "Whatever.", "");
    check(1, "", "unread");
    check_of("Q", 2, "The A service entered the B state.", "unread");
    check_of("Some long name.", 2, "The A service entered the B state.", "param1 \"A\"\nparam2 \"B\"");
}

#[test]
fn what_the_event_has_stays() {
    let mut event = Event::new();
    event.push(Place::System, "Provider_Name", Value::Text("P"));
    event.push(Place::System, "EventID", Value::Text("1"));
    event.push(Place::Data, "User", Value::Text("SYSTEM"));
    event.push(Place::Data, "CommandLine", Value::Text("a"));
    event.set_message("Process:\n\tCommand Line: b\n\tText: c\n\tUser: LAB\\bob");
    Messages::parse(&[LAYOUTS]).unwrap().fill(&mut event, &mut Templates::default());
    let found: Vec<_> = event.data().map(|(name, value)| (name, value.text().unwrap())).collect();
    assert_eq!(found, [("CommandLine", "a"), ("Text", "c"), ("Domain", "LAB"), ("User", "bob")]);
}

#[test]
fn layouts_that_cannot_be_used() {
    let check = |layout: &str, expected: &str| {
        let text = format!("[[event]]\nprovider = \"P\"\nid = 7\n{layout}");
        assert_eq!(Messages::parse(&[&text]).unwrap_err().to_string(), expected);
    };
    check("labels = \"x\"", "event 7 of `P`: `x` has no colon");
    check("labels = \"x: y | z\"", "event 7 of `P`: `z` says nothing about a field");
    check("text = \"{a}{b}\"", "event 7 of `P`: there is nothing between two fields");
    check("text = \"{a\"", "event 7 of `P`: a brace is not closed");
    check("text = \"{}\"", "event 7 of `P`: a field has no name");
    check("labels = \"\"\ntext = \"\"", "event 7 of `P`: it has both `labels` and `text`");
}

/// What a message of the security log gives by the bundled layouts.
#[track_caller]
fn check_security(id: u32, message: &str, expected: &[(&str, &str)]) {
    let mut event = Event::new();
    event.push(Place::System, "Provider_Name", Value::Text("Microsoft-Windows-Security-Auditing"));
    event.push_display(Place::System, &["EventID"], id);
    event.set_message(message);
    Messages::bundled().fill(&mut event, &mut Templates::default());
    let found: Vec<_> = event.data().collect();
    let expected: Vec<_> = expected.iter().map(|(name, value)| (*name, Value::Text(value))).collect();
    assert_eq!(found, expected, "{message}");
}

#[test]
fn logons_of_every_version_of_windows() {
    let start = "An account was successfully logged on.\r\n\r\nSubject:\r\n\tAccount Name:\t\tada\r\n\r\n";
    let end = "\r\n\r\nNew Logon:\r\n\tAccount Name:\t\tbob\r\n\r\nThis event is generated when a logon session is created.";
    check_security(
        4624,
        &format!("{start}Logon Type:\t\t\t9{end}"),
        &[("SubjectUserName", "ada"), ("LogonType", "9"), ("TargetUserName", "bob")],
    );
    check_security(
        4624,
        &format!(
            "{start}Logon Information:\r\n\tLogon Type:\t\t10\r\n\tRestricted Admin Mode:\tNo\r\n\tRemote Credential Guard:\tYes\r\n\tElevated Token:\t\tYes{end}"
        ),
        &[
            ("SubjectUserName", "ada"),
            ("LogonType", "10"),
            ("RestrictedAdminMode", "%%1843"),
            ("RemoteCredentialGuard", "%%1842"),
            ("ElevatedToken", "%%1842"),
            ("TargetUserName", "bob"),
        ],
    );
}

#[test]
fn processes_of_every_version_of_windows() {
    let process = "\r\n\tAccount Name:\t\tada\r\n\r\nProcess Information:\r\n\tNew Process Name:\tC:\\x.exe\r\n\tProcess Command Line:\tx \"a\r\n\r\nb\"\r\n\r\nToken Elevation Type indicates the type of token.";
    for who in ["Subject", "Creator Subject"] {
        check_security(
            4688,
            &format!("A new process has been created.\r\n\r\n{who}:{process}"),
            &[
                ("SubjectUserName", "ada"),
                ("NewProcessName", "C:\\x.exe"),
                ("CommandLine", "x \"a\r\n\r\nb\""),
            ],
        );
    }
}

#[test]
fn the_bundled_layouts_can_be_read() {
    let messages = Messages::parse(&BUNDLED).unwrap();
    assert!(messages.knows("Microsoft-Windows-Security-Auditing", 4720));
    assert!(messages.knows("service control manager", 7045));
}

mod templates {
    use proptest::prelude::*;

    use super::*;

    fn filled(messages: &Messages, text: &str, templates: &mut Templates) -> String {
        let mut event = Event::new();
        event.push(Place::System, "Provider_Name", Value::Text("P"));
        event.push(Place::System, "EventID", Value::Text("1"));
        event.set_message(text);
        messages.fill(&mut event, templates);
        format!("{event}unread {}", event.is_message_unread())
    }

    /// A line of a message, or what may stand in its place.
    fn line() -> impl Strategy<Value = String> {
        let label = prop::sample::select(vec![
            "Subject:",
            "\tSecurity ID:\t",
            "\tAccount Name:",
            "\tLogon ID:",
            "Level:",
            "New Logon:",
            "Process:",
            "\tCommand Line:",
            "\tText:",
            "\tUnknown:",
            "\tUser:",
            "",
            "This event is generated",
            "Other:",
        ]);
        let value = prop::sample::select(vec![
            "",
            "\t\talice",
            "\tbob",
            "\t0x3E7",
            "\tLevel: x",
            "\t-",
            "\tD\\u",
            "\t \u{a0}x",
            "\ta\rb",
        ]);
        (label, value).prop_map(|(label, value)| format!("{label}{value}"))
    }

    proptest! {
        /// What was read before changes nothing.
        #[test]
        fn a_message_is_read_alike_after_others(
            lines in prop::collection::vec(line(), 0..8),
            others in prop::collection::vec((0_usize..8, line()), 1..8),
            end in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let messages = Messages::parse(&[LAYOUTS]).unwrap();
            let mut templates = Templates::default();
            let mut lines = lines;
            for (place, other) in others {
                let text = lines.join(end);
                let fresh = filled(&messages, &text, &mut Templates::default());
                prop_assert_eq!(filled(&messages, &text, &mut templates), fresh, "{:?}", text);
                // The next message is another in one line.
                match lines.get_mut(place) {
                    Some(line) => *line = other,
                    None => lines.push(other),
                }
            }
        }
    }

    #[test]
    fn a_message_with_other_values_is_read_by_the_template() {
        let messages = Messages::parse(&[LAYOUTS]).unwrap();
        let text = |name: &str| {
            format!(
                "Logon.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\tAccount Name:\t\t{name}\r\n\r\nLevel:\t\t\r\n"
            )
        };
        let mut templates = Templates::default();
        filled(&messages, &text("alice"), &mut templates);
        let mut found = Vec::new();
        let kind = messages.kind("P", 1).unwrap();
        let layout = &messages.kinds[kind][0];
        assert!(templates.read(kind, layout, &text("bob: x"), &mut found));
        assert_eq!(found.len(), 3);
        assert!(!templates.read(kind, layout, &text("bob\r\nand more"), &mut found));
        assert!(found.is_empty());
    }
}
