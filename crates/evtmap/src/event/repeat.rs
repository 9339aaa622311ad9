//! Which events say the same as others before them.
//!
//! A log says much of what it says again and again: that a service logged on, that a policy was applied. What
//! differs is when it was, the number in the log, and by which process and thread Windows wrote it: the fields
//! that pass. Everything else lasts.

use std::sync::atomic::{AtomicU64, Ordering};

use evtmap_sigma::is_of_time;
use jiff::Timestamp;

use super::system::{PASSING, is_set};
use super::{Event, Field};

/// The next number for what events say. Numbers mean nothing but that they are others, so that scans which share
/// them have nothing else in common.
static NEXT_SAYING: AtomicU64 = AtomicU64::new(0);

/// A field of System that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PassingField(usize);

impl PassingField {
    /// The field of a number among those that are asked for with every event.
    pub(super) fn of(number: usize) -> Option<Self> {
        PASSING.contains(&number).then_some(Self(number))
    }

    /// Whether it is the time.
    pub(crate) fn is_time(self) -> bool {
        self.0 == PASSING.start
    }
}

/// The fields of an event that pass: a bit for each, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passing(u64);

impl Passing {
    /// Whether the field at a place is one of them.
    pub(crate) fn has(self, place: usize) -> bool {
        u32::try_from(place)
            .ok()
            .and_then(|place| self.0.checked_shr(place))
            .is_some_and(|bits| bits & 1 == 1)
    }
}

impl Event {
    /// The fields that pass. One that holds something else than a number or a time, as no Windows writes it, is
    /// none of them: a rule may look for its text.
    pub(crate) fn passing(&self) -> Passing {
        let is_short_number = |field: &Field| {
            let text = field.value.as_ref().map_or("", |range| self.text(range));
            // It does not stop at the first that is none, so that the compiler can look at many at once.
            text.len() <= 40 && text.bytes().fold(true, |is_all, byte| is_all & is_of_time(byte))
        };
        let places = PASSING.filter_map(|number| *self.asked.get(number)?);
        let passing = places.filter(|place| self.fields.get(*place as usize).is_some_and(is_short_number));
        Passing(passing.filter_map(|place| 1_u64.checked_shl(place)).fold(0, |bits, bit| bits | bit))
    }

    /// Notes a number that only events have that say the same: this one, and copies of it. It holds until a field
    /// or the message is another.
    pub(crate) fn number_saying(&mut self) {
        self.saying = Some(NEXT_SAYING.fetch_add(1, Ordering::Relaxed));
    }

    /// The number by which it is known what the event says, if it is known by one.
    pub(crate) fn saying(&self) -> Option<u64> {
        self.saying
    }

    /// Whether every field that has the name of one that passes is one: as it holds a number or a time, and does not
    /// come late.
    pub(crate) fn passes_by_name(&self) -> bool {
        let passing = self.passing();
        let mut places = PASSING.filter_map(|number| *self.asked.get(number)?);
        places.all(|place| passing.has(place as usize))
    }

    /// Puts what `write` appends in the place of the value of a field that passes, if there is one. If that is the
    /// time, `time` is what it says.
    ///
    /// # Errors
    /// Those of `write`; the event is then of no use.
    pub(crate) fn renew<E>(
        &mut self,
        passing: PassingField,
        time: Option<Timestamp>,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = self.asked.get(passing.0).copied().flatten();
        let Some(field) = place.and_then(|place| self.fields.get_mut(place as usize)) else { return Ok(()) };
        let start = self.text.len();
        write(&mut self.text)?;
        field.value = Some(start..self.text.len());
        if passing.is_time() {
            self.time = time.filter(|time| is_set(*time));
        }
        Ok(())
    }

    /// Puts another time in the place of the one that System has; `push` adds it as a field. Gives whether that is
    /// a time, and written as Windows does.
    pub(crate) fn renew_time(&mut self, push: impl FnOnce(&mut Self)) -> bool {
        let (saying, n_fields) = (self.saying, self.fields.len());
        let Some(place) = self.asked.get_mut(PASSING.start).and_then(Option::take) else { return false };
        self.time = None;
        push(self);
        let added = if self.fields.len() == n_fields + 1 { self.fields.pop() } else { None };
        let Some((added, own)) = added.zip(self.fields.get_mut(place as usize)) else { return false };
        *own = added;
        if let Some(asked) = self.asked.get_mut(PASSING.start) {
            *asked = Some(place);
        }
        self.saying = saying;
        self.time.is_some() && self.passing().has(place as usize)
    }

