//! Why a rule held, as JSON: its condition as a tree, and of each part whether it holds.

use evtmap_sigma::{Evidence, ExplainedItem, ExplainedPart, Explanation, ItemEvidence};
use schemars::JsonSchema;
use serde::Serialize;

/// A part of a rule's condition, and whether it holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PartLine<'a> {
    /// What it is: `all` and `any` of its parts, `at_least` so many, `not` its part, a `selection`, a `filter`
    /// beside the rule, or an `item`: a field or keywords and what is asked of them.
    part: &'static str,
    /// Whether it holds.
    holds: bool,
    /// How many parts must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    /// The name of a selection, or the field of an item, with its modifiers as far as they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Whether an item holds when its values are not met.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    negated: bool,
    /// The values of an item, and which of them the event meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<ValueLine<'a>>>,
    /// What the event has of the item's field, or the texts in which keywords were found; at most 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a [Option<String>]>,
    /// What it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartLine<'a>>,
}

/// A value that a rule asks for.
#[derive(Debug, Serialize, JsonSchema)]
struct ValueLine<'a> {
    /// The value, with wildcards where the modifiers put them.
    value: &'a str,
    /// Whether the event meets it.
    met: bool,
}

impl<'a> PartLine<'a> {
    /// A condition with what held of it.
    pub(super) fn of(condition: &'a Explanation, evidence: &'a Evidence) -> Self {
        let mut witness = Witness { holds: evidence.holds.iter(), items: evidence.items.iter() };
        witness.part(condition)
    }
}

/// Goes through what held in the order of the parts.
struct Witness<'a> {
    holds: std::slice::Iter<'a, bool>,
    items: std::slice::Iter<'a, ItemEvidence>,
}

impl<'a> Witness<'a> {
    fn part(&mut self, explanation: &'a Explanation) -> PartLine<'a> {
        let mut line = PartLine {
            part: "item",
            holds: self.holds.next().copied().unwrap_or_default(),
            n: None,
            name: None,
            negated: false,
            values: None,
            found: None,
            parts: Vec::new(),
        };
        match &explanation.part {
            ExplainedPart::All => line.part = "all",
            ExplainedPart::Any => line.part = "any",
            ExplainedPart::AtLeast(n) => (line.part, line.n) = ("at_least", Some(*n)),
            ExplainedPart::Not => line.part = "not",
            ExplainedPart::Selection(name) => (line.part, line.name) = ("selection", Some(name.as_str())),
            ExplainedPart::FilterSelection => line.part = "filter",
            ExplainedPart::Item(item) => self.item(item, &mut line),
        }
        line.parts = explanation.members.iter().map(|member| self.part(member)).collect();
        line
    }

    fn item(&mut self, item: &'a ExplainedItem, line: &mut PartLine<'a>) {
        let evidence = self.items.next();
        let met = evidence.map_or(&[][..], |evidence| &evidence.met);
        let values = item.values.iter().enumerate();
        let values =
            values.map(|(place, value)| ValueLine { value: &value.written, met: met.contains(&place) });
        line.values = Some(values.collect());
        line.name = Some(&item.written);
        line.negated = item.negated;
        line.found = evidence.map(|evidence| evidence.found.as_slice());
    }
}
