//! `evtmap rules show`: one rule, in words.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use evtmap::rules::RuleFile;
use evtmap::sigma::{AnyRule, Collection, Correlation, Item, Level, Metadata, Rule, Selection, Status};
use evtmap::{Catalogue, Pipelines, Placeholders};

use super::{Found, FoundRule, correlation, find_rule, in_words, pipelines, print, tree};
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

    /// Where to look for the rule; the rules in use by default
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &ShowArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let Found { rule, file } = find_rule(&args.rule, &args.paths, cache, &Placeholders::default())?;
    let catalogue = cache.attack(None)?.catalogue;
    let mut out = String::new();
    // Writing to a string does not fail.
    match rule {
        FoundRule::Rule(rule) => {
            let _ = write_metadata(&mut out, &rule.metadata, &file.path);
            let _ = write_techniques(&mut out, &rule.metadata.tags, &catalogue);
            let _ = write_logsource(&mut out, &rule, &pipelines()?);
            let _ = write_detection(&mut out, &rule);
        }
        FoundRule::Correlation(own) => {
            let parts = parts(&own, &file, &args.paths, cache)?;
            // A result is given the tags of the rules that it is about, too.
            let tags = own.metadata.tags.iter().chain(parts.iter().flat_map(|part| &part.tags));
            let tags: Vec<String> = tags.cloned().collect();
            let _ = write_metadata(&mut out, &own.metadata, &file.path);
            let _ = write_techniques(&mut out, &tags, &catalogue);
            let _ = write_correlation(&mut out, &own, &parts);
        }
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// What the correlation names, in its own file or among the rules of paths; each name once.
fn parts(
    own: &Correlation,
    file: &RuleFile,
    paths: &[PathBuf],
    cache: &Cache,
) -> Result<Vec<Metadata>, Failure> {
    let mut files = vec![file.clone()];
    let mut parts: Vec<Metadata> = Vec::new();
    let named = |files: &[RuleFile], name: &str| {
        let could = files.iter().filter(|file| file.text.contains(name));
        could
            .flat_map(|file| {
                let collection = Collection::parse(&file.text, &Placeholders::default());
                let all: Vec<Metadata> = collection.any_rules().map(AnyRule::metadata).cloned().collect();
                all
            })
            .find(|metadata| metadata.is_called(name))
    };
    let mut has_all = false;
    for name in own.names() {
        let mut found = named(&files, name);
        if found.is_none() && !has_all {
            files.extend(cache.rules(paths)?.files()?);
            has_all = true;
            found = named(&files, name);
        }
        parts.extend(found.filter(|metadata| !parts.contains(metadata)));
    }
    Ok(parts)
}

fn write_correlation(out: &mut String, own: &Correlation, parts: &[Metadata]) -> std::fmt::Result {
    writeln!(out, "{HEADING}correlation{HEADING:#} {}", plain(&correlation::asked(own)))?;
    for name in own.names() {
        match parts.iter().find(|metadata| metadata.is_called(name)) {
            Some(part) => writeln!(out, "  {} {FAINT}{}{FAINT:#}", plain(&part.title), plain(name))?,
            None => writeln!(out, "  {} {FAINT}is not among the rules{FAINT:#}", plain(name))?,
        }
    }
    for alias in &own.aliases {
        for (rule, field) in &alias.fields {
            writeln!(out, "  {} is {} of {}", plain(&alias.name), plain(field), plain(rule))?;
        }
    }
    if own.generate {
        writeln!(out, "  {FAINT}its rules are told alone, too{FAINT:#}")?;
    }
    Ok(())
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

fn write_techniques(out: &mut String, tags: &[String], catalogue: &Catalogue) -> std::fmt::Result {
    let mapping = catalogue.resolve_all(tags);
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
