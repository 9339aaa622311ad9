//! The times in records of any kind, added to an event as Windows writes them.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::InputOptions;
use super::csv::time::{Style, Time, in_utc, parse as parse_written};
use crate::event::time as windows;
use crate::event::{Event, Place, Value};

/// A time zone as users write it: `UTC`, `local` for the system's, an offset such as `+02:00`, or a name such as
/// `Europe/Berlin`.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    let offset = || {
        let time = format!("1970-01-01T00:00:00{name}").parse::<Timestamp>().ok()?;
        let seconds = i32::try_from(-time.as_second()).ok()?;
        Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
    };
    match name {
        "UTC" | "utc" | "Z" => Some(TimeZone::UTC),
        "local" => Some(TimeZone::system()),
        _ => TimeZone::get(name).ok().or_else(offset),
    }
}

/// The field that holds the time.
pub(super) const NAME: &str = "TimeCreated_SystemTime";

/// Adds a time that may be written in many ways; one that cannot be read stays as it is.
pub(super) fn push(text: &str, options: &InputOptions, event: &mut Event) {
    push_in(text, options.time_style(), event);
}

/// Adds a time that is in UTC, even if it does not say so.
pub(super) fn push_utc(text: &str, options: &InputOptions, event: &mut Event) {
    push_in(text, Style { zone: &TimeZone::UTC, ..options.time_style() }, event);
    event.set_time_local(false);
}

fn push_in(text: &str, style: Style<'_>, event: &mut Event) {
    // Most are written as Windows does, and stay as they are.
    if let Some(time) = as_windows_writes(text) {
        event.push(Place::System, NAME, Value::Text(text));
        event.note_time(time);
        event.set_time_local(false);
        return;
    }
    // Those of the Event Viewer come next, in the zone that is meant when none is given.
    if let Some(time) = in_utc(text, style)
        && let Some(written) = windows::write(time)
        && let Ok(written) = std::str::from_utf8(&written)
    {
        event.push(Place::System, NAME, Value::Text(written));
        TimeZone::UTC.to_timestamp(time).into_iter().for_each(|time| event.note_time(time));
        event.set_time_local(true);
        return;
    }
    match parse(text, style) {
        Some(Time { timestamp, is_local }) => {
            event.push_display(Place::System, &[NAME], timestamp);
            event.note_time(timestamp);
            event.set_time_local(is_local);
        }
        None => event.push(Place::System, NAME, Value::Text(text)),
    }
}

/// The time of a text like `2026-03-02T08:00:00.1234567Z`.
fn as_windows_writes(text: &str) -> Option<Timestamp> {
    let is_like_it = matches!(text.as_bytes(), [_, _, _, _, b'-', _, _, b'-', _, _, b'T', .., b'Z']);
    let time = || windows::parse(text).or_else(|| text.parse().ok());
    if is_like_it { time() } else { None }
}

/// Reads a time: as exports write it, as .NET does (`/Date(1610000000000)/`), or as a number of seconds or
/// of fractions of them since 1970.
fn parse(text: &str, style: Style<'_>) -> Option<Time> {
    let text = text.trim();
    if style.pattern.is_none()
        && let Some(timestamp) = as_windows_writes(text)
    {
        return Some(Time { timestamp, is_local: false });
    }
    let text = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")).unwrap_or(text);
    if let Some(timestamp) = since_1970(text) {
        return Some(Time { timestamp, is_local: false });
    }
    if let Some(utc) = ["UTC", "Z"].iter().find_map(|mark| text.strip_suffix(mark)) {
        let time = parse_written(utc, Style { zone: &TimeZone::UTC, ..style })?;
        return Some(Time { is_local: false, ..time });
    }
    // An offset may stand apart: `2026-03-02 08:00:00 +0900`.
    let joined = match text.rsplit_once(' ') {
        Some((time, offset)) if offset.starts_with(['+', '-']) => &format!("{time}{offset}"),
        _ => text,
    };
    parse_written(joined, style)
}

