//! What the user typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use evtmap::Severity;
use evtmap::alert::Enrichment;
use evtmap::sort::SortBy;
use serde::Deserialize;

use crate::clock;
use crate::commands::attack::AttackCommand;
use crate::commands::completions::CompletionsArgs;
use crate::commands::config::ConfigCommand;
use crate::commands::coverage::CoverageArgs;
use crate::commands::logons::LogonsArgs;
use crate::commands::manual::ManualArgs;
use crate::commands::reading::{ReadingArgs, zone_name};
use crate::commands::rule_choice::RuleArgs;
use crate::commands::rules::RulesCommand;
use crate::commands::rules::explain::ExplainArgs;
use crate::commands::search::SearchArgs;
use crate::commands::stats::StatsArgs;
use crate::commands::summary::SummaryArgs;
use crate::commands::task::{InstallArgs, UninstallArgs};
use crate::commands::timeline::TimelineArgs;
use crate::commands::update::UpdateArgs;
use crate::commands::watch::WatchArgs;
use crate::config::{Config, ConfigArgs, Profile};
use crate::failure::Failure;
use crate::output;
use crate::stock::CacheArgs;

/// Turns Windows event logs into MITRE ATT&CK.
#[derive(Parser, Debug)]
#[command(name = "evtmap", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) cache: CacheArgs,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    /// When to use colour; NO_COLOR in the environment is respected
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Read event logs and tell which ATT&CK techniques they show
    Map(Box<MapArgs>),
    /// Tell what logs come to: detections by tactic, technique, host and user
    Summary(Box<SummaryArgs>),
    /// Tell when what was found: detections in the order of time
    Timeline(Box<TimelineArgs>),
    /// Tell who logged on, to which host, from where, and who failed to
    Logons(Box<LogonsArgs>),
    /// Tell what events there are, and what is missing: gaps in time and in record ids, cleared logs
    Stats(Box<StatsArgs>),
    /// Find events by text, regular expressions and conditions on fields
    Search(Box<SearchArgs>),
    /// Say why a rule does or does not match an event; the same as `rules explain`
    Explain(Box<ExplainArgs>),
    /// Look at Sigma rules: check, list, show, explain, test
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Look at ATT&CK: show, search, tactics, what changed between releases
    #[command(subcommand)]
    Attack(AttackCommand),
    /// Tell which techniques the rules can see, and what logs lack for it
    Coverage(CoverageArgs),
    /// Bring rules and ATT&CK data up to date, or return to those before
    Update(UpdateArgs),
    /// Follow event logs while they are written, and tell what they show as it happens
    Watch(Box<WatchArgs>),
    /// Look at the configuration: show, check, init
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Have the system run evtmap by itself: daily, every hour, at its start
    InstallTask(InstallArgs),
    /// Undo `install-task`
    UninstallTask(UninstallArgs),
    /// Write what a shell needs to complete commands and options
    Completions(CompletionsArgs),
    /// Write the help of every command as pages for `man`
    Manual(ManualArgs),
}

impl Command {
    /// Takes from the configuration what was not said on the command line.
    pub(crate) fn fill(&mut self, config: &Config) -> Result<(), Failure> {
        let (reading, rules) = match self {
            Self::Map(args) => {
                if let Some(name) = &args.profile {
                    let profile = config.profile(name)?.clone();
                    args.fill(&profile);
                }
                let now = clock::now()?;
                args.output.iter_mut().for_each(|path| *path = output::dated(path, now));
                (&mut args.reading, Some(&mut args.rules))
            }
            Self::Summary(args) => (&mut args.reading, Some(&mut args.rules)),
            Self::Timeline(args) => (&mut args.reading, Some(&mut args.rules)),
            Self::Logons(args) => (&mut args.reading, None),
            Self::Stats(args) => (&mut args.reading, None),
            Self::Search(args) => (&mut args.reading, None),
            Self::Rules(_)
            | Self::Explain(_)
            | Self::Attack(_)
            | Self::Coverage(_)
            | Self::Update(_)
            | Self::Watch(_)
            | Self::Config(_)
            | Self::InstallTask(_)
            | Self::UninstallTask(_)
            | Self::Completions(_)
            | Self::Manual(_) => {
                return Ok(());
            }
        };
        reading.fill(&config.tables.input);
        if let Some(rules) = rules {
            rules.fill(config);
        }
        Ok(())
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// When a terminal shows it
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// By what alerts are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SortOrder {
    /// The earliest first
    Time,
    /// The worst first, then the earliest
    Severity,
}

impl From<SortOrder> for SortBy {
    fn from(order: SortOrder) -> Self {
        match order {
            SortOrder::Time => Self::Time,
            SortOrder::Severity => Self::Severity,
        }
    }
}

impl Color {
    /// Makes the choice hold for all that is printed.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

#[derive(ClapArgs, Debug, Default)]
#[command(after_help = "\
Examples:
  evtmap map C:\\Windows\\System32\\winevt\\Logs
  evtmap map Security.evtx -o alerts.csv -o alerts.jsonl
  evtmap map evidence/ --since 7d --min-severity medium
  evtmap map evidence/ --rules sigma-master.tar.gz -o - --format jsonl | jq .rule.title

Exit status:
  0  done    1  --fail-on was reached    2  an error kept something from being done")]
pub(crate) struct MapArgs {
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    /// Write a report; the format follows from the extension; `-` is standard output; `{date}` and `{time}`
    /// stand for those of the run in UTC
    #[arg(short, long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) output: Vec<PathBuf>,

