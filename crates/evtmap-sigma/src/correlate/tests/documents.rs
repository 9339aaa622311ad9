//! Correlations as they are written, and what is said of those that cannot be used.

use crate::{Collection, Correlator, Limits, Matched, Placeholders, Plan};

/// Reads and links documents; gives the problems, and which rules and correlations fire alone.
fn linked(text: &str) -> String {
    let collection = Collection::parse(text, &Placeholders::default());
    let rules: Vec<_> = collection.rules.iter().collect();
    let correlations: Vec<_> = collection.correlations.iter().collect();
    let (plan, problems) = Plan::link(&rules, &correlations);
    let mut out: Vec<String> = collection.diagnostics.iter().map(ToString::to_string).collect();
    out.extend(problems.iter().map(|problem| problem.diagnostic.to_string()));
    let rules = rules.iter().enumerate().filter(|(index, _)| plan.rule_fires_alone(*index));
    let mut alone: Vec<_> = rules.map(|(_, rule)| rule.metadata.title.as_str()).collect();
    let correlations =
        correlations.iter().enumerate().filter(|(index, _)| plan.correlation_fires_alone(*index));
    alone.extend(correlations.map(|(_, correlation)| correlation.metadata.title.as_str()));
    out.push(format!("alone: {}", alone.join(" ")));
    out.join("\n")
}

fn rule(name: &str) -> String {
    let id = format!("00000000-0000-4000-8000-00000000000{name}");
    let logsource = "logsource: {product: windows}";
    format!(
        "title: {name}\nid: {id}\nname: {name}\n{logsource}\ndetection: {{s: {{A: 1}}, condition: s}}\n---\n"
    )
}

/// A correlation's section beside the rules `a` and `b`.
#[track_caller]
fn check(section: &str, expected: &str) {
    let text = format!("{}{}title: x\nname: x\ncorrelation: {section}\n", rule("a"), rule("b"));
    let found = linked(&text);
    let found = found.strip_suffix("\nalone: a b").unwrap_or(&found);
    assert_eq!(found, expected, "{section}");
}

#[test]
fn sections() {
    check("{type: temporal, rules: [a, b], timespan: 1h}", "alone: x");
    check("{type: temporal, rules: [a, b], timespan: 1h, generate: true}", "alone: a b x");
    check("{type: temporal, rules: a, timespan: 1h, group-by: u}", "alone: b x");
    // An id in any case is as good as a name.
    check("{type: temporal, rules: [00000000-0000-4000-8000-00000000000A, b], timespan: 1h}", "alone: x");
    check("{type: temporal_ordered, condition: a and not b, timespan: 1h}", "alone: x");
    check("{type: event_count, rules: [a], timespan: 1h, condition: {gte: '5'}}", "alone: b x");
    check(
        "{type: count, rules: [a], timespan: 1h, condition: {gte: 5}}",
        "15:21: the correlation type `count` is unknown [invalid-correlation] (help: the types are `event_count`, `value_count`, `temporal`, `temporal_ordered`, `value_sum`, `value_avg`, `value_percentile`, `value_median`)",
    );
    check(
        "{type: event_count_extended, rules: [a], timespan: 1h}",
        "15:21: the correlation type `event_count_extended` is unknown [invalid-correlation] (help: the types are `event_count`, `value_count`, `temporal`, `temporal_ordered`, `value_sum`, `value_avg`, `value_percentile`, `value_median`)",
    );
    check(
        "{type: temporal, rules: [a], timespan: 5 minutes}",
        "15:53: `5 minutes` is no timespan [invalid-timespan] (help: write a number above zero and `s`, `m`, `h` or `d`, such as `90m`)",
    );
    check(
        "{rules: [a]}",
        "15:14: the correlation has no `type` [missing-attribute] (help: the types are `event_count`, `value_count`, `temporal`, `temporal_ordered`, `value_sum`, `value_avg`, `value_percentile`, `value_median`)\n15:14: the correlation has no `timespan` [missing-attribute] (help: add a line such as `timespan: 10m`)",
    );
    check(
        "{type: event_count, timespan: 1h}",
        "15:14: the correlation has no `rules` [missing-attribute] (help: list the ids or names of the rules that it is about)\n15:14: the correlation has no `condition` [missing-attribute] (help: add a line such as `condition: {gte: 10}`)",
    );
    check(
        "5",
        "15:14: `correlation` is a map of type, rules and more, this is a single value [invalid-attribute]",
    );
}

