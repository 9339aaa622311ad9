//! `evtmap rules explain`: why a rule does or does not match an event.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use evtmap::authoring::CorrelationTrial;
use evtmap::event::{Event, flat};
use evtmap::input::{self, Decoded, InputOptions};
use evtmap::rules::RuleFile;
use evtmap::sigma::{Correlation, Rule};
use evtmap::{Pipelines, Placeholders, RuleExplanation};
use serde_json::json;

use super::check::pretty;
use super::{Found, FoundRule, correlation, find_rule, in_words, pipelines, print, tree};
use crate::commands::read_placeholders;
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{HEADING, plain};

/// The largest JSON event that is read, in bytes.
const MAX_JSON_BYTES: u64 = 16 << 20;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap rules explain my_rule.yml event.json
  evtmap rules explain 2c1b0a5e-7d1f-4a53-9f3a-0d6f0e8b7a11 Security.evtx --record 4711
  echo '{\"Channel\": \"Security\", \"EventID\": 1102}' | evtmap rules explain my_rule.yml -

Without --record, the first event that the rule matches is explained; if there is none, the first of
its log source; if there is none, the first. A correlation is tried on all events of the file.

Exit status:
  0  the rule matches    1  it does not    2  it could not be tried")]
pub(crate) struct ExplainArgs {
    /// A rule file, or the id, name or title of a rule
    #[arg(value_name = "RULE")]
    rule: String,

    /// An event: a JSON file, as rendered by Windows' tools or a flat object of fields, or an EVTX or CSV
    /// file; `-` is JSON from standard input
    #[arg(value_name = "EVENT")]
    event: PathBuf,

    /// The event with this record id; in a file without record ids the event at this place, from 1
    #[arg(long, value_name = "N")]
    record: Option<u64>,

    /// Where to look for the rule; the rules in use by default
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Values for the placeholders of rules: a YAML map of names to lists
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,

