//! `evtmap watch`: event logs while they are written.

mod loader;
mod screen;
mod told;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use evtmap::Severity;
use evtmap::report::{ReportOptions, TimeStyle};
use evtmap_watch::{
    Control, Memories, MetricsAddress, Noticing, Opening, Own, Rotation, RuleSet, Sink, SinkOptions, Source,
    Watch, WatchEnd, WatchError, WatchOptions, sink, source,
};
use jiff::Timestamp;

use self::loader::Choosing;
use self::screen::{Closed, Lines, Screen};
use self::told::Telling;
use super::reporting;
use super::rule_choice::RuleArgs;
use crate::args::severity;
use crate::config::ConfigArgs;
use crate::failure::Failure;
use crate::stock::CacheArgs;
use crate::{clock, summary, terminal};

/// What a webhook wants to see before it believes. On the command line others could read it.
const TOKEN: &str = "EVTMAP_WEBHOOK_TOKEN";
/// Every so many seconds a terminal is told how the watch is doing.
const STATUS_EVERY: u64 = 60;

#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  evtmap watch /var/log/windows -o alerts.jsonl
  evtmap watch forwarded.jsonl -o alerts.jsonl --rotate 100M --keep 5
  evtmap watch logs/ --state /var/lib/evtmap -o https://hooks.example/evtmap -o syslog+tls://siem.example
  nc -lk 5140 | evtmap watch - --min-severity high

Exit status:
  0  ended by Ctrl-C or SIGTERM, or standard input ended    2  an error kept something from being done")]
pub(crate) struct WatchArgs {
    /// Event logs (.evtx) and JSON lines that grow, or folders of them; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    inputs: Vec<String>,

    /// Look also at what is there already; by default only at what comes, and at what came since the last run
    #[arg(long, help_heading = "Reading")]
    from_start: bool,

    /// Look every so many seconds whether files have grown, and do not wait for the system to tell; for
    /// network drives
    #[arg(long, value_name = "SECONDS", help_heading = "Reading", value_parser = seconds)]
    poll: Option<Duration>,

    /// The time zone of times that name none: UTC, local, +02:00, Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Reading")]
    input_timezone: Option<String>,

    /// How many threads match when much comes at once; all processors by default
    #[arg(long, value_name = "N", help_heading = "Reading")]
    threads: Option<NonZero<usize>>,

    /// Where alerts go: a file of JSON lines, `-` for JSON lines on standard output, https://…,
    /// syslog://HOST:PORT, syslog+tls://HOST:PORT; a line each on the terminal if nothing is said
    #[arg(short, long, value_name = "WHERE", help_heading = "Alerts")]
    output: Vec<String>,

    /// The folder that remembers how far everything was read and written [default: beside the first file of
    /// alerts, FILE.state]
    #[arg(long, value_name = "DIR", help_heading = "Alerts")]
    state: Option<PathBuf>,

    /// Begin a new file of alerts when it has so many bytes: 100M, 1G
    #[arg(long, value_name = "SIZE", help_heading = "Alerts", value_parser = size)]
    rotate: Option<u64>,

    /// How many of those before are kept
    #[arg(long, value_name = "N", help_heading = "Alerts", default_value_t = 10, requires = "rotate")]
    keep: u64,

    /// How much may wait on the disk for a webhook or log server that is down; what is more is given up
    #[arg(long, value_name = "SIZE", help_heading = "Alerts", value_parser = size, default_value = "1G")]
    max_spool: u64,

    /// Trust the certificates of this file (PEM) and not those that the system trusts
    #[arg(long, value_name = "FILE", help_heading = "Alerts")]
    ca_file: Option<PathBuf>,

    /// What JSON lines tell, parted by commas, as for `map`
    #[arg(long, value_name = "NAMES", help_heading = "Alerts", value_delimiter = ',')]
    fields: Vec<String>,

    /// The time zone of times on the terminal and in JSON: UTC, local, +02:00, Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Alerts")]
    timezone: Option<String>,

    /// Leave out what an event id alone may hint at
    #[arg(long, help_heading = "Alerts")]
    no_associations: bool,

    #[command(flatten)]
    rules: RuleArgs,

    /// Tell only what is at least so bad
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection", value_parser = severity)]
    min_severity: Option<Severity>,

