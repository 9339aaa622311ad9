//! The configuration: found, checked, shown, and what it does to reports.

use std::fs;

use serde_json::Value;

use crate::program::Folder;
use crate::sample;

fn folder(config: &str) -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::log()).with("evtmap.toml", config)
}

const MAP: &str = "map log.evtx --rules rules.yml --no-associations";

const POLICY: &str = r#"
[host-groups]
important = ["WS0?"]

[critical]
host-groups = ["important"]
accounts = ["nobody"]

[[severity]]
rules = ["Odd Program"]
hosts = ["WS02"]
severity = "high"
reason = "odd is bad there"

[[exclusion]]
name = "one"
reason = "ticket 1"
expires = 2026-08-10
rules = ["Bad Program"]
fields = { "CommandLine|endswith" = "ONE" }

[[exclusion]]
name = "old"
reason = "ticket 2"
expires = 2026-08-09
hosts = ["WS02"]
"#;

/// The day of the tests is 2026-08-10.
#[test]
fn what_it_does_to_reports() {
    let folder = folder(POLICY);
    let run = folder
        .check(&format!("{MAP} -o a.json -o a.csv -o a.md -o a.sarif -o a.navigator.json -o a.parquet"), 0);
    let report: Value = serde_json::from_str(&folder.read("a.json")).unwrap();
    let alerts: Vec<String> = (report["alerts"].as_array().unwrap().iter())
        .map(|alert| {
            format!(
                "{} {} {} {}",
                alert["rule"]["title"], alert["rule"]["level"], alert["severity"], alert["severity_override"]
            )
        })
        .collect();
    assert_eq!(
        alerts,
        [
            r#""Odd Program" "low" "critical" {"from":"low","because":["odd is bad there","critical host"]}"#,
            r#""Bad Program" "high" "critical" {"from":"high","because":["critical host"]}"#,
        ]
    );
    let excluded = &report["not_looked_at"]["excluded"];
    assert_eq!((&excluded[0]["matches"], &excluded[0]["expired"]), (&Value::from(1), &Value::from(false)));
    assert_eq!((&excluded[1]["matches"], &excluded[1]["expired"]), (&Value::from(0), &Value::from(true)));
    assert_eq!(report["summary"]["severity_overrides"], 2);
    assert!(run.out.contains("evtmap.toml, 2 alerts with another severity\n"), "{}", run.out);
    assert!(run.out.contains("1 match excluded by `one` until 2026-08-10: ticket 1\n"), "{}", run.out);
    assert!(run.out.contains("exclusion `old` expired on 2026-08-09 and no longer applies\n"), "{}", run.out);
    assert!(folder.read("a.md").contains("| 1 match | excluded by"), "{}", folder.read("a.md"));
    let sarif: Value = serde_json::from_str(&folder.read("a.sarif")).unwrap();
    let notes = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notes[0]["message"]["text"], "1 match: excluded by `one` until 2026-08-10: ticket 1");
    let layer = folder.read("a.navigator.json");
    assert!(layer.contains("; 1 match excluded by `one` until 2026-08-10: ticket 1; 0 matches"), "{layer}");
    let table = fs::read(folder.path().join("a.parquet")).unwrap();
    let metadata = String::from_utf8_lossy(&table);
    for told in ["evtmap.excluded.one", "1 match: excluded by `one` until 2026-08-10: ticket 1"] {
        assert!(metadata.contains(told), "{told}");
    }
    folder.check(&format!("{MAP} --no-config -o b.csv"), 0);
    assert_eq!(folder.read("a.csv").lines().next(), folder.read("b.csv").lines().next());
    assert_eq!(folder.read("b.csv").lines().count(), 4);
}

