//! `evtmap timeline`: detections in the order of time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anstyle::Style;
use clap::{Args, ValueEnum};
use evtmap::triage::RulesAccount;
use evtmap::view::{Columns, Grouping, Histogram, Slot, Timeline, TimelineOptions, TimelineRow};
use evtmap::{ScanAccount, ScanOptions, Severity, report};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::reading::{self, ReadingArgs};
use super::rule_choice::{Choice, RuleArgs};
use super::viewer::{Viewer, ZoneArgs};
use super::viewing::{document, host, length, more};
use crate::args::severity;
use crate::config::Config;
use crate::failure::Failure;
use crate::stock::Cache;
use crate::table::{ColumnKind, Table, column};
use crate::terminal::{self, FAINT, HEADING, counted, fit, number, plain, style};
use crate::{clock, summary};

/// How many rows, and how many groups, are shown unless more are asked for.
const N_ROWS: usize = 100;
const N_GROUPS: usize = 10;
/// How many columns the numbers by time have where the width of the terminal is not known, and at most.
const N_COLUMNS: usize = 72;
const N_COLUMNS_MAX: usize = 160;
/// How many columns a name has before them, and a number behind.
const NAME: usize = 24;
const NUMBER: usize = 9;
/// Into how many lengths of time JSON divides the whole.
const N_JSON: usize = 500;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap timeline C:\\Windows\\System32\\winevt\\Logs
  evtmap timeline evidence/ --min-severity high --by technique
  evtmap timeline evidence/ --json | jq -r '.rows[] | [.time, .host, .title] | @tsv'

What a rule finds on one host, with one user, within an hour is one row, unless --each is given.")]
pub(crate) struct TimelineArgs {
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    #[command(flatten)]
    pub(crate) rules: RuleArgs,

    /// Tell only what is at least so bad
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection", value_parser = severity)]
    min_severity: Option<Severity>,

    /// Tell also what an event id alone may hint at
    #[arg(long, help_heading = "Selection")]
    associations: bool,

    /// By what the numbers are divided
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = By::Host, help_heading = "Display")]
    by: By,

    /// Give every detection a row of its own
    #[arg(long, help_heading = "Display")]
    each: bool,

    /// Show at most so many rows, the worst and of these the earliest; 100 by default, and in JSON 100,000
    #[arg(long, value_name = "N", help_heading = "Display")]
    max: Option<usize>,

    #[command(flatten)]
    zone: ZoneArgs,

    /// Write JSON
    #[arg(long, help_heading = "Display")]
    json: bool,
}

/// By what numbers are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Host,
    Tactic,
    Technique,
    Rule,
}