    /// Serve figures for Prometheus at http://ADDRESS/metrics, such as 127.0.0.1:9400
    #[arg(long, value_name = "ADDRESS", help_heading = "Health")]
    metrics: Option<SocketAddr>,

    /// Serve them to other machines too, if ADDRESS is one that they reach
    #[arg(long, help_heading = "Health", requires = "metrics")]
    metrics_open: bool,

    /// Tell on standard error every so many seconds how it is going [default: 60 on a terminal]
    #[arg(long, value_name = "SECONDS", help_heading = "Health", value_parser = seconds)]
    status: Option<Duration>,

    /// Print neither how it is going nor what was not looked at, only warnings and errors
    #[arg(short, long)]
    quiet: bool,
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        Self::new(error.message).help(error.help)
    }
}

pub(crate) fn run(args: &WatchArgs, cache: &CacheArgs, config: &ConfigArgs) -> Result<ExitCode, Failure> {
    let times = reporting::times(args.timezone.as_deref(), None)?;
    let options = ReportOptions {
        fields: reporting::fields(&args.fields)?,
        times: times.clone(),
        ..ReportOptions::default()
    };
    if let Some(name) = args.output.iter().find(|name| cache.is_offline() && !sink::is_file(name)) {
        return Err(
            Failure::new(format!("`--offline` keeps alerts from `{name}`")).help("leave one of the two out")
        );
    }
    let control = control()?;
    let memories = Memories::open(state_folder(args).as_deref())?;
    let loader = Choosing { args: args.clone(), cache: cache.clone(), config: config.clone() };
    let rules = loader.choose()?;
    let closed =
        Closed { is_stopping: Arc::clone(&control.is_stopping), is_only_output: args.output.len() < 2 };
    let sinks = sinks(args, &memories, &times, &closed)?;
    let sources = sources(args, &memories, &rules, &control)?;
    let begun = (!args.quiet).then(|| what_is_watched(args, &memories, &rules));
    let mut telling = Telling::new(begun, status_every(args));
    let watch = Watch {
        sources,
        sinks,
        memories,
        options: WatchOptions { noticing: noticing(args), metrics: metrics(args), clock, report: options },
        control,
    };
    let end = watch.run(rules, Arc::new(loader), &mut telling)?;
    if !args.quiet {
        terminal::print_aside(&summary_of(&end))?;
    }
    Ok(if end.is_safe { ExitCode::SUCCESS } else { Failure::EXIT_CODE.into() })
}

/// What time it is. That it can be told was seen at the start.
fn clock() -> Timestamp {
    clock::now().unwrap_or_else(|_| Timestamp::now())
}

/// What signals ask: to end, and on Unix to read rules and configuration again.
fn control() -> Result<Control, Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let control = Control::default();
    let failed = |error: std::io::Error| Failure::new(format!("signals cannot be caught: {error}"));
    for signal in [SIGINT, SIGTERM] {
        let is_stopping = Arc::clone(&control.is_stopping);
        // Whoever asks twice does not want to wait.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&is_stopping))
            .and_then(|_| signal_hook::flag::register(signal, is_stopping))
            .map_err(failed)?;
    }
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&control.is_reloading))
        .map_err(failed)?;
    Ok(control)
}

/// The folder of the state: the named one, or one beside the first file of alerts.
fn state_folder(args: &WatchArgs) -> Option<PathBuf> {
    let beside = || args.output.iter().find(|name| *name != "-" && sink::is_file(name));
    args.state.clone().or_else(|| beside().map(|name| PathBuf::from(format!("{name}.state"))))
}

/// Opens what alerts go to.
fn sinks(
    args: &WatchArgs,
    memories: &Memories,
    times: &TimeStyle,
    closed: &Closed,
) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if args.output.is_empty() {
        sinks.push(Box::new(Screen::new(times.clone(), closed.clone())));
    }
    for (place, name) in args.output.iter().enumerate() {
        if args.output.iter().take(place).any(|before| before == name) {
            return Err(Failure::new(format!("`{name}` is named twice as an output")));
        }
        if name == "-" {
            sinks.push(Box::new(Lines::new(closed.clone())));
            continue;
        }
        let options = SinkOptions {
            mark: memories.mark(name),
            state: memories.folder(),
            rotation: Rotation { n_bytes: args.rotate, n_kept: args.keep },
            ca_file: args.ca_file.clone(),
            token: std::env::var(TOKEN).ok(),
            n_bytes_waiting_max: args.max_spool,
        };
        let (sink, remarks) = sink::open(name, options)?;
        remarks.iter().for_each(|remark| terminal::warning(remark, ""));
        sinks.push(sink);
    }
    Ok(sinks)
}

