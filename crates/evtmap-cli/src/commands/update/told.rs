//! What an update tells: what is in use now, where it is from, and what changed.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use evtmap::attack::Difference;
use evtmap::sigma::Level;
use evtmap_update::{AttackChanges, Changes, Edition, Landed, LevelChange, Part, RuleChanges};

use super::Outcome;
use crate::failure::Failure;
use crate::terminal::{FAINT, HEADING, counted, number, plain};

/// How many titles of each kind are shown.
const N_TITLES: usize = 8;

/// Prints what came of an update.
pub(super) fn print(outcome: &Outcome) -> Result<(), Failure> {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match outcome {
        Outcome::Landed(landed) => write_all(&mut out, landed),
        Outcome::Current(edition) => current(&mut out, edition),
        Outcome::Reset(part) => {
            writeln!(out, "{HEADING}{}{HEADING:#}: what comes with the program is in use again", part.title())
        }
        Outcome::Checked(part, news) => checked(&mut out, *part, news),
    };
    let written = anstream::stdout().lock().write_all(out.as_bytes());
    written.map_err(|error| Failure::output("standard output", &error))
}

fn current(out: &mut String, edition: &Edition) -> fmt::Result {
    let part = edition.manifest().part.title();
    edition.manifest().pieces.iter().try_for_each(|piece| {
        writeln!(out, "{HEADING}{part}{HEADING:#}: {}; there is nothing newer", plain(&piece.label()))
    })
}

fn checked(out: &mut String, part: Part, news: &[(String, bool)]) -> fmt::Result {
    news.iter().try_for_each(|(name, is_new)| {
        let found = if *is_new { "there is something newer" } else { "there is nothing newer" };
        writeln!(out, "{HEADING}{}{HEADING:#}: {}: {found}", part.title(), plain(name))
    })
}

fn write_all(out: &mut String, landed: &Landed) -> fmt::Result {
    let manifest = landed.edition.manifest();
    for piece in &manifest.pieces {
        let part = manifest.part.title();
        writeln!(out, "{HEADING}{part}{HEADING:#}: {}", plain(&piece.label()))?;
        writeln!(out, "  {FAINT}from{FAINT:#}     {}", plain(&piece.origin))?;
        if let Some(licence) = &piece.licence {
            writeln!(out, "  {FAINT}licence{FAINT:#}  {}", plain(licence))?;
        }
        writeln!(out, "  {FAINT}sha-256{FAINT:#}  {}", piece.sha256)?;
    }
    match &landed.changes {
        Changes::Rules(changes) => rules(out, changes),
        Changes::Attack(changes) => attack(out, changes),
        _ => Ok(()),
    }
}

fn rules(out: &mut String, changes: &RuleChanges) -> fmt::Result {
    let n_rules = counted(changes.n_rules as u64, "rule");
    if changes.n_before == 0 {
        return writeln!(
            out,
            "  {n_rules}, in place of those that come with the program; `--reset` returns to these"
        );
    }
    writeln!(
        out,
        "  {n_rules}, where there were {}: {} new, {} gone, {} of another level",
        number(changes.n_before as u64),
        number(changes.new.len() as u64),
        number(changes.gone.len() as u64),
        number(changes.level.len() as u64),
    )?;
    titles(out, "new", changes.new.iter().cloned())?;
    titles(out, "gone", changes.gone.iter().cloned())?;
    titles(out, "level", changes.level.iter().map(level_change))
}

fn level_change(change: &LevelChange) -> String {
    let word = |level: Option<Level>| level.map_or("none", Level::as_str);
    format!("{}: {} → {}", change.title, word(change.from), word(change.to))
}

fn titles(out: &mut String, heading: &str, titles: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let n_more = titles.len().saturating_sub(N_TITLES);
    for title in titles.take(N_TITLES) {
        writeln!(out, "    {heading:<6} {}", plain(&title))?;
    }
    if n_more > 0 {
        writeln!(out, "    {FAINT}and {} more{FAINT:#}", number(n_more as u64))?;
    }
    Ok(())
}

/// How many techniques changed, by what changed; `attack diff` has them all.
fn difference(out: &mut String, difference: &Difference) -> fmt::Result {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for change in difference.techniques.iter().flat_map(|technique| &technique.changes) {
        *counts.entry(change.as_str()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(word, n)| format!("{} {word}", number(*n))).collect();
    if counts.is_empty() { Ok(()) } else { writeln!(out, "  techniques: {}", counts.join(", ")) }
}

fn attack(out: &mut String, changes: &AttackChanges) -> fmt::Result {
    match &changes.before {
        Some(before) if *before == changes.after => writeln!(out, "  as before"),
        Some(before) => {
            writeln!(out, "  in place of {}", plain(before))?;
            difference(out, &changes.difference)
        }
        None => writeln!(out, "  in place of what comes with the program; `--reset` returns to that"),
    }
}
