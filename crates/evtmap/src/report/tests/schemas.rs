//! Whether reports keep to the schemas that others publish. What lies in `schema/` has its papers there.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::*;
use super::render;
use crate::alert::tests::alerts;

/// What a format writes of all samples.
fn text(name: &str) -> String {
    String::from_utf8(render(Format::named(name).unwrap(), &ReportOptions::default(), &alerts())).unwrap()
}

fn lines(name: &str) -> Vec<Value> {
    text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every member that ECS has a name for is of its type, and every other is below `winlog` and `evtmap`.
#[test]
fn documents_keep_to_ecs() {
    let table = include_str!("schema/ecs-9.4.0.tsv").lines().filter(|line| !line.starts_with('#'));
    let types: HashMap<&str, &str> = table.filter_map(|line| line.split_once('\t')).collect();
    for document in lines("ecs") {
        for name in ["@timestamp", "ecs", "event"] {
            assert!(document.get(name).is_some(), "{name}");
        }
        check_ecs(&document, "", &types);
    }
}

fn check_ecs(value: &Value, before: &str, types: &HashMap<&str, &str>) {
    for (name, value) in value.as_object().unwrap() {
        let name = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
        if ["winlog", "evtmap"].contains(&name.as_str()) {
            continue;
        }
        if value.is_object() {
            check_ecs(value, &name, types);
            continue;
        }
        let kind = types.get(name.as_str()).unwrap_or_else(|| panic!("ECS has no `{name}`"));
        let is_fine = match value {
            Value::String(text) => kind.contains("string") || *kind == format!("'{text}'"),
            Value::Array(values) => kind.contains("Array<string>") && values.iter().all(Value::is_string),
            Value::Number(_) => kind.contains("number"),
            _ => false,
        };
        assert!(is_fine, "`{name}` is {value}, and not {kind}");
    }
}

/// An action and a document for each alert, the id once and for all.
#[test]
fn actions_and_documents_take_turns() {
    let (lines, documents) = (lines("bulk"), lines("ecs"));
    assert_eq!(lines.len(), 2 * documents.len());
    for (pair, document) in lines.chunks(2).zip(&documents) {
        assert_eq!(pair[0], json!({"create": {"_id": document["event"]["id"]}}));
        assert_eq!(&pair[1], document);
    }
    assert!(text("bulk").ends_with('\n'));
}

/// Splunk indexes only flat fields, of texts and lists of texts.
#[test]
fn indexed_fields_are_flat() {
    for event in lines("splunk") {
        for (name, value) in event["fields"].as_object().unwrap() {
            let is_flat = value.is_string()
                || value.as_array().is_some_and(|values| values.iter().all(Value::is_string));
            assert!(is_flat, "{name}: {value}");
        }
        assert!(event["event"]["kind"].is_string());
        assert!(event.get("time").is_none_or(|time| time.as_str().unwrap().parse::<f64>().is_ok()));
    }
}

#[test]
fn results_keep_to_sarif() {
    let schema = include_str!("schema/sarif-2.1.0.json");
    // As it was published, the pattern of languages has a bracket too many and is no regular expression.
    let schema = schema.replace("^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report: Value = serde_json::from_str(&text("sarif")).unwrap();
    let errors = validator.iter_errors(&report);
    let errors: Vec<String> = errors.map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = &report["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        for taxon in result["taxa"].as_array().into_iter().flatten() {
            let index = taxon["index"].as_u64().unwrap() as usize;
            assert_eq!(run["taxonomies"][0]["taxa"][index]["id"], taxon["id"]);
        }
    }
}
