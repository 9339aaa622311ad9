//! Event templates: the XML tree of an event with numbered places for its values.

use std::borrow::Cow;

use crate::{Body, Event, EventData, Guid, UserData, Value};

/// The namespace of the `Event` element.
pub(crate) const EVENT_NAMESPACE: &str = "http://schemas.microsoft.com/win/2004/08/events/event";

/// The substitution that holds the nested `EventData` or `UserData` fragment.
const BODY: u16 = 17;

/// The type of a value that is a fragment of BinXml itself.
pub(crate) const FRAGMENT: u8 = 0x21;

/// An element of a template.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    pub(crate) name: &'a str,
    /// The substitution without whose value the element is left out.
    pub(crate) dependency: Option<u16>,
    pub(crate) attributes: Vec<(&'static str, Content<'a>)>,
    pub(crate) children: Vec<Node<'a>>,
}

/// What stands in an element.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Element(Element<'a>),
    Content(Content<'a>),
}

/// Text, or the place of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    Text(&'a str),
    /// `optional`: nothing is written in its place when the value is null.
    Substitution {
        index: u16,
        value_type: u8,
        optional: bool,
    },
}

impl<'a> Element<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, dependency: None, attributes: Vec::new(), children: Vec::new() }
    }

    fn depends_on(mut self, index: u16) -> Self {
        self.dependency = Some(index);
        self
    }

    fn attribute(mut self, name: &'static str, content: Content<'a>) -> Self {
        self.attributes.push((name, content));
        self
    }

    fn content(mut self, content: Content<'a>) -> Self {
        self.children.push(Node::Content(content));
        self
    }

    fn children(mut self, elements: impl IntoIterator<Item = Element<'a>>) -> Self {
        self.children.extend(elements.into_iter().map(Node::Element));
        self
    }
}

fn optional(index: u16, value_type: u8) -> Content<'static> {
    Content::Substitution { index, value_type, optional: true }
}

/// An element for one value of the `System` section, left out when there is none.
fn field(name: &'static str, index: u16, value_type: u8) -> Element<'static> {
    Element::new(name).depends_on(index).content(optional(index, value_type))
}

/// The template of the whole event. Windows puts the computer's name into it, and numbers the values so.
pub(crate) fn event_template(computer: &str) -> Element<'_> {
    let empty = |name| Element::new(name);
    let system = Element::new("System").children([
        empty("Provider").attribute("Name", optional(14, 0x01)).attribute("Guid", optional(15, 0x0f)),
        field("EventID", 3, 0x06).attribute("Qualifiers", optional(4, 0x06)),
        field("Version", 11, 0x04),
        field("Level", 0, 0x04),
        field("Task", 2, 0x06),
        field("Opcode", 1, 0x04),
        field("Keywords", 5, 0x15),
        empty("TimeCreated").attribute("SystemTime", optional(6, 0x11)),
        field("EventRecordID", 10, 0x0a),
        empty("Correlation")
            .attribute("ActivityID", optional(7, 0x0f))
            .attribute("RelatedActivityID", optional(13, 0x0f)),
        empty("Execution").attribute("ProcessID", optional(8, 0x08)).attribute("ThreadID", optional(9, 0x08)),
        field("Channel", 16, 0x01),
        empty("Computer").content(Content::Text(computer)),
        empty("Security").attribute("UserID", optional(12, 0x13)),
    ]);
    Element::new("Event")
        .depends_on(BODY)
        .attribute("xmlns", Content::Text(EVENT_NAMESPACE))
        .children([system])
        .content(optional(BODY, FRAGMENT))
}

