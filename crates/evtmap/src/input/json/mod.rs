//! Events as JSON: lines, arrays, one object after the other, or one alone.
//!
//! What an object's members mean depends on the program that wrote it. Each such shape is a file in `shape/`
//! with a table of its members; the object's own keys tell which it is, so that shapes may be mixed. An
//! object is cut out of the text without reading it, taken apart one level deep, and its values go straight
//! into the event.

mod cut;
pub(super) mod outline;
pub(super) mod record;

use std::borrow::Cow;
use std::sync::Arc;

use self::cut::Layout;
use self::outline::Outlines;
use self::record::Record;
use super::shape::{self, Reading, Shape};
use super::text::{self, Cut, Format, Problem, Text, TextInput};
use super::{Batch, InputOptions, Opened, Position, Source};
use crate::event::Event;
use crate::event::json::{self, JsonError};
use crate::idle::Idle;

/// How many wrappers may lie around an event.
const MAX_WRAPPERS: usize = 3;
/// The members in which programs wrap an event: Splunk, Elasticsearch, Chainsaw.
const WRAPPERS: [&str; 5] = ["result", "_source", "fields", "document", "data"];
/// The code of the problem that an object has no shape that is known.
pub(super) const UNKNOWN_SHAPE: &str = "json-shape";
/// How many of an object's keys are shown when nobody knows what it is.
const N_KEYS_SHOWN: usize = 6;

/// A file is recognised by its first objects: one of them has the shape of an event.
pub(super) fn recognises(head: &[u8], _: &InputOptions) -> bool {
    let head = text::decode_head(head);
    if !matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) && cut::number_line(&head).is_none() {
        return false;
    }
    let text = match std::str::from_utf8(&head) {
        Ok(text) => Cow::Borrowed(text),
        // The last character may be cut off.
        Err(_) => String::from_utf8_lossy(&head),
    };
    let (layout, start) = cut::layout(text.as_bytes());
    let mut rest = text.get(start..).unwrap_or_default();
    loop {
        let (is_whole, range) = match layout.next(rest.as_bytes(), false) {
            Cut::Record(range) | Cut::Line(range) => (true, range),
            Cut::Damaged(range, _) => (false, range),
            Cut::Open => break,
        };
        if is_whole && rest.get(range.clone()).is_some_and(|object| is_event(object, true)) {
            return true;
        }
        rest = rest.get(range.end..).unwrap_or_default();
    }
    let object = rest.find('{').and_then(|at| rest.get(at..)).unwrap_or_default();
    is_event(object, false)
}

