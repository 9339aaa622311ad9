//! The engine finds what asking each rule one by one finds.

use evtmap::event::Event;
use evtmap::input::{self, Decoded, InputOptions};
use evtmap::{Pipelines, Placeholders, Rules, Workspace, rules};

use crate::shared;

/// Events of one file that are compared; the plain reading is slow, and the first events of a file are of
/// the kinds that the others are.
const N_EVENTS_MAX: usize = 12;

#[track_caller]
fn check(rules: &Rules, recordings: &str) {
    let Some(folder) = shared(recordings) else { return };
    let options = InputOptions::default();
    let rule = |index: usize| rules.rules().get(index).map(|loaded| &loaded.rule);
    let (mut n_events, mut n_matches) = (0, 0);
    let mut workspace = Workspace::default();
    for file in input::find([folder]).files {
        let Ok(mut log) = input::open(&file.path, &options) else { continue };
        let mut left = N_EVENTS_MAX;
        while let Some(Ok(mut batch)) = log.next_batch()
            && left > 0
        {
            batch.decode(&mut Event::new(), &mut |decoded| {
                let Decoded::Event(event, position) = decoded else { return };
                if left == 0 {
                    return;
                }
                left -= 1;
                let (mut fast, mut plain) = (Vec::new(), Vec::new());
                rules.router().matches(event, &rule, &mut workspace, &mut |index, _| fast.push(index));
                rules.router().matches_plainly(event, &rule, &mut |index| plain.push(index));
                assert_eq!(fast, plain, "{} at {position}\n{event}", file.path.display());
                n_events += 1;
                n_matches += fast.len();
            });
        }
    }
    eprintln!("{n_events} events, {n_matches} matches");
    assert!(n_matches > 50, "{n_matches} matches");
}

fn load(files: &[rules::RuleFile]) -> Rules {
    Rules::load(files, &Pipelines::bundled().unwrap(), &Placeholders::default())
}

#[test]
fn own_rules() {
    let rules = load(&rules::bundled().unwrap());
    assert!(rules.skipped().is_empty(), "{:?}", rules.skipped());
    check(&rules, "data/evtx");
}

#[test]
fn sigmahq_rules() {
    let Some(archive) = shared("data/sigma/sigma-master.tar.gz") else { return };
    let rules = load(&rules::read(&archive).unwrap());
    check(&rules, "data/sigma-regression");
    check(&rules, "data/evtx");
}
