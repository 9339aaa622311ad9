//! `--attack`: names of techniques and tactics from a bundle.

use evtmap::attack::own_description;
use serde_json::{Value, json};

use crate::program::{Folder, Run, slashes};
use crate::report::check_schema;
use crate::sample;

fn folder() -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::log())
}

#[test]
fn a_bundle_gives_the_names() {
    let folder = folder().with("attack.json", sample::ATTACK);
    let run =
        folder.check("map log.evtx --rules rules.yml --attack attack.json --no-associations -o out.jsonl", 0);
    assert!(run.out.contains("ATT&CK enterprise-attack 99.9"), "{}", run.out);
    let line: Value = serde_json::from_str(folder.read("out.jsonl").lines().next().unwrap()).unwrap();
    let technique = json!({
        "id": "T1059.003", "name": "Typing Commands", "tactics": ["execution"], "parent": "T1059",
        "url": "https://attack.mitre.org/techniques/T1059/003", "description": "Somebody types."
    });
    assert_eq!(line["techniques"], json!([technique]));
    assert_eq!(line["tactics"], json!([{"id": "TA0002", "name": "Doing"}]));
    // The bundle does not know the other rule's technique, which is said.
    assert!(run.out.contains("that this ATT&CK does not know"), "{}", run.out);
}

#[test]
fn a_description_is_the_bundles_or_our_own() {
    let folder = folder().with("attack.json", sample::ATTACK);
    let described = |options: &str| {
        let map = "map log.evtx --rules rules.yml --no-associations -o out.jsonl";
        folder.check(&format!("{map} {options}"), 0);
        let lines = folder.read("out.jsonl");
        check_schema(&lines);
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        line["techniques"][0]["description"].clone()
    };
    let shown = |options: &str| {
        let run = folder.check(&format!("attack show T1059.003 --json {options}"), 0);
        let page: Value = serde_json::from_str(&run.out).unwrap();
        (page["description"].clone(), page["description_from"].clone())
    };
    let own = own_description("T1059.003".parse().unwrap()).unwrap();
    assert_eq!(described(""), own);
    assert_eq!(shown(""), (json!(own), json!("evtmap")));
    assert_eq!(described("--attack attack.json"), "Somebody types.");
    let (text, from) = shown("--attack attack.json");
    assert!(text.as_str().unwrap().starts_with("Somebody types."), "{text}");
    assert_eq!(from, "attack");
    let run = folder.check("attack show T1059.003", 0);
    assert!(run.out.contains(own), "{}", run.out);
    // No words of ours for what is no longer in use.
    let run = folder.check("attack show T1562.001 --json", 0);
    let page: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&page["description"], &page["description_from"]), (&json!(""), &Value::Null));
}

#[test]
fn what_is_no_bundle_is_named() {
    let folder =
        folder().with("list.json", "[1, 2]").with("text.json", "dear diary").with("other.json", "{}");
    for name in ["list.json", "text.json", "other.json"] {
        let run = folder.check(&format!("map log.evtx --attack {name} -o out.csv"), 2);
        assert!(run.err.contains(&format!("error: cannot use `{name}` as ATT&CK: ")), "{}", run.err);
        assert!(run.err.contains("help: "), "{}", run.err);
    }
    let run = folder.check("map log.evtx --attack missing.json", 2);
    assert!(run.err.contains("error: cannot read `missing.json`: there is no such file"), "{}", run.err);
    assert!(!folder.names().contains(&"out.csv".to_owned()));
}

#[test]
fn a_cache_holds_rules_and_catalogue() {
    let folder = folder()
        .with("cache/enterprise-attack.json", sample::ATTACK)
        .with("cache/rules/a.yml", sample::RULES)
        .with("empty/file", "");
    let run = folder.check("map log.evtx --cache-dir cache", 0);
    let shown = slashes(&run.out);
    assert!(shown.contains("2 rules from cache/rules, ATT&CK enterprise-attack 99.9"), "{shown}");
    let run = folder.check("map log.evtx --cache-dir empty", 0);
    assert!(run.out.contains("rules from the program"), "{}", run.out);
}