    /// Write the explanation as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    let placeholders = read_placeholders(args.placeholders.as_deref())?;
    let Found { rule, file } = find_rule(&args.rule, &args.rules, cache, &placeholders)?;
    let matches = match rule {
        FoundRule::Rule(rule) => explain_rule(args, &rule, &file)?,
        FoundRule::Correlation(own) => explain_correlation(args, &own, &file, &placeholders, cache)?,
    };
    Ok(if matches { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Says why a rule does or does not match, and whether it does.
fn explain_rule(args: &ExplainArgs, rule: &Rule, file: &RuleFile) -> Result<bool, Failure> {
    let pipelines = pipelines()?;
    let read = read_json(&args.event)?;
    let chosen = match read.as_deref().map(flat::read) {
        Some(Ok(event)) if args.record.is_none() => {
            Chosen { explanation: pipelines.explain(rule, &event), record: event.record_id() }
        }
        // What is not one event may be many.
        Some(Err(error)) if args.record.is_none() => choose(args, rule, &pipelines)
            .map_err(|_| Failure::new(format!("`{}` is no event: {error}", args.event.display())))?,
        _ => choose(args, rule, &pipelines)?,
    };
    let Chosen { explanation, record } = chosen;
    if args.json {
        let mut tree = tree::json(&explanation);
        if let Some(members) = tree.as_object_mut() {
            members.insert("rule".to_owned(), json!({"title": rule.metadata.title, "path": file.path}));
            members.insert("record_id".to_owned(), json!(record));
        }
        print(&pretty(&tree)?)?;
    } else {
        let verdict = if explanation.matches { "matches" } else { "does not match" };
        let record = record.map_or_else(|| "the event".to_owned(), |record| format!("record {record}"));
        let title = plain(&rule.metadata.title);
        print(&format!(
            "{HEADING}{title}{HEADING:#} ({}) {verdict} {record}\n",
            plain(&in_words(&rule.logsource))
        ))?;
        for condition in &rule.detection.conditions {
            print(&format!("condition: {}\n", plain(&condition.to_string())))?;
        }
        print(&tree::render(&explanation))?;
    }
    Ok(explanation.matches)
}

/// Says why a correlation does or does not hold in a file, and whether it does.
fn explain_correlation(
    args: &ExplainArgs,
    own: &Correlation,
    file: &RuleFile,
    placeholders: &Placeholders,
    cache: &Cache,
) -> Result<bool, Failure> {
    if args.record.is_some() {
        return Err(Failure::new("a correlation is about several events, and not about one record")
            .help("leave `--record` out"));
    }
    let title = &own.metadata.title;
    let broken = |why: String| Failure::new(format!("`{title}` cannot be tried: {why}"));
    let others = cache.rules(&args.rules)?.files()?;
    let rules = CorrelationTrial::rules(title, file, &others, &pipelines()?, placeholders).map_err(broken)?;
    let mut trial = CorrelationTrial::new(&rules, title).map_err(broken)?;
    let failure = |error: input::InputError| Failure::new(error.to_string()).help(error.help);
    let mut input = input::open(&args.event, &InputOptions::default()).map_err(failure)?;
    let mut event = Event::new();
    while let Some(batch) = input.next_batch() {
        batch.map_err(failure)?.decode(&mut event, &mut |decoded| {
            if let Decoded::Event(event, _) = decoded {
                trial.show(event, event.time());
            }
        });
    }
    let explanation = trial.finish();
    if args.json {
        let mut json = correlation::json(&explanation);
        if let Some(members) = json.as_object_mut() {
            members.insert("rule".to_owned(), json!({"title": title, "path": file.path}));
        }
        print(&pretty(&json)?)?;
    } else {
        let verdict = if explanation.holds { "holds" } else { "does not hold" };
        let asked = correlation::asked(own);
        print(&format!("{HEADING}{}{HEADING:#} ({}) {verdict}\n", plain(title), plain(&asked)))?;
        print(&correlation::render(&explanation))?;
    }
    Ok(explanation.holds)
}

/// The text of a JSON event; none for a file that begins otherwise.
fn read_json(path: &PathBuf) -> Result<Option<String>, Failure> {
    let failure = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
            _ => error.to_string().to_lowercase(),
        };
        Failure::new(format!("cannot read `{}`: {reason}", path.display()))
    };
    let mut text = String::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_JSON_BYTES).read_to_string(&mut text).map_err(failure)?;
        return Ok(Some(text));
    }
    let mut file = File::open(path).map_err(failure)?;
    let mut start = [0; 64];
    let n_read = file.read(&mut start).map_err(failure)?;
    let is_json = start.get(..n_read).is_some_and(|start| start.trim_ascii_start().starts_with(b"{"));
    if !is_json {
        return Ok(None);
    }
    text.push_str(&String::from_utf8_lossy(start.get(..n_read).unwrap_or_default()));
    file.take(MAX_JSON_BYTES).read_to_string(&mut text).map_err(failure)?;
    Ok(Some(text))
}

/// The event that is explained.
struct Chosen {
    explanation: RuleExplanation,
    record: Option<u64>,
}

impl Chosen {
    /// How well the event suits when the user named none.
    fn rank(&self) -> (bool, bool) {
        let fits = self.explanation.places.iter().any(|place| place.mismatches.is_empty());
        (self.explanation.matches, fits)
    }
}

/// Looks for the event that the user named, or for the one that suits best.
fn choose(args: &ExplainArgs, rule: &Rule, pipelines: &Pipelines) -> Result<Chosen, Failure> {
    let failure = |error: input::InputError| Failure::new(error.to_string()).help(error.help);
    let mut input = input::open(&args.event, &InputOptions::default()).map_err(failure)?;
    let mut event = Event::new();
    let mut best: Option<Chosen> = None;
    let mut n_events = 0;
    while let Some(batch) = input.next_batch() {
        batch.map_err(failure)?.decode(&mut event, &mut |decoded| {
            let Decoded::Event(event, _) = decoded else { return };
            n_events += 1;
            let number = event.record_id().unwrap_or(n_events);
            if args.record.is_some_and(|wanted| wanted != number) {
                return;
            }
            if best.as_ref().is_some_and(|best| best.explanation.matches) {
                return;
            }
            let next = Chosen { explanation: pipelines.explain(rule, event), record: Some(number) };
            if best.as_ref().is_none_or(|best| next.rank() > best.rank()) {
                best = Some(next);
            }
        });
    }
    best.ok_or_else(|| match args.record {
        Some(record) => Failure::new(format!("`{}` has no record {record}", args.event.display())),
        None => Failure::new(format!("`{}` has no event that can be read", args.event.display())),
    })
}
