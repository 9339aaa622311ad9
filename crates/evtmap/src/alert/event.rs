//! What alerts keep of events.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Payload;
use crate::event::{Account, Event};
use crate::input::Position;

/// What an alert keeps of its event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// When it was logged.
    pub time: Option<Timestamp>,
    /// Its number in its log.
    pub record_id: Option<u64>,
    /// What it says.
    pub said: Arc<Said>,
    /// Whether it was deleted from its log and found again.
    pub is_recovered: bool,
    /// The zone in which its time was read, when the time itself names none.
    pub timezone: Option<Arc<str>>,
    /// The file it was read from.
    pub input: Arc<str>,
    /// Where in the file: the record's byte or line.
    pub position: Position,
}

/// What an event says, whenever it was written. Events that say the same may have it in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The computer it was logged on; empty when unknown.
    pub computer: String,
    /// The log it was written to; empty when unknown.
    pub channel: String,
    /// What wrote it; empty when unknown.
    pub provider: String,
    /// Its id.
    pub event_id: Option<u32>,
    /// Who did it, as far as the event says.
    pub user: Option<String>,
    /// The payload: names and values in the order of the event.
    pub fields: Payload,
    /// The message as Windows rendered it, where the input has it.
    pub message: Option<String>,
}

impl AlertEvent {
    /// Keeps what alerts need of an event.
    pub fn of(event: &Event, input: &Arc<str>, position: Position) -> Self {
        Self::saying(Arc::new(Said::by(event.user(), event)), event, input, position)
    }

    /// Keeps of an event what passes, beside what it says.
    pub(crate) fn saying(said: Arc<Said>, event: &Event, input: &Arc<str>, position: Position) -> Self {
        Self {
            time: event.time(),
            record_id: event.record_id(),
            said,
            is_recovered: event.is_recovered(),
            timezone: None,
            input: Arc::clone(input),
            position,
        }
    }

    /// What it says, to be changed.
    pub(crate) fn said_mut(&mut self) -> &mut Said {
        Arc::make_mut(&mut self.said)
    }

    /// The same event with another payload, such as a part of its own.
    pub(crate) fn with_payload(&self, fields: Payload, message: Option<String>) -> Self {
        let said = Said {
            computer: self.said.computer.clone(),
            channel: self.said.channel.clone(),
            provider: self.said.provider.clone(),
            event_id: self.said.event_id,
            user: self.said.user.clone(),
            fields,
            message,
        };
        Self { said: Arc::new(said), ..self.clone() }
    }
}

impl Said {
    /// What an event says of which it is known who did it.
    pub(crate) fn by(user: Option<Account<'_>>, event: &Event) -> Self {
        let fields = event.data().map(|(name, value)| (name, value.text()));
        Self {
            fields: Payload::of(fields),
            message: event.message().map(str::to_owned),
            ..Self::bare(user, event)
        }
    }

    /// How much memory it takes without its payload, in bytes, about.
    pub(crate) fn n_bytes(&self) -> usize {
        let user = self.user.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.computer.len() + self.channel.len() + self.provider.len() + user
    }

    /// What is known of every event of which it is known who did it: where it was, and what it is.
    pub(crate) fn bare(user: Option<Account<'_>>, event: &Event) -> Self {
        Self {
            computer: event.computer().to_owned(),
            channel: event.channel().to_owned(),
            provider: event.provider().to_owned(),
            event_id: event.event_id(),
            user: user.map(|account| account.text()),
            fields: Payload::default(),
            message: None,
        }
    }
}
