//! Cases about several events: rules are evaluated on each, and their matches are correlated.

use std::collections::BTreeMap;

use evtmap_sigma::{
    Collection, Correlated, Correlation, Correlator, Diagnostic, Limits, Matched, Placeholders, Plan, Rule,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Failures, Fields, Form, Scalar, attribute, collection, indented};

/// A case; the README of the corpus says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    note: String,
    #[serde(default)]
    rules: Option<String>,
    #[serde(default)]
    correlation: Option<String>,
    #[serde(default)]
    events: Vec<Moment>,
    #[serde(default)]
    results: Vec<Outcome>,
    #[serde(default)]
    diagnostics: Vec<String>,
    #[serde(default)]
    alone: Option<Vec<String>>,
    #[serde(default)]
    about: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// An event and when it happened.
#[derive(Deserialize)]
struct Moment {
    time: Time,
    #[serde(flatten)]
    event: Fields,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(from = "WrittenTime")]
struct Time(Timestamp);

/// Seconds, of which millionths count, or a time as RFC 3339 has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenTime {
    Seconds(f64),
    Rfc3339(Timestamp),
}

impl From<WrittenTime> for Time {
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond it is no time")]
    fn from(written: WrittenTime) -> Self {
        Self(match written {
            WrittenTime::Seconds(seconds) => {
                Timestamp::from_microsecond((seconds * 1e6).round() as i64).unwrap()
            }
            WrittenTime::Rfc3339(time) => time,
        })
    }
}

/// A result as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    #[serde(default = "title_of_case")]
    title: String,
    #[serde(default)]
    group: Vec<Scalar>,
    events: u64,
    value: f64,
    first: Time,
    last: Time,
}

/// The title of the correlation that a case has the section of.
fn title_of_case() -> String {
    "Case".into()
}

impl Outcome {
    fn shown(&self) -> String {
        let group = self.group.iter().map(|Scalar(value)| value.as_deref());
        shown(&self.title, group, (self.events, self.value), (self.first.0, self.last.0))
    }
}

/// A result for comparison; what was first comes first.
fn shown<'a>(
    title: &str,
    group: impl Iterator<Item = Option<&'a str>>,
    (events, value): (u64, f64),
    (first, last): (Timestamp, Timestamp),
) -> String {
    let group: Vec<_> = group.collect();
    format!("{first} to {last}: {title} {group:?}, {events} events, value {value}")
}

impl Case {
    /// The documents, or the correlation in one that says no more than it must.
    fn text(&self, shared: &str) -> String {
        let own = match (&self.rules, &self.correlation) {
            (Some(rules), None) => rules.clone(),
            (None, Some(section)) => format!("title: Case\nname: case\ncorrelation:\n{}", indented(section)),
            _ => panic!("{}: a case has either `rules` or a `correlation`", self.note),
        };
        if shared.is_empty() { own } else { format!("{shared}---\n{own}") }
    }

    /// Gives the matches of the events in the order of time, as everybody must who correlates.
    fn correlate(&self, collection: &Collection, plan: &Plan, failures: &mut Failures) -> Vec<String> {
        let mut events: Vec<&Moment> = self.events.iter().collect();
        events.sort_by_key(|event| event.time.0);
        let mut correlator = Correlator::new(plan, Limits::default());
        for (Moment { time, event }, handle) in events.into_iter().zip(0..) {
            let rules = collection.rules.iter().enumerate();
            for (rule, _) in rules.filter(|(index, rule)| plan.is_correlated(*index) && rule.matches(event)) {
                correlator.push(Matched { rule, time: time.0, values: plan.values_of(rule, event), handle });
            }
        }
        let results = correlator.finish();
        failures.expect("limits", &correlator.bounds(), &[]);
        let shown = |result: Correlated| {
            let title = &collection.correlations[result.correlation].metadata.title;
            let value = result.value.to_string().parse().unwrap();
            let group = result.group.iter().map(Option::as_deref);
            shown(title, group, (result.n_matches, value), (result.first, result.last))
        };
        results.into_iter().map(shown).collect()
    }
}

impl Form for Case {
    fn note(&self) -> &str {
        &self.note
    }

    fn run(&self, shared: &str) -> Vec<String> {
        let mut failures = Failures::default();
        let collection = collection(&self.text(shared), &Placeholders::default());
        let rules: Vec<&Rule> = collection.rules.iter().collect();
        let correlations: Vec<&Correlation> = collection.correlations.iter().collect();
        let (plan, problems) = Plan::link(&rules, &correlations);
        let linking = problems.iter().map(|problem| &problem.diagnostic);
        let problems: Vec<&Diagnostic> = collection.diagnostics.iter().chain(linking).collect();
        failures.expect_codes(&problems, &self.diagnostics);
        if let Some(alone) = &self.alone {
            let rules = rules.iter().enumerate().filter(|(index, _)| plan.rule_fires_alone(*index));
            let correlations = correlations.iter().enumerate();
            let correlations = correlations.filter(|(index, _)| plan.correlation_fires_alone(*index));
            let rules = rules.map(|(_, rule)| &rule.metadata.title);
            let found: Vec<&String> = rules.chain(correlations.map(|(_, c)| &c.metadata.title)).collect();
            failures.expect("alone", &found, &alone.iter().collect::<Vec<_>>());
        }
        let mut found = self.correlate(&collection, &plan, &mut failures);
        let mut expected: Vec<String> = self.results.iter().map(Outcome::shown).collect();
        found.sort();
        expected.sort();
        failures.expect("results", &found, &expected);
        let about = |c: &&&Correlation| self.about.as_ref().is_none_or(|title| *title == c.metadata.title);
        for correlation in correlations.iter().filter(about) {
            for (name, expected) in &self.attributes {
                failures.expect(name, &attribute(&correlation.metadata, name), expected);
            }
        }
        failures.0
    }
}
