//! Trials of rules on the examples beside them.
//!
//! `docs/rule-tests.md` describes where examples lie and what is asked of them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use evtmap_sigma::{
    AnyRule, Collection, Correlation, EXAMPLES_ENDING, ExampleEvents, ExampleFields, Examples, NotOne,
    Placeholders, Recording, Recordings, Rule,
};
use jiff::Timestamp;

use super::correlation::{CorrelationExplanation, CorrelationTrial};
use crate::event::{Event, flat};
use crate::input::{self, Decoded, InputOptions};
use crate::logsource::{LogPlace, Pipelines, RuleExplanation};
use crate::rules::{RuleFile, is_examples};

/// The largest file of examples that is read, in bytes.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// The largest number of files that are looked at for examples.
const MAX_FILES: usize = 200_000;
/// The deepest nesting of folders that is followed.
const MAX_DEPTH: usize = 32;

/// What is asked of a rule with an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The rule must match it.
    Match,
    /// The rule must not match it.
    Miss,
}

/// What came of one example or recording.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The title of the rule; empty when there is none.
    pub rule: String,
    /// Where the example stands: the file, and the line where it has one.
    pub place: String,
    /// How it ended.
    pub outcome: TrialOutcome,
}

/// How a trial ended.
#[derive(Clone, Debug)]
pub enum TrialOutcome {
    /// As it should.
    Passed,
    /// The rule does otherwise than it should with an example.
    Differs(Wanted, Box<RuleExplanation>),
    /// The correlation does otherwise than it should with an example.
    CorrelationDiffers(Wanted, Box<CorrelationExplanation>),
    /// The rule matches a recording so often; it should do so as often as the second number says, or at
    /// least once.
    Count(u64, Option<u64>),
    /// It could not be tried, and why.
    Broken(String),
}

/// Where to look for examples, and what to try them with.
#[derive(Debug)]
pub struct Trials<'a> {
    /// Log sources and field names.
    pub pipelines: &'a Pipelines,
    /// The user's values for placeholders.
    pub placeholders: &'a Placeholders,
    /// The rules that recordings may be for, and that correlations may name.
    pub rules: &'a [RuleFile],
}

