//! How reports write times: in which zone, in which form.

use std::fmt;
use std::io::{self, Write as _};

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use crate::row::push_text;

/// How RFC 3339 is written.
static PRINTER: DateTimePrinter = DateTimePrinter::new();

/// How times are written where a format leaves the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStyle {
    zone: TimeZone,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// RFC 3339, as `2026-03-02T09:14:07.1234567Z`.
    Rfc3339,
    /// Seconds since 1970, with what comes after the point.
    Seconds,
    /// Whole milliseconds since 1970.
    Milliseconds,
    /// A pattern in the manner of `strftime`.
    Pattern(String),
}

impl Default for TimeStyle {
    /// RFC 3339 in UTC.
    fn default() -> Self {
        Self { zone: TimeZone::UTC, form: Form::Rfc3339 }
    }
}

impl TimeStyle {
    /// Times in a zone, in a form: `rfc3339`, `epoch`, `epoch-ms`, or a pattern such as `%d.%m.%Y %H:%M:%S`.
    ///
    /// # Errors
    /// When the form is no pattern; says why.
    pub fn new(zone: TimeZone, form: &str) -> Result<Self, String> {
        let form = match form {
            "rfc3339" => Form::Rfc3339,
            "epoch" => Form::Seconds,
            "epoch-ms" => Form::Milliseconds,
            pattern => {
                // Two times that have no part in common, fractions and the half of the day included.
                let [one, other] = [(0, 0), (981_218_106, 123_456_700)].map(|(second, nanosecond)| {
                    let time = Timestamp::new(second, nanosecond).unwrap_or_default();
                    strtime::format(pattern, &time.to_zoned_datetime(zone.clone()))
                        .map_err(|error| error.to_string())
                });
                if one? == other? {
                    return Err("it names no part of a time".to_owned());
                }
                Form::Pattern(pattern.to_owned())
            }
        };
        Ok(Self { zone, form })
    }

    /// The time in this style, to be displayed or serialised.
    pub fn show(&self, time: Timestamp) -> Shown<'_> {
        Shown { time, style: self }
    }

    /// The time for an overview: to the minute, with the offset where it is not UTC's, unless a form was chosen.
    pub fn short(&self, time: Timestamp) -> String {
        self.plain(time, "%Y-%m-%d %H:%M")
    }

    /// The same to the second, for tables.
    pub fn second(&self, time: Timestamp) -> String {
        self.plain(time, "%Y-%m-%d %H:%M:%S")
    }

    /// The zone of the times.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The time by a pattern, unless a form was chosen; with its offset where it is not UTC's: in autumn an hour comes
    /// twice.
    fn plain(&self, time: Timestamp, pattern: &str) -> String {
        let time = match &self.form {
            Form::Rfc3339 => time.to_zoned_datetime(self.zone.clone()),
            Form::Seconds | Form::Milliseconds | Form::Pattern(_) => return self.text(time),
        };
        let offset = if self.zone == TimeZone::UTC { "" } else { "%:z" };
        time.strftime(&format!("{pattern}{offset}")).to_string()
    }

    /// The time in this style.
    pub fn text(&self, time: Timestamp) -> String {
        self.show(time).to_string()
    }
}

/// A time in a style.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    time: Timestamp,
    style: &'a TimeStyle,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, zone) = (self.time, &self.style.zone);
        match &self.style.form {
            Form::Rfc3339 if *zone == TimeZone::UTC => time.fmt(f),
            Form::Rfc3339 => time.display_with_offset(zone.to_offset(time)).fmt(f),
            Form::Seconds => epoch(time, f),
            Form::Milliseconds => time.as_millisecond().fmt(f),
            Form::Pattern(pattern) => match strtime::format(pattern, &time.to_zoned_datetime(zone.clone())) {
                Ok(text) => f.write_str(&text),
                // What was tried with one time works with all.
                Err(_) => time.fmt(f),
            },
        }
    }
}

impl Shown<'_> {
    /// Appends what serde would write: it has to look for what needs an escape, and nothing does in a time but in a
    /// pattern.
    ///
    /// # Errors
    /// When the time cannot be written.
    pub(super) fn push_json(&self, out: &mut Vec<u8>) -> io::Result<()> {
        match &self.style.form {
            Form::Pattern(_) => push_text(out, &self.to_string()),
            Form::Rfc3339 if self.style.zone == TimeZone::UTC => {
                out.push(b'"');
                PRINTER.print_timestamp(&self.time, &mut *out).map_err(io::Error::other)?;
                out.push(b'"');
            }
            Form::Rfc3339 | Form::Seconds | Form::Milliseconds => write!(out, "\"{self}\"")?,
        }
        Ok(())
    }
}

/// Seconds with up to seven digits after the point, which is what Windows counts.
fn epoch(time: Timestamp, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let nanoseconds = time.as_nanosecond();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let nanoseconds = nanoseconds.unsigned_abs();
    let text = format!("{sign}{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, form: &str, expected: &str) {
        let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::get(zone).unwrap() };
        let time = "2026-07-02T22:14:07.1234567Z".parse().unwrap();
        let style = TimeStyle::new(zone, form).unwrap();
        assert_eq!(style.text(time), expected);
        let mut json = Vec::new();
        style.show(time).push_json(&mut json).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&style.show(time)).unwrap());
    }

    #[test]
    fn styles() {
        check("UTC", "rfc3339", "2026-07-02T22:14:07.1234567Z");
        check("Europe/Berlin", "rfc3339", "2026-07-03T00:14:07.1234567+02:00");
        check("Europe/Berlin", "epoch", "1783030447.1234567");
        check("UTC", "epoch-ms", "1783030447123");
        check("Europe/Berlin", "%d.%m.%Y %H:%M:%S %Z", "03.07.2026 00:14:07 CEST");
        check("Asia/Kolkata", "%F %T%.3f", "2026-07-03 03:44:07.123");
        check("UTC", "%.3f %p", ".123 PM");
        check("UTC", "\"%H\" \\ %M", "\"22\" \\ 14");
    }

    /// Each part of a time is one, however little it says alone.
    #[test]
    fn one_part_is_enough() {
        for form in
            ["%Y", "%C", "%m", "%d", "%a", "%j", "%U", "%H", "%I", "%M", "%S", "%p", "%f", "%.3f", "%s"]
        {
            assert!(TimeStyle::new(TimeZone::UTC, form).is_ok(), "{form}");
        }
    }

    #[test]
    fn what_is_no_form() {
        for form in ["", "iso", "%", "%H:%", "%!", "%Q"] {
            assert!(TimeStyle::new(TimeZone::UTC, form).is_err(), "{form}");
        }
    }

    #[test]
    fn seconds_before_1970() {
        let time = Timestamp::from_nanosecond(-1_500_000_000).unwrap();
        assert_eq!(TimeStyle::new(TimeZone::UTC, "epoch").unwrap().text(time), "-1.5");
        assert_eq!(TimeStyle::new(TimeZone::UTC, "epoch").unwrap().text(Timestamp::UNIX_EPOCH), "0");
    }
}
