//! What is told of events that come again is what is told of each when all rules are asked about it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::num::NonZero;
use std::path::Path;

use evtmap::alert::Alert;
use evtmap::input;
use evtmap::policy::Policy;
use evtmap::rules::{self, RuleFile};
use evtmap::{Associations, Catalogue, Findings, Pipelines, Placeholders, Rules, ScanOptions, Scanner, Sink};

use crate::shared;

/// Takes what alerts say, all but where it lies in memory.
#[derive(Default)]
struct Taken(Vec<String>);

impl Sink for Taken {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let Alert { finding, event, correlation, derived, evidence } = alert;
        self.0.push(format!("{} {event:?} {correlation:?} {derived:?} {evidence:?}", finding.title()));
        Ok(())
    }
}

/// Looks at logs with and without what is remembered of events. A policy, even one that says nothing, is shown
/// each, and so each is asked about. Gives the alerts.
#[track_caller]
fn check(files: &[RuleFile], logs: &Path) -> Vec<String> {
    let rules = Rules::load(files, &Pipelines::bundled().unwrap(), &Placeholders::default());
    let catalogue = Catalogue::bundled();
    let findings = Findings::new(&rules, Associations::bundled().unwrap(), &catalogue);
    let found = input::find([logs]);
    let policy = Policy::default();
    let scan = |threads: usize, policy: Option<&Policy>| {
        let options = ScanOptions { threads: NonZero::new(threads).unwrap(), ..ScanOptions::default() };
        let mut taken = Taken::default();
        let account = Scanner::new(&rules, &findings, options).with_policy(policy).scan(&found, &mut taken);
        let account = account.unwrap();
        (taken.0, format!("{:?} {:?}", account.files, account.remarks))
    };
    let expected = scan(1, Some(&policy));
    for threads in [1, 3] {
        let own = scan(threads, None);
        for (own, expected) in own.0.iter().zip(&expected.0) {
            assert_eq!(own, expected, "{threads} threads");
        }
        assert!(own == expected, "{threads} threads: {} and {} alerts", own.0.len(), expected.0.len());
    }
    expected.0
}

/// Rules that ask for what passes, and rules that do not, each for events of its own.
const RULES: &str = r"
title: Lasting
logsource: {product: windows, service: security}
detection: {a: {EventID: 1, User: [a, b]}, condition: a}
---
title: Odd number
logsource: {product: windows, service: security}
detection: {a: {EventID: 2, EventRecordID|endswith: ['1', '3', '5', '7', '9']}, condition: a}
---
title: At eight
logsource: {product: windows, service: security}
detection: {a: {EventID: 3, TimeCreated_SystemTime|hour: 8}, condition: a}
---
title: By a process
logsource: {product: windows, service: security}
detection: {a: {EventID: 4}, b: {Execution_ProcessID|lt: 104}, condition: a and not b}
---
title: Word
logsource: {product: windows, service: system}
detection: {k: [mimikatz], condition: k}
---
title: Number
logsource: {product: windows, service: application}
detection: {k: ['*T08:3*', 'x1x'], condition: k}
---
title: Member
name: member
logsource: {product: windows, service: security}
detection: {a: {EventID: 5}, condition: a}
---
title: Many
correlation: {type: event_count, rules: [member], group-by: [User], timespan: 10m, condition: {gte: 3}}
---
title: Member of a process
name: of_process
logsource: {product: windows, service: security}
detection: {a: {EventID: 6}, condition: a}
---
title: Many of a process
correlation:
    type: event_count
    rules: [of_process]
    group-by: [execution_processid]
    timespan: 10m
    condition: {gte: 3}
---
title: Numbers
correlation:
    type: value_count
    rules: [of_process]
    timespan: 1m
    condition: {field: EventRecordID, gte: 2}
";

