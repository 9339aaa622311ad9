//! What is to be done with the members of objects that all have the same keys in the same order.

use super::{Others, RECEIVED, Reading, Result, Shape, Target, last_name};
use crate::event::{Event, Place};
use crate::input::InputOptions;
use crate::input::json::outline::MemberValue;
use crate::input::json::record::Record;

/// What each member of an object of a shape is, in their order.
#[derive(Debug)]
pub(in crate::input) struct Plan {
    shape: &'static Shape,
    members: Vec<Member>,
    /// The places of members at which a look is taken to read others.
    looked_at: Vec<usize>,
}

/// A member, and what it is.
#[derive(Debug)]
struct Member {
    key: Box<str>,
    meaning: Meaning,
}

/// What a member is, as far as the keys beside it say.
#[derive(Debug)]
enum Meaning {
    /// Nothing of the event's.
    Nothing,
    /// A System field; an empty one says nothing.
    System(&'static str),
    /// A field of the payload.
    Field(Box<str>),
    /// A field of the payload, if it has a value.
    FilledField(Box<str>),
    /// The rendered message.
    Message,
    /// An object whose members are looked up.
    Inner,
    /// What only its value tells.
    Other(Target),
}

impl Plan {
    /// The plan for objects of a shape that have the keys of this one.
    pub(in crate::input) fn new(shape: &'static Shape, record: &Record<'_>) -> Self {
        let members: Vec<Member> = record
            .members()
            .map(|(key, _)| Member { key: key.into(), meaning: Meaning::of(shape, record, key) })
            .collect();
        let looked_at = |member: &Member| match member.meaning {
            Meaning::Other(Target::CollectorTime) => RECEIVED.as_slice(),
            _ => &[],
        };
        let keys: Vec<&str> = members.iter().flat_map(looked_at).copied().collect();
        let places = members.iter().enumerate().filter(|(_, member)| keys.contains(&&*member.key));
        let looked_at = places.map(|(place, _)| place).collect();
        Self { shape, members, looked_at }
    }

    /// Of which shape the objects are.
    pub(in crate::input) fn shape(&self) -> &'static Shape {
        self.shape
    }

    /// Reads an object, of which these are the values in the order of the keys.
    ///
    /// # Errors
    /// What is wrong with a value.
    pub(in crate::input) fn read<'a>(
        &'a self,
        values: impl Iterator<Item = MemberValue<'a>> + Clone,
        event: &mut Event,
        options: &InputOptions,
    ) -> Result {
        let record = match self.looked_at.last() {
            None => Record::default(),
            Some(last) => {
                let members = self.members.iter().zip(values.clone()).take(last + 1).enumerate();
                let members = members.filter(|(place, _)| self.looked_at.contains(place));
                Record::of(members.map(|(_, (member, value))| (&*member.key, value.json)))
            }
        };
        let mut reading = Reading::new(&record, event, options);
        for (member, value) in self.members.iter().zip(values) {
            match &member.meaning {
                Meaning::Nothing => {}
                Meaning::System(_) if value.json == "\"\"" => {}
                Meaning::System(name) => reading.put(Place::System, name, value)?,
                Meaning::FilledField(_) if is_unfilled(value.json) => {}
                Meaning::Field(name) | Meaning::FilledField(name) => reading.put(Place::Data, name, value)?,
                Meaning::Message => reading.message(value)?,
                Meaning::Inner => reading.inner(self.shape, &member.key, value.json)?,
                Meaning::Other(target) => reading.member(*target, &member.key, value.json)?,
            }
        }
        reading.fall_back()
    }
}

impl Meaning {
    fn of(shape: &Shape, record: &Record<'_>, key: &str) -> Self {
        let field = || Self::Field(key.into());
        match shape.target(key) {
            Some(Target::System(name)) => Self::System(name),
            Some(Target::Field(name)) => Self::Field(name.into()),
            Some(Target::Message) => Self::Message,
            Some(Target::Inner) => Self::Inner,
            Some(Target::Nothing) => Self::Nothing,
            Some(Target::Unless(other) | Target::DetailsUnless(other)) if record.has(other) => Self::Nothing,
            Some(Target::Unless(_)) => field(),
            Some(target) => Self::Other(target),
            None => match shape.payload.iter().find_map(|prefix| key.strip_prefix(prefix)) {
                Some(name) => Self::Field(last_name(name).into()),
                None => match shape.others {
                    Others::Nothing => Self::Nothing,
                    Others::Payload => field(),
                    Others::FilledPayload => Self::FilledField(key.into()),
                },
            },
        }
    }
}

/// Whether a value is one that a table has where the event has none.
pub(super) fn is_unfilled(json: &str) -> bool {
    matches!(json, "null" | "\"\"" | "[]" | "{}")
}
