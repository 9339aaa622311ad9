//! Correlations in words: what one asks, and what it makes of events.

use std::fmt::{Result, Write};

use evtmap::authoring::{CorrelationExplanation, CorrelationResult};
use evtmap::sigma::{Correlation, CorrelationCondition};
use serde_json::{Value as Json, json};

use super::tree::sign;
use crate::terminal::{FAINT, HEADING, counted, plain};

/// How many results are shown; the rest is counted.
const MAX_RESULTS: usize = 10;

/// What it asks of its rules: `event_count gte 10 within 5m by TargetUserName`.
pub(super) fn asked(correlation: &Correlation) -> String {
    let mut text = format!("{} {}", correlation.kind, condition(correlation));
    let _ = write!(text, " within {}", correlation.timespan);
    if !correlation.group_by.is_empty() {
        let _ = write!(text, " by {}", correlation.group_by.join(", "));
    }
    text
}

/// What must hold.
pub(super) fn condition(correlation: &Correlation) -> String {
    match &correlation.condition {
        CorrelationCondition::AllRules => "of every rule".to_owned(),
        CorrelationCondition::Rules(condition) => condition.to_string(),
        CorrelationCondition::Thresholds(thresholds) => {
            let mut words: Vec<String> = thresholds.thresholds.iter().map(ToString::to_string).collect();
            if let Some(percentile) = thresholds.percentile {
                words.push(format!("(percentile {percentile})"));
            }
            if !thresholds.fields.is_empty() {
                words.push(format!("of {}", thresholds.fields.join(" and ")));
            }
            words.join(" ")
        }
    }
}

/// Renders why a correlation does or does not hold.
pub(super) fn render(explanation: &CorrelationExplanation) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_rules(&mut out, explanation);
    let _ = write_results(&mut out, explanation);
    out
}

fn write_rules(out: &mut String, explanation: &CorrelationExplanation) -> Result {
    writeln!(out, "{HEADING}rules{HEADING:#}")?;
    for rule in &explanation.rules {
        let matched = counted(rule.n_events, "event");
        writeln!(
            out,
            "  {} {} {FAINT}matches {matched}{FAINT:#}",
            sign(rule.n_events > 0),
            plain(&rule.title)
        )?;
    }
    Ok(())
}

fn write_results(out: &mut String, explanation: &CorrelationExplanation) -> Result {
    let (heading, results) = match explanation.holds {
        true => ("holds for", &explanation.results),
        false => ("came nearest", &explanation.nearest),
    };
    writeln!(out, "{HEADING}{heading}{HEADING:#}")?;
    for result in results.iter().take(MAX_RESULTS) {
        writeln!(out, "  {} {}", sign(explanation.holds), plain(&in_words(result)))?;
    }
    if results.is_empty() {
        writeln!(out, "  {FAINT}no event of its rules{FAINT:#}")?;
    }
    if let Some(n_more @ 1..) = results.len().checked_sub(MAX_RESULTS) {
        writeln!(out, "  {FAINT}and {n_more} more{FAINT:#}")?;
    }
    for remark in &explanation.remarks {
        writeln!(out, "  {FAINT}{}{FAINT:#}", plain(remark))?;
    }
    Ok(())
}

fn in_words(result: &CorrelationResult) -> String {
    let group: Vec<String> = result
        .group
        .iter()
        .map(|(name, value)| {
            format!("{name} {}", value.as_ref().map_or("absent".to_owned(), |v| format!("`{v}`")))
        })
        .collect();
    let group = if group.is_empty() { "all together".to_owned() } else { group.join(", ") };
    let events = counted(result.n_events, "event");
    format!("{group}: {} ({events}, {} to {})", result.value, result.first, result.last)
}

/// The explanation as JSON.
pub(super) fn json(explanation: &CorrelationExplanation) -> Json {
    let result = |result: &CorrelationResult| {
        let group: serde_json::Map<String, Json> =
            result.group.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "group": group,
            "value": result.value,
            "events": result.n_events,
            "first": result.first.to_string(),
            "last": result.last.to_string(),
        })
    };
    let rules: Vec<Json> =
        explanation.rules.iter().map(|rule| json!({"title": rule.title, "events": rule.n_events})).collect();
    json!({
        "matches": explanation.holds,
        "rules": rules,
        "results": explanation.results.iter().map(result).collect::<Vec<Json>>(),
        "nearest": explanation.nearest.iter().map(result).collect::<Vec<Json>>(),
        "remarks": explanation.remarks,
    })
}
