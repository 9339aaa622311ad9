//! `--rules`: a file, a folder or an archive, and rules that are wrong.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;

use crate::program::{Folder, slashes};
use crate::sample;

const BROKEN: &str = "\
title: No Such Selection
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine: bad
    condition: other
";

fn folder() -> Folder {
    Folder::new().with("log.evtx", sample::log())
}

fn tar_gz(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, text) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The same rules from wherever find the same, and alerts say where they are from.
fn check(folder: &Folder, rules: &str, path: &str) {
    let run = folder.check(&format!("map log.evtx --rules {rules} -o out.jsonl"), 0);
    assert!(run.out.contains(&format!("2 rules from {rules}")), "{}", run.out);
    assert!(run.out.contains("3 detections: 2 high, 1 low"), "{}", run.out);
    assert!(
        slashes(&folder.read("out.jsonl")).contains(&format!(r#""path":"{path}""#)),
        "{}",
        folder.read("out.jsonl")
    );
}

#[test]
fn a_file() {
    check(&folder().with("rules.yml", sample::RULES), "rules.yml", "rules.yml");
}

#[test]
fn a_folder() {
    let folder = folder().with("rules/deep/er/a.yaml", sample::RULES).with("rules/readme.md", "# Rules");
    check(&folder, "rules", "rules/deep/er/a.yaml");
}

#[test]
fn archives() {
    let members = [("pack/rules/a.yml", sample::RULES), ("pack/README.md", "# Rules")];
    // What it is follows from its content, not from its name.
    for (name, bytes) in [("r.tar.gz", tar_gz(&members)), ("r.zip", zip(&members)), ("r.pack", zip(&members))]
    {
        check(&folder().with(name, bytes), name, &format!("{name}!pack/rules/a.yml"));
    }
}

#[test]
fn several_at_once_and_no_rule_twice() {
    let folder = folder().with("a.yml", sample::RULES).with("b/b.yml", sample::RULES);
    let run = folder.check("map log.evtx --rules a.yml --rules b", 0);
    assert!(run.out.contains("2 rules from a.yml, b"), "{}", run.out);
    assert!(run.out.contains("2 rules: same id as another rule"), "{}", run.out);
}

#[test]
fn a_broken_rule_is_named_and_the_others_run() {
    let folder = folder().with("rules/a.yml", sample::RULES).with("rules/broken.yml", BROKEN);
    let folder = folder.with("rules/none.yml", "just: text\n").with(
        "rules/linux.yml",
        "\
title: Elsewhere
logsource: {product: linux}
detection: {selection: {a: b}, condition: selection}
",
    );
    let run = folder.check("map log.evtx --rules rules", 0);
    let (_, not_looked_at) = run.out.split_once("Not looked at").unwrap();
    assert!(run.out.contains("3 detections"), "{}", run.out);
    assert!(not_looked_at.contains("1 rule: cannot be used as written"), "{}", run.out);
    assert!(slashes(not_looked_at).contains("rules/broken.yml (line 6: "), "{}", run.out);
    assert!(not_looked_at.contains("1 rule: not about Windows"), "{}", run.out);
    assert!(not_looked_at.contains("1 rule: not a Sigma rule"), "{}", run.out);
}

#[test]
fn rules_that_cannot_be_read() {
    let folder = folder()
        .with("empty/readme.md", "")
        .with("broken.yml", BROKEN)
        .with("cut.tar.gz", b"\x1f\x8b\x08\x00");
    for (rules, message) in [
        ("missing.yml", "error: cannot read rules from `missing.yml`: there is no such file or folder"),
        ("empty", "error: cannot read rules from `empty`: it holds no rule file (`.yml` or `.yaml`)"),
        ("cut.tar.gz", "error: cannot read rules from `cut.tar.gz`: "),
        ("broken.yml", "error: no rule of broken.yml can be used"),
    ] {
        let run = folder.check(&format!("map log.evtx --rules {rules}"), 2);
        assert!(run.err.contains(message), "{}", run.err);
        assert_eq!(run.out, "");
    }
}

#[test]
fn the_programs_own_without_the_option() {
    let run = folder().check("map log.evtx", 0);
    let (n_rules, _) = run.out.split_once(" rules from the program").unwrap();
    let n_rules: u32 = n_rules.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(n_rules >= 30, "{n_rules}");
    assert!(run.out.contains("Not looked at  nothing"), "{}", run.out);
}

#[test]
fn placeholders_have_the_users_values() {
    let rule = "\
title: Program of Ours
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine|expand|contains: '%Programs%'
    condition: selection
";
    let folder =
        folder().with("rule.yml", rule).with("values.yml", "Programs: [bad, odd]").with("none.yml", "[");
    let run = folder.check("map log.evtx --rules rule.yml --placeholders values.yml", 0);
    assert!(run.out.contains("3 detections"), "{}", run.out);
    let run = folder.check("map log.evtx --rules rule.yml", 2);
    assert!(run.err.contains("the placeholder `%Programs%` has no values"), "{}", run.err);
    let run = folder.check("map log.evtx --rules rule.yml --placeholders none.yml", 2);
    assert!(run.err.contains("cannot use `none.yml` as placeholders: "), "{}", run.err);
}

/// Matches of a rule that a correlation names say nothing alone; together they are one detection with the
/// events that it is about.
#[test]
fn correlations_count_over_all_files() {
    let rules = "\
title: A Program
name: a_program
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine|contains: [bad, odd]
    condition: selection
---
title: Many Programs
level: high
correlation:
    type: event_count
    rules: [a_program]
    timespan: 1h
    condition: {gte: 6}
";
    let folder = folder().with("copy/log.evtx", sample::log()).with("rules.yml", rules);
    let run = folder.check("map log.evtx copy --rules rules.yml -o out.jsonl --no-associations", 0);
    assert!(run.out.contains("1 detection: 1 high"), "{}", run.out);
    let line = slashes(&folder.read("out.jsonl"));
    assert!(
        line.contains(r#""correlation":{"type":"event_count""#) && line.contains(r#""events":6"#),
        "{line}"
    );
    assert!(line.contains(r#""path":"log.evtx""#) && line.contains("copy/log.evtx"), "{line}");
}

/// A rule with an exception by a field that Security's event does not have, and one of a log that only a
/// pipeline knows.
const MORE: &str = "\
title: Bad Unless By Its Parent
logsource: {product: windows, category: process_creation}
detection:
    selection: {CommandLine|contains: bad}
    filter: {ParentCommandLine: good, Image: 'C:\\other.exe'}
    condition: selection and not filter
---
title: Of Our Own
logsource: {product: windows, service: our-own}
detection:
    selection: {Account: ada}
    condition: selection
";

#[test]
fn what_is_derived_says_so_and_can_be_left_out() {
    let folder = folder().with("rules.yml", MORE);
    let run = folder.check("map log.evtx --rules rules.yml -o out.csv -o out.json", 0);
    assert!(run.out.contains("2 detections"), "{}", run.out);
    assert!(run.out.contains("Security 4688 (2)\n"), "{}", run.out);
    let told = "2 detections may be an exception of the rule: the event lacks ParentCommandLine (2)";
    assert!(run.out.contains(told), "{}", run.out);
    assert!(folder.read("out.csv").contains(",process_creation; without ParentCommandLine,\n"));
    assert!(folder.read("out.json").contains(r#""missing_fields":["ParentCommandLine"]"#));
    assert!(folder.read("out.json").contains(r#""derived_without_exceptions":2"#));
    let run = folder.check("map log.evtx --rules rules.yml --no-derived", 0);
    assert!(run.out.contains("0 detections"), "{}", run.out);
    assert!(!run.out.contains("Derived"), "{}", run.out);
}

#[test]
fn a_rule_whose_log_is_nowhere_is_named_and_a_pipeline_can_say_where() {
    let pipeline = "\
name: ours
transformations:
  - type: add_condition
    conditions: {Channel: Security, EventID: 4688}
    rule_conditions: [{type: logsource, product: windows, service: our-own}]
  - type: field_name_mapping
    mapping: {Account: SubjectUserName}
    rule_conditions: [{type: logsource, product: windows, service: our-own}]
";
    let folder = folder().with("rules.yml", MORE).with("ours.yml", pipeline).with("bad.yml", "name: x\n");
    let run = folder.check("map log.evtx --rules rules.yml -o out.json", 0);
    assert!(run.out.contains("1 rule: log source maps to no Windows channel\n    rules.yml"), "{}", run.out);
    assert!(folder.read("out.json").contains("rules.yml (windows/our-own)"));
    let run = folder.check("map log.evtx --rules rules.yml --pipeline ours.yml", 0);
    assert!(run.out.contains("4 detections"), "{}", run.out);
    assert!(!run.out.contains("maps to no"), "{}", run.out);
    let run = folder.check("map log.evtx --rules rules.yml --pipeline bad.yml", 2);
    let told = "cannot use `bad.yml` as a pipeline: line 1: a pipeline has a list of `transformations`";
    assert!(run.err.contains(told), "{}", run.err);
    folder.check("map log.evtx --pipeline missing.yml", 2);
}
