//! An event as JSON, in the words of a report's alerts.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::AlertEvent;
use crate::event::Event;
use crate::input::Position;
use crate::row;

/// An event with all its fields, as a line of JSON: what `event` and `input` of an alert hold, in one object.
#[derive(Debug, Serialize)]
pub struct EventLine<'a> {
    /// When it was logged, in UTC (RFC 3339); null when the input does not say.
    time: Option<Timestamp>,
    #[serde(flatten)]
    event: row::EventLine<'a>,
    input: row::InputLine<'a>,
}

impl<'a> EventLine<'a> {
    /// What is told of an event.
    pub fn of(event: &'a AlertEvent) -> Self {
        Self { time: event.time, event: row::EventLine::of(event), input: row::InputLine::of(event) }
    }

    /// An event as a line of JSON.
    ///
    /// # Errors
    /// None in practice: all of it is text and numbers.
    pub fn write(event: &Event, input: &Arc<str>, position: Position) -> serde_json::Result<String> {
        serde_json::to_string(&EventLine::of(&AlertEvent::of(event, input, position)))
    }
}
