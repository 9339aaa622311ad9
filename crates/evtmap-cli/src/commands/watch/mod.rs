//! `evtmap watch`: event logs while they are written.

mod args;
mod loader;
mod screen;
mod source;
mod told;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use evtmap::report::{ReportOptions, TimeStyle};
use evtmap_watch::{
    Control, Memories, MetricsAddress, Noticing, Rotation, RuleSet, Sink, SinkOptions, Source, Watch,
    WatchEnd, WatchError, WatchOptions, sink,
};
use jiff::Timestamp;

pub(crate) use self::args::{WatchArgs, seconds, size};
use self::loader::Choosing;
use self::screen::{Closed, Lines, Screen};
use self::told::Telling;
use super::reporting;
use crate::config::{Config, ConfigArgs};
use crate::failure::Failure;
use crate::stock::CacheArgs;
use crate::{clock, summary, terminal};

/// What a webhook wants to see before it believes. On the command line others could read it.
const TOKEN: &str = "EVTMAP_WEBHOOK_TOKEN";
/// Every so many seconds a terminal is told how the watch is doing.
const STATUS_EVERY: u64 = 60;

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        Self::new(error.message).help(error.help)
    }
}

pub(crate) fn run(args: &WatchArgs, cache: &CacheArgs, config: &ConfigArgs) -> Result<ExitCode, Failure> {
    let mut args = args.clone();
    args.fill(&Config::read(config)?);
    if args.inputs.is_empty() && args.channels.is_empty() {
        return Err(Failure::new("nothing is named that is to be watched").help(
            "name files, folders or `-`, a channel by `--live CHANNEL`, or say it in `[watch]` of evtmap.toml",
        ));
    }
    args.check()?;
    watch(&args, cache, config)
}

fn watch(args: &WatchArgs, cache: &CacheArgs, config: &ConfigArgs) -> Result<ExitCode, Failure> {
    let times = reporting::times(args.timezone.as_deref(), None)?;
    let options = ReportOptions {
        fields: reporting::fields(&args.fields)?,
        times: times.clone(),
        ..ReportOptions::default()
    };
    if let Some(name) = args.output.iter().find(|name| cache.is_offline() && sink::uses_network(name)) {
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
    let sources =
        source::Choice { args, memories: &memories, options: &rules.options.input, control: &control }
            .open()?;
    let begun = if args.quiet { Vec::new() } else { what_is_watched(args, &memories, &sources, &rules) };
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
    let beside = || args.files().next().map(|name| PathBuf::from(format!("{name}.state")));
    args.state.clone().or_else(beside)
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
        sinks.push(Box::new(Screen::new(times.clone(), closed.clone(), args.associations)));
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
            rotation: Rotation { n_bytes: args.rotate, n_kept: args.keep() },
            ca_file: args.ca_file.clone(),
            token: std::env::var(TOKEN).ok(),
            n_bytes_waiting_max: args.max_spool(),
        };
        let (sink, remarks) = sink::open(name, options)?;
        remarks.iter().for_each(|remark| terminal::warning(remark, ""));
        sinks.push(sink);
    }
    Ok(sinks)
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

/// What is watched, from where on, and what of it is shown.
fn what_is_watched(
    args: &WatchArgs,
    memories: &Memories,
    sources: &[Box<dyn Source>],
    rules: &RuleSet,
) -> Vec<String> {
    let n_rules = rules.rules.rules().len() + rules.rules.correlations().len();
    let n_rules = terminal::counted(n_rules as u64, "rule");
    let known = sources.iter().filter(|source| memories.bookmark(source.name()).is_some()).count();
    let from = match (known, args.from_start) {
        _ if args.inputs.iter().all(|name| name == "-") && args.channels.is_empty() => {
            "all that comes is looked at"
        }
        (known, _) if known == sources.len() => "from where the last run ended",
        (0, true) => "from the start",
        (0, false) => "what is there already is not looked at (`--from-start` would)",
        (_, true) => "what is new to the state from the start, the others from where the last run ended",
        (_, false) => "what is new to the state from now on, the others from where the last run ended",
    };
    let state = match memories.folder() {
        Some(folder) => format!("remembered in {}", folder.display()),
        None => "nothing is remembered for the next run".to_owned(),
    };
    let names = source::names(args, sources);
    let mut lines = vec![format!("watching {names} with {n_rules}; {from}; {state}")];
    if args.output.is_empty() && !args.associations && !args.no_associations {
        let line = "what an event id alone may hint at is counted and not shown (`--associations` shows it)";
        lines.push(line.to_owned());
    }
    lines
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
