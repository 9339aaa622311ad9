//! One Windows event, whatever it was read from.
//!
//! An [`Event`] is a flat list of named values under the names that Sigma rules use. Its text lies in one
//! buffer that the next event reuses, so that reading a log allocates nothing for an event.

mod account;
pub mod flat;
mod held;
pub mod json;
pub mod message;
mod names;
pub mod origin;
mod repeat;
mod spelling;
mod system;
pub(crate) mod time;
pub mod xml;

use std::fmt::{self, Display, Write as _};
use std::mem;
use std::ops::Range;

pub use account::Account;
pub(crate) use account::AccountPlaces;
pub use evtmap_sigma::Value;
pub(crate) use held::Label;
pub(crate) use names::Names;
pub(crate) use repeat::{Passing, PassingField};
pub(crate) use spelling::trimmed;
use spelling::{GUID_LENGTH, is_bare_guid, loosely_equal, may_be_equal};
pub use system::SYSTEM_FIELDS;
use system::asked;

use jiff::Timestamp;

/// The field whose values Windows fills with blanks at the end, which nobody sees and no rule writes:
/// `NtLmSsp `.
const PADDED: &str = "LogonProcessName";

/// How deep elements may lie in each other.
pub const MAX_DEPTH: u32 = 64;
/// How many fields an event may have that is read from JSON or XML.
pub const MAX_FIELDS: usize = 10_000;

/// The part of an event that a field belongs to.
// The order is that of precedence: event 104 names the cleared log in a payload field `Channel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// What was made from the payload, for rules about events that this one stands for.
    Derived,
    /// The payload: what the provider has to say (`EventData`, `UserData`, a column of its own).
    Data,
    /// What every event has: provider, event id, channel, computer, time.
    System,
}

/// Where a field's name is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Among what the event itself says.
    Own,
    /// Among what was derived from it, and then among what it says.
    Derived,
}

/// One Windows event: fields in the order in which they were read, and sometimes the rendered message.
///
/// ```
/// use evtmap::event::{Event, Place, Value};
///
/// let mut event = Event::new();
/// event.push(Place::System, "EventID", Value::Text("4625"));
/// event.push(Place::Data, "TargetUserName", Value::Text("alice"));
/// assert_eq!(event.event_id(), Some(4625));
/// assert_eq!(event.first("targetusername"), Some(Value::Text("alice")));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// The names and values of all fields.
    text: String,
    fields: Vec<Field>,
    message: Option<Range<usize>>,
    is_message_unread: bool,
    is_time_local: bool,
    is_recovered: bool,
    /// Where among the fields those of System are that are asked for with every event, in the order of
    /// [`asked`]. A field that comes first counts.
    asked: [Option<u32>; 8],
    /// What the field `EventID` of System is as a number.
    event_id: Option<u32>,
    /// What the time in System is, where the reader knows it without its text.
    time: Option<Timestamp>,
    /// A number that only events with the same names in the same order have, where the reader knows one.
    shape: Option<u64>,
    /// A number that only events have that say the same, where the reader knows one.
    saying: Option<u64>,
}

#[derive(Debug, Clone)]
struct Field {
    place: Place,
    name: Range<usize>,
    value: Option<Range<usize>>,
}

impl Event {
    /// An event without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything but keeps the memory for the next event.
    pub fn clear(&mut self) {
        self.text.clear();
        self.fields.clear();
        self.message = None;
        self.is_message_unread = false;
        self.is_time_local = false;
        self.is_recovered = false;
        self.asked = Default::default();
        self.event_id = None;
        self.time = None;
        self.shape = None;
        self.saying = None;
    }

