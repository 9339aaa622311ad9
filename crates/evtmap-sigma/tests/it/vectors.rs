//! Rules, events and results from the tests of two other implementations.

use std::ops::ControlFlow;

use evtmap_sigma::{Collection, Event, Placeholders, Rule, Value};
use serde_json::Value as Json;

use crate::shared;

/// A JSON object as an event: nested objects by dotted names, lists as several values.
struct JsonEvent<'a>(&'a Json);

impl Event for JsonEvent<'_> {
    fn values<'a>(
        &'a self,
        field: &str,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let whole = self.0.get(field);
        match whole.or_else(|| field.split('.').try_fold(self.0, |json, part| json.get(part))) {
            Some(json) => visit_json(json, visit),
            None => ControlFlow::Continue(()),
        }
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        visit_json(self.0, &mut |value| match value {
            Value::Text(text) => visit(text),
            Value::Null => ControlFlow::Continue(()),
        })
    }
}

fn visit_json<'a>(json: &'a Json, visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>) -> ControlFlow<()> {
    match json {
        Json::Null => visit(Value::Null),
        // Tests may leak: it keeps the event borrowed and simple.
        Json::Bool(_) | Json::Number(_) => visit(Value::Text(json.to_string().leak())),
        Json::String(text) => visit(Value::Text(text)),
        Json::Array(items) => items.iter().try_for_each(|item| visit_json(item, visit)),
        Json::Object(fields) => fields.values().try_for_each(|value| visit_json(value, visit)),
    }
}

/// Vectors that ask for something the specification does not say; the second column is the reason.
const DELIBERATE: &str = include_str!("../../../../corpus/sigma/differences.tsv");

/// Whether a rule holds, by the evaluator and by the explanation, which must be of one mind.
fn holds(rule: &Rule, event: &dyn Event) -> bool {
    let holds = rule.matches(event);
    assert_eq!(rule.explain(event).holds, holds, "{}", rule.metadata.title);
    holds
}

#[test]
fn vectors_hold() {
    let deliberate: Vec<&str> = DELIBERATE.lines().filter_map(|line| line.split('\t').next()).collect();
    let mut failures = Vec::new();
    for file in ["rsigma.jsonl", "sigma-rust.jsonl"] {
        let Some(path) = shared(&format!("data/vectors/{file}")) else {
            return;
        };
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let vector: Json = serde_json::from_str(line).unwrap();
            let id = vector["id"].as_str().unwrap();
            let mut collection =
                Collection::parse(vector["rule_yaml"].as_str().unwrap(), &Placeholders::default());
            for rule in &mut collection.rules {
                for filter in &collection.filters {
                    if filter.is_for(rule) {
                        filter.apply(rule);
                    }
                }
            }
            let found: Vec<bool> = vector["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| collection.rules.iter().any(|rule| holds(rule, &JsonEvent(event))))
                .collect();
            let expected: Vec<bool> =
                vector["expect"].as_array().unwrap().iter().map(|b| b.as_bool().unwrap()).collect();
            if found != expected && !deliberate.contains(&id) {
                failures.push(format!("{id}: {found:?}, expected {expected:?} {:?}", collection.diagnostics));
            }
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
