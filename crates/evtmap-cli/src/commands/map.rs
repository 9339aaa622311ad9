//! `evtmap map`: event logs to techniques.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use etcetera::BaseStrategy;
use evtmap::input;
use evtmap::rules::{self, RuleCache, RuleSource};
use evtmap::triage::{Report, RulesAccount, Summary};
use evtmap::{
    Associations, Catalogue, Findings, Pipelines, Rules, ScanAccount, ScanOptions, Scanner, Severity,
};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};

use super::read_placeholders;
use crate::args::MapArgs;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::{summary, terminal};

/// Runs the command.
pub(crate) fn run(args: &MapArgs) -> Result<ExitCode, Failure> {
    let options = scan_options(args)?;
    let catalogue = catalogue(args)?;
    let (rules, origins) = load_rules(args)?;
    let associations = Associations::bundled().map_err(|error| Failure::new(error.to_string()))?;
    let findings = Findings::new(&rules, associations, &catalogue);
    let found = input::find(&args.inputs);
    let mut desk = Desk::open(args, &found)?;
    let scanned = Scanner::new(&rules, &findings, options).scan(&found, &mut desk);
    let account = desk.account(scanned)?;
    let rules_account = RulesAccount::new(origins, &rules, &findings);
    let report =
        Report { summary: &desk.summary, scan: &account, rules: &rules_account, catalogue: &catalogue };
    let text = summary::render(&report);
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

fn scan_options(args: &MapArgs) -> Result<ScanOptions, Failure> {
    let time = |option: &str, text: &Option<String>| {
        text.as_deref().map(|text| parse_time(option, text, Timestamp::now())).transpose()
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
        input: defaults.input,
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

/// The catalogue that names techniques: the user's, the cache's, or the program's.
fn catalogue(args: &MapArgs) -> Result<Catalogue, Failure> {
    let cached = args.cache_dir.as_ref().map(|folder| folder.join("enterprise-attack.json"));
    let chosen = args.attack.clone().or_else(|| cached.filter(|path| path.is_file()));
    let Some(path) = chosen else { return Ok(Catalogue::bundled()) };
    let file = File::open(&path).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string().to_lowercase(),
        };
        Failure::new(format!("cannot read `{}`: {reason}", path.display()))
    })?;
    Catalogue::from_stix(io::BufReader::new(file)).map_err(|error| {
        Failure::new(format!("cannot use `{}` as ATT&CK: {error}", path.display())).help(error.help())
    })
}

/// The rules, and where they are from: the user's, the cache's, or the program's.
fn load_rules(args: &MapArgs) -> Result<(Rules, Vec<String>), Failure> {
    let cached = args.cache_dir.as_ref().map(|folder| folder.join("rules")).filter(|folder| folder.is_dir());
    let mut paths = args.rules.clone();
    if paths.is_empty() {
        paths.extend(cached);
    }
    let failure = |error: rules::RulesError| Failure::new(error.to_string());
    let mut sources = Vec::new();
    for path in &paths {
        sources.push(RuleSource::open(path).map_err(failure)?);
    }
    if sources.is_empty() {
        sources.push(RuleSource::bundled());
    }
    let origins: Vec<String> = sources.iter().map(|source| source.name().to_owned()).collect();
    let placeholders = read_placeholders(args.placeholders.as_deref())?;
    let rules = Rules::load_cached(&sources, &pipelines(args)?, &placeholders, compiled(args).as_ref())
        .map_err(failure)?;
    if rules.rules().is_empty() {
        return Err(
            Failure::new(format!("no rule of {} can be used", origins.join(", "))).help(first_reason(&rules))
        );
    }
    Ok((rules, origins))
}

/// Where rules are kept that were made ready: in the cache folder that the user named, or the system's.
fn compiled(args: &MapArgs) -> Option<RuleCache> {
    if args.no_cache {
        return None;
    }
    let usual = || Some(etcetera::base_strategy::choose_native_strategy().ok()?.cache_dir().join("evtmap"));
    let folder = args.cache_dir.clone().or_else(usual)?;
    Some(RuleCache::at(folder.join("compiled")))
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
