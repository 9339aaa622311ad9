//! Lints over whole packs of rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evtmap_sigma::{EXAMPLES_ENDING, Gravity, Linter, Placeholders};

use crate::{archive, shared};

fn rule_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rule_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yml")
            && !path.to_string_lossy().ends_with(EXAMPLES_ENDING)
        {
            found.push(path);
        }
    }
}

/// The rules that the project ships are as it asks others' to be.
#[test]
fn own_rules_are_clean() {
    let mut files = Vec::new();
    rule_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules"), &mut files);
    files.sort();
    let placeholders = Placeholders::default();
    let mut linter = Linter::new(&(), &placeholders);
    let mut told = Vec::new();
    for path in &files {
        let path = path.display().to_string();
        let checked = linter.check(&path, &fs::read_to_string(&path).unwrap());
        for finding in checked.findings {
            told.push(format!("{path}:{}: {} [{}]", finding.place, finding.message, finding.code));
        }
    }
    assert!(files.len() > 200 && told.is_empty(), "{}", told.join("\n"));
}

/// A mend never changes what a rule of SigmaHQ's matches, and a mended rule needs no further mend.
#[test]
fn mends_keep_the_meaning() {
    let Some(path) = shared("data/sigma/sigma-master.tar.gz") else {
        return;
    };
    let placeholders = Placeholders::default();
    let mut linter = Linter::new(&(), &placeholders);
    let mut counts: BTreeMap<(Gravity, &str), usize> = BTreeMap::new();
    let mut n_mended = 0;
    for (path, text) in archive(&path) {
        let checked = linter.check(&path, &text);
        for finding in &checked.findings {
            *counts.entry((finding.gravity, finding.code)).or_default() += 1;
            if std::env::var("CODE").is_ok_and(|code| code == finding.code) {
                println!("{path}:{}: {} ({})", finding.place, finding.message, finding.help);
            }
        }
        let mended = linter.mend(&path, &text);
        n_mended += usize::from(mended != text);
        let left = Linter::new(&(), &placeholders).check(&path, &mended).findings;
        let unmended = left.iter().find(|finding| finding.fix.is_some());
        assert!(unmended.is_none(), "{path}: {unmended:?} is left after mending");
    }
    println!("{n_mended} files mended; {counts:#?}");
}
