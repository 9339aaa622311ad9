//! `evtmap stats`: what events there are, and what is missing.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::Style;
use clap::Args;
use evtmap::view::{
    Facts, LogName, LogReport, Number, Statistics, Trace, TraceKind, TraceKinds, short_channel,
};
use evtmap::{Associations, ScanAccount};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::reading::{self, ReadingArgs};
use super::viewer::{Viewer, ZoneArgs};
use super::viewing::{document, length, look_at_all, more, not_looked_at, overview};
use crate::failure::Failure;
use crate::table::{ColumnKind, Table, column};
use crate::terminal::{self, FAINT, HEADING, WARNING, counted, number, plain};

/// How many rows of each table are shown unless more are asked for.
const N_ROWS: usize = 30;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap stats C:\\Windows\\System32\\winevt\\Logs
  evtmap stats Security.evtx --recover
  evtmap stats evidence/ --json | jq '.logs[] | select(.missing_records > 0)'

What is told under \"Signs of tampering\" has innocent reasons too, which are said with it.")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    /// Show at most so many rows of each table; 30 by default, and in JSON all
    #[arg(long, value_name = "N", help_heading = "Display")]
    max: Option<usize>,

    #[command(flatten)]
    zone: ZoneArgs,

    /// Write JSON
    #[arg(long, help_heading = "Display")]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &StatsArgs) -> Result<ExitCode, Failure> {
    let failure = |error: toml::de::Error| Failure::new(error.to_string());
    let traces = TraceKinds::bundled().map_err(failure)?;
    let titles = Associations::bundled().map_err(failure)?;
    let mut statistics = Statistics::default();
    let viewer = args.zone.viewer()?;
    let account = look_at_all(
        &args.reading,
        |facts: &mut Facts, event, place| facts.note(event, place.path, &traces),
        |facts| {
            statistics.add(facts);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    if args.json {
        terminal::print_json(&in_json(args, &statistics, &titles, &account))?;
    } else {
        terminal::print(&in_text(args, &statistics, &titles, &account, &viewer))?;
    }
    Ok(reading::status(&account))
}

fn in_json(args: &StatsArgs, statistics: &Statistics, titles: &Associations, account: &ScanAccount) -> Value {
    let n_max = args.max.unwrap_or(usize::MAX);
    let kinds = statistics.kinds().into_iter().take(n_max).map(|(kind, number)| {
        let title = kind.event_id.and_then(|id| titles.title(&kind.channel, &kind.provider, id));
        json!({
            "channel": kind.channel, "provider": kind.provider, "event_id": kind.event_id, "title": title,
            "events": number.events, "first": number.span.first, "last": number.span.last,
        })
    });
    let hosts = statistics.hosts().into_iter().take(n_max).map(|(name, number)| {
        json!({
            "host": name, "events": number.events, "first": number.span.first, "last": number.span.last,
        })
    });
    let logs = statistics.logs().into_iter().take(n_max).map(|(name, report)| {
        let mut log = json!(report);
        if let Some(members) = log.as_object_mut() {
            members.insert("path".to_owned(), json!(&*name.path));
            members.insert("host".to_owned(), json!(&*name.computer));
            members.insert("channel".to_owned(), json!(name.channel));
        }
        log
    });
    document(
        account,
        [
            ("kinds", kinds.collect()),
            ("hosts", hosts.collect()),
            ("logs", logs.collect()),
            ("traces", json!(statistics.traces())),
            ("beyond", json!(statistics.beyond())),
        ],
    )
}

fn in_text(
    args: &StatsArgs,
    statistics: &Statistics,
    titles: &Associations,
    account: &ScanAccount,
    viewer: &Viewer,
) -> String {
    let n_max = args.max.unwrap_or(N_ROWS);
    let mut out = overview(account, viewer);
    out += &kinds(statistics, titles, (n_max, viewer));
    out += &hosts(statistics, (n_max, viewer));
    let logs = statistics.logs();
    out += &log_table(&logs, (n_max, viewer));
    out += &tampering(statistics, &logs, (n_max, viewer));
    let beyond = statistics.beyond();
    for (n, what) in [(beyond.kinds, "kinds"), (beyond.hosts, "hosts"), (beyond.logs, "logs")] {
        if n > 0 {
            let n = counted(n, "event");
            let _ = writeln!(out, "{FAINT}{n} of {what} beyond those that are told apart{FAINT:#}");
        }
    }
    if !args.reading.quiet {
        out += &not_looked_at(account);
    }
    out
}

/// How many rows are shown, and to whom.
type Room<'a> = (usize, &'a Viewer);

fn text(text: impl Into<String>) -> (String, Style) {
    (text.into(), Style::new())
}

fn known(name: &str) -> &str {
    if name.is_empty() { "unknown" } else { name }
}

