//! `evtmap install-task` and `uninstall-task`: have the system run evtmap by itself.
//!
//! What is to be done is a [`Plan`]: files to write or remove and commands to run. It is printed; only
//! `--yes` does it.

mod systemd;
mod windows;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{ArgGroup, Args, Parser as _};
use jiff::SignedDuration;
use jiff::civil::Time;

use crate::failure::Failure;
use crate::terminal::{self, plain};

#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("when").required(true).args(["every", "daily", "at_start"]),
    after_help = "\
Examples:
  evtmap install-task --daily 03:00 -- map --live all --since 1d -o C:\\reports\\alerts-{date}.jsonl
  evtmap install-task --every 1h --name hourly --yes -- map /var/log/windows --since 1h -o /srv/{date}T{time}.jsonl

The task runs with the rights of the system (on Linux, of root or of the user who installs it). Nothing is done
without --yes.

Exit status:
  0  done, or shown    2  it could not be done"
)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    task: TaskArgs,

    /// Run it again and again after so long: 15m, 1h, 1d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    every: Option<SignedDuration>,

    /// Run it every day at this time of the system's clock: 03:00
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    daily: Option<Time>,

    /// Run it when the system starts, and again when it failed
    #[arg(long)]
    at_start: bool,

    /// What evtmap is to do: a command and its options
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  evtmap uninstall-task --name hourly --yes

Exit status:
  0  done, or shown    2  it could not be done")]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    task: TaskArgs,
}

#[derive(Args, Debug)]
struct TaskArgs {
    /// What the task is called: letters, digits, - and _
    #[arg(long, default_value = "evtmap", value_name = "NAME", value_parser = name)]
    name: String,

    /// Do it, and do not only say what would be done
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,

    /// Only say what would be done, which is what happens anyway without --yes
    #[arg(long)]
    dry_run: bool,
}

/// A task that the system runs.
#[derive(Debug)]
struct Task {
    name: String,
    when: When,
    /// The program and its arguments.
    program: PathBuf,
    arguments: Vec<String>,
    /// The folder in which it runs, from which relative paths go.
    folder: PathBuf,
}

/// When a task runs.
#[derive(Debug, Clone, Copy)]
enum When {
    Every(SignedDuration),
    Daily(Time),
    AtStart,
}

/// What is to be done, in this order: files are written, commands are run, files are removed.
#[derive(Debug, Default)]
struct Plan {
    written: Vec<(PathBuf, Vec<u8>)>,
    commands: Vec<Vec<String>>,
    removed: Vec<PathBuf>,
}

/// Runs `install-task`.
pub(crate) fn install(args: &InstallArgs) -> Result<ExitCode, Failure> {
    // What is wrong is better found now than at three in the morning.
    let command = std::iter::once("evtmap").chain(args.command.iter().map(String::as_str));
    if let Err(error) = crate::args::Args::try_parse_from(command) {
        let text = error.to_string();
        let reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return Err(Failure::new(format!("evtmap does not know what the task is to do: {reason}"))
            .help("write behind `--` a command and its options as evtmap takes them"));
    }
    let when = match (args.every, args.daily) {
        (Some(span), _) => When::Every(span),
        (None, Some(time)) => When::Daily(time),
        (None, None) => When::AtStart,
    };
    let here = |error: io::Error| Failure::new(format!("cannot say where this program is: {error}"));
    let task = Task {
        name: args.task.name.clone(),
        when,
        program: std::env::current_exe().map_err(here)?,
        arguments: args.command.clone(),
        folder: std::env::current_dir().map_err(here)?,
    };
    let plan = if cfg!(windows) { windows::install(&task) } else { systemd::install(&task, &place()?) };
    show_or_do(&plan, args.task.yes)
}

/// Runs `uninstall-task`.
pub(crate) fn uninstall(args: &UninstallArgs) -> Result<ExitCode, Failure> {
    let name = &args.task.name;
    let plan = if cfg!(windows) { windows::uninstall(name) } else { systemd::uninstall(name, &place()?) };
    show_or_do(&plan, args.task.yes)
}

/// Where systemd looks for the units of whoever runs this.
fn place() -> Result<systemd::Place, Failure> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::new("tasks are installed on Windows and on Linux only")
            .help("`evtmap map` can be run by whatever runs programs here, such as launchd or cron"));
    }
    systemd::Place::of_user().ok_or_else(|| Failure::new("there is no home folder for units of systemd"))
}

