//! `evtmap coverage` and layers of the Navigator, which are held against its layer format 4.5.

use serde_json::{Value, json};

use crate::program::Folder;
use crate::sample;

/// What layer format 4.5 asks of what we write, in the words of a JSON Schema.
fn check_layer(text: &str) -> Value {
    let color = json!({"type": "string", "pattern": "^#[0-9a-f]{6}$"});
    let named = json!({
        "type": "object", "required": ["name", "value"], "additionalProperties": false,
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    });
    let technique = json!({
        "type": "object", "required": ["techniqueID"], "additionalProperties": false,
        "properties": {
            "techniqueID": {"type": "string", "pattern": "^T[0-9]{4}(\\.[0-9]{3})?$"},
            "tactic": {"type": "string", "pattern": "^[a-z-]+$"},
            "comment": {"type": "string"}, "enabled": {"type": "boolean"}, "score": {"type": "number"},
            "color": color, "metadata": {"type": "array", "items": named}, "links": {"type": "array"},
            "showSubtechniques": {"type": "boolean"},
        },
    });
    let schema = json!({
        "type": "object", "required": ["name", "domain", "versions"], "additionalProperties": false,
        "properties": {
            "name": {"type": "string"},
            "versions": {
                "type": "object", "required": ["layer"], "additionalProperties": false,
                "properties": {
                    "attack": {"type": "string", "pattern": "^[0-9]+$"},
                    "navigator": {"type": "string"}, "layer": {"const": "4.5"},
                },
            },
            "domain": {"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]},
            "description": {"type": "string"}, "customDataURL": {"type": "string"},
            "filters": {"type": "object"}, "sorting": {"enum": [0, 1, 2, 3]}, "layout": {"type": "object"},
            "hideDisabled": {"type": "boolean"}, "techniques": {"type": "array", "items": technique},
            "gradient": {
                "type": "object", "required": ["colors", "minValue", "maxValue"],
                "properties": {
                    "colors": {"type": "array", "minItems": 2, "items": color},
                    "minValue": {"type": "number"}, "maxValue": {"type": "number"},
                },
            },
            "legendItems": {"type": "array", "items": {
                "type": "object", "required": ["label", "color"], "additionalProperties": false,
                "properties": {"label": {"type": "string"}, "color": color},
            }},
            "metadata": {"type": "array", "items": named}, "links": {"type": "array"},
            "showTacticRowBackground": {"type": "boolean"}, "tacticRowBackground": color,
            "selectTechniquesAcrossTactics": {"type": "boolean"},
            "selectSubtechniquesWithParent": {"type": "boolean"},
            "selectVisibleTechniques": {"type": "boolean"},
        },
    });
    let layer: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&layer).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    layer
}

fn cell<'a>(layer: &'a Value, id: &str) -> Vec<&'a Value> {
    let cells = layer["techniques"].as_array().unwrap();
    cells.iter().filter(|cell| cell["techniqueID"] == id).collect()
}

fn folder() -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::log())
}

#[test]
fn a_layer_of_detections() {
    let folder = folder();
    folder.check("map log.evtx --rules rules.yml -o layer.navigator", 0);
    let layer = check_layer(&folder.read("layer.navigator"));
    assert_eq!(layer["versions"]["attack"], "19");
    let cells = cell(&layer, "T1059.003");
    assert_eq!(cells.len(), 1);
    assert_eq!((&cells[0]["score"], &cells[0]["tactic"]), (&json!(2), &json!("execution")));
    assert_eq!(cells[0]["comment"], "detections: 2, the worst high");
    // The associations of the same log are no detections.
    assert!(cell(&layer, "T1078").is_empty());
    folder.check("map log.evtx --rules rules.yml -o layer.navigator.json", 0);
    assert_eq!(folder.read("layer.navigator.json"), folder.read("layer.navigator"));
}

#[test]
fn what_rules_are_about() {
    let folder = folder();
    let run = folder.check("coverage --rules rules.yml --layer layer.json --gap-layer gaps.json", 0);
    assert!(run.out.contains("2 of "), "{}", run.out);
    let (layer, gaps) = (check_layer(&folder.read("layer.json")), check_layer(&folder.read("gaps.json")));
    assert_eq!(layer["techniques"].as_array().unwrap().len(), 2);
    assert_eq!(cell(&layer, "T1105")[0]["score"], 1);
    assert!(cell(&gaps, "T1105").is_empty() && !cell(&gaps, "T1078").is_empty());
    let run = folder.check("coverage --rules rules.yml --json", 0);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["coverage"]["rules"], 2);
    assert_eq!(json["coverage"]["ready"], Value::Null);
}

#[test]
fn what_could_have_fired_and_what_would_bring_the_rest() {
    let other = "title: Script\nlevel: high\ntags: [attack.t1059.001]\n\
        logsource: {product: windows, category: ps_script}\n\
        detection: {a: {ScriptBlockText|contains: x}, condition: a}\n";
    let folder = folder().with("rules/a.yml", sample::RULES).with("rules/b.yml", other);
    let run = folder.check("coverage log.evtx --rules rules --gap-layer gaps.json", 0);
    assert!(
        run.out.contains("2 of 3 rules could have fired with the 2 kinds of event that there are"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("1 rule: policy: Windows PowerShell, Turn on PowerShell Script Block Logging"),
        "{}",
        run.out
    );
    let gaps = check_layer(&folder.read("gaps.json"));
    assert_eq!(cell(&gaps, "T1059.001")[0]["comment"], "rules: 1, 0 of them with events");
    let run = folder.check("coverage log.evtx --rules rules --json", 0);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    let techniques = json["coverage"]["techniques"].as_array().unwrap();
    let sight = |id: &str| &techniques.iter().find(|technique| technique["id"] == id).unwrap()["sight"];
    assert_eq!(
        (sight("T1059.001"), sight("T1105"), sight("T1078")),
        (&json!("blind"), &json!("seen"), &json!("gap"))
    );
    let run = folder.check("coverage missing.evtx --rules rules", 2);
    assert!(run.err.contains("missing.evtx"), "{}", run.err);
}
