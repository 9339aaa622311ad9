//! The times that exports hold: local, and written as the exporting computer's region has it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Which of the two comes first in a date such as `05/06/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `31/12/2026`.
    DayFirst,
    /// `12/31/2026`.
    MonthFirst,
}

/// A date and time as it is written.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// The numbers of the date in the order in which they stand.
    date: [i16; 3],
    /// Hours, minutes, seconds.
    clock: [i8; 3],
    nanoseconds: i32,
    /// What stands between the numbers of the date.
    separator: char,
    /// The half of the day, with a 12-hour clock.
    half: Option<Half>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

/// Reads a time such as `12/14/2025 08:00:01 AM`, `14.12.2025 08:00:01` or `2025-12-14T08:00:01.123Z`.
///
/// One without an offset is a time in `zone`. Where the order of day and month does not show in the date
/// itself, it is `order`, and when that is unknown, the month comes first before a `/` and the day otherwise.
pub(in crate::input) fn parse(text: &str, order: Option<DateOrder>, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let has_year_first = text.bytes().take(4).all(|byte| byte.is_ascii_digit());
    if has_year_first && let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let written = Written::read(text)?;
    zone.to_timestamp(written.date_time(order)?).ok()
}

/// The order of day and month in this date, if it shows: one of the two is above 12.
pub(super) fn order_in(text: &str) -> Option<DateOrder> {
    Written::read(text.trim())?.order()
}

impl Written {
    fn read(text: &str) -> Option<Self> {
        let mut numbers = [0_i32; 7];
        let mut n_digits = [0_usize; 7];
        let mut n_numbers = 0;
        let mut letters = String::new();
        let mut separator = None;
        let mut in_number = false;
        for char in text.chars() {
            match char {
                '0'..='9' => {
                    n_numbers += usize::from(!in_number);
                    let number = numbers.get_mut(n_numbers - 1)?;
                    let digit = i32::try_from(char.to_digit(10)?).ok()?;
                    *number = number.checked_mul(10)?.checked_add(digit)?;
                    *n_digits.get_mut(n_numbers - 1)? += 1;
                }
                '/' | '.' | '-' => _ = separator.get_or_insert(char),
                'a' | 'A' | 'p' | 'P' | 'm' | 'M' | 'T' if letters.len() < 4 => letters.push(char),
                // Windows puts narrow spaces before the half of the day, and marks of direction anywhere.
                ':' | ',' | ' ' | '\u{a0}' | '\u{202f}' | '\u{200e}' | '\u{200f}' => {}
                _ => return None,
            }
            in_number = char.is_ascii_digit();
        }
        let half = match letters.trim_start_matches('T').to_ascii_uppercase().as_str() {
            "" => None,
            "AM" => Some(Half::Am),
            "PM" => Some(Half::Pm),
            _ => return None,
        };
        let [a, b, c, hours, minutes, seconds, fraction] = numbers;
        let scale = 9_u32.checked_sub(u32::try_from(n_digits[6]).ok()?)?;
        let small = |number: i32| i8::try_from(number).ok();
        let date = |number: i32| i16::try_from(number).ok();
        (n_numbers >= 5).then_some(Self {
            date: [date(a)?, date(b)?, date(c)?],
            clock: [small(hours)?, small(minutes)?, small(seconds)?],
            nanoseconds: fraction.checked_mul(10_i32.checked_pow(scale)?)?,
            separator: separator?,
            half,
        })
    }