#[test]
fn found_above_or_named() {
    let folder = folder("[rules]\npaths = [\"rules.yml\"]\n").with("below/log.evtx", sample::log());
    let mut command = folder.command("map log.evtx --no-associations -o a.csv");
    let run = crate::program::Run::of(command.current_dir(folder.path().join("below")).output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(folder.read("below/a.csv").lines().count(), 4);
    let run = folder.check("map log.evtx --config missing.toml", 2);
    assert!(run.err.contains("error: cannot use `missing.toml`"), "{}", run.err);
}

#[track_caller]
fn check_error(config: &str, error: &str, help: &str) {
    for command in ["config check", MAP] {
        let run = folder("").with("c.toml", config).check(&format!("{command} --config c.toml"), 2);
        assert!(run.err.contains(&format!("error: `c.toml`, {error}\n")), "{}", run.err);
        assert!(run.err.contains(&format!("help: {help}")), "{}", run.err);
    }
}

#[test]
fn what_is_wrong_and_where() {
    check_error("[exclusoin]\n", "line 1, column 2: unknown key `exclusoin`", "did you mean `exclusion`?");
    check_error(
        "[[severity]]\nseverity = 'low'\nhots = ['x']\n",
        "line 3, column 1: unknown key `hots`",
        "did you mean `hosts`?",
    );
    check_error(
        "[[severity]]\nseverity = 'hgh'\n",
        "line 2, column 12: `hgh` is not known here",
        "did you mean `high`?",
    );
    check_error(
        "[host-groups]\nservers = []\n[critical]\nhost-groups = ['server']\n",
        "line 4, column 16: there is no group of hosts `server`",
        "did you mean `servers`?",
    );
    check_error(
        "[[exclusion]]\nname = 'a'\nreason = 'b'\n",
        "line 1, column 1: the exclusion `a` would hide every alert",
        "name `rules`, ",
    );
    check_error(
        "[profiles.a]\noutputs = ['a.csv']\nformat = 'bogus'\n",
        "line 3, column 10: `bogus` is not known here",
        "what may stand here: bulk, csv, ecs, ",
    );
    check_error(
        "[profiles.a]\noutputs = ['-']\nformat = 'jsn'\n",
        "line 3, column 10: `jsn` is not known here",
        "did you mean `json`?",
    );
    check_error(
        "[[exclusion]]\nname = 'a'\nreason = 'b'\nfields = { 'A|nonsense' = 1 }\n",
        "line 4, column 10: the modifier `nonsense` is unknown",
        "fields, modifiers and values are written as in a Sigma rule",
    );
    check_error(
        "[critical]\nsteps = 9\n",
        "line 2, column 9: `steps = 9` is not a number of steps",
        "it is 1, ",
    );
}

/// A pattern of wildcards alone is no condition; beside one it does no harm.
#[test]
fn exclusions_that_would_hide_every_alert() {
    let exclusion = |rest: &str| format!("[[exclusion]]\nname = 'a'\nreason = 'b'\n{rest}\n");
    for rest in [
        "hosts = ['*']",
        "hosts = ['DC01', '**']",
        "accounts = ['?*']",
        "hosts = ['*']\naccounts = ['*']",
        "fields = { EventID = '*' }",
        "fields = { EventID = ['4688', '*'], 'Image|contains' = '*' }",
        "hosts = ['*']\nfields = { EventID = '*' }",
        "filter = '{title: f, filter: {rules: any, a: {EventID: \"*\"}, condition: not a}}'",
    ] {
        check_error(
            &exclusion(rest),
            "line 1, column 1: the exclusion `a` would hide every alert",
            "everything fits a pattern of wildcards alone, such as `*`; ",
        );
    }
    for rest in [
        "hosts = ['*']\nrules = ['Odd Program']",
        "hosts = ['*']\nfields = { EventID = 4688 }",
        "hosts = ['DC*']\nfields = { EventID = '*' }",
        "hosts = ['????']",
        "accounts = ['CORP\\*']",
        "fields = { EventID = '*', 'CommandLine|endswith' = 'one' }",
        "filter = '{title: f, logsource: {service: security}, filter: {rules: any, a: {N: \"*\"}, condition: not a}}'",
    ] {
        let config = format!("rules.paths = ['rules.yml']\n{}", exclusion(rest));
        folder(&config).check("config check", 0);
    }
}

#[test]
fn profiles() {
    let folder = folder(
        "[profiles.short]\noutputs = ['p.csv']\nfields = ['host', 'timestamp']\nmin-severity = 'high'\nsort = 'time'\ntimezone = 'Europe/Berlin'\n",
    );
    folder.check(&format!("{MAP} --profile short"), 0);
    assert_eq!(
        folder.read("p.csv"),
        "host,timestamp\nWS01,2026-03-02T09:02:00+01:00\nWS02,2026-03-02T09:04:00+01:00\n"
    );
    folder.check(&format!("{MAP} --profile short --min-severity low --timezone UTC -o q.csv"), 0);
    assert_eq!(
        folder.read("q.csv"),
        "host,timestamp\nWS01,2026-03-02T08:02:00Z\nWS02,2026-03-02T08:03:00Z\nWS02,2026-03-02T08:04:00Z\n"
    );
    // What the profile says of columns is for its own outputs; what the user says must be for some.
    folder.check(&format!("{MAP} --profile short -o only.html"), 0);
    let run = folder.check(&format!("{MAP} --profile short --format json -o -"), 0);
    assert!(run.out.contains("\"rule\""), "{}", run.out);
    folder.check(&format!("{MAP} --profile short -o only.html -o r.csv"), 0);
    assert_eq!(folder.read("r.csv").lines().next(), Some("host,timestamp"));
    let run = folder.check(&format!("{MAP} --profile short --fields host -o only.html"), 2);
    assert!(run.err.contains("error: no report takes `--fields`"), "{}", run.err);
    let run = folder.check(&format!("{MAP} --profile shrt"), 2);
    assert!(run.err.contains("error: there is no profile `shrt`\n"), "{}", run.err);
    assert!(run.err.contains("help: did you mean `short`?"), "{}", run.err);
    // A column that there is not is told by the check, also where no report would have it.
    let config = "[profiles.a]\noutputs = ['a.html']\nfields = ['hots']\n";
    let run = folder.with("c.toml", config).check("config check --config c.toml", 2);
    assert!(run.err.contains("error: `c.toml`, profile `a`: `--fields hots` names no column"), "{}", run.err);
}

#[test]
fn show_check_and_init() {
    let empty = Folder::new();
    empty.check("config init", 0);
    let run = empty.check("config init", 2);
    assert!(run.err.contains("error: `evtmap.toml` is there already"), "{}", run.err);
    let run = empty.check("config check", 0);
    assert!(run.out.ends_with("evtmap.toml: right\n"), "{}", run.out);
    let folder = folder(POLICY);
    let run = folder.check("config check", 0);
    assert!(
        run.out.contains("note: exclusion `old` expired on 2026-08-09 and no longer applies\n"),
        "{}",
        run.out
    );
    let run = folder.check("config show --config evtmap.toml", 0);
    assert_eq!(run.out, SHOWN);
}

/// A rule that is misspelt, or not used, would be about nothing, and nobody would notice.
#[test]
fn rules_that_are_not_there() {
    const ELSEWHERE: &str = "title: Elsewhere\nlogsource: {product: linux}\n\
        detection: {selection: {a: b}, condition: selection}\n";
    let config = r#"
        rules.paths = ["rules.yml", "elsewhere.yml"]
        [[severity]]
        rules = ["odd program", "Od Program", "Elsewhere", "Account logged on"]
        severity = "high"
        [[exclusion]]
        name = "one"
        reason = "ticket 1"
        expires = 2027-01-01
        rules = ["00000000-0000-4000-8000-000000000000"]
    "#;
    let run = folder(config).with("elsewhere.yml", ELSEWHERE).check("config check", 0);
    let notes: Vec<&str> = run.out.lines().skip(1).collect();
    assert_eq!(
        notes,
        [
            "note: a severity names the rule `Od Program`, and none that is used has this title or id; did you \
             mean `Odd Program`?",
            "note: a severity names the rule `Elsewhere`, which is not used: not about Windows",
            "note: exclusion `one` names the rule `00000000-0000-4000-8000-000000000000`, and none that is used has \
             this title or id",
        ]
    );
}

/// What `map` refuses is not right.
#[test]
fn what_the_check_refuses_as_map_does() {
    for (config, error, help) in [
        ("[input]\ntimezone = 'Mars'\n", "`--input-timezone Mars` is not a time zone", "write UTC, "),
        (
            "[input]\ndate-format = 'foo'\n",
            "`--date-format foo` is not the form of a date and time",
            "write day-first, ",
        ),
        ("rules.paths = ['sub']\n", "cannot read rules from `sub`: ", ""),
        ("attack.path = 'evtmap.toml'\n", "cannot use `evtmap.toml` as ATT&CK: ", ""),
        ("rules.pipelines = ['rules.yml']\n", "cannot use `rules.yml` as a pipeline: ", ""),
    ] {
        let folder = folder(config).with("sub/readme.txt", "none");
        let run = folder.check("config check --config evtmap.toml", 2);
        assert!(run.err.contains("error: `evtmap.toml`") && run.err.contains(error), "{}", run.err);
        assert!(run.err.contains(help), "{}", run.err);
        let run = folder.check("map log.evtx --config evtmap.toml", 2);
        assert!(run.err.contains(&format!("error: {error}")), "{}", run.err);
    }
}

/// Techniques and tags that no alert can have.
#[test]
fn techniques_and_tags_that_are_not_there() {
    let config = r#"
        rules.paths = ["rules.yml"]
        attack.path = "attack.json"
        [[severity]]
        techniques = ["T1OO3", "t1059.003", "banana", "typing command", "T1O59.oo3", "TA0002"]
        tags = ["attack.nope", "ATTACK.Execution", "attack.exection", "attack.tl105", "own.word"]
        severity = "high"
    "#;
    let folder = folder(config).with("attack.json", sample::ATTACK);
    let run = folder.check("config check", 0);
    let notes: Vec<&str> = run.out.lines().skip(1).collect();
    assert_eq!(
        notes,
        [
            "note: a severity names the technique `T1OO3`, which enterprise-attack 99.9 of 2030-01-01 does not have",
            "note: a severity names the technique `banana`, which enterprise-attack 99.9 of 2030-01-01 does not have",
            "note: a severity names the technique `typing command`, which enterprise-attack 99.9 of 2030-01-01 does \
             not have; did you mean `T1059.003`?",
            "note: a severity names the technique `T1O59.oo3`, which enterprise-attack 99.9 of 2030-01-01 does not \
             have; did you mean `T1059.003`?",
            "note: a severity names the technique `TA0002`, which enterprise-attack 99.9 of 2030-01-01 does not have",
            "note: a severity names the tag `attack.nope`, which no rule in use has",
            "note: a severity names the tag `attack.exection`, which no rule in use has; did you mean \
             `attack.execution`?",
            "note: a severity names the tag `attack.tl105`, which no rule in use has; did you mean `attack.t1105`?",
            "note: a severity names the tag `own.word`, which no rule in use has",
        ]
    );
    let config = "[[severity]]\ntechniques = ['T1086', 'T1OO3']\nseverity = 'low'\n";
    let run = folder.with("c.toml", config).check("config check --config c.toml", 0);
    assert!(run.out.contains("the technique `T1086`, and enterprise-attack "), "{}", run.out);
    assert!(run.out.contains(" has `T1059.001` in its place\n"), "{}", run.out);
    assert!(run.out.contains("does not have; did you mean `T1003`?\n"), "{}", run.out);
}

const SHOWN: &str = "\
evtmap.toml
  hosts `important`    WS0?
  critical hosts       important
  critical accounts    nobody

Severities  the most specific holds
severity  for                            because
high      rules Odd Program; hosts WS02  odd is bad there

Exclusions
name  until                 for                          because
one   2026-08-10            rules Bad Program; 1 filter  ticket 1
old   2026-08-09 (expired)  hosts WS02                   ticket 2
";
