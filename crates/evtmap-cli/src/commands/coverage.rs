//! `evtmap coverage`: which techniques the rules can see, and on given logs which rules could have fired.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use evtmap::alert::Alert;
use evtmap::coverage::{Coverage, Present, Scope, Setting, Sight};
use evtmap::navigator::Layer;
use evtmap::{Associations, Catalogue, Findings, Pipelines, Rules, ScanOptions, Scanner, Sink, input};
use serde_json::json;

use crate::commands::{read_placeholders, reading};
use crate::failure::Failure;
use crate::stock::{Cache, RuleStock};
use crate::terminal::{FAINT, HEADING, counted, fit, number, plain};

/// How many settings and gaps are shown; JSON has all.
const N_SHOWN: usize = 15;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap coverage
  evtmap coverage C:\\Windows\\System32\\winevt\\Logs
  evtmap coverage evidence/ --layer coverage.json --gap-layer gaps.json
  evtmap coverage --rules my-rules/ --json")]
pub(crate) struct CoverageArgs {
    /// Event logs: then only rules count that could have fired with the events in them
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// Sigma rules to look at instead of the cache's or the program's
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Values for the placeholders of rules
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,

    /// A STIX bundle of ATT&CK to use instead of the cache's or the program's
    #[arg(long, value_name = "FILE")]
    attack: Option<PathBuf>,

    /// Only techniques of this platform; `all` for every one
    #[arg(long, value_name = "NAME", default_value = "Windows")]
    platform: String,

    /// Write a Navigator layer of what is covered
    #[arg(long, value_name = "FILE")]
    layer: Option<PathBuf>,

    /// Write a Navigator layer of what is not
    #[arg(long, value_name = "FILE")]
    gap_layer: Option<PathBuf>,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &CoverageArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let attack = cache.attack(args.attack.as_deref())?;
    let catalogue = &attack.catalogue;
    let pipelines = Pipelines::bundled().map_err(|problem| Failure::new(problem.to_string()))?;
    let stock = cache.rules(&args.rules)?;
    let rules = Rules::load(&stock.files()?, &pipelines, &read_placeholders(args.placeholders.as_deref())?);
    let settings = Setting::bundled().map_err(|error| Failure::new(error.to_string()))?;
    let read = if args.inputs.is_empty() { None } else { Some(present(&args.inputs, catalogue)?) };
    let (present, status) =
        read.map_or((None, ExitCode::SUCCESS), |(present, status)| (Some(present), status));
    let scope = Scope {
        catalogue,
        pipelines: &pipelines,
        present: present.as_ref(),
        platform: Some(args.platform.as_str()).filter(|platform| !platform.eq_ignore_ascii_case("all")),
    };
    let coverage = Coverage::new(&rules, &settings, &scope);
    for (path, layer) in [(&args.layer, coverage.layer()), (&args.gap_layer, coverage.gap_layer())] {
        if let Some(path) = path {
            write_layer(path, &layer, catalogue)?;
        }
    }
    if args.json {
        let json = json!({"attack": catalogue.label(), "rules_from": stock.origins, "coverage": coverage,
            "events": present.iter().flatten()
                .map(|(channel, id)| json!({"channel": channel, "event_id": id})).collect::<Vec<_>>()});
        let text = serde_json::to_string_pretty(&json).map_err(|error| Failure::new(error.to_string()))?;
        print(&(text + "\n"))?;
    } else {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = write_all(&mut out, &coverage, &stock, &scope);
        print(&out)?;
    }
    Ok(status)
}

/// Notes which events there are, and keeps none.
#[derive(Default)]
struct Events(Present);

impl Sink for Events {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let event = &alert.event;
        if let Some(id) = event.said.event_id {
            let key = (event.said.channel.to_lowercase(), id);
            // An attacker writes the log: the number of kinds has a bound.
            if self.0.len() < N_KINDS_MAX {
                self.0.insert(key);
            }
        }
        Ok(())
    }
}

/// The largest number of kinds of events that are told apart; Windows has some thousands.
const N_KINDS_MAX: usize = 1_000_000;

