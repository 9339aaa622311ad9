//! Whether a detection can hold at all, and whether it can fail to.
//!
//! Items are taken for statements that are true or false, and every way of being so is tried. What is known
//! of two statements about one field (`EventID: 1` and `EventID: 2`) rules some of these ways out. Where
//! there are too many statements, whole selections are taken for statements, which finds less and is never
//! wrong.

use std::collections::HashMap;

use crate::compile::{Compiled, Expr};
use crate::event::Value;
use crate::predicate::{Predicate, Test};
use crate::scalar::Number;

/// The largest number of statements whose ways of being true are all tried.
const MAX_STATEMENTS: usize = 12;
/// The largest number of parts of a formula that is tried.
const MAX_PARTS: usize = 2_000;

/// What becomes of a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It never holds.
    Never,
    /// It always holds.
    Always,
    /// It depends on the event, or cannot be told.
    Depends,
}

/// What becomes of the condition.
pub(super) fn of_condition(compiled: &Compiled) -> Verdict {
    let exact = Statements::of(compiled, &compiled.condition, true);
    exact
        .or_else(|| Statements::of(compiled, &compiled.condition, false))
        .map_or(Verdict::Depends, |s| s.verdict())
}

/// What becomes of a selection by itself.
pub(super) fn of_selection(compiled: &Compiled, index: usize) -> Verdict {
    let expr = compiled.selections.get(index);
    expr.and_then(|expr| Statements::of(compiled, expr, true)).map_or(Verdict::Depends, |s| s.verdict())
}

/// A formula over numbered statements.
enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    AtLeast(usize, Vec<Formula>),
    Not(Box<Formula>),
    Statement(usize),
}

impl Formula {
    fn holds(&self, truths: u32) -> bool {
        match self {
            Self::All(members) => members.iter().all(|member| member.holds(truths)),
            Self::Any(members) => members.iter().any(|member| member.holds(truths)),
            Self::AtLeast(n, members) => members.iter().filter(|member| member.holds(truths)).count() >= *n,
            Self::Not(inner) => !inner.holds(truths),
            Self::Statement(index) => truths & (1 << index) != 0,
        }
    }
}

struct Statements {
    formula: Formula,
    n: usize,
    /// Pairs of which the second is false, or true, where the first is true.
    excluded: Vec<(usize, usize)>,
    implied: Vec<(usize, usize)>,
}

impl Statements {
    /// Nothing when there are too many of them.
    fn of(compiled: &Compiled, expr: &Expr, look_inside: bool) -> Option<Self> {
        let (numbers, predicates) = (HashMap::new(), Vec::new());
        let mut builder = Builder { compiled, look_inside, numbers, predicates, n_parts: 0 };
        let formula = builder.formula(expr)?;
        let (mut excluded, mut implied) = (Vec::new(), Vec::new());
        for (a, first) in &builder.predicates {
            for (b, second) in builder.predicates.iter().filter(|(b, _)| b != a) {
                match relation(first, second) {
                    Some(true) => implied.push((*a, *b)),
                    Some(false) => excluded.push((*a, *b)),
                    None => {}
                }
            }
        }
        Some(Self { formula, n: builder.numbers.len(), excluded, implied })
    }

    fn verdict(&self) -> Verdict {
        let (mut can_hold, mut can_fail) = (false, false);
        let is_true = |truths: u32, index: &usize| truths & (1 << index) != 0;
        for truths in 0..1_u32 << self.n {
            let is_possible = self.excluded.iter().all(|(a, b)| !(is_true(truths, a) && is_true(truths, b)))
                && self.implied.iter().all(|(a, b)| !is_true(truths, a) || is_true(truths, b));
            if is_possible {
                let holds = self.formula.holds(truths);
                (can_hold, can_fail) = (can_hold || holds, can_fail || !holds);
            }
        }
        match (can_hold, can_fail) {
            (false, _) => Verdict::Never,
            (true, false) => Verdict::Always,
            (true, true) => Verdict::Depends,
        }
    }
}

