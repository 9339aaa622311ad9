//! Policies and events in, alerts and accounts out.

use evtmap_sigma::{Collection, Placeholders};
use serde_json::json;

use super::*;
use crate::alert::Alert;
use crate::input;
use crate::report::{AlertLine, TimeStyle};
use crate::rules::RuleFile;
use crate::{Associations, Catalogue, Findings, Pipelines, Rules, ScanOptions, Scanner, Sink};

const RULES: &str = "\
title: Shell
id: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0001
name: shell
level: medium
tags: [attack.execution, attack.t1059.003]
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine|contains: bad
    condition: selection
---
title: Shells
correlation:
    type: event_count
    rules: [shell]
    group-by: [Computer]
    timespan: 1h
    generate: true
    condition: {gte: 2}
level: high
";

const EVENTS: [(&str, &str, &str); 3] =
    [("DC01.corp.example", "ada", "bad one"), ("WS01", "bob", "bad two"), ("WS01", "bob", "bad three")];

struct Lines(Vec<String>);

impl Sink for Lines {
    fn alert(&mut self, alert: &Alert) -> std::io::Result<()> {
        let times = TimeStyle::default();
        let line = serde_json::to_value(AlertLine::of(alert, &times))?;
        let because = line.get("severity_override").map_or(String::new(), |own| {
            format!(" instead of {}: {}", own["from"].as_str().unwrap(), own["because"])
        });
        let (host, what) = (&alert.event.said.computer, alert.finding.title());
        self.0.push(format!("{what} on {host}: {}{because}", line["severity"].as_str().unwrap()));
        Ok(())
    }
}

/// What is told of the events under a policy, and of the policy.
#[track_caller]
fn check(policy: &Policy, expected: &str) {
    let log = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    let lines = EVENTS.iter().map(|(computer, user, command)| {
        let event = json!({
            "EventID": 4688, "Channel": "Security", "Computer": computer, "SubjectUserName": user,
            "SubjectDomainName": "CORP", "CommandLine": command, "@timestamp": "2026-03-02T08:00:00Z",
            "Provider": "Microsoft-Windows-Security-Auditing",
        });
        event.to_string() + "\n"
    });
    std::fs::write(log.path(), lines.collect::<String>()).unwrap();
    let file = RuleFile { path: "rules.yml".into(), text: RULES.into() };
    let rules = Rules::load(&[file], &Pipelines::bundled().unwrap(), &Placeholders::default());
    let findings = Findings::new(&rules, Associations::bundled().unwrap(), &Catalogue::bundled());
    let options = ScanOptions { associations: false, ..ScanOptions::default() };
    let mut sink = Lines(Vec::new());
    let scanner = Scanner::new(&rules, &findings, options).with_policy(policy);
    let account = scanner.scan(&input::find([log.path()]), &mut sink).unwrap().policy;
    sink.0.extend(account.exclusions.iter().map(|own| format!("{} {}", own.n_hidden, own.told())));
    assert_eq!(sink.0.join("\n"), expected);
}

