//! What formats of one or more JSON values a line have in common.

use std::io::{self, Write};
use std::slice;

use serde_json::Value;

use super::{Pen, Writer};
use crate::alert::Alert;
use crate::row::{Fields, Row};
use crate::triage::Report;

/// Writes lines that a pen makes.
struct Lines {
    out: Box<dyn Write>,
    pen: Box<dyn Pen>,
    /// Those of an alert.
    lines: Vec<u8>,
}

/// Makes so many values of an alert.
struct Values(for<'a> fn(Row<'a>) -> Vec<Value>);

/// A report of so many values for each alert, each on a line of its own.
pub(super) fn open(out: Box<dyn Write>, values: for<'a> fn(Row<'a>) -> Vec<Value>) -> Box<dyn Writer> {
    written_by(Values(values), out)
}

/// A report of the lines that a pen makes.
pub(super) fn written_by(pen: impl Pen + 'static, out: Box<dyn Write>) -> Box<dyn Writer> {
    Box::new(Lines { out, pen: Box::new(pen), lines: Vec::new() })
}

impl Writer for Lines {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.lines.clear();
        self.pen.write(slice::from_ref(alert), &mut self.lines)?;
        self.out.write_all(&self.lines)
    }

    fn finish(&mut self, _: &Report<'_>) -> io::Result<()> {
        self.out.flush()
    }

    fn pen(&self) -> Option<Box<dyn Pen>> {
        Some(self.pen.another())
    }

    fn lines(&mut self, lines: &[u8]) -> io::Result<()> {
        self.out.write_all(lines)
    }
}

impl Pen for Values {
    fn write(&mut self, alerts: &[Alert], out: &mut Vec<u8>) -> io::Result<()> {
        for value in alerts.iter().flat_map(|alert| (self.0)(Row::of(alert))) {
            serde_json::to_writer(&mut *out, &value)?;
            out.push(b'\n');
        }
        Ok(())
    }

    fn another(&self) -> Box<dyn Pen> {
        Box::new(Self(self.0))
    }
}

/// The value without members that say nothing: null, and what is empty once these are gone.
pub(super) fn pruned(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, pruned(value)));
            Value::Object(members.filter(|(_, value)| says_something(value)).collect())
        }
        Value::Array(values) => values.into_iter().map(pruned).filter(says_something).collect(),
        other => other,
    }
}

/// The value with the payload of the event as one more member of the object at a pointer, whole: an empty value
/// of an event is a fact.
pub(super) fn with_payload(mut value: Value, pointer: &str, name: &str, row: Row<'_>) -> Value {
    let payload = serde_json::to_value(Fields(&row.event.said.fields)).unwrap_or_default();
    if let Some(members) = value.pointer_mut(pointer).and_then(Value::as_object_mut) {
        members.insert(name.to_owned(), payload);
    }
    value
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
