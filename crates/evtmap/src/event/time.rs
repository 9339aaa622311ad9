//! Times as Windows writes them, read at fixed places: nearly all times of a log are, and every event has one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time that a text is, without an offset one in UTC; nothing when it was never set.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if text.starts_with("1601-") {
        return None;
    }
    if let Some(time) = parse(text) {
        return Some(time);
    }
    let text = text.trim();
    let text = text.strip_suffix("UTC").map_or(text, str::trim_end);
    if text.starts_with("1601-") {
        return None;
    }
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })
}

/// Reads a time such as `2026-03-02T08:00:00.1234567Z`. Nothing when the text has another form, or when there
/// is no such time; another reader may still make something of it.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (time, fraction) = text.as_bytes().strip_suffix(b"Z")?.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1] = time else {
        return None;
    };
    let two = |tens: &u8, ones: &u8| i8::try_from(number(&[*tens, *ones])?).ok();
    let year = i16::try_from(number(&[*y0, *y1, *y2, *y3])?).ok()?;
    let nanoseconds = match fraction {
        [] => 0,
        [b'.', digits @ ..] if matches!(digits.len(), 1..=9) => {
            let n_missing = 9 - u32::try_from(digits.len()).ok()?;
            number(digits)? * 10_i32.pow(n_missing)
        }
        _ => return None,
    };
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    let time = DateTime::new(year, month, day, two(h0, h1)?, two(n0, n1)?, two(s0, s1)?, nanoseconds).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// The time in UTC that these date and time are, without its fraction of a second; nothing when its year does
/// not have four digits.
pub(crate) fn write(time: DateTime) -> Option<[u8; 20]> {
    let mut text = *b"0000-00-00T00:00:00Z";
    let [y0, y1, y2, y3, _, m0, m1, _, d0, d1, _, h0, h1, _, n0, n1, _, s0, s1, _] = &mut text;
    let year = time.year();
    let (century, year) = (i8::try_from(year / 100).ok()?, i8::try_from(year % 100).ok()?);
    for (number, tens, ones) in [
        (century, y0, y1),
        (year, y2, y3),
        (time.month(), m0, m1),
        (time.day(), d0, d1),
        (time.hour(), h0, h1),
        (time.minute(), n0, n1),
        (time.second(), s0, s1),
    ] {
        let number = u8::try_from(number).ok()?;
        (*tens, *ones) = (b'0' + number / 10, b'0' + number % 10);
    }
    Some(text)
}

/// The number that at most nine digits are.
fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = parse(text).map_or("none".to_owned(), |time| time.to_string());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn times() {
        check("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z");
        check("2026-03-02T08:00:00.1234567Z", "2026-03-02T08:00:00.1234567Z");
        check("1601-01-01T00:00:00.000Z", "1601-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_written_is_what_the_library_writes() {
        for text in
            ["2026-03-02T08:09:59Z", "1601-12-31T23:00:00Z", "0001-01-01T00:00:00Z", "9999-12-30T00:00:00Z"]
        {
            let time = TimeZone::UTC.to_datetime(text.parse().unwrap());
            assert_eq!(write(time).as_ref().map(<[u8; 20]>::as_slice), Some(text.as_bytes()));
        }
        assert_eq!(write(DateTime::constant(-1, 1, 1, 0, 0, 0, 0)), None);
    }

    #[test]
    fn other_texts() {
        for text in [
            "",
            "Z",
            "2026-03-02T08:00:00",
            "2026-03-02 08:00:00Z",
            "2026-02-30T08:00:00Z",
            "2026-03-02T24:00:00Z",
            "2026-03-02T08:00:0éZ",
            "2026-03-02T08:00:00.Z",
            "2026-03-02T08:00:00.1234567890Z",
            "2026-03-02T08:00:00+01:00",
        ] {
            check(text, "none");
        }
    }

    proptest! {
        /// Whatever is read here is what the library reads.
        #[test]
        fn the_library_reads_the_same(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?Z") {
            if let Some(time) = parse(&text) {
                prop_assert_eq!(text.parse::<Timestamp>().ok(), Some(time));
            }
        }
    }
}
