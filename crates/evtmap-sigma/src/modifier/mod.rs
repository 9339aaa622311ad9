//! The modifiers of the specification's appendix, one file a family, joined in one table.
//!
//! Modifiers are applied in the order written (`CommandLine|wide|base64offset|contains`), each changing the
//! values of the item or how they are joined. What an item has become in the end is its [`Draft`], from
//! which the predicate is made.

mod encoding;
mod expand;
mod generic;
mod ip;
mod numeric;
mod regex;
mod string;
mod time;

use std::fmt;

use ipnet::IpNet;

pub(crate) use regex::RegexSource;

use crate::Placeholders;
use crate::diagnostic::{Code, Diagnostic};
use crate::pattern::Pattern;
use crate::predicate::{Ordering, TimePart};
use crate::scalar::{Kind, Number, Scalar};
use crate::text::RefPart;
use crate::yaml::Place;

/// One modifier: a name and what it does.
pub(crate) struct Spec {
    /// The name in the specification.
    pub(crate) name: &'static str,
    /// Other names that pySigma takes for the same.
    pub(crate) aliases: &'static [&'static str],
    /// Applies the modifier to an item.
    pub(crate) apply: fn(&mut Draft<'_>) -> Result<(), Problem>,
}

/// Every family's modifiers; a new family is a file and a line here.
const FAMILIES: &[&[Spec]] = &[
    generic::MODIFIERS,
    string::MODIFIERS,
    regex::MODIFIERS,
    encoding::MODIFIERS,
    numeric::MODIFIERS,
    time::MODIFIERS,
    ip::MODIFIERS,
    expand::MODIFIERS,
];

/// A modifier of the table.
#[derive(Clone, Copy)]
pub struct Modifier(&'static Spec);

impl Modifier {
    /// The modifier of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let is = |own: &str| own.eq_ignore_ascii_case(name);
        Self::all().find(|modifier| is(modifier.0.name) || modifier.0.aliases.iter().any(|alias| is(alias)))
    }

    /// The name in the specification.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Applies the modifier to an item.
    pub(crate) fn apply(self, draft: &mut Draft<'_>) -> Result<(), Problem> {
        (self.0.apply)(draft)
    }

    /// Every modifier there is.
    pub fn all() -> impl Iterator<Item = Self> {
        FAMILIES.iter().copied().flatten().map(Self)
    }

    /// The name that somebody who wrote this one may have meant.
    pub(crate) fn nearest(name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase();
        let candidates = Self::all().map(|modifier| (distance(&name, modifier.name()), modifier.name()));
        candidates.filter(|(distance, _)| *distance <= 2).min().map(|(_, name)| name)
    }
}

/// The number of letters to insert, remove or replace to make one name of another.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().take(32).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or(0)
}

impl fmt::Debug for Modifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl PartialEq for Modifier {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Modifier {}

/// Why a modifier cannot be applied.
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Problem {
    /// A modifier in the wrong place or on the wrong value.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidModifier, message)
    }

    /// Any other problem.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: String::new() }
    }

    /// Adds what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The problem at its place.
    pub(crate) fn at(self, place: Place) -> Diagnostic {
        Diagnostic::new(self.code, place, self.message).help(self.help)
    }
}

/// A value on its way through the modifiers.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// As written; no modifier has looked at it.
    Written(Scalar),
    /// A Sigma string.
    Text(Pattern),
    /// Bytes of an encoding, on their way to base64.
    Bytes(Vec<u8>),
    /// A regular expression.
    Regex(RegexSource),
    /// A network.
    Network(IpNet),
    /// The value of another field.
    FieldRef { field: String, part: RefPart },
    /// A comparison with a number.
    Compare { ordering: Ordering, number: Number },
    /// A part of a time.
    Time { part: TimePart, ordering: Ordering, number: Number },
    /// Whether the field is there.
    Exists(bool),
    /// One value that became several, of which one suffices even under `all`.
    AnyOf(Vec<Value>),
}

