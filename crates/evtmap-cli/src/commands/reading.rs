//! What is read, and how: the options that all commands have which read logs.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use clap::Args;
use evtmap::input::{self, DateOrder, Found, InputOptions};
use evtmap::{FileAccount, ScanAccount, ScanOptions};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};

use super::live::LiveArgs;
use crate::config::InputTable;
use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug, Default)]
pub(crate) struct ReadingArgs {
    /// Event logs, or folders of them; what kind each is follows from its content; `-` is standard input
    #[arg(required_unless_present = "channels", value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    #[command(flatten)]
    live: LiveArgs,

    /// Search event logs (.evtx) also for records that were deleted and not overwritten yet
    #[arg(long, help_heading = "Reading")]
    recover: bool,

    /// The time zone of times that name none: UTC, local, +02:00, Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Reading", allow_hyphen_values = true, value_parser = zone_name)]
    input_timezone: Option<String>,

    /// How dates such as 05/06/2026 are read: day-first, month-first, or a pattern such as
    /// '%d.%m.%Y %H:%M:%S'; by default the dates of a file tell
    #[arg(long, value_name = "FORMAT", help_heading = "Reading")]
    date_format: Option<String>,

    /// What columns of tables are: a TOML file with lines such as "Event Code" = "EventID"
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    columns: Option<PathBuf>,

    /// The columns of the configuration.
    #[arg(skip)]
    configured: BTreeMap<String, String>,

    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N", help_heading = "Reading")]
    threads: Option<NonZero<usize>>,

    /// Pass over events before this: RFC 3339, a date, or a span back from now such as 7d or 12h
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    since: Option<String>,

    /// Pass over events at or after this
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    until: Option<String>,

    /// Stop after so many events
    #[arg(long, value_name = "N", help_heading = "Selection")]
    max_events: Option<u64>,

    /// Print neither progress nor what was not looked at, only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl ReadingArgs {
    /// Takes from the configuration what was not said.
    pub(crate) fn fill(&mut self, table: &InputTable) {
        self.input_timezone = self.input_timezone.take().or_else(|| table.timezone.clone());
        self.date_format = self.date_format.take().or_else(|| table.date_format.clone());
        self.configured.clone_from(&table.columns);
    }

    /// The files and logs that the options stand for, given what else they say.
    pub(super) fn found(&self, options: &ScanOptions) -> Result<Found, Failure> {
        let logs = self.live.logs(options.since, options.until)?;
        Ok(Found { logs, ..input::find(&self.inputs) })
    }

    /// What is read and how, as the library takes it; what is told of it is as by default.
    pub(super) fn options(&self, now: Timestamp) -> Result<ScanOptions, Failure> {
        let time = |option: &str, text: &Option<String>| {
            text.as_deref().map(|text| parse_time(option, text, now)).transpose()
        };
        let defaults = ScanOptions::default();
        Ok(ScanOptions {
            threads: self
                .threads
                .or_else(|| thread::available_parallelism().ok())
                .unwrap_or(defaults.threads),
            since: time("--since", &self.since)?,
            until: time("--until", &self.until)?,
            max_events: self.max_events,
            input: self.input()?,
            ..defaults
        })
    }

    fn input(&self) -> Result<InputOptions, Failure> {
        let mut options = InputOptions {
            timezone: time_zone("--input-timezone", self.input_timezone.as_deref().unwrap_or("UTC"))?,
            ..InputOptions::default()
        };
        options.recover = self.recover;
        options.columns = self.configured.clone();
        match self.date_format.as_deref() {
            None => {}
            Some("day-first") => options.date_order = Some(DateOrder::DayFirst),
            Some("month-first") => options.date_order = Some(DateOrder::MonthFirst),
            Some(pattern) => options.date_pattern = Some(date_pattern(pattern)?),
        }
        if let Some(path) = &self.columns {
            options.columns.extend(columns(path)?);
        }
        Ok(options)
    }
}

/// Refuses what the configuration says about reading and nothing could be read by.
pub(super) fn check(table: &InputTable) -> Result<(), Failure> {
    let mut args = ReadingArgs::default();
    args.fill(table);
    args.input().map(drop)
}

/// The exit status of a command that reads and does no more: 2 where something named could not be read, which
/// is told.
pub(super) fn status(account: &ScanAccount) -> ExitCode {
    if tell_errors(account) { ExitCode::from(Failure::EXIT_CODE) } else { ExitCode::SUCCESS }
}

/// Tells of records that could not be read, for one who asked for no account of them.
pub(super) fn tell_lost(account: &ScanAccount) {
    for file in &account.files {
        for problems in file.problems.values().filter(|problems| problems.n_lost > 0) {
            let first = problems.examples.first().map(ToString::to_string).unwrap_or_default();
            let n = terminal::counted(problems.n_lost, "problem");
            terminal::warning(&format!("{}: {n} with records lost, first {first}", file.path.display()), "");
        }
    }
}

