//! Rules to an engine: slots, tests and gates shared, groups chosen.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::gate::{Gate, GateId, Need};
use super::index::{KeywordIndex, SlotIndex};
use super::postings::Postings;
use super::program::{Node, Program};
use super::{AskedTest, Engine, Posting, is_of_time};
use crate::compile::{Compiled, Expr};
use crate::fold::fold;
use crate::pattern::Pattern;
use crate::predicate::{Predicate, Test};
use crate::text::TextMatcher;

/// The largest number of groups of a rule that are watched: a bit each.
const MAX_GROUPS: usize = 8;

/// A part of an engine that saves work and changes no answer. Tests do without them to show that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Asking only the rules of which each group has an open gate, and not all.
    Candidates,
    /// Taking a gate for the answer of a test, and not asking the event.
    Answers,
    /// Looking for keywords in the whole of an event first, and not in each text.
    Everything,
    /// Remembering what values opened that come again.
    Known,
}

impl Shortcut {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Candidates, Self::Answers, Self::Everything, Self::Known];
}

/// Collects rules for an [`Engine`].
#[derive(Debug, Default)]
pub struct EngineBuilder<'r> {
    /// What the engine does without.
    without: Vec<Shortcut>,
    /// The names of each slot.
    slots: IndexSet<Vec<String>, FxBuildHasher>,
    /// By gate: where it is looked for (none for keywords) and what for.
    gates: IndexSet<(Option<usize>, Gate<'r>), FxBuildHasher>,
    /// Tests of which no gate is the answer.
    tests: Vec<OwnTest>,
    /// The numbers of these, which equal ones share, by what they print.
    test_numbers: FxHashMap<(Option<usize>, String), u32>,
    programs: Vec<Program>,
    postings: Vec<(GateId, Posting)>,
    always: Vec<u32>,
}

/// A test that the event is asked, and what is known of it while the engine is made.
#[derive(Debug)]
struct OwnTest {
    asked: AskedTest,
    /// The gates of which one must be open for it to be met; without any, no gate says anything.
    signs: Vec<GateId>,
}

/// Gates of which one must be open.
type Group = Vec<GateId>;

impl<'r> EngineBuilder<'r> {
    /// Does without a shortcut, to be called before rules are added.
    #[must_use]
    pub fn without(mut self, shortcut: Shortcut) -> Self {
        self.without.push(shortcut);
        self
    }

    /// Adds a rule under a number of the caller's. `names` gives the event's names for a field of the rule;
    /// `conditions` are fields of the event, each of which must also have one of the values.
    pub fn add(
        &mut self,
        rule: u32,
        compiled: &'r Compiled,
        conditions: &[(String, Vec<String>)],
        names: &dyn Fn(&str) -> Vec<String>,
    ) {
        let mut condition = self.node(&compiled.condition, compiled, names);
        if !conditions.is_empty() {
            let own = conditions.iter().map(|(field, values)| self.one_of(names(field), values));
            condition = Node::All(own.collect::<Vec<_>>().into_iter().chain([condition]).collect());
        }
        let groups = match self.without.contains(&Shortcut::Candidates) {
            true => Vec::new(),
            false => self.choose(self.groups(&condition)),
        };
        let Ok(number) = u32::try_from(self.programs.len()) else { return };
        let mut bits = 0;
        for (i, group) in groups.iter().enumerate() {
            let bit = 1 << i;
            bits |= bit;
            self.postings.extend(group.iter().map(|gate| (*gate, Posting { program: number, bit })));
        }
        if bits == 0 {
            self.always.push(number);
        }
        self.programs.push(Program { rule, condition, groups: bits });
    }

    /// Makes the engine.
    pub fn build(self) -> Engine {
        let mut by_slot: Vec<Vec<(&Gate<'_>, GateId)>> = vec![Vec::new(); self.slots.len()];
        let mut of_keywords = Vec::new();
        for ((slot, gate), number) in self.gates.iter().zip(0..) {
            let gates = slot.map_or(Some(&mut of_keywords), |slot| by_slot.get_mut(slot));
            gates.into_iter().for_each(|gates| gates.push((gate, GateId(number))));
        }
        let indices = by_slot.into_iter().map(SlotIndex::new).collect();
        let mut keywords = KeywordIndex::new(of_keywords);
        if let Some(keywords) = keywords.as_mut().filter(|_| self.without.contains(&Shortcut::Everything)) {
            keywords.look_everywhere();
        }
        Engine {
            has_only_words: self.has_only_words(),
            slots: self.slots.into_iter().collect(),
            indices,
            keywords,
            tests: self.tests.into_iter().map(|test| test.asked).collect(),
            programs: self.programs,
            postings: Postings::new(self.gates.len(), &self.postings),
            always: self.always,
            is_forgetful: self.without.contains(&Shortcut::Known),
        }
    }

    /// Whether every keyword needs a text that is more than digits and the signs of a time.
    fn has_only_words(&self) -> bool {
        let is_word = |gate: &Gate<'_>| {
            let text = gate.text();
            text.is_some_and(|text| !text.bytes().all(|byte| is_of_time(byte.to_ascii_uppercase())))
        };
        let mut gates = self.gates.iter().filter(|(slot, _)| slot.is_none());
        let mut tests = self.tests.iter().filter(|test| test.asked.slot.is_none());
        gates.all(|(_, gate)| is_word(gate)) && tests.all(|test| !test.signs.is_empty())
    }

