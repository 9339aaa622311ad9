//! `evtmap summary`: what logs come to, without reports.

use std::io;
use std::process::ExitCode;

use clap::Args;
use evtmap::alert::Alert;
use evtmap::report::TimeStyle;
use evtmap::triage::{Report, RulesAccount, Summary};
use evtmap::{Progress, ScanOptions, Scanner, Severity, Sink, input, report};
use indicatif::ProgressBar;
use serde_json::json;

use super::reading::{self, ReadingArgs};
use super::rule_choice::{Choice, RuleArgs};
use crate::args::severity;
use crate::config::Config;
use crate::failure::Failure;
use crate::stock::{Age, Cache};
use crate::{clock, progress, summary, terminal};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap summary C:\\Windows\\System32\\winevt\\Logs
  evtmap summary evidence/ --since 7d --min-severity medium
  evtmap summary evidence/ --json | jq .summary.ranked_techniques

Exit status:
  0  done    2  something named could not be read")]
pub(crate) struct SummaryArgs {
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    #[command(flatten)]
    pub(crate) rules: RuleArgs,

    /// Count only what is at least so bad
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection", value_parser = severity)]
    min_severity: Option<Severity>,

    /// Leave out what an event id alone may hint at
    #[arg(long, help_heading = "Selection")]
    no_associations: bool,

    /// Write JSON: the parts `summary` and `not_looked_at` of a JSON report
    #[arg(long)]
    json: bool,
}

/// Counts alerts and keeps none.
struct Counting {
    summary: Summary,
    bar: ProgressBar,
}

impl Sink for Counting {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.summary.add(alert);
        Ok(())
    }

    fn progress(&mut self, progress: Progress) -> io::Result<()> {
        progress::show(&self.bar, progress);
        Ok(())
    }
}

/// Runs the command.
pub(crate) fn run(args: &SummaryArgs, cache: &Cache, config: &Config) -> Result<ExitCode, Failure> {
    let now = clock::now()?;
    let policy = config.policy(now)?;
    let options = ScanOptions {
        min_severity: args.min_severity.unwrap_or(Severity::Informational),
        associations: !args.no_associations,
        ..args.reading.options(now)?
    };
    let Choice { rules, stock, attack, findings } = Choice::load(&args.rules, cache)?;
    let found = input::find(&args.reading.inputs);
    let mut counting =
        Counting { summary: Summary::default(), bar: progress::bar(&found, args.reading.quiet) };
    let scanner = Scanner::new(&rules, &findings, options);
    let scanner = match &policy {
        Some(policy) => scanner.with_policy(policy),
        None => scanner,
    };
    let scanned = scanner.scan(&found, &mut counting);
    counting.bar.finish_and_clear();
    let account = scanned.map_err(|error| Failure::new(error.to_string()))?;
    let rules_account = RulesAccount::new(stock.origins, &rules, &findings);
    let whole = Report {
        summary: &counting.summary,
        scan: &account,
        rules: &rules_account,
        catalogue: &attack.catalogue,
        catalogue_origin: &attack.origin,
    };
    if args.json {
        let parts = json!({
            "summary": report::summary(&whole, &TimeStyle::default()),
            "not_looked_at": report::not_looked_at(&account, Some(&rules_account)),
        });
        terminal::print_json(&parts)?;
    } else {
        let ages = [Age::of_rules(rules_account.newest.as_deref(), stock.checked), attack.age()];
        terminal::print(&(summary::render(&whole, &TimeStyle::default()) + &summary::hint(&ages, now)))?;
    }
    Ok(reading::status(&account))
}