#[test]
fn conditions() {
    let check = |condition: &str, expected: &str| {
        check(&format!("{{type: value_sum, rules: [a], timespan: 1h, condition: {condition}}}"), expected);
    };
    check("{gte: 5, lt: 9.5, field: n}", "alone: b x");
    check(
        "{gte: 5}",
        "15:69: `value_sum` needs a `field` [invalid-correlation] (help: add the name of the field)",
    );
    check(
        "{gte: 5, field: [n, m]}",
        "15:69: `value_sum` measures one field [invalid-correlation] (help: leave one field in `field`)",
    );
    check(
        "{field: n}",
        "15:69: the condition compares with nothing [invalid-correlation] (help: add one of `gt`, `gte`, `lt`, `lte`, `eq`, `neq`)",
    );
    check(
        "{ge: 5, gt: 1, field: n}",
        "15:70: `ge` is no part of a condition [invalid-correlation] (help: its parts are `gt`, `gte`, `lt`, `lte`, `eq`, `neq`, `field`, `percentile`)",
    );
    check(
        "{gt: many, gte: 1, field: n}",
        "15:74: `gt` needs a number [invalid-correlation] (help: write for example `gte: 10`)",
    );
    check(
        "{gt: 1, field: n, percentile: 5}",
        "15:69: `percentile` means nothing to `value_sum` [ineffective-attribute] (help: remove it)\nalone: b x",
    );
    check(
        "a and b",
        "15:69: the condition of `value_sum` is a map, this is a single value [invalid-correlation] (help: write for example `condition: {gte: 10}`)",
    );
    super::documents::check(
        "{type: value_percentile, rules: [a], timespan: 1h, condition: {gt: 1, field: n, percentile: 101}}",
        "15:76: there is no percentile `101` [invalid-correlation] (help: it is from 0 to 100)",
    );
}

#[test]
fn references() {
    check(
        "{type: temporal, rules: [a, c], timespan: 1h}",
        "13:1: no rule has the id or name `c` [unknown-reference] (help: load it too, or give it that `name`)",
    );
    check(
        "{type: temporal, rules: [a, a, b], timespan: 1h}",
        "13:1: the rule `a` is named twice, which counts once [ineffective-attribute]\nalone: x",
    );
    check(
        "{type: temporal, rules: [a, b], timespan: 1h, condition: a}",
        "13:1: the condition does not mention the rule `b` [ineffective-attribute]\nalone: b x",
    );
    check(
        "{type: temporal, rules: [a], timespan: 1h, condition: a and b}",
        "13:1: the condition names `b`, which is not among its `rules` [invalid-correlation]",
    );
    check(
        "{type: temporal, rules: [a, b], timespan: 1h, condition: {gte: 3}}",
        "13:1: the condition can never hold: it names 2 rules only [ineffective-attribute]\nalone: x",
    );
    check(
        "{type: temporal, rules: [x], timespan: 1h}",
        "13:1: it names correlations that name each other in a circle [correlation-cycle]",
    );
    let twice =
        format!("{0}{0}title: x\ncorrelation: {{type: temporal, rules: [a], timespan: 1h}}\n", rule("a"));
    assert_eq!(
        linked(&twice),
        "13:1: `a` is the id or name of 2 rules; the first is meant [ambiguous-reference]\nalone: a x"
    );
}

#[test]
fn circles_and_chains() {
    let link = |name: &str, inner: &str| {
        let section = format!("correlation: {{type: temporal, rules: [{inner}], timespan: 1h}}");
        format!("---\ntitle: {name}\nname: {name}\n{section}\n")
    };
    // A circle, one outside that names it, and one that is unharmed.
    let text = rule("a") + &link("x", "y") + &link("y", "x") + &link("z", "x, a") + &link("w", "a");
    let circle = "it names correlations that name each other in a circle [correlation-cycle]";
    assert_eq!(linked(&text), format!("8:1: {circle}\n12:1: {circle}\n16:1: {circle}\nalone: w"),);
    // What names a refused one is refused, too.
    let text = rule("a") + &link("x", "nobody") + &link("y", "x");
    let found = linked(&text);
    assert!(
        found.contains("12:1: the correlation `x` that it names cannot be used [unknown-reference]"),
        "{found}"
    );
    assert!(found.ends_with("alone: a"), "{found}");
    // Ten in a chain are followed, eleven are not; only the outermost speaks.
    let mut text = rule("a") + &link("l1", "a");
    for n in 2..=11 {
        text += &link(&format!("l{n}"), &format!("l{}", n - 1));
    }
    assert_eq!(
        linked(&text),
        "48:1: a chain of 11 correlations is longer than 10 [limit-exceeded]\nalone: l10"
    );
    // A long chain that is hostile ends like any other.
    let mut text = rule("a") + &link("l1", "a");
    for n in 2..=5_000 {
        text += &link(&format!("l{n}"), &format!("l{}", n - 1));
    }
    assert!(linked(&text).ends_with("alone: l10"));
}

