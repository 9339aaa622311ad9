//! Correlations and the rules they name, made ready: references resolved, chains put in order, and the fields
//! known that must be kept of each match.

use std::ops::ControlFlow;

use crate::correlation::{Correlation, Threshold};
use crate::diagnostic::Diagnostic;
use crate::event::Event;
use crate::rule::Correlatable;

use super::{Values, link};

/// Which matches go to which correlations, and what each correlation computes.
///
/// Rules and correlations are meant by their index in what [`Plan::link`] was given.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub(super) rules: Vec<RulePart>,
    /// One for each correlation; none for a refused one.
    pub(super) steps: Vec<Option<Step>>,
    /// The correlations that are used, each behind those that it names.
    pub(super) order: Vec<usize>,
}

/// A problem of a correlation that shows only beside the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkProblem {
    /// The index of the correlation.
    pub correlation: usize,
    /// What is wrong; the correlation is not used if it is an error.
    pub diagnostic: Diagnostic,
}

impl Plan {
    /// Resolves what correlations refer to. One that names an unknown rule, or that is part of a circle, is
    /// refused and leaves the others unharmed.
    ///
    /// Specification: sigma-correlation-rules-specification, "Related rules" and "Generate". A rule that is
    /// named by a correlation fires alone only if one of those naming it says `generate: true`; a refused
    /// correlation silences none.
    pub fn link<R: Correlatable>(rules: &[&R], correlations: &[&Correlation]) -> (Self, Vec<LinkProblem>) {
        let rules: Vec<&dyn Correlatable> = rules.iter().map(|rule| *rule as &dyn Correlatable).collect();
        link::link(&rules, correlations)
    }

    /// Whether a rule's match is an alert of its own.
    pub fn rule_fires_alone(&self, rule: usize) -> bool {
        self.rules.get(rule).is_none_or(|part| part.fires_alone)
    }

    /// Whether a correlation's result is an alert of its own: it is not refused, and not only a link of a
    /// chain.
    pub fn correlation_fires_alone(&self, correlation: usize) -> bool {
        self.steps.get(correlation).and_then(Option::as_ref).is_some_and(|step| step.is_reported)
    }

    /// How far back in time, in microseconds, a result may reach: over the timespans of a chain, and the time
    /// for which an inner correlation may keep its result back.
    pub fn reach(&self) -> i64 {
        let mut reaches = vec![0_i64; self.steps.len()];
        let mut longest = 0;
        // Inner ones come first.
        for &index in &self.order {
            let Some(Some(step)) = self.steps.get(index) else { continue };
            let inner = reaches.get(index).copied().unwrap_or_default();
            let reach = inner.saturating_add(step.span).saturating_add(step.delay);
            longest = longest.max(reach);
            for feed in &step.feeds {
                if let Some(outer) = reaches.get_mut(feed.correlation) {
                    *outer = (*outer).max(reach);
                }
            }
        }
        longest
    }

    /// Whether the matches of a rule are to be given to a [`Correlator`](super::Correlator).
    pub fn is_correlated(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|part| !part.feeds.is_empty())
    }

    /// The fields whose values a match of a rule must bring along.
    pub fn fields_of(&self, rule: usize) -> &[String] {
        self.rules.get(rule).map_or(&[], |part| &part.fields)
    }

    /// The values of [`Plan::fields_of`] in an event: of several the first, none for an absent or null field.
    pub fn values_of(&self, rule: usize, event: &dyn Event) -> Values {
        let value_of = |field: &String| {
            let mut found = None;
            // The break is the answer; there is nothing to do about it.
            let _ = event.values(field, &mut |value| {
                found = value.text().map(Box::from);
                if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            found
        };
        self.fields_of(rule).iter().map(value_of).collect()
    }
}

/// What correlations want of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct RulePart {
    pub(super) fields: Vec<String>,
    pub(super) feeds: Vec<Feed>,
    pub(super) fires_alone: bool,
}

/// Where a match or the result of an inner correlation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) correlation: usize,
    pub(super) slot: usize,
}

