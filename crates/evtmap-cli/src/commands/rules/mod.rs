//! `evtmap rules`: what can be done with rules without a log.

mod check;
mod explain;
mod list;
mod sarif;
mod show;
mod snippet;
mod test;
mod tree;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use evtmap::Placeholders;
use evtmap::rules::{self, RuleFile};
use evtmap::sigma::{Collection, LogSource, Rule};

use crate::failure::Failure;
use crate::stock::Cache;

/// The subcommands; each has a file with its arguments and a function that runs it.
#[derive(Subcommand, Debug)]
pub(crate) enum RulesCommand {
    /// Tell what is wrong or doubtful in rules, and mend what is mechanical
    Check(check::CheckArgs),
    /// List rules
    List(list::ListArgs),
    /// Show one rule: what it says, where it looks, what it names
    Show(show::ShowArgs),
    /// Tell why a rule does or does not match an event
    Explain(explain::ExplainArgs),
    /// Try rules on the examples beside them
    Test(test::TestArgs),
}

/// Runs a subcommand.
pub(crate) fn run(command: &RulesCommand, cache: &Cache) -> Result<ExitCode, Failure> {
    match command {
        RulesCommand::Check(args) => check::run(args, cache),
        RulesCommand::List(args) => list::run(args, cache),
        RulesCommand::Show(args) => show::run(args, cache),
        RulesCommand::Explain(args) => explain::run(args, cache),
        RulesCommand::Test(args) => test::run(args, cache),
    }
}

/// The pipelines that come with the program.
fn pipelines() -> Result<evtmap::Pipelines, Failure> {
    evtmap::Pipelines::bundled().map_err(|problem| Failure::new(problem.to_string()))
}

/// A rule and where it is from.
struct Found {
    rule: Rule,
    path: String,
}

/// Finds a rule: the only one of a file, or by id, name or title among the rules of paths.
fn find_rule(wanted: &str, paths: &[PathBuf], cache: &Cache) -> Result<Found, Failure> {
    let path = PathBuf::from(wanted);
    if path.is_file() {
        let files = rules::read(&path).map_err(|error| Failure::new(error.to_string()))?;
        return only_rule(wanted, &files);
    }
    let is_called =
        |rule: &Rule| rule.metadata.is_called(wanted) || rule.metadata.title.eq_ignore_ascii_case(wanted);
    let lower = wanted.to_lowercase();
    for file in cache.rules(paths)?.files.into_iter().filter(|file| file.text.to_lowercase().contains(&lower))
    {
        let collection = Collection::parse(&file.text, &Placeholders::default());
        if let Some(rule) = collection.rules.into_iter().find(is_called) {
            return Ok(Found { rule, path: file.path });
        }
    }
    Err(Failure::new(format!("there is no rule `{wanted}`"))
        .help("give a rule file, or the id, name or title of a rule; `evtmap rules list` lists them"))
}

fn only_rule(wanted: &str, files: &[RuleFile]) -> Result<Found, Failure> {
    let mut found = Vec::new();
    let mut reason = "it holds no rule".to_owned();
    for file in files {
        let collection = Collection::parse(&file.text, &Placeholders::default());
        if let Some(refused) = collection.refused.first() {
            reason = refused.reason.to_string();
        }
        found.extend(collection.rules.into_iter().map(|rule| Found { rule, path: file.path.clone() }));
    }
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Failure::new(format!("`{wanted}` holds several rules"))
            .help("give the id of one, and the file as PATH")),
        (None, _) => Err(Failure::new(format!("`{wanted}` cannot be used: {reason}"))),
    }
}

/// A log source with the names of its parts.
fn in_words(logsource: &LogSource) -> String {
    let parts =
        [("product", &logsource.product), ("category", &logsource.category), ("service", &logsource.service)];
    let named = parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    named.collect::<Vec<_>>().join(", ")
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let written = anstream::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::output("standard output", &error))
}
