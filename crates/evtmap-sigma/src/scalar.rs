//! The values of a rule: what YAML 1.2's core schema makes of a scalar, and how it was spelled.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::yaml::{self, Data, Node, Place};

/// A value in a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// The text as written, quotes and escapes resolved.
    pub text: String,
    /// What it means.
    pub kind: Kind,
    /// Where it stands.
    pub place: Place,
}

/// What a scalar means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A text.
    Text,
    /// A number without quotes.
    Number(Number),
    /// `true` or `false` without quotes.
    Bool(bool),
    /// `null`, `~` or nothing at all.
    Null,
}

/// A number, exact where it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Number {
    /// A whole number.
    Integer(i128),
    /// Any other.
    Float(f64),
}

impl Number {
    /// Reads a number as YAML writes it: decimal, `0x`, `0o`, or with a fraction or exponent.
    ///
    /// Zeros in front make it a text: `00000429` is the name of a keyboard layout and not 429.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let first = digits.bytes().next()?;
        if let Some(hex) = text.strip_prefix("0x") {
            return unsigned(hex, 16);
        }
        if let Some(octal) = text.strip_prefix("0o") {
            return unsigned(octal, 8);
        }
        if !first.is_ascii_digit() && first != b'.' {
            return None;
        }
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            let spelled_plainly = digits.len() == 1 || first != b'0';
            return spelled_plainly.then(|| text.parse().ok().map(Self::Integer))?;
        }
        let number: f64 = text.parse().ok()?;
        number.is_finite().then_some(Self::Float(number))
    }

    /// Reads a whole number in the spelling that Windows gives it: plain decimal, or hexadecimal behind `0x`.
    pub(crate) fn parse_plain(text: &str) -> Option<Self> {
        if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return unsigned(hex, 16);
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_plain = digits == "0" || !digits.starts_with(['0', '+']);
        is_plain.then(|| text.parse().ok().map(Self::Integer))?
    }

    /// Reads a number as an event shows it: also hexadecimal, as Windows writes addresses and masks.
    pub fn parse_event(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return unsigned(hex, 16);
        }
        let starts_like_one = text.bytes().next().is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(&b));
        let number: f64 = starts_like_one.then(|| text.parse().ok())??;
        number.is_finite().then_some(Self::Float(number))
    }

    /// Compares two numbers; whole ones exactly.
    pub fn compare(self, other: Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only where one side has a fraction anyway")]
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Float(float) => write!(f, "{float}"),
        }
    }
}

fn unsigned(digits: &str, radix: u32) -> Option<Number> {
    let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    valid.then(|| i128::from_str_radix(digits, radix).ok().map(Number::Integer))?
}

impl Scalar {
    /// The scalar of a node, nothing for a list or map.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let Data::Scalar { text, plain } = &node.data else {
            return None;
        };
        let kind = if *plain { kind_of_plain(text) } else { Kind::Text };
        Some(Self { text: text.clone(), kind, place: node.place })
    }
}

/// Whether a text without quotes is a text, and not a number, a truth or null.
pub(crate) fn is_text(text: &str) -> bool {
    kind_of_plain(text) == Kind::Text
}

fn kind_of_plain(text: &str) -> Kind {
    match text {
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if yaml::is_null(text) => Kind::Null,
        _ => Number::parse(text).map_or(Kind::Text, Kind::Number),
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Null => f.write_str("null"),
            Kind::Text | Kind::Number(_) | Kind::Bool(_) => f.write_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_rules() {
        for (text, number) in [
            ("4688", Some(Number::Integer(4688))),
            ("-1", Some(Number::Integer(-1))),
            ("0", Some(Number::Integer(0))),
            ("0x1410", Some(Number::Integer(0x1410))),
            ("0o17", Some(Number::Integer(15))),
            ("00000429", None),
            ("010", None),
            ("1.5", Some(Number::Float(1.5))),
            ("1e3", Some(Number::Float(1000.0))),
            ("1.2.3", None),
            ("12:30", None),
            ("2024-01-02", None),
            ("nan", None),
            ("", None),
            ("-", None),
            ("0x", None),
        ] {
            assert_eq!(Number::parse(text), number, "{text}");
        }
    }

    #[test]
    fn numbers_of_events() {
        assert_eq!(Number::parse_event("0x3E7"), Some(Number::Integer(999)));
        assert_eq!(Number::parse_event("007"), Some(Number::Integer(7)));
        assert_eq!(Number::parse_event("infinity"), None);
        assert_eq!(Number::parse_event("-"), None);
    }
}