impl Value {
    /// What the value is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Written(Scalar { kind: Kind::Null, .. }) => "null",
            Self::Written(Scalar { kind: Kind::Number(_), .. }) => "a number",
            Self::Written(Scalar { kind: Kind::Bool(_), .. }) => "`true` or `false`",
            Self::Written(_) | Self::Text(_) => "a text",
            Self::Bytes(_) => "an encoded text",
            Self::Regex(_) => "a regular expression",
            Self::Network(_) => "a network",
            Self::FieldRef { .. } => "the name of a field",
            Self::Compare { .. } => "a comparison",
            Self::Time { .. } => "a part of a time",
            Self::Exists(_) => "the presence of a field",
            Self::AnyOf(_) => "several values",
        }
    }

    /// The value as a Sigma string, which a number or boolean becomes as it is spelled.
    pub(crate) fn into_pattern(self) -> Result<Pattern, Self> {
        match self {
            Self::Text(pattern) => Ok(pattern),
            // Bytes of an encoding can only be found where they are text themselves.
            Self::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Pattern::literal(&text)),
                Err(error) => Err(Self::Bytes(error.into_bytes())),
            },
            Self::Written(scalar) => match scalar.kind {
                Kind::Text => Ok(Pattern::parse(&scalar.text)),
                Kind::Number(_) | Kind::Bool(_) => Ok(Pattern::literal(&scalar.text)),
                Kind::Null => Err(Self::Written(scalar)),
            },
            other => Err(other),
        }
    }

    /// The value as a number, from a number without quotes or a text that is one.
    pub(crate) fn as_number(&self) -> Option<Number> {
        match self {
            Self::Written(Scalar { kind: Kind::Number(number), .. }) => Some(*number),
            Self::Written(Scalar { kind: Kind::Text, text, .. }) => Number::parse(text),
            _ => None,
        }
    }
}

/// An item on its way through its modifiers.
pub(crate) struct Draft<'a> {
    /// The field; none for keywords.
    pub(crate) field: Option<&'a str>,
    /// The values so far.
    pub(crate) values: Vec<Value>,
    /// Whether all of the values must be found.
    pub(crate) all: bool,
    /// Whether case matters.
    pub(crate) cased: bool,
    /// Whether the item holds when it does not match.
    pub(crate) negated: bool,
    /// Whether `contains`, `startswith` or `endswith` was given, which keywords imply otherwise.
    pub(crate) anchored: bool,
    /// How many modifiers were applied before.
    pub(crate) n_applied: usize,
    /// The user's values for placeholders.
    pub(crate) placeholders: &'a Placeholders,
    /// Remarks that do not keep the rule from being used.
    pub(crate) warnings: Vec<Problem>,
}

impl Draft<'_> {
    /// Replaces each value by what a function makes of it, inside expansions too.
    pub(crate) fn map(&mut self, change: impl Fn(Value) -> Result<Value, Problem>) -> Result<(), Problem> {
        let values = std::mem::take(&mut self.values);
        self.values = values.into_iter().map(|value| map_one(value, &change)).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Replaces each value's Sigma string.
    pub(crate) fn map_text(
        &mut self,
        modifier: &str,
        change: impl Fn(Pattern) -> Result<Value, Problem>,
    ) -> Result<(), Problem> {
        self.map(|value| match value.into_pattern() {
            Ok(pattern) => change(pattern),
            Err(other) => Err(Problem::invalid(format!("`{modifier}` takes a text, not {}", other.kind()))),
        })
    }
}

fn map_one(value: Value, change: &impl Fn(Value) -> Result<Value, Problem>) -> Result<Value, Problem> {
    match value {
        Value::AnyOf(members) => {
            let members = members.into_iter().map(|member| map_one(member, change));
            members.collect::<Result<_, _>>().map(Value::AnyOf)
        }
        value => change(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let mut seen = std::collections::HashSet::new();
        for modifier in Modifier::all() {
            for name in std::iter::once(&modifier.0.name).chain(modifier.0.aliases) {
                assert!(seen.insert(*name), "{name} twice");
                assert_eq!(Modifier::named(&name.to_uppercase()), Some(modifier));
            }
        }
        assert_eq!(Modifier::named("contain"), None);
        assert_eq!(Modifier::nearest("contain"), Some("contains"));
        assert_eq!(Modifier::nearest("xyzzy"), None);
    }
}
