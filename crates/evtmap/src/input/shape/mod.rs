//! What the members of an object mean, by the program that wrote it.
//!
//! A new shape is a file in this folder and a line in [`SHAPES`].

mod azure;
mod evtx;
mod evtxecmd;
mod flat;
mod fluent_bit;
mod get_event_log;
mod hayabusa;
mod nxlog;
mod plan;
mod powershell;
mod splunk;
mod velociraptor;
mod winlogbeat;

pub(super) use evtxecmd::push_named_data;
pub(super) use plan::Plan;
pub(super) use splunk::push_raw;

use std::borrow::Cow;

use self::plan::is_unfilled;
use super::json::outline::MemberValue;
use super::json::record::{self, Record};
use crate::event::json::{self, JsonError, Lexer, Token};
use crate::event::{Event, Place, Value, xml};
use crate::input::{InputOptions, time};

/// The shapes that are known; the first that recognises an object reads it.
const SHAPES: [&Shape; 14] = [
    &evtx::SHAPE,
    &velociraptor::SHAPE,
    &winlogbeat::SHAPE,
    &winlogbeat::VERSION_6,
    &evtxecmd::SHAPE,
    &get_event_log::SHAPE,
    &hayabusa::SHAPE,
    &azure::SHAPE,
    &splunk::SHAPE,
    &velociraptor::HUNTER,
    &fluent_bit::SHAPE,
    &powershell::SHAPE,
    &nxlog::SHAPE,
    &flat::SHAPE,
];

/// The shape of an object, by its keys.
pub(super) fn of(record: &Record<'_>) -> Option<&'static Shape> {
    SHAPES.into_iter().find(|shape| (shape.recognises)(record))
}

/// How one program writes events.
#[derive(Debug)]
pub(super) struct Shape {
    /// Whether an object is of this shape.
    recognises: fn(&Record<'_>) -> bool,
    /// What members mean, sorted by key. The member `y` of the object `x` is `x.y`.
    members: &'static [(&'static str, Target)],
    /// What begins like this is a field of the payload, whose name is the rest.
    payload: &'static [&'static str],
    /// What all other members are.
    others: Others,
    /// Whether the payload's fields have the names that the event gives them. Otherwise the message tells them.
    has_field_names: bool,
}

