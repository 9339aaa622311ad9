//! A rule's condition over tests whose answers are remembered for the event.

use std::ops::ControlFlow;

use super::gate::GateId;
use super::{AskedTest, Engine, Scratch, SlotEvent};
use crate::event::Value;
use crate::predicate::{self, Test};

/// A rule.
#[derive(Debug)]
pub(super) struct Program {
    /// The rule's number, as its adder counts.
    pub(super) rule: u32,
    pub(super) condition: Node,
    /// A bit for each group that must have an open gate.
    pub(super) groups: u8,
}

/// A part of a condition. The cheaper part of several stands first.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    AtLeast(u32, Vec<Node>),
    Not(Box<Node>),
    /// A test that is met if and only if a gate is open.
    Gate(GateId),
    /// A test that the event is asked, by its number.
    Test(u32),
}

impl Engine {
    /// Whether a program holds for an event.
    pub(super) fn holds(&self, program: &Program, event: &dyn SlotEvent, scratch: &mut Scratch) -> bool {
        self.node_holds(&program.condition, event, scratch)
    }

    fn node_holds(&self, node: &Node, event: &dyn SlotEvent, scratch: &mut Scratch) -> bool {
        match node {
            Node::All(members) => members.iter().all(|member| self.node_holds(member, event, scratch)),
            Node::Any(members) => members.iter().any(|member| self.node_holds(member, event, scratch)),
            Node::AtLeast(n, members) => {
                let n = usize::try_from(*n).unwrap_or(usize::MAX);
                let held = members.iter().filter(|member| self.node_holds(member, event, scratch));
                held.take(n).count() == n
            }
            Node::Not(inner) => !self.node_holds(inner, event, scratch),
            Node::Gate(gate) => scratch.open.get(gate.index()).copied().unwrap_or(false),
            Node::Test(number) => self.is_met(*number, event, scratch),
        }
    }

    fn is_met(&self, number: u32, event: &dyn SlotEvent, scratch: &mut Scratch) -> bool {
        let Some(AskedTest { slot, test, other }) = self.tests.get(number as usize) else { return false };
        if let Some(Some(answer)) = scratch.answers.get(number as usize) {
            return *answer;
        }
        let answer = match slot {
            Some(slot) => ask_slot(test, (*slot, *other), event),
            None => event.texts(&mut |text| found(test.accepts(Value::Text(text)))).is_break(),
        };
        if let Some(place) = scratch.answers.get_mut(number as usize) {
            *place = Some(answer);
            scratch.answered.push(number);
        }
        answer
    }
}

/// Whether an event meets a test about a slot, and for `fieldref` about another.
fn ask_slot(test: &Test, (slot, other): (usize, Option<usize>), event: &dyn SlotEvent) -> bool {
    let is_present = || event.slot(slot, &mut |_| ControlFlow::Break(())).is_break();
    match test {
        Test::Exists(wanted) => is_present() == *wanted,
        Test::Null => !is_present() || event.slot(slot, &mut |value| found(value == Value::Null)).is_break(),
        Test::FieldRef { part, cased, .. } => event
            .slot(slot, &mut |value| {
                let Some(other) = other else { return ControlFlow::Continue(()) };
                event.slot(other, &mut |other| match (value, other) {
                    (Value::Text(value), Value::Text(other)) => {
                        found(predicate::holds(value, other, *part, *cased))
                    }
                    _ => ControlFlow::Continue(()),
                })
            })
            .is_break(),
        Test::AnyOf(tests) => tests.iter().any(|test| ask_slot(test, (slot, other), event)),
        _ => event.slot(slot, &mut |value| found(test.accepts(value))).is_break(),
    }
}

fn found(yes: bool) -> ControlFlow<()> {
    if yes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
