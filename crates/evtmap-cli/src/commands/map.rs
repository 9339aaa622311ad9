//! `evtmap map`: event logs to techniques.

use std::io::Write;
use std::process::ExitCode;
use std::thread;

use evtmap::alert::Enrichment;
use evtmap::input;
use evtmap::triage::{Report, RulesAccount, Summary};
use evtmap::{Associations, Findings, Pipelines, Rules, ScanAccount, ScanOptions, Scanner, Severity};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};

use super::reading;
use crate::args::MapArgs;
use crate::commands::read_placeholders;
use crate::desk::{self, Desk};
use crate::failure::Failure;
use crate::stock::{Age, AttackStock, Cache, RuleStock};
use crate::{clock, summary, terminal};

/// Runs the command.
pub(crate) fn run(args: &MapArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let now = clock::now()?;
    let options = scan_options(args, now)?;
    let is_shown = desk::formats(args)?.iter().any(|format| format.shows_evidence());
    let options = ScanOptions { evidence: is_shown || options.evidence, ..options };
    let attack = cache.attack(args.attack.as_deref())?;
    let catalogue = &attack.catalogue;
    let (rules, stock) = load_rules(args, cache)?;
    let associations = Associations::bundled().map_err(|error| Failure::new(error.to_string()))?;
    let mut findings = Findings::new(&rules, associations, catalogue);
    enrich(&mut findings, &rules, &attack, args, is_shown)?;
    let found = input::find(&args.inputs);
    let mut desk = Desk::open(args, &found, now)?;
    let scanned = Scanner::new(&rules, &findings, options).scan(&found, &mut desk);
    let account = desk.account(scanned)?;
    let rules_account = RulesAccount::new(stock.origins, &rules, &findings);
    let report = Report {
        summary: &desk.summary,
        scan: &account,
        rules: &rules_account,
        catalogue,
        catalogue_origin: &attack.origin,
    };
    let ages = [Age::of_rules(rules_account.newest.as_deref(), stock.checked), attack.age()];
    let text = summary::render(&report) + &summary::hint(&ages, now);
    let to_stderr = desk.has_stdout();
    let has_failed = desk.reports.finish(&report)?;
    if !args.quiet {
        print(&text, to_stderr)?;
    }
    let has_errors = tell_errors(&account) || has_failed;
    let status = status(args.fail_on, &desk.summary, has_errors);
    // The program ends here, and the system takes its memory back at once; to give it back rule by rule
    // takes as long as a tenth of the start.
    std::mem::forget((rules, findings));
    Ok(status)
}

/// Adds to what rules say what the user asked for, and what a page shows where it is at hand.
fn enrich(
    findings: &mut Findings,
    rules: &Rules,
    attack: &AttackStock,
    args: &MapArgs,
    is_page: bool,
) -> Result<(), Failure> {
    if is_page || args.evidence {
        findings.add_conditions(rules);
    }
    if !args.enrich.is_empty() {
        findings.enrich(&attack.catalogue, &attack.library()?, &args.enrich);
    }
    let has_them = args.enrich.contains(&Enrichment::Mitigations);
    if is_page
        && !has_them
        && let Ok(library) = attack.library()
    {
        findings.enrich(&attack.catalogue, &library, &[Enrichment::Mitigations]);
    }
    Ok(())
}

fn scan_options(args: &MapArgs, now: Timestamp) -> Result<ScanOptions, Failure> {
    let time = |option: &str, text: &Option<String>| {
        text.as_deref().map(|text| parse_time(option, text, now)).transpose()
    };
    let defaults = ScanOptions::default();
    Ok(ScanOptions {
        threads: args.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(defaults.threads),
        since: time("--since", &args.since)?,
        until: time("--until", &args.until)?,
        max_events: args.max_events,
        min_severity: args.min_severity.unwrap_or(defaults.min_severity),
        associations: !args.no_associations,
        all_events: args.all_events,
        evidence: args.evidence,
        input: reading::options(args)?,
    })
}

