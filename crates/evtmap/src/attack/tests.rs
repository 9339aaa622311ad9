//! Tags in, meanings out, on embedded releases, small bundles and, where they are at hand, MITRE's own.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::*;

fn release(version: &str) -> Catalogue {
    Catalogue::bundled_version(version).unwrap()
}

fn names(tactics: &[&Tactic]) -> String {
    let names: Vec<&str> = tactics.iter().map(|tactic| tactic.short_name.as_str()).collect();
    names.join(" ")
}

fn mapped(mapped: &Mapped<'_>) -> String {
    let Mapped { technique, asked, route } = mapped;
    match route {
        Route::Same => format!("{} {}", technique.id, technique.name),
        _ => format!("{} {} ({route:?} of {asked})", technique.id, technique.name),
    }
}

fn one(attack: &Catalogue, tag: &str) -> String {
    match attack.resolve(tag) {
        Resolved::Technique(found) => mapped(&found),
        Resolved::Tactics(tactics) => names(&tactics),
        Resolved::Object(object) => format!("{} {} ({})", object.id, object.name, object.kind.as_str()),
        other => format!("{other:?}"),
    }
}

/// One tag of a line, and what it means.
fn check_one(attack: &Catalogue, expect: &str) {
    for line in expect.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (tag, meaning) = line.split_once(" = ").unwrap();
        assert_eq!(one(attack, tag.trim()), meaning, "{tag}");
    }
}

/// A rule's tags without their namespace, and what they mean together.
fn check_all(attack: &Catalogue, tags: &str, expect: &[&str]) {
    let tags: Vec<String> = tags.split_whitespace().map(|tag| format!("attack.{tag}")).collect();
    let mapping = attack.resolve_all(&tags);
    let mut got: Vec<String> = mapping.mapped.iter().map(mapped).collect();
    got.push(format!("rule: {}", names(&mapping.tactics)));
    got.push(format!("techniques: {}", names(&mapping.technique_tactics)));
    got.extend(mapping.objects.iter().map(|object| format!("object: {} {}", object.id, object.name)));
    got.extend(mapping.unresolved.iter().map(|tag| format!("unresolved: {tag}")));
    got.retain(|line| !line.ends_with(": "));
    assert_eq!(got, expect, "{tags:?}");
}

fn stix(json: &str) -> Catalogue {
    Catalogue::from_stix(json.as_bytes()).unwrap()
}

fn check_error(json: &[u8], expect: &str) {
    let error = Catalogue::from_stix(json).unwrap_err();
    assert_eq!(format!("{}: {error}", error.code()), expect);
    assert!(!error.help().is_empty());
}

#[test]
fn the_newest_release_is_bundled() {
    let attack = Catalogue::bundled();
    assert_eq!(attack.domain(), Some("enterprise-attack"));
    assert_eq!((attack.version(), attack.date()), (Some("19.2"), Some("2026-08-05")));
    assert_eq!(attack.versions(), ["19.2", "18.1"]);
    assert_eq!(
        names(&attack.tactics().iter().collect::<Vec<_>>()),
        "reconnaissance resource-development initial-access execution persistence privilege-escalation stealth \
         defense-impairment credential-access discovery lateral-movement collection command-and-control \
         exfiltration impact"
    );
    let technique = attack.technique("T1059.001".parse().unwrap()).unwrap();
    assert_eq!((technique.name.as_str(), technique.status), ("PowerShell", Status::Active));
    assert_eq!(technique.platforms, ["Windows"]);
    assert!(Catalogue::bundled_version("1.0").is_none());
}

#[test]
fn every_embedded_release_is_sound() {
    for version in Catalogue::bundled().versions() {
        let attack = release(version);
        assert!(attack.techniques().is_sorted_by(|a, b| a.id < b.id));
        for technique in attack.techniques() {
            let id = technique.id;
            let is_active = technique.status == Status::Active;
            assert!(!technique.name.is_empty(), "{id}");
            assert_eq!(technique.status == Status::Revoked, technique.successor.is_some(), "{id}");
            assert!(!is_active || !technique.tactics.is_empty() && !technique.platforms.is_empty(), "{id}");
            assert!(technique.tactics.iter().all(|tactic| attack.tactic(*tactic).is_some()), "{id}");
            assert!(
                !is_active || id.parent().is_none_or(|parent| attack.technique(parent).is_some()),
                "{id}"
            );
            let Resolved::Technique(found) = attack.resolve(&format!("attack.{id}")) else { panic!("{id}") };
            assert_ne!(found.technique.status, Status::Revoked, "{id}");
        }
    }
}

