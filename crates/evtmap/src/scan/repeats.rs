//! What was told of events that come again: it is told anew, and the rules are not asked.
//!
//! A log says the same over and over, with other times and numbers. Rules that ask for neither say of such an
//! event what they said of the one before.

use std::hash::Hasher;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::matching::{Member, Telling};
use crate::alert::Said;
use crate::event::{Event, Passing};
use crate::recurring::{Met, Recurring, is_small};

/// Of how many numbers of the reader's it is remembered which event they are of.
const N_NUMBERS_MAX: usize = 8_192;

/// What a telling takes without evidence, which is not remembered; the most is what it is missing of an event that
/// stands for another.
const N_BYTES_OF_TELLING: usize = 256;

/// The events that came more than once, and what was told of them. A thread has its own.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    events: Recurring<Known>,
    /// The places of events that say what the reader says under a number.
    by_number: FxHashMap<u64, usize>,
}

#[derive(Debug)]
struct Known {
    event: Event,
    passing: Passing,
    /// Nothing when the rules are to be asked each time.
    told: Option<Told>,
}

/// What is told of an event.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) tellings: Vec<Telling>,
    /// What the event says, if anything is told of it.
    pub(super) said: Option<Arc<Said>>,
    /// What correlations are to know of it.
    pub(super) members: Vec<Member>,
    /// What the event says without its payload, if they are to know of it.
    pub(super) bare: Option<Arc<Said>>,
}

impl Told {
    /// How much memory it takes beside what the event says, in bytes, about.
    fn n_bytes(&self) -> usize {
        let bare = self.bare.as_ref().map_or(0, |said| said.n_bytes());
        self.tellings.len() * N_BYTES_OF_TELLING
            + self.members.iter().map(Member::n_bytes).sum::<usize>()
            + bare
    }
}

impl Repeats {
    /// Whether an event came before.
    pub(super) fn meet(&mut self, event: &Event) -> Met {
        let number = event.saying();
        if let Some(place) = number.and_then(|number| self.by_number.get(&number)) {
            return Met::Known(*place);
        }
        if !is_small(n_bytes(event)) {
            return Met::First;
        }
        let passing = event.passing();
        let hash = event.hash_lasting(passing, self.events.hasher().finish());
        let met = self
            .events
            .meet(hash, |known| known.passing == passing && event.says_the_same_as(&known.event, passing));
        if let (Met::Known(place), Some(number)) = (met, number) {
            if self.by_number.len() >= N_NUMBERS_MAX {
                self.by_number.clear();
            }
            self.by_number.insert(number, place);
        }
        met
    }

    /// What is told of a known event; nothing when the rules are to be asked.
    pub(super) fn told(&self, met: Met) -> Option<&Told> {
        let Met::Known(place) = met else { return None };
        self.events.get(place)?.told.as_ref()
    }

    /// Remembers what is told of an event.
    pub(super) fn keep(&mut self, hash: u64, event: &Event, told: Option<Told>) {
        let n_bytes = n_bytes(event) + told.as_ref().map_or(0, Told::n_bytes);
        if !is_small(n_bytes) {
            return;
        }
        let known = Known { event: event.clone(), passing: event.passing(), told };
        if self.events.keep(hash, n_bytes, known) {
            self.by_number.clear();
        }
    }
}

/// How much memory an event takes that is known: it is kept, and what it says is kept once more.
fn n_bytes(event: &Event) -> usize {
    event.n_bytes() * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Place, Value};

    fn event(number: usize, user: &str) -> Event {
        let mut event = Event::new();
        event.push(Place::System, "EventRecordID", Value::Text(&number.to_string()));
        event.push(Place::Data, "User", Value::Text(user));
        event
    }

    #[test]
    fn events_by_what_they_say_and_by_number() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.meet(&event(1, "a")), Met::First);
        let Met::Again(hash) = repeats.meet(&event(2, "a")) else { panic!("it came before") };
        assert_eq!(repeats.meet(&event(3, "b")), Met::First);
        repeats.keep(hash, &event(2, "a"), Some(Told::default()));
        let met = repeats.meet(&event(4444, "a"));
        assert!(met == Met::Known(0) && repeats.told(met).is_some());
        let Met::Again(hash) = repeats.meet(&event(5, "b")) else { panic!("it came before") };
        repeats.keep(hash, &event(5, "b"), None);
        let mut numbered = event(6, "b");
        numbered.number_saying();
        for _ in 0..2 {
            let met = repeats.meet(&numbered);
            assert!(met == Met::Known(1) && repeats.told(met).is_none());
        }
        assert_eq!(repeats.by_number.len(), 1);
        // Places are others once everything was forgotten.
        for hash in 1..=10_000 {
            repeats.keep(hash, &event(7, "c"), None);
        }
        assert!(repeats.by_number.is_empty());
    }
}
