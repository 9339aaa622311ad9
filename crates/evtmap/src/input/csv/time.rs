//! The times that exports hold: local, and written as the exporting computer's region has it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Which of the two comes first in a date such as `05/06/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DateOrder {
    /// `31/12/2026`.
    DayFirst,
    /// `12/31/2026`.
    MonthFirst,
}

impl DateOrder {
    /// The words in options and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DayFirst => "day-first",
            Self::MonthFirst => "month-first",
        }
    }
}

/// How times are read that do not say all about themselves.
#[derive(Debug, Clone, Copy)]
pub(in crate::input) struct Style<'a> {
    /// The form in which they are written, in the notation of `strftime`, where it is given.
    pub(in crate::input) pattern: Option<&'a str>,
    /// What comes first in a date, where it does not show.
    pub(in crate::input) order: Option<DateOrder>,
    /// The zone of times that name none.
    pub(in crate::input) zone: &'a TimeZone,
}

/// A time, and whether it is one of the style's zone because it names none itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::input) struct Time {
    pub(in crate::input) timestamp: Timestamp,
    pub(in crate::input) is_local: bool,
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
    /// Which of the date's numbers is a month by its name.
    month: Option<usize>,
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
/// One without an offset is a time in the style's zone. Where the order of day and month does not show in the
/// date itself, it is the style's, and when that is unknown, the month comes first before a `/` and the day
/// otherwise.
pub(in crate::input) fn parse(text: &str, style: Style<'_>) -> Option<Time> {
    let text = text.trim();
    if let Some(time) = style.pattern.and_then(|pattern| by_pattern(text, pattern, style.zone)) {
        return Some(time);
    }
    // Nearly all times are plain ones, which name no offset.
    let written = match Written::plain(text) {
        Some(written) => written,
        None if has_year_first(text) => match text.parse() {
            Ok(timestamp) => return Some(Time { timestamp, is_local: false }),
            Err(_) => Written::read(text)?,
        },
        None => Written::read(text)?,
    };
    let timestamp = style.zone.to_timestamp(written.date_time(style.order)?).ok()?;
    Some(Time { timestamp, is_local: true })
}

/// The date and time of what [`parse`] reads, for the zone UTC and the form that nearly all exports have:
/// numbers, and at most the half of the day.
pub(in crate::input) fn in_utc(text: &str, style: Style<'_>) -> Option<DateTime> {
    if style.pattern.is_some() || *style.zone != TimeZone::UTC {
        return None;
    }
    // The last days of the year 9999 are no timestamps.
    Written::plain(text)?.date_time(style.order).filter(|time| time.year() < 9999)
}

fn by_pattern(text: &str, pattern: &str, zone: &TimeZone) -> Option<Time> {
    let parts = strtime::parse(pattern, text).ok()?;
    if let Ok(timestamp) = parts.to_timestamp() {
        return Some(Time { timestamp, is_local: false });
    }
    let timestamp = zone.to_timestamp(parts.to_datetime().ok()?).ok()?;
    Some(Time { timestamp, is_local: true })
}

/// Whether a time begins with four digits: what follows the year is then the month.
pub(super) fn has_year_first(text: &str) -> bool {
    text.len() > 4 && text.bytes().take(4).all(|byte| byte.is_ascii_digit())
}

/// The order of day and month in this date, if it shows: one of the two is above 12, or a name.
pub(super) fn order_in(text: &str) -> Option<DateOrder> {
    Written::read(text.trim())?.order()
}

/// The order in which this date is read when nothing tells; nothing when it begins with the year, or is none.
pub(super) fn usual_order(text: &str) -> Option<DateOrder> {
    let written = Written::read(text.trim())?;
    let [first, ..] = written.date;
    (first <= 999).then(|| written.usual_order())
}

