//! Why a rule does or does not hold for an event: its detection as a tree with each part true or false.
//!
//! A reading of the specification beside the evaluator's, which stops as soon as it knows the answer: here
//! every part is asked. The tests compare the two.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::compile::{Compiled, Expr};
use crate::detection::{Detection, Item, Selection};
use crate::event::{Event, Value};
use crate::predicate::{Predicate, Test};
use crate::rule::{CompiledRule, Rule};

/// The largest number of values of a field, or of keywords' texts, that are kept.
const MAX_FOUND: usize = 16;

/// A part of a detection, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it holds.
    pub holds: bool,
    /// What it is.
    pub part: ExplainedPart,
    /// What it is made of.
    pub members: Vec<Explanation>,
}

/// What a part of a detection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExplainedPart {
    /// All members must hold.
    All,
    /// One member must hold.
    Any,
    /// So many members must hold.
    AtLeast(u32),
    /// The member must not hold.
    Not,
    /// The selection of that name.
    Selection(String),
    /// A selection of a filter that was added to the rule.
    FilterSelection,
    /// A field or keywords.
    Item(ExplainedItem),
}

/// A field or keywords, what is asked of them and what the event has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedItem {
    /// The field; none for keywords.
    pub field: Option<String>,
    /// The key as the rule writes it, such as `Image|endswith`; `keywords` for those without one.
    pub written: String,
    /// Whether every value must be met.
    pub all: bool,
    /// Whether the item holds when its values are not met.
    pub negated: bool,
    /// The values in the order of the rule.
    pub values: Vec<ExplainedValue>,
    /// What the event has: the field's values, none for one that is null; for keywords the texts in which one
    /// was found. Sixteen at most.
    pub found: Vec<Option<String>>,
}

/// A value of a rule, and whether the event meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedValue {
    /// The value as the rule writes it.
    pub written: String,
    /// Whether the event meets it.
    pub met: bool,
}

/// What held of a rule for one event, without the words: the truth of each part of its [`Explanation`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whether a part holds, from the top down: a part, then its members.
    pub holds: Vec<bool>,
    /// The items among them, in their order.
    pub items: Vec<ItemEvidence>,
}

/// What an event has of what an item asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemEvidence {
    /// Which of the item's values are met, by their number.
    pub met: Vec<usize>,
    /// As [`ExplainedItem::found`].
    pub found: Vec<Option<String>>,
}

impl Rule {
    /// Why the rule does or does not hold for an event, whatever log the event is from.
    pub fn explain(&self, event: &dyn Event) -> Explanation {
        let words = Words::Written(&self.detection);
        Reader { compiled: self.compiled(), words, event }.expr(&self.compiled().condition, None)
    }
}

impl CompiledRule {
    /// As [`Rule::explain`], with the values as they were made ready, since how they were written is not kept.
    pub fn explain(&self, event: &dyn Event) -> Explanation {
        let words = Words::Names(self.selection_names());
        Reader { compiled: self.compiled(), words, event }.expr(&self.compiled().condition, None)
    }

    /// What of the rule holds for an event: as [`explain`](Self::explain), many times as fast.
    pub fn evidence(&self, event: &dyn Event) -> Evidence {
        let mut witness = Witness { compiled: self.compiled(), event, evidence: Evidence::default() };
        witness.expr(&self.compiled().condition);
        witness.evidence
    }
}

/// What is known of how a rule was written.
#[derive(Clone, Copy)]
enum Words<'a> {
    /// All of it.
    Written(&'a Detection),
    /// The names of its selections.
    Names(&'a [String]),
}

impl<'a> Words<'a> {
    fn name(self, index: usize) -> Option<&'a String> {
        match self {
            Self::Written(detection) => detection.selections.get(index).map(|named| &named.name),
            Self::Names(names) => names.get(index),
        }
    }

    fn selection(self, index: usize) -> Option<&'a Selection> {
        match self {
            Self::Written(detection) => detection.selections.get(index).map(|named| &named.selection),
            Self::Names(_) => None,
        }
    }
}

/// Reads a detection that was made ready beside the one that was written, for the words.
struct Reader<'a> {
    compiled: &'a Compiled,
    words: Words<'a>,
    event: &'a dyn Event,
}