#[test]
fn tags_on_the_newest_release() {
    check_one(
        &release("19.2"),
        "
        attack.t1059.001         = T1059.001 PowerShell
        ATTACK.T1059             = T1059 Command and Scripting Interpreter
        attack.t1562.001         = T1685 Disable or Modify Tools (Successor of T1562.001)
        attack.t1070.001         = T1685.005 Clear Windows Event Logs (Successor of T1070.001)
        attack.t1086             = T1059.001 PowerShell (Successor of T1086)
        attack.t1073             = T1574.001 DLL (Successor of T1073)
        attack.t1059.999         = T1059 Command and Scripting Interpreter (Parent of T1059.999)
        attack.t1562.099         = T1685 Disable or Modify Tools (Parent of T1562.099)
        attack.credential_access = credential-access
        attack.stealth           = stealth
        attack.ta0112            = defense-impairment
        attack.defense-evasion   = stealth defense-impairment
        attack.defense_evasion   = stealth defense-impairment
        attack.g0049             = G0049 OilRig (group)
        attack.S0002             = S0002 Mimikatz (software)
        attack.ds0005            = DS0005 WMI (data source)
        attack.g9999             = Unknown
        attack.t9999             = Unknown
        attack.t9999.001         = Unknown
        attack.t1059.1           = Unknown
        attack.ta9999            = Unknown
        attack.evasion           = Unknown
        attack.                  = Unknown
        cve.2021-1675            = NotAttack
        detection.dfir           = NotAttack
        ",
    );
}

#[test]
fn tags_on_an_older_release() {
    check_one(
        &release("18.1"),
        "
        attack.t1562.001          = T1562.001 Disable or Modify Tools
        attack.t1685              = T1562.001 Disable or Modify Tools (Predecessor of T1685)
        attack.t1685.005          = T1070.001 Clear Windows Event Logs (Predecessor of T1685.005)
        attack.t1686.001          = T1562.007 Disable or Modify Cloud Firewall (Predecessor of T1686.001)
        attack.t1686.003          = T1562.004 Disable or Modify System Firewall (Parent of T1686.003)
        attack.t1690              = T1562.003 Impair Command History Logging (Predecessor of T1690)
        attack.t1027.018          = T1027 Obfuscated Files or Information (Parent of T1027.018)
        attack.t1089              = T1562.001 Disable or Modify Tools (Successor of T1089)
        attack.t1557.001          = T1557.001 LLMNR/NBT-NS Poisoning and SMB Relay
        attack.t1682              = Unknown
        attack.defense-evasion    = defense-evasion
        attack.stealth            = defense-evasion
        attack.defense-impairment = defense-evasion
        attack.ta0112             = defense-evasion
        ",
    );
}

#[test]
fn a_rule_of_the_old_release_on_the_new_one() {
    let attack = release("19.2");
    check_all(
        &attack,
        "defense-evasion t1562.001",
        &[
            "T1685 Disable or Modify Tools (Successor of T1562.001)",
            "rule: defense-impairment",
            "techniques: defense-impairment",
        ],
    );
    check_all(
        &attack,
        "t1036 t1112 persistence defense_evasion",
        &[
            "T1036 Masquerading",
            "T1112 Modify Registry",
            "rule: persistence stealth defense-impairment",
            "techniques: persistence stealth defense-impairment",
        ],
    );
    check_all(&attack, "defense-evasion", &["rule: stealth defense-impairment"]);
    // PowerShell was never an evasion, so the tag adds to it and may mean either part.
    check_all(
        &attack,
        "defense-evasion t1059.001",
        &["T1059.001 PowerShell", "rule: stealth defense-impairment", "techniques: execution"],
    );
    // Bypassing UAC was one and is no longer, of either kind.
    check_all(
        &attack,
        "defense-evasion t1548.002",
        &[
            "T1548.002 Bypass User Account Control",
            "techniques: privilege-escalation",
            "unresolved: attack.defense-evasion",
        ],
    );
}

