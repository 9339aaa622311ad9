//! `evtmap logons`: who logged on, to which host, from where, and who failed to.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::Style;
use clap::{Args, ValueEnum};
use evtmap::ScanAccount;
use evtmap::sigma::Pattern;
use evtmap::view::{Logon, LogonChoice, LogonKinds, LogonRow, Logons};
use jiff::SignedDuration;
use serde_json::json;

use super::reading::{self, ReadingArgs};
use super::viewer::{Viewer, ZoneArgs};
use super::viewing::{document, host, length, look_at_all, more, not_looked_at, overview};
use crate::failure::Failure;
use crate::table::{ColumnKind, Table, column};
use crate::terminal::{self, FAINT, HEADING, WARNING, counted, number, plain};

/// How many rows are shown unless more are asked for, and how many places that failed with several accounts.
const N_ROWS: usize = 100;
const N_SOURCES: usize = 10;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap logons Security.evtx
  evtmap logons evidence/ --sort failed
  evtmap logons evidence/ --user 'CORP\\adm.*' --type 'remote*'
  evtmap logons evidence/ --address 10.0.5.* --json | jq '.rows[] | select(.failed > 10)'

In --user, --host, --address and --type `*` stands for any text; case does not count. Of a host's name the
first part is enough.")]
pub(crate) struct LogonsArgs {
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    /// Tell also of machine and service accounts
    #[arg(long, help_heading = "Selection")]
    all: bool,

    /// Only logons of this account: ada, CORP\ada; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    user: Vec<String>,

    /// Only logons to this host; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    host: Vec<String>,

    /// Only logons from this address or workstation; may be given several times
    #[arg(long, value_name = "ADDRESS", help_heading = "Selection")]
    address: Vec<String>,

    /// Only logons of this type, by its number or its words; may be given several times
    #[arg(long = "type", value_name = "TYPE", help_heading = "Selection")]
    kind: Vec<String>,

    /// What comes first
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Sort::Last, help_heading = "Display")]
    sort: Sort,

    /// Show at most so many rows; 100 by default, and in JSON all
    #[arg(long, value_name = "N", help_heading = "Display")]
    max: Option<usize>,

    #[command(flatten)]
    zone: ZoneArgs,

    /// Write JSON
    #[arg(long, help_heading = "Display")]
    json: bool,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// The latest
    Last,
    /// The earliest
    First,
    /// Those that failed most often
    Failed,
    /// Those that succeeded most often
    Succeeded,
    /// By account
    User,
    /// By host
    Host,
}