#[test]
fn more_is_told_of_techniques_on_request() {
    let folder = folder().with("attack.json", sample::ATTACK);
    folder.check("update attack --from attack.json --cache-dir cache", 0);
    let map = "map log.evtx --rules rules.yml --no-associations -o out.jsonl";
    for options in ["--attack attack.json", "--cache-dir cache"] {
        folder.check(&format!("{map} {options} --enrich groups,mitigations --enrich detections"), 0);
        let lines = folder.read("out.jsonl");
        check_schema(&lines);
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        let technique = &line["techniques"][0];
        assert_eq!(technique["groups"], json!([{"id": "G9001", "name": "The Typists"}]));
        assert_eq!(technique["mitigations"], json!([{"id": "M9001", "name": "No Keyboard"}]));
        let strategy = json!([{"id": "DET9001", "name": "Listen", "logs": ["Keys EventCode=1"]}]);
        assert_eq!(technique["detections"], strategy);
    }
    folder.check(&format!("{map} --attack attack.json --enrich groups"), 0);
    let line: Value = serde_json::from_str(folder.read("out.jsonl").lines().next().unwrap()).unwrap();
    assert!(line["techniques"][0].get("mitigations").is_none());
    let run = folder.check(&format!("{map} --enrich groups"), 2);
    assert!(
        run.err.contains("error: the ATT&CK of the program has names and short descriptions only"),
        "{}",
        run.err
    );
    let run = folder.check(&format!("{map} --enrich friends"), 2);
    assert!(run.err.contains("it is one of groups, mitigations, detections"), "{}", run.err);
}

/// Rules that were read once are kept, with all that is said of them, and `--no-rule-cache` keeps nothing.
#[test]
fn rules_are_kept_from_one_run_to_the_next() {
    let folder = folder().with("rules/a.yml", sample::RULES).with("rules/broken.yml", "title: [");
    let run = |options: &str| {
        let run = folder
            .check(&format!("map log.evtx --rules rules --cache-dir cache -o - --format jsonl {options}"), 0);
        (run.out, run.err)
    };
    let fresh = run("--no-rule-cache");
    assert!(!folder.path().join("cache").exists());
    assert!(fresh.1.contains("cannot be used as written"), "{}", fresh.1);
    assert_eq!(run(""), fresh);
    let files: Vec<_> = std::fs::read_dir(folder.path().join("cache/compiled")).unwrap().collect();
    assert_eq!(files.len(), 1);
    assert_eq!(run(""), fresh);
    std::fs::write(files[0].as_ref().unwrap().path(), "damaged").unwrap();
    assert_eq!(run(""), fresh);
}

/// Runs `evtmap attack` on the sample's bundle and rules.
fn attack(arguments: &str, status: i32) -> Run {
    folder().with("attack.json", sample::ATTACK).check(&format!("attack {arguments}"), status)
}

fn attack_json(arguments: &str) -> Value {
    serde_json::from_str(&attack(&format!("{arguments} --json"), 0).out).unwrap()
}

#[test]
fn a_technique_is_shown_with_what_has_to_do_with_it() {
    let show = "show --attack attack.json --rules rules.yml";
    let expected = "\
T1059.003 Typing Commands
  https://attack.mitre.org/techniques/T1059/003
  tactics    Doing
  platforms  Windows

  Somebody types.
  
  For long.

1 mitigation
  M9001 No Keyboard

1 group
  G9001 The Typists

1 detection strategy
  DET9001 Listen
      Keys EventCode=1

1 rule in use
  high          Bad Program (rules.yml)

";
    assert_eq!(attack(&format!("{show} t1059.003"), 0).out, expected);
    assert_eq!(attack(&format!("{show} attack.t1059.003"), 0).out, expected);
    let json = attack_json(&format!("{show} T1059.003"));
    assert_eq!((&json["name"], &json["parent"]), (&json!("Typing Commands"), &json!("T1059")));
    assert_eq!(json["related"]["groups"], json!([{"id": "G9001", "name": "The Typists"}]));
    assert_eq!(json["rules"][0]["title"], "Bad Program");
    for id in ["T1059.003", "execution", "TA0002", "G9001", "M9001", "DET9001"] {
        let json = attack_json(&format!("{show} {id}"));
        let shown = json.get(0).unwrap_or(&json);
        assert_eq!(shown["attack_version"], "99.9", "{id}");
    }
    assert!(attack(&format!("{show} g9001"), 0).out.contains("also       Fast Fingers\n"));
    assert!(attack(&format!("{show} execution"), 0).out.contains("T1059.003 Typing Commands"));
    let run = attack(&format!("{show} T9999"), 2);
    assert!(run.err.contains("error: `T9999` is not in ATT&CK enterprise-attack 99.9"), "{}", run.err);
}