/// Whether an object is an event, as far as can be seen when it is not whole.
fn is_event(object: &str, is_whole: bool) -> bool {
    if !is_whole {
        let record = Record::parse_start(object);
        return object.trim_ascii_start().starts_with(r#"{"Event":{"#) || shape::of(&record).is_some();
    }
    Record::parse(object).is_ok_and(|record| unwrap(record).is_some())
}

pub(super) fn open(source: Source, options: &InputOptions) -> Opened {
    let (layout, start) = cut::layout(&text::decode_head(&source.head));
    let mut text = Text::new(source, options);
    text.skip(start);
    Ok(Box::new(TextInput::new(text, Json::new(layout, options))))
}

/// Decodes lines of JSON that somebody else has read as they came.
#[derive(Clone)]
pub struct JsonLines(Arc<Json>);

impl JsonLines {
    /// A reader with options.
    pub fn new(options: &InputOptions) -> Self {
        Self(Arc::new(Json::new(Layout::Lines, options)))
    }

    /// A batch of whole lines, of which the first has this number in its file, counted from 1.
    pub fn batch(&self, lines: Vec<u8>, line: u64) -> Box<dyn Batch> {
        text::whole_records(&self.0, lines, Position::Line(line))
    }
}

/// Objects that are laid out in one way.
struct Json {
    layout: Layout,
    options: InputOptions,
    /// What batches learnt of the objects' keys and no other batch uses at the moment.
    idle: Idle<Outlines>,
}

impl Json {
    fn new(layout: Layout, options: &InputOptions) -> Self {
        Self { layout, options: options.clone(), idle: Idle::default() }
    }
}

impl Format for Json {
    fn kind(&self) -> &'static str {
        "json"
    }

    fn next(&self, text: &[u8], is_end: bool) -> Cut {
        self.layout.next(text, is_end)
    }

    fn whole(&self, text: &[u8], is_end: bool) -> Option<usize> {
        match self.layout {
            Layout::Lines => Some(Layout::whole_lines(text, is_end)),
            Layout::Document { .. } => None,
        }
    }

    fn start(&self, text: &[u8]) -> usize {
        memchr::memchr(b'{', text).unwrap_or_default()
    }

    fn resume(&self, text: &[u8]) -> Option<usize> {
        self.layout.resume(text)
    }

    type Scratch = Outlines;

    fn scratch(&self) -> Outlines {
        self.idle.take()
    }

    fn put_back(&self, scratch: Outlines) {
        self.idle.put_back(scratch);
    }

    fn read(&self, object: &str, outlines: &mut Outlines, event: &mut Event) -> Result<bool, Problem> {
        if is_rendered(object) {
            return read_object(object, &self.options, event);
        }
        let Some((plan, values)) = outlines.of(object) else {
            return read_object(object, &self.options, event);
        };
        plan.read(values, event, &self.options).map_err(problem)?;
        complete(plan.shape(), &self.options, event)?;
        Ok(true)
    }
}

/// Whether an object is a record as the evtx crate renders it. Most files are of this shape, and reading it
/// needs no look ahead.
fn is_rendered(object: &str) -> bool {
    object.starts_with(r#"{"Event":"#)
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn problem(error: JsonError) -> Problem {
    Problem::new("json-record", error.to_string())
}

/// Fills `event` from an object. Gives whether it says anything.
pub(super) fn read_object(object: &str, options: &InputOptions, event: &mut Event) -> Result<bool, Problem> {
    if is_rendered(object) {
        json::read(object, event).map_err(problem)?;
        options.complete(event, false);
        return Ok(true);
    }
    let record = Record::parse(object).map_err(problem)?;
    if record.is_empty() {
        return Ok(false);
    }
    let Some((shape, record)) = unwrap(record) else { return Err(unknown_shape(object)) };
    Reading::new(&record, event, options).read(shape).map_err(problem)?;
    complete(shape, options, event)?;
    Ok(true)
}

/// What is done with an event when all members of its object are read.
fn complete(shape: &Shape, options: &InputOptions, event: &mut Event) -> Result<(), Problem> {
    if event.event_id().is_none() && event.n_fields() > 0 {
        return Err(Problem::new("json-event-id", "the event has no event id that is a number"));
    }
    options.complete(event, !shape.has_field_names());
    Ok(())
}

/// Says of an object that nobody knows what it begins with.
fn unknown_shape(object: &str) -> Problem {
    let record = Record::parse_start(object);
    let keys: Vec<String> =
        record.members().take(N_KEYS_SHOWN).map(|(key, _)| format!("`{key:.40}`")).collect();
    let reason = format!("this is no event of a known shape; it begins with {}", keys.join(", "));
    Problem::new(UNKNOWN_SHAPE, reason)
}

/// The event in an object, wrappers taken off, and its shape.
fn unwrap(record: Record<'_>) -> Option<(&'static Shape, Record<'_>)> {
    let mut record = record;
    for _ in 0..=MAX_WRAPPERS {
        if let Some(shape) = shape::of(&record) {
            return Some((shape, record));
        }
        let inner =
            WRAPPERS.into_iter().find(|key| record.has_object(key)).and_then(|key| record.get(key))?;
        record = Record::parse(inner).ok()?;
    }
    None
}

#[cfg(test)]
mod tests;
