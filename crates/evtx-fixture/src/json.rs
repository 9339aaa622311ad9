//! The event as a line of JSON, in the shape and the bytes of `evtx_dump -o jsonl`.

use std::fmt::Write as _;

use encoding_rs::WINDOWS_1252;
use jiff::Timestamp;

use crate::binxml::EVENT_NAMESPACE;
use crate::value::filetime;
use crate::{Body, Event, EventData, UserData, Value};

/// The event as one line of JSON, without the line's end. An event without a record id has this one.
#[must_use]
pub fn json_line(event: &Event, record_id: u64) -> String {
    let attribute = |name, value: &str| Json::attributes([(name, Json::text(value))]);
    let mut members = vec![
        ("#attributes", Json::object([("xmlns", Json::text(EVENT_NAMESPACE))])),
        ("System", system(event, event.record_id.unwrap_or(record_id))),
    ];
    match &event.body {
        Body::None => {}
        Body::EventData(data) => members.push(("EventData", event_data(data))),
        Body::UserData(data) => {
            let UserData { element, namespace, fields } = data;
            let mut json = attribute("xmlns", namespace);
            json.extend(fields.iter().map(|(name, value)| (name.as_str(), Json::element(value))));
            members.push(("UserData", Json::object([(element.as_str(), json)])));
        }
    }
    let mut line = String::new();
    Json::object([("Event", Json::object(members))]).write(&mut line);
    line
}

fn system(event: &Event, record_id: u64) -> Json {
    let mut provider = vec![("Name", Json::text(&event.provider.name))];
    provider.extend(event.provider.guid.map(|guid| ("Guid", Json::text(&guid.to_string()))));
    let number = |n: u64| Json::Raw(n.to_string());
    let event_id = match event.qualifiers {
        None => number(event.event_id.into()),
        Some(qualifiers) => {
            let mut json = Json::attributes([("Qualifiers", number(qualifiers.into()))]);
            json.extend([("#text", number(event.event_id.into()))]);
            json
        }
    };
    let or_null = |name, value: Option<String>| {
        value.map_or(Json::NULL, |value| Json::attributes([(name, Json::text(&value))]))
    };
    let execution =
        [("ProcessID", number(event.process_id.into())), ("ThreadID", number(event.thread_id.into()))];
    Json::object([
        ("Provider", Json::attributes(provider)),
        ("EventID", event_id),
        ("Version", number(event.version.into())),
        ("Level", number(event.level.into())),
        ("Task", number(event.task.into())),
        ("Opcode", number(event.opcode.into())),
        ("Keywords", Json::of(&Value::HexInt64(event.keywords))),
        ("TimeCreated", Json::attributes([("SystemTime", Json::text(&system_time(event.time)))])),
        ("EventRecordID", number(record_id)),
        ("Correlation", or_null("ActivityID", event.activity_id.map(|guid| guid.to_string()))),
        ("Execution", Json::attributes(execution)),
        ("Channel", Json::element(&Value::from(event.channel.as_str()))),
        ("Computer", Json::element(&Value::from(event.computer.as_str()))),
        ("Security", or_null("UserID", event.user_id.as_ref().map(ToString::to_string))),
    ])
}

fn event_data(data: &EventData) -> Json {
    let mut json = Json::object::<&str>([]);
    if let Some(name) = &data.name {
        json = Json::attributes([("Name", Json::text(name))]);
    }
    let (unnamed, named): (Vec<_>, Vec<_>) = data.data.iter().partition(|(name, _)| name.is_empty());
    if named.is_empty() && !unnamed.is_empty() {
        let values = unnamed.iter().flat_map(|(_, value)| Json::repeated(value)).collect();
        json.extend([("Data", Json::object([("#text", Json::one_or_many(values))]))]);
    }
    json.extend(named.iter().map(|(name, value)| (name.as_str(), Json::one_or_many(Json::repeated(value)))));
    json.extend(data.binary.iter().map(|bytes| ("Binary", Json::element(&Value::Binary(bytes.clone())))));
    if json.is_empty() { Json::NULL } else { json }
}

