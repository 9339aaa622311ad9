//! SigmaHQ's archive loads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use evtmap_sigma::{Code, Collection, Placeholders};

use crate::shared;

/// Every rule for Windows is used, or its refusal is one of those known and honest: placeholders without
/// values, and aggregations of long ago.
#[test]
fn every_windows_rule_loads_or_is_named() {
    let Some(path) = shared("data/sigma/sigma-master.tar.gz") else {
        return;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
    let mut n_rules = 0;
    let mut refused: BTreeMap<Code, usize> = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let is_rule =
            path.ends_with(".yml") && path.split('/').nth(1).is_some_and(|dir| dir.starts_with("rules"));
        if !is_rule {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
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
