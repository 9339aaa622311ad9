//! Timespans such as `5m`: how long a correlation looks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A unit of time. The specification knows the first four, pySigma the others too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimeUnit {
    /// `s`: seconds.
    Second,
    /// `m`: minutes.
    Minute,
    /// `h`: hours.
    Hour,
    /// `d`: days of 24 hours.
    Day,
    /// `w`: weeks of seven days.
    Week,
    /// `M`: months of a twelfth of a year.
    Month,
    /// `y`: years of 365.2425 days.
    Year,
}

impl TimeUnit {
    /// The unit of a letter, whose case counts: `M` is a month and `m` a minute.
    pub fn parse(letter: &str) -> Option<Self> {
        Some(match letter {
            "s" => Self::Second,
            "m" => Self::Minute,
            "h" => Self::Hour,
            "d" => Self::Day,
            "w" => Self::Week,
            "M" => Self::Month,
            "y" => Self::Year,
            _ => return None,
        })
    }

    /// The letter in a rule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Week => "w",
            Self::Month => "M",
            Self::Year => "y",
        }
    }

    /// How many seconds the unit has.
    pub fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
            Self::Month => 2_629_746,
            Self::Year => 31_556_952,
        }
    }
}

/// A number of units of time; specification: sigma-correlation-rules-specification, "Time Selection".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timespan {
    /// How many units; never zero.
    pub count: u32,
    /// Which unit.
    pub unit: TimeUnit,
}

impl Timespan {
    /// Reads a timespan: digits and a unit. `5M` is five months and `5m` five minutes, so case counts.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, letter) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = TimeUnit::parse(letter)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let count = digits.parse().ok().filter(|count| *count > 0)?;
        Some(Self { count, unit })
    }

    /// The timespan in seconds.
    pub fn seconds(self) -> u64 {
        u64::from(self.count).saturating_mul(self.unit.seconds())
    }
}

impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timespans() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("90m", Some(5_400)),
            ("1h", Some(3_600)),
            ("7d", Some(604_800)),
            ("1w", Some(604_800)),
            ("1M", Some(2_629_746)),
            ("1y", Some(31_556_952)),
            ("0s", None),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("1h30m", None),
            ("-5m", None),
            ("5H", None),
            ("99999999999s", None),
            ("", None),
        ] {
            let timespan = Timespan::parse(text);
            assert_eq!(timespan.map(Timespan::seconds), seconds, "{text}");
            if let Some(timespan) = timespan {
                assert_eq!(timespan.to_string(), text);
            }
        }
    }
}