impl Trials<'_> {
    /// Tries every example of a file or folder and gives each result to `visit`. Gives back what could not be
    /// looked at.
    ///
    /// # Errors
    /// When the path cannot be read.
    pub fn run(&self, path: &Path, visit: &mut dyn FnMut(Trial)) -> Result<(), String> {
        let metadata = fs::metadata(path).map_err(|error| reason(&error))?;
        let mut files = Vec::new();
        if metadata.is_dir() {
            find(path, 0, &mut files).map_err(|error| reason(&error))?;
        } else if is_examples(path) || is_recordings(path) {
            files.push(path.to_owned());
        } else {
            files.push(examples_of(path));
        }
        files.sort();
        for file in &files {
            if is_examples(file) { self.examples(file, visit) } else { self.recordings(file, visit) }
        }
        Ok(())
    }

    fn examples(&self, file: &Path, visit: &mut dyn FnMut(Trial)) {
        let place = file.display().to_string();
        let broken = |why: String| Trial {
            rule: String::new(),
            place: place.clone(),
            outcome: TrialOutcome::Broken(why),
        };
        let examples = read_text(file).and_then(|text| Examples::parse(&text).map_err(|p| p.to_string()));
        let rules = read_text(&rule_of(file)).map_err(|why| format!("the rule beside it: {why}"));
        let (examples, text) = match (examples, rules) {
            (Ok(examples), Ok(text)) => (examples, text),
            (Err(why), _) | (Ok(_), Err(why)) => return visit(broken(why)),
        };
        let collection = Collection::parse(&text, self.placeholders);
        let own = RuleFile { path: rule_of(file).display().to_string(), text };
        for examples in &examples {
            match choose(&collection, examples.rule.as_deref()) {
                Ok(rule) => self.of_rule(rule, &own, examples, (&place, visit)),
                Err(why) => visit(broken(why)),
            }
        }
    }

    /// Tries the examples of one rule.
    fn of_rule(
        &self,
        rule: AnyRule<'_>,
        own: &RuleFile,
        examples: &Examples,
        (file, visit): (&str, &mut dyn FnMut(Trial)),
    ) {
        let matches = examples.matches.iter().map(|example| (Wanted::Match, example));
        for (wanted, example) in matches.chain(examples.misses.iter().map(|example| (Wanted::Miss, example)))
        {
            let outcome = match (rule, &example.events) {
                (AnyRule::Rule(rule), ExampleEvents::One(fields)) => self.example(rule, fields, wanted),
                (AnyRule::Correlation(correlation), ExampleEvents::Several(events)) => {
                    self.correlation(correlation, own, events, wanted)
                }
                (AnyRule::Rule(_), ExampleEvents::Several(_)) => {
                    TrialOutcome::Broken("an example for a rule is one event, this is several".to_owned())
                }
                (AnyRule::Correlation(_), ExampleEvents::One(_)) => TrialOutcome::Broken(
                    "an example for a correlation is a list of events, this is one".to_owned(),
                ),
            };
            let place = format!("{file}:{}", example.place.line);
            visit(Trial { rule: rule.metadata().title.clone(), place, outcome });
        }
    }

    /// An example that names a channel must also be of the rule's log source; one that does not is taken to
    /// be. It then has the names that the rule uses, or those of a log source of which it has one.
    fn example(&self, rule: &Rule, fields: &ExampleFields, wanted: Wanted) -> TrialOutcome {
        let event = event_of(fields);
        let explanation = self.pipelines.explain(rule, &event);
        let matches = if event.channel().is_empty() {
            let has = |name: &String| fields.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
            let is_named_so = |place: &LogPlace| {
                let foreign =
                    |(own, names): &(String, Vec<String>)| names.iter().any(|name| name != own && has(name));
                place.field_names.iter().any(foreign)
            };
            explanation.detection.holds
                || explanation.places.iter().any(|place| place.holds && is_named_so(&place.place))
        } else {
            explanation.matches
        };
        if matches == (wanted == Wanted::Match) {
            return TrialOutcome::Passed;
        }
        TrialOutcome::Differs(wanted, Box::new(explanation))
    }

    /// The rules that a correlation names are looked for in its own file, and then among all.
    fn correlation(
        &self,
        correlation: &Correlation,
        own: &RuleFile,
        events: &[(Timestamp, ExampleFields)],
        wanted: Wanted,
    ) -> TrialOutcome {
        let title = &correlation.metadata.title;
        let rules = CorrelationTrial::rules(title, own, self.rules, self.pipelines, self.placeholders);
        let rules = match rules {
            Ok(rules) => rules,
            Err(why) => return TrialOutcome::Broken(why),
        };
        let mut trial = match CorrelationTrial::new(&rules, title) {
            Ok(trial) => trial,
            Err(why) => return TrialOutcome::Broken(why),
        };
        for (time, fields) in events {
            let event = event_of(fields);
            match event.channel() {
                "" => trial.show_fields(&event, Some(*time)),
                _ => trial.show(&event, Some(*time)),
            }
        }
        let explanation = trial.finish();
        if explanation.holds == (wanted == Wanted::Match) {
            return TrialOutcome::Passed;
        }
        TrialOutcome::CorrelationDiffers(wanted, Box::new(explanation))
    }

    fn recordings(&self, file: &Path, visit: &mut dyn FnMut(Trial)) {
        let Ok(text) = read_text(file) else { return };
        // Many a file is called info.yml.
        let Some(recordings) = Recordings::parse(&text) else { return };
        let rule = self.rule(&recordings.rule);
        let folder = file.parent().unwrap_or(Path::new("."));
        for recording in &recordings.files {
            let path = folder.join(&recording.file);
            let (title, outcome) = match &rule {
                Ok(rule) => (rule.metadata.title.clone(), self.recording(rule, &path, recording)),
                Err(why) => (String::new(), TrialOutcome::Broken(why.clone())),
            };
            visit(Trial { rule: title, place: path.display().to_string(), outcome });
        }
    }

    fn rule(&self, id: &str) -> Result<Rule, String> {
        let has_it = |file: &&RuleFile| file.text.contains(id);
        for file in self.rules.iter().filter(has_it) {
            let collection = Collection::parse(&file.text, self.placeholders);
            if let Some(rule) = collection.rules.into_iter().find(|rule| rule.metadata.is_called(id)) {
                return Ok(rule);
            }
        }
        Err(format!("no rule with the id `{id}` can be used"))
    }

    fn recording(&self, rule: &Rule, path: &Path, recording: &Recording) -> TrialOutcome {
        match self.count(rule, path) {
            Err(why) => TrialOutcome::Broken(why),
            Ok(n) if n > 0 && recording.n_matches.is_none_or(|wanted| n >= wanted) => TrialOutcome::Passed,
            Ok(n) => TrialOutcome::Count(n, recording.n_matches),
        }
    }

    /// How many events of a recording a rule matches.
    fn count(&self, rule: &Rule, path: &Path) -> Result<u64, String> {
        let mut input = input::open(path, &InputOptions::default()).map_err(|error| error.to_string())?;
        let mut event = Event::new();
        let mut n_matches = 0;
        while let Some(batch) = input.next_batch() {
            let mut batch = batch.map_err(|error| error.to_string())?;
            batch.decode(&mut event, &mut |decoded| {
                if let Decoded::Event(event, _) = decoded {
                    n_matches += u64::from(self.pipelines.explain(rule, event).matches);
                }
            });
        }
        Ok(n_matches)
    }
}