    /// A hash of what lasts, from a seed. Of each value it has the length and both ends: that tells events apart well
    /// enough, and those that have the same hash are compared anyway.
    pub(crate) fn hash_lasting(&self, passing: Passing, seed: u64) -> u64 {
        let values = self.lasting(passing).map(Option::unwrap_or_default);
        let hash = values.chain(self.message().map(str::as_bytes)).fold(seed, mixed);
        // The lowest bits are those that the factor mixes least.
        hash ^ hash >> 32
    }

    /// Whether another event says the same, the fields apart that pass in this one and in that.
    pub(crate) fn says_the_same_as(&self, other: &Self, passing: Passing) -> bool {
        self.has_names_of(other)
            && self.lasting(passing).eq(other.lasting(passing))
            && self.message() == other.message()
    }

    /// The values of the fields that last.
    fn lasting(&self, passing: Passing) -> impl Iterator<Item = Option<&[u8]>> {
        let text = self.text.as_bytes();
        let lasting = self.fields.iter().enumerate().filter(move |(place, _)| !passing.has(*place));
        lasting.map(move |(_, field)| text.get(field.value.clone()?))
    }

    /// Whether the fields have the same names and places as those of another event.
    fn has_names_of(&self, other: &Self) -> bool {
        if let (Some(own), Some(others)) = (self.shape, other.shape)
            && own == others
        {
            return true;
        }
        let (text, others) = (self.text.as_bytes(), other.text.as_bytes());
        let is_same = |(field, other): (&Field, &Field)| {
            field.place == other.place && text.get(field.name.clone()) == others.get(other.name.clone())
        };
        self.fields.len() == other.fields.len() && self.fields.iter().zip(&other.fields).all(is_same)
    }

    /// How much memory a copy of it takes, in bytes, about.
    pub(crate) fn n_bytes(&self) -> usize {
        self.text.len() + self.fields.len() * size_of::<Field>()
    }
}

