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

    /// Keeps of an event what passes, in the place of what was kept of another one.
    pub(crate) fn fill(
        &mut self,
        said: Arc<Said>,
        event: &Event,
        (input, timezone): (&Arc<str>, Option<&Arc<str>>),
        position: Position,
    ) {
        self.time = event.time();
        self.record_id = event.record_id();
        self.said = said;
        self.is_recovered = event.is_recovered();
        // To count one more who has it takes its time where other threads do so too.
        if self.timezone.as_ref().map(Arc::as_ptr) != timezone.map(Arc::as_ptr) {
            self.timezone = timezone.map(Arc::clone);
        }
        if !Arc::ptr_eq(&self.input, input) {
            self.input = Arc::clone(input);
        }
        self.position = position;
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
        let mut said = Self::default();
        said.fill(user, event);
        said
    }

    /// The same without the payload and the message.
    pub(crate) fn bare(user: Option<Account<'_>>, event: &Event) -> Self {
        let mut said = Self::default();
        said.fill_known(user, event);
        said
    }

    /// Puts what an event says, of which it is known who did it, in the place of what another one said: the memory of
    /// that one is used again.
    pub(crate) fn fill(&mut self, user: Option<Account<'_>>, event: &Event) {
        self.fill_known(user, event);
        self.fields.fill(event.data().map(|(name, value)| (name, value.text())));
        replace_or_none(&mut self.message, event.message().map(|message| [message]));
    }

    /// What is known of every event: where it was and what it is.
    fn fill_known(&mut self, user: Option<Account<'_>>, event: &Event) {
        replace(&mut self.computer, &[event.computer()]);
        replace(&mut self.channel, &[event.channel()]);
        replace(&mut self.provider, &[event.provider()]);
        self.event_id = event.event_id();
        replace_or_none(&mut self.user, user.as_ref().map(Account::parts));
    }

    /// How much memory it takes without its payload, in bytes, about.
    pub(crate) fn n_bytes(&self) -> usize {
        let user = self.user.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.computer.len() + self.channel.len() + self.provider.len() + user
    }

    /// How much memory is held for it, whatever it says now, in bytes, about.
    pub(crate) fn n_bytes_held(&self) -> usize {
        let texts = [&self.computer, &self.channel, &self.provider];
        let maybe = [&self.user, &self.message].into_iter().flatten();
        let texts = texts.into_iter().chain(maybe).map(String::capacity).sum::<usize>();
        size_of::<Self>() + texts + self.fields.n_bytes_held()
    }
}

/// Puts a text in the place of another, in the same memory.
fn replace(text: &mut String, parts: &[&str]) {
    text.clear();
    parts.iter().for_each(|part| text.push_str(part));
}

fn replace_or_none<const N: usize>(text: &mut Option<String>, parts: Option<[&str; N]>) {
    match parts {
        Some(parts) => replace(text.get_or_insert_default(), &parts),
        None => *text = None,
    }
}