impl From<By> for Grouping {
    fn from(by: By) -> Self {
        match by {
            By::Host => Self::Host,
            By::Tactic => Self::Tactic,
            By::Technique => Self::Technique,
            By::Rule => Self::Rule,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &TimelineArgs, cache: &Cache, config: &Config) -> Result<ExitCode, Failure> {
    let now = clock::now()?;
    let policy = config.policy(now)?;
    let viewer = args.zone.viewer()?;
    let options = ScanOptions {
        min_severity: args.min_severity.unwrap_or(Severity::Informational),
        associations: args.associations,
        ..args.reading.options(now)?
    };
    let choice = Choice::load(&args.rules, cache)?;
    let rows = args.max.unwrap_or(if args.json { usize::MAX } else { N_ROWS });
    let mut timeline = Timeline::new(TimelineOptions { grouping: args.by.into(), each: args.each, rows });
    let account = choice.scan(&args.reading, options, policy.as_ref(), |alert| timeline.add(alert))?;
    let Choice { rules, stock, findings, .. } = choice;
    timeline.finish();
    let rules = RulesAccount::new(stock.origins, &rules, &findings);
    if args.json {
        let not_looked_at = report::not_looked_at(&account, Some(&rules));
        terminal::print_json(&in_json(args, &timeline, &account, not_looked_at))?;
    } else {
        let mut text = in_text(args, &timeline, &viewer);
        if !args.reading.quiet {
            // Writing to a string cannot fail.
            let _ = summary::not_looked_at(&mut text, &account, Some(&rules));
        }
        terminal::print(&text)?;
    }
    Ok(reading::status(&account))
}

fn in_json(args: &TimelineArgs, timeline: &Timeline, account: &ScanAccount, not_looked_at: Value) -> Value {
    let columns = timeline.whole().columns(N_JSON);
    let by_time = |histogram: &Histogram| -> Vec<Value> {
        let slots = columns.slots.iter().zip(histogram.in_columns(&columns));
        let filled = slots.filter_map(|(slot, counts)| Some(((*slot)?, counts?)));
        let filled = filled.filter(|(_, counts)| !counts.is_empty());
        filled.map(|(slot, counts)| json!({"time": columns.start(slot), "alerts": counts})).collect()
    };
    let groups: Vec<Value> = (timeline.groups().into_iter())
        .map(|(name, n, histogram)| json!({"name": name, "alerts": n, "times": by_time(histogram)}))
        .collect();
    document(
        account,
        [
            ("alerts", json!(severities(timeline).values().sum::<u64>())),
            ("severities", json!(severities(timeline))),
            ("seconds", json!(columns.seconds)),
            ("times", json!(by_time(timeline.whole()))),
            ("by", json!(Grouping::from(args.by).to_string())),
            ("groups", json!(groups)),
            ("rows", json!(timeline.rows())),
            ("left_out", json!(timeline.left_out())),
            ("not_looked_at", not_looked_at),
        ],
    )
}

/// The alerts that have a time, by severity.
fn severities(timeline: &Timeline) -> Slot {
    let mut all = Slot::new();
    for (_, slot) in timeline.whole().slots() {
        slot.iter().for_each(|(severity, n)| *all.entry(*severity).or_default() += n);
    }
    all
}

fn in_text(args: &TimelineArgs, timeline: &Timeline, viewer: &Viewer) -> String {
    let mut out = String::new();
    let what = if args.associations { "alert" } else { "detection" };
    let room = viewer.width.map_or(N_COLUMNS, |width| width.saturating_sub(NAME + NUMBER + 2).max(10));
    let columns = timeline.whole().columns(room.min(N_COLUMNS_MAX));
    let n_all = severities(timeline).values().sum::<u64>() + timeline.left_out().without_time;
    let _ = write!(out, "{HEADING}{}{HEADING:#}", counted(n_all, what));
    let Some((first, last)) = columns.span() else {
        out.push('\n');
        out += &table(timeline, viewer);
        return out;
    };
    let a_column = length(SignedDuration::from_secs(columns.seconds));
    let _ = writeln!(out, " {FAINT}by time, in {}; a column is {a_column}{FAINT:#}\n", viewer.zone());
    let (first, last) = (viewer.second(Some(first)), viewer.second(Some(last)));
    let between = columns.slots.len().saturating_sub(first.len() + last.len()).max(2);
    let _ = writeln!(out, "{:NAME$} {FAINT}{first}{:between$}{last}{FAINT:#}", "", "");
    for severity in Severity::WORST_FIRST {
        let only = |slot: Slot| slot.get(&severity).copied().unwrap_or(0);
        bars(&mut out, severity.as_str(), style(severity), &numbers(timeline.whole(), &columns, only));
    }
    for gap in &columns.gaps {
        let (from, to) = (viewer.second(Some(gap.from)), viewer.second(Some(gap.to)));
        let _ = writeln!(out, "{:NAME$} {FAINT}┊ nothing from {from} to {to}{FAINT:#}", "");
    }
    out += &groups(timeline, &columns, args.by);
    out += &table(timeline, viewer);
    out
}

fn groups(timeline: &Timeline, columns: &Columns, by: By) -> String {
    let groups = timeline.groups();
    let mut out = format!("\n{HEADING}By {}{HEADING:#}\n", Grouping::from(by));
    for (name, _, histogram) in groups.iter().take(N_GROUPS) {
        let name = if name.is_empty() { "unknown" } else { name };
        let all = |slot: Slot| slot.values().sum();
        bars(&mut out, name, Style::new(), &numbers(histogram, columns, all));
    }
    out += &more(groups.len(), N_GROUPS, &Grouping::from(by).to_string(), "`--json` has all");
    out
}

fn numbers(histogram: &Histogram, columns: &Columns, of: impl Fn(Slot) -> u64) -> Vec<Option<u64>> {
    histogram.in_columns(columns).into_iter().map(|slot| slot.map(&of)).collect()
}

/// A line of bars, each in proportion to the highest, and the number of all; nothing where all are zero.
fn bars(out: &mut String, name: &str, style: Style, numbers: &[Option<u64>]) {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = numbers.iter().flatten().max().copied().unwrap_or(0);
    if highest == 0 {
        return;
    }
    let bar = |n: &Option<u64>| match n {
        None => '┊',
        Some(0) => ' ',
        Some(n) => {
            let index = usize::try_from((n * 8).div_ceil(highest)).unwrap_or(8).saturating_sub(1);
            BARS.get(index).copied().unwrap_or('█')
        }
    };
    let line: String = numbers.iter().map(bar).collect();
    let all = number(numbers.iter().flatten().sum());
    let _ = writeln!(out, "{} {style}{line}{style:#} {all}", fit(name, NAME));
}

/// The alerts in the order of time, and who wrote their rules.
fn table(timeline: &Timeline, viewer: &Viewer) -> String {
    let mut out = String::new();
    if !timeline.rows().is_empty() {
        let mut table = Table::new([
            column("Time", ColumnKind::Whole),
            column("Severity", ColumnKind::Whole),
            column("Host", ColumnKind::Text),
            column("User", ColumnKind::Text),
            column("Techniques", ColumnKind::Text),
            column("Rule", ColumnKind::Text),
        ]);
        timeline.rows().iter().for_each(|row| table.row(cells(row, viewer)));
        let _ = write!(out, "\n{}{}", table.render(viewer.width), authors(timeline.rows()));
    }
    let left_out = timeline.left_out();
    for (severity, n) in left_out.alerts.iter().rev() {
        let _ = writeln!(out, "{FAINT}and {} {severity}, in rows beyond `--max`{FAINT:#}", number(*n));
    }
    if left_out.without_time > 0 {
        let n = counted(left_out.without_time, "alert");
        let _ = writeln!(out, "{FAINT}{n} without a time stand at the end, and not among the bars{FAINT:#}");
    }
    out
}

fn cells(row: &TimelineRow, viewer: &Viewer) -> [(String, Style); 6] {
    let none = Style::new();
    let mut title = row.title.clone();
    if row.alerts > 1 {
        title = format!("{}×{} ", row.alerts, until(row, viewer)) + &title;
    }
    if row.derived {
        title += " (derived)";
    }
    [
        (viewer.second(row.time), none),
        (row.severity.to_string(), style(row.severity)),
        (host(&row.host, viewer.width).to_owned(), none),
        (row.user.clone().unwrap_or_default(), none),
        (row.techniques.join(" "), none),
        (title, none),
    ]
}

/// When the last alert of a row was, where it was not at once: the time of day, as it is of the same hour.
fn until(row: &TimelineRow, viewer: &Viewer) -> String {
    let last = row.last.filter(|_| viewer.second(row.last) != viewer.second(row.time));
    last.map_or_else(String::new, |last| format!(" until {}", viewer.time_of_day(last)))
}

/// Who wrote the rules, as the Detection Rule License asks: each rule once.
fn authors(rows: &[TimelineRow]) -> String {
    let mut titles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == evtmap::alert::Kind::Detection) {
        let author = if row.author.is_empty() { "unknown authors" } else { row.author.as_str() };
        let own = titles.entry(author).or_default();
        if !own.contains(&row.title.as_str()) {
            own.push(&row.title);
        }
    }
    let mut out = String::new();
    for (author, titles) in titles {
        let titles = titles.join("; ");
        let _ = writeln!(out, "{FAINT}rules by {}: {}{FAINT:#}", plain(author), plain(&titles));
    }
    out
}