/// Tells what the user named and got nothing of, and whether there was any. A file that merely lies in a
/// folder may be anything, but one of them should be a log.
pub(super) fn tell_errors(account: &ScanAccount) -> bool {
    let is_log = |file: &FileAccount| file.kind.is_some() || file.error.is_some() && file.named;
    if !account.is_cut_short && !account.files.iter().any(is_log) {
        terminal::warning(
            "there is no event log in what was named",
            "name files of event logs, or the folder that they are in",
        );
        return true;
    }
    let failed = account.files.iter().filter(|file| file.named || file.kind.is_some());
    let errors: Vec<_> = failed.filter_map(|file| file.error.as_ref()).collect();
    for error in &errors {
        terminal::warning(&error.to_string(), error.help);
    }
    !errors.is_empty()
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

/// A zone on the command line, where an offset begins with `-` as options do. What is an option stands where the zone
/// was forgotten.
pub(crate) fn zone_name(text: &str) -> Result<String, String> {
    let is_option =
        text.strip_prefix('-').is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
    if is_option {
        return Err(
            "it is an option, and the zone before it is missing; write UTC, local, an offset such as \
                    -05:00, or a name such as Europe/Berlin"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// A zone as users write it, for an option.
pub(super) fn time_zone(option: &str, name: &str) -> Result<TimeZone, Failure> {
    input::time_zone(name).ok_or_else(|| {
        Failure::new(format!("`{option} {name}` is not a time zone"))
            .help("write UTC, local, an offset such as +02:00, or a name such as Europe/Berlin")
    })
}

/// A pattern that can be read again from what it writes.
fn date_pattern(pattern: &str) -> Result<String, Failure> {
    let written = strtime::format(pattern, Timestamp::UNIX_EPOCH).ok();
    let is_date = written
        .is_some_and(|text| strtime::parse(pattern, &text).is_ok_and(|parts| parts.to_datetime().is_ok()));
    if is_date {
        return Ok(pattern.to_owned());
    }
    Err(Failure::new(format!("`--date-format {pattern}` is not the form of a date and time"))
        .help("write day-first, month-first, or a pattern such as `%d.%m.%Y %H:%M:%S`"))
}

fn columns(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let failure = |reason: String| {
        Failure::new(format!("cannot use `{}` as columns: {reason}", path.display()))
            .help("write lines such as `\"Event Code\" = \"EventID\"`")
    };
    let text = std::fs::read_to_string(path).map_err(|error| failure(error.to_string().to_lowercase()))?;
    toml::from_str(&text).map_err(|error| failure(error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::{Arg, CommandFactory};

    use super::*;
    use crate::args::Args;

    #[track_caller]
    fn check_zone(name: &str, expected: &str) {
        let zone = time_zone("--input-timezone", name)
            .map(|timezone| InputOptions { timezone, ..InputOptions::default() });
        assert_eq!(zone.map_or("none".to_owned(), |options| options.timezone_name()), expected);
    }

    #[test]
    fn time_zones() {
        check_zone("UTC", "UTC");
        check_zone("+02:00", "+02");
        check_zone("-0530", "-05:30");
        check_zone("Europe/Berlin", "Europe/Berlin");
        check_zone("Nowhere", "none");
        check_zone("+99:00", "none");
    }

    /// Every option that takes a zone takes one west of Greenwich too.
    #[test]
    fn zones_that_begin_as_options_do() {
        let mut left = vec![Args::command()];
        let mut n = 0;
        while let Some(command) = left.pop() {
            left.extend(command.get_subcommands().cloned());
            let names = |argument: &&Arg| {
                argument.get_value_names().is_some_and(|names| names.iter().any(|name| name == "ZONE"))
            };
            for argument in command.get_arguments().filter(names) {
                n += 1;
                assert!(argument.is_allow_hyphen_values_set(), "{} {argument}", command.get_name());
            }
        }
        assert!(n > 0);
        for name in ["-05:00", "-0530", "+02:00", "UTC", "Nowhere"] {
            assert_eq!(zone_name(name).as_deref(), Ok(name));
        }
        for name in ["--json", "-q", "-", "--"] {
            assert!(zone_name(name).unwrap_err().starts_with("it is an option, "), "{name}");
        }
    }

    #[test]
    fn date_patterns() {
        for pattern in ["%d.%m.%Y %H:%M:%S", "%m/%d/%y %I:%M %p", "%Y-%m-%d %H:%M:%S %z"] {
            assert!(date_pattern(pattern).is_ok(), "{pattern}");
        }
        for pattern in ["day", "%d.%m.", "%Q", ""] {
            assert!(date_pattern(pattern).is_err(), "{pattern}");
        }
    }

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
