//! `evtmap rules`: what can be done with rules without a log.

mod check;
mod correlation;
pub(crate) mod explain;
mod junit;
mod list;
mod sarif;
mod show;
mod snippet;
mod test;
mod tree;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use evtmap::Placeholders;
use evtmap::rules::{self, RuleFile};
use evtmap::sigma::{AnyRule, Collection, Correlation, LogSource, NotOne, Rule};

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

/// A rule or correlation and the file it is from.
struct Found {
    rule: FoundRule,
    file: RuleFile,
}

/// What was found.
enum FoundRule {
    Rule(Box<Rule>),
    Correlation(Box<Correlation>),
}

impl From<AnyRule<'_>> for FoundRule {
    fn from(any: AnyRule<'_>) -> Self {
        match any {
            AnyRule::Rule(rule) => Self::Rule(Box::new(rule.clone())),
            AnyRule::Correlation(correlation) => Self::Correlation(Box::new(correlation.clone())),
        }
    }
}

/// Finds a rule: what a file is about, or by id, name or title among the rules of paths.
fn find_rule(
    wanted: &str,
    paths: &[PathBuf],
    cache: &Cache,
    placeholders: &Placeholders,
) -> Result<Found, Failure> {
    if Path::new(wanted).is_file() {
        return only_rule(wanted, placeholders);
    }
    let lower = wanted.to_lowercase();
    for file in
        cache.rules(paths)?.files()?.into_iter().filter(|file| file.text.to_lowercase().contains(&lower))
    {
        let collection = Collection::parse(&file.text, placeholders);
        if let Some(rule) = collection.find(wanted).map(FoundRule::from) {
            return Ok(Found { rule, file });
        }
    }
    Err(Failure::new(format!("there is no rule `{wanted}`"))
        .help("give a rule file, or the id, name or title of a rule; `evtmap rules list` lists them"))
}

fn only_rule(wanted: &str, placeholders: &Placeholders) -> Result<Found, Failure> {
    let mut files =
        rules::read(Path::new(wanted)).map_err(|error| Failure::new(error.to_string()))?.into_iter();
    let several = || {
        Failure::new(format!("`{wanted}` holds several rules"))
            .help("give the id of one, and the file as PATH")
    };
    let file = match (files.next(), files.next()) {
        (Some(file), None) => file,
        (Some(_), Some(_)) => return Err(several()),
        (None, _) => return Err(Failure::new(format!("`{wanted}` cannot be used: it holds no rule"))),
    };
    let collection = Collection::parse(&file.text, placeholders);
    match collection.only() {
        Ok(rule) => Ok(Found { rule: rule.into(), file }),
        Err(NotOne::Several) => Err(several()),
        Err(why @ NotOne::Nothing(_)) => Err(Failure::new(format!("`{wanted}` cannot be used: {why}"))),
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
