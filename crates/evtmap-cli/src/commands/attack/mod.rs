//! `evtmap attack`: what ATT&CK knows, without a log.

mod diff;
mod search;
mod show;
mod tactics;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use evtmap::attack::TechniqueId;
use evtmap::sigma::{Collection, Metadata};
use evtmap::{Catalogue, Placeholders};
use serde_json::Value as Json;

use crate::failure::Failure;
use crate::stock::{AttackStock, Cache};

/// The subcommands; each has a file with its arguments and a function that runs it.
#[derive(Subcommand, Debug)]
pub(crate) enum AttackCommand {
    /// Show a technique, tactic, group, software, mitigation or the like
    Show(show::ShowArgs),
    /// Find techniques and other objects by words
    Search(search::SearchArgs),
    /// List the tactics in the matrix's order
    Tactics(tactics::TacticsArgs),
    /// Tell what changed between two releases, and which rules it touches
    Diff(diff::DiffArgs),
}

/// Where ATT&CK is read, and how it is told.
#[derive(Args, Debug)]
struct Asked {
    /// A STIX bundle of ATT&CK to use instead of the cache's or the program's
    #[arg(long, value_name = "FILE")]
    attack: Option<PathBuf>,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Asked {
    fn attack(&self, cache: &Cache) -> Result<AttackStock, Failure> {
        cache.attack(self.attack.as_deref())
    }
}

/// Runs a subcommand.
pub(crate) fn run(command: &AttackCommand, cache: &Cache) -> Result<ExitCode, Failure> {
    match command {
        AttackCommand::Show(args) => show::run(args, cache),
        AttackCommand::Search(args) => search::run(args, cache),
        AttackCommand::Tactics(args) => tactics::run(args, cache),
        AttackCommand::Diff(args) => diff::run(args, cache),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// What a rule says of itself, where it is, and the techniques that it is about.
struct TaggedRule {
    metadata: Metadata,
    path: String,
    techniques: Vec<TechniqueId>,
}

/// The rules of paths, or those in use, with their techniques.
fn tagged_rules(paths: &[PathBuf], cache: &Cache, catalogue: &Catalogue) -> Result<Vec<TaggedRule>, Failure> {
    let mut rules = Vec::new();
    for file in cache.rules(paths)?.files()? {
        let collection = Collection::parse(&file.text, &Placeholders::default());
        let correlations = collection.correlations.into_iter().map(|correlation| correlation.metadata);
        for metadata in collection.rules.into_iter().map(|rule| rule.metadata).chain(correlations) {
            let mapping = catalogue.resolve_all(&metadata.tags);
            let techniques = mapping.techniques().map(|technique| technique.id).collect();
            rules.push(TaggedRule { metadata, path: file.path.clone(), techniques });
        }
    }
    Ok(rules)
}

fn print(text: &str) -> Result<(), Failure> {
    let written = anstream::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::output("standard output", &error))
}

fn print_json(value: &Json) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    print(&(text + "\n"))
}
