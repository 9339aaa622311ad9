//! Aggregations of the first Sigma: `selection | count(User) by Host > 5` with `timeframe: 10m`.
//!
//! The specification calls them obsolete. Where a correlation means the same they are read as one; `near` and
//! whatever has no clear meaning is refused.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::metadata::words;
use crate::rule::Rule;
use crate::scalar::Number;
use crate::yaml::{Node, Place};

use super::{
    Comparison, Correlation, CorrelationCondition, CorrelationKind, Threshold, Thresholds, Timespan,
};

words! {
    /// The function of an aggregation.
    AggregationFunction {
        /// The number of events, or of a field's different values.
        Count = "count",
        /// The sum of a field's values.
        Sum = "sum",
        /// The mean of a field's values.
        Avg = "avg",
        /// The least of a field's values.
        Min = "min",
        /// The greatest of a field's values.
        Max = "max",
    }
}

/// An aggregation behind the pipe of an old condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// What is computed.
    pub function: AggregationFunction,
    /// Of which field; none counts events.
    pub field: Option<String>,
    /// The fields whose values must be the same.
    pub group_by: Vec<String>,
    /// What the result is compared with.
    pub threshold: Threshold,
    /// How far apart the first and last event may be.
    pub timespan: Timespan,
}

impl Aggregation {
    /// Reads what stands behind the pipe of a condition.
    pub(crate) fn read(text: &str, place: Place, timeframe: Option<&Node>) -> Result<Self, Diagnostic> {
        let refused = |message: String| {
            Diagnostic::new(Code::LegacyAggregation, place, message)
                .help("write a correlation rule, such as `type: event_count`")
        };
        if text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("near")) {
            return Err(refused(
                "`near` says nothing of order and time, so no correlation means the same".into(),
            ));
        }
        let Some((function, field, group_by, threshold)) = parse(text) else {
            return Err(refused(format!(
                "the aggregation `{}` cannot be read as a correlation",
                text.trim()
            )));
        };
        let Some(timeframe) = timeframe else {
            let message = "the aggregation has no `timeframe`, so it does not say within what time";
            return Err(refused(message.into()).help("add a line such as `timeframe: 10m` to the detection"));
        };
        let timespan = super::read::timespan(timeframe)?;
        Ok(Self { function, field, group_by, threshold, timespan })
    }
}

type Parts = (AggregationFunction, Option<String>, Vec<String>, Threshold);

/// `function(field) by group, group > number`
fn parse(text: &str) -> Option<Parts> {
    let (function, rest) = text.split_once('(')?;
    let function = AggregationFunction::parse(function.trim())?;
    let (field, rest) = rest.split_once(')')?;
    let field = Some(field.trim()).filter(|field| !field.is_empty()).map(str::to_owned);
    let (group_by, comparison) = rest.split_at_checked(rest.find(['<', '>', '='])?)?;
    if field.is_none() && function != AggregationFunction::Count {
        return None;
    }
    let mut words = group_by.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
    let group_by: Vec<String> = match words.next() {
        None => Vec::new(),
        Some(by) if by.eq_ignore_ascii_case("by") => words.map(str::to_owned).collect(),
        Some(_) => return None,
    };
    Some((function, field, group_by, threshold(comparison)?))
}

fn threshold(text: &str) -> Option<Threshold> {
    const SIGNS: [(&str, Comparison); 6] = [
        (">=", Comparison::Gte),
        ("<=", Comparison::Lte),
        ("==", Comparison::Eq),
        (">", Comparison::Gt),
        ("<", Comparison::Lt),
        ("=", Comparison::Eq),
    ];
    let (comparison, number) =
        SIGNS.iter().find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?)))?;
    Some(Threshold { comparison, number: Number::parse(number.trim())? })
}

impl Correlation {
    /// The correlation that a rule with an aggregation means. The rule itself is then about single events and
    /// does not fire alone; the correlation takes over what the rule says about itself.
    pub(crate) fn translate(rule: &mut Rule, problems: &mut Diagnostics) -> Option<Self> {
        let aggregation = rule.detection.aggregation.as_ref()?;
        let (kind, percentile) = match (aggregation.function, &aggregation.field) {
            (AggregationFunction::Count, None) => (CorrelationKind::EventCount, None),
            (AggregationFunction::Count, Some(_)) => (CorrelationKind::ValueCount, None),
            (AggregationFunction::Sum, _) => (CorrelationKind::ValueSum, None),
            (AggregationFunction::Avg, _) => (CorrelationKind::ValueAvg, None),
            (AggregationFunction::Min, _) => (CorrelationKind::ValuePercentile, Some(0.0)),
            (AggregationFunction::Max, _) => (CorrelationKind::ValuePercentile, Some(100.0)),
        };
        let metadata = rule.metadata.clone();
        problems.push(
            Diagnostic::new(
                Code::TranslatedAggregation,
                metadata.place,
                format!("the aggregation behind `|` was read as a correlation of type `{kind}`"),
            )
            .help("write the correlation in a document of its own"),
        );
        if metadata.id.is_none() && metadata.name.is_none() {
            rule.metadata.name = Some(metadata.title.clone());
        }
        let reference = metadata.id.as_ref().or(metadata.name.as_ref()).unwrap_or(&metadata.title).clone();
        let thresholds = Thresholds {
            thresholds: vec![aggregation.threshold],
            fields: aggregation.field.iter().cloned().collect(),
            percentile,
        };
        Some(Self {
            metadata,
            kind,
            rules: vec![reference],
            group_by: aggregation.group_by.clone(),
            aliases: Vec::new(),
            timespan: aggregation.timespan,
            condition: CorrelationCondition::Thresholds(thresholds),
            generate: false,
            is_translated: true,
        })
    }
}