/// The events of logs, and the status of a command that reads them.
fn present(inputs: &[PathBuf], catalogue: &Catalogue) -> Result<(Present, ExitCode), Failure> {
    let rules = Rules::default();
    let findings = Findings::new(&rules, Associations::default(), catalogue);
    let options = ScanOptions { all_events: true, associations: false, ..ScanOptions::default() };
    let mut events = Events::default();
    let found = input::find(inputs);
    let scanned = Scanner::new(&rules, &findings, options).scan(&found, &mut events);
    let account = scanned.map_err(|error| Failure::new(error.to_string()))?;
    Ok((events.0, reading::status(&account)))
}

fn write_layer(path: &Path, layer: &Layer, catalogue: &Catalogue) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&layer.to_json(catalogue)).unwrap_or_default() + "\n";
    fs::write(path, text).map_err(|error| Failure::output(&path.display().to_string(), &error))
}

fn write_all(out: &mut String, coverage: &Coverage, stock: &RuleStock, scope: &Scope<'_>) -> fmt::Result {
    writeln!(
        out,
        "{FAINT}{} from {}, ATT&CK {}{FAINT:#}\n",
        counted(coverage.rules as u64, "rule"),
        plain(&stock.origins.join(", ")),
        plain(&scope.catalogue.label())
    )?;
    let n_all = coverage.techniques.len();
    write!(
        out,
        "{HEADING}{} of {} techniques{HEADING:#} are seen",
        number(coverage.n(Sight::Seen) as u64),
        number(n_all as u64)
    )?;
    if let (Some(ready), Some(present)) = (coverage.ready, scope.present) {
        writeln!(
            out,
            "; {} more by rules whose events are missing\n{} of {} could have fired with the {} that there are",
            number(coverage.n(Sight::Blind) as u64),
            number(ready as u64),
            counted(coverage.rules as u64, "rule"),
            counted(present.len() as u64, "kind of event").replace("kind of events", "kinds of event"),
        )?;
    } else {
        writeln!(out)?;
    }
    by_tactic(out, coverage, scope.catalogue)?;
    missing(out, coverage)?;
    gaps(out, coverage)
}

fn by_tactic(out: &mut String, coverage: &Coverage, catalogue: &Catalogue) -> fmt::Result {
    writeln!(out, "\n{HEADING}{} {:>6} {:>6} {:>6}{HEADING:#}", fit("Tactic", 28), "seen", "blind", "gap")?;
    for tactic in catalogue.tactics() {
        let own =
            coverage.techniques.iter().filter(|technique| technique.tactics.contains(&tactic.short_name));
        let (mut seen, mut blind, mut gap) = (0, 0, 0);
        for technique in own {
            match technique.sight {
                Sight::Seen => seen += 1,
                Sight::Blind => blind += 1,
                Sight::Gap => gap += 1,
            }
        }
        if seen + blind + gap > 0 {
            writeln!(out, "{} {seen:>6} {blind:>6} {gap:>6}", fit(&tactic.name, 28))?;
        }
    }
    Ok(())
}

fn missing(out: &mut String, coverage: &Coverage) -> fmt::Result {
    if coverage.missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}What would bring missing events{HEADING:#}")?;
    for missing in coverage.missing.iter().take(N_SHOWN) {
        writeln!(out, "  {}: {}", counted(missing.rules as u64, "rule"), plain(&missing.setting.what))?;
        if !missing.setting.how.is_empty() {
            writeln!(out, "    {FAINT}{}{FAINT:#}", plain(&missing.setting.how))?;
        }
    }
    if coverage.without_setting > 0 {
        writeln!(
            out,
            "  {}: what they look for is logged by itself when it happens, or by other software",
            counted(coverage.without_setting as u64, "rule")
        )?;
    }
    Ok(())
}

fn gaps(out: &mut String, coverage: &Coverage) -> fmt::Result {
    let gaps: Vec<_> = coverage.techniques.iter().filter(|technique| technique.sight == Sight::Gap).collect();
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}{} without a rule{HEADING:#}", counted(gaps.len() as u64, "technique"))?;
    for technique in gaps.iter().take(N_SHOWN) {
        let tactics = plain(&technique.tactics.join(", ")).into_owned();
        writeln!(
            out,
            "  {} {} {FAINT}{tactics}{FAINT:#}",
            fit(&technique.id.to_string(), 9),
            fit(&technique.name, 44)
        )?;
    }
    match gaps.len().saturating_sub(N_SHOWN) {
        0 => Ok(()),
        n_more => writeln!(out, "  {FAINT}and {n_more} more; `--gap-layer` or `--json` has all{FAINT:#}"),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let written = anstream::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::output("standard output", &error))
}
