//! An event as JSON, in the words of a report's alerts.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::AlertEvent;
use crate::event::Event;
use crate::input::Position;
use crate::row::{Fields, known};

/// An event with all its fields, as a line of JSON: what `event` and `input` of an alert hold, in one object.
#[derive(Debug, Serialize)]
pub struct EventLine<'a> {
    /// When it was logged, in UTC (RFC 3339); null when the input does not say.
    time: Option<Timestamp>,
    /// The computer it was logged on.
    computer: Option<&'a str>,
    /// The log it was written to.
    channel: Option<&'a str>,
    /// What wrote it.
    provider: Option<&'a str>,
    /// Its id.
    event_id: Option<u32>,
    /// Its number in its log.
    record_id: Option<u64>,
    /// Who did it, as far as the event says.
    user: Option<&'a str>,
    /// The payload by name.
    fields: Fields<'a>,
    /// The message as Windows rendered it, where the input has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Where it was read.
    input: InputLine<'a>,
}

/// Where an event was read.
#[derive(Debug, Serialize)]
struct InputLine<'a> {
    /// The file.
    path: &'a str,
    /// The byte at which the record begins (EVTX, from 0), or the line (text, from 1).
    position: u64,
    /// Whether the record was deleted from its log and found again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recovered: bool,
}

impl<'a> EventLine<'a> {
    /// What is told of an event.
    pub fn of(event: &'a AlertEvent) -> Self {
        let position = event.position.number();
        Self {
            time: event.time,
            computer: known(&event.computer),
            channel: known(&event.channel),
            provider: known(&event.provider),
            event_id: event.event_id,
            record_id: event.record_id,
            user: event.user.as_deref(),
            fields: Fields(&event.fields),
            message: event.message.as_deref(),
            input: InputLine { path: &event.input, position, recovered: event.is_recovered },
        }
    }

    /// An event as a line of JSON.
    ///
    /// # Errors
    /// None in practice: all of it is text and numbers.
    pub fn write(event: &Event, input: &Arc<str>, position: Position) -> serde_json::Result<String> {
        serde_json::to_string(&EventLine::of(&AlertEvent::of(event, input, position)))
    }
}
