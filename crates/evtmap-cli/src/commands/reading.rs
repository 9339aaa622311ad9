//! How inputs are read: the options about times and columns.

use std::path::Path;

use evtmap::input::{DateOrder, InputOptions};
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

use crate::args::MapArgs;
use crate::failure::Failure;

/// Options as the library takes them.
pub(super) fn options(args: &MapArgs) -> Result<InputOptions, Failure> {
    let mut options = InputOptions {
        timezone: time_zone("--input-timezone", &args.input_timezone)?,
        ..InputOptions::default()
    };
    options.recover = args.recover;
    match args.date_format.as_deref() {
        None => {}
        Some("day-first") => options.date_order = Some(DateOrder::DayFirst),
        Some("month-first") => options.date_order = Some(DateOrder::MonthFirst),
        Some(pattern) => options.date_pattern = Some(date_pattern(pattern)?),
    }
    if let Some(path) = &args.columns {
        options.columns = columns(path)?;
    }
    Ok(options)
}

/// A zone as users write it, for an option.
pub(super) fn time_zone(option: &str, name: &str) -> Result<TimeZone, Failure> {
    let offset = || {
        let time = format!("1970-01-01T00:00:00{name}").parse::<Timestamp>().ok()?;
        let seconds = i32::try_from(-time.as_second()).ok()?;
        Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
    };
    match name {
        "UTC" | "utc" | "Z" => Ok(TimeZone::UTC),
        "local" => Ok(TimeZone::system()),
        _ => TimeZone::get(name).ok().or_else(offset).ok_or_else(|| {
            Failure::new(format!("`{option} {name}` is not a time zone"))
                .help("write UTC, local, an offset such as +02:00, or a name such as Europe/Berlin")
        }),
    }
}

/// A pattern that can be read again from what it writes.
fn date_pattern(pattern: &str) -> Result<String, Failure> {
    let written = strtime::format(pattern, Timestamp::UNIX_EPOCH).ok();
    let is_date = written
        .is_some_and(|text| strtime::parse(pattern, &text).is_ok_and(|parts| parts.to_datetime().is_ok()));
    if is_date {
        return Ok(pattern.to_owned());
    }
    Err(Failure::new(format!("`--date-format {pattern}` is not the form of a date and time"))
        .help("write day-first, month-first, or a pattern such as `%d.%m.%Y %H:%M:%S`"))
}

fn columns(path: &Path) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    let failure = |reason: String| {
        Failure::new(format!("cannot use `{}` as columns: {reason}", path.display()))
            .help("write lines such as `\"Event Code\" = \"EventID\"`")
    };
    let text = std::fs::read_to_string(path).map_err(|error| failure(error.to_string().to_lowercase()))?;
    toml::from_str(&text).map_err(|error| failure(error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_zone(name: &str, expected: &str) {
        let zone = time_zone("--input-timezone", name)
            .map(|timezone| InputOptions { timezone, ..InputOptions::default() });
        assert_eq!(zone.map_or("none".to_owned(), |options| options.timezone_name()), expected);
    }

    #[test]
    fn time_zones() {
        check_zone("UTC", "UTC");
        check_zone("+02:00", "+02");
        check_zone("-0530", "-05:30");
        check_zone("Europe/Berlin", "Europe/Berlin");
        check_zone("Nowhere", "none");
        check_zone("+99:00", "none");
    }

    #[test]
    fn date_patterns() {
        for pattern in ["%d.%m.%Y %H:%M:%S", "%m/%d/%y %I:%M %p", "%Y-%m-%d %H:%M:%S %z"] {
            assert!(date_pattern(pattern).is_ok(), "{pattern}");
        }
        for pattern in ["day", "%d.%m.", "%Q", ""] {
            assert!(date_pattern(pattern).is_err(), "{pattern}");
        }
    }
}
