//! Events that somebody asks for: by text, regular expressions and conditions on fields.
//!
//! What is asked becomes a Sigma rule and is matched as rules are, so that a condition finds here what it would
//! find in a rule.

mod query;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use evtmap_sigma::{Collection, ExplainedItem, ExplainedPart, Explanation, Pattern, Placeholders, Rule};
use jiff::Timestamp;

pub use query::{Query, SearchError};

use crate::event::{Event, Value};
use crate::logsource::{Pipelines, Workspace};
use crate::rules::{RuleFile, Rules};
use crate::view::short_channel;

/// The largest number of fields that are told of an event that was found by other things than its fields.
const N_FIELDS: usize = 6;

/// A query made ready.
#[derive(Debug)]
pub struct Search {
    event_ids: BTreeSet<u32>,
    channels: Vec<Pattern>,
    hosts: Vec<Pattern>,
    asked: Option<Asked>,
    /// The fields that are asked about, and whether an event had them.
    fields: Vec<(String, AtomicBool)>,
}

/// The rule that a query became.
#[derive(Debug)]
struct Asked {
    rules: Rules,
    rule: Rule,
    pipelines: Pipelines,
}

/// An event that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When it was logged.
    pub time: Option<Timestamp>,
    /// The computer; empty when unknown.
    pub computer: String,
    /// The log; empty when unknown.
    pub channel: String,
    /// Its id.
    pub event_id: Option<u32>,
    /// Its number in its log.
    pub record_id: Option<u64>,
    /// The fields by which it was found; its first fields where it was found by other things.
    pub marks: Vec<Mark>,
}

/// A field of an event that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its name; `Message` for the rendered text.
    pub name: String,
    /// Its value; nothing for a field that has none.
    pub value: Option<String>,
    /// What was asked of it, as the query has it; empty when nothing was.
    pub asked: Vec<String>,
}

impl Search {
    /// Makes a query ready.
    ///
    /// # Errors
    /// Which of its parts cannot be used and why.
    pub fn new(query: &Query) -> Result<Self, SearchError> {
        let asked = match query.rule()? {
            Some(text) => Some(Asked::new(text)?),
            None => None,
        };
        let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::parse(text)).collect();
        let fields = query.fields()?.into_iter().map(|name| (name, AtomicBool::new(false)));
        Ok(Self {
            event_ids: query.event_ids.clone(),
            channels: patterns(&query.channels),
            hosts: patterns(&query.hosts),
            asked,
            fields: fields.collect(),
        })
    }

    /// Whether an event is asked for. The workspace is reused for the next.
    pub fn finds(&self, event: &Event, workspace: &mut Workspace) -> bool {
        let is_one_of = |patterns: &[Pattern], texts: &[&str]| {
            patterns.is_empty()
                || patterns.iter().any(|pattern| texts.iter().any(|text| pattern.matches(text, false)))
        };
        let is_id = self.event_ids.is_empty()
            || event.event_id().is_some_and(|event_id| self.event_ids.contains(&event_id));
        let computer = event.computer();
        let host = computer.split('.').next().unwrap_or_default();
        if !is_id
            || !is_one_of(&self.channels, &[event.channel(), short_channel(event.channel())])
            || !is_one_of(&self.hosts, &[computer, host])
        {
            return false;
        }
        for (name, is_seen) in &self.fields {
            if !is_seen.load(Ordering::Relaxed) && event.first(name).is_some() {
                is_seen.store(true, Ordering::Relaxed);
            }
        }
        let Some(asked) = &self.asked else { return true };
        let rule = |index: usize| asked.rules.rules().get(index).map(|loaded| &loaded.rule);
        let mut is_found = false;
        asked.rules.router().matches(event, &rule, workspace, &mut |_, _| is_found = true);
        is_found
    }

    /// What is told of an event that is asked for: its fields of these names, or those by which it was found.
    pub fn hit(&self, event: &Event, fields: &[String]) -> Hit {
        let mut found = Vec::new();
        if let Some(asked) = &self.asked {
            collect(&asked.pipelines.explain(&asked.rule, event).detection, event, &mut found);
        }
        let text = |value: Value<'_>| value.text().map(str::to_owned);
        let marks = if !fields.is_empty() {
            let own = fields.iter().flat_map(|name| event.find(name).map(move |value| (name, value)));
            let mark = |(name, value): (&String, Value<'_>)| {
                let is_it = |mark: &&Mark| mark.name.eq_ignore_ascii_case(name) && mark.value == text(value);
                let asked = found.iter().find(is_it).map(|mark| mark.asked.clone()).unwrap_or_default();
                Mark { name: name.clone(), value: text(value), asked }
            };
            own.map(mark).collect()
        } else if found.is_empty() {
            let mark = |(name, value): (&str, Value<'_>)| Mark {
                name: name.to_owned(),
                value: text(value),
                asked: Vec::new(),
            };
            event.data().take(N_FIELDS).map(mark).collect()
        } else {
            found
        };
        Hit {
            time: event.time(),
            computer: event.computer().to_owned(),
            channel: event.channel().to_owned(),
            event_id: event.event_id(),
            record_id: event.record_id(),
            marks,
        }
    }

    /// The fields that are asked about and that no event had so far: most often a name that is misspelled.
    pub fn unseen_fields(&self) -> Vec<&str> {
        let unseen = self.fields.iter().filter(|(_, is_seen)| !is_seen.load(Ordering::Relaxed));
        unseen.map(|(name, _)| name.as_str()).collect()
    }
}