impl Reader<'_> {
    fn expr(&self, expr: &Expr, written: Option<&Selection>) -> Explanation {
        match expr {
            // What joins a single part says no more than the part does.
            Expr::All(members) | Expr::Any(members) if members.len() == 1 => {
                let only = self.members(members, written).pop();
                let nothing = Explanation { holds: false, part: ExplainedPart::Any, members: Vec::new() };
                only.unwrap_or(nothing)
            }
            Expr::All(members) => {
                let members = self.members(members, written);
                let holds = members.iter().all(|member| member.holds);
                Explanation { holds, part: ExplainedPart::All, members }
            }
            Expr::Any(members) => {
                let members = self.members(members, written);
                let holds = members.iter().any(|member| member.holds);
                Explanation { holds, part: ExplainedPart::Any, members }
            }
            Expr::AtLeast(n, members) => {
                let members = self.members(members, written);
                let n_holding = members.iter().filter(|member| member.holds).count();
                let holds = usize::try_from(*n).is_ok_and(|n| n_holding >= n);
                Explanation { holds, part: ExplainedPart::AtLeast(*n), members }
            }
            Expr::Not(inner) => {
                let inner = self.expr(inner, None);
                Explanation { holds: !inner.holds, part: ExplainedPart::Not, members: vec![inner] }
            }
            Expr::Selection(index) => self.selection(*index),
            Expr::Predicate(predicate) => self.predicate(predicate, written.and_then(only_item)),
        }
    }

    fn members(&self, members: &[Expr], written: Option<&Selection>) -> Vec<Explanation> {
        let member = |(index, expr): (usize, &Expr)| match (written, expr) {
            (Some(Selection::All(items)), Expr::Predicate(predicate)) => {
                self.predicate(predicate, items.get(index))
            }
            (Some(Selection::Any(written)), expr) => self.expr(expr, written.get(index)),
            _ => self.expr(expr, None),
        };
        members.iter().enumerate().map(member).collect()
    }

    /// A selection whose items are all of them needed shows them at once.
    fn selection(&self, index: usize) -> Explanation {
        let name = self.words.name(index);
        let part = name.map_or(ExplainedPart::FilterSelection, |name| ExplainedPart::Selection(name.clone()));
        let Some(expr) = self.compiled.selections.get(index) else {
            return Explanation { holds: false, part, members: Vec::new() };
        };
        let inner = self.expr(expr, self.words.selection(index));
        let members = if inner.part == ExplainedPart::All { inner.members } else { vec![inner.clone()] };
        Explanation { holds: inner.holds, part, members }
    }

    fn predicate(&self, predicate: &Predicate, written: Option<&Item>) -> Explanation {
        let values: Vec<ExplainedValue> = predicate
            .tests
            .iter()
            .enumerate()
            .map(|(index, test)| ExplainedValue {
                written: written
                    .and_then(|item| item.values.get(index))
                    .map_or_else(|| test_in_words(test), ToString::to_string),
                met: predicate.is_met(test, self.event),
            })
            .collect();
        let met = |value: &ExplainedValue| value.met;
        let is_met = if predicate.all { values.iter().all(met) } else { values.iter().any(met) };
        let item = ExplainedItem {
            field: predicate.field.clone(),
            written: key_in_words(predicate, written),
            all: predicate.all,
            negated: predicate.negated,
            values,
            found: found(self.event, predicate),
        };
        Explanation {
            holds: is_met != predicate.negated,
            part: ExplainedPart::Item(item),
            members: Vec::new(),
        }
    }
}

/// What an event has of what an item asks about.
fn found(event: &dyn Event, predicate: &Predicate) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut keep = |text: Option<&str>| {
        found.push(text.map(str::to_owned));
        if found.len() < MAX_FOUND { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Breaking off is how the number is kept small.
    let _ = match &predicate.field {
        Some(field) => event.values(field, &mut |value| keep(value.text())),
        None => event.texts(&mut |text| {
            let is_hit = predicate.tests.iter().any(|test| test.accepts(Value::Text(text)));
            if is_hit { keep(Some(text)) } else { ControlFlow::Continue(()) }
        }),
    };
    found
}

/// Goes the way of [`Reader`] and notes the truth alone.
struct Witness<'a> {
    compiled: &'a Compiled,
    event: &'a dyn Event,
    evidence: Evidence,
}