    fn order(&self) -> Option<DateOrder> {
        match self.date {
            [13..=31, 1..=12, _] => Some(DateOrder::DayFirst),
            [1..=12, 13..=31, _] => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }

    fn date_time(&self, order: Option<DateOrder>) -> Option<DateTime> {
        let usual = || {
            if self.separator == '/' { DateOrder::MonthFirst } else { DateOrder::DayFirst }
        };
        let [a, b, c] = self.date;
        let (year, month, day) = match self.order().or(order).unwrap_or_else(usual) {
            _ if a > 999 => (a, b, c),
            DateOrder::DayFirst => (c, b, a),
            DateOrder::MonthFirst => (c, a, b),
        };
        let year = if (0..100).contains(&year) { 2000 + year } else { year };
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        let [hours, minutes, seconds] = self.clock;
        let hours = match self.half {
            None => hours,
            Some(_) if !(1..=12).contains(&hours) => return None,
            Some(Half::Am) => hours % 12,
            Some(Half::Pm) => hours % 12 + 12,
        };
        DateTime::new(year, month, day, hours, minutes, seconds, self.nanoseconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        check_order(text, None, expected);
    }

    #[track_caller]
    fn check_order(text: &str, order: Option<DateOrder>, expected: &str) {
        let found = parse(text, order, &TimeZone::UTC);
        assert_eq!(found.map_or("none".to_owned(), |time| time.to_string()), expected, "{text}");
    }

    #[test]
    fn the_usual_ways_to_write_a_time() {
        check("12/14/2025 08:00:01 AM", "2025-12-14T08:00:01Z");
        check("14.12.2025 08:00:01", "2025-12-14T08:00:01Z");
        check("2025-12-14T08:00:01.123Z", "2025-12-14T08:00:01.123Z");
        check("2025-12-14T08:00:01+01:00", "2025-12-14T07:00:01Z");
        check("2025-12-14 08:00:01", "2025-12-14T08:00:01Z");
        check("14/12/2025 08:00:01", "2025-12-14T08:00:01Z");
        check("14/12/2025 08:00", "2025-12-14T08:00:00Z");
        check("2025/12/14 8:00:01.5", "2025-12-14T08:00:01.5Z");
        check("14. 12. 25, 8:00:01", "2025-12-14T08:00:01Z");
        check(" 1/2/2026 3:04:05\u{202f}PM ", "2026-01-02T15:04:05Z");
    }

    #[test]
    fn halves_of_the_day() {
        check("12/14/2025 12:00:01 AM", "2025-12-14T00:00:01Z");
        check("12/14/2025 12:00:01 p.m.", "2025-12-14T12:00:01Z");
        check("12/14/2025 11:59:59 pm", "2025-12-14T23:59:59Z");
        check("12/14/2025 13:00:00 PM", "none");
    }

    #[test]
    fn the_order_of_day_and_month() {
        check("05/06/2026 00:00:00", "2026-05-06T00:00:00Z");
        check("05.06.2026 00:00:00", "2026-06-05T00:00:00Z");
        check("05-06-2026 00:00:00", "2026-06-05T00:00:00Z");
        check_order("05/06/2026 00:00:00", Some(DateOrder::DayFirst), "2026-06-05T00:00:00Z");
        check_order("12/14/2025 00:00:00", Some(DateOrder::DayFirst), "2025-12-14T00:00:00Z");
        assert_eq!(order_in("05/06/2026 00:00:00"), None);
        assert_eq!(order_in("2026-06-13 00:00:00"), None);
        assert_eq!(order_in("13/06/2026 00:00:00"), Some(DateOrder::DayFirst));
        assert_eq!(order_in("06/13/2026 00:00:00"), Some(DateOrder::MonthFirst));
    }

    #[test]
    fn local_time() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let found = parse("1/2/2026 8:00:00 PM", None, &zone).unwrap();
        assert_eq!(found.to_string(), "2026-01-03T01:00:00Z");
        assert_eq!(parse("2026-01-02T20:00:00Z", None, &zone).unwrap().to_string(), "2026-01-02T20:00:00Z");
    }

    #[test]
    fn what_is_no_time() {
        for text in
            ["", "x", "2025", "12/14/2025", "31/31/2025 00:00:00", "99999999999/1/1 0:0:0", "1/1/1 午後 1:1"]
        {
            check(text, "none");
        }
        check("1/2/2026 1:2:3.1234567890", "none");
        check("1/2/2026 1:2:3.4 5", "none");
    }
}
