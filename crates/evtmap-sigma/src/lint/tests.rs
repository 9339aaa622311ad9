//! Each lint on a text that shows it, and the mends of those that have one.

use super::*;
use crate::Filter;

/// A rule that nothing is wrong with, one attribute a block.
const CLEAN: &str = "\
title: Whoami Run by SYSTEM
id: 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a11
status: test
description: The SYSTEM account asked who it is, which programs do not.
references:
    - https://attack.mitre.org/techniques/T1033/
author: somebody
date: 2026-01-31
tags:
    - attack.discovery
    - attack.t1033
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image|endswith: '\\whoami.exe'
        User|contains: 'SYSTEM'
    condition: selection
falsepositives:
    - Health checks of old agents
level: medium
";

/// The clean rule with the blocks of a text in place of its own; `-key` takes one away.
fn with(change: &str) -> String {
    let blocks = |text: &str| {
        let mut blocks: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            let key = line.split(':').next().unwrap_or_default().to_owned();
            match blocks.last_mut() {
                Some((_, block)) if line.starts_with([' ', '#']) => *block += &format!("{line}\n"),
                _ => blocks.push((key, format!("{line}\n"))),
            }
        }
        blocks
    };
    let mut rule = blocks(CLEAN);
    for (key, block) in blocks(change) {
        if let Some(gone) = key.strip_prefix('-') {
            rule.retain(|(known, _)| known != gone);
        } else if let Some((_, known)) = rule.iter_mut().find(|(known, _)| *known == key) {
            *known = block;
        } else {
            rule.push((key, block));
        }
    }
    rule.into_iter().map(|(_, block)| block).collect()
}

/// Knows one technique that was replaced, and two names of log sources.
struct Few;

impl Knowledge for Few {
    fn attack_tag(&self, tag: &str) -> TagMeaning {
        match tag {
            "attack.t9999" => TagMeaning::Unknown,
            "attack.t1086" => TagMeaning::Replaced("attack.t1059.001".to_owned()),
            _ => TagMeaning::Known,
        }
    }

    fn logsource_names(&self, part: LogSourcePart, product: Option<&str>) -> Option<Vec<String>> {
        let name = match part {
            LogSourcePart::Product => "windows",
            LogSourcePart::Category if product == Some("windows") => "process_creation",
            LogSourcePart::Service if product == Some("windows") => "security",
            _ => return None,
        };
        Some(vec![name.to_owned()])
    }
}

fn codes(path: &str, text: &str) -> Vec<&'static str> {
    let placeholders: Placeholders = [("Servers", vec!["DC1"])].into_iter().collect();
    let checked = Linter::new(&Few, &placeholders).check(path, text);
    let mut codes: Vec<&str> = checked.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What a change of the clean rule must be told of, beside nothing else unless it says so.
