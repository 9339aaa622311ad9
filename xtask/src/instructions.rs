//! How many instructions the program takes, within a budget: the figure that does not depend on what else the
//! machine does.
//!
//! The budget is in `xtask/instructions.toml`. What takes more fails the check; so does what takes less, so
//! that what was won is not lost again unseen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::{build_release, root};

pub(crate) const ABOUT: &str =
    "[--write]: counts instructions, and compares them with xtask/instructions.toml";

const BUDGET: &str = "xtask/instructions.toml";

/// By how many hundredths a count may be off.
const TOLERANCE: u64 = 5;

/// What is counted: a name, and the arguments of `evtmap`.
const STAGES: &[(&str, &str)] = &[
    ("start, rules read afresh", "map examples/incident --max-events 0 --no-rule-cache"),
    ("start, rules out of the cache", "map examples/incident --max-events 0 --cache-dir target/instructions"),
    ("EVTX", "map examples/incident --cache-dir target/instructions"),
    ("JSON lines", "map examples/incident-json --cache-dir target/instructions"),
    ("CSV", "map examples/incident-csv --cache-dir target/instructions"),
];

/// What all runs have in common: one thread, so that no two wait for one another.
const COMMON: &str = "--threads 1 --quiet --output - --format jsonl";

#[derive(Deserialize)]
struct Budget {
    stages: BTreeMap<String, u64>,
}

/// Counts, and compares with the budget or writes it anew.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok("skipped: valgrind is not there, and without it no instructions are counted".to_owned());
    }
    let program = build_release()?;
    let mut counts = BTreeMap::new();
    for (name, arguments) in STAGES {
        // The first run fills the cache.
        evtmap(&program, arguments).output()?;
        counts.insert((*name).to_owned(), count(&program, arguments).context(*name)?);
    }
    if arguments.iter().any(|argument| argument == "--write") {
        fs::write(root().join(BUDGET), text(&counts))?;
        return Ok(format!("{BUDGET} is written"));
    }
    let budget: Budget = toml::from_str(&fs::read_to_string(root().join(BUDGET))?).context(BUDGET)?;
    compare(&counts, &budget.stages)
}

fn evtmap(program: &Path, arguments: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).args(arguments.split(' ')).args(COMMON.split(' '));
    command
}

fn count(program: &Path, arguments: &str) -> anyhow::Result<u64> {
    let run = Command::new("valgrind")
        .current_dir(root())
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments.split(' '))
        .args(COMMON.split(' '))
        .output()?;
    let told = String::from_utf8_lossy(&run.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    collected.with_context(|| format!("valgrind tells no count:\n{told}"))
}

/// Each count beside its budget; an error where one is too far off.
fn compare(counts: &BTreeMap<String, u64>, budget: &BTreeMap<String, u64>) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut n_off = 0;
    for (name, count) in counts {
        let allowed = budget.get(name).copied().unwrap_or_default();
        let is_off = count.abs_diff(allowed) * 100 > allowed * TOLERANCE;
        n_off += usize::from(is_off);
        let mark = if is_off { "  off" } else { "" };
        let _ = writeln!(out, "{name:30} {count:>14} of {allowed:>14}{mark}");
    }
    if n_off > 0 {
        bail!(
            "{n_off} of {} are more than {TOLERANCE} % off\n{out}if that is meant, `cargo xtask instructions --write`",
            counts.len()
        );
    }
    Ok(out.trim_end().to_owned())
}

fn text(counts: &BTreeMap<String, u64>) -> String {
    let mut out = "# Instructions that stages of `evtmap map` take on the example incident, with the rules of the program.\n\
        # Written by `cargo xtask instructions --write`, compared by `cargo xtask instructions`.\n\n[stages]\n"
        .to_owned();
    for (name, count) in counts {
        let _ = writeln!(out, "\"{name}\" = {count}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn five_in_a_hundred_either_way_are_allowed() {
        for (count, is_within) in [(1000, true), (1050, true), (950, true), (1051, false), (949, false)] {
            let compared = compare(&counts(&[("a", count)]), &counts(&[("a", 1000)]));
            assert_eq!(compared.is_ok(), is_within, "{count}: {compared:?}");
        }
        assert!(compare(&counts(&[("b", 1)]), &counts(&[("a", 1)])).is_err(), "a stage without a budget");
    }

    #[test]
    fn a_budget_is_read_as_it_was_written() {
        let written = counts(&[("a, b", 1), ("c", 2)]);
        let read: Budget = toml::from_str(&text(&written)).unwrap();
        assert_eq!(read.stages, written);
    }
}
