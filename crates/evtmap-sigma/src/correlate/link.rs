//! Resolves what correlations refer to.

use std::collections::HashMap;

use crate::condition::{Condition, Quantifier};
use crate::correlation::{Comparison, Correlation, CorrelationCondition, CorrelationKind, Threshold};
use crate::diagnostic::{Code, Diagnostic};
use crate::rule::Correlatable;
use crate::scalar::Number;

use super::plan::{
    Column, Decision, Feed, GroupColumn, LinkProblem, Measure, Plan, RulePart, Sentence, Slot, Step,
};

/// The longest chain of correlations, each naming the next.
pub(super) const MAX_CHAIN: usize = 10;

/// A rule or a correlation, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Rule(usize),
    Correlation(usize),
}

/// What a correlation names: the node and the words it is named by.
type Reference = (Node, String);

pub(super) fn link(rules: &[&dyn Correlatable], correlations: &[&Correlation]) -> (Plan, Vec<LinkProblem>) {
    let mut linker = Linker::new(rules, correlations);
    let references: Vec<Option<Vec<Reference>>> =
        (0..correlations.len()).map(|index| linker.references(index)).collect();
    let order = linker.order(references.as_slice());
    let mut plan = Plan {
        rules: vec![RulePart { fires_alone: true, ..RulePart::default() }; rules.len()],
        steps: vec![None; correlations.len()],
        order: Vec::new(),
    };
    for index in order {
        let named = references.get(index).cloned().flatten().unwrap_or_default();
        let inner_refused = named.iter().find(|(node, _)| match node {
            Node::Correlation(inner) => plan.steps.get(*inner).is_none_or(Option::is_none),
            Node::Rule(_) => false,
        });
        if let Some((_, name)) = inner_refused {
            let message = format!("the correlation `{name}` that it names cannot be used");
            linker.problem(index, Diagnostic::new(Code::UnknownReference, linker.place(index), message));
        } else if let Some((step, named)) = linker.step(index, &named, &plan)
            && let Some(place) = plan.steps.get_mut(index)
        {
            *place = Some(step);
            linker.used.insert(index, named);
            plan.order.push(index);
        }
    }
    linker.connect(&mut plan);
    (plan, linker.problems)
}

struct Linker<'a> {
    rules: &'a [&'a dyn Correlatable],
    correlations: &'a [&'a Correlation],
    ids: HashMap<String, Vec<Node>>,
    names: HashMap<&'a str, Vec<Node>>,
    /// What the correlations that are used name.
    used: HashMap<usize, Vec<Reference>>,
    problems: Vec<LinkProblem>,
}

