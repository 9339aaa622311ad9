//! Correlations against a direct reading of their definition, over random matches.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{RULES, run};
use crate::Limits;

/// Xorshift: random enough, and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap()).unwrap()
    }
}

#[derive(Clone, Copy)]
struct Event {
    handle: usize,
    time: usize,
    rule: usize,
    group: usize,
    value: usize,
}

/// How much of a rule chain `from` a place and time on the window has at most.
fn longest_chain(window: &[Event], from: usize, time: usize) -> usize {
    let next = window.iter().filter(|event| event.rule >= from && event.time >= time);
    next.map(|event| 1 + longest_chain(window, event.rule + 1, event.time)).max().unwrap_or(0)
}

fn number(kind: &str, window: &[Event]) -> usize {
    let different = |of: fn(&Event) -> usize| window.iter().map(of).collect::<BTreeSet<_>>().len();
    match kind {
        "event_count" => window.len(),
        "value_count" => different(|event| event.value),
        "temporal" => different(|event| event.rule),
        "value_sum" => window.iter().map(|event| event.value).sum(),
        "temporal_ordered" => longest_chain(window, 0, 0),
        other => panic!("{other}"),
    }
}

fn line(group: usize, members: &[Event], value: usize) -> String {
    let handles: Vec<_> = members.iter().map(|event| event.handle.to_string()).collect();
    let [first, last] = [members[0].time, members[members.len() - 1].time];
    format!("x [{group}] {first}..{last} value={value} of {}: {}", members.len(), handles.join(" "))
}

/// Windows that end with each event, joined where they share one.
fn sliding(events: &[Event], span: usize, value: &dyn Fn(&[Event]) -> Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    for group in 0..3 {
        let events: Vec<_> = events.iter().filter(|event| event.group == group).copied().collect();
        let mut results: Vec<(BTreeSet<usize>, usize)> = Vec::new();
        for (index, last) in events.iter().enumerate() {
            let window: BTreeSet<usize> =
                (0..=index).filter(|earlier| events[*earlier].time + span >= last.time).collect();
            let members: Vec<_> = window.iter().map(|index| events[*index]).collect();
            match (value(&members), results.last_mut()) {
                (Some(value), Some((known, peak))) if !known.is_disjoint(&window) => {
                    known.extend(window);
                    *peak = (*peak).max(value);
                }
                (Some(value), _) => results.push((window, value)),
                (None, _) => {}
            }
        }
        for (members, peak) in results {
            let members: Vec<_> = members.into_iter().map(|index| events[index]).collect();
            lines.push(line(group, &members, peak));
        }
    }
    lines
}

/// Windows one behind the other, each from the first event that is in none before.
fn fixed(events: &[Event], span: usize, value: &dyn Fn(&[Event]) -> Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    for group in 0..3 {
        let mut rest: Vec<_> = events.iter().filter(|event| event.group == group).copied().collect();
        while let Some(first) = rest.first().copied() {
            let later = rest.split_off(rest.partition_point(|event| event.time <= first.time + span));
            lines.extend(value(&rest).map(|value| line(group, &rest, value)));
            rest = later;
        }
    }
    lines
}

#[test]
fn agrees_with_the_definition() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let kinds = ["event_count", "value_count", "temporal", "temporal_ordered", "value_sum"];
    let mut n_results = 0;
    for round in 0..6_000 {
        let kind = kinds[random.below(kinds.len())];
        let (n_rules, span) = (1 + random.below(4), 1 + random.below(8));
        let most = if kind == "value_sum" { 9 } else { 4 };
        let needed = if kind.starts_with("temporal") { n_rules } else { 1 + random.below(most) };
        let is_sliding = random.below(3) > 0;
        let mut time = 0;
        let events: Vec<Event> = (0..random.below(24))
            .map(|handle| {
                time += [0, 0, 1, 1, 2, 5][random.below(6)];
                let [rule, group, value] = [n_rules, 3, 4].map(|n| random.below(n));
                Event { handle, time, rule, group, value }
            })
            .collect();
        let mut matches = String::new();
        for Event { time, rule, group, value, .. } in &events {
            writeln!(matches, "{time} {} u={group} v={value}", RULES[*rule]).unwrap();
        }
        let mut field = if kind.starts_with("value") { ", field: v" } else { "" };
        let (word, accepts): (_, fn(usize, usize) -> bool) = match (is_sliding, random.below(3)) {
            (true, _) => ("gte", |value, needed| value >= needed),
            (false, 0) => ("lt", |value, needed| value < needed),
            (false, 1) => ("eq", |value, needed| value == needed),
            (false, _) => ("neq", |value, needed| value != needed),
        };
        // A sentence of all rules means the same as their number.
        let mut condition = format!("if {{{word}: {needed}{field}}}");
        if is_sliding && kind.starts_with("temporal") && random.below(2) == 0 {
            field = "";
            condition = String::from("generate");
        }
        let rules = RULES[..n_rules].join(",");
        let correlation = format!("x = {kind} {rules} by u in {span}s {condition}");
        let value = |window: &[Event]| Some(number(kind, window)).filter(|value| accepts(*value, needed));
        let naive = if is_sliding { sliding } else { fixed };
        let mut expected = naive(&events, span, &value);
        if condition == "generate" {
            // A sentence shows how many rules occur, in whatever order.
            let occurring = |window: &[Event]| value(window).map(|_| number("temporal", window));
            expected = naive(&events, span, &occurring);
        }
        let found = run(&correlation, &matches, Limits::default());
        let mut found: Vec<_> = found.lines().collect();
        found.sort_unstable();
        expected.sort_unstable();
        n_results += found.len();
        assert_eq!(found, expected, "round {round}: {correlation}\n{matches}{field}");
    }
    assert!(n_results > 5_000, "{n_results} results");
}
