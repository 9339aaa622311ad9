//! `--from`, `--rollback`, and what other commands make of the cache.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::archive::{append, one_rule, rule, tar_gz};
use crate::program::{Folder, Run};
use crate::recordings::shared;
use crate::sample;

const MAP: &str = "map log.csv --cache-dir cache --offline --no-associations -o out.json";

fn folder() -> Folder {
    Folder::new().with("log.csv", sample::CSV).with("bad.tar.gz", one_rule(1, "bad"))
}

/// What a run of `map` says it used and found.
fn used(folder: &Folder) -> (String, u64) {
    let run = folder.check(MAP, 0);
    let report: Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    (run.out.lines().next().unwrap().to_owned(), report["summary"]["detections"].as_u64().unwrap())
}

#[test]
fn rules_and_attack_are_carried_over_and_used() {
    let folder = folder().with("bundle.json", sample::ATTACK);
    let run = folder.check("update rules --from bad.tar.gz --cache-dir cache", 0);
    let expected =
        "rules: bad of 2026-08-01 (commit 1a2b3c4)\n  from     bad.tar.gz\n  licence  MIT License\n";
    assert!(run.out.starts_with(expected), "{}", run.out);
    assert!(
        run.out.contains("  1 rule, in place of those that come with the program; `--reset`"),
        "{}",
        run.out
    );
    let run = folder.check("update attack --from bundle.json --cache-dir cache", 0);
    assert!(run.out.starts_with("ATT&CK data: enterprise-attack 99.9 of 2030-01-01\n"), "{}", run.out);
    let later = sample::ATTACK.replace("99.9", "100.0").replace("Typing Commands", "Typing");
    let folder = folder.with("later.json", later);
    let run = folder.check("update attack --from later.json --cache-dir other", 0);
    assert!(run.out.contains("  in place of what comes with the program; `--reset`"), "{}", run.out);
    let run = folder.check("update attack --from bundle.json --cache-dir other", 0);
    let expected = "  in place of enterprise-attack 100.0 of 2030-01-01\n  techniques: 1 renamed\n";
    assert!(run.out.ends_with(expected), "{}", run.out);
    let (used, n) = used(&folder);
    assert!(
        used.contains(
            "1 rule from bad of 2026-08-01 (commit 1a2b3c4), ATT&CK enterprise-attack 99.9 of 2030-01-01"
        ),
        "{used}"
    );
    assert_eq!(n, 1);
    let report: Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    assert_eq!(report["summary"]["attack_date"], "2030-01-01");
    assert_eq!(report["summary"]["rules_newest"], "2026-08-01");
    let run = folder.check("rules list --cache-dir cache", 0);
    assert!(run.out.contains("1 rule from bad of 2026-08-01"), "{}", run.out);
    let run = folder.check("rules show --cache-dir cache 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f1001", 0);
    assert!(run.out.contains("Typing Commands"), "{}", run.out);
}

#[test]
fn the_usual_place_is_used_without_being_named() {
    let folder = folder();
    folder.check("update rules --from bad.tar.gz", 0);
    let run = folder.check("map log.csv", 0);
    assert!(run.out.contains("1 rule from bad of 2026-08-01"), "{}", run.out);
    // What is named comes first.
    let run = folder.with("own.yml", sample::RULES).check("map log.csv --rules own.yml", 0);
    assert!(run.out.contains("2 rules from own.yml"), "{}", run.out);
}