/// What a member is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// A System field.
    System(&'static str),
    /// A System field, if no other member is it.
    Fallback(&'static str),
    /// The keywords, a number or a text.
    Keywords,
    /// The channel, which may be shortened.
    Channel,
    /// The time of the event.
    Time,
    /// The time of the event in UTC, even if it does not say so.
    UtcTime,
    /// The local time of the event at the computer that collected it.
    CollectorTime,
    /// The rendered message.
    Message,
    /// An object of payload fields, or its text as JSON or XML.
    Payload,
    /// Payload fields in JSON in which names are attributes: `{"@Name": …, "#text": …}`.
    NamedData,
    /// The whole event as XML or as one text, if nothing else tells what event it is.
    Raw,
    /// Payload fields as an object or as one text, `name: value ¦ name: value`, unless there is this member,
    /// which has them all.
    DetailsUnless(&'static str),
    /// A payload field under another name.
    Field(&'static str),
    /// An array of objects with a value each: payload fields of this name.
    Values(&'static str),
    /// The whole event as [`json::read`] reads it.
    Event,
    /// An object whose members are looked up.
    Inner,
    /// A payload field, unless there is this member: it is then the collector's.
    Unless(&'static str),
    /// A payload field, unless its value is one of these: it is then the collector's.
    UnlessOneOf(&'static [&'static str]),
    /// Nothing of the event's.
    Nothing,
}

/// What members are that a shape does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Fields of the payload.
    Payload,
    /// Fields of the payload; but empty ones are those that the event does not have.
    FilledPayload,
    /// The collector's.
    Nothing,
}

type Result<T = ()> = std::result::Result<T, JsonError>;

/// When the collector received the event: in its own time, and in UTC.
const RECEIVED: [&str; 2] = ["EventReceivedTime", "@timestamp"];

/// The mark among fall-backs of what is the whole event.
const RAW: &str = "";

/// An object that is being read into an event.
pub(super) struct Reading<'r, 'a> {
    record: &'r Record<'a>,
    event: &'r mut Event,
    options: &'r InputOptions,
    fallbacks: Vec<(&'static str, &'a str)>,
}

impl<'r, 'a> Reading<'r, 'a> {
    pub(super) fn new(record: &'r Record<'a>, event: &'r mut Event, options: &'r InputOptions) -> Self {
        Self { record, event, options, fallbacks: Vec::new() }
    }

    /// Reads the object as being of this shape.
    pub(super) fn read(mut self, shape: &Shape) -> Result {
        self.members(shape, self.record, "")?;
        self.fall_back()
    }

    /// Reads what counts where nothing better was there.
    fn fall_back(mut self) -> Result {
        for (name, value) in std::mem::take(&mut self.fallbacks) {
            match name {
                RAW if self.event.event_id().is_some() => {}
                RAW => push_raw(&record::text(value), self.options, self.event).map_err(JsonError::whole)?,
                name if self.event.has_system(name) => {}
                time::NAME => self.time(&time_text(value)),
                name => self.system(name, value)?,
            }
        }
        Ok(())
    }

    /// Reads the members of an object whose own path is `path`.
    fn members(&mut self, shape: &Shape, record: &Record<'a>, path: &str) -> Result {
        for (key, value) in record.members() {
            let path = match path {
                "" => Cow::Borrowed(key),
                path => Cow::Owned(format!("{path}.{key}")),
            };
            let known = shape.members.binary_search_by(|(member, _)| (**member).cmp(&path));
            match known.ok().and_then(|at| shape.members.get(at)) {
                Some((_, Target::Inner)) => self.inner(shape, &path, value)?,
                Some((_, target)) => self.member(*target, &path, value)?,
                None => match shape.payload.iter().find_map(|prefix| path.strip_prefix(prefix)) {
                    Some(name) => self.field(last_name(name), value)?,
                    None => self.other(shape.others, key, value)?,
                },
            }
        }
        Ok(())
    }

    fn inner(&mut self, shape: &Shape, path: &str, value: &'a str) -> Result {
        if value.starts_with('{') { self.members(shape, &Record::parse(value)?, path) } else { Ok(()) }
    }

    /// Adds a field whose value was found already.
    fn put(&mut self, place: Place, name: &str, value: MemberValue<'_>) -> Result {
        match value.text {
            Some(text) => json::put_text(text, place, name, self.event),
            None => json::read_field(value.json, place, name, self.event),
        }
    }

    fn message(&mut self, value: MemberValue<'a>) -> Result {
        match value.text {
            Some(text) if text.is_empty() => Ok(()),
            // A message with an escape that there is not is still a message.
            Some(text) => self
                .event
                .set_message_with(|message| text.push_to(message))
                .or_else(|_| self.member(Target::Message, "", value.json)),
            None => self.member(Target::Message, "", value.json),
        }
    }

    fn other(&mut self, others: Others, key: &str, value: &str) -> Result {
        match others {
            Others::Nothing => Ok(()),
            Others::FilledPayload if is_unfilled(value) => Ok(()),
            Others::Payload | Others::FilledPayload => self.field(key, value),
        }
    }

    fn member(&mut self, target: Target, key: &str, value: &'a str) -> Result {
        match target {
            Target::System(name) => return self.system(name, value),
            Target::Fallback(name) => self.fallbacks.push((name, value)),
            Target::Keywords => return self.keywords(value),
            Target::Channel => {
                let name = record::text(value);
                let name = self.options.origins.long_channel(&name);
                self.event.push(Place::System, "Channel", Value::Text(name));
            }
            Target::Time => self.time(&time_text(value)),
            Target::UtcTime => time::push_utc(&time_text(value), self.options, self.event),
            Target::CollectorTime => self.collector_time(value),
            Target::Message => {
                let message = record::text(value);
                if !message.is_empty() {
                    self.event.set_message(&message);
                }
            }
            Target::Payload => return self.payload(key, value),
            Target::NamedData => return push_named_data(&record::text(value), self.event),
            Target::Raw => self.fallbacks.push((RAW, value)),
            Target::DetailsUnless(other) if !self.record.has(other) => return self.details(key, value),
            Target::Field(name) => return self.field(name, value),
            Target::Values(name) => return self.values(name, value),
            Target::Event => return json::read_event(value, self.event),
            Target::Unless(other) if !self.record.has(other) => return self.field(key, value),
            Target::UnlessOneOf(known) if !known.contains(&&*record::text(value)) => {
                return self.field(key, value);
            }
            Target::DetailsUnless(_)
            | Target::Unless(_)
            | Target::UnlessOneOf(_)
            | Target::Nothing
            | Target::Inner => {}
        }
        Ok(())
    }

    /// An empty System field says nothing.
    fn system(&mut self, name: &str, value: &str) -> Result {
        if value == "\"\"" { Ok(()) } else { json::read_field(value, Place::System, name, self.event) }
    }

    fn field(&mut self, name: &str, value: &str) -> Result {
        json::read_field(value, Place::Data, name, self.event)
    }

    /// Keywords are a set of 64 bits. Windows writes them in hexadecimal, others as a number with a sign.
    fn keywords(&mut self, value: &str) -> Result {
        if value.starts_with(['[', '{']) {
            return self.system("Keywords", value);
        }
        let text = record::text(value);
        if !text.is_empty() {
            push_keywords(&text, self.event);
        }
        Ok(())
    }

    fn time(&mut self, text: &str) {
        if !text.is_empty() {
            time::push(text, self.options, self.event);
        }
    }

    /// The collector also says when it received the event, in its own time and in UTC.
    fn collector_time(&mut self, value: &str) {
        let local = time_text(value);
        let [received_local, received] = RECEIVED.map(|key| self.record.text(key));
        let known = received_local
            .zip(received)
            .and_then(|(received_local, received)| time::from_local(&local, &received_local, &received));
        match known {
            Some(time) => self.event.push_display(Place::System, &[time::NAME], time),
            None => self.time(&local),
        }
    }

    fn payload(&mut self, key: &str, value: &str) -> Result {
        match value.as_bytes() {
            [b'{' | b'[', ..] => json::read_payload(value, key, self.event),
            [b'"', ..] => push_payload(&record::text(value), key, self.event),
            _ => Ok(()),
        }
    }

    fn details(&mut self, key: &str, value: &str) -> Result {
        if !value.starts_with('"') {
            return self.payload(key, value);
        }
        push_details(&record::text(value), self.event);
        Ok(())
    }

    fn values(&mut self, name: &str, value: &str) -> Result {
        let mut lexer = Lexer::new(value);
        if lexer.value()? != Token::Array {
            return Ok(());
        }
        let mut is_first = true;
        while lexer.has_item(&mut is_first)? {
            if let Some(value) = Record::parse(lexer.skip()?)?.get("Value") {
                self.field(name, value)?;
            }
        }
        Ok(())
    }
}

/// Keywords as Windows writes them: a set of bits in hexadecimal, or words.
pub(super) fn push_keywords(text: &str, event: &mut Event) {
    let bits = text.parse::<u64>().ok().or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned));
    match bits {
        Some(bits) => event.push_display(Place::System, &["Keywords"], format_args!("{bits:#x}")),
        None => event.push(Place::System, "Keywords", Value::Text(text)),
    }
}

/// Payload fields out of a text that is JSON or XML; another text says nothing.
pub(super) fn push_payload(text: &str, name: &str, event: &mut Event) -> Result {
    match text.trim_start().as_bytes() {
        [b'{', ..] => json::read_payload(text, name, event),
        [b'<', ..] => xml::read(text, event).map_err(JsonError::whole),
        _ => Ok(()),
    }
}

/// Payload fields out of `name: value ¦ name: value`.
pub(super) fn push_details(text: &str, event: &mut Event) {
    for part in text.split(" ¦ ") {
        if let Some((name, value)) = part.split_once(": ") {
            event.push(Place::Data, name, Value::Text(value));
        }
    }
}

/// What the columns of a table mean, if a known program wrote it: each with the name of a payload field.
pub(super) fn of_table(names: &[String]) -> Option<Vec<(Target, String)>> {
    let keys: Vec<&str> = names.iter().map(|name| name.strip_suffix(" [UTC]").unwrap_or(name)).collect();
    let record = Record::of_names(&keys);
    // The last shape, which is known by nothing but the event id, may be any table.
    let known = SHAPES.split_last().map(|(_, known)| known).unwrap_or_default();
    let shape = known.iter().find(|shape| (shape.recognises)(&record))?;
    let meaning = |key: &&str| {
        let prefix = shape.payload.iter().find_map(|prefix| key.strip_prefix(prefix));
        match (shape.target(key), prefix) {
            (Some(Target::Unless(other) | Target::DetailsUnless(other)), _) if keys.contains(&other) => {
                (Target::Nothing, String::new())
            }
            (Some(target), _) => (target, last_name(key).to_owned()),
            (None, Some(name)) => (Target::Unless(""), last_name(name).to_owned()),
            (None, None) if shape.others == Others::Nothing || key.is_empty() => {
                (Target::Nothing, String::new())
            }
            (None, None) => (Target::Unless(""), (*key).to_owned()),
        }
    };
    Some(keys.iter().map(meaning).collect())
}

impl Shape {
    fn target(&self, key: &str) -> Option<Target> {
        let at = self.members.binary_search_by(|(member, _)| (*member).cmp(key)).ok()?;
        self.members.get(at).map(|(_, target)| *target)
    }

    /// Whether the payload's fields have the names that the event gives them.
    pub(super) fn has_field_names(&self) -> bool {
        self.has_field_names
    }
}

/// The part of a path after the last point.
fn last_name(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, name)| name)
}

/// The text of a time, which PowerShell wraps in an object, and Elasticsearch in an array.
fn time_text(value: &str) -> Cow<'_, str> {
    if let Some(only) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        return record::text(only.trim_ascii());
    }
    if value.starts_with('{')
        && let Ok(record) = Record::parse(value)
    {
        return ["SystemTime", "value", "DateTime"]
            .into_iter()
            .find_map(|key| record.text(key))
            .unwrap_or_default();
    }
    record::text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_objects_and_arrays() {
        for (value, expected) in [
            (r#""2026""#, "2026"),
            (r#"[ "2026" ]"#, "2026"),
            (r#"{"value": "2026"}"#, "2026"),
            ("[]", ""),
            ("7", "7"),
        ] {
            assert_eq!(time_text(value), expected);
        }
    }

    #[test]
    fn members_are_sorted_and_come_once() {
        for (number, shape) in SHAPES.into_iter().enumerate() {
            let keys: Vec<&str> = shape.members.iter().map(|(key, _)| *key).collect();
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(keys, sorted, "shape {number}");
        }
    }
}