fn severity(severity: Severity, scope: Scope, reason: &str) -> Override {
    Override { scope, severity, reason: reason.to_owned() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn hosts(glob: &str) -> Vec<HostGlob> {
    vec![HostGlob::new(glob)]
}

fn exclusion(name: &str, scope: Scope) -> Exclusion {
    let (name, reason) = (name.to_owned(), "known".to_owned());
    Exclusion { name, reason, expires: None, scope, filters: Vec::new() }
}

const AS_IT_IS: &str = "\
Shell on DC01.corp.example: medium
Shell on WS01: medium
Shell on WS01: medium
Shells on WS01: high";

#[test]
fn a_policy_that_says_nothing() {
    check(&Policy::default(), AS_IT_IS);
}

/// Rule before technique before the one above it before tag before host.
#[test]
fn the_most_specific_severity_holds() {
    let scopes = [
        ("rule", Severity::Critical, Scope { rules: names(&["SHELL"]), ..Scope::default() }),
        ("technique", Severity::High, Scope { techniques: names(&["T1059.003"]), ..Scope::default() }),
        ("above", Severity::Low, Scope { techniques: names(&["t1059"]), ..Scope::default() }),
        ("tag", Severity::Informational, Scope { tags: names(&["attack.execution"]), ..Scope::default() }),
        ("host", Severity::High, Scope { hosts: hosts("DC*"), ..Scope::default() }),
    ];
    for n in 0..scopes.len() {
        let mut policy = Policy::default();
        let wanted = scopes.iter().skip(n);
        policy.overrides = wanted.map(|(why, to, scope)| severity(*to, scope.clone(), why)).collect();
        let (why, to, _) = &scopes[n];
        let own = format!("{to} instead of medium: [\"{why}\"]");
        let others = if *why == "host" { "medium" } else { own.as_str() };
        // The correlation has the tags of its rules as techniques, but not as tags of its own.
        let correlated = match *why {
            "above" => "low instead of high: [\"above\"]".to_owned(),
            _ => "high".to_owned(),
        };
        check(
            &policy,
            &format!(
                "Shell on DC01.corp.example: {own}\nShell on WS01: {others}\nShell on WS01: {others}\nShells on WS01: {correlated}"
            ),
        );
    }
}

#[test]
fn the_last_of_equal_ones_and_the_one_with_a_host() {
    let by_rule = Scope { rules: names(&["shell"]), ..Scope::default() };
    let on_host = Scope { hosts: hosts("DC01"), ..by_rule.clone() };
    let overrides = vec![
        severity(Severity::Critical, on_host, "host"),
        severity(Severity::Low, by_rule.clone(), "first"),
        severity(Severity::High, by_rule, "last"),
    ];
    check(
        &Policy { overrides, ..Policy::default() },
        "\
Shell on DC01.corp.example: critical instead of medium: [\"host\"]
Shell on WS01: high instead of medium: [\"last\"]
Shell on WS01: high instead of medium: [\"last\"]
Shells on WS01: high",
    );
}

#[test]
fn without_the_techniques_below() {
    let scope = Scope { techniques: names(&["T1059"]), without_sub_techniques: true, ..Scope::default() };
    let overrides = vec![severity(Severity::Low, scope, "above")];
    check(&Policy { overrides, ..Policy::default() }, AS_IT_IS);
}

#[test]
fn critical_hosts_and_accounts() {
    let critical = Critical { hosts: hosts("dc*"), accounts: vec![AccountGlob::new(r"corp\a*")], steps: 1 };
    check(
        &Policy { critical, ..Policy::default() },
        "\
Shell on DC01.corp.example: high instead of medium: [\"critical host\",\"critical account\"]
Shell on WS01: medium
Shell on WS01: medium
Shells on WS01: high",
    );
}

/// What a filter hides is no part of a correlation either, as if the filter stood with the rules.
#[test]
fn exclusions_by_filter() {
    let text = "title: F\nfilter:\n  rules: any\n  known:\n    CommandLine|endswith: three\n  condition: not known\n";
    let mut own = exclusion("three", Scope::default());
    own.filters = Collection::parse(text, &Placeholders::default()).filters;
    check(
        &Policy { exclusions: vec![own], ..Policy::default() },
        "\
Shell on DC01.corp.example: medium
Shell on WS01: medium
1 excluded by `three`: known",
    );
}

#[test]
fn exclusions_by_rule_and_by_host() {
    let by_rule = exclusion("rule", Scope { rules: names(&["Shells"]), ..Scope::default() });
    let by_host = exclusion("host", Scope { hosts: hosts("DC01"), ..Scope::default() });
    check(
        &Policy { exclusions: vec![by_rule, by_host], ..Policy::default() },
        "\
Shell on WS01: medium
Shell on WS01: medium
1 excluded by `rule`: known
1 excluded by `host`: known",
    );
}

/// The last day is one on which it applies.
#[test]
fn exclusions_expire() {
    let mut own = exclusion("host", Scope { hosts: hosts("WS01"), ..Scope::default() });
    own.expires = Some(jiff::civil::date(2026, 3, 2));
    let mut policy =
        Policy { exclusions: vec![own], today: jiff::civil::date(2026, 3, 2), ..Policy::default() };
    check(&policy, "Shell on DC01.corp.example: medium\n2 excluded by `host` until 2026-03-02: known");
    policy.today = jiff::civil::date(2026, 3, 3);
    check(&policy, &format!("{AS_IT_IS}\n0 exclusion `host` expired on 2026-03-02 and no longer applies"));
}