#[test]
fn rules_that_ask_for_what_passes_are_asked() {
    let mut log = String::new();
    for n in 0..600_u32 {
        let (hour, minute, second) = (7 + n / 300, n / 10 % 60, n % 60);
        let channel = match n % 11 {
            0 => "System",
            1 => "Application",
            2 => "Microsoft-Windows-PowerShell/Operational",
            _ => "Security",
        };
        // Now and then the time is something that no Windows writes, and a keyword.
        let time = match n % 97 {
            0 => format!("mimikatz {n}"),
            _ => format!("2026-03-02T{hour:02}:{minute:02}:{second:02}.000Z"),
        };
        let word = if n % 22 == 0 { "mimikatz" } else { "x" };
        writeln!(
            log,
            r#"{{"EventID": {}, "Channel": "{channel}", "EventRecordID": {n}, "TimeCreated_SystemTime": "{time}", "Execution_ProcessID": {}, "Execution_ThreadID": {}, "Hostname": "WS01", "User": "{}", "Word": "{word}"}}"#,
            n % 6 + 1,
            100 + n % 8,
            n * 7 % 1013,
            ["a", "b", "c"][(n / 5 % 3) as usize],
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    fs::write(&path, log).unwrap();
    let check = |text: &str, titles: &[&str]| {
        let alerts = check(&[RuleFile { path: "rules.yml".to_owned(), text: text.to_owned() }], &path);
        for title in titles {
            let n = alerts.iter().filter(|alert| alert.starts_with(&format!("{title} "))).count();
            assert!(n > 3, "{title}: {n}");
        }
    };
    check(
        RULES,
        &[
            "Lasting",
            "Odd number",
            "At eight",
            "By a process",
            "Word",
            "Number",
            "Many",
            "Many of a process",
            "Numbers",
        ],
    );
    // A rule that asks for what passes has all events asked about that it may be about.
    let lasting: Vec<_> =
        RULES.split("---").filter(|rule| !PASSING.iter().any(|it| rule.contains(it))).collect();
    assert_eq!(lasting.len(), 5);
    check(&lasting.join("---"), &["Lasting", "Word", "Many", "Member of a process"]);
    // A correlation that asks for it has the events asked about that it counts, though its rules do not.
    let (_, of_process) = RULES.split_once("title: Member of a process").unwrap();
    for (title, other) in [("Many of a process", "Numbers"), ("Numbers", "Many of a process")] {
        let mut rules: Vec<_> = of_process.split("---").collect();
        rules.retain(|rule| !rule.contains(other));
        check(&format!("title: Member of a process{}", rules.join("---")), &[title]);
    }
}

/// What stands in the rules that ask for what passes.
const PASSING: [&str; 6] =
    ["EventRecordID", "SystemTime", "ProcessID", "'*T08", "ThreadID", "execution_processid"];

/// The rows of a table differ in the time alone, and those of two tables in nothing else than that.
#[test]
fn rows_of_tables() {
    let folder = tempfile::tempdir().unwrap();
    for (name, header) in
        [("a.csv", "Date and Time,Event ID,Source,User"), ("b.csv", "Event ID,Date and Time,Source,User")]
    {
        let mut table = format!("{header}\n");
        for n in 0..4000_u32 {
            let (time, id) =
                (format!("3/2/2026 {}:{:02}:{:02} AM", 1 + n / 3600, n / 60 % 60, n % 60), 4620 + n % 9);
            let (first, second) =
                if name == "a.csv" { (time, id.to_string()) } else { (id.to_string(), time) };
            let source = "Microsoft-Windows-Security-Auditing";
            // More users than can be known at once.
            let user = if n % 2 == 0 { n / 7 % 3 } else { n };
            writeln!(table, "{first},{second},{source},u{user}").unwrap();
        }
        fs::write(folder.path().join(name), table).unwrap();
    }
    let rule = |title: &str, detection: &str| {
        format!(
            "title: {title}\nlogsource: {{product: windows, service: security}}\ndetection: {detection}\n"
        )
    };
    let rules = [
        rule("Some", "{a: {EventID: [4621, 4624], User: [u1, u2]}, condition: a}"),
        rule("Without", "{a: {EventID: 4622}, b: {ServiceName|exists: true}, condition: a and not b}"),
    ];
    let file = RuleFile { path: "rules.yml".to_owned(), text: rules.join("---\n") };
    assert!(check(&[file], folder.path()).len() > 1000);
}

#[test]
fn the_example_incident() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/incident");
    assert!(check(&rules::bundled().unwrap(), &logs).len() > 1000);
}

#[test]
fn recorded_attacks() {
    let Some(logs) = shared("data/evtx") else { return };
    assert!(check(&rules::bundled().unwrap(), &logs).len() > 10_000);
}
