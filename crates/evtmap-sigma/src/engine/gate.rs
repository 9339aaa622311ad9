//! Gates: what is cheap to find in a value, and which gate a test needs open.

use std::borrow::Cow;

use crate::fold::fold;
use crate::pattern::{Part, Pattern};
use crate::predicate::Test;
use crate::scalar::Number;
use crate::text::{Form, RefPart, TextMatcher};

/// The number of a gate in its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GateId(pub(super) u32);

impl GateId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something cheap to find in a slot. Texts are folded; most stand in the rule as such.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Gate<'r> {
    /// The value is this text.
    Whole(Cow<'r, str>),
    /// The value is this whole number.
    Number(i128),
    /// The value begins with this text.
    Start(Cow<'r, str>),
    /// The value ends with this text.
    End(Cow<'r, str>),
    /// The value contains this text.
    Anywhere(Cow<'r, str>),
}

/// What a test has to do with gates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need<'r> {
    /// The test is met exactly when the gate is open.
    Answer(Gate<'r>),
    /// The test cannot be met unless one of the gates is open.
    Sign(Vec<Gate<'r>>),
    /// No gate says anything about the test.
    Nothing,
}

/// Literals shorter than this are in too many values to be worth a gate.
const MIN_SIGN_BYTES: usize = 2;

impl<'r> Need<'r> {
    /// The gate of a test.
    pub(super) fn of(test: &'r Test) -> Self {
        match test {
            Test::Text(matcher) => Self::of_text(matcher),
            // The spelling in the rule may be another than the decimal one, so both are looked up.
            Test::Number { number: Number::Integer(integer), spelled } => {
                Self::Sign(vec![Gate::Number(*integer), Gate::Whole(spelled.to_ascii_lowercase().into())])
            }
            Test::AnyOf(tests) => Self::of_any(tests),
            _ => Self::Nothing,
        }
    }

    fn of_text(matcher: &'r TextMatcher) -> Self {
        let (text, place) = match matcher.form() {
            Form::Other(pattern) => return Self::of_pattern(pattern),
            Form::Text(text, place) => (text.compared(), *place),
        };
        if text.is_empty() && place != RefPart::Whole {
            return Self::Nothing;
        }
        let text = if matcher.is_cased() { fold(text) } else { Cow::Borrowed(text) };
        let gate = match place {
            RefPart::Whole => Gate::Whole(text),
            RefPart::Start => Gate::Start(text),
            RefPart::End => Gate::End(text),
            RefPart::Anywhere => Gate::Anywhere(text),
        };
        if matcher.is_cased() { Self::Sign(vec![gate]) } else { Self::Answer(gate) }
    }

    /// A pattern with wildcards inside needs its longest text.
    fn of_pattern(pattern: &'r Pattern) -> Self {
        let texts = pattern.parts().iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        });
        match texts.max_by_key(|text| text.len()) {
            Some(text) if text.len() >= MIN_SIGN_BYTES => Self::Sign(vec![Gate::Anywhere(fold(text))]),
            _ => Self::Nothing,
        }
    }

    fn of_any(tests: &'r [Test]) -> Self {
        let mut gates = Vec::new();
        for test in tests {
            match Self::of(test) {
                Self::Answer(gate) => gates.push(gate),
                Self::Sign(more) => gates.extend(more),
                Self::Nothing => return Self::Nothing,
            }
        }
        Self::Sign(gates)
    }
}

impl Gate<'_> {
    /// The text that a value must hold somewhere; none for a number, which may be written in many ways.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Whole(text) | Self::Start(text) | Self::End(text) | Self::Anywhere(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    /// How telling an open gate is: roughly the length of what was found. Groups of telling gates are
    /// preferred, since they make fewer candidates.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Whole(text) => text.len() + 8,
            Self::Number(_) => 4,
            Self::Start(text) | Self::End(text) => text.len() + 1,
            Self::Anywhere(text) => text.len(),
        }
    }
}
