//! Python's values as JSON: how a dict becomes an event.

use std::fmt::Write as _;

use evtmap::event::MAX_DEPTH;
use evtmap::input::MAX_RECORD_BYTES;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

/// Why a value is no event.
pub(crate) enum NoEvent {
    /// What is wrong with it, in words.
    Problem(&'static str, String),
    /// What Python raised.
    Raised(PyErr),
}

impl From<PyErr> for NoEvent {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Writes a value that is to be an event.
pub(crate) fn write_event(value: &Bound<'_, PyAny>, out: &mut String) -> Result<(), NoEvent> {
    if value.cast::<PyDict>().is_err() && value.cast::<PyMapping>().is_err() {
        let name = value.get_type().name()?;
        return Err(NoEvent::Problem("not-an-object", format!("`{name}` is no event; a dict is")));
    }
    let limit = out.len() + MAX_RECORD_BYTES;
    write(value, out, limit, 0)
}

fn write(value: &Bound<'_, PyAny>, out: &mut String, limit: usize, depth: u32) -> Result<(), NoEvent> {
    if depth > MAX_DEPTH {
        return Err(NoEvent::Problem("json-record", format!("the object is nested deeper than {MAX_DEPTH}")));
    }
    if out.len() > limit {
        return Err(NoEvent::Problem(
            "record-too-long",
            format!("the object has more than {MAX_RECORD_BYTES} bytes"),
        ));
    }
    if let Ok(text) = value.cast::<PyString>() {
        quote(&text.to_string_lossy(), out);
    } else if value.is_none() {
        out.push_str("null");
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let entries = dict.iter().map(Ok);
        return write_members(entries, out, limit, depth);
    } else if let Ok(is) = value.cast::<PyBool>() {
        out.push_str(if is.is_true() { "true" } else { "false" });
    } else if value.is_instance_of::<PyInt>() {
        // A number too long to be written out is no number of a log. Other exceptions, such as that of Ctrl-C which
        // may come here as anywhere, are the caller's.
        let text = value.str().map_err(|error| match error.is_instance_of::<PyValueError>(value.py()) {
            true => NoEvent::Problem("json-record", "a number is too long".to_owned()),
            false => NoEvent::Raised(error),
        })?;
        out.push_str(&text.to_string_lossy());
    } else if let Ok(number) = value.cast::<PyFloat>() {
        write_float(number.value(), out);
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        out.push('[');
        for (place, item) in value.try_iter()?.enumerate() {
            if place > 0 {
                out.push(',');
            }
            write(&item?, out, limit, depth + 1)?;
        }
        out.push(']');
    } else if let Ok(mapping) = value.cast::<PyMapping>() {
        let items = mapping.items()?;
        return write_members(items.iter().map(|item| item.extract()), out, limit, depth);
    } else {
        write_other(value, out)?;
    }
    Ok(())
}

fn write_members<'py>(
    members: impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>>,
    out: &mut String,
    limit: usize,
    depth: u32,
) -> Result<(), NoEvent> {
    out.push('{');
    for (place, member) in members.enumerate() {
        let (key, value) = member?;
        if place > 0 {
            out.push(',');
        }
        match key.cast::<PyString>() {
            Ok(key) => quote(&key.to_string_lossy(), out),
            // `csv.DictReader` has cells beyond the header under the key `None`.
            Err(_) if key.is_none() => quote("", out),
            Err(_) => quote(&key.str()?.to_string_lossy(), out),
        }
        out.push(':');
        write(&value, out, limit, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

/// A number that frames made a fraction of for want of a missing whole number is a whole one again.
pub(crate) fn write_float(number: f64, out: &mut String) {
    let written = match number {
        number if !number.is_finite() => return out.push_str("null"),
        number if number.fract() == 0.0 && number.abs() < 1e15 => write!(out, "{number:.0}"),
        number => write!(out, "{number}"),
    };
    // A string takes whatever is written.
    written.unwrap_or_default();
}

/// Dates as ISO 8601, bytes as text, what stands for a missing value as null, everything else as Python shows it.
fn write_other(value: &Bound<'_, PyAny>, out: &mut String) -> Result<(), NoEvent> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        quote(&String::from_utf8_lossy(bytes.as_bytes()), out);
        return Ok(());
    }
    let name = value.get_type().name()?;
    if name.to_string_lossy().starts_with("NaT") || name == "NAType" {
        out.push_str("null");
        return Ok(());
    }
    let shown =
        if value.hasattr("isoformat")? { value.call_method0("isoformat")?.str()? } else { value.str()? };
    quote(&shown.to_string_lossy(), out);
    Ok(())
}

/// A text in quotes. It has no line end, so that one object is one line.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for part in text.split_inclusive(|c: char| c == '"' || c == '\\' || c.is_ascii_control()) {
        let last = part.chars().next_back();
        let plain = part.strip_suffix(|c: char| c == '"' || c == '\\' || c.is_ascii_control());
        out.push_str(plain.unwrap_or(part));
        if plain.is_some()
            && let Some(last) = last
        {
            let written = match last {
                '"' => write!(out, "\\\""),
                '\\' => write!(out, "\\\\"),
                other => write!(out, "\\u{:04x}", u32::from(other)),
            };
            written.unwrap_or_default();
        }
    }
    out.push('"');
}
