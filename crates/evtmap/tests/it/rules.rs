//! The project's own rules do with the examples beside them what they should, and each has some.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evtmap::authoring::{Trial, TrialOutcome, Trials};
use evtmap::rules::RuleFile;
use evtmap::sigma::{AnyRule, Collection, Examples};
use evtmap::{Catalogue, Pipelines, Placeholders, rules};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")
}

/// The rules of a file that give alerts. Those that a correlation beside them counts give none, and are tried
/// with its examples.
fn telling(rules: &Collection) -> impl Iterator<Item = AnyRule<'_>> {
    let has_correlation = rules.any_rules().any(|rule| matches!(rule, AnyRule::Correlation(_)));
    rules.any_rules().filter(move |rule| !has_correlation || matches!(rule, AnyRule::Correlation(_)))
}

/// What is wrong with the examples of a file of rules: a rule that lacks one that matches or one that does not.
fn lacks(file: &RuleFile) -> Vec<String> {
    let rules = Collection::parse(&file.text, &Placeholders::default());
    let examples = Path::new(&file.path).with_extension("test.yml");
    let Ok(text) = fs::read_to_string(&examples) else {
        return vec![format!("{} is missing", examples.display())];
    };
    let mut n_of: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for examples in Examples::parse(&text).unwrap() {
        let rule = match &examples.rule {
            Some(name) => rules.find(name),
            None => rules.only().ok(),
        };
        let title = rule.map(AnyRule::metadata).map(|metadata| metadata.title.clone());
        let [matches, misses] = n_of.entry(title.unwrap_or_default()).or_default();
        *matches += examples.matches.len();
        *misses += examples.misses.len();
    }
    let has_both = |title: &str| n_of.get(title).is_some_and(|[matches, misses]| *matches > 0 && *misses > 0);
    let titles = telling(&rules).map(|rule| &rule.metadata().title);
    titles.filter(|title| !has_both(title)).map(|title| format!("{}: {title}", file.path)).collect()
}

#[test]
fn every_rule_has_an_example_that_matches_and_one_that_nearly_does() {
    let files = rules::read(&folder()).unwrap();
    assert!(files.len() > 500, "{} files", files.len());
    let lacking: Vec<String> = files.iter().flat_map(lacks).collect();
    assert!(lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn every_rule_passes_its_examples() {
    let files = rules::read(&folder()).unwrap();
    let (pipelines, placeholders) = (Pipelines::bundled().unwrap(), Placeholders::default());
    let trials = Trials { pipelines: &pipelines, placeholders: &placeholders, rules: &files };
    let (mut n_passed, mut failed) = (0, Vec::new());
    trials
        .run(&folder(), &mut |trial: Trial| match trial.outcome {
            TrialOutcome::Passed => n_passed += 1,
            outcome => failed.push(format!("{} at {}: {outcome:?}", trial.rule, trial.place)),
        })
        .unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(n_passed > 2 * files.len(), "{n_passed} examples of {} files", files.len());
}

/// The log that a file of rules is about: the folders below `windows/`.
fn log_of(path: &str) -> &str {
    let below = path.rsplit_once("/windows/").map_or(path, |(_, below)| below);
    below.rsplit_once('/').map_or("", |(folders, _)| folders)
}

/// How many rules there are for each log and tactic, as a table in Markdown. Rules that only a correlation
/// counts are not among them.
fn coverage() -> String {
    let catalogue = Catalogue::bundled();
    let tactics: Vec<&str> = catalogue.tactics().iter().map(|tactic| tactic.short_name.as_str()).collect();
    let mut logs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for file in rules::read(&folder()).unwrap() {
        let rules = Collection::parse(&file.text, &Placeholders::default());
        for rule in telling(&rules) {
            let counts = logs
                .entry(log_of(&file.path.replace('\\', "/")).to_owned())
                .or_insert_with(|| vec![0; tactics.len() + 1]);
            let tags = &rule.metadata().tags;
            let has = |tactic: &&str| tags.iter().any(|tag| tag.strip_prefix("attack.") == Some(*tactic));
            let cells = std::iter::once(true).chain(tactics.iter().map(has));
            counts.iter_mut().zip(cells).for_each(|(count, is_named)| *count += usize::from(is_named));
        }
    }
    let row = |name: &str, counts: &[usize]| {
        let cells = counts.iter().map(|n| if *n == 0 { String::new() } else { n.to_string() });
        format!("| {name} | {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let heads = tactics.iter().map(|tactic| tactic.replace('-', " ")).collect::<Vec<_>>().join(" | ");
    let mut table = format!("| log | rules | {heads} |\n|---|{}\n", "---:|".repeat(tactics.len() + 1));
    let mut all = vec![0; tactics.len() + 1];
    for (log, counts) in &logs {
        table += &row(&format!("`{log}`"), counts);
        all.iter_mut().zip(counts).for_each(|(all, n)| *all += n);
    }
    table + &row("all", &all)
}

/// With `EVTMAP_BLESS` in the environment the table that there should be takes the place of the one that is.
#[test]
fn the_table_of_what_the_rules_cover_is_up_to_date() {
    const MARKS: [&str; 2] = ["<!-- coverage -->\n\n", "\n<!-- end of coverage -->"];
    let path = folder().join("../docs/rules.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS[0]).unwrap();
    let (table, after) = rest.split_once(MARKS[1]).unwrap();
    let expected = coverage();
    if std::env::var_os("EVTMAP_BLESS").is_some() {
        fs::write(&path, [before, MARKS[0], &expected, MARKS[1], after].concat()).unwrap();
    } else {
        assert_eq!(table, expected, "run the test with EVTMAP_BLESS=1");
    }
}
