//! Rules out of the cache are the rules that were read.

use evtmap::event::Event;
use evtmap::input::{self, Decoded, InputOptions};
use evtmap::rules::{RuleCache, RuleSource};
use evtmap::{Pipelines, Placeholders, Rules, Workspace};

use crate::shared;

/// Files of recordings that are looked at, of those of which each is of another attack.
const N_FILES: usize = 60;

fn load(source: &RuleSource, cache: &RuleCache) -> Rules {
    let pipelines = Pipelines::bundled().unwrap();
    let sources = std::slice::from_ref(source);
    Rules::load_cached(sources, &pipelines, &Placeholders::default(), Some(cache)).unwrap()
}

/// All that there is to rules, engines apart.
fn printed(rules: &Rules) -> String {
    let (list, correlations) = (rules.rules(), rules.correlations());
    // What is not read yet cannot be printed.
    list.iter().for_each(|loaded| _ = loaded.rule.compiled());
    format!("{list:?}{correlations:?}{:?}{:?}{:?}", rules.plan(), rules.skipped(), rules.diagnostics())
}

/// What rules find in recordings, by the numbers of the rules.
fn found(rules: &Rules, recordings: &std::path::Path) -> Vec<usize> {
    let rule = |index: usize| rules.rules().get(index).map(|loaded| &loaded.rule);
    let (mut workspace, mut found) = (Workspace::default(), Vec::new());
    for file in input::find([recordings]).files.iter().step_by(10).take(N_FILES) {
        let Ok(mut log) = input::open(&file.path, &InputOptions::default()) else { continue };
        while let Some(Ok(mut batch)) = log.next_batch() {
            batch.decode(&mut Event::new(), &mut |decoded| {
                let Decoded::Event(event, _) = decoded else { return };
                rules.router().matches(event, &rule, &mut workspace, &mut |index, _| found.push(index));
            });
        }
    }
    found
}

#[test]
fn own_rules() {
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let source = RuleSource::bundled();
    let fresh = load(&source, &cache);
    assert!(fresh.rules().len() > 200 && fresh.correlations().len() > 2);
    assert!(printed(&load(&source, &cache)) == printed(&fresh), "the rules differ");
}

#[test]
fn rules_of_sigmahq() {
    let (Some(archive), Some(recordings)) = (shared("data/sigma/sigma-master.tar.gz"), shared("data/evtx"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let source = RuleSource::open(&archive).unwrap();
    let fresh = load(&source, &cache);
    assert!(fresh.rules().len() > 2_000 && fresh.skipped().len() > 500);
    assert!(printed(&load(&source, &cache)) == printed(&fresh), "the rules differ");
    let of_fresh = found(&fresh, &recordings);
    assert!(of_fresh.len() > 100, "{} matches", of_fresh.len());
    assert_eq!(found(&load(&source, &cache), &recordings), of_fresh);
}