/// The values of [`event_template`] before the body, in the order of their numbers, each with its name.
pub(crate) fn event_values(event: &Event, record_id: u64) -> [(&'static str, Value); BODY as usize] {
    [
        ("Level", Value::UInt8(event.level)),
        ("Opcode", Value::UInt8(event.opcode)),
        ("Task", Value::UInt16(event.task)),
        ("EventID", Value::UInt16(event.event_id)),
        ("Qualifiers", event.qualifiers.map_or(Value::Null, Value::UInt16)),
        ("Keywords", Value::HexInt64(event.keywords)),
        ("TimeCreated", Value::FileTime(event.time)),
        ("ActivityID", event.activity_id.map_or(Value::Null, Value::Guid)),
        ("ProcessID", Value::UInt32(event.process_id)),
        ("ThreadID", Value::UInt32(event.thread_id)),
        ("EventRecordID", Value::UInt64(record_id)),
        ("Version", Value::UInt8(event.version)),
        ("UserID", event.user_id.clone().map_or(Value::Null, Value::Sid)),
        ("RelatedActivityID", Value::Null),
        ("Provider", Value::String(event.provider.name.clone())),
        ("Guid", event.provider.guid.map_or(Value::Null, Value::Guid)),
        ("Channel", Value::String(event.channel.clone())),
    ]
}

/// The template of a body, if it has one.
pub(crate) fn body_template(body: &Body) -> Option<Element<'_>> {
    match body {
        Body::None => None,
        Body::EventData(data) => Some(event_data_template(data)),
        Body::UserData(data) => Some(user_data_template(data)),
    }
}

fn event_data_template(data: &EventData) -> Element<'_> {
    let fields = (0..).zip(&data.data).map(|(index, (name, value))| {
        let element = Element::new("Data").content(place(index, value));
        match name.as_str() {
            "" if matches!(value, Value::Strings(_)) => element.depends_on(index),
            "" => element,
            name => element.attribute("Name", Content::Text(name)),
        }
    });
    let binary = data.binary.iter().map(|_| {
        let index = u16::try_from(data.data.len()).unwrap_or(u16::MAX);
        Element::new("Binary").depends_on(index).content(optional(index, 0x0e))
    });
    let mut element = Element::new("EventData").children(fields.chain(binary));
    if let Some(name) = &data.name {
        element = element.attribute("Name", Content::Text(name));
    }
    element
}

fn user_data_template(data: &UserData) -> Element<'_> {
    let fields =
        (0..).zip(&data.fields).map(|(index, (name, value))| Element::new(name).content(place(index, value)));
    let element =
        Element::new(&data.element).attribute("xmlns", Content::Text(&data.namespace)).children(fields);
    Element::new("UserData").children([element])
}

/// The place of a field's value. A null is announced as text, as the template stands for all its events.
fn place(index: u16, value: &Value) -> Content<'static> {
    let value_type = match value {
        Value::Null => 0x01,
        value => value.type_code(),
    };
    Content::Substitution { index, value_type, optional: matches!(value, Value::Strings(_)) }
}

/// The values of a body's template, each with its name.
pub(crate) fn body_values(body: &Body) -> Vec<(&str, Cow<'_, Value>)> {
    match body {
        Body::None => Vec::new(),
        Body::EventData(data) => {
            let binary = data.binary.iter().map(|bytes| ("Binary", Cow::Owned(Value::Binary(bytes.clone()))));
            borrowed(&data.data).chain(binary).collect()
        }
        Body::UserData(data) => borrowed(&data.fields).collect(),
    }
}

fn borrowed(fields: &[(String, Value)]) -> impl Iterator<Item = (&str, Cow<'_, Value>)> {
    fields.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value)))
}

/// Identifies a template by what it says: equal templates have equal GUIDs in every file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digest(u128);

impl Digest {
    /// The 128-bit FNV-1a offset basis and prime.
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// The digest of the event template for this computer.
    pub(crate) fn of_event(computer: &str) -> Guid {
        Self(Self::BASIS).text("Event").text(computer).finish()
    }

    /// The digest of a body's template.
    pub(crate) fn of_body(body: &Body) -> Guid {
        let start = Self(Self::BASIS);
        match body {
            Body::None => start,
            Body::EventData(data) => start
                .text("EventData")
                .text(data.name.as_deref().unwrap_or_default())
                .fields(&data.data)
                .bytes(&[u8::from(data.name.is_some()), u8::from(data.binary.is_some())]),
            Body::UserData(data) => {
                start.text("UserData").text(&data.element).text(&data.namespace).fields(&data.fields)
            }
        }
        .finish()
    }

    fn fields(self, fields: &[(String, Value)]) -> Self {
        fields.iter().fold(self, |digest, (name, value)| {
            let value_type = value.type_code().max(0x01);
            digest.text(name).bytes(&[value_type])
        })
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes()).bytes(&[0])
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let step = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        Self(bytes.iter().fold(self.0, step))
    }

    fn finish(self) -> Guid {
        Guid::from_u128(self.0)
    }
}
