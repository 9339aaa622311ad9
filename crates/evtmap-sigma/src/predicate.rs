//! What an item asks of an event, ready to be asked.

use std::cmp;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::event::Value;
use crate::fold::fold;
use crate::lazy_regex::LazyRegex;
use crate::scalar::Number;
use crate::text::{self, RefPart, TextMatcher};

/// An item of a selection: a field and what is asked of its values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Predicate {
    /// The field; none for keywords, which are looked for in every value of the event.
    pub field: Option<String>,
    /// What is asked; one of them suffices unless `all` is set.
    pub tests: Vec<Test>,
    /// Whether every test must be met.
    pub all: bool,
    /// Whether the predicate holds when the tests are not met (`neq`).
    pub negated: bool,
}

/// One question to a field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Test {
    /// The value is such a text.
    Text(TextMatcher),
    /// The value is this number, written as in the rule, in decimal, or in hexadecimal.
    Number {
        /// The number.
        number: Number,
        /// How the rule spells it.
        spelled: String,
    },
    /// The field is absent or has no value.
    Null,
    /// The field is there, even without a value; or is not there.
    Exists(bool),
    /// The expression is found in the value.
    Regex(LazyRegex),
    /// The value is an address of the network.
    Network(IpNet),
    /// The value is, or contains, that of another field.
    FieldRef {
        /// The other field.
        field: String,
        /// Where in the value.
        part: RefPart,
        /// Whether case matters.
        cased: bool,
    },
    /// The value is a number that compares so.
    Compare {
        /// How.
        ordering: Ordering,
        /// With what.
        number: Number,
    },
    /// The value is a time of which a part compares so.
    Time {
        /// Which part.
        part: TimePart,
        /// How.
        ordering: Ordering,
        /// With what.
        number: Number,
    },
    /// One of these; an encoded or expanded value that counts as one under `all`.
    AnyOf(Vec<Test>),
}

/// How a value compares with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ordering {
    /// It is the same.
    Equal,
    /// It is smaller.
    Less,
    /// It is not larger.
    LessOrEqual,
    /// It is larger.
    Greater,
    /// It is not smaller.
    GreaterOrEqual,
}

