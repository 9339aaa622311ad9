//! `evtmap config`: what is configured, whether it is right, and a file to begin with.

mod names;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::Style;
use clap::Subcommand;
use evtmap::policy::Policy;

use super::rule_choice::{Choice, RuleArgs};
use super::{reading, reporting};
use crate::args::MapArgs;
use crate::clock;
use crate::config::{Config, NAME, TEMPLATE};
use crate::failure::Failure;
use crate::stock::{Cache, CacheArgs};
use crate::table::{Column, ColumnKind, Table};
use crate::terminal::{self, FAINT, HEADING, WARNING, counted, plain};

/// The subcommands.
#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    /// Tell which configuration is used, and what it comes to
    Show,
    /// Tell whether the configuration is right
    Check,
    /// Write an `evtmap.toml` with all that it may say, commented out
    Init {
        /// Where to write it
        #[arg(default_value = NAME, value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs a subcommand; `config` is only read by those that need one.
pub(crate) fn run(
    command: &ConfigCommand,
    cache: &CacheArgs,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Show => show(&config()?)?,
        ConfigCommand::Check => check(&config()?, cache)?,
        ConfigCommand::Init { file } => init(file)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn init(path: &Path) -> Result<(), Failure> {
    let name = path.display().to_string();
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return Failure::new(format!("`{name}` is there already"))
                .help("give another name, or look at it with `evtmap config show`");
        }
        Failure::output(&name, &error)
    })?;
    file.write_all(TEMPLATE.as_bytes()).map_err(|error| Failure::output(&name, &error))?;
    terminal::print(&format!("{} written; take the `#` away from what you need\n", plain(&name)))
}

fn none() -> String {
    format!("no {NAME} in this folder, in one above it, or in the user's configuration folder\n")
}

/// Everything in the file is made ready as it would be for use.
fn check(config: &Config, cache: &CacheArgs) -> Result<(), Failure> {
    let Some(path) = config.path() else { return terminal::print(&none()) };
    let now = clock::now()?;
    let policy = config.policy(now)?;
    let wrong = |place: &str, failure: &Failure| {
        let help = failure.help_text().to_owned();
        Failure::new(format!("`{}`{place}: {failure}", path.display())).help(help)
    };
    let tables = &config.tables;
    reading::check(&tables.input).map_err(|failure| wrong(", `[input]`", &failure))?;
    for (name, profile) in &tables.profiles {
        let is_right = reporting::fields(&profile.fields)
            .and_then(|_| reporting::options(&MapArgs::of_profile(profile), now));
        is_right.map_err(|failure| wrong(&format!(", profile `{name}`"), &failure))?;
    }
    let watch = &tables.watch;
    let is_right = reporting::times(watch.timezone.as_deref(), None).and(reporting::fields(&watch.fields));
    is_right.map_err(|failure| wrong(", `[watch]`", &failure))?;
    config.check_files()?;
    let choice = Choice::load(&RuleArgs::of(config), &Cache::open(cache, config))
        .map_err(|failure| wrong("", &failure))?;
    let mut text = format!("{}: right\n", plain(&path.display().to_string()));
    if let Some(policy) = &policy {
        text += &remarks(policy);
        text += &names::unknown(policy, &choice)?;
    }
    terminal::print(&text)
}

/// What is right and yet to be thought about.
fn remarks(policy: &Policy) -> String {
    let remark =
        |name: &str, what: String| format!("{WARNING}note{WARNING:#}: exclusion `{}` {what}\n", plain(name));
    let remarks = policy.exclusions.iter().filter_map(|own| match own.expires {
        None => Some(remark(&own.name, "never expires".to_owned())),
        Some(last) if last < policy.today => {
            Some(remark(&own.name, format!("expired on {last} and no longer applies")))
        }
        Some(_) => None,
    });
    remarks.collect()
}