impl Sort {
    fn sort(self, rows: &mut [&LogonRow]) {
        let name = |row: &LogonRow| {
            [&row.user, &row.domain, &row.host, &row.address].map(|text| text.to_lowercase())
        };
        rows.sort_by_cached_key(|row| name(row));
        match self {
            Self::Last => rows.sort_by_key(|row| Reverse(row.last)),
            Self::First => rows.sort_by_key(|row| (row.first.is_none(), row.first)),
            Self::Failed => rows.sort_by_key(|row| Reverse(row.failed)),
            Self::Succeeded => rows.sort_by_key(|row| Reverse(row.succeeded)),
            Self::User => {}
            Self::Host => rows.sort_by_cached_key(|row| row.host.to_lowercase()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &LogonsArgs) -> Result<ExitCode, Failure> {
    let kinds = LogonKinds::bundled().map_err(|error| Failure::new(error.to_string()))?;
    let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::parse(text)).collect();
    let mut logons = Logons::new(LogonChoice {
        all: args.all,
        users: patterns(&args.user),
        hosts: patterns(&args.host),
        addresses: patterns(&args.address),
        types: patterns(&args.kind),
    });
    let viewer = args.zone.viewer()?;
    let account = look_at_all(
        &args.reading,
        |notes: &mut Vec<Logon>, event, _| notes.extend(kinds.read(event)),
        |notes| {
            notes.iter().for_each(|logon| logons.add(logon));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    let mut rows: Vec<&LogonRow> = logons.rows().iter().collect();
    args.sort.sort(&mut rows);
    let n_shown = args.max.unwrap_or(if args.json { usize::MAX } else { N_ROWS }).min(rows.len());
    let shown = rows.get(..n_shown).unwrap_or_default();
    if args.json {
        terminal::print_json(&document(
            &account,
            [
                ("rows", json!(shown)),
                ("rows_in_all", json!(rows.len())),
                ("sources", json!(logons.sources())),
                ("left_out", json!(logons.left_out())),
            ],
        ))?;
    } else {
        terminal::print(&in_text(args, &logons, &account, shown, &viewer))?;
    }
    Ok(reading::status(&account))
}

fn in_text(
    args: &LogonsArgs,
    logons: &Logons,
    account: &ScanAccount,
    shown: &[&LogonRow],
    viewer: &Viewer,
) -> String {
    let mut out = overview(account, viewer);
    let sum = |of: fn(&LogonRow) -> u64| logons.rows().iter().map(of).sum::<u64>();
    let (succeeded, failed, tried) = (sum(|row| row.succeeded), sum(|row| row.failed), sum(|row| row.tried));
    let n_rows = counted(logons.rows().len() as u64, "row");
    let _ = write!(out, "{HEADING}{}{HEADING:#} succeeded", counted(succeeded, "logon"));
    let _ = write!(out, ", {HEADING}{}{HEADING:#} failed", number(failed));
    let _ = write!(out, ", in {n_rows}");
    if tried > 0 {
        let _ = write!(out, "; of {} more the events do not tell how they ended", number(tried));
    }
    out.push('\n');
    out += &sources(logons);
    out += &table(shown, viewer);
    out += &more(logons.rows().len(), shown.len(), "row", "`--max` shows more, `--sort` others first");
    out += &left_out(logons);
    if !args.reading.quiet {
        out += &not_looked_at(account);
    }
    out
}

/// Where from logons to several accounts failed.
fn sources(logons: &Logons) -> String {
    let sources = logons.sources();
    let mut out = String::new();
    if sources.is_empty() {
        return out;
    }
    let _ = write!(out, "\n{WARNING}Failed with several accounts{WARNING:#}  ");
    let _ = writeln!(out, "{FAINT}what guessing of passwords looks like{FAINT:#}");
    for source in sources.iter().take(N_SOURCES) {
        let hosts: Vec<&str> = source.hosts.iter().map(String::as_str).collect();
        let _ = write!(
            out,
            "  {}: {} to {} of {}",
            plain(&source.from),
            counted(source.failed, "failure"),
            plain(&hosts.join(", ")),
            counted(source.accounts as u64, "account")
        );
        if !source.succeeded.is_empty() {
            let names: Vec<&str> = source.succeeded.iter().map(String::as_str).collect();
            let _ = write!(out, "; {WARNING}succeeded{WARNING:#} with {}", plain(&names.join(", ")));
        }
        out.push('\n');
    }
    out += &more(sources.len(), N_SOURCES, "place", "`--json` has all");
    out
}

fn table(rows: &[&LogonRow], viewer: &Viewer) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        column("Who", ColumnKind::Text),
        column("To", ColumnKind::Text),
        column("From", ColumnKind::Text),
        column("How", ColumnKind::Text),
        column("Ok", ColumnKind::Number),
        column("Failed", ColumnKind::Number),
        column("First", ColumnKind::Whole),
        column("Last", ColumnKind::Whole),
    ]);
    for row in rows {
        let none = Style::new();
        let failed = if row.failed > 0 { WARNING } else { none };
        table.row([
            (who(row), none),
            (host(&row.host, viewer.width).to_owned(), none),
            (from(row, viewer.width), none),
            (row.kind.clone(), none),
            (succeeded(row), none),
            (if row.failed > 0 { number(row.failed) } else { String::new() }, failed),
            (viewer.second(row.first), none),
            (viewer.second(row.last), none),
        ]);
        table.note(note(row));
    }
    format!("\n{}", table.render(viewer.width))
}

fn who(row: &LogonRow) -> String {
    match (row.domain.as_str(), row.user.as_str()) {
        (_, "") => "unknown".to_owned(),
        ("", user) => user.to_owned(),
        (domain, user) => format!("{domain}\\{user}"),
    }
}

fn from(row: &LogonRow, width: Option<usize>) -> String {
    match (row.address.as_str(), host(&row.workstation, width)) {
        ("", "") => "-".to_owned(),
        (address, "") => address.to_owned(),
        ("", workstation) => workstation.to_owned(),
        (address, workstation) => format!("{address} ({workstation})"),
    }
}

/// How often it succeeded; with a question mark, how often it is not known.
fn succeeded(row: &LogonRow) -> String {
    match (row.succeeded, row.tried) {
        (0, 0) => String::new(),
        (0, tried) => format!("{}?", number(tried)),
        (succeeded, _) => number(succeeded),
    }
}

/// What else there is to tell of a row.
fn note(row: &LogonRow) -> String {
    let mut parts = Vec::new();
    if !row.reasons.is_empty() {
        let mut reasons: Vec<(&String, &u64)> = row.reasons.iter().collect();
        reasons.sort_by_key(|(reason, n)| (Reverse(**n), *reason));
        let reasons = reasons.iter().map(|(reason, n)| format!("{reason} ({})", number(**n)));
        parts.push(format!("failed: {}", reasons.collect::<Vec<_>>().join(", ")));
    }
    if !row.by.is_empty() {
        let names: Vec<&str> = row.by.iter().map(String::as_str).collect();
        parts.push(format!("used by {}", names.join(", ")));
    }
    if row.privileged > 0 {
        parts.push(format!("{} with administrator's rights", number(row.privileged)));
    }
    if let Some(seconds) = row.longest_seconds.filter(|seconds| *seconds >= 60) {
        parts.push(format!("longest session {}", length(SignedDuration::from_secs(seconds))));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("{FAINT}{}{FAINT:#}", plain(&parts.join("; ")))
}

fn left_out(logons: &Logons) -> String {
    let left_out = logons.left_out();
    let mut out = String::new();
    let mut say = |n: u64, what: &str| {
        if n > 0 {
            let _ = writeln!(out, "{FAINT}{} {what}{FAINT:#}", counted(n, "logon"));
        }
    };
    say(left_out.services, "of machine and service accounts left out; `--all` shows them");
    say(left_out.not_chosen, "of other users, hosts, addresses or types than asked for");
    say(left_out.beyond, "beyond the first 50,000 rows");
    if left_out.sessions > 0 {
        let n = counted(left_out.sessions, "session");
        let _ = writeln!(out, "{FAINT}{n} beyond the first 200,000: their ends were not looked for{FAINT:#}");
    }
    out
}