impl Ordering {
    fn accepts(self, ordering: cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimePart {
    /// 0–59
    Minute,
    /// 0–23
    Hour,
    /// The day of the month, 1–31.
    Day,
    /// The week of the year as ISO 8601 counts, 1–53.
    Week,
    /// 1–12
    Month,
    /// Such as 2026.
    Year,
}

impl TimePart {
    /// The part of a time as it is written, whatever its zone.
    pub(crate) fn of(self, text: &str) -> Option<i64> {
        let time = parse_time(text)?;
        Some(match self {
            Self::Minute => time.minute().into(),
            Self::Hour => time.hour().into(),
            Self::Day => time.day().into(),
            Self::Week => time.date().iso_week_date().week().into(),
            Self::Month => time.month().into(),
            Self::Year => time.year().into(),
        })
    }
}

/// Reads RFC 3339 and Sysmon's `2026-01-02 03:04:05.678`, leaving out the zone.
fn parse_time(text: &str) -> Option<civil::DateTime> {
    text.trim().trim_end_matches(['Z', 'z']).parse().ok()
}

/// Whether an event's value is a number as a rule spells it, or as Windows writes it: a whole number in
/// plain decimal or in hexadecimal. Values are texts, so `007` and `7.0` are not 7.
pub(crate) fn is_number(value: &str, number: Number, spelled: &str) -> bool {
    value.eq_ignore_ascii_case(spelled)
        || Number::parse_plain(value).is_some_and(|n| n.compare(number) == Some(cmp::Ordering::Equal))
}

/// Whether an event's value is an address of a network. An IPv4 address written as IPv6
/// (`::ffff:10.1.2.3`, as events 4624 and 4769 have it) is the IPv4 address.
pub(crate) fn is_in_network(value: &str, network: &IpNet) -> bool {
    let text = value.trim().trim_start_matches('[').trim_end_matches(']');
    let text = text.split_once('%').map_or(text, |(address, _zone)| address);
    let Ok(address) = text.parse::<IpAddr>() else {
        return false;
    };
    network.contains(&address.to_canonical()) || network.contains(&address)
}

/// Whether an event's value compares so with a number.
pub(crate) fn compares(value: &str, ordering: Ordering, number: Number) -> bool {
    let compared = Number::parse_event(value).and_then(|value| value.compare(number));
    compared.is_some_and(|compared| ordering.accepts(compared))
}

/// Whether a part of an event's time compares so with a number.
pub(crate) fn time_compares(value: &str, part: TimePart, ordering: Ordering, number: Number) -> bool {
    let Some(value) = part.of(value) else { return false };
    Number::Integer(value.into()).compare(number).is_some_and(|compared| ordering.accepts(compared))
}

/// Whether a value holds another at the place asked for.
pub(crate) fn holds(value: &str, other: &str, part: RefPart, cased: bool) -> bool {
    if !cased {
        return holds(&fold(value), &fold(other), part, true);
    }
    text::holds_exactly(value.as_bytes(), (other.as_bytes(), part))
}

impl Test {
    /// Whether a value that is there meets the test. [`Test::Exists`] and [`Test::FieldRef`] ask about more
    /// than one value and are not met here.
    pub(crate) fn accepts(&self, value: Value<'_>) -> bool {
        let text = match value {
            Value::Text(text) => text,
            Value::Null => return self.accepts_null(),
        };
        match self {
            Self::Text(matcher) => matcher.matches(text),
            Self::Number { number, spelled } => is_number(text, *number, spelled),
            Self::Regex(regex) => regex.is_match(text),
            Self::Network(network) => is_in_network(text, network),
            Self::Compare { ordering, number } => compares(text, *ordering, *number),
            Self::Time { part, ordering, number } => time_compares(text, *part, *ordering, *number),
            Self::AnyOf(tests) => tests.iter().any(|test| test.accepts(value)),
            Self::Null | Self::Exists(_) | Self::FieldRef { .. } => false,
        }
    }

    fn accepts_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::AnyOf(tests) => tests.iter().any(Self::accepts_null),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_match_as_written_decimal_and_hexadecimal() {
        let number = Number::Integer(4688);
        for (value, expected) in [
            ("4688", true),
            ("0x1250", true),
            ("0X1250", true),
            ("4688.0", false),
            ("04688", false),
            (" 4688", false),
            ("+4688", false),
            ("4.688e3", false),
            ("46880", false),
            ("", false),
        ] {
            assert_eq!(is_number(value, number, "4688"), expected, "{value}");
        }
        assert!(is_number("0x1250", number, "0x1250"));
    }

    #[test]
    fn networks() {
        let network: IpNet = "10.0.0.0/8".parse().unwrap();
        for (value, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.1.2.3", false),
            ("-", false),
            ("10.1.2.3.4", false),
            ("::1", false),
        ] {
            assert_eq!(is_in_network(value, &network), expected, "{value}");
        }
        assert!(is_in_network("fe80::1%12", &"fe80::/10".parse().unwrap()));
    }

    #[test]
    fn times() {
        for (text, part, expected) in [
            ("2026-01-02 03:04:05.678", TimePart::Minute, Some(4)),
            ("2026-01-02T23:59:05.1234567Z", TimePart::Hour, Some(23)),
            ("2026-01-02T23:59:05+02:00", TimePart::Hour, Some(23)),
            ("2027-01-01T00:00:00Z", TimePart::Week, Some(53)),
            ("2026-12-31", TimePart::Day, Some(31)),
            ("2026-12-31", TimePart::Month, Some(12)),
            ("2026-12-31", TimePart::Year, Some(2026)),
            ("noon", TimePart::Hour, None),
        ] {
            assert_eq!(part.of(text), expected, "{text}");
        }
    }
}