impl Written {
    /// Reads `12/14/2025 8:00:01 AM` and `14.12.2025 08:00:01`; no other form.
    fn plain(text: &str) -> Option<Self> {
        let mut rest = text.as_bytes();
        let a = number(&mut rest, 4)?;
        let separator = *rest.split_off_first().filter(|byte| matches!(byte, b'/' | b'.' | b'-'))?;
        let b = number(&mut rest, 2)?;
        after(&mut rest, separator)?;
        let c = number(&mut rest, 4)?;
        after(&mut rest, b' ')?;
        let hours = i8::try_from(number(&mut rest, 2)?).ok()?;
        after(&mut rest, b':')?;
        let minutes = i8::try_from(number(&mut rest, 2)?).ok()?;
        after(&mut rest, b':')?;
        let seconds = i8::try_from(number(&mut rest, 2)?).ok()?;
        let half = match rest {
            b"" => None,
            b" AM" => Some(Half::Am),
            b" PM" => Some(Half::Pm),
            _ => return None,
        };
        let (date, clock) = ([a, b, c], [hours, minutes, seconds]);
        Some(Self { date, clock, nanoseconds: 0, separator: char::from(separator), month: None, half })
    }

    fn read(text: &str) -> Option<Self> {
        let mut tokens = Tokens::default();
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            let length = match char {
                '0'..='9' => rest.bytes().take_while(u8::is_ascii_digit).count(),
                'a'..='z' | 'A'..='Z' => rest.bytes().take_while(u8::is_ascii_alphabetic).count(),
                _ => char.len_utf8(),
            };
            let (token, after) = rest.split_at_checked(length)?;
            tokens.add(char, token)?;
            rest = after;
        }
        tokens.finish()
    }

    /// The order of day and month, if it shows.
    fn order(&self) -> Option<DateOrder> {
        match (self.month, self.date) {
            (Some(0), _) | (None, [1..=12, 13..=31, _]) => Some(DateOrder::MonthFirst),
            (Some(_), _) | (None, [13..=31, 1..=12, _]) => Some(DateOrder::DayFirst),
            _ => None,
        }
    }

    fn usual_order(&self) -> DateOrder {
        if self.separator == '/' { DateOrder::MonthFirst } else { DateOrder::DayFirst }
    }

    fn date_time(&self, order: Option<DateOrder>) -> Option<DateTime> {
        let [a, b, c] = self.date;
        let (year, month, day) = match self.order().or(order).unwrap_or_else(|| self.usual_order()) {
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

/// Takes a number of at most so many digits off the front.
fn number(rest: &mut &[u8], n_digits_max: usize) -> Option<i16> {
    let n_digits = rest.iter().take(n_digits_max).take_while(|byte| byte.is_ascii_digit()).count();
    let digits = rest.split_off(..n_digits).filter(|digits| !digits.is_empty())?;
    Some(digits.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0')))
}

/// Takes a byte off the front.
fn after(rest: &mut &[u8], byte: u8) -> Option<()> {
    rest.split_off_first().filter(|first| **first == byte).map(|_| ())
}

/// The parts of a written time as they come.
#[derive(Default)]
struct Tokens {
    numbers: [i32; 7],
    n_numbers: usize,
    n_fraction_digits: usize,
    separator: Option<char>,
    month: Option<usize>,
    half: Option<Half>,
}

impl Tokens {
    fn add(&mut self, first: char, token: &str) -> Option<()> {
        match first {
            '0'..='9' => {
                *self.numbers.get_mut(self.n_numbers)? = token.parse().ok()?;
                self.n_numbers += 1;
                self.n_fraction_digits = token.len();
            }
            'a'..='z' | 'A'..='Z' => return self.word(token),
            '/' | '.' | '-' => _ = self.separator.get_or_insert(first),
            // Windows puts narrow spaces before the half of the day, and marks of direction anywhere.
            ':' | ',' | '@' | ' ' | '\u{a0}' | '\u{202f}' | '\u{200e}' | '\u{200f}' => {}
            _ => return None,
        }
        Some(())
    }

    /// A word in English: a month, a weekday, half of the day, or what joins date and time.
    fn word(&mut self, word: &str) -> Option<()> {
        const MONTHS: [&str; 12] =
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let word = word.to_ascii_lowercase();
        let start = word.get(..3).unwrap_or(&word);
        match word.as_str() {
            "t" | "at" => {}
            "am" | "a" => self.half = Some(Half::Am),
            "pm" | "p" => self.half = Some(Half::Pm),
            // The rest of `p.m.`
            "m" if self.half.is_some() => {}
            _ if DAYS.contains(&start) && self.n_numbers == 0 => {}
            _ => {
                let month = MONTHS.iter().position(|month| *month == start)?;
                self.month = Some(self.n_numbers).filter(|place| *place < 3 && self.month.is_none());
                self.month?;
                *self.numbers.get_mut(self.n_numbers)? = i32::try_from(month + 1).ok()?;
                self.n_numbers += 1;
            }
        }
        Some(())
    }

    fn finish(self) -> Option<Written> {
        let [a, b, c, hours, minutes, seconds, fraction] = self.numbers;
        let n_digits = if self.n_numbers == 7 { self.n_fraction_digits } else { 0 };
        let scale = 9_u32.checked_sub(u32::try_from(n_digits).ok()?)?;
        let small = |number: i32| i8::try_from(number).ok();
        let date = |number: i32| i16::try_from(number).ok();
        (self.n_numbers >= 5).then_some(Written {
            date: [date(a)?, date(b)?, date(c)?],
            clock: [small(hours)?, small(minutes)?, small(seconds)?],
            nanoseconds: fraction.checked_mul(10_i32.checked_pow(scale)?)?,
            separator: self.separator.or(self.month.map(|_| ' '))?,
            month: self.month,
            half: self.half,
        })
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
        let found = parse(text, Style { pattern: None, order, zone: &TimeZone::UTC });
        assert_eq!(found.map_or("none".to_owned(), |time| time.timestamp.to_string()), expected, "{text}");
        let plain = in_utc(text, Style { pattern: None, order, zone: &TimeZone::UTC });
        let plain = plain.map(|time| TimeZone::UTC.to_timestamp(time).unwrap());
        assert_eq!(plain.filter(|plain| Some(*plain) != found.map(|found| found.timestamp)), None, "{text}");
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
    fn the_plain_form() {
        let read = |text: &str| Written::plain(text).is_some();
        assert!(
            ["12/14/2025 8:00:01 AM", "14.12.2025 08:00:01", "2025-12-14 08:00:01"].into_iter().all(read)
        );
        for text in [
            "12/14-2025 8:00:01",
            "12/14/2025 8:00",
            "1/2/20255 1:2:3",
            "12/14/2025 8:00:01 am",
            "/1/1 1:1:1",
        ] {
            assert!(!read(text), "{text}");
        }
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
        let show = |text: &str, pattern| {
            let found = parse(text, Style { pattern, order: None, zone: &zone }).unwrap();
            format!("{} {}", found.timestamp, found.is_local)
        };
        assert_eq!(show("1/2/2026 8:00:00 PM", None), "2026-01-03T01:00:00Z true");
        assert_eq!(show("2026-01-02T20:00:00Z", None), "2026-01-02T20:00:00Z false");
        assert_eq!(show("02|01|26 20h00", Some("%d|%m|%y %Hh%M")), "2026-01-03T01:00:00Z true");
        assert_eq!(show("02|01|26 20h00 +0100", Some("%d|%m|%y %Hh%M %z")), "2026-01-02T19:00:00Z false");
        // What does not have the form is read as ever.
        assert_eq!(show("2026-01-02T20:00:00Z", Some("%d|%m|%y %Hh%M")), "2026-01-02T20:00:00Z false");
    }

    #[test]
    fn months_by_name() {
        check("Mar 2, 2026 @ 08:00:00.123", "2026-03-02T08:00:00.123Z");
        check("02-Mar-2026 08:00:00", "2026-03-02T08:00:00Z");
        check("Monday, March 2, 2026 8:00:00 PM", "2026-03-02T20:00:00Z");
        check("2 March 2026 08:00", "2026-03-02T08:00:00Z");
        check("2026 Mar 2 08:00:00", "2026-03-02T08:00:00Z");
        check("Mar 2 Mar 2026 08:00", "none");
        check("Maerz 2, 2026 x 08:00:00", "none");
        assert_eq!(order_in("Mar 2, 2026 @ 08:00:00.123"), Some(DateOrder::MonthFirst));
        assert_eq!(usual_order("05/06/2026 00:00:00"), Some(DateOrder::MonthFirst));
        assert_eq!(usual_order("2026-06-13 00:00:00"), None);
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
