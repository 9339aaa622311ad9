//! What held of a rule, as the page reads it.

use std::fmt::Write;

use evtmap_sigma::{Evidence, ExplainedItem, ExplainedPart, Explanation};

use super::document::Part;
use crate::alert::AlertEvent;

/// The condition of a rule.
pub(super) fn part(explanation: &Explanation) -> Part {
    let members = || explanation.members.iter().map(part).collect::<Vec<_>>();
    match &explanation.part {
        ExplainedPart::All => Part::All { all: members() },
        ExplainedPart::Any => Part::Any { any: members() },
        ExplainedPart::AtLeast(n) => Part::AtLeast { at_least: *n, of: members() },
        ExplainedPart::Not => match explanation.members.first() {
            Some(member) => Part::Not { not: Box::new(part(member)) },
            None => Part::Any { any: Vec::new() },
        },
        ExplainedPart::Selection(name) => Part::Selection { selection: name.clone(), of: members() },
        ExplainedPart::FilterSelection => {
            Part::Selection { selection: "filter beside the rule".to_owned(), of: members() }
        }
        ExplainedPart::Item(item) => Part::Item {
            item: item.written.clone(),
            field: item.field.clone(),
            values: item.values.iter().map(|value| value.written.clone()).collect(),
            every: item.all,
            negated: item.negated,
        },
    }
}

/// How many values a condition asks for.
pub(super) fn n_values(explanation: &Explanation) -> usize {
    let own = match &explanation.part {
        ExplainedPart::Item(item) => item.values.len(),
        _ => 0,
    };
    own + explanation.members.iter().map(n_values).sum::<usize>()
}

/// The parts from the top down, each `1` or `0`, and the values that each item met: `1110;0:2`.
pub(super) fn text(evidence: &Evidence) -> String {
    let mut text: String = evidence.holds.iter().map(|holds| if *holds { '1' } else { '0' }).collect();
    for (number, item) in evidence.items.iter().enumerate().filter(|(_, item)| !item.met.is_empty()) {
        let met: Vec<String> = item.met.iter().map(ToString::to_string).collect();
        // Writing to a string cannot fail.
        let _ = write!(text, ";{number}:{}", met.join(","));
    }
    text
}

/// What items found that is not among the event's fields under the name that the rule uses, by the items'
/// numbers: fields that are called otherwise there, those of the System part, and what keywords were found in.
pub(super) fn found_elsewhere<'e>(
    evidence: &'e Evidence,
    condition: &Explanation,
    event: &AlertEvent,
) -> Vec<(usize, &'e [Option<String>])> {
    let mut items = Vec::new();
    collect(condition, &mut items);
    let found = evidence.items.iter().zip(items).enumerate();
    found
        .filter(|(_, (item, asked))| !item.found.is_empty() && !is_own(&item.found, asked, event))
        .map(|(number, (item, _))| (number, item.found.as_slice()))
        .collect()
}

fn collect<'c>(part: &'c Explanation, items: &mut Vec<&'c ExplainedItem>) {
    if let ExplainedPart::Item(item) = &part.part {
        items.push(item);
    }
    part.members.iter().for_each(|member| collect(member, items));
}

/// Whether the event's fields of the item's name have just these values.
fn is_own(found: &[Option<String>], asked: &ExplainedItem, event: &AlertEvent) -> bool {
    let Some(field) = &asked.field else { return false };
    let plain = |name: &str| name.replace(' ', "").to_lowercase();
    let wanted = plain(field);
    let own = event.said.fields.iter().filter(|(name, _)| plain(name) == wanted).map(|(_, value)| value);
    own.eq(found.iter().map(Option::as_deref))
}