#[test]
fn a_rule_of_the_new_release_on_the_old_one() {
    check_all(
        &release("18.1"),
        "stealth defense-impairment t1685 t1685.005 t1682 g0049",
        &[
            "T1562.001 Disable or Modify Tools (Predecessor of T1685)",
            "T1070.001 Clear Windows Event Logs (Predecessor of T1685.005)",
            "rule: defense-evasion",
            "techniques: defense-evasion",
            "object: G0049 OilRig",
            "unresolved: attack.t1682",
        ],
    );
}

#[test]
fn a_technique_is_given_once_by_its_surest_way() {
    check_all(
        &release("19.2"),
        "t1562.001 t1059 t1685 impact",
        &[
            "T1685 Disable or Modify Tools",
            "T1059 Command and Scripting Interpreter",
            "rule: impact",
            "techniques: execution defense-impairment",
        ],
    );
    check_all(&release("19.2"), "", &[]);
}

/// Two matrices, properties in any order, links before what they link, and objects that do not matter.
const MOBILE: &str = r#"{"objects": [
  {"relationship_type": "revoked-by", "source_ref": "ap--2", "target_ref": "ap--1", "type": "relationship"},
  {"relationship_type": "revoked-by", "source_ref": "ap--3", "target_ref": "ap--1", "type": "relationship",
   "revoked": true},
  {"type": "x-mitre-tactic", "id": "t--2", "name": "Second", "x_mitre_shortname": "second",
   "external_references": [{"external_id": "TA0902"}]},
  {"type": "x-mitre-tactic", "id": "t--1", "name": "First", "x_mitre_shortname": "defense-evasion",
   "external_references": [{"external_id": "TA0901"}]},
  {"type": "x-mitre-tactic", "id": "t--3", "name": "In no matrix", "x_mitre_shortname": "third",
   "external_references": [{"external_id": "TA0903"}]},
  {"type": "x-mitre-matrix", "tactic_refs": ["t--1"], "external_references": [{"external_id": "mobile-attack"}]},
  {"type": "x-mitre-matrix", "tactic_refs": ["t--2"]},
  {"type": "x-mitre-matrix", "tactic_refs": ["t--3"], "x_mitre_deprecated": true},
  {"id": "ap--1", "name": "One", "x_mitre_platforms": ["iOS", "Android", "iOS"],
   "kill_chain_phases": [{"phase_name": "second"}, {"phase_name": "third"}, {"phase_name": "defense-evasion"}],
   "external_references": [{"source_name": "book"}, {"external_id": "APP-12"}, {"external_id": "T1901"}],
   "unknown": {"deep": [[[{}]]]}, "type": "attack-pattern"},
  {"type": "attack-pattern", "id": "ap--2", "name": "Two", "revoked": true,
   "kill_chain_phases": [{"phase_name": "second"}], "external_references": [{"external_id": "T1902"}]},
  {"type": "attack-pattern", "id": "ap--3", "name": "Three", "x_mitre_deprecated": true,
   "external_references": [{"external_id": "T1903"}]},
  {"type": "attack-pattern", "id": "ap--4", "name": "Old one", "revoked": true,
   "external_references": [{"external_id": "T1901"}]},
  {"type": "attack-pattern", "id": "ap--5", "name": "No id"},
  {"type": "malware", "name": "ignored", "x_mitre_aliases": ["ignored"]}
], "spec_version": "2.0", "type": "bundle", "id": "bundle--1"}"#;

#[test]
fn a_bundle_of_another_domain() {
    let attack = stix(MOBILE);
    assert_eq!((attack.domain(), attack.version(), attack.date()), (Some("mobile-attack"), None, None));
    assert_eq!(names(&attack.tactics().iter().collect::<Vec<_>>()), "defense-evasion second");
    let techniques: Vec<String> = attack.techniques().iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(techniques.len(), 3, "{techniques:#?}");
    let one_technique = attack.technique("T1901".parse().unwrap()).unwrap();
    assert_eq!((one_technique.name.as_str(), one_technique.tactics.len()), ("One", 2));
    assert_eq!(one_technique.platforms, ["Android", "iOS"]);
    check_one(
        &attack,
        "
        attack.t1902           = T1901 One (Successor of T1902)
        attack.t1903           = T1903 Three
        attack.defense-evasion = defense-evasion
        attack.third           = Unknown
        attack.stealth         = Unknown
        attack.t1059           = Unknown
        ",
    );
}