/// A correlation made ready.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// One for each rule or correlation it names, in the order named.
    pub(super) slots: Vec<Slot>,
    pub(super) measure: Measure,
    /// What the measured number must pass; none where the measure is a sentence.
    pub(super) thresholds: Vec<Threshold>,
    /// The timespan in microseconds.
    pub(super) span: i64,
    pub(super) decision: Decision,
    /// How long in microseconds inner correlations may keep back a result whose events are over.
    pub(super) delay: i64,
    /// Where the values come from that outer correlations want.
    pub(super) columns: Vec<Column>,
    /// The outer correlations.
    pub(super) feeds: Vec<Feed>,
    pub(super) is_reported: bool,
}

impl Step {
    /// Whether a number passes every threshold.
    pub(super) fn accepts(&self, value: crate::Number) -> bool {
        self.thresholds.iter().all(|threshold| threshold.accepts(value))
    }

    /// Whether an event counts as one, however many of the rules it matches.
    pub(super) fn counts_events(&self) -> bool {
        match self.measure {
            Measure::Events | Measure::Sum | Measure::Average | Measure::Percentile(_) | Measure::Share => {
                true
            }
            Measure::Distinct | Measure::Rules | Measure::Chain | Measure::Sentence { .. } => false,
        }
    }

    /// Whether the moments at which an inner correlation holds matter, and not only how often it began to.
    pub(super) fn is_temporal(&self) -> bool {
        matches!(self.measure, Measure::Rules | Measure::Chain | Measure::Sentence { .. })
    }
}

/// When a correlation is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// As soon as it holds: more events can only confirm it.
    AtOnce,
    /// When the window is over: more events could undo it.
    AtClose,
}

/// What is computed of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Measure {
    /// The number of events.
    Events,
    /// The number of different values.
    Distinct,
    /// The sum of the values.
    Sum,
    /// The mean of the values.
    Average,
    /// A percentile of the values.
    Percentile(f64),
    /// The share of events that have the same value, in percent.
    Share,
    /// The number of slots that occur.
    Rules,
    /// The greatest number of slots that occur in their order.
    Chain,
    /// Whether slots occur as a sentence says.
    Sentence { sentence: Sentence, is_ordered: bool },
}

/// A sentence over slots.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sentence {
    /// The slot occurs.
    Slot(usize),
    /// It does not hold.
    Not(Box<Sentence>),
    /// All hold; one after the other where order counts.
    All(Vec<Sentence>),
    /// At least one holds.
    Any(Vec<Sentence>),
}

impl Sentence {
    /// Whether it holds for the slots that occur, whatever their order.
    pub(super) fn holds(&self, occurs: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Slot(slot) => occurs(*slot),
            Self::Not(inner) => !inner.holds(occurs),
            Self::All(members) => members.iter().all(|member| member.holds(occurs)),
            Self::Any(members) => members.iter().any(|member| member.holds(occurs)),
        }
    }

    /// Whether it says that something does not happen.
    pub(super) fn has_not(&self) -> bool {
        match self {
            Self::Slot(_) => false,
            Self::Not(_) => true,
            Self::All(members) | Self::Any(members) => members.iter().any(Self::has_not),
        }
    }

    /// How many times it names a slot.
    pub(super) fn n_slots(&self) -> usize {
        match self {
            Self::Slot(_) => 1,
            Self::Not(inner) => inner.n_slots(),
            Self::All(members) | Self::Any(members) => members.iter().map(Self::n_slots).sum(),
        }
    }
}

/// How a correlation reads what comes from one of the rules it names; indices are of the rule's fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) group: Vec<GroupColumn>,
    /// The fields that are counted or measured.
    pub(super) values: Vec<usize>,
    /// For each of the step's columns the field it is taken from.
    pub(super) columns: Vec<usize>,
}

/// Where the value of a group comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupColumn {
    /// Events without the field are a group of their own.
    Field(usize),
    /// Events without the field behind an alias are not counted.
    Alias(usize),
}

/// Where a value for an outer correlation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The value of the group.
    Group(usize),
    /// The event by which the correlation holds.
    Event,
}
