//! What the user typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use evtmap::Severity;
use evtmap::alert::Enrichment;

use crate::commands::attack::AttackCommand;
use crate::commands::coverage::CoverageArgs;
use crate::commands::rules::RulesCommand;
use crate::commands::update::UpdateArgs;
use crate::stock::CacheArgs;

/// Turns Windows event logs into MITRE ATT&CK.
#[derive(Parser, Debug)]
#[command(name = "evtmap", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) cache: CacheArgs,

    /// When to use colour; NO_COLOR in the environment is respected
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Read event logs and tell which ATT&CK techniques they show
    Map(Box<MapArgs>),
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

#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Examples:
  evtmap map C:\\Windows\\System32\\winevt\\Logs
  evtmap map Security.evtx -o alerts.csv -o alerts.jsonl
  evtmap map evidence/ --since 7d --min-severity medium
  evtmap map evidence/ --rules sigma-master.tar.gz -o - --format jsonl | jq .rule.title

Exit status:
  0  done    1  --fail-on was reached    2  an error kept something from being done")]
pub(crate) struct MapArgs {
    /// Event logs, or folders of them; what kind each is follows from its content
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    /// Search event logs (.evtx) also for records that were deleted and not overwritten yet
    #[arg(long, help_heading = "Reading")]
    pub(crate) recover: bool,

    /// The time zone of times that name none: UTC, local, +02:00, Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC", help_heading = "Reading")]
    pub(crate) input_timezone: String,

    /// How dates such as 05/06/2026 are read: day-first, month-first, or a pattern such as
    /// '%d.%m.%Y %H:%M:%S'; by default the dates of a file tell
    #[arg(long, value_name = "FORMAT", help_heading = "Reading")]
    pub(crate) date_format: Option<String>,

    /// What columns of tables are: a TOML file with lines such as "Event Code" = "EventID"
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    pub(crate) columns: Option<PathBuf>,

    /// Write a report; the format follows from the extension; `-` is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) output: Vec<PathBuf>,

    /// The format of reports whose file name does not tell
    #[arg(long, value_name = "FORMAT", help_heading = "Reports", value_parser = format_names())]
    pub(crate) format: Option<String>,

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

    /// Sigma rules to use instead of the cache's or the program's: a file, a folder, a .tar.gz or .zip
    #[arg(long, value_name = "PATH", help_heading = "Rules and ATT&CK")]
    pub(crate) rules: Vec<PathBuf>,

    /// Show rules about Sysmon's events only these, and not what Windows itself logs in their place
    #[arg(long, help_heading = "Rules and ATT&CK")]
    pub(crate) no_derived: bool,

    /// Where more log sources are found: a processing pipeline in pySigma's format
    #[arg(long, value_name = "FILE", help_heading = "Rules and ATT&CK")]
    pub(crate) pipeline: Vec<PathBuf>,

    /// Values for the placeholders of rules: a YAML map such as `Servers: [SRV01, DC01]`
    #[arg(long, value_name = "FILE", help_heading = "Rules and ATT&CK")]
    pub(crate) placeholders: Option<PathBuf>,

    /// A STIX bundle of ATT&CK to use instead of the cache's or the program's
    #[arg(long, value_name = "FILE", help_heading = "Rules and ATT&CK")]
    pub(crate) attack: Option<PathBuf>,

    /// Tell more of each technique in JSON reports: groups, mitigations, detections
    #[arg(long, value_name = "WHAT", help_heading = "Rules and ATT&CK", value_delimiter = ',', value_parser = enrichment)]
    pub(crate) enrich: Vec<Enrichment>,

    /// Read all rules afresh, and keep nothing of them for the next run
    #[arg(long, help_heading = "Rules and ATT&CK")]
    pub(crate) no_rule_cache: bool,

    /// Tell only what is at least so bad
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection", value_parser = severity)]
    pub(crate) min_severity: Option<Severity>,

    /// Pass over events before this: RFC 3339, a date, or a span back from now such as 7d or 12h
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub(crate) since: Option<String>,

    /// Pass over events at or after this
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub(crate) until: Option<String>,

    /// Stop after so many events
    #[arg(long, value_name = "N", help_heading = "Selection")]
    pub(crate) max_events: Option<u64>,

    /// Exit with status 1 when a detection is at least so bad
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,

    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZero<usize>>,

    /// Print neither progress nor summary, only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
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

fn severity(text: &str) -> Result<Severity, String> {
    let wanted = Severity::WORST_FIRST.into_iter().find(|severity| severity.as_str() == text.to_lowercase());
    wanted.ok_or_else(|| "it is one of critical, high, medium, low, informational".to_owned())
}