const CASES: &[(&str, &str)] = &[
    ("missing-id", "-id:"),
    ("invalid-id", "id: whoami-1"),
    ("id-not-random", "id: 2c1b0a5e-7d1f-1a53-9f3a-0d6f0e8b7a11"),
    (
        "long-title",
        "title: Whoami Run by SYSTEM on a Machine That Is Old and Slow and Stands in a Cellar Where Nobody Has Been for Many Years",
    ),
    ("title-stop", "title: Whoami Run by SYSTEM."),
    ("title-case", "title: Whoami started by SYSTEM"),
    ("title-detects", "title: Detects Whoami Run by SYSTEM"),
    ("missing-description", "-description:"),
    ("short-description", "description: Bad thing"),
    ("missing-status", "-status:"),
    ("missing-level", "-level:"),
    ("missing-author", "-author:"),
    ("missing-date", "-date:"),
    ("word-case", "level: High"),
    ("invalid-date", "date: 2026/01/31"),
    ("modified-before-date", "modified: 2025-12-31"),
    ("missing-references", "-references:"),
    ("reference-not-url", "references:\n    - the manual"),
    ("duplicate-reference", "references:\n    - https://a.example/x\n    - https://a.example/x"),
    ("empty-falsepositive", "falsepositives:\n    - Unknown"),
    ("empty-attribute", "license:"),
    ("misspelt-attribute", "reference: https://a.example/x"),
    ("invalid-relation", "related:\n    - id: 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a12\n      type: sibling"),
    ("missing-tags", "-tags:"),
    ("tag-form", "tags:\n    - attack.discovery\n    - attack.t1033\n    - cve.20-1"),
    ("tag-namespace", "tags:\n    - attack.discovery\n    - attack.t1033\n    - attck.t1033"),
    ("tag-case", "tags:\n    - attack.discovery\n    - attack.T1033"),
    ("tag-underscore", "tags:\n    - attack.lateral_movement\n    - attack.t1033"),
    ("duplicate-tag", "tags:\n    - attack.discovery\n    - attack.t1033\n    - attack.t1033"),
    ("tactic-without-technique", "tags:\n    - attack.discovery"),
    ("technique-without-tactic", "tags:\n    - attack.t1033"),
    ("unknown-attack-tag", "tags:\n    - attack.discovery\n    - attack.t9999"),
    ("replaced-attack-tag", "tags:\n    - attack.discovery\n    - attack.t1086"),
    ("unknown-category", "logsource: {product: windows, category: process_creating}"),
    ("unknown-product", "logsource: {product: window}"),
    ("unknown-service", "logsource: {product: windows, service: secrity}"),
    ("logsource-case", "logsource: {product: windows, service: Security}"),
    ("logsource-attribute", "logsource: {product: windows, sevice: security}"),
    ("service-without-product", "logsource: {service: security}"),
    ("unused-selection", "detection: {a: {x: v}, b: {z: v}, condition: a}"),
    ("duplicate-selection", "detection: {a: {x: v}, b: {x: v}, condition: a or b}"),
    ("duplicate-member", "detection: {a: [{x: v}, {x: v}], condition: a}"),
    ("selection-name", "detection: {a.b: {x: v}, condition: a.b}"),
    ("list-of-one", "detection: {a: [{x: v}], condition: a}"),
    ("field-case", "detection: {a: {Image: v}, b: {image: z}, condition: a or b}"),
    ("field-blank", "detection: {a: {Threat Name: v}, condition: a}"),
    ("field-letter", "detection: {a: {Im\u{430}ge: v}, condition: a}"),
    ("short-keyword", "detection: {a: [abc], condition: a}"),
    ("empty-list", "detection: {a: {x: []}, condition: a}"),
    ("duplicate-value", "detection: {a: {x: [abc, ABC]}, condition: a}"),
    ("redundant-value", "detection: {a: {x|contains: [abc, xabcd]}, condition: a}"),
    ("wildcard-contains", "detection: {a: {x: '*abc*'}, condition: a}"),
    ("wildcard-startswith", "detection: {a: {x: ['abc*', 'd*']}, condition: a}"),
    ("wildcard-endswith", "detection: {a: {x: '*abc'}, condition: a}"),
    ("wildcard-only", "detection: {a: {x: '*'}, condition: a}"),
    ("redundant-wildcard", "detection: {a: {x|contains: '*abc'}, condition: a}"),
    ("invisible-character", "detection: {a: {x|contains: \"ab\\u200bc\"}, condition: a}"),
    ("blank-at-end", "detection: {a: {x: 'abc '}, condition: a}"),
    ("lone-unc", r"detection: {a: {x|startswith: '\\server\share'}, condition: a}"),
    ("doubled-backslash", r"detection: {a: {x|endswith: 'C:\\a\b'}, condition: a}"),
    ("useless-escape", r#"detection: {a: {x|contains: 'say \"'}, condition: a}"#),
    ("null-in-list", "detection: {a: {x: [abc, null]}, condition: a}"),
    ("empty-text-part", "detection: {a: {x|contains: ''}, condition: a}"),
    ("single-character", "detection: {a: {x|contains: e}, condition: a}"),
    ("ambiguous-scalar", "detection: {a: {x: 00000429}, condition: a}"),
    ("event-id-text", "detection: {a: {EventID|startswith: 46}, condition: a}"),
    ("network-as-text", "detection: {a: {x: 10.0.0.0/8}, condition: a}"),
    ("regex-as-text", "detection: {a: {x: 'a[0-9]+'}, condition: a}"),
    ("near-boolean", "detection: {a: {x: flse}, condition: a}"),
    ("regex-without-need", r"detection: {a: {x|re|i: 'cmd\.exe$'}, condition: a}"),
    ("regex-open-ends", "detection: {a: {x|re: '.*a[0-9]b'}, condition: a}"),
    ("regex-matches-all", "detection: {a: {x|re: '[a-z]*'}, condition: a}"),
    ("regex-bare-dot", "detection: {a: {x|re|i: '(cmd|sh).?a.exe'}, condition: a}"),
    ("regex-case", "detection: {a: {x|re: 'powershell[0-9]'}, condition: a}"),
    ("regex-inline-flag", "detection: {a: {x|re: '(?i)a[0-9]'}, condition: a}"),
    ("redundant-all", "detection: {a: {x|contains|all: abc}, condition: a}"),
    ("repeated-modifier", "detection: {a: {x|contains|contains: abc}, condition: a}"),
    ("contrary-place", "detection: {a: {x|contains|endswith: abc}, condition: a}"),
    ("both-ends", "detection: {a: {x|startswith|endswith: abc}, condition: a}"),
    ("modifier-order", "detection: {a: {x|all|contains: [abc, def]}, condition: a}"),
    ("modifier-case", "detection: {a: {x|Contains: abc}, condition: a}"),
    ("wide-without-base64", "detection: {a: {x|wide|contains: abc}, condition: a}"),
    ("base64-without-contains", "detection: {a: {x|base64offset: abcdef}, condition: a}"),
    ("short-base64", "detection: {a: {x|base64offset|contains: ab}, condition: a}"),
    ("windash-without-dash", "detection: {a: {x|windash|contains: abc}, condition: a}"),
    ("dash-without-windash", "detection: {a: {x|contains: [' -enc', ' /enc']}, condition: a}"),
    ("cased-without-letters", "detection: {a: {x|cased: '12.5.'}, condition: a}"),
    ("cased-regex", "detection: {a: {x|re|cased: 'a[0-9]'}, condition: a}"),
    ("contains-regex", "detection: {a: {x|re|contains: 'a[0-9]'}, condition: a}"),
    ("network-host-bits", "detection: {a: {x|cidr: 10.1.0.0/8}, condition: a}"),
    ("expand-without-placeholder", "detection: {a: {x|expand: Servers}, condition: a}"),
    ("fieldref-to-itself", "detection: {a: {x|fieldref: x}, condition: a}"),
    ("never-holds", "detection: {a: {x: 1}, b: {x: 2}, condition: a and b}"),
    ("never-holds", "detection: {a: {x: abc}, b: {x|contains: BC}, condition: a and not b}"),
    ("always-holds", "detection: {a: {x: 1}, condition: a or not a}"),
    ("contrary-selection", "detection: {a: {x: abcd, x|contains: def}, b: {y: z}, condition: a or b}"),
    ("only-negation", "detection: {a: {x: 1}, condition: not a}"),
    ("quantifier-of-one", "detection: {a: {x: 1}, condition: 1 of them}"),
    ("quantifier-of-many", "detection: {a: {x: 1}, b: {y: 1}, c: {z: 1}, condition: 2 of them}"),
    ("filter-not-negated", "detection: {a: {x: 1}, filter: {y: 1}, condition: a and filter}"),
    ("them-with-filter", "detection: {a: {x: 1}, filter: {y: 1}, condition: all of them}"),
    ("repeated-operand", "detection: {a: {x: 1}, b: {y: 1}, condition: a and b and a}"),
    ("double-negation", "detection: {a: {x: 1}, condition: not not a}"),
    ("operator-case", "detection: {a: {x: 1}, b: {y: 1}, condition: a AND b}"),
    ("condition-list", "detection: {a: {x: 1}, b: {y: 1}, condition: [a, b]}"),
    ("timeframe", "detection: {a: {x: 1}, timeframe: 5m, condition: a}"),
];

/// What else is told in a case, because the one cannot be without the other.
const ALSO: &[(&str, &[&str])] = &[("always-holds", &["only-negation"])];

#[test]
fn clean_rules_are_clean() {
    assert_eq!(codes("whoami.yml", CLEAN), Vec::<&str>::new());
}

#[test]
fn each_case_is_told_and_nothing_else() {
    let mut differences = Vec::new();
    for (code, change) in CASES {
        let also = ALSO.iter().find(|(known, _)| known == code).map_or(&[][..], |(_, also)| also);
        let mut expected = vec![*code];
        expected.extend(also);
        expected.sort_unstable();
        let found = codes("whoami.yml", &with(change));
        if found != expected {
            differences.push(format!("{change}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn each_lint_has_a_case() {
    // These need more than one rule, another kind of document or a long text; they have tests of their own.
    const ELSEWHERE: [&str; 4] = ["duplicate-id", "duplicate-title", "file-name", "long-value"];
    for lint in Lint::all() {
        let has_case = CASES.iter().any(|(code, _)| *code == lint.code);
        assert!(has_case != ELSEWHERE.contains(&lint.code), "{}", lint.code);
    }
}

#[test]
fn what_comes_twice() {
    let placeholders = Placeholders::default();
    let mut linter = Linter::new(&(), &placeholders);
    linter.check("a.yml", CLEAN);
    let codes: Vec<&str> = linter.check("b.yml", CLEAN).findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["duplicate-title", "duplicate-id"]);
}

#[test]
fn what_needs_more_than_a_rule() {
    assert_eq!(codes("Who-Am-I.yaml", CLEAN), ["file-name"]);
    let long = format!("detection: {{a: {{x|contains: {}}}, condition: a}}", "ab ".repeat(400));
    assert_eq!(codes("whoami.yml", &with(&long)), ["long-value"]);
    let filter = "title: Own Scanner\nid: 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a12\nlogsource: {product: windows}\n\
        filter: {rules: any, a: {User: scanner}, condition: a}\n";
    assert_eq!(codes("own.yml", filter), ["positive-filter"]);
    assert!(matches!(
        Collection::parse(filter, &Placeholders::default()).filters.as_slice(),
        [Filter { .. }]
    ));
}

#[test]
fn lints_are_documented_and_unique() {
    let mut codes: HashMap<&str, ()> = Code::ALL.iter().map(|code| (code.as_str(), ())).collect();
    for lint in Lint::all() {
        let is_kebab = lint.code.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit());
        assert!(is_kebab, "{}", lint.code);
        assert!(codes.insert(lint.code, ()).is_none(), "{} twice", lint.code);
        assert!(!lint.finds.ends_with('.') && lint.why.ends_with('.'), "{}", lint.code);
        assert_ne!(lint.gravity, Gravity::Error, "{}", lint.code);
    }
    assert!(Lint::all().count() >= 40, "{}", Lint::all().count());
}

#[track_caller]
fn check_mend(before: &str, after: &str) {
    let placeholders = Placeholders::default();
    let mended = Linter::new(&(), &placeholders).mend("whoami.yml", &with(before));
    assert_eq!(mended, with(after));
}

#[test]
fn metadata_is_mended() {
    check_mend("title: Whoami Run by SYSTEM.", "title: Whoami Run by SYSTEM");
    check_mend("status: Test\nlevel: 'High'", "status: test\nlevel: 'high'");
    check_mend("date: 2026/1/31", "date: 2026-01-31");
    check_mend(
        "tags:\n    - attack.T1033\n    - attack.lateral_movement # was one word\n    - attack.t1033",
        "tags:\n    - attack.t1033\n    - attack.lateral-movement # was one word",
    );
}

#[test]
fn detections_are_mended() {
    let detection = |lines: &str| format!("detection:\n    a:\n{lines}\n    condition: a");
    for (before, after) in [
        ("        x: '*it''s*' # ü", "        x|contains: 'it''s' # ü"),
        (
            "        x:\n            - 'a*'\n            - 'b*'",
            "        x|startswith:\n            - 'a'\n            - 'b'",
        ),
        ("        x: ['*a', '*b*']", "        x: ['*a', '*b*']"),
        ("        x: '*a\\*'", "        x|endswith: 'a\\*'"),
        ("        x: 'C:\\\\*'", "        x|startswith: 'C:\\'"),
        ("        x|contains|all: abc", "        x|contains: abc"),
        ("        x|all|contains: [abc, def]", "        x|contains|all: [abc, def]"),
        ("        x|re|cased: a[0-9]", "        x|re: a[0-9]"),
        ("        x|contains: '*abc*'", "        x|contains: 'abc'"),
        (
            "        x:\n            - abc\n            - ABC\n            - d",
            "        x:\n            - abc\n            - d",
        ),
        ("        x: 010", "        x: '010'"),
        ("        x|re: '.*a[0-9].*'", "        x|re: 'a[0-9]'"),
        ("        x|cidr: 10.1.2.3/8", "        x|cidr: 10.0.0.0/8"),
        ("        \"x|endswith\": \"a\\\\\\\\b\"", "        \"x|endswith\": \"a\\\\b\""),
        // In one map the second of two equal keys would win, so nothing is changed.
        ("        x: '*a*'\n        x|contains: b", "        x: '*a*'\n        x|contains: b"),
    ] {
        check_mend(&detection(before), &detection(after));
    }
    check_mend("detection: {a: {x: 1}, condition: ALL of them}", "detection: {a: {x: 1}, condition: a}");
}

/// What an anchor repeats elsewhere is left as it is.
#[test]
fn anchors_are_not_mended() {
    let text = "detection: {a: {x: &v '*a*'}, b: {y|endswith: *v}, condition: a or b}";
    check_mend(text, text);
}

/// A hostile file gives neither a panic nor endless findings.
#[test]
fn findings_are_bounded() {
    let many = (0..5_000).map(|i| format!("'*a{i}*', a")).collect::<Vec<_>>().join(", ");
    let text = with(&format!("detection: {{a: {{x: [{many}]}}, condition: a}}"));
    let placeholders = Placeholders::default();
    let checked = Linter::new(&(), &placeholders).check("x.yml", &text);
    assert!(checked.findings.len() <= MAX_FINDINGS);
}