impl Asked {
    fn new(text: String) -> Result<Self, SearchError> {
        let pipelines = Pipelines::bundled().map_err(|problem| SearchError::of("the program", &problem))?;
        let file = RuleFile { path: "query".to_owned(), text };
        let rules = Rules::load(std::slice::from_ref(&file), &pipelines, &Placeholders::default());
        let collection = Collection::parse(&file.text, &Placeholders::default());
        match (collection.rules.into_iter().next(), rules.rules().is_empty(), rules.skipped().first()) {
            (Some(rule), false, _) => Ok(Self { rules, rule, pipelines }),
            (Some(rule), true, _) => {
                let category = rule.logsource.category.unwrap_or_default();
                let names = pipelines.names(|logsource| logsource.category.as_ref());
                Err(SearchError {
                    part: category,
                    message: "is no category of events that Windows logs".to_owned(),
                    help: format!("the categories are {}", names.join(", ")),
                })
            }
            (None, _, skipped) => Err(SearchError {
                part: "the query".to_owned(),
                message: skipped.map_or_else(String::new, |skipped| skipped.detail.clone()),
                help: String::new(),
            }),
        }
    }
}

/// The fields by which an event was found: those of the parts that hold, what must not hold left out.
fn collect(explanation: &Explanation, event: &Event, marks: &mut Vec<Mark>) {
    match &explanation.part {
        ExplainedPart::Not => {}
        _ if !explanation.holds => {}
        ExplainedPart::Item(item) if !item.negated => add_marks(item, event, marks),
        _ => explanation.members.iter().for_each(|member| collect(member, event, marks)),
    }
}

fn add_marks(item: &ExplainedItem, event: &Event, marks: &mut Vec<Mark>) {
    let asked: Vec<String> =
        item.values.iter().filter(|value| value.met).map(|value| value.written.clone()).collect();
    for value in &item.found {
        let name = match &item.field {
            Some(field) => field.clone(),
            None => name_of(event, value.as_deref().unwrap_or_default()),
        };
        match marks.iter_mut().find(|mark| mark.name == name && mark.value == *value) {
            Some(mark) => mark.asked.extend(asked.iter().cloned()),
            None => marks.push(Mark { name, value: value.clone(), asked: asked.clone() }),
        }
    }
}

/// The name of the field that has a text.
fn name_of(event: &Event, text: &str) -> String {
    let own = event.fields().find(|(_, _, value)| value.text() == Some(text));
    own.map_or("Message", |(_, name, _)| name).to_owned()
}

#[cfg(test)]
mod tests;
