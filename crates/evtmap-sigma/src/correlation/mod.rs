//! Correlations: what several matches within a time say together.
//!
//! Specification: sigma-correlation-rules-specification. What the text leaves open follows pySigma; what both
//! leave open is told where it is decided, here and in [`Correlator`](crate::Correlator).

mod legacy;
mod read;
mod timespan;

pub use legacy::{Aggregation, AggregationFunction};
pub use timespan::{TimeUnit, Timespan};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::metadata::{Metadata, words};
use crate::scalar::Number;

/// The largest number of rules that one correlation may name.
pub const MAX_CORRELATED_RULES: usize = 64;

words! {
    /// What a correlation looks at; specification: "Correlation Types".
    CorrelationKind {
        /// How many events there are.
        EventCount = "event_count",
        /// How many different values a field has.
        ValueCount = "value_count",
        /// Which of the rules match.
        Temporal = "temporal",
        /// Which of the rules match, one at or after the other in the order given.
        TemporalOrdered = "temporal_ordered",
        /// The sum of a field's values.
        ValueSum = "value_sum",
        /// The mean of a field's values.
        ValueAvg = "value_avg",
        /// The value that a part of a field's values does not exceed.
        ValuePercentile = "value_percentile",
        /// The middle one of a field's values; pySigma's.
        ValueMedian = "value_median",
    }
}

impl CorrelationKind {
    /// Whether it is about which rules match, and not about a number.
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }

    /// Whether it reads the values of a field.
    pub fn needs_field(self) -> bool {
        !self.is_temporal() && self != Self::EventCount
    }
}

words! {
    /// How a count is compared with a number; specification: "Condition".
    Comparison {
        /// It is greater.
        Gt = "gt",
        /// It is greater or the same.
        Gte = "gte",
        /// It is less.
        Lt = "lt",
        /// It is less or the same.
        Lte = "lte",
        /// It is the same.
        Eq = "eq",
        /// It is another.
        Neq = "neq",
    }
}

/// A comparison and the number to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// How to compare.
    pub comparison: Comparison,
    /// What with.
    pub number: Number,
}

impl Threshold {
    /// Whether a value passes.
    pub fn accepts(self, value: Number) -> bool {
        value.compare(self.number).is_some_and(|ordering| match self.comparison {
            Comparison::Gt => ordering.is_gt(),
            Comparison::Gte => ordering.is_ge(),
            Comparison::Lt => ordering.is_lt(),
            Comparison::Lte => ordering.is_le(),
            Comparison::Eq => ordering.is_eq(),
            Comparison::Neq => ordering.is_ne(),
        })
    }

    /// Whether a value that passes still does when it grows.
    pub(crate) fn is_lower_bound(self) -> bool {
        matches!(self.comparison, Comparison::Gt | Comparison::Gte)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.comparison, self.number)
    }
}

/// When a correlation holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CorrelationCondition {
    /// Every rule matches: what a temporal correlation without a condition means.
    AllRules,
    /// A number passes every threshold.
    Thresholds(Thresholds),
    /// Rules match as a sentence over their names says: pySigma's extended condition.
    Rules(Condition),
}

/// Thresholds and the number that they are about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The thresholds; several make a range, and all must hold.
    pub thresholds: Vec<Threshold>,
    /// The fields whose values are counted or measured; a tuple where there are several.
    pub fields: Vec<String>,
    /// For [`CorrelationKind::ValuePercentile`]: which percentile is compared, from 0 to 100. Without it the
    /// thresholds are about the share of events that have the same value, in percent, as in the specification's
    /// example of a rare process name.
    pub percentile: Option<f64>,
}

/// A name for fields that are called otherwise from rule to rule; specification: "Field Name Aliases".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The name that `group-by` uses.
    pub name: String,
    /// For the id or name of a rule, the field in its events.
    pub fields: Vec<(String, String)>,
}

impl Correlation {
    /// The ids and names of what it is about: those in its list, and those that only its sentence has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let sentence = match &self.condition {
            CorrelationCondition::Rules(condition) => Some(condition),
            CorrelationCondition::AllRules | CorrelationCondition::Thresholds(_) => None,
        };
        let listed = self.rules.iter().map(String::as_str);
        listed.chain(sentence.into_iter().flat_map(|condition| condition.selections()))
    }
}

/// A correlation rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// What it says about itself. Its level is the result's; the specification leaves open whether tags are
    /// inherited.
    pub metadata: Metadata,
    /// What it looks at.
    pub kind: CorrelationKind,
    /// The ids or names of the rules and correlations it is about; may be empty if the condition names them.
    pub rules: Vec<String>,
    /// The fields whose values must be the same; none means that all matches are one group.
    pub group_by: Vec<String>,
    /// Names for fields that are called otherwise from rule to rule.
    pub aliases: Vec<Alias>,
    /// How far apart the first and last event of a window may be.
    pub timespan: Timespan,
    /// When it holds.
    pub condition: CorrelationCondition,
    /// Whether the rules it names still give matches of their own.
    pub generate: bool,
    /// Whether it was an aggregation behind a pipe in a rule of the same id and title.
    pub is_translated: bool,
}