    /// That a field has one of some values.
    fn one_of(&mut self, names: Vec<String>, values: &[String]) -> Node {
        let slot = self.slot(names);
        let tests = values.iter().map(|value| {
            let test = Test::Text(TextMatcher::new(Pattern::literal(value), false));
            self.gated(Some(slot), &test, Gate::Whole(fold(value).into_owned().into()))
        });
        Node::Any(tests.collect())
    }

    fn node(&mut self, expr: &'r Expr, compiled: &'r Compiled, names: &dyn Fn(&str) -> Vec<String>) -> Node {
        let mut all = |members: &'r [Expr]| -> Vec<Node> {
            members.iter().map(|member| self.node(member, compiled, names)).collect()
        };
        match expr {
            Expr::All(members) => Node::All(all(members)),
            Expr::Any(members) => Node::Any(all(members)),
            Expr::AtLeast(n, members) => Node::AtLeast(*n, all(members)),
            Expr::Not(inner) => Node::Not(Box::new(self.node(inner, compiled, names))),
            Expr::Predicate(predicate) => self.predicate(predicate, names),
            Expr::Selection(index) => match compiled.selections.get(*index) {
                Some(selection) => self.node(selection, compiled, names),
                None => Node::Any(Vec::new()),
            },
        }
    }

    fn predicate(&mut self, predicate: &'r Predicate, names: &dyn Fn(&str) -> Vec<String>) -> Node {
        let slot = predicate.field.as_deref().map(|field| self.slot(names(field)));
        let tests = predicate.tests.iter().map(|test| self.test(slot, test, names)).collect();
        let node = if predicate.all { Node::All(tests) } else { Node::Any(tests) };
        if predicate.negated { Node::Not(Box::new(node)) } else { node }
    }

    fn slot(&mut self, names: Vec<String>) -> usize {
        self.slots.insert_full(names).0
    }

    fn test(&mut self, slot: Option<usize>, test: &'r Test, names: &dyn Fn(&str) -> Vec<String>) -> Node {
        let signs = match Need::of(test) {
            Need::Answer(gate) => return self.gated(slot, test, gate),
            Need::Sign(gates) => gates.into_iter().map(|gate| self.gate(slot, gate)).collect(),
            Need::Nothing => Vec::new(),
        };
        let other = match test {
            Test::FieldRef { field, .. } => Some(self.slot(names(field))),
            _ => None,
        };
        self.asked(test, (slot, other), signs)
    }

    /// A test of which a gate is the answer.
    fn gated(&mut self, slot: Option<usize>, test: &Test, gate: Gate<'r>) -> Node {
        let gate = self.gate(slot, gate);
        if self.without.contains(&Shortcut::Answers) {
            return self.asked(test, (slot, None), vec![gate]);
        }
        Node::Gate(gate)
    }

    /// A test that the event is asked. Equal tests are one.
    fn asked(
        &mut self,
        test: &Test,
        (slot, other): (Option<usize>, Option<usize>),
        signs: Vec<GateId>,
    ) -> Node {
        let next = u32::try_from(self.tests.len()).unwrap_or(u32::MAX);
        let number = *self.test_numbers.entry((slot, format!("{test:?}"))).or_insert(next);
        if number == next {
            self.tests.push(OwnTest { asked: AskedTest { slot, test: test.clone(), other }, signs });
        }
        Node::Test(number)
    }

    fn gate(&mut self, slot: Option<usize>, gate: Gate<'r>) -> GateId {
        let (number, _) = self.gates.insert_full((slot, gate));
        GateId(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// The signs of a test.
    fn signs(&self, number: u32) -> &[GateId] {
        self.tests.get(number as usize).map(|test| test.signs.as_slice()).unwrap_or_default()
    }

    /// The groups of which each must have an open gate for a part of a condition to hold.
    fn groups(&self, node: &Node) -> Vec<Group> {
        match node {
            Node::Gate(gate) => vec![vec![*gate]],
            Node::Test(number) => match self.signs(*number) {
                [] => Vec::new(),
                signs => vec![signs.to_vec()],
            },
            Node::All(members) => members.iter().flat_map(|member| self.groups(member)).collect(),
            Node::Any(members) | Node::AtLeast(_, members) => {
                // One of the members must hold: one group of each, joined, if each has one.
                let mut joined = Vec::with_capacity(members.len());
                for member in members {
                    match member {
                        Node::Gate(gate) => joined.push(*gate),
                        Node::Test(number) if self.signs(*number).is_empty() => return Vec::new(),
                        Node::Test(number) => joined.extend_from_slice(self.signs(*number)),
                        _ => match self.best(self.groups(member)) {
                            Some(group) => joined.extend(group),
                            None => return Vec::new(),
                        },
                    }
                }
                Some(joined).filter(|joined| !joined.is_empty()).into_iter().collect()
            }
            Node::Not(_) => Vec::new(),
        }
    }

    fn best(&self, groups: Vec<Group>) -> Option<Group> {
        groups.into_iter().max_by_key(|group| self.weight(group))
    }

    /// The most telling groups, as many as can be watched.
    fn choose(&self, mut groups: Vec<Group>) -> Vec<Group> {
        groups.sort_by_cached_key(|group| std::cmp::Reverse(self.weight(group)));
        groups.truncate(MAX_GROUPS);
        groups
    }

    /// How telling a group is: as its least telling gate, and the more gates the less.
    fn weight(&self, group: &[GateId]) -> (usize, std::cmp::Reverse<usize>) {
        let weights =
            group.iter().filter_map(|gate| self.gates.get_index(gate.index())).map(|(_, gate)| gate.weight());
        (weights.min().unwrap_or(0).min(12), std::cmp::Reverse(group.len()))
    }
}