fn event_of(fields: &ExampleFields) -> Event {
    let mut event = Event::new();
    for (name, value) in fields {
        flat::push(&mut event, name, value.as_deref());
    }
    event
}

/// The rule or correlation that examples are for: the one that they name, or the one that the file is about.
fn choose<'a>(collection: &'a Collection, name: Option<&str>) -> Result<AnyRule<'a>, String> {
    if let Some(name) = name {
        let missing = || format!("the file beside it has no rule `{name}` that can be used");
        return collection.find(name).ok_or_else(missing);
    }
    collection.only().map_err(|why| match why {
        NotOne::Several => {
            "the file beside it has several rules, and the examples do not say which".to_owned()
        }
        NotOne::Nothing(None) => "the file beside it has no rule".to_owned(),
        NotOne::Nothing(Some(reason)) => format!("the rule beside it cannot be used: {reason}"),
    })
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| reason(&error))?;
    let mut text = String::new();
    let n_read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| reason(&error))?;
    if n_read as u64 > MAX_FILE_BYTES {
        return Err(format!("the file has more than {MAX_FILE_BYTES} bytes"));
    }
    Ok(text)
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > MAX_DEPTH || files.len() > MAX_FILES {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            if !is_hidden {
                find(&path, depth + 1, files)?;
            }
        } else if is_examples(&path) || is_recordings(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_recordings(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "info.yml")
}

/// The rule file that a file of examples is beside.
fn rule_of(examples: &Path) -> PathBuf {
    let name = examples.file_name().unwrap_or_default().to_string_lossy();
    examples.with_file_name(format!("{}.yml", name.strip_suffix(EXAMPLES_ENDING).unwrap_or(&name)))
}

/// The file of examples beside a rule file.
fn examples_of(rule: &Path) -> PathBuf {
    let stem = rule.file_stem().unwrap_or_default().to_string_lossy();
    rule.with_file_name(format!("{stem}{EXAMPLES_ENDING}"))
}