#[test]
fn revoked_techniques_that_point_at_one_another() {
    let attack = stix(
        r#"{"objects": [
          {"type": "attack-pattern", "id": "1", "name": "A", "revoked": true, "external_references": [{"external_id": "T1901"}]},
          {"type": "attack-pattern", "id": "2", "name": "B", "revoked": true, "external_references": [{"external_id": "T1902"}]},
          {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "1", "target_ref": "2"},
          {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "2", "target_ref": "1"}
        ]}"#,
    );
    check_one(&attack, "attack.t1901 = T1902 B (Successor of T1901)");
}

#[test]
fn what_is_no_bundle_is_refused() {
    for (bytes, expected) in [
        ("", "broken-json: the ATT&CK bundle is broken: it ends too early, at byte 0"),
        (
            "<html>",
            "broken-json: the ATT&CK bundle is broken: there is something that does not belong there, at byte 0",
        ),
        (
            r#"{"objects": [{"type": "att"#,
            "broken-json: the ATT&CK bundle is broken: it ends too early, at byte 26",
        ),
        (
            r#"{"objects": [{"type": x}]}"#,
            "broken-json: the ATT&CK bundle is broken: expected value at line 1 column 10, in the object that begins `{\"type\": x}`",
        ),
        (
            r#"{"objects": []} x"#,
            "broken-json: the ATT&CK bundle is broken: there is something that does not belong there, at byte 16",
        ),
        ("[]", "not-a-bundle: the file is not a STIX bundle: it holds something else"),
        ("{\n}", "not-a-bundle: the file is not a STIX bundle: it has no objects"),
        (r#"{"objects": 5}"#, "not-a-bundle: the file is not a STIX bundle: its objects are no list"),
        (
            r#"{"objects": [5]}"#,
            "not-a-bundle: the file is not a STIX bundle: its list holds what is no object",
        ),
        (
            r#"{"objects": [{"type": "tool", "name": 5}]}"#,
            "not-a-bundle: the file is not a STIX bundle: invalid type: integer `5`, expected a string at line 1 column 26, in the object that begins `{\"type\": \"tool\", \"name\": 5}`",
        ),
        (r#"{"objects": [], "type": "bundle"}"#, "no-technique: the STIX bundle holds no ATT&CK technique"),
    ] {
        check_error(bytes.as_bytes(), &format!("attack-{expected}"));
    }
}

/// The folder of material by others, which lies beside the repository where it is at hand.
fn shared() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !shared.exists() {
        // Not by `println`, which is shown of failing tests only.
        let _ = writeln!(io::stderr(), "skipped: there is no `../shared/data` beside the repository");
        return None;
    }
    Some(shared)
}

/// Every distinct tag of ATT&CK in an archive of rules, and how often it occurs.
fn tags_of(archive: &Path) -> BTreeMap<String, usize> {
    let mut tags = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().extension() != Some("yml".as_ref()) {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let items = text.lines().filter_map(|line| line.trim().strip_prefix("- "));
        for tag in items.filter(|item| item.starts_with("attack.")) {
            *tags.entry(tag.split_whitespace().next().unwrap().to_owned()).or_default() += 1;
        }
    }
    tags
}

#[test]
fn embedded_releases_and_real_rules() {
    let Some(shared) = shared() else { return };
    let tags = tags_of(&shared.join("sigma/sigma-master.tar.gz"));
    assert!(tags.len() > 400, "{}", tags.len());
    for (version, name) in
        [("19.2", "enterprise-attack-19.2-reconstructed-min.json"), ("18.1", "enterprise-attack-18.1.json")]
    {
        let bundle = File::open(shared.join("attack").join(name)).unwrap();
        let attack = Catalogue::from_stix(bundle).unwrap();
        let embedded = release(version);
        assert_eq!((attack.version(), attack.date()), (embedded.version(), embedded.date()));
        assert_eq!(attack.tactics(), embedded.tactics());
        assert_eq!(attack.techniques(), embedded.techniques());
        // What rules of both spellings say means the same in the bundle and in what is embedded of it.
        for tag in tags.keys().flat_map(|tag| [tag.clone(), tag.replace('-', "_"), tag.to_uppercase()]) {
            let meaning = one(&attack, &tag);
            assert_ne!(meaning, "Unknown", "{version}: {tag}");
            assert_eq!(meaning, one(&embedded, &tag), "{version}");
        }
    }
}
