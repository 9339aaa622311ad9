//! `evtmap rules show`: one rule, in words.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use evtmap::sigma::{Item, Level, Metadata, Rule, Selection, Status};
use evtmap::{Catalogue, Pipelines};

use super::{Found, find_rule, in_words, pipelines, print, tree};
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{FAINT, HEADING, plain};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap rules show my_rule.yml
  evtmap rules show \"Security Log Cleared\"
  evtmap rules show 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a11 sigma-master.tar.gz")]
pub(crate) struct ShowArgs {
    /// A rule file, or the id, name or title of a rule
    #[arg(value_name = "RULE")]
    rule: String,

    /// Where to look for the rule; the rules of the program by default
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &ShowArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let Found { rule, path } = find_rule(&args.rule, &args.paths, cache)?;
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_metadata(&mut out, &rule.metadata, &path);
    let _ = write_techniques(&mut out, &rule.metadata, &cache.attack(None)?.catalogue);
    let _ = write_logsource(&mut out, &rule, &pipelines()?);
    let _ = write_detection(&mut out, &rule);
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn write_metadata(out: &mut String, metadata: &Metadata, path: &str) -> std::fmt::Result {
    writeln!(out, "{HEADING}{}{HEADING:#}", plain(&metadata.title))?;
    if !metadata.description.is_empty() {
        // A line end of the description is one here too; nothing else of it steers the terminal.
        for line in metadata.description.lines() {
            writeln!(out, "  {}", plain(line))?;
        }
    }
    writeln!(out)?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let attributes = [
        ("level", metadata.level.map_or_else(String::new, |level: Level| level.to_string())),
        ("status", metadata.status.map_or_else(String::new, |status: Status| status.to_string())),
        ("id", text(&metadata.id)),
        ("name", text(&metadata.name)),
        ("author", metadata.author.clone()),
        ("date", text(&metadata.date)),
        ("modified", text(&metadata.modified)),
        ("license", text(&metadata.license)),
        ("file", path.to_owned()),
    ];
    for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "{FAINT}{name:10}{FAINT:#} {}", plain(value))?;
    }
    for (name, values) in [("reference", &metadata.references), ("may also be", &metadata.falsepositives)] {
        for value in values {
            writeln!(out, "{FAINT}{name:10}{FAINT:#} {}", plain(value))?;
        }
    }
    writeln!(out)
}

fn write_techniques(out: &mut String, metadata: &Metadata, catalogue: &Catalogue) -> std::fmt::Result {
    let mapping = catalogue.resolve_all(&metadata.tags);
    writeln!(out, "{HEADING}ATT&CK {}{HEADING:#}", plain(catalogue.version().unwrap_or_default()))?;
    for technique in mapping.techniques() {
        writeln!(out, "  {} {}", technique.id, plain(&technique.name))?;
    }
    for tactic in &mapping.tactics {
        writeln!(out, "  {} {}", tactic.id, plain(&tactic.name))?;
    }
    for tag in &mapping.unresolved {
        writeln!(out, "  {} means nothing in this release", plain(tag))?;
    }
    writeln!(out)
}

fn write_logsource(out: &mut String, rule: &Rule, pipelines: &Pipelines) -> std::fmt::Result {
    writeln!(out, "{HEADING}log source{HEADING:#} {}", plain(&in_words(&rule.logsource)))?;
    let places = pipelines.places(&rule.logsource);
    if places.is_empty() {
        writeln!(out, "  it is in no Windows log that is known; the rule is not used")?;
    }
    for place in &places {
        writeln!(out, "  {}", plain(&tree::place_in_words(place)))?;
        let used = |field: &str| fields(rule).iter().any(|used| used == field);
        for (field, names) in place.field_names.iter().filter(|(field, _)| used(field)) {
            writeln!(out, "    {FAINT}{} is called {}{FAINT:#}", plain(field), plain(&names.join(" or ")))?;
        }
    }
    writeln!(out)
}

/// The fields that a rule asks about.
fn fields(rule: &Rule) -> Vec<String> {
    fn collect(selection: &Selection, fields: &mut Vec<String>) {
        match selection {
            Selection::All(items) => fields.extend(items.iter().filter_map(|item| item.field.clone())),
            Selection::Any(members) => members.iter().for_each(|member| collect(member, fields)),
            Selection::Keywords(_) => {}
        }
    }
    let mut fields = Vec::new();
    rule.detection.selections.iter().for_each(|named| collect(&named.selection, &mut fields));
    fields
}

fn write_detection(out: &mut String, rule: &Rule) -> std::fmt::Result {
    writeln!(out, "{HEADING}detection{HEADING:#}")?;
    for condition in &rule.detection.conditions {
        writeln!(out, "  {FAINT}condition{FAINT:#} {}", plain(&condition.to_string()))?;
    }
    for named in &rule.detection.selections {
        writeln!(out, "  {HEADING}{}{HEADING:#}", plain(&named.name))?;
        write_selection(out, &named.selection, 2)?;
    }
    Ok(())
}

fn write_selection(out: &mut String, selection: &Selection, depth: usize) -> std::fmt::Result {
    let indent = "  ".repeat(depth);
    match selection {
        Selection::All(items) => items.iter().try_for_each(|item| write_item(out, item, &indent)),
        Selection::Keywords(item) => write_item(out, item, &indent),
        Selection::Any(members) => {
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    writeln!(out, "{indent}{FAINT}or{FAINT:#}")?;
                }
                write_selection(out, member, depth + 1)?;
            }
            Ok(())
        }
    }
}

fn write_item(out: &mut String, item: &Item, indent: &str) -> std::fmt::Result {
    let field = item.field.as_deref().unwrap_or("any text of the event");
    let is_all = |name: &str| name == "all";
    let modifiers: Vec<&str> =
        item.modifiers.iter().map(|modifier| modifier.name()).filter(|name| !is_all(name)).collect();
    let modifiers = if modifiers.is_empty() { String::new() } else { format!(" {}", modifiers.join(" ")) };
    write!(out, "{indent}{}{modifiers}", plain(field))?;
    match item.values.as_slice() {
        [only] => writeln!(out, " {}", plain(&only.to_string())),
        values => {
            let has_all = item.modifiers.iter().any(|modifier| is_all(modifier.name()));
            writeln!(out, " {FAINT}{}{FAINT:#}", if has_all { "all of" } else { "one of" })?;
            values.iter().try_for_each(|value| writeln!(out, "{indent}  {}", plain(&value.to_string())))
        }
    }
}