/// An old rule with an aggregation: what is said of it, and what the correlation is.
#[track_caller]
fn check_old(condition: &str, timeframe: &str, expected: &str) {
    let text = format!(
        "title: old\nlogsource: {{product: windows}}\ndetection:\n  s: {{A: 1}}\n  {timeframe}\n  condition: {condition}\n"
    );
    let collection = Collection::parse(&text, &Placeholders::default());
    let found = match collection.correlations.as_slice() {
        [] => collection.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        [old] => {
            let rules: Vec<_> = collection.rules.iter().collect();
            let (plan, problems) = Plan::link(&rules, &[old]);
            assert_eq!(problems, []);
            assert!(old.is_translated && !plan.rule_fires_alone(0) && plan.correlation_fires_alone(0));
            format!("{} by {} in {}: {:?}", old.kind, old.group_by.join(","), old.timespan, old.condition)
        }
        more => panic!("{more:?}"),
    };
    let found = found.replace("Thresholds(Thresholds { thresholds: [Threshold { comparison: ", "");
    let found = found.replace(", number: Integer(", " (").replace(" }], fields", ", fields");
    assert_eq!(found, expected, "{condition}");
}

#[test]
fn old_aggregations() {
    let five = "timeframe: 5m";
    check_old("s | count() > 5", five, "event_count by  in 5m: Gt (5), fields: [], percentile: None })");
    check_old(
        "s | count() by B >= 5",
        five,
        "event_count by B in 5m: Gte (5), fields: [], percentile: None })",
    );
    check_old(
        "s |count(C) by B, D < 5",
        five,
        "value_count by B,D in 5m: Lt (5), fields: [\"C\"], percentile: None })",
    );
    check_old(
        "s | sum(C) by B = 5",
        five,
        "value_sum by B in 5m: Eq (5), fields: [\"C\"], percentile: None })",
    );
    check_old("s | AVG( C ) > 5", five, "value_avg by  in 5m: Gt (5), fields: [\"C\"], percentile: None })");
    check_old(
        "s | max(C) > 5",
        five,
        "value_percentile by  in 5m: Gt (5), fields: [\"C\"], percentile: Some(100.0) })",
    );
    check_old(
        "s | min(C) > 5",
        five,
        "value_percentile by  in 5m: Gt (5), fields: [\"C\"], percentile: Some(0.0) })",
    );
    let help = "[legacy-aggregation] (help: write a correlation rule, such as `type: event_count`)";
    check_old(
        "s | near other",
        five,
        &format!("6:18: `near` says nothing of order and time, so no correlation means the same {help}"),
    );
    for wrong in
        ["count() by", "median(C) > 5", "sum() > 5", "count(C > 5", "count() per B > 5", "count() > many"]
    {
        let expected = format!("6:18: the aggregation `{wrong}` cannot be read as a correlation {help}");
        check_old(&format!("s | {wrong}"), five, &expected);
    }
    check_old(
        "s | count() > 5",
        "t: {B: 2}",
        "6:18: the aggregation has no `timeframe`, so it does not say within what time [legacy-aggregation] (help: add a line such as `timeframe: 10m` to the detection)",
    );
    check_old(
        "s | count() > 5",
        "timeframe: soon",
        "5:14: `soon` is no timespan [invalid-timespan] (help: write a number above zero and `s`, `m`, `h` or `d`, such as `90m`)",
    );
    check_old(
        "[s, s | count() > 5]",
        five,
        "6:20: an aggregation behind `|` is not part of Sigma any more [legacy-aggregation] (help: write a correlation rule, such as `type: event_count`)",
    );
}

/// The correlation of an old rule has its id; whoever names that id means the correlation.
#[test]
fn old_aggregations_in_chains() {
    let text = "
title: Old
id: 00000000-0000-4000-8000-000000000001
logsource: {product: windows}
detection: {s: {A: 1}, timeframe: 10s, condition: s | count() > 1}
---
title: Twice
correlation: {type: event_count, rules: 00000000-0000-4000-8000-000000000001, timespan: 1h, condition: {gte: 2}}
";
    let collection = Collection::parse(text, &Placeholders::default());
    let rules: Vec<_> = collection.rules.iter().collect();
    let correlations: Vec<_> = collection.correlations.iter().collect();
    let (plan, problems) = Plan::link(&rules, &correlations);
    assert_eq!(problems, []);
    let mut correlator = Correlator::new(&plan, Limits::default());
    for (handle, second) in [0, 1, 2, 100, 101].into_iter().enumerate() {
        let time = jiff::Timestamp::from_second(second).unwrap();
        correlator.push(Matched { rule: 0, time, values: Vec::new().into(), handle: handle as u64 });
    }
    let results = correlator.finish();
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].correlation, results[0].handles.as_slice()), (1, [0, 1, 3, 4].as_slice()));
}
