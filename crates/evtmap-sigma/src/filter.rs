//! Filters: conditions that are added to other people's rules.
//!
//! Specification: sigma-filters-specification. A filter is joined to each rule that it names, or to any, if
//! its log source covers the rule's: the rule then holds where its own condition *and* the filter's hold.
//! The names of the filter's selections are its own and never mix with the rule's.

use crate::Placeholders;
use crate::compile::{self, Compiled, Expr};
use crate::condition::Condition;
use crate::detection::{Detection, Item};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::logsource::LogSource;
use crate::metadata::Metadata;
use crate::modifier::Modifier;
use crate::rule::Rule;
use crate::yaml::{Data, Node};

/// A filter.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What the filter says about itself.
    pub metadata: Metadata,
    /// Which rules' log sources it is for.
    pub logsource: LogSource,
    /// The ids or names of the rules it is for; none means any.
    pub rules: Option<Vec<String>>,
    /// Selections and condition as written.
    pub detection: Detection,
    compiled: Compiled,
}

impl Filter {
    /// Reads a filter from a document; problems are noted, and a filter with an error is not given.
    pub(crate) fn read(node: &Node, placeholders: &Placeholders, problems: &mut Diagnostics) -> Option<Self> {
        let metadata = Metadata::read(node, problems);
        // Without a log source a filter is about every rule that it names.
        let logsource = match node.get("logsource") {
            Some(_) => LogSource::read(node, problems),
            None => LogSource::default(),
        };
        let section = node.get("filter")?;
        let rules = read_rules(section, problems);
        let detection = Detection::read_without(section, &["rules"], problems);
        if detection.aggregation.is_some() {
            problems.note(Code::LegacyAggregation, section.place, "a filter cannot aggregate events");
        }
        if detection.conditions.len() > 1 {
            let message = "a filter has one condition";
            problems.note(Code::InvalidCondition, detection.condition_place, message);
        }
        if !detection.conditions.is_empty() && !negates(&detection) {
            let message = "the filter has no `not`: rules will hold only where it holds";
            problems.push(
                Diagnostic::new(Code::PositiveFilter, detection.condition_place, message)
                    .help("to leave out what it selects, write `condition: not selection`"),
            );
        }
        let compiled = compile::compile(&detection, placeholders, problems)?;
        Some(Self { metadata, logsource, rules, detection, compiled })
    }

    /// Whether the filter is for a rule.
    pub fn is_for(&self, rule: &Rule) -> bool {
        self.is_about(&rule.metadata, &rule.logsource)
    }

    /// Whether the filter is for a rule of which this is known.
    pub fn is_about(&self, metadata: &Metadata, logsource: &LogSource) -> bool {
        let is_named = |names: &Vec<String>| names.iter().any(|name| metadata.is_called(name));
        self.rules.as_ref().is_none_or(is_named) && self.logsource.covers(logsource)
    }

    /// The detection made ready, without the rules that it is added to.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Adds the filter to a rule: both conditions must hold.
    pub fn apply(&self, rule: &mut Rule) {
        rule.compiled_mut().and(&self.compiled);
    }
}

/// Whether a filter leaves anything out, by `not` or by `neq`.
fn negates(detection: &Detection) -> bool {
    let neq = Modifier::named("neq");
    let has_neq = |item: &Item| item.modifiers.iter().any(|modifier| Some(*modifier) == neq);
    detection.conditions.iter().any(Condition::has_not)
        || detection.selections.iter().any(|named| named.selection.items().any(has_neq))
}

fn read_rules(section: &Node, problems: &mut Diagnostics) -> Option<Vec<String>> {
    match section.get("rules").map(|rules| &rules.data) {
        Some(Data::Sequence(items)) if !items.is_empty() => {
            Some(items.iter().filter_map(|item| item.text().map(str::to_owned)).collect())
        }
        Some(Data::Scalar { text, .. }) if text.eq_ignore_ascii_case("any") => None,
        Some(Data::Scalar { text, .. }) if !text.is_empty() => Some(vec![text.clone()]),
        Some(Data::Mapping(_)) => {
            problems.note(
                Code::InvalidAttribute,
                section.place,
                "`rules` is a list of ids or names, or `any`",
            );
            Some(Vec::new())
        }
        Some(Data::Sequence(_) | Data::Scalar { .. }) | None => {
            let message = "the filter does not say for which rules, so it is for all of its log source";
            problems.push(
                Diagnostic::new(Code::UnknownValue, section.place, message)
                    .help("add `rules:` with a list of ids or names, or `rules: any`"),
            );
            None
        }
    }
}

impl Compiled {
    /// Joins another detection to this one; the other's selections keep their own indices. However many are joined,
    /// the condition nests no deeper.
    fn and(&mut self, other: &Self) {
        let offset = self.selections.len();
        self.selections.extend(other.selections.iter().cloned());
        let mut members = match std::mem::replace(&mut self.condition, Expr::All(Vec::new())) {
            Expr::All(members) => members,
            own => vec![own],
        };
        members.push(other.condition.shifted(offset));
        self.condition = Expr::All(members);
    }
}

impl Expr {
    /// The same condition about selections that stand so many places later.
    fn shifted(&self, offset: usize) -> Self {
        let all = |members: &Vec<Self>| members.iter().map(|member| member.shifted(offset)).collect();
        match self {
            Self::All(members) => Self::All(all(members)),
            Self::Any(members) => Self::Any(all(members)),
            Self::AtLeast(n, members) => Self::AtLeast(*n, all(members)),
            Self::Not(inner) => Self::Not(Box::new(inner.shifted(offset))),
            Self::Selection(index) => Self::Selection(index + offset),
            Self::Predicate(predicate) => Self::Predicate(predicate.clone()),
        }
    }
}
