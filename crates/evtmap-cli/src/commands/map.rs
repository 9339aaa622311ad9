//! `evtmap map`: event logs to techniques.

use std::process::ExitCode;

use evtmap::alert::Enrichment;
use evtmap::triage::{Report, RulesAccount, Summary};
use evtmap::{Findings, ScanOptions, Scanner, Severity};

use super::rule_choice::Choice;
use super::{reading, reporting};
use crate::args::MapArgs;
use crate::config::Config;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::stock::{Age, AttackStock, Cache};
use crate::{clock, summary, terminal};

/// Runs the command.
pub(crate) fn run(args: &MapArgs, cache: &Cache, config: &Config) -> Result<ExitCode, Failure> {
    let now = clock::now()?;
    let policy = config.policy(now)?;
    let options = ScanOptions {
        min_severity: args.min_severity.unwrap_or(Severity::Informational),
        associations: !args.no_associations,
        all_events: args.all_events,
        ..args.reading.options(now)?
    };
    let reporting = reporting::options(args, now)?;
    let has_page = reporting.formats.iter().any(|format| format.shows_evidence());
    let options = ScanOptions { evidence: args.evidence || has_page, ..options };
    let Choice { rules, stock, attack, mut findings } = Choice::load(&args.rules, cache)?;
    let catalogue = &attack.catalogue;
    enrich(&mut findings, &attack, args, has_page)?;
    let found = args.reading.found(&options)?;
    let times = reporting.options.times.clone();
    let mut desk = Desk::open(args, &found, reporting)?;
    let scanner = Scanner::borrowing(&rules, &findings, &options).with_policy(policy.as_ref());
    let scanned = scanner.scan(&found, &mut desk);
    let account = desk.account(scanned)?;
    let rules_account = RulesAccount::new(stock.origins, &rules, &findings);
    let counted = desk.summary();
    let report = Report {
        summary: &counted,
        scan: &account,
        rules: &rules_account,
        catalogue,
        catalogue_origin: &attack.origin,
    };
    let ages = [Age::of_rules(rules_account.newest.as_deref(), stock.checked), attack.age()];
    let to_stderr = desk.has_stdout();
    let has_failed = desk.reports.finish(&report)?;
    if args.reading.quiet {
        reading::tell_lost(&account);
    } else {
        let text = summary::render(&report, &times) + &summary::hint(&ages, now);
        if to_stderr { terminal::print_aside(&text) } else { terminal::print(&text) }?;
    }
    let has_errors = reading::tell_errors(&account) || has_failed;
    let status = status(args.fail_on, &counted, has_errors);
    // The program ends here, and the system takes its memory back at once; to give it back rule by rule, and what was
    // learnt in reading, takes as long as a tenth of the start.
    std::mem::forget((rules, findings, options));
    Ok(status)
}

/// Adds to what rules say what the user asked for, and what a page shows where it is at hand.
fn enrich(
    findings: &mut Findings,
    attack: &AttackStock,
    args: &MapArgs,
    has_page: bool,
) -> Result<(), Failure> {
    if has_page || args.evidence {
        findings.add_conditions();
    }
    if !args.enrich.is_empty() {
        findings.enrich(&attack.catalogue, &attack.library()?, &args.enrich);
    }
    let has_them = args.enrich.contains(&Enrichment::Mitigations);
    if has_page
        && !has_them
        && let Ok(library) = attack.library()
    {
        findings.enrich(&attack.catalogue, &library, &[Enrichment::Mitigations]);
    }
    Ok(())
}

/// 1 for a finding that was to fail the run, 2 where something named could not be read, 0 otherwise.
fn status(fail_on: Option<Severity>, summary: &Summary, has_errors: bool) -> ExitCode {
    if fail_on.is_some() && summary.worst() >= fail_on {
        return ExitCode::from(1);
    }
    if has_errors { ExitCode::from(Failure::EXIT_CODE) } else { ExitCode::SUCCESS }
}