fn show_or_do(plan: &Plan, is_to_do: bool) -> Result<ExitCode, Failure> {
    terminal::print(&show(plan))?;
    if !is_to_do {
        terminal::print("\nNothing was done; add --yes to do it.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    for (path, content) in &plan.written {
        write(path, content).map_err(|error| Failure::output(&path.display().to_string(), &error))?;
    }
    for command in &plan.commands {
        run(command)?;
    }
    for path in &plan.removed {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::output(&path.display().to_string(), &error));
            }
            _ => {}
        }
    }
    terminal::print("\nDone.\n")?;
    Ok(ExitCode::SUCCESS)
}

/// What a plan does, for people.
fn show(plan: &Plan) -> String {
    let mut out = String::new();
    for (path, content) in &plan.written {
        out += &format!("Write {}\n", plain(&path.display().to_string()));
        for line in text(content).lines() {
            out += &format!("  {}\n", plain(line));
        }
    }
    for command in &plan.commands {
        out += &format!("Run {}\n", plain(&command.join(" ")));
    }
    for path in &plan.removed {
        out += &format!("Remove {}\n", plain(&path.display().to_string()));
    }
    out
}

/// A file's text; that for Windows' scheduler is UTF-16.
fn text(content: &[u8]) -> String {
    let Some(units) = content.strip_prefix(&windows::BYTE_ORDER) else {
        return String::from_utf8_lossy(content).into_owned();
    };
    let units = units.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

fn run(command: &[String]) -> Result<(), Failure> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let failed = |reason: String| {
        Failure::new(format!("`{}` {reason}", command.join(" "))).help(
            "run this again elevated (as administrator or root); what was done before may be done twice",
        )
    };
    let status = Command::new(program).args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("ends with {status}"))),
        Err(error) => Err(failed(format!("does not start: {error}"))),
    }
}

fn name(text: &str) -> Result<String, String> {
    let is_fit = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    let is_name = !text.is_empty() && text.len() <= 64 && text.chars().all(is_fit);
    if is_name { Ok(text.to_owned()) } else { Err("it is made of letters, digits, - and _".to_owned()) }
}

/// A span of whole minutes, up to a month, which is what Windows' scheduler knows.
fn span(text: &str) -> Result<SignedDuration, String> {
    let span: Option<SignedDuration> = text.parse().ok();
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<i64>().ok());
    let span = span.or_else(|| {
        days.filter(|days| (1..=31).contains(days)).map(|days| SignedDuration::from_hours(24 * days))
    });
    let bounds = SignedDuration::from_mins(1)..=SignedDuration::from_hours(24 * 31);
    span.filter(|span| bounds.contains(span) && span.as_secs() % 60 == 0)
        .ok_or_else(|| "write a span of whole minutes, at most 31 days: 15m, 1h, 1d".to_owned())
}

fn time_of_day(text: &str) -> Result<Time, String> {
    let time = Time::strptime("%H:%M", text);
    time.map_err(|_| "write hours and minutes: 03:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn task(when: When, arguments: &[&str]) -> Task {
        Task {
            name: "nightly".to_owned(),
            when,
            program: PathBuf::from(if matches!(when, When::AtStart) {
                "/opt/evt map/evtmap"
            } else {
                "/usr/bin/evtmap"
            }),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            folder: PathBuf::from("/srv"),
        }
    }

    #[track_caller]
    pub(super) fn check(plan: &Plan, expected: &str) {
        let expected: Vec<&str> =
            expected.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect();
        let shown = show(plan);
        assert_eq!(
            shown.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn spans_and_times() {
        assert_eq!(span("90m"), Ok(SignedDuration::from_mins(90)));
        assert_eq!(span("1d"), Ok(SignedDuration::from_hours(24)));
        for wrong in ["", "0m", "30s", "-1h", "40d", "x"] {
            span(wrong).unwrap_err();
        }
        assert_eq!(time_of_day("03:05").unwrap().to_string(), "03:05:00");
        time_of_day("25:00").unwrap_err();
    }

    #[test]
    fn names_cannot_leave_their_place() {
        name("nightly-2").unwrap();
        for wrong in ["", "a b", "../x", "a\\b", "ä"] {
            name(wrong).unwrap_err();
        }
    }
}