/// A hash with the length and the ends of one more value in it.
fn mixed(hash: u64, value: &[u8]) -> u64 {
    /// As far from a fraction as can be, so that equal distances fall far apart.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (first, last) = match (value.first_chunk(), value.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => {
            let mut short = [0; 8];
            short.iter_mut().zip(value).for_each(|(own, byte)| *own = *byte);
            (u64::from_le_bytes(short), 0)
        }
    };
    let word = first ^ last.rotate_left(23) ^ (value.len() as u64).rotate_right(16);
    (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Place, Value};

    fn event(fields: &[(Place, &str, Option<&str>)]) -> Event {
        let mut event = Event::new();
        for (place, name, text) in fields {
            event.push(*place, name, text.map_or(Value::Null, Value::Text));
        }
        event
    }

    /// Whether events say the same, and what they hash to is the same.
    #[track_caller]
    fn check(one: &[(Place, &str, Option<&str>)], other: &[(Place, &str, Option<&str>)], is_same: bool) {
        let (one, other) = (event(one), event(other));
        let hash = |event: &Event| event.hash_lasting(event.passing(), 1);
        for (a, b) in [(&one, &other), (&other, &one)] {
            let says_the_same = a.passing() == b.passing() && a.says_the_same_as(b, a.passing());
            assert_eq!(says_the_same, is_same);
        }
        assert!(!is_same || hash(&one) == hash(&other));
    }

    /// What passes are the System fields of these names.
    #[test]
    fn fields_that_pass() {
        let names: Vec<&str> = super::super::SYSTEM_FIELDS
            .into_iter()
            .filter(|name| event(&[(Place::System, name, Some("1"))]).passing().has(0))
            .collect();
        let expected =
            ["TimeCreated_SystemTime", "EventRecordID", "Execution_ProcessID", "Execution_ThreadID"];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_number_does_not_outlive_what_it_is_of() {
        let numbered = || {
            let mut event = event(&[(Place::Data, "a", Some("0cce9210-69ae-11d9-bed3-505054503030"))]);
            event.number_saying();
            event
        };
        for change in [
            |event: &mut Event| event.push(Place::Data, "b", Value::Null),
            |event: &mut Event| event.set_message("m"),
            |event: &mut Event| event.brace_guids(),
            |event: &mut Event| event.remove_own("a"),
            |event: &mut Event| event.clear(),
        ] {
            let mut event = numbered();
            change(&mut event);
            assert_eq!(event.saying(), None);
        }
    }

    #[test]
    fn what_passes_makes_no_difference() {
        use Place::{Data, System};
        let time = |text| (System, "TimeCreated_SystemTime", Some(text));
        let number = |text| (System, "EventRecordID", Some(text));
        let user = |text| (Data, "User", Some(text));
        let early = time("2026-03-02T08:00:00.1234567Z");
        check(
            &[early, number("1"), user("a")],
            &[time("2026-03-02T09:00:00Z"), number("22"), user("a")],
            true,
        );
        check(&[early, user("a")], &[early, user("b")], false);
        check(&[early, user("a")], &[early], false);
        check(&[early, user("a")], &[user("a"), early], false);
        check(&[(Data, "User", None)], &[user("")], false);
        check(&[(Data, "a", Some("b"))], &[(System, "a", Some("b"))], false);
        check(&[(Data, "ab", Some("c"))], &[(Data, "a", Some("bc"))], false);
        // Only in System, only the first, and only what is a number or a time.
        check(&[(Data, "EventRecordID", Some("1"))], &[(Data, "EventRecordID", Some("2"))], false);
        check(&[number("1"), number("1")], &[number("1"), number("2")], false);
        check(&[number("1")], &[number("mimikatz")], false);
        check(&[time("mimikatz")], &[time("mimikatz 2")], false);
        check(&[early], &[time("")], true);
    }

    #[test]
    fn what_passes_is_renewed_where_it_is() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let [late, number] =
            [PASSING.start, PASSING.start + 1].map(|number| PassingField::of(number).unwrap());
        let put = |text: &'static str| {
            move |own: &mut String| {
                own.push_str(text);
                Ok::<(), ()>(())
            }
        };
        let mut own = event(&[(Place::System, "EventRecordID", Some("1")), (Place::Data, "a", Some("b"))]);
        own.renew(number, None, put("22")).unwrap();
        assert_eq!((own.record_id(), own.to_string().lines().count()), (Some(22), 2));
        // A field that is not there stays so, and nothing is asked about it.
        own.renew(late, Some(time("2026-03-02T08:00:00Z")), |_| Err(())).unwrap();
        assert_eq!((own.time(), own.everything().contains("2026")), (None, false));
        let mut own = event(&[(Place::System, "TimeCreated_SystemTime", Some("2026-03-02T08:00:00Z"))]);
        own.renew(late, Some(time("2026-03-02T09:00:00Z")), put("2026-03-02T09:00:00Z")).unwrap();
        assert_eq!(own.time(), Some(time("2026-03-02T09:00:00Z")));
        own.renew(late, Some(time("1601-01-01T00:00:00Z")), put("1601-01-01T00:00:00Z")).unwrap();
        assert_eq!(own.time(), None);
    }

    #[test]
    fn fields_that_pass_by_name() {
        let number = (Place::System, "EventRecordID", Some("1"));
        let others = vec![(Place::Data, "a", Some("b")); 64];
        assert!(event(&[number]).passes_by_name() && event(&others).passes_by_name());
        assert!(!event(&[(Place::System, "EventRecordID", Some("mimikatz"))]).passes_by_name());
        assert!(!event(&[others.as_slice(), &[number]].concat()).passes_by_name());
    }

    /// Fields beyond the sixty-fourth are never passing, wherever they are from.
    #[test]
    fn a_late_number_lasts() {
        let mut fields = vec![(Place::Data, "a", Some("b")); 64];
        let with = |fields: &mut Vec<_>, text| {
            fields.truncate(64);
            fields.push((Place::System, "EventRecordID", Some(text)));
            event(fields)
        };
        let (one, other) = (with(&mut fields, "1"), with(&mut fields, "2"));
        assert!(!one.says_the_same_as(&other, one.passing()));
        assert!(one.says_the_same_as(&one, one.passing()));
    }
}
