//! What every event has: provider, channel, computer, event id, time.

use jiff::Timestamp;

use super::{Event, Field, Place, time, trimmed};

/// The System fields of an event, under the names that Sigma gives them: the attribute `Y` of the element
/// `X` is `X_Y`.
pub const SYSTEM_FIELDS: [&str; 18] = [
    "Provider_Name",
    "Provider_Guid",
    "EventID",
    "EventID_Qualifiers",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "TimeCreated_SystemTime",
    "EventRecordID",
    "Correlation_ActivityID",
    "Correlation_RelatedActivityID",
    "Execution_ProcessID",
    "Execution_ThreadID",
    "Channel",
    "Computer",
    "Security_UserID",
];

/// When 1602 begins, in seconds since 1970.
const SECOND_OF_1602: i64 = -11_612_937_600;

/// The number of a System field that is asked for with every event.
// Nothing is left of it where the name is known beforehand.
#[inline]
pub(super) fn asked(name: &str) -> Option<usize> {
    match name {
        "Channel" => Some(0),
        "Computer" => Some(1),
        "EventID" => Some(2),
        "Provider_Name" => Some(3),
        "TimeCreated_SystemTime" => Some(4),
        "EventRecordID" => Some(5),
        "Execution_ProcessID" => Some(6),
        "Execution_ThreadID" => Some(7),
        _ => None,
    }
}

/// The numbers of those that say nothing of what happened.
pub(super) const PASSING: std::ops::Range<usize> = 4..8;

impl Event {
    /// Remembers where a field is that is asked for with every event.
    pub(super) fn note_asked(&mut self, number: usize, index: usize) {
        let Some(place) = self.asked.get_mut(number).filter(|place| place.is_none()) else { return };
        *place = u32::try_from(index).ok();
        if asked("EventID") == Some(number) {
            let text = self.fields.get(index).and_then(|field| self.value(field).text());
            self.event_id = text.and_then(|text| trimmed(text).parse().ok());
        }
    }

    /// The text of the System field that is called exactly `name`.
    #[inline]
    pub(super) fn system(&self, name: &str) -> Option<&str> {
        if let Some(number) = asked(name) {
            let index = (*self.asked.get(number)?)?;
            return self.fields.get(index as usize).and_then(|field| self.value(field).text());
        }
        let is_wanted = |field: &&Field| field.place == Place::System && self.text(&field.name) == name;
        self.fields.iter().find(is_wanted).and_then(|field| self.value(field).text())
    }

    /// The name of the provider, such as `Microsoft-Windows-Sysmon`; empty when unknown.
    pub fn provider(&self) -> &str {
        self.system("Provider_Name").unwrap_or_default()
    }

    /// The log that the event was written to, such as `Security`; empty when unknown.
    pub fn channel(&self) -> &str {
        self.system("Channel").unwrap_or_default()
    }

    /// The computer that wrote the event; empty when unknown.
    pub fn computer(&self) -> &str {
        self.system("Computer").unwrap_or_default()
    }

    /// The number that, with the provider, says what happened.
    pub fn event_id(&self) -> Option<u32> {
        self.event_id
    }

    /// The number of the event in its log.
    pub fn record_id(&self) -> Option<u64> {
        self.system("EventRecordID")?.trim().parse().ok()
    }

    /// When the event was written. A time without an offset is read as UTC.
    ///
    /// Year 1601 is where Windows counts from: what is written there is a time that was never set.
    pub fn time(&self) -> Option<Timestamp> {
        self.time.or_else(|| time::read(self.system("TimeCreated_SystemTime")?))
    }

    /// Notes which time the field says that was just added, for one who knows it already. Only the first time in
    /// System counts, and only one that is set.
    pub(crate) fn note_time(&mut self, time: Timestamp) {
        let place = asked("TimeCreated_SystemTime").and_then(|number| *self.asked.get(number)?);
        let is_it = place.is_some_and(|place| place as usize + 1 == self.fields.len());
        if is_it && is_set(time) {
            self.time = Some(time);
        }
    }
}

/// Whether a time is none of the year in which Windows' clock begins: such a time was never set.
pub(super) fn is_set(time: Timestamp) -> bool {
    time.as_second() >= SECOND_OF_1602
}
