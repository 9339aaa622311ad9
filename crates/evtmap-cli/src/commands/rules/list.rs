//! `evtmap rules list`: which rules there are.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use evtmap::attack::TechniqueId;
use evtmap::rules::RuleFile;
use evtmap::sigma::{Collection, Correlation, Level, LogSource, Metadata, Status};
use evtmap::{Catalogue, Placeholders};
use serde_json::{Value as Json, json};

use super::check::pretty;
use super::print;
use crate::failure::Failure;
use crate::stock::{Age, Cache};
use crate::terminal::{FAINT, counted, fit, plain};
use crate::{clock, summary};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap rules list --level high
  evtmap rules list --technique ID
  evtmap rules list sigma-master.tar.gz --logsource process_creation --json")]
pub(crate) struct ListArgs {
    /// Rule files, folders, or archives (.tar.gz, .zip); the rules in use by default
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Only rules of at least this level
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,

    /// Only rules for this technique or a sub-technique of it
    #[arg(long, value_name = "ID", value_parser = technique)]
    technique: Option<TechniqueId>,

    /// Only rules whose log source has this product, category or service
    #[arg(long, value_name = "NAME")]
    logsource: Option<String>,

    /// Write a JSON array
    #[arg(long)]
    json: bool,
}

fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| "it is one of critical, high, medium, low, informational".to_owned())
}

fn technique(text: &str) -> Result<TechniqueId, String> {
    text.parse().map_err(|_| "it is a T and four digits; a sub-technique has a dot and three more".to_owned())
}

/// A rule, correlation or filter of the list.
struct Line {
    metadata: Metadata,
    kind: Kind,
    path: String,
    techniques: Vec<TechniqueId>,
}

/// What a line is about.
enum Kind {
    Rule(LogSource),
    Correlation(Box<Correlation>),
    Filter(LogSource),
}

/// Runs the command.
pub(super) fn run(args: &ListArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let attack = cache.attack(None)?;
    let stock = cache.rules(&args.paths)?;
    let mut lines: Vec<Line> =
        stock.files()?.iter().flat_map(|file| lines_of(file, &attack.catalogue)).collect();
    let newest = lines.iter().filter_map(|line| line.metadata.newest()).max().map(str::to_owned);
    lines.retain(|line| is_wanted(args, line));
    if args.json {
        print(&pretty(&lines.iter().map(Line::json).collect::<Json>())?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in &lines {
        print(&line.text())?;
    }
    print(&format!(
        "{FAINT}{} from {}, ATT&CK {}{FAINT:#}\n",
        counted(lines.len() as u64, "rule"),
        plain(&stock.origins.join(", ")),
        plain(&attack.label()),
    ))?;
    let ages = [Age::of_rules(newest.as_deref(), stock.checked), attack.age()];
    print(&summary::hint(&ages, clock::now()?))?;
    Ok(ExitCode::SUCCESS)
}

fn lines_of(file: &RuleFile, catalogue: &Catalogue) -> Vec<Line> {
    let collection = Collection::parse(&file.text, &Placeholders::default());
    let rules = collection.rules.into_iter().map(|rule| (rule.metadata, Kind::Rule(rule.logsource)));
    // What an aggregation was translated to is listed as the rule that it is written as.
    let correlations = collection.correlations.into_iter().filter(|correlation| !correlation.is_translated);
    let correlations = correlations.map(|own| (own.metadata.clone(), Kind::Correlation(Box::new(own))));
    let filters = collection.filters.into_iter().map(|own| (own.metadata, Kind::Filter(own.logsource)));
    let line = |(metadata, kind): (Metadata, Kind)| {
        let mapping = catalogue.resolve_all(&metadata.tags);
        let techniques = mapping.techniques().map(|technique| technique.id).collect();
        Line { metadata, kind, path: file.path.clone(), techniques }
    };
    rules.chain(correlations).chain(filters).map(line).collect()
}

fn is_wanted(args: &ListArgs, line: &Line) -> bool {
    let has_level = args.level.is_none_or(|level| line.metadata.level >= Some(level));
    let has_technique = args.technique.is_none_or(|wanted| {
        line.techniques.iter().any(|technique| *technique == wanted || technique.parent() == Some(wanted))
    });
    let has_logsource = args.logsource.as_ref().is_none_or(|wanted| {
        line.logsource().is_some_and(|logsource| {
            let parts = [&logsource.product, &logsource.category, &logsource.service];
            parts.into_iter().flatten().any(|part| part.eq_ignore_ascii_case(wanted))
        })
    });
    has_level && has_technique && has_logsource
}

impl Line {
    /// Where it looks; a correlation looks at what its rules match.
    fn logsource(&self) -> Option<&LogSource> {
        match &self.kind {
            Kind::Rule(logsource) | Kind::Filter(logsource) => Some(logsource),
            Kind::Correlation(_) => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Rule(_) => "rule",
            Kind::Correlation(_) => "correlation",
            Kind::Filter(_) => "filter",
        }
    }

    /// What it is about, for a column: a log source, or what kind of correlation.
    fn about(&self) -> String {
        match &self.kind {
            Kind::Rule(logsource) => logsource.to_string(),
            Kind::Correlation(correlation) => format!("correlation {}", correlation.kind),
            Kind::Filter(logsource) => format!("filter {logsource}"),
        }
    }

    fn level(&self) -> &'static str {
        self.metadata.level.map_or("undefined", Level::as_str)
    }

    fn techniques(&self) -> Vec<String> {
        self.techniques.iter().map(ToString::to_string).collect()
    }

    fn text(&self) -> String {
        format!(
            "{} {} {} {} {} {FAINT}{}{FAINT:#}\n",
            fit(self.level(), 13),
            fit(&self.metadata.title, 56),
            fit(self.metadata.id.as_deref().unwrap_or("-"), 36),
            fit(&self.about(), 32),
            fit(&self.techniques().join(" "), 20),
            plain(&self.path),
        )
    }

    fn json(&self) -> Json {
        let metadata = &self.metadata;
        let logsource = self.logsource().map(|logsource| {
            json!({
                "product": logsource.product,
                "category": logsource.category,
                "service": logsource.service,
            })
        });
        let correlation = match &self.kind {
            Kind::Correlation(own) => json!({"type": own.kind.as_str(), "rules": own.rules}),
            Kind::Rule(_) | Kind::Filter(_) => Json::Null,
        };
        json!({
            "kind": self.kind(),
            "title": metadata.title,
            "id": metadata.id,
            "level": metadata.level.map(Level::as_str),
            "status": metadata.status.map(Status::as_str),
            "logsource": logsource,
            "correlation": correlation,
            "techniques": self.techniques(),
            "path": self.path,
        })
    }
}
