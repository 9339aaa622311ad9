//! What virus scanners look for must not be in the program: the rules' texts are embedded compressed.

use std::collections::BTreeSet;
use std::fs;

use aho_corasick::AhoCorasick;

/// Shorter texts are no longer distinctive: parts of them are in every program.
const N_BYTES_MIN: usize = 14;

/// The quoted texts of a rule's conditions, without what stands for any text.
fn needles(rule: &str) -> impl Iterator<Item = String> {
    let detection = rule.split("\ndetection:").nth(1).unwrap_or_default();
    let lines = detection.lines().take_while(|line| line.is_empty() || line.starts_with([' ', '#', '\r']));
    lines.filter_map(|line| {
        let (_, text) = line.trim().split_once('\'')?;
        let text = text.strip_suffix('\'')?.trim_matches('*').replace("''", "'");
        (text.len() >= N_BYTES_MIN && !text.contains(['*', '?'])).then_some(text)
    })
}

/// Paths, channels and the like are named by data files and by the program itself, and by every other program.
fn is_ordinary(needle: &str) -> bool {
    let is_name = |char: char| char.is_alphanumeric() || "-_./ ".contains(char);
    needle.chars().all(is_name) || needle.starts_with(['\\', '{', ':'])
}

#[test]
fn no_text_of_a_rule_is_in_the_program() {
    let rules = evtmap::rules::bundled().unwrap();
    let needles: BTreeSet<String> = rules.iter().flat_map(|rule| needles(&rule.text)).collect();
    let needles: Vec<&String> = needles.iter().filter(|needle| !is_ordinary(needle)).collect();
    assert!(needles.len() > 200, "{} texts are no test", needles.len());
    let program = fs::read(env!("CARGO_BIN_EXE_evtmap")).unwrap();
    let finder = AhoCorasick::new(&needles).unwrap();
    let found: BTreeSet<&str> =
        finder.find_overlapping_iter(&program).map(|found| needles[found.pattern()].as_str()).collect();
    assert!(found.is_empty(), "the program has {found:#?}");
}
