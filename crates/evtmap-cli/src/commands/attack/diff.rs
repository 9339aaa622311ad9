//! `evtmap attack diff`: what changed between two releases, and which rules it touches.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use evtmap::Catalogue;
use evtmap::attack::{Change, Difference, Mapping, TechniqueChange};
use serde_json::json;

use super::{TaggedRule, print, print_json, tagged_rules};
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{FAINT, HEADING, counted, fit, number, plain};

/// How many rules are shown; JSON has all.
const N_RULES: usize = 12;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap attack diff 18.1 19.2
  evtmap attack diff cache enterprise-attack-20.0.json --rules my-rules/")]
pub(crate) struct DiffArgs {
    /// The earlier release: a version that comes with the program, a STIX bundle, or `cache`
    #[arg(value_name = "OLD")]
    old: String,

    /// The later release
    #[arg(value_name = "NEW")]
    new: String,

    /// Rules to look at instead of the cache's or the program's
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DiffArgs, cache: &Cache) -> Result<(), Failure> {
    let (old, new) = (release(&args.old, cache)?, release(&args.new, cache)?);
    let difference = new.difference(&old);
    let rules = tagged_rules(&args.rules, cache, &new)?;
    let touched: Vec<Touched<'_>> = rules.iter().filter_map(|rule| Touched::of(rule, &old, &new)).collect();
    if args.json {
        let rules_json = touched.iter().map(|touched| {
            let metadata = &touched.rule.metadata;
            json!({"title": metadata.title, "id": metadata.id, "path": touched.rule.path,
                "before": touched.before, "after": touched.after})
        });
        return print_json(&json!({
            "old": old.label(), "new": new.label(), "tactics": difference.tactics,
            "techniques": difference.techniques, "rules": rules_json.collect::<Vec<_>>(),
            "rules_looked_at": rules.len(),
        }));
    }
    let mut out = format!("{HEADING}ATT&CK {} → {}{HEADING:#}\n", plain(&old.label()), plain(&new.label()));
    // Writing to a string cannot fail.
    let _ = write_changes(&mut out, &difference);
    let _ = write_rules(&mut out, &touched, rules.len());
    print(&out)
}

/// A release by what the user calls it.
fn release(wanted: &str, cache: &Cache) -> Result<Catalogue, Failure> {
    if wanted == "cache" {
        return Ok(cache.attack(None)?.catalogue);
    }
    if let Some(catalogue) = Catalogue::bundled_version(wanted) {
        return Ok(catalogue);
    }
    let path = Path::new(wanted);
    if path.exists() {
        return Ok(cache.attack(Some(path))?.catalogue);
    }
    let known = Catalogue::bundled().versions().join(" or ");
    Err(Failure::new(format!("there is no release `{wanted}`"))
        .help(format!("give {known}, which come with the program, a STIX bundle, or `cache`")))
}

/// A rule of which the two releases say something different.
struct Touched<'a> {
    rule: &'a TaggedRule,
    before: Vec<String>,
    after: Vec<String>,
}

impl<'a> Touched<'a> {
    fn of(rule: &'a TaggedRule, old: &Catalogue, new: &Catalogue) -> Option<Self> {
        let (before, after) = (old.resolve_all(&rule.metadata.tags), new.resolve_all(&rule.metadata.tags));
        let (before, after) = (meaning(&before), meaning(&after));
        (before != after).then_some(Self { rule, before, after })
    }
}

/// The techniques and tactics that a rule's tags mean.
fn meaning(mapping: &Mapping<'_>) -> Vec<String> {
    let tactics = if mapping.tactics.is_empty() { &mapping.technique_tactics } else { &mapping.tactics };
    let techniques = mapping.techniques().map(|technique| technique.id.to_string());
    techniques.chain(tactics.iter().map(|tactic| tactic.short_name.clone())).collect()
}

fn write_changes(out: &mut String, difference: &Difference) -> fmt::Result {
    for tactic in &difference.tactics {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "nothing".to_owned());
        writeln!(
            out,
            "  tactic     {} {} → {}",
            tactic.id,
            plain(&name(&tactic.before)),
            plain(&name(&tactic.after))
        )?;
    }
    for word in ["new", "revoked", "deprecated", "gone", "renamed", "moved"] {
        let of_kind = |change: &&Change| change.as_str() == word;
        let changed: Vec<(&TechniqueChange, &Change)> = (difference.techniques.iter())
            .flat_map(|technique| technique.changes.iter().filter(of_kind).map(move |it| (technique, it)))
            .collect();
        if !changed.is_empty() {
            writeln!(out, "\n{HEADING}{} {word}{HEADING:#}", counted(changed.len() as u64, "technique"))?;
        }
        for (technique, change) in changed {
            let detail = plain(&detail(change)).into_owned();
            writeln!(
                out,
                "  {} {} {FAINT}{detail}{FAINT:#}",
                fit(&technique.id.to_string(), 9),
                fit(&technique.name, 48)
            )?;
        }
    }
    if difference.techniques.is_empty() {
        writeln!(out, "  no technique is different")?;
    }
    Ok(())
}

fn detail(change: &Change) -> String {
    match change {
        Change::Revoked { successor: Some(successor) } => format!("→ {successor}"),
        Change::Renamed { before } => format!("was {before}"),
        Change::Moved { left, joined } => {
            let name =
                |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            format!("{} → {}", name(left), name(joined))
        }
        Change::New | Change::Gone | Change::Deprecated | Change::Revoked { successor: None } => {
            String::new()
        }
    }
}

fn write_rules(out: &mut String, touched: &[Touched<'_>], n_rules: usize) -> fmt::Result {
    writeln!(
        out,
        "\n{HEADING}{} of {} mean something else{HEADING:#}",
        number(touched.len() as u64),
        counted(n_rules as u64, "rule")
    )?;
    for touched in touched.iter().take(N_RULES) {
        writeln!(out, "  {}", plain(&touched.rule.metadata.title))?;
        let (before, after) = (touched.before.join(" "), touched.after.join(" "));
        writeln!(out, "    {FAINT}{} → {}{FAINT:#}", plain(&before), plain(&after))?;
    }
    match touched.len().saturating_sub(N_RULES) {
        0 => Ok(()),
        n_more => writeln!(out, "  {FAINT}and {n_more} more; `--json` has all{FAINT:#}"),
    }
}