/// As Windows prints it in XML: with all seven digits.
fn system_time(time: Timestamp) -> String {
    let ticks = filetime(time) % 10_000_000;
    format!("{}.{ticks:07}Z", time.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// A JSON value that keeps its members' order.
enum Json {
    /// Already JSON.
    Raw(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    const NULL: Self = Self::Raw(String::new());

    fn text(text: &str) -> Self {
        // Readers take a NUL for the end.
        let text = text.split('\0').next().unwrap_or_default();
        Self::Raw(serde_json::Value::from(text).to_string())
    }

    fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    fn attributes(members: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::object([("#attributes", Self::object(members))])
    }

    fn of(value: &Value) -> Self {
        match value {
            // A `Data` element without a value reads as one with an empty text.
            Value::Null => Self::text(""),
            Value::String(text) => Self::text(text),
            Value::Ansi(text) => {
                let encoded = WINDOWS_1252.encode(text).0;
                Self::text(&WINDOWS_1252.decode_without_bom_handling(&encoded).0)
            }
            Value::Int8(n) => Self::Raw(n.to_string()),
            Value::UInt8(n) => Self::Raw(n.to_string()),
            Value::Int16(n) => Self::Raw(n.to_string()),
            Value::UInt16(n) => Self::Raw(n.to_string()),
            Value::Int32(n) => Self::Raw(n.to_string()),
            Value::UInt32(n) => Self::Raw(n.to_string()),
            Value::Int64(n) => Self::Raw(n.to_string()),
            Value::UInt64(n) => Self::Raw(n.to_string()),
            Value::Float(n) => Self::text(&n.to_string()),
            Value::Double(n) => Self::text(&n.to_string()),
            Value::Bool(truth) => Self::Raw(truth.to_string()),
            Value::Binary(bytes) => Self::text(&hex(bytes)),
            Value::Guid(guid) => Self::text(&guid.to_string()),
            Value::FileTime(time) => Self::text(&system_time(*time)),
            Value::Sid(sid) => Self::text(&sid.to_string()),
            Value::HexInt32(n) => Self::text(&format!("{n:#x}")),
            Value::HexInt64(n) => Self::text(&format!("{n:#x}")),
            Value::Strings(texts) => Self::one_or_many(texts.iter().map(|text| Self::text(text)).collect()),
        }
    }

    /// The value of an element other than `Data`, which is null when there is no text in it.
    fn element(value: &Value) -> Self {
        match value.encode().as_slice() {
            [] => Self::NULL,
            _ => Self::of(value),
        }
    }

    /// The values of the elements that stand for this one: several for an array.
    fn repeated(value: &Value) -> Vec<Self> {
        match value {
            Value::Strings(texts) if !texts.is_empty() => texts.iter().map(|text| Self::text(text)).collect(),
            Value::Strings(_) => vec![Self::text("")],
            value => vec![Self::of(value)],
        }
    }

    fn one_or_many(mut values: Vec<Self>) -> Self {
        match values.len() {
            1 => values.remove(0),
            _ => Self::Array(values),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Object(members) if members.is_empty())
    }

    fn extend<N: Into<String>>(&mut self, more: impl IntoIterator<Item = (N, Self)>) {
        if let Self::Object(members) = self {
            members.extend(more.into_iter().map(|(name, value)| (name.into(), value)));
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Raw(json) if json.is_empty() => out.push_str("null"),
            Self::Raw(json) => out.push_str(json),
            Self::Array(values) => {
                separated(out, ['[', ']'], values, |out, value| value.write(out));
            }
            Self::Object(members) => separated(out, ['{', '}'], members, |out, (name, value)| {
                Self::text(name).write(out);
                out.push(':');
                value.write(out);
            }),
        }
    }
}

/// Writes the items with commas between them, in brackets.
fn separated<T>(out: &mut String, [open, close]: [char; 2], items: &[T], write: impl Fn(&mut String, &T)) {
    out.push(open);
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02X}");
        out
    })
}
