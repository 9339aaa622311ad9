//! The explanation of a rule as a tree of lines.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use evtmap::RuleExplanation;
use evtmap::sigma::{ExplainedItem, ExplainedPart, Explanation};
use serde_json::{Value as Json, json};

use crate::terminal::{FAINT, HEADING, plain};

const YES: Style = AnsiColor::Green.on_default().bold();
const NO: Style = AnsiColor::Red.on_default().bold();

/// How many values of a long list are shown when none of them was met.
const MAX_VALUES: usize = 5;
/// How much of a value of an event is shown, in characters.
const MAX_SHOWN: usize = 300;

/// Renders why a rule matches or not: the log source, then the condition.
pub(super) fn render(explanation: &RuleExplanation) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_places(&mut out, explanation);
    let _ = writeln!(out, "{HEADING}detection{HEADING:#}");
    write(&mut out, &explanation.detection, 1);
    out
}

/// A mark for what holds and for what does not.
pub(super) fn sign(holds: bool) -> String {
    if holds { format!("{YES}✓{YES:#}") } else { format!("{NO}✗{NO:#}") }
}

fn write_places(out: &mut String, explanation: &RuleExplanation) -> std::fmt::Result {
    writeln!(out, "{HEADING}log source{HEADING:#}")?;
    if explanation.places.is_empty() {
        writeln!(out, "  {} it is in no Windows log that is known", sign(false))?;
    }
    for place in &explanation.places {
        let line = place_in_words(&place.place);
        write!(out, "  {} {}", sign(place.mismatches.is_empty()), plain(&line))?;
        if !place.mismatches.is_empty() {
            write!(out, " {FAINT}({}){FAINT:#}", plain(&place.mismatches.join(", ")))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A place in the logs: `Security, event 4688, if …`.
pub(super) fn place_in_words(place: &evtmap::LogPlace) -> String {
    let mut line =
        if place.channels.is_empty() { "every channel".to_owned() } else { place.channels.join(" or ") };
    if !place.event_ids.is_empty() {
        let ids: Vec<String> = place.event_ids.iter().map(ToString::to_string).collect();
        line += &format!(", event {}", ids.join(", "));
    }
    for (field, values) in &place.conditions {
        line += &format!(", {field} {}", values.join(" or "));
    }
    if place.is_derived {
        line += ", derived";
    }
    line
}

fn write(out: &mut String, explanation: &Explanation, depth: usize) {
    let indent = "  ".repeat(depth);
    let words = match &explanation.part {
        ExplainedPart::All => "all of".to_owned(),
        ExplainedPart::Any => "any of".to_owned(),
        ExplainedPart::AtLeast(n) => format!("at least {n} of"),
        ExplainedPart::Not => "not".to_owned(),
        ExplainedPart::Selection(name) => format!("{HEADING}{}{HEADING:#}", plain(name)),
        ExplainedPart::FilterSelection => "a filter's selection".to_owned(),
        ExplainedPart::Item(item) => return write_item(out, item, explanation.holds, &indent),
    };
    let _ = writeln!(out, "{indent}{} {words}", sign(explanation.holds));
    explanation.members.iter().for_each(|member| write(out, member, depth + 1));
}

fn write_item(out: &mut String, item: &ExplainedItem, holds: bool, indent: &str) {
    let _ = writeln!(out, "{indent}{} {}: {}", sign(holds), plain(&item.written), plain(&asked(item)));
    let has = if item.found.is_empty() {
        match item.field {
            Some(_) => "the event does not have the field".to_owned(),
            None => "none of them is in the event".to_owned(),
        }
    } else {
        let found: Vec<String> = item.found.iter().map(|value| shown(value.as_deref())).collect();
        format!("the event has {}", found.join(", "))
    };
    let _ = writeln!(out, "{indent}    {FAINT}{}{FAINT:#}", plain(&has));
}

/// The values that decide: those met, or else the first ones; under `all` those not met.
fn asked(item: &ExplainedItem) -> String {
    let quoted = |text: &str| format!("`{text}`");
    let of = |met: bool| {
        let values = item.values.iter().filter(move |value| value.met == met);
        values.map(|value| quoted(&value.written)).collect::<Vec<String>>()
    };
    let (met, unmet) = (of(true), of(false));
    let listed = |mut values: Vec<String>| {
        let n_more = values.len().saturating_sub(MAX_VALUES);
        values.truncate(MAX_VALUES);
        let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
        format!("{}{more}", values.join(", "))
    };
    match (item.values.len(), item.all) {
        (1, _) => listed(of(met.len() == 1)),
        (_, true) if unmet.is_empty() => format!("all of {}", listed(met)),
        (n, true) => format!("{} of {n} are missing: {}", unmet.len(), listed(unmet)),
        (n, false) if met.is_empty() => format!("none of {n}: {}", listed(unmet)),
        (n, false) => format!("{} of {n}: {}", met.len(), listed(met)),
    }
}

fn shown(value: Option<&str>) -> String {
    let Some(text) = value else { return "no value".to_owned() };
    let mut short: String = text.chars().take(MAX_SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

/// The explanation as JSON.
pub(super) fn json(explanation: &RuleExplanation) -> Json {
    let places: Vec<Json> = explanation
        .places
        .iter()
        .map(|place| {
            json!({
                "channels": place.place.channels,
                "event_ids": place.place.event_ids,
                "fits": place.mismatches.is_empty(),
                "mismatches": place.mismatches,
                "holds": place.holds,
            })
        })
        .collect();
    json!({
        "matches": explanation.matches,
        "places": places,
        "detection": part_json(&explanation.detection),
    })
}

fn part_json(explanation: &Explanation) -> Json {
    let (kind, more) = match &explanation.part {
        ExplainedPart::All => ("all", Json::Null),
        ExplainedPart::Any => ("any", Json::Null),
        ExplainedPart::AtLeast(n) => ("at_least", json!(n)),
        ExplainedPart::Not => ("not", Json::Null),
        ExplainedPart::Selection(name) => ("selection", json!(name)),
        ExplainedPart::FilterSelection => ("filter_selection", Json::Null),
        ExplainedPart::Item(item) => {
            let values: Vec<Json> =
                item.values.iter().map(|value| json!({"value": value.written, "met": value.met})).collect();
            return json!({
                "kind": "item",
                "holds": explanation.holds,
                "field": item.field,
                "key": item.written,
                "all": item.all,
                "negated": item.negated,
                "values": values,
                "found": item.found,
            });
        }
    };
    let members: Vec<Json> = explanation.members.iter().map(part_json).collect();
    let mut part = json!({"kind": kind, "holds": explanation.holds, "members": members});
    if let (Json::Object(part), false) = (&mut part, more.is_null()) {
        let key = if kind == "selection" { "name" } else { "n" };
        part.insert(key.to_owned(), more);
    }
    part
}