    /// The format of reports whose file name does not tell
    #[arg(long, value_name = "FORMAT", help_heading = "Reports", value_parser = format_names())]
    pub(crate) format: Option<String>,

    /// What CSV and JSON lines tell, parted by commas: columns (host), members (rule.title), fields of
    /// events (fields.CommandLine)
    #[arg(long, value_name = "NAMES", help_heading = "Reports", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

    /// The time zone of times in reports for people and in the summary: UTC, local, +02:00, Europe/Berlin
    /// [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Reports", allow_hyphen_values = true, value_parser = zone_name)]
    pub(crate) timezone: Option<String>,

    /// How times are written there: rfc3339, epoch, epoch-ms, or a pattern such as '%d.%m.%Y %H:%M:%S'
    /// [default: rfc3339]
    #[arg(long, value_name = "FORMAT", help_heading = "Reports")]
    pub(crate) time_format: Option<String>,

    /// Write reports as a profile of the configuration says; what is said here as well comes first
    #[arg(long, value_name = "NAME", help_heading = "Reports")]
    pub(crate) profile: Option<String>,

    /// Write alerts in this order, and not in that of the inputs
    #[arg(long, value_name = "BY", help_heading = "Reports")]
    pub(crate) sort: Option<SortOrder>,

    /// Report every event, also those that nothing is known of
    #[arg(long, help_heading = "Reports")]
    pub(crate) all_events: bool,

    /// Leave out what an event id alone may hint at
    #[arg(long, help_heading = "Reports")]
    pub(crate) no_associations: bool,

    /// Tell with each detection in JSON reports what of its rule's condition held
    #[arg(long, help_heading = "Reports")]
    pub(crate) evidence: bool,

    /// Leave cells of CSV reports as they are, even if a spreadsheet would run them as formulas
    #[arg(long, help_heading = "Reports")]
    pub(crate) raw_csv: bool,

    #[command(flatten)]
    pub(crate) rules: RuleArgs,

    /// Tell more of each technique in JSON reports: groups, mitigations, detections
    #[arg(long, value_name = "WHAT", help_heading = "Rules and ATT&CK", value_delimiter = ',', value_parser = enrichment)]
    pub(crate) enrich: Vec<Enrichment>,

    /// Tell only what is at least so bad
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection", value_parser = severity)]
    pub(crate) min_severity: Option<Severity>,

    /// Exit with status 1 when a detection is at least so bad
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
}

impl MapArgs {
    /// What a profile stands for, and nothing else.
    pub(crate) fn of_profile(profile: &Profile) -> Self {
        let mut args = Self::default();
        args.fill(profile);
        args
    }

    /// Takes from a profile what was not said.
    pub(crate) fn fill(&mut self, profile: &Profile) {
        let profile = profile.clone();
        if self.output.is_empty() {
            self.output = profile.outputs;
            self.format = self.format.take().or(profile.format);
        }
        // Nobody can take back what a profile says, so that other outputs than its own must not stumble over it.
        if self.fields.is_empty() && self.takes_fields() {
            self.fields = profile.fields;
        }
        self.timezone = self.timezone.take().or(profile.timezone);
        self.time_format = self.time_format.take().or(profile.time_format);
        self.min_severity = self.min_severity.or(profile.min_severity);
        self.sort = self.sort.or(profile.sort);
    }

    /// Whether a report is asked for of which the fields can be chosen.
    fn takes_fields(&self) -> bool {
        let formats = output::formats_of(&self.output, self.format.as_deref());
        formats.is_ok_and(|formats| formats.iter().any(|format| format.takes_fields()))
    }
}

fn format_names() -> clap::builder::PossibleValuesParser {
    let formats = evtmap::report::FORMATS.iter();
    formats
        .map(|format| clap::builder::PossibleValue::new(format.name).help(format.about))
        .collect::<Vec<_>>()
        .into()
}

fn enrichment(text: &str) -> Result<Enrichment, String> {
    let wanted = Enrichment::ALL.into_iter().find(|enrichment| enrichment.as_str() == text.to_lowercase());
    wanted.ok_or_else(|| "it is one of groups, mitigations, detections".to_owned())
}

pub(crate) fn severity(text: &str) -> Result<Severity, String> {
    Severity::named(text).ok_or_else(|| "it is one of critical, high, medium, low, informational".to_owned())
}