fn span(number: &Number, viewer: &Viewer) -> [(String, Style); 2] {
    [text(viewer.second(number.span.first)), text(viewer.second(number.span.last))]
}

fn kinds(statistics: &Statistics, titles: &Associations, (n_max, viewer): Room<'_>) -> String {
    let kinds = statistics.kinds();
    let mut table = Table::new([
        column("Channel", ColumnKind::Text),
        column("Provider", ColumnKind::Text),
        column("Id", ColumnKind::Number),
        column("What it is", ColumnKind::Text),
        column("Events", ColumnKind::Number),
        column("First", ColumnKind::Whole),
        column("Last", ColumnKind::Whole),
    ]);
    for (kind, n) in kinds.iter().take(n_max) {
        let title = kind.event_id.and_then(|id| titles.title(&kind.channel, &kind.provider, id));
        let id = kind.event_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let [first, last] = span(n, viewer);
        let provider = kind.provider.strip_prefix("Microsoft-Windows-").unwrap_or(&kind.provider);
        table.row([
            text(known(short_channel(&kind.channel))),
            text(known(provider)),
            text(id),
            text(title.unwrap_or("")),
            text(number(n.events)),
            first,
            last,
        ]);
    }
    let heading = format!("\n{HEADING}{}{HEADING:#}\n", counted(kinds.len() as u64, "kind of event"));
    heading.replace("kind of events", "kinds of event")
        + &table.render(viewer.width)
        + &more(kinds.len(), n_max, "row", "`--max` shows more")
}

fn hosts(statistics: &Statistics, (n_max, viewer): Room<'_>) -> String {
    let hosts = statistics.hosts();
    let mut table = Table::new([
        column("Host", ColumnKind::Text),
        column("Events", ColumnKind::Number),
        column("First", ColumnKind::Whole),
        column("Last", ColumnKind::Whole),
    ]);
    for (name, n) in hosts.iter().take(n_max) {
        let [first, last] = span(n, viewer);
        table.row([text(known(name)), text(number(n.events)), first, last]);
    }
    format!("\n{HEADING}{}{HEADING:#}\n", counted(hosts.len() as u64, "host"))
        + &table.render(viewer.width)
        + &more(hosts.len(), n_max, "host", "`--max` shows more")
}

fn log_table(logs: &[(&LogName, LogReport)], (n_max, viewer): Room<'_>) -> String {
    let mut table = Table::new([
        column("Host", ColumnKind::Text),
        column("Log", ColumnKind::Text),
        column("Events", ColumnKind::Number),
        column("Records", ColumnKind::Whole),
        column("Missing", ColumnKind::Number),
        column("First", ColumnKind::Whole),
        column("Last", ColumnKind::Whole),
        column("File", ColumnKind::Text),
    ]);
    for (name, report) in logs.iter().take(n_max) {
        let records = report.first_record_id.zip(report.last_record_id);
        let records = records.map_or_else(|| "-".to_owned(), |(first, last)| format!("{first} to {last}"));
        let missing = match report.missing_records {
            0 => text(""),
            _ if report.is_choice => text("chosen"),
            n => (number(n), WARNING),
        };
        let [first, last] = span(&report.number, viewer);
        table.row([
            text(known(&name.computer)),
            text(known(short_channel(&name.channel))),
            text(number(report.number.events)),
            text(records),
            missing,
            first,
            last,
            text(&*name.path),
        ]);
    }
    format!("\n{HEADING}{}{HEADING:#}\n", counted(logs.len() as u64, "log"))
        + &table.render(viewer.width)
        + &more(logs.len(), n_max, "log", "`--max` shows more")
}

/// What speaks of deleted records, cleared logs and changed clocks, and what else it may come from.
fn tampering(statistics: &Statistics, logs: &[(&LogName, LogReport)], (n_max, viewer): Room<'_>) -> String {
    let mut signs = of_traces(statistics, &[TraceKind::Cleared], viewer);
    logs.iter().for_each(|(name, report)| of_records(&mut signs, name, report, viewer));
    signs.extend(of_traces(statistics, &[TraceKind::Changed, TraceKind::Lost, TraceKind::Clock], viewer));
    logs.iter().for_each(|(name, report)| of_times(&mut signs, name, report, viewer));
    let mut out = match signs.len() {
        0 => format!("\n{HEADING}Signs of tampering{HEADING:#}  {FAINT}none{FAINT:#}\n"),
        _ => format!(
            "\n{WARNING}Signs of tampering{WARNING:#}  {FAINT}each may have an innocent reason; look at what is \
             around it{FAINT:#}\n"
        ),
    };
    signs.iter().take(n_max).for_each(|sign| out += &format!("  {sign}\n"));
    out += &more(signs.len(), n_max, "sign", "`--max` shows more, `--json` all");
    let choices = logs.iter().filter(|(_, report)| report.is_choice).count();
    if choices > 0 {
        let n = counted(choices as u64, "log");
        let _ = writeln!(
            out,
            "  {FAINT}{n} with a gap before more than one in ten events: exports of chosen events, in which \
             gaps tell nothing{FAINT:#}"
        );
    }
    out
}