/// Seconds with or without a fraction, or a whole number of milli-, micro- or nanoseconds: what it is shows
/// in its size, since logs are of this century.
fn since_1970(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(9..=19).contains(&whole.len()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let scale = match whole.len() {
        ..=11 => 1_000_000_000,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        _ => 1,
    };
    let nanoseconds = number * scale;
    let parts: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let parts = if scale == 1_000_000_000 { parts } else { 0 };
    Timestamp::from_nanosecond(nanoseconds + parts).ok()
}

/// The time of a record that says when it was received both in local time and in UTC: the difference is
/// the offset of the local time at which it happened.
pub(super) fn from_local(local: &str, received_local: &str, received: &str) -> Option<Timestamp> {
    const QUARTER_SECONDS: i64 = 15 * 60;
    let style = Style { pattern: None, order: None, zone: &TimeZone::UTC };
    let utc = |text| parse(text, style).map(|time| time.timestamp);
    let (received_local, received) = (utc(received_local)?, utc(received)?);
    let offset = received_local.duration_since(received).as_secs();
    // Offsets are quarters of an hour; the two were written down some seconds after each other.
    let quarters = (offset + offset.signum() * QUARTER_SECONDS / 2) / QUARTER_SECONDS;
    if quarters.abs() > 14 * 4 {
        return None;
    }
    let offset = SignedDuration::from_secs(quarters * QUARTER_SECONDS);
    utc(local)?.checked_sub(offset).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = parse(text, Style { pattern: None, order: None, zone: &TimeZone::UTC });
        assert_eq!(found.map_or("none".to_owned(), |time| time.timestamp.to_string()), expected, "{text}");
    }

    #[test]
    fn ways_to_write_a_time() {
        check("2026-03-02T08:00:00.1234567Z", "2026-03-02T08:00:00.1234567Z");
        check("2026-03-02 08:00:00.123 UTC", "2026-03-02T08:00:00.123Z");
        check("2026-03-02 08:00:00.123 +09:00", "2026-03-01T23:00:00.123Z");
        check("2026-03-02 08:00:00 +0900", "2026-03-01T23:00:00Z");
        check("3/2/2026, 8:00:01.123 PM", "2026-03-02T20:00:01.123Z");
        check("/Date(1772438400123)/", "2026-03-02T08:00:00.123Z");
        check("1772438400", "2026-03-02T08:00:00Z");
        check("1772438400.25", "2026-03-02T08:00:00.25Z");
        check("1772438400123456", "2026-03-02T08:00:00.123456Z");
        check("7", "none");
        check("soon", "none");
    }

    /// The time that is noted as an event is read is what its text says, and none that was never set.
    #[test]
    fn times_are_what_their_texts_say() {
        for text in [
            "2026-03-02T08:00:00.1234567Z",
            "3/2/2026 8:00:01 PM",
            "2026-03-02 08:00:00 +0900",
            "1772438400.25",
            "1601-01-01T00:00:00Z",
            "1/1/1601 12:00:00 AM",
            "1602-01-01T00:00:00Z",
            "soon",
        ] {
            let mut event = Event::new();
            push(text, &InputOptions::default(), &mut event);
            let mut read = Event::new();
            event.fields().for_each(|(place, name, value)| read.push(place, name, value));
            assert_eq!(event.time(), read.time(), "{text}");
            // The first time counts.
            push("2001-01-01T00:00:00Z", &InputOptions::default(), &mut event);
            assert_eq!(event.time(), read.time(), "{text}");
        }
    }

    #[test]
    fn the_offset_of_a_local_time_shows() {
        let time = |received_local, received| {
            from_local("2020-09-21 18:58:29", received_local, received).map(|time| time.to_string())
        };
        let found = time("2020-09-21 18:58:31", "2020-09-21T22:58:31.654Z");
        assert_eq!(found.as_deref(), Some("2020-09-21T22:58:29Z"));
        let found = time("2020-09-21 18:58:31", "2020-09-21T13:28:33.000Z");
        assert_eq!(found.as_deref(), Some("2020-09-21T13:28:29Z"));
        assert_eq!(time("2020-09-21 18:58:31", "2020-09-25T13:28:33.000Z"), None);
    }
}
