//! SigmaHQ's archive loads.

use std::collections::BTreeMap;

use evtmap_sigma::{Code, Collection, Placeholders};

use crate::{archive, shared};

/// Every rule for Windows is used, or its refusal is one of those known and honest: placeholders without
/// values, and aggregations of long ago.
#[test]
fn every_windows_rule_loads_or_is_named() {
    let Some(path) = shared("data/sigma/sigma-master.tar.gz") else {
        return;
    };
    let mut n_rules = 0;
    let mut refused: BTreeMap<Code, usize> = BTreeMap::new();
    for (path, text) in archive(&path) {
        let collection = Collection::parse(&text, &Placeholders::default());
        n_rules += collection.rules.len();
        for diagnostic in &collection.diagnostics {
            println!("{path}:{diagnostic}");
            if diagnostic.is_error() {
                *refused.entry(diagnostic.code).or_default() += 1;
            }
        }
    }
    println!("{n_rules} rules, refused: {refused:?}");
    assert!(n_rules > 3_000, "{n_rules} rules");
    assert!(refused.keys().all(|code| *code == Code::UnresolvedPlaceholder), "{refused:?}");
}
