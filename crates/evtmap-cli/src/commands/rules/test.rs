//! `evtmap rules test`: rules on the examples beside them.

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::Args;
use evtmap::authoring::{Trial, TrialOutcome, Trials, Wanted};

use super::junit::{self, Case};
use super::{correlation, pipelines, print, tree};
use crate::commands::read_placeholders;
use crate::failure::Failure;
use crate::output;
use crate::stock::Cache;
use crate::terminal::{ERROR, counted, plain};

const PASSED: anstyle::Style = AnsiColor::Green.on_default();

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap rules test rules/
  evtmap rules test my_rule.yml
  evtmap rules test sigma/regression_data --rules sigma/rules
  evtmap rules test rules/ --junit results.xml

Exit status:
  0  every rule does as its examples say    1  one does not    2  there is nothing to try")]
pub(crate) struct TestArgs {
    /// Rule files, files of examples (.test.yml), or folders of them; folders with SigmaHQ's recordings too
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Where the rules are that recordings are for and that correlations name; the rules of the program by
    /// default
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Values for the placeholders of rules: a YAML map of names to lists
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,

    /// Write the results as JUnit XML too, for build servers
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Tell of the examples too that are as they should be
    #[arg(short, long)]
    verbose: bool,
}

/// Runs the command.
pub(super) fn run(args: &TestArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let rules = cache.rules(&args.rules)?.files()?;
    let pipelines = pipelines()?;
    let placeholders = read_placeholders(args.placeholders.as_deref())?;
    let trials = Trials { pipelines: &pipelines, placeholders: &placeholders, rules: &rules };
    let (mut n_passed, mut n_failed) = (0, 0);
    let mut printed = Ok(());
    let mut cases = Vec::new();
    for path in &args.paths {
        let outcome = trials.run(path, &mut |trial| {
            let has_passed = matches!(trial.outcome, TrialOutcome::Passed);
            n_passed += u64::from(has_passed);
            n_failed += u64::from(!has_passed);
            if args.junit.is_some() {
                cases.push(case(&trial));
            }
            if printed.is_ok() && (args.verbose || !has_passed) {
                printed = print(&render(&trial));
            }
        });
        outcome.map_err(|why| Failure::new(format!("cannot read `{}`: {why}", path.display())))?;
    }
    printed?;
    if n_passed + n_failed == 0 {
        return Err(Failure::new("there are no examples")
            .help("write them into a file beside the rule: `rule.test.yml` for `rule.yml`"));
    }
    if let Some(path) = &args.junit {
        let written = junit::document(&cases).and_then(|document| output::put(path, &document));
        written.map_err(|error| Failure::output(&path.display().to_string(), &error))?;
    }
    print(&format!("{} passed, {n_failed} failed\n", counted(n_passed, "example")))?;
    Ok(if n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A trial as JUnit has it, without colours.
fn case(trial: &Trial) -> Case {
    let failure = (!matches!(trial.outcome, TrialOutcome::Passed)).then(|| {
        let text = anstream::adapter::strip_str(&render(trial)).to_string();
        text.split_once('\n').map(|(_, why)| why.trim_end().to_owned()).unwrap_or_default()
    });
    Case { place: trial.place.clone(), rule: trial.rule.clone(), failure }
}

fn render(trial: &Trial) -> String {
    let place = plain(&trial.place);
    let rule = plain(&trial.rule);
    let failed =
        |what: String, more: &str| format!("{ERROR}failed{ERROR:#} {place} {rule}\n{}\n{more}", plain(&what));
    match &trial.outcome {
        TrialOutcome::Passed => format!("{PASSED}passed{PASSED:#} {place} {rule}\n"),
        TrialOutcome::Broken(why) => failed(why.clone(), ""),
        TrialOutcome::Count(n, wanted) => {
            let wanted =
                wanted.map_or_else(|| "at least 1".to_owned(), |wanted| format!("at least {wanted}"));
            failed(format!("the rule matches {}, it should be {wanted}", counted(*n, "event")), "")
        }
        TrialOutcome::Differs(wanted, explanation) => {
            failed(differs(*wanted).to_owned(), &tree::render(explanation))
        }
        TrialOutcome::CorrelationDiffers(wanted, explanation) => {
            failed(differs(*wanted).to_owned(), &correlation::render(explanation))
        }
    }
}

fn differs(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Match => "the rule does not match, and it should",
        Wanted::Miss => "the rule matches, and it should not",
    }
}