/// Opens what is watched.
fn sources(
    args: &WatchArgs,
    memories: &Memories,
    rules: &RuleSet,
    control: &Control,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    let mut own = Own::default();
    memories.folder().iter().for_each(|folder| own.add_folder(folder));
    let files = args.output.iter().filter(|name| *name != "-" && sink::is_file(name));
    files.clone().for_each(|name| own.add_output(Path::new(name)));
    let mut sources = Vec::new();
    for (place, name) in args.inputs.iter().enumerate() {
        if args.inputs.iter().take(place).any(|before| before == name) {
            return Err(Failure::new(format!("`{name}` is named twice")));
        }
        if own.has(Path::new(name)) {
            return Err(Failure::new(format!("`{name}` is what alerts are written to"))
                .help("choose another name for the file of alerts"));
        }
        let opening = Opening {
            bookmark: memories.bookmark(name).filter(|bookmark| !bookmark.is_null()),
            from_start: args.from_start,
            options: &rules.options.input,
            own: &own,
            waker: control.waker.clone(),
        };
        let opened = source::open(name, opening);
        sources.push(opened.map_err(|error| Failure::new(error.to_string()).help(error.help))?);
    }
    Ok(sources)
}

fn noticing(args: &WatchArgs) -> Noticing {
    args.poll.map_or(Noticing::System, Noticing::Polling)
}

fn metrics(args: &WatchArgs) -> Option<MetricsAddress> {
    args.metrics.map(|address| MetricsAddress { address, is_open_to_others: args.metrics_open })
}

fn status_every(args: &WatchArgs) -> Option<Duration> {
    use std::io::IsTerminal as _;
    let by_default = std::io::stderr().is_terminal() && !args.quiet;
    args.status.or_else(|| by_default.then(|| Duration::from_secs(STATUS_EVERY)))
}

/// What is watched, and from where on.
fn what_is_watched(args: &WatchArgs, memories: &Memories, rules: &RuleSet) -> String {
    let n_rules = terminal::counted(rules.rules.rules().len() as u64, "rule");
    let known = args.inputs.iter().filter(|name| memories.bookmark(name).is_some()).count();
    let from = match (known, args.from_start) {
        (known, _) if known == args.inputs.len() => "from where the last run ended",
        (0, true) => "from the start",
        (0, false) => "what is there already is not looked at (`--from-start` would)",
        (_, true) => "what is new to the state from the start, the others from where the last run ended",
        (_, false) => "what is new to the state from now on, the others from where the last run ended",
    };
    let state = match memories.folder() {
        Some(folder) => format!("remembered in {}", folder.display()),
        None => "nothing is remembered for the next run".to_owned(),
    };
    format!("watching {} with {n_rules}; {from}; {state}", args.inputs.join(", "))
}

/// What came of it, and what was not looked at.
fn summary_of(end: &WatchEnd) -> String {
    let mut text = format!("\n{}\n", told::line(&end.status, None));
    // Writing to a string cannot fail.
    let _ = summary::not_looked_at(&mut text, &end.account, None);
    for (name, health) in &end.status.sinks {
        let name = terminal::plain(name);
        for (n, what) in [
            (health.n_waiting, "wait for the next run"),
            (health.n_refused, "were refused"),
            (health.n_dropped, "were given up because too many waited"),
        ] {
            if n > 0 {
                let _ = writeln!(text, "  {} for {name} {what}", terminal::counted(n, "alert"));
            }
        }
    }
    text
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds < 1e6);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it is a number of seconds".to_owned())
}

/// A number of bytes, as people write it.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a number of bytes such as 500K, 100M or 1G".to_owned();
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at_checked(at).ok_or_else(wrong)?,
        None => (text, ""),
    };
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(wrong()),
    };
    let n: u64 = digits.parse().map_err(|_| wrong())?;
    n.checked_mul(1 << shift).filter(|n| *n > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in
            [("7", 7), ("500K", 500 << 10), ("100m", 100 << 20), ("1GiB", 1 << 30), ("2gb", 2 << 30)]
        {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "M", "-1", "1X", "99999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