    /// Makes this the same as another event.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        // All of them, so that whoever adds one is reminded of it here.
        let Self {
            text,
            fields,
            message,
            is_message_unread,
            is_time_local,
            is_recovered,
            asked,
            event_id,
            time,
            shape,
            saying,
        } = other;
        self.text.clone_from(text);
        self.fields.clone_from(fields);
        self.message.clone_from(message);
        (self.asked, self.event_id, self.time) = (*asked, *event_id, *time);
        (self.shape, self.saying) = (*shape, *saying);
        self.is_message_unread = *is_message_unread;
        (self.is_time_local, self.is_recovered) = (*is_time_local, *is_recovered);
    }

    /// Whether this says the same as another event, in the same order.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.fields().eq(other.fields())
            && self.message() == other.message()
            && self.is_message_unread == other.is_message_unread
            && self.is_time_local == other.is_time_local
    }

    /// Adds a field. A name may come several times: the field then has several values.
    pub fn push(&mut self, place: Place, name: &str, value: Value<'_>) {
        let start = self.text.len();
        self.text.push_str(name);
        let range = start..self.text.len();
        let value = value.text().map(|text| {
            self.text.push_str(text);
            range.end..self.text.len()
        });
        let number = if place == Place::System { asked(name) } else { None };
        self.add_asked(number, Field { place, name: range, value });
    }

    /// Adds a field whose name is written in parts.
    pub(crate) fn push_joined(&mut self, place: Place, name: &[&str], value: Value<'_>) {
        let name = self.store(name);
        let value = value.text().map(|text| self.store(&[text]));
        self.add(place, name, value);
    }

    /// Adds a field whose name is written in parts and whose value is what `write` appends.
    ///
    /// # Errors
    /// Those of `write`; the field is then not added.
    pub(crate) fn push_with<E>(
        &mut self,
        place: Place,
        name: &[&str],
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let name = self.store(name);
        let start = self.text.len();
        write(&mut self.text)?;
        let value = Some(start..self.text.len());
        self.add(place, name, value);
        Ok(())
    }

    /// Adds a field whose name is written in parts and whose value is what `value` displays.
    pub(crate) fn push_display(&mut self, place: Place, name: &[&str], value: impl Display) {
        let name = self.store(name);
        let start = self.text.len();
        // A string takes whatever is written; should `value` itself fail, the text ends there.
        let _ = write!(self.text, "{value}");
        let value = Some(start..self.text.len());
        self.add(place, name, value);
    }

    /// Sets the text that Windows shows for the event.
    pub fn set_message(&mut self, message: &str) {
        self.message = Some(self.store(&[message]));
        self.saying = None;
    }

    /// Sets the text that Windows shows for the event to what `write` appends.
    ///
    /// # Errors
    /// Those of `write`; there is then no such text.
    pub(crate) fn set_message_with<E>(
        &mut self,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.text.len();
        self.saying = None;
        if let Err(error) = write(&mut self.text) {
            self.text.truncate(start);
            return Err(error);
        }
        self.message = Some(start..self.text.len());
        Ok(())
    }

    /// Adds a field of the payload whose value is a part of the message.
    pub(crate) fn push_part_of_message(&mut self, name: &str, part: Range<usize>) {
        let start = self.message.as_ref().map_or(0, |message| message.start);
        let name = self.store(&[name]);
        let value = Some(start + part.start..start + part.end);
        self.add(Place::Data, name, value);
    }

    /// Adds a field whose name and value are stored.
    fn add(&mut self, place: Place, name: Range<usize>, value: Option<Range<usize>>) {
        let number = if place == Place::System { asked(self.text(&name)) } else { None };
        self.add_asked(number, Field { place, name, value });
    }

    /// Adds a field; `number` is that of its name if it is one that is asked for with every event.
    fn add_asked(&mut self, number: Option<usize>, mut field: Field) {
        if field.name.len() == PADDED.len()
            && self.text(&field.name) == PADDED
            && let Some(value) = &mut field.value
        {
            value.end = value.start + self.text(value).trim_end_matches(' ').len();
        }
        self.fields.push(field);
        (self.shape, self.saying) = (None, None);
        if let Some(number) = number {
            self.note_asked(number, self.fields.len() - 1);
        }
    }

    /// Writes GUIDs as Windows does, `{0cce9210-…}`, where an older evtx crate wrote `0CCE9210-…`. GUIDs that
    /// are texts to Windows have small letters or braces and stay as they are.
    pub(crate) fn brace_guids(&mut self) {
        // Few events have one, and a look at lengths costs next to nothing.
        let may_be_one = |field: &Field| field.value.as_ref().is_some_and(|value| value.len() == GUID_LENGTH);
        if !self.fields.iter().any(may_be_one) {
            return;
        }
        self.saying = None;
        let mut fields = mem::take(&mut self.fields);
        for value in fields.iter_mut().filter_map(|field| field.value.as_mut()) {
            let text = self.text(value);
            if is_bare_guid(text) {
                let guid = text.to_ascii_lowercase();
                *value = self.store(&["{", &guid, "}"]);
            }
        }
        self.fields = fields;
    }

    /// Notes that no layout is known that fits the message.
    pub(crate) fn set_message_unread(&mut self) {
        self.is_message_unread = true;
    }

    /// Whether the message may hold values that are not among the fields.
    pub fn is_message_unread(&self) -> bool {
        self.is_message_unread
    }

    /// Notes whether the time names no zone.
    pub(crate) fn set_time_local(&mut self, is_local: bool) {
        self.is_time_local = is_local;
    }

    /// Notes whether the event was found where its log no longer has one.
    pub(crate) fn set_recovered(&mut self, is_recovered: bool) {
        self.is_recovered = is_recovered;
    }

    /// Whether the event was deleted from its log and found in what was not overwritten yet.
    pub fn is_recovered(&self) -> bool {
        self.is_recovered
    }

    /// Whether the event's time was written without a zone, and was read in that of
    /// [`InputOptions`](crate::input::InputOptions).
    pub fn is_time_local(&self) -> bool {
        self.is_time_local
    }

    /// Whether the payload has a field that is called exactly so.
    pub(crate) fn has_own(&self, name: &str) -> bool {
        self.data().any(|(own, _)| own == name)
    }

    /// Removes the fields of the payload that are called exactly so.
    pub(crate) fn remove_own(&mut self, name: &str) {
        let text = &self.text;
        let is_called_so = |field: &Field| text.get(field.name.clone()) == Some(name);
        self.fields.retain(|field| field.place == Place::System || !is_called_so(field));
        (self.asked, self.event_id, self.shape, self.saying) = Default::default();
        for index in 0..self.fields.len() {
            let system = self.fields.get(index).filter(|field| field.place == Place::System);
            if let Some(number) = system.and_then(|field| asked(self.text(&field.name))) {
                self.note_asked(number, index);
            }
        }
    }

    fn store(&mut self, parts: &[&str]) -> Range<usize> {
        let start = self.text.len();
        parts.iter().for_each(|part| self.text.push_str(part));
        start..self.text.len()
    }

    fn text(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    fn value(&self, field: &Field) -> Value<'_> {
        field.value.as_ref().map_or(Value::Null, |range| Value::Text(self.text(range)))
    }

    /// Every field in the order in which it was read.
    pub fn fields(&self) -> impl Iterator<Item = (Place, &str, Value<'_>)> + Clone {
        self.fields.iter().map(|field| (field.place, self.text(&field.name), self.value(field)))
    }

    /// Whether System has this field.
    pub(crate) fn has_system(&self, name: &str) -> bool {
        self.system(name).is_some()
    }

    /// Notes a number that among all events of a scan only those have whose fields have the same names in the same
    /// order; it holds until another field is added.
    pub(crate) fn set_shape(&mut self, shape: u64) {
        self.shape = Some(shape);
    }

    /// The number by which the names of the fields are known, if they are known by one.
    pub(crate) fn shape(&self) -> Option<u64> {
        self.shape
    }

    /// How many fields there are.
    pub(crate) fn n_fields(&self) -> usize {
        self.fields.len()
    }

    /// The fields of the payload.
    pub fn data(&self) -> impl Iterator<Item = (&str, Value<'_>)> + Clone {
        self.fields().filter(|(place, ..)| *place == Place::Data).map(|(_, name, value)| (name, value))
    }

    /// The text that Windows shows for the event, where the input holds it.
    pub fn message(&self) -> Option<&str> {
        self.message.as_ref().map(|range| self.text(range))
    }

    /// The field with an index, in the order of [`fields`](Self::fields).
    pub(crate) fn field(&self, index: usize) -> Option<(Place, &str, Value<'_>)> {
        self.fields.get(index).map(|field| (field.place, self.text(&field.name), self.value(field)))
    }

    /// Every text in which a keyword is looked for: all values, and the rendered message.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let own = self.fields().filter(|(place, ..)| *place != Place::Derived);
        own.filter_map(|(_, _, value)| value.text()).chain(self.message())
    }

    /// One text in which every one of [`texts`](Self::texts) is, names and more between them.
    pub(crate) fn everything(&self) -> &str {
        &self.text
    }

    /// All values of the field `name`, in the order in which they were read.
    ///
    /// The exact name is looked for first, then the name without regard to ASCII case and to spaces in the
    /// event's name (`Threat Name` is found as `ThreatName`), each in the payload before System. Only the
    /// values of the first kind of match count. `ComputerName` also finds the System field `Computer`.
    pub fn find<'e>(&'e self, name: &str) -> impl Iterator<Item = Value<'e>> {
        self.find_in(Scope::Own, name)
    }

    /// All values of the field `name` in a scope.
    pub(crate) fn find_in<'e>(&'e self, scope: Scope, name: &str) -> impl Iterator<Item = Value<'e>> {
        self.indices(scope, name).filter_map(|index| self.fields.get(index)).map(|field| self.value(field))
    }

    /// The indices of the fields that [`find_in`](Self::find_in) gives the values of.
    pub(crate) fn indices(&self, scope: Scope, name: &str) -> impl Iterator<Item = usize> {
        let rank = |name: &str| self.fields.iter().filter_map(|field| self.rank(scope, field, name)).min();
        let best = rank(name);
        let alias = best.is_none() && name.eq_ignore_ascii_case("ComputerName");
        let (name, best) = if alias { ("Computer", rank("Computer")) } else { (name, best) };
        let fields = if best.is_some() { self.fields.as_slice() } else { &[] };
        let is_best = move |field: &Field| self.rank(scope, field, name) == best;
        fields.iter().enumerate().filter(move |(_, field)| is_best(field)).map(|(index, _)| index)
    }

    /// The first of the values that [`find`](Self::find) gives.
    pub fn first(&self, name: &str) -> Option<Value<'_>> {
        let index = self.first_index(name)?;
        self.fields.get(index).map(|field| self.value(field))
    }

    /// Where the field is that has the value of [`first`](Self::first).
    fn first_index(&self, name: &str) -> Option<usize> {
        let fields = self.fields.iter().enumerate();
        let ranked = fields.filter_map(|(index, field)| Some((self.rank(Scope::Own, field, name)?, index)));
        match ranked.min_by_key(|(rank, _)| *rank) {
            Some((_, index)) => Some(index),
            None if name.eq_ignore_ascii_case("ComputerName") => self.indices(Scope::Own, name).next(),
            None => None,
        }
    }

    /// How well `field` answers to `name`, the best first: the name as it is written, then loosely.
    // Nearly every field is told from a name by a glance at both, which a call would take longer than.
    #[inline(always)]
    fn rank(&self, scope: Scope, field: &Field, name: &str) -> Option<(bool, Place)> {
        let is_hidden = scope == Scope::Own && field.place == Place::Derived;
        if field.name.len() < name.len() || is_hidden {
            return None;
        }
        let (own, name) = (self.text.as_bytes().get(field.name.clone())?, name.as_bytes());
        if !may_be_equal(own, name) {
            return None;
        }
        let loose = own != name;
        (!loose || loosely_equal(own, name)).then_some((loose, field.place))
    }
}

/// One line a field, `System EventID "4625"`, and at last the message.
impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name, value) in self.fields() {
            match value {
                Value::Null => writeln!(f, "{place:?} {name} null")?,
                Value::Text(text) => writeln!(f, "{place:?} {name} {text:?}")?,
            }
        }
        self.message().map_or(Ok(()), |message| writeln!(f, "message {message:?}"))
    }
}

#[cfg(test)]
mod tests;
