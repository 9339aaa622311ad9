//! One event, as its provider wrote it.

use jiff::Timestamp;

use crate::{Guid, Sid, Value};

/// An event: the fields of its `System` section and its [`Body`].
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Who wrote it.
    pub provider: Provider,
    /// The event's id within its provider.
    pub event_id: u16,
    /// The upper half of a classic event source's id; manifest providers have none.
    pub qualifiers: Option<u16>,
    /// The version of the event's definition.
    pub version: u8,
    /// 1 critical, 2 error, 3 warning, 4 information, 5 verbose; 0 always (as audits have it).
    pub level: u8,
    /// The provider's task (category).
    pub task: u16,
    /// The activity's step, such as 1 start and 2 stop.
    pub opcode: u8,
    /// The provider's keyword bits; an audit's success is `0x8020000000000000`.
    pub keywords: u64,
    /// When it was written, in steps of 100 ns.
    pub time: Timestamp,
    /// Its number in its channel; `None` is one more than the record before, or 1.
    pub record_id: Option<u64>,
    /// The activity it belongs to.
    pub activity_id: Option<Guid>,
    /// The process that wrote it.
    pub process_id: u32,
    /// The thread that wrote it.
    pub thread_id: u32,
    /// The channel, such as `Security`.
    pub channel: String,
    /// The computer's name.
    pub computer: String,
    /// The account that wrote it.
    pub user_id: Option<Sid>,
    /// What it says.
    pub body: Body,
}

impl Event {
    /// An event of this provider, with everything else empty, zero or, for the time, 1970.
    #[must_use]
    pub fn new(provider: &str, event_id: u16) -> Self {
        Self {
            provider: Provider { name: provider.to_owned(), guid: None },
            event_id,
            qualifiers: None,
            version: 0,
            level: 0,
            task: 0,
            opcode: 0,
            keywords: 0,
            time: Timestamp::UNIX_EPOCH,
            record_id: None,
            activity_id: None,
            process_id: 0,
            thread_id: 0,
            channel: String::new(),
            computer: String::new(),
            user_id: None,
            body: Body::None,
        }
    }
}

/// The provider of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name, such as `Microsoft-Windows-Sysmon`.
    pub name: String,
    /// Its GUID; classic event sources have none.
    pub guid: Option<Guid>,
}

/// What an event says, beside its `System` section.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    None,
    /// `EventData`: a list of fields.
    EventData(EventData),
    /// `UserData`: one element of the provider's own.
    UserData(UserData),
}

/// The fields of an `EventData` section.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventData {
    /// The section's `Name` attribute, such as `TaskRegisteredEvent`.
    pub name: Option<String>,
    /// `Data` elements in order, each with its name; one with an empty name is an unnamed `Data`.
    pub data: Vec<(String, Value)>,
    /// The bytes of the closing `Binary` element.
    pub binary: Option<Vec<u8>>,
}

/// The element in a `UserData` section.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserData {
    /// The element's name, such as `LogFileCleared`.
    pub element: String,
    /// Its XML namespace.
    pub namespace: String,
    /// Its child elements in order: name and value.
    pub fields: Vec<(String, Value)>,
}

impl<N: Into<String>> From<Vec<(N, Value)>> for Body {
    fn from(data: Vec<(N, Value)>) -> Self {
        let data = data.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self::EventData(EventData { data, ..EventData::default() })
    }
}

impl From<EventData> for Body {
    fn from(data: EventData) -> Self {
        Self::EventData(data)
    }
}

impl From<UserData> for Body {
    fn from(data: UserData) -> Self {
        Self::UserData(data)
    }
}
