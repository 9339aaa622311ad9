//! An event, and where it was read, as JSON: what alerts hold, and what a search shows.

use schemars::JsonSchema;
use serde::Serialize;

use super::text::{push_text, push_text_or_null};
use super::{Fields, known};
use crate::alert::AlertEvent;

/// The event of an alert.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventLine<'a> {
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
}

/// Where an event was read.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InputLine<'a> {
    /// The file.
    path: &'a str,
    /// The byte at which the record begins (EVTX, from 0), or the line (text, from 1).
    position: u64,
    /// Whether the record was deleted from its log and found again (`--recover`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    recovered: bool,
    /// The time zone in which the record's time was read, when the time itself names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
}

impl<'a> EventLine<'a> {
    /// What is told of an event.
    pub(crate) fn of(event: &'a AlertEvent) -> Self {
        Self {
            computer: known(&event.said.computer),
            channel: known(&event.said.channel),
            provider: known(&event.said.provider),
            event_id: event.said.event_id,
            record_id: event.record_id,
            user: event.said.user.as_deref(),
            fields: Fields(&event.said.fields),
            message: event.said.message.as_deref(),
        }
    }

    /// Appends what serde would write.
    ///
    /// # Errors
    /// None of its own; serde_json's signature has it so.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        self.write_start(out)?;
        self.write_number(out)?;
        self.write_end(out);
        Ok(())
    }

    /// What stands before the number of the record.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn write_start(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.extend_from_slice(b"{\"computer\":");
        push_text_or_null(out, self.computer);
        out.extend_from_slice(b",\"channel\":");
        push_text_or_null(out, self.channel);
        out.extend_from_slice(b",\"provider\":");
        push_text_or_null(out, self.provider);
        out.extend_from_slice(b",\"event_id\":");
        serde_json::to_writer(&mut *out, &self.event_id)?;
        out.extend_from_slice(b",\"record_id\":");
        Ok(())
    }

    /// The number of the record.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn write_number(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &self.record_id)
    }

    /// What stands behind it.
    pub(crate) fn write_end(&self, out: &mut Vec<u8>) {
        /// Quotes, a colon and a comma, and an escape or two.
        const N_BYTES_A_FIELD: usize = 8;
        let Self { fields: Fields(payload), message, .. } = self;
        let message = message.map_or(0, str::len);
        // A message has an escape for about each twentieth character.
        out.reserve(payload.n_bytes() + payload.len() * N_BYTES_A_FIELD + message + message / 8 + 64);
        out.extend_from_slice(b",\"user\":");
        push_text_or_null(out, self.user);
        out.extend_from_slice(b",\"fields\":");
        self.fields.write(out);
        if let Some(message) = self.message {
            out.extend_from_slice(b",\"message\":");
            push_text(out, message);
        }
        out.push(b'}');
    }
}

impl<'a> InputLine<'a> {
    /// What is told of where an event was read.
    pub(crate) fn of(event: &'a AlertEvent) -> Self {
        Self {
            path: &event.input,
            position: event.position.number(),
            recovered: event.is_recovered,
            timezone: event.timezone.as_deref(),
        }
    }

    /// Appends what serde would write, up to what is another one for each event of a file.
    pub(crate) fn write_path(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"path\":");
        push_text(out, self.path);
        out.extend_from_slice(b",\"position\":");
    }

    /// Appends the rest.
    pub(crate) fn write_rest(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(self.position).as_bytes());
        if self.recovered {
            out.extend_from_slice(b",\"recovered\":true");
        }
        if let Some(timezone) = self.timezone {
            out.extend_from_slice(b",\"timezone\":");
            push_text(out, timezone);
        }
        out.push(b'}');
    }
}