/// A run on another day.
fn on(folder: &Folder, day: &str, arguments: &str) -> Run {
    let mut command = folder.command(arguments);
    let run = Run::of(command.env("EVTMAP_NOW", format!("{day}T12:00:00Z")).output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    run
}

#[test]
fn what_is_old_gives_one_hint() {
    let folder = folder().with("bundle.json", sample::ATTACK);
    let hint = "the rules of 2026-08-01 and ATT&CK 19.2 of 2026-08-05 are older than 90 days; `evtmap update` fetches newer ones\n";
    folder.check("update rules --from bad.tar.gz --cache-dir cache", 0);
    for command in ["map log.csv --cache-dir cache", "rules list --cache-dir cache"] {
        assert!(on(&folder, "2026-12-01", command).out.ends_with(hint), "{command}");
        assert!(!on(&folder, "2026-10-25", command).out.contains("older than 90 days"), "{command}");
    }
    folder.check("update attack --from bundle.json --cache-dir cache", 0);
    let run = on(&folder, "2026-12-01", "map log.csv --cache-dir cache");
    assert!(
        run.out.contains(
            "\nthe rules of 2026-08-01 are older than 90 days; `evtmap update` fetches newer ones\n"
        ),
        "{}",
        run.out
    );
    let mut command = folder.command("map log.csv");
    let run = Run::of(command.env("EVTMAP_NOW", "today").output().unwrap());
    assert!(run.err.contains("error: `EVTMAP_NOW=today` is not a time"), "{}", run.err);
}

#[test]
fn what_an_earlier_program_left_is_read() {
    let folder = folder().with("home/.mitre_mapper_cache/enterprise-attack.json", sample::ATTACK);
    let run = folder.check("map log.csv", 0);
    assert!(run.out.contains("ATT&CK enterprise-attack 99.9"), "{}", run.out);
    // What an update brought comes first, and so does a folder that is named.
    let run = folder.check("map log.csv --cache-dir empty", 0);
    assert!(run.out.contains("ATT&CK enterprise-attack 19.2"), "{}", run.out);
    let newer = sample::ATTACK.replace("99.9", "100.0");
    let folder = folder.with("newer.json", newer);
    folder.check("update attack --from newer.json", 0);
    assert!(folder.check("map log.csv", 0).out.contains("ATT&CK enterprise-attack 100.0"));
}

#[test]
fn an_update_tells_what_changed_and_can_be_taken_back() {
    let first = tar_gz(&[
        ("rules-main/a.yml", &rule(1, "bad", "high", "t1059.003")),
        ("rules-main/b.yml", &rule(2, "worse", "low", "t1059.003")),
    ]);
    let second = tar_gz(&[
        ("rules-main/b.yml", &rule(2, "worse", "high", "t1059.003")),
        ("rules-main/c.yml", &rule(3, "odd", "high", "t1059.003")),
    ]);
    let folder = folder().with("first.tar.gz", first).with("second.tar.gz", second);
    folder.check("update rules --from first.tar.gz --cache-dir cache", 0);
    assert_eq!(used(&folder).1, 1);
    let run = folder.check("update rules --rollback --cache-dir cache", 2);
    assert!(run.err.contains("error: there are no earlier rules to return to"), "{}", run.err);
    let run = folder.check("update rules --from second.tar.gz --cache-dir cache", 0);
    let expected = "  2 rules, where there were 2: 1 new, 1 gone, 1 of another level\n    new    Program 3\n    gone   Program 1\n    level  Program 2: low → high\n";
    assert!(run.out.ends_with(expected), "{}", run.out);
    assert_eq!(used(&folder).1, 0);
    let run = folder.check("update rules --rollback --cache-dir cache", 0);
    assert!(run.out.starts_with("rules: first of"), "{}", run.out);
    assert_eq!(used(&folder).1, 1);
    // Twice is back again, and only two editions are kept.
    folder.check("update rules --rollback --cache-dir cache", 0);
    assert_eq!(used(&folder).1, 0);
    folder.check("update rules --from bad.tar.gz --cache-dir cache", 0);
    assert_eq!(folder.names_in("cache/editions").len(), 2);
}

#[test]
fn what_comes_with_the_program_is_had_back() {
    let folder = folder();
    let own = used(&folder).0;
    let run = folder.check("update rules --reset --cache-dir cache", 2);
    assert!(run.err.contains("error: the rules that come with the program are in use"), "{}", run.err);
    folder.check("update rules --from bad.tar.gz --cache-dir cache", 0);
    assert_ne!(used(&folder).0, own);
    let run = folder.check("update rules --rollback --cache-dir cache", 2);
    assert!(run.err.contains("`evtmap update rules --reset`"), "{}", run.err);
    let run = folder.check("update rules --reset --cache-dir cache", 0);
    assert_eq!(run.out, "rules: what comes with the program is in use again\n");
    assert_eq!(used(&folder).0, own);
    // What was left is the earlier edition.
    folder.check("update rules --rollback --cache-dir cache", 0);
    assert_ne!(used(&folder).0, own);
}

#[test]
fn a_folder_a_zip_and_a_rule_are_taken_too() {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file("rules/a.yml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(rule(1, "bad", "high", "t1059.003").as_bytes()).unwrap();
    let folder = folder()
        .with("rules/deep/a.yml", rule(1, "bad", "high", "t1059.003"))
        .with("rules/b.txt", "no rule")
        .with("release.zip", zip.finish().unwrap().into_inner())
        .with("One Rule.yml", rule(1, "bad", "high", "t1059.003"));
    for (path, name) in [("rules", "rules"), ("release.zip", "release")] {
        folder.check(&format!("update rules --from {path} --cache-dir cache"), 0);
        let (used, n) = used(&folder);
        assert!(used.contains(&format!("1 rule from {name} of ")), "{used}");
        assert_eq!(n, 1);
    }
    let mut command = folder.command("update rules --cache-dir cache --quiet --from");
    assert!(command.arg("One Rule.yml").output().unwrap().stdout.is_empty());
    assert!(used(&folder).0.contains("1 rule from one-rule of 2026-08-01"));
}

#[test]
fn what_is_not_what_it_should_be_is_refused() {
    let mut climbing = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let text = rule(1, "bad", "high", "t1059.003");
    append(&mut climbing, "../../etc/a.yml", text.as_bytes(), tar::EntryType::Regular);
    let mut absolute = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    append(&mut absolute, "/etc/a.yml", text.as_bytes(), tar::EntryType::Regular);
    let mut links = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    append(&mut links, "a.yml", b"", tar::EntryType::Symlink);
    let whole = one_rule(1, "bad");
    let folder = folder()
        .with("climbing.tgz", climbing.into_inner().unwrap().finish().unwrap())
        .with("absolute.tgz", absolute.into_inner().unwrap().finish().unwrap())
        .with("links.tgz", links.into_inner().unwrap().finish().unwrap())
        .with("bomb.tgz", bomb())
        .with("cut.tgz", &whole[..whole.len() / 2])
        .with("page.tgz", "\n<!DOCTYPE html><html><body>Sign in</body></html>")
        .with("text.yml", "dear diary")
        .with("empty.tgz", "")
        .with("list.json", "[1]")
        .with("half.json", &sample::ATTACK[..sample::ATTACK.len() / 2])
        .with("other.json", r#"{"type": "bundle", "objects": []}"#);
    folder.check("update rules --from bad.tar.gz --cache-dir cache", 0);
    folder.check("update attack --from bundle.json --cache-dir cache", 2);
    for (part, path, reason) in [
        ("rules", "climbing.tgz", "it has a member whose path leads out of it"),
        ("rules", "absolute.tgz", "it has a member whose path leads out of it"),
        ("rules", "links.tgz", "it holds no rule file"),
        ("rules", "bomb.tgz", "there are more or larger rules than the limits allow"),
        ("rules", "cut.tgz", "the archive is broken or not complete"),
        ("rules", "page.tgz", "it is a web page and not an archive of rules"),
        ("rules", "text.yml", "it holds no rule that can be used"),
        ("rules", "empty.tgz", "it holds no rule that can be used"),
        ("attack", "page.tgz", "it is a web page and not a STIX bundle"),
        ("attack", "list.json", "the file is not a STIX bundle"),
        ("attack", "half.json", "the ATT&CK bundle is broken"),
        ("attack", "other.json", "the STIX bundle holds no ATT&CK technique"),
        ("attack", "bad.tar.gz", "the ATT&CK bundle is broken"),
    ] {
        let run = folder.check(&format!("update {part} --from {path} --cache-dir cache"), 2);
        assert!(run.err.contains(&format!("error: cannot use `{path}`: {reason}")), "{path}: {}", run.err);
        assert!(run.err.contains("help: "), "{path}: {}", run.err);
        assert_eq!(used(&folder).1, 1, "{path}");
    }
    let run = folder.check("update rules --from missing.tgz --cache-dir cache", 2);
    assert!(run.err.contains("cannot read `missing.tgz`: there is no such file"), "{}", run.err);
    let run = folder.check("update --from bad.tar.gz --cache-dir cache", 2);
    assert!(run.err.contains("`--from` needs to know what it is given"), "{}", run.err);
}

/// A small archive that unpacks to more than is allowed.
fn bomb() -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = tar::Header::new_ustar();
    header.set_path("notes.txt").unwrap();
    header.set_size(600 << 20);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..600).for_each(|_| gzip.write_all(&zeros).unwrap());
    gzip.finish().unwrap()
}

/// What the project is asked for: SigmaHQ's rules and ATT&CK 18.1 carried over, and recordings mapped.
#[test]
fn rules_of_a_later_release_are_shown_as_the_loaded_one_names_them() {
    let (Some(rules), Some(bundle), Some(logs)) = (
        shared("data/sigma/sigma-master.tar.gz"),
        shared("data/attack/enterprise-attack-18.1.json"),
        shared("data/evtx/EVTX-to-MITRE-Attack"),
    ) else {
        return;
    };
    let folder = Folder::new();
    let run = folder.check(&format!("update rules --from {} --cache-dir cache", rules.display()), 0);
    assert!(run.out.contains("licence  Detection Rule License (DRL) 1.1"), "{}", run.out);
    folder.check(&format!("update attack --from {} --cache-dir cache", bundle.display()), 0);
    let run = folder.check(&format!("map --offline --cache-dir cache {} -o out.json", logs.display()), 0);
    assert!(
        run.out
            .contains("rules from sigma-master of 2026-08-05, ATT&CK enterprise-attack 18.1 of 2025-11-13"),
        "{}",
        run.out
    );
    assert!(run.out.contains("Tags of other ATT&CK releases  shown as 18.1 names them\n"), "{}", run.out);
    let report: Value = serde_json::from_str(&folder.read("out.json")).unwrap();
    let tactics = report["summary"]["tactics"].as_array().unwrap();
    assert!(tactics.iter().any(|tactic| tactic["name"] == "Defense Evasion"));
    assert!(tactics.iter().all(|tactic| tactic["name"] != "Stealth"));
    let followed = report["summary"]["tags_of_other_attack_versions"].as_array().unwrap();
    let of = |tag: &str| &followed.iter().find(|followed| followed["tag"] == tag).unwrap()["means"];
    assert_eq!(of("attack.t1685"), "T1562.001");
    assert_eq!(of("attack.stealth"), "defense-evasion");
    assert_eq!(report["not_looked_at"]["unresolved_tags"], serde_json::json!({}));
}