impl Witness<'_> {
    fn expr(&mut self, expr: &Expr) -> bool {
        match single(expr) {
            Expr::All(members) => self.part(|witness| witness.count(members) == members.len()),
            // An empty list that was to be a single part has none that holds.
            Expr::Any(members) => self.part(|witness| witness.count(members) > 0),
            Expr::AtLeast(n, members) => self.part(|witness| {
                let n_holding = witness.count(members);
                usize::try_from(*n).is_ok_and(|n| n_holding >= n)
            }),
            Expr::Not(inner) => self.part(|witness| !witness.expr(inner)),
            Expr::Selection(index) => self.part(|witness| witness.selection(*index)),
            Expr::Predicate(predicate) => self.part(|witness| witness.predicate(predicate)),
        }
    }

    /// Notes a part before its members, though its truth is only known after them.
    fn part(&mut self, holds: impl FnOnce(&mut Self) -> bool) -> bool {
        let place = self.evidence.holds.len();
        self.evidence.holds.push(false);
        let holds = holds(self);
        if let Some(noted) = self.evidence.holds.get_mut(place) {
            *noted = holds;
        }
        holds
    }

    /// How many hold; every one is asked.
    fn count(&mut self, members: &[Expr]) -> usize {
        members.iter().map(|member| usize::from(self.expr(member))).sum()
    }

    fn selection(&mut self, index: usize) -> bool {
        let compiled = self.compiled;
        match compiled.selections.get(index).map(single) {
            None => false,
            Some(Expr::All(members)) => self.count(members) == members.len(),
            Some(other) => self.expr(other),
        }
    }

    fn predicate(&mut self, predicate: &Predicate) -> bool {
        let tests = predicate.tests.iter().enumerate();
        let met = tests.filter(|(_, test)| predicate.is_met(test, self.event)).map(|(index, _)| index);
        let met: Vec<usize> = met.collect();
        let is_met = if predicate.all { met.len() == predicate.tests.len() } else { !met.is_empty() };
        self.evidence.items.push(ItemEvidence { met, found: found(self.event, predicate) });
        is_met != predicate.negated
    }
}

/// What a part comes to that only joins one other.
fn single(expr: &Expr) -> &Expr {
    match expr {
        Expr::All(members) | Expr::Any(members) => match members.as_slice() {
            [only] => single(only),
            _ => expr,
        },
        _ => expr,
    }
}

fn only_item(selection: &Selection) -> Option<&Item> {
    match selection {
        Selection::Keywords(item) => Some(item),
        Selection::All(items) => items.first().filter(|_| items.len() == 1),
        Selection::Any(_) => None,
    }
}

fn key_in_words(predicate: &Predicate, written: Option<&Item>) -> String {
    let field = predicate.field.as_deref().unwrap_or("keywords");
    let modifiers = match written {
        Some(item) => item.modifiers.iter().map(|modifier| modifier.name()).collect(),
        None => Vec::from_iter(predicate.all.then_some("all")),
    };
    std::iter::once(field).chain(modifiers).collect::<Vec<_>>().join("|")
}