impl<'a> Linker<'a> {
    fn new(rules: &'a [&'a dyn Correlatable], correlations: &'a [&'a Correlation]) -> Self {
        let mut ids: HashMap<String, Vec<Node>> = HashMap::new();
        let mut names: HashMap<&str, Vec<Node>> = HashMap::new();
        let rules_named = rules.iter().enumerate().map(|(index, rule)| (Node::Rule(index), rule.metadata()));
        let correlations_named = correlations.iter().enumerate();
        let correlations_named = correlations_named.map(|(i, c)| (Node::Correlation(i), &c.metadata));
        for (node, metadata) in rules_named.chain(correlations_named) {
            if let Some(id) = &metadata.id {
                ids.entry(id.to_ascii_lowercase()).or_default().push(node);
            }
            if let Some(name) = &metadata.name {
                names.entry(name).or_default().push(node);
            }
        }
        Self { rules, correlations, ids, names, used: HashMap::new(), problems: Vec::new() }
    }

    fn problem(&mut self, correlation: usize, diagnostic: Diagnostic) {
        self.problems.push(LinkProblem { correlation, diagnostic });
    }

    fn place(&self, index: usize) -> crate::Place {
        self.correlations.get(index).map_or_else(Default::default, |c| c.metadata.place)
    }

    /// The rules and correlations that a word means. A rule with an aggregation is meant by its own
    /// correlation alone; to all others the two are one, and that is the correlation.
    fn resolve(&self, name: &str, from_translated: bool) -> Vec<Node> {
        let by_id = self.ids.get(&name.to_ascii_lowercase());
        let mut nodes: Vec<Node> = by_id.into_iter().chain(self.names.get(name)).flatten().copied().collect();
        nodes.retain(|node| match node {
            Node::Rule(index) => {
                self.rules.get(*index).is_some_and(|rule| rule.is_aggregated() == from_translated)
            }
            Node::Correlation(_) => !from_translated,
        });
        nodes.dedup();
        nodes
    }

    /// What a correlation names, in the order named; nothing if something is unknown.
    fn references(&mut self, index: usize) -> Option<Vec<Reference>> {
        let correlation = *self.correlations.get(index)?;
        let names = match &correlation.condition {
            CorrelationCondition::Rules(condition) if correlation.rules.is_empty() => named_in(condition),
            _ => correlation.rules.clone(),
        };
        let mut references: Vec<Reference> = Vec::with_capacity(names.len());
        let mut all_known = true;
        for name in names {
            let nodes = self.resolve(&name, correlation.is_translated);
            let place = correlation.metadata.place;
            if nodes.len() > 1 {
                let message =
                    format!("`{name}` is the id or name of {} rules; the first is meant", nodes.len());
                self.problem(index, Diagnostic::new(Code::AmbiguousReference, place, message));
            }
            match nodes.first() {
                None => {
                    all_known = false;
                    let message = format!("no rule has the id or name `{name}`");
                    let problem = Diagnostic::new(Code::UnknownReference, place, message);
                    self.problem(index, problem.help("load it too, or give it that `name`"));
                }
                Some(node) if references.iter().any(|(known, _)| known == node) => {
                    let message = format!("the rule `{name}` is named twice, which counts once");
                    self.problem(index, Diagnostic::new(Code::IneffectiveAttribute, place, message));
                }
                Some(node) => references.push((*node, name)),
            }
        }
        all_known.then_some(references)
    }

    /// The correlations whose references are known, inner ones first; those in circles are refused.
    fn order(&mut self, references: &[Option<Vec<Reference>>]) -> Vec<usize> {
        let mut n_inner = vec![0_usize; references.len()];
        let mut outer: Vec<Vec<usize>> = vec![Vec::new(); references.len()];
        for (index, references) in references.iter().enumerate() {
            for (node, _) in references.iter().flatten() {
                if let Node::Correlation(inner) = node
                    && let (Some(n), Some(outer)) = (n_inner.get_mut(index), outer.get_mut(*inner))
                {
                    *n += 1;
                    outer.push(index);
                }
            }
        }
        let mut depths = vec![1_usize; references.len()];
        let mut ready: Vec<usize> =
            n_inner.iter().enumerate().filter(|(_, n)| **n == 0).map(|(i, _)| i).collect();
        let mut at = 0;
        while let Some(&index) = ready.get(at) {
            at += 1;
            let depth = depths.get(index).copied().unwrap_or(1);
            for &next in outer.get(index).into_iter().flatten() {
                if let (Some(n), Some(known)) = (n_inner.get_mut(next), depths.get_mut(next)) {
                    *known = (*known).max(depth + 1);
                    *n -= 1;
                    if *n == 0 {
                        ready.push(next);
                    }
                }
            }
        }
        for index in 0..references.len() {
            let depth = depths.get(index).copied().unwrap_or(1);
            if n_inner.get(index).is_some_and(|n| *n > 0) {
                let message = "it names correlations that name each other in a circle";
                self.problem(index, Diagnostic::new(Code::CorrelationCycle, self.place(index), message));
            } else if depth > MAX_CHAIN {
                let message = format!("a chain of {depth} correlations is longer than {MAX_CHAIN}");
                self.problem(index, Diagnostic::new(Code::LimitExceeded, self.place(index), message));
            }
        }
        ready.retain(|index| {
            depths.get(*index).is_some_and(|depth| *depth <= MAX_CHAIN)
                && references.get(*index).is_some_and(Option::is_some)
        });
        ready
    }

    /// Makes a correlation ready as far as it can be without knowing who wants which fields of it.
    fn step(&mut self, index: usize, named: &[Reference], plan: &Plan) -> Option<(Step, Vec<Reference>)> {
        let correlation = *self.correlations.get(index)?;
        let mut named = named.to_vec();
        if let CorrelationCondition::Rules(condition) = &correlation.condition {
            named = self.mentioned(index, condition, named);
        }
        let (measure, thresholds) = self.measure(index, &named)?;
        let grows = match &measure {
            Measure::Sentence { sentence, .. } => !sentence.has_not(),
            Measure::Events | Measure::Distinct | Measure::Sum | Measure::Rules | Measure::Chain => {
                thresholds.iter().all(|threshold| threshold.is_lower_bound())
            }
            Measure::Average | Measure::Percentile(_) | Measure::Share => false,
        };
        let seconds = i64::try_from(correlation.timespan.seconds()).unwrap_or(i64::MAX);
        let inner_steps = named.iter().filter_map(|(node, _)| match node {
            Node::Correlation(inner) => plan.steps.get(*inner)?.as_ref(),
            Node::Rule(_) => None,
        });
        let kept_back = |step: &Step| match step.decision {
            Decision::AtOnce => step.delay,
            Decision::AtClose => step.delay.saturating_add(step.span),
        };
        let step = Step {
            slots: vec![Slot::default(); named.len()],
            measure,
            thresholds,
            span: seconds.saturating_mul(1_000_000),
            decision: if grows { Decision::AtOnce } else { Decision::AtClose },
            delay: inner_steps.map(kept_back).max().unwrap_or(0),
            columns: Vec::new(),
            feeds: Vec::new(),
            is_reported: true,
        };
        Some((step, named))
    }

    /// What of the named the condition mentions; the rest has no part in it.
    fn mentioned(&mut self, index: usize, condition: &Condition, named: Vec<Reference>) -> Vec<Reference> {
        let mut nodes = Vec::new();
        self.nodes_in(condition, &named, &mut nodes);
        let place = self.place(index);
        let (mentioned, others): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|(node, _)| nodes.contains(node));
        for (_, name) in others {
            let message = format!("the condition does not mention the rule `{name}`");
            self.problem(index, Diagnostic::new(Code::IneffectiveAttribute, place, message));
        }
        mentioned
    }

    fn nodes_in(&self, condition: &Condition, named: &[Reference], nodes: &mut Vec<Node>) {
        match condition {
            Condition::Selection(name) => nodes.extend(self.resolve(name, false).first()),
            Condition::Of(_, selector) => {
                nodes.extend(named.iter().filter(|(_, name)| selector.names(name)).map(|(node, _)| *node));
            }
            Condition::Not(inner) => self.nodes_in(inner, named, nodes),
            Condition::And(members) | Condition::Or(members) => {
                members.iter().for_each(|member| self.nodes_in(member, named, nodes));
            }
        }
    }

    fn measure(&mut self, index: usize, named: &[Reference]) -> Option<(Measure, Vec<Threshold>)> {
        let correlation = *self.correlations.get(index)?;
        let is_ordered = correlation.kind == CorrelationKind::TemporalOrdered;
        match &correlation.condition {
            CorrelationCondition::AllRules => {
                let sentence = Sentence::All((0..named.len()).map(Sentence::Slot).collect());
                Some((Measure::Sentence { sentence, is_ordered }, Vec::new()))
            }
            CorrelationCondition::Rules(condition) => match self.sentence(condition, named) {
                Ok(sentence) => Some((Measure::Sentence { sentence, is_ordered }, Vec::new())),
                Err(message) => {
                    let place = correlation.metadata.place;
                    self.problem(index, Diagnostic::new(Code::InvalidCorrelation, place, message));
                    None
                }
            },
            CorrelationCondition::Thresholds(condition) => {
                let measure = match (correlation.kind, condition.percentile) {
                    (CorrelationKind::EventCount, _) => Measure::Events,
                    (CorrelationKind::ValueCount, _) => Measure::Distinct,
                    (CorrelationKind::Temporal, _) => Measure::Rules,
                    (CorrelationKind::TemporalOrdered, _) => Measure::Chain,
                    (CorrelationKind::ValueSum, _) => Measure::Sum,
                    (CorrelationKind::ValueAvg, _) => Measure::Average,
                    (CorrelationKind::ValueMedian, _) => Measure::Percentile(50.0),
                    (CorrelationKind::ValuePercentile, Some(percentile)) => Measure::Percentile(percentile),
                    (CorrelationKind::ValuePercentile, None) => Measure::Share,
                };
                self.check_reachable(index, &measure, &condition.thresholds, named.len());
                Some((measure, condition.thresholds.clone()))
            }
        }
    }

    /// Warns of a count of rules that cannot be reached, which is an easy slip.
    fn check_reachable(&mut self, index: usize, measure: &Measure, thresholds: &[Threshold], n: usize) {
        let most = Number::Integer(i128::try_from(n).unwrap_or(i128::MAX));
        let reachable = |threshold: &Threshold| match threshold.comparison {
            Comparison::Gt | Comparison::Gte => threshold.accepts(most),
            Comparison::Lt | Comparison::Lte | Comparison::Eq | Comparison::Neq => true,
        };
        if matches!(measure, Measure::Rules | Measure::Chain) && !thresholds.iter().all(reachable) {
            let message = format!("the condition can never hold: it names {n} rules only");
            self.problem(index, Diagnostic::new(Code::IneffectiveAttribute, self.place(index), message));
        }
    }

    fn sentence(&self, condition: &Condition, named: &[Reference]) -> Result<Sentence, String> {
        let all = |members: &[Condition]| -> Result<Vec<Sentence>, String> {
            members.iter().map(|member| self.sentence(member, named)).collect()
        };
        match condition {
            Condition::Selection(name) => {
                let node = self.resolve(name, false).first().copied();
                let slot = named.iter().position(|(known, _)| Some(*known) == node);
                slot.map(Sentence::Slot)
                    .ok_or_else(|| format!("the condition names `{name}`, which is not among its `rules`"))
            }
            Condition::Of(quantifier, selector) => {
                let slots = named.iter().enumerate().filter(|(_, (_, name))| selector.names(name));
                let slots: Vec<Sentence> = slots.map(|(slot, _)| Sentence::Slot(slot)).collect();
                match quantifier {
                    _ if slots.is_empty() => Err(format!("`{condition}` means none of its `rules`")),
                    Quantifier::All => Ok(Sentence::All(slots)),
                    Quantifier::AtLeast(1) => Ok(Sentence::Any(slots)),
                    Quantifier::AtLeast(_) => {
                        Err(format!("`{condition}` is no part of a correlation's condition; use `gte`"))
                    }
                }
            }
            Condition::Not(inner) => self.sentence(inner, named).map(|inner| Sentence::Not(Box::new(inner))),
            Condition::And(members) => all(members).map(Sentence::All),
            Condition::Or(members) => all(members).map(Sentence::Any),
        }
    }

    /// Tells rules and inner correlations who wants them and which fields, outer correlations first because
    /// what they want of an inner one is wanted of its rules in turn.
    fn connect(&mut self, plan: &mut Plan) {
        let mut wanted: Vec<Vec<String>> = vec![Vec::new(); self.correlations.len()];
        let mut is_silenced = vec![false; self.correlations.len()];
        let mut is_generated = vec![false; self.correlations.len()];
        let mut rule_silenced = vec![(false, false); self.rules.len()];
        for index in plan.order.clone().into_iter().rev() {
            let Some(&correlation) = self.correlations.get(index) else { continue };
            let named = self.used.remove(&index).unwrap_or_default();
            let columns = wanted.get(index).cloned().unwrap_or_default();
            let mut slots = Vec::with_capacity(named.len());
            for (slot, (node, _)) in named.iter().enumerate() {
                let feed = Feed { correlation: index, slot };
                let fields = match *node {
                    Node::Rule(rule) => {
                        let Some(part) = plan.rules.get_mut(rule) else { continue };
                        part.feeds.push(feed);
                        if let Some((silenced, generated)) = rule_silenced.get_mut(rule) {
                            *silenced = true;
                            *generated |= correlation.generate;
                        }
                        &mut part.fields
                    }
                    Node::Correlation(inner) => {
                        if let Some(Some(step)) = plan.steps.get_mut(inner) {
                            step.feeds.push(feed);
                        }
                        if let (Some(silenced), Some(generated)) =
                            (is_silenced.get_mut(inner), is_generated.get_mut(inner))
                        {
                            *silenced = true;
                            *generated |= correlation.generate;
                        }
                        let Some(fields) = wanted.get_mut(inner) else { continue };
                        fields
                    }
                };
                slots.push(self.slot(correlation, *node, &columns, fields));
            }
            if let Some(Some(step)) = plan.steps.get_mut(index) {
                step.slots = slots;
                let group = |name: &String| correlation.group_by.iter().position(|group| group == name);
                step.columns =
                    columns.iter().map(|name| group(name).map_or(Column::Event, Column::Group)).collect();
            }
        }
        for (part, (silenced, generated)) in plan.rules.iter_mut().zip(rule_silenced) {
            part.fires_alone = !silenced || generated;
        }
        for (index, step) in plan.steps.iter_mut().enumerate() {
            let flag = |flags: &[bool]| flags.get(index).copied().unwrap_or(false);
            if let Some(step) = step {
                step.is_reported = !flag(&is_silenced) || flag(&is_generated);
            }
        }
    }

    /// How a correlation reads what comes from a rule, and which fields it therefore wants.
    fn slot(
        &self,
        correlation: &Correlation,
        node: Node,
        columns: &[String],
        fields: &mut Vec<String>,
    ) -> Slot {
        let mut column = |name: &str| {
            fields.iter().position(|field| field == name).unwrap_or_else(|| {
                fields.push(name.to_owned());
                fields.len() - 1
            })
        };
        let group = correlation.group_by.iter().map(|name| match self.alias(correlation, node, name) {
            None => GroupColumn::Field(column(name)),
            Some(field) => GroupColumn::Alias(column(field)),
        });
        let group = group.collect();
        // A field to count or measure, or one that an outer correlation wants, may be an alias as well.
        let mut aliased = |name: &String| column(self.alias(correlation, node, name).unwrap_or(name));
        let values = match &correlation.condition {
            CorrelationCondition::Thresholds(condition) => {
                condition.fields.iter().map(&mut aliased).collect()
            }
            CorrelationCondition::AllRules | CorrelationCondition::Rules(_) => Vec::new(),
        };
        Slot { group, values, columns: columns.iter().map(aliased).collect() }
    }

    /// The field of a rule that an alias of that name, if there is one, means. It is the field of that very
    /// name where the alias says nothing about the rule.
    fn alias<'c>(&self, correlation: &'c Correlation, node: Node, name: &str) -> Option<&'c str> {
        let alias = correlation.aliases.iter().find(|alias| alias.name == name)?;
        let metadata = match node {
            Node::Rule(index) => self.rules.get(index).map(|rule| rule.metadata()),
            Node::Correlation(index) => self.correlations.get(index).map(|inner| &inner.metadata),
        };
        let field = alias.fields.iter().find(|(rule, _)| metadata.is_some_and(|m| m.is_called(rule)));
        Some(field.map_or(alias.name.as_str(), |(_, field)| field))
    }
}

/// The rules that a condition names, in the order of their first mention.
fn named_in(condition: &Condition) -> Vec<String> {
    fn visit(condition: &Condition, names: &mut Vec<String>) {
        match condition {
            Condition::Selection(name) if names.contains(name) => {}
            Condition::Selection(name) => names.push(name.clone()),
            Condition::Of(..) => {}
            Condition::Not(inner) => visit(inner, names),
            Condition::And(members) | Condition::Or(members) => {
                members.iter().for_each(|member| visit(member, names));
            }
        }
    }
    let mut names = Vec::new();
    visit(condition, &mut names);
    names
}
