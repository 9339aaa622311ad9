//! What can be chosen about a scan, from Python's values.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use evtmap::input::{self, DateOrder, InputOptions};
use evtmap::{ScanOptions, Severity};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error;

/// The names of the options, as they are documented of `Scanner`.
const NAMES: [&str; 11] = [
    "threads",
    "since",
    "until",
    "max_events",
    "min_severity",
    "associations",
    "all_events",
    "timezone",
    "date_format",
    "columns",
    "recover",
];

/// Options as the library takes them. `input` has the tables that all readers share.
pub(crate) fn read(options: Option<&Bound<'_, PyDict>>, input: &InputOptions) -> PyResult<ScanOptions> {
    let mut read = ScanOptions { input: input.clone(), ..defaults(input) };
    let Some(options) = options else { return Ok(read) };
    for (name, value) in options {
        let name: String = name.extract()?;
        if !NAMES.contains(&name.as_str()) {
            let help = format!("options are {}", NAMES.join(", "));
            return Err(pyo3::exceptions::PyTypeError::new_err(format!(
                "there is no option `{name}`; {help}"
            )));
        }
        if !value.is_none() {
            set(&mut read, &name, &value)?;
        }
    }
    Ok(read)
}

fn defaults(input: &InputOptions) -> ScanOptions {
    let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    // Every member is named: the library's default would read the tables of messages once more.
    ScanOptions {
        threads,
        since: None,
        until: None,
        max_events: None,
        min_severity: Severity::Informational,
        associations: true,
        all_events: false,
        evidence: false,
        input: input.clone(),
    }
}

fn set(options: &mut ScanOptions, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match name {
        "threads" => {
            options.threads = NonZero::new(value.extract::<usize>()?)
                .ok_or_else(|| error::option("`threads` is to be at least 1", ""))?;
        }
        "since" => options.since = Some(time(name, value)?),
        "until" => options.until = Some(time(name, value)?),
        "max_events" => options.max_events = Some(value.extract()?),
        "min_severity" => options.min_severity = severity(&value.extract::<String>()?)?,
        "associations" => options.associations = value.extract()?,
        "all_events" => options.all_events = value.extract()?,
        "recover" => options.input.recover = value.extract()?,
        "timezone" => options.input.timezone = zone(&value.str()?.to_cow()?)?,
        "date_format" => match value.extract::<String>()?.as_str() {
            "day-first" => options.input.date_order = Some(DateOrder::DayFirst),
            "month-first" => options.input.date_order = Some(DateOrder::MonthFirst),
            pattern => options.input.date_pattern = Some(pattern.to_owned()),
        },
        "columns" => options.input.columns = value.extract::<BTreeMap<String, String>>()?,
        _ => {}
    }
    Ok(())
}

fn severity(name: &str) -> PyResult<Severity> {
    Severity::named(name).ok_or_else(|| {
        let names = Severity::WORST_FIRST.map(Severity::as_str).join(", ");
        error::option(format!("`{name}` is no severity"), &format!("write one of {names}"))
    })
}

/// A time: a `datetime`, or a text in RFC 3339; without a zone it is in UTC.
fn time(option: &str, value: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let written = if value.hasattr("isoformat")? { value.call_method0("isoformat")? } else { value.clone() };
    let text: String = written.extract()?;
    let civil = || text.parse::<civil::DateTime>().and_then(|time| TimeZone::UTC.to_timestamp(time));
    text.parse::<Timestamp>().or_else(|_| civil()).map_err(|_| {
        let help = "give a `datetime`, or a text such as 2026-03-02 or 2026-03-02T08:00:00Z";
        error::option(format!("`{option}={text}` is not a time"), help)
    })
}

fn zone(name: &str) -> PyResult<TimeZone> {
    input::time_zone(name).ok_or_else(|| {
        let help = "write UTC, local, an offset such as +02:00, or a name such as Europe/Berlin";
        error::option(format!("`{name}` is not a time zone"), help)
    })
}