#[test]
fn what_was_replaced_is_shown_as_such() {
    let run = attack("show T1562.001", 0);
    assert!(run.out.contains("revoked in favour of T1685"), "{}", run.out);
    assert!(
        run.out.contains("the program's ATT&CK has names and short descriptions of its own"),
        "{}",
        run.out
    );
    let run = attack("show defense-evasion", 0);
    assert!(
        run.out.contains("TA0005 Stealth") && run.out.contains("TA0112 Defense Impairment"),
        "{}",
        run.out
    );
}

#[test]
fn words_are_found_in_names_and_texts() {
    let found = |arguments: &str| -> Vec<Value> {
        attack_json(&format!("search {arguments}"))
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["id"].clone())
            .collect()
    };
    assert_eq!(found("--attack attack.json TYPING"), ["T1059.003"]);
    assert_eq!(found("--attack attack.json types somebody"), ["T1059.003"]);
    assert_eq!(found("--attack attack.json fast"), ["G9001"]);
    assert!(found("--attack attack.json nobody").is_empty());
    assert_eq!(found("lsass memory"), ["T1003.001", "DET0363"]);
    assert!(found("krbtgt").contains(&json!("T1558.001")));
    // What is no longer in use is found when it is asked for.
    assert!(found("t1562.003").is_empty());
    assert_eq!(found("t1562.003 --all"), ["T1562.003"]);
    let run = attack("search lsass memory", 0);
    assert!(
        run.out.contains(
            "2 hits in ATT&CK enterprise-attack 19.2 of 2026-08-05, in names and the program's short descriptions"
        ),
        "{}",
        run.out
    );
}

#[test]
fn tactics_are_in_the_order_of_the_matrix() {
    let run = attack("tactics", 0);
    let names: Vec<&str> =
        run.out.lines().skip(1).map(|line| line[10..].split("  ").next().unwrap()).collect();
    assert_eq!((names.len(), names[6], names[7]), (15, "Stealth", "Defense Impairment"));
    let json = attack_json("tactics --attack attack.json");
    let doing = json!({"id": "TA0002", "short_name": "execution", "name": "Doing", "techniques": 0, "sub_techniques": 1});
    assert_eq!(json, json!([doing]));
}

#[test]
fn what_changed_between_releases_and_which_rules_it_touches() {
    let rules = "title: Old\ntags: [attack.defense-evasion, attack.t1562.001]\n\
        logsource: {product: windows}\ndetection: {a: {b: c}, condition: a}\n";
    let folder = folder().with("old.yml", rules);
    let run = folder.check("attack diff 18.1 19.2 --rules old.yml --rules rules.yml", 0);
    for line in [
        "ATT&CK enterprise-attack 18.1 of 2025-11-13 → enterprise-attack 19.2 of 2026-08-05\n",
        "  tactic     TA0005 Defense Evasion → Stealth\n",
        "23 techniques new\n",
        "→ T1685.005\n",
        "1 of 3 rules mean something else\n  Old\n    T1562.001 defense-evasion → T1685 defense-impairment\n",
    ] {
        assert!(run.out.contains(line), "{line}\n{}", run.out);
    }
    let run = folder.check("attack diff 18.1 19.2 --rules old.yml --json", 0);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["rules"][0]["after"], json!(["T1685", "defense-impairment"]));
    assert_eq!(json["rules_looked_at"], 1);
    assert!(json["techniques"].as_array().unwrap().len() > 200);
    let run = folder.check("attack diff 19.2 19.2", 0);
    assert!(run.out.contains("no technique is different"), "{}", run.out);
    let run = folder.check("attack diff 17 19.2", 2);
    assert!(run.err.contains("give 19.2 or 18.1, which come with the program"), "{}", run.err);
}