/// A time as users write it: RFC 3339, a date or date and time in UTC, or a span back from now.
fn parse_time(option: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(time) = text.parse::<civil::DateTime>().and_then(|time| TimeZone::UTC.to_timestamp(time)) {
        return Ok(time);
    }
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let before = span.and_then(|span| TimeZone::UTC.to_datetime(now).checked_sub(span).ok());
    if let Some(time) = before.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()) {
        return Ok(time);
    }
    Err(Failure::new(format!("`{option} {text}` is not a time"))
        .help("write 2026-03-02, 2026-03-02T08:00:00Z, or a span back from now such as 7d or 12h"))
}

/// The rules in use, and where they are from.
fn load_rules(args: &MapArgs, cache: &Cache) -> Result<(Rules, RuleStock), Failure> {
    let stock = cache.rules(&args.rules)?;
    let placeholders = read_placeholders(args.placeholders.as_deref())?;
    let compiled = if args.no_rule_cache { None } else { cache.compiled() };
    let rules = Rules::load_cached(&stock.sources, &pipelines(args)?, &placeholders, compiled.as_ref())?;
    if rules.rules().is_empty() {
        return Err(Failure::new(format!("no rule of {} can be used", stock.origins.join(", ")))
            .help(first_reason(&rules)));
    }
    Ok((rules, stock))
}

/// Where log sources are found, with what the user adds.
fn pipelines(args: &MapArgs) -> Result<Pipelines, Failure> {
    let mut pipelines = Pipelines::bundled().map_err(|problem| Failure::new(problem.to_string()))?;
    for path in &args.pipeline {
        let name = path.display();
        let problem = |message: String, help: &str| {
            Failure::new(format!("cannot use `{name}` as a pipeline: {message}")).help(help)
        };
        let text =
            std::fs::read_to_string(path).map_err(|error| problem(error.to_string().to_lowercase(), ""))?;
        pipelines
            .add(&text)
            .map_err(|found| problem(format!("line {}: {}", found.place.line, found.message), &found.help))?;
    }
    if args.no_derived {
        pipelines.remove_derived();
    }
    Ok(pipelines)
}

fn first_reason(rules: &Rules) -> String {
    match rules.skipped().first() {
        Some(rule) => format!("{}: {} ({})", rule.path, rule.reason.as_str(), rule.detail),
        None => "there is no rule in them".to_owned(),
    }
}

fn print(text: &str, to_stderr: bool) -> Result<(), Failure> {
    let written = if to_stderr {
        anstream::stderr().lock().write_all(text.as_bytes())
    } else {
        anstream::stdout().lock().write_all(text.as_bytes())
    };
    written.map_err(|error| Failure::output("the summary", &error))
}

/// Tells what the user named and got nothing of. A file that merely lies in a folder may be anything.
fn tell_errors(account: &ScanAccount) -> bool {
    let failed = account.files.iter().filter(|file| file.named || file.kind.is_some());
    let errors: Vec<_> = failed.filter_map(|file| file.error.as_ref()).collect();
    for error in &errors {
        terminal::warning(&error.to_string(), error.help);
    }
    !errors.is_empty()
}

/// 1 for a finding that was to fail the run, 2 where something named could not be read, 0 otherwise.
fn status(fail_on: Option<Severity>, summary: &Summary, has_errors: bool) -> ExitCode {
    if fail_on.is_some() && summary.worst() >= fail_on {
        return ExitCode::from(1);
    }
    if has_errors { ExitCode::from(Failure::EXIT_CODE) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let now: Timestamp = "2026-03-09T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
            ("2026-03-02T08:00:00+02:00", "2026-03-02T06:00:00Z"),
            ("2026-03-02", "2026-03-02T00:00:00Z"),
            ("2026-03-02 08:00:01", "2026-03-02T08:00:01Z"),
            ("7d", "2026-03-02T12:00:00Z"),
            ("12h", "2026-03-09T00:00:00Z"),
            ("1w 2d", "2026-02-28T12:00:00Z"),
        ] {
            assert_eq!(parse_time("--since", text, now).unwrap().to_string(), expected, "{text}");
        }
        let error = parse_time("--since", "yesterday", now).unwrap_err();
        assert_eq!(error.to_string(), "`--since yesterday` is not a time");
    }
}
