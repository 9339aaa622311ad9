//! `evtmap summary`: what logs come to, without reports.

use std::process::ExitCode;

use clap::Args;
use evtmap::report::TimeStyle;
use evtmap::triage::{Report, RulesAccount, Tally};
use evtmap::{ScanOptions, Severity, report};
use serde_json::json;

use super::reading::{self, ReadingArgs};
use super::rule_choice::{Choice, RuleArgs};
use super::viewer::ZoneArgs;
use crate::args::severity;
use crate::config::Config;
use crate::failure::Failure;
use crate::stock::{Age, Cache};
use crate::{clock, summary, terminal};

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

    #[command(flatten)]
    zone: ZoneArgs,

    /// Write JSON: the parts `summary` and `not_looked_at` of a JSON report
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &SummaryArgs, cache: &Cache, config: &Config) -> Result<ExitCode, Failure> {
    let now = clock::now()?;
    let policy = config.policy(now)?;
    let times = args.zone.times()?;
    let options = ScanOptions {
        min_severity: args.min_severity.unwrap_or(Severity::Informational),
        associations: !args.no_associations,
        ..args.reading.options(now)?
    };
    let choice = Choice::load(&args.rules, cache)?;
    let mut tally = Tally::default();
    let account = choice.scan(&args.reading, options, policy.as_ref(), |alert| tally.add(alert))?;
    let Choice { rules, stock, attack, findings } = choice;
    let rules_account = RulesAccount::new(stock.origins, &rules, &findings);
    let counted = tally.finish();
    let whole = Report {
        summary: &counted,
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
        terminal::print(&(summary::render(&whole, &times) + &summary::hint(&ages, now)))?;
    }
    Ok(reading::status(&account))
}