/// What a test asks, where it is not at hand how it was written.
fn test_in_words(test: &Test) -> String {
    match test {
        Test::Text(matcher) => matcher.pattern().to_string(),
        Test::Number { spelled, .. } => spelled.clone(),
        Test::Null => "null".to_owned(),
        Test::Exists(wanted) => wanted.to_string(),
        Test::Regex(regex) => regex.to_string(),
        Test::Network(network) => network.to_string(),
        Test::FieldRef { field, .. } => format!("the value of {field}"),
        Test::Compare { ordering, number } => format!("{ordering:?} {number:?}"),
        Test::Time { part, ordering, number } => format!("{part:?} {ordering:?} {number:?}"),
        Test::AnyOf(tests) => tests.iter().map(test_in_words).collect::<Vec<_>>().join(" or "),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Collection, FieldList, Placeholders, Value};

    use super::*;

    /// The tree as lines, each part with `+` where it holds.
    fn show(explanation: &Explanation, depth: usize, lines: &mut Vec<String>) {
        let sign = if explanation.holds { '+' } else { '-' };
        let words = match &explanation.part {
            ExplainedPart::Selection(name) => name.clone(),
            ExplainedPart::Item(item) => {
                let values: Vec<String> = item
                    .values
                    .iter()
                    .map(|value| format!("{}{}", if value.met { "+" } else { "-" }, value.written))
                    .collect();
                format!("{} {} found {:?}", item.written, values.join(" "), item.found)
            }
            other => format!("{other:?}").to_lowercase(),
        };
        lines.push(format!("{}{sign}{words}", " ".repeat(depth)));
        explanation.members.iter().for_each(|member| show(member, depth + 1, lines));
    }

    #[track_caller]
    fn check(detection: &str, expected: &[&str]) {
        let text = format!("title: x\nlogsource: {{product: windows}}\ndetection: {detection}\n");
        let collection = Collection::parse(&text, &Placeholders::default());
        let event = FieldList::from([
            ("Image", Value::Text(r"C:\cmd.exe")),
            ("User", Value::Null),
            ("Line", Value::Text("a -b")),
        ]);
        let explanation = collection.rules[0].explain(&event);
        assert_eq!(explanation.holds, collection.rules[0].matches(&event));
        let mut lines = Vec::new();
        show(&explanation, 0, &mut lines);
        assert_eq!(lines, expected);
        let compiled = CompiledRule::from(collection.rules[0].clone());
        assert_eq!(compiled.evidence(&event), evidence_of(&explanation));
        assert_eq!(compiled.evidence(&event), evidence_of(&compiled.explain(&event)));
    }

    /// The truth of an explanation without its words.
    fn evidence_of(explanation: &Explanation) -> Evidence {
        let mut evidence = Evidence { holds: vec![explanation.holds], items: Vec::new() };
        if let ExplainedPart::Item(item) = &explanation.part {
            let met = item.values.iter().enumerate().filter(|(_, value)| value.met);
            let met = met.map(|(index, _)| index).collect();
            evidence.items.push(ItemEvidence { met, found: item.found.clone() });
        }
        for member in explanation.members.iter().map(evidence_of) {
            evidence.holds.extend(member.holds);
            evidence.items.extend(member.items);
        }
        evidence
    }

    #[test]
    fn a_rule_without_its_spelling_has_the_words_of_what_it_asks() {
        let text = r"{title: x, logsource: {product: windows}, detection: {sel: {Image|endswith: '\cmd.exe', Line|contains|all: [a, b]}, condition: sel}}";
        let collection = Collection::parse(text, &Placeholders::default());
        let compiled = CompiledRule::from(collection.rules[0].clone());
        let mut lines = Vec::new();
        show(&compiled.explain(&FieldList::default()), 0, &mut lines);
        assert_eq!(lines, ["-sel", r" -Image -*\cmd.exe found []", " -Line|all -*a* -*b* found []"]);
    }

    #[test]
    fn trees() {
        check(
            r"{a: {Image|endswith: ['\cmd.exe', '\sh'], User: null}, b: {Line|contains: x}, condition: a and not b}",
            &[
                "+all",
                " +a",
                r#"  +Image|endswith +\cmd.exe -\sh found [Some("C:\\cmd.exe")]"#,
                "  +User +null found [None]",
                " +not",
                "  -b",
                r#"   -Line|contains -x found [Some("a -b")]"#,
            ],
        );
        check(
            "{a: [{Image: x}, {Gone: y, Line|contains: b}], keywords: ['-b', zz], condition: 1 of them}",
            &[
                "+any",
                " -a",
                "  -any",
                r#"   -Image -x found [Some("C:\\cmd.exe")]"#,
                "   -all",
                "    -Gone -y found []",
                r#"    +Line|contains +b found [Some("a -b")]"#,
                " +keywords",
                r#"  +keywords +-b -zz found [Some("a -b")]"#,
            ],
        );
    }
}