struct Builder<'a> {
    compiled: &'a Compiled,
    /// Whether the items of selections are statements, or the selections themselves.
    look_inside: bool,
    /// Statements by what they say.
    numbers: HashMap<String, usize>,
    predicates: Vec<(usize, &'a Predicate)>,
    n_parts: usize,
}

impl<'a> Builder<'a> {
    fn formula(&mut self, expr: &'a Expr) -> Option<Formula> {
        let compiled = self.compiled;
        self.n_parts += 1;
        if self.n_parts > MAX_PARTS {
            return None;
        }
        Some(match expr {
            Expr::All(members) => Formula::All(self.formulas(members)?),
            Expr::Any(members) => Formula::Any(self.formulas(members)?),
            Expr::AtLeast(n, members) => {
                Formula::AtLeast(usize::try_from(*n).unwrap_or(usize::MAX), self.formulas(members)?)
            }
            Expr::Not(inner) => Formula::Not(Box::new(self.formula(inner)?)),
            Expr::Selection(index) if self.look_inside => self.formula(compiled.selections.get(*index)?)?,
            Expr::Selection(index) => Formula::Statement(self.number(format!("selection {index}"))?),
            Expr::Predicate(predicate) => {
                let said = format!("{:?} {:?} {}", predicate.field, predicate.tests, predicate.all);
                let n_known = self.numbers.len();
                let number = self.number(said)?;
                if number == n_known {
                    self.predicates.push((number, predicate));
                }
                let statement = Formula::Statement(number);
                if predicate.negated { Formula::Not(Box::new(statement)) } else { statement }
            }
        })
    }

    fn formulas(&mut self, members: &'a [Expr]) -> Option<Vec<Formula>> {
        members.iter().map(|member| self.formula(member)).collect()
    }

    fn number(&mut self, said: String) -> Option<usize> {
        let n_known = self.numbers.len();
        let number = *self.numbers.entry(said).or_insert(n_known);
        (number < MAX_STATEMENTS).then_some(number)
    }
}

/// What the first statement says of the second: that it is true, that it is false, or nothing.
///
/// It is known where the first lists all values that the field may have. A field is taken to have one value.
fn relation(first: &Predicate, second: &Predicate) -> Option<bool> {
    if first.field.is_none() || first.field != second.field || first.all && first.tests.len() > 1 {
        return None;
    }
    let values: Vec<String> = first.tests.iter().map(only_value).collect::<Option<_>>()?;
    let accepted: Vec<bool> = values.iter().map(|value| accepts(second, value)).collect::<Option<_>>()?;
    match (accepted.iter().all(|yes| *yes), accepted.iter().any(|yes| *yes)) {
        (true, true) => Some(true),
        (_, false) => Some(false),
        (false, true) => None,
    }
}

/// The one value that a test accepts, as text.
fn only_value(test: &Test) -> Option<String> {
    match test {
        Test::Text(matcher) => matcher.pattern().as_literal().map(str::to_owned),
        Test::Number { number: Number::Integer(number), .. } => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a predicate that is not negated accepts a value; nothing when other fields matter too.
fn accepts(predicate: &Predicate, value: &str) -> Option<bool> {
    // Of a value that matters only in its own case, another spelling is another value.
    let is_clear = |test: &Test| match test {
        Test::Text(matcher) => !matcher.is_cased(),
        Test::FieldRef { .. } | Test::Regex(_) | Test::AnyOf(_) => false,
        _ => true,
    };
    if !predicate.tests.iter().all(is_clear) {
        return None;
    }
    let met = |test: &Test| match test {
        Test::Exists(wanted) => *wanted,
        test => test.accepts(Value::Text(value)),
    };
    Some(if predicate.all { predicate.tests.iter().all(met) } else { predicate.tests.iter().any(met) })
}