/// What events tell of logs and clocks; what is the same on a host and of a user stands together.
fn of_traces(statistics: &Statistics, kinds: &[TraceKind], viewer: &Viewer) -> Vec<String> {
    let mut groups: Vec<(&Trace, u64, &Trace)> = Vec::new();
    for trace in statistics.traces().into_iter().filter(|trace| kinds.contains(&trace.kind)) {
        let is_same = |(first, ..): &&mut (&Trace, u64, &Trace)| {
            let is_about = first.about == trace.about || trace.kind == TraceKind::Clock;
            first.what == trace.what
                && first.computer == trace.computer
                && first.user == trace.user
                && is_about
        };
        match groups.iter_mut().find(is_same) {
            Some((_, n, last)) => (*n, *last) = (*n + 1, trace),
            None => groups.push((trace, 1, trace)),
        }
    }
    groups.into_iter().map(|(first, n, last)| of_trace(first, n, last, viewer)).collect()
}

fn of_trace(trace: &Trace, n: u64, last: &Trace, viewer: &Viewer) -> String {
    let about = match trace.about.as_str() {
        "" => String::new(),
        about => format!(" ({})", plain(about)),
    };
    let user = trace.user.as_ref().map(|user| format!(" by {}", plain(user))).unwrap_or_default();
    let more = match n {
        1 => String::new(),
        _ => format!(", and {} until {}", counted(n - 1, "more time"), viewer.second(last.time)),
    };
    format!(
        "{}  {}: {}{about}{user}{more} {FAINT}[{} {}]{FAINT:#}",
        viewer.second(trace.time),
        plain(known(&trace.computer)),
        trace.what,
        plain(short_channel(&trace.channel)),
        trace.event_id
    )
}

/// Host and log, as signs begin with them.
fn log_name(name: &LogName) -> String {
    let log = plain(known(short_channel(&name.channel))).into_owned();
    format!("{}, {log}", plain(known(&name.computer)))
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>, viewer: &Viewer) -> String {
    format!("between {} and {}", viewer.second(from), viewer.second(to))
}

/// Missing and repeated records.
fn of_records(signs: &mut Vec<String>, name: &LogName, report: &LogReport, viewer: &Viewer) {
    let log = log_name(name);
    if !report.is_choice {
        for gap in &report.largest_gaps {
            let records = match gap.n() {
                1 => format!("record {} is", gap.first),
                n => format!("records {} to {} ({}) are", gap.first, gap.last, number(n)),
            };
            signs.push(format!(
                "{log}: {records} missing {}: deleted, lost in a damaged part, or left out of an export; \
                 `--recover` looks for what is left of them",
                between(gap.after, gap.before, viewer)
            ));
        }
        let n_more = report.gaps - report.largest_gaps.len() as u64;
        if n_more > 0 {
            signs.push(format!("{log}: {} more in record ids", counted(n_more, "gap")));
        }
    }
    if report.repeated_records > 0 {
        let ids: Vec<String> = report.repeated.iter().take(3).map(u64::to_string).collect();
        let more = if report.repeated_records > 3 { ", …" } else { "" };
        signs.push(format!(
            "{log}: {} again ({}{more}): two logs were joined, the log was cleared and began anew, or records \
             were written into it",
            counted(report.repeated_records, "record id comes").replace("comess", "come"),
            ids.join(", ")
        ));
    }
}

/// Long times without events, and times that run backwards.
fn of_times(signs: &mut Vec<String>, name: &LogName, report: &LogReport, viewer: &Viewer) {
    let log = log_name(name);
    let usual = length(SignedDuration::from_secs(report.usual_pause_seconds.unwrap_or_default()));
    for pause in &report.pauses {
        let long = length(pause.from.duration_until(pause.to));
        let why = if pause.over_start {
            "Windows started at the end of it, so that the computer may have been off"
        } else {
            "nothing happened, logging was off, or the clock was set"
        };
        signs.push(format!(
            "{log}: nothing for {long} {}, where 99 of 100 pauses are shorter than {usual}: {why}",
            between(Some(pause.from), Some(pause.to), viewer)
        ));
    }
    if let Some(step) = report.steps_back.first() {
        let more = match report.stepped_back {
            1 => String::new(),
            n => format!(", and so are {} others", number(n - 1)),
        };
        signs.push(format!(
            "{log}: record {} of {} is {} older than the one before it{more}: the clock was set back, or a time \
             was forged",
            step.record_id,
            viewer.second(Some(step.to)),
            length(step.to.duration_until(step.from))
        ));
    }
}