fn show(config: &Config) -> Result<(), Failure> {
    let Some(path) = config.path() else { return terminal::print(&none()) };
    let policy = config.policy(clock::now()?)?;
    let mut out = format!("{HEADING}{}{HEADING:#}\n", plain(&path.display().to_string()));
    let tables = &config.tables;
    let paths = |paths: &[PathBuf]| {
        paths.iter().map(|path| config.resolve(path).display().to_string()).collect::<Vec<_>>()
    };
    list(&mut out, "rules", &paths(&tables.rules.paths));
    list(&mut out, "pipelines", &paths(&tables.rules.pipelines));
    list(&mut out, "placeholders", &paths(tables.rules.placeholders.as_slice()));
    list(&mut out, "ATT&CK", &paths(tables.attack.path.as_slice()));
    list(&mut out, "time zone of logs", tables.input.timezone.as_slice());
    list(&mut out, "dates of logs", tables.input.date_format.as_slice());
    let columns: Vec<String> =
        tables.input.columns.iter().map(|(column, field)| format!("{column} = {field}")).collect();
    list(&mut out, "columns", &columns);
    for (group, hosts) in &tables.host_groups {
        list(&mut out, &format!("hosts `{group}`"), hosts);
    }
    let critical = &tables.critical;
    let groups = critical.host_groups.iter().map(|group| group.get_ref().clone());
    list(&mut out, "critical hosts", &critical.hosts.iter().cloned().chain(groups).collect::<Vec<_>>());
    list(&mut out, "critical accounts", &critical.accounts);
    let sources: Vec<String> =
        (tables.update.rules.iter().chain(&tables.update.attack)).map(|source| source.name.clone()).collect();
    list(&mut out, "sources of updates", &sources);
    list(&mut out, "profiles", &tables.profiles.keys().cloned().collect::<Vec<_>>());
    list(&mut out, "watched files", &tables.watch.inputs);
    list(&mut out, "watched channels", &tables.watch.live);
    list(&mut out, "alerts of a watch to", &tables.watch.outputs);
    out += &policy.as_ref().map(show_policy).unwrap_or_default();
    terminal::print(&out)
}

fn list(out: &mut String, what: &str, values: &[String]) {
    if !values.is_empty() {
        *out += &format!("  {:<20} {}\n", plain(what), plain(&values.join(", ")));
    }
}

fn show_policy(policy: &Policy) -> String {
    let column = |title, kind| Column { title, kind };
    let cell = |text: &str| (text.to_owned(), Style::new());
    let mut out = String::new();
    if !policy.overrides.is_empty() {
        out += &format!("\n{HEADING}Severities{HEADING:#}  {FAINT}the most specific holds{FAINT:#}\n");
        let columns = [
            column("severity", ColumnKind::Whole),
            column("for", ColumnKind::Text),
            column("because", ColumnKind::Text),
        ];
        let mut table = Table::new(columns);
        for own in &policy.overrides {
            let severity = (own.severity.to_string(), terminal::style(own.severity));
            table.row([severity, cell(&own.scope.to_string()), cell(&own.reason)]);
        }
        out += &table.render(terminal::width());
    }
    if !policy.exclusions.is_empty() {
        out += &format!("\n{HEADING}Exclusions{HEADING:#}\n");
        let columns = [
            column("name", ColumnKind::Text),
            column("until", ColumnKind::Whole),
            column("for", ColumnKind::Text),
            column("because", ColumnKind::Text),
        ];
        let mut table = Table::new(columns);
        for own in &policy.exclusions {
            let until = match own.expires {
                None => cell("for ever"),
                Some(last) if last < policy.today => (format!("{last} (expired)"), WARNING),
                Some(last) => cell(&last.to_string()),
            };
            let filters = match own.filters.len() {
                0 => String::new(),
                n => counted(n as u64, "filter"),
            };
            let parts = [own.scope.to_string(), filters];
            let scope = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
            table.row([cell(&own.name), until, cell(&scope), cell(&own.reason)]);
        }
        out += &table.render(terminal::width());
    }
    out
}
