//! The naive evaluator: whether a rule holds for an event, as a direct reading of the specification.
//!
//! It is kept for ever as the reference that the engine is compared with, and made no faster than it reads.

use std::ops::ControlFlow;

use crate::compile::{Compiled, Expr};
use crate::event::{Event, Value};
use crate::predicate::{self, Predicate, Test};

impl Compiled {
    /// Whether the detection holds for an event.
    pub fn matches(&self, event: &dyn Event) -> bool {
        self.holds(&self.condition, event)
    }

    fn holds(&self, expr: &Expr, event: &dyn Event) -> bool {
        match expr {
            Expr::All(members) => members.iter().all(|member| self.holds(member, event)),
            Expr::Any(members) => members.iter().any(|member| self.holds(member, event)),
            Expr::AtLeast(n, members) => {
                let n = usize::try_from(*n).unwrap_or(usize::MAX);
                members.iter().filter(|member| self.holds(member, event)).take(n).count() == n
            }
            Expr::Not(inner) => !self.holds(inner, event),
            Expr::Predicate(predicate) => predicate.holds(event),
            Expr::Selection(index) => {
                self.selections.get(*index).is_some_and(|selection| self.holds(selection, event))
            }
        }
    }
}

impl Predicate {
    /// Whether the item holds for an event.
    pub fn holds(&self, event: &dyn Event) -> bool {
        let met = |test: &Test| self.is_met(test, event);
        let found = if self.all { self.tests.iter().all(met) } else { self.tests.iter().any(met) };
        found != self.negated
    }

    /// Whether an event meets one of the tests.
    pub(crate) fn is_met(&self, test: &Test, event: &dyn Event) -> bool {
        let Some(field) = &self.field else {
            return event.texts(&mut |text| found(test.accepts(Value::Text(text)))).is_break();
        };
        match test {
            Test::Exists(wanted) => is_present(field, event) == *wanted,
            Test::Null => {
                let has_null = event.values(field, &mut |value| found(value == Value::Null)).is_break();
                has_null || !is_present(field, event)
            }
            Test::FieldRef { field: other, part, cased } => event
                .values(field, &mut |value| {
                    event.values(other, &mut |other| match (value, other) {
                        (Value::Text(value), Value::Text(other)) => {
                            found(predicate::holds(value, other, *part, *cased))
                        }
                        _ => ControlFlow::Continue(()),
                    })
                })
                .is_break(),
            Test::AnyOf(tests) => tests.iter().any(|test| self.is_met(test, event)),
            _ => event.values(field, &mut |value| found(test.accepts(value))).is_break(),
        }
    }
}

fn is_present(field: &str, event: &dyn Event) -> bool {
    event.values(field, &mut |_| ControlFlow::Break(())).is_break()
}

fn found(yes: bool) -> ControlFlow<()> {
    if yes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
