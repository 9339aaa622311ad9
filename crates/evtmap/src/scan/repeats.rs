//! What was told of events that come again: it is told anew, and the rules are not asked.
//!
//! A log says the same over and over, with other times and numbers. Rules that ask for neither say of such an
//! event what they said of the one before.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;

use super::matching::Telling;
use crate::alert::Said;
use crate::event::{Event, Passing};

/// How many events are known, and how much memory they may take together. A log may be one in which nothing
/// comes again, or one that was written to fill the memory.
const N_KNOWN_MAX: usize = 2_048;
const N_BYTES_MAX: usize = 4 << 20;
/// Larger events are not worth it: what is as large hardly ever comes again.
const N_EVENT_BYTES_MAX: usize = 8 << 10;
/// Of how many events it is known that they came once: those that come again only after many others are not worth
/// keeping, for they are forgotten before they come a third time.
const N_SEEN: usize = 1_024;

/// The events that came more than once, and what was told of them. A thread has its own.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    /// The hashes of events that came, by their lowest bits: most events never come again, and nothing more is
    /// remembered of them.
    seen: Vec<u64>,
    /// By hash.
    places: FxHashMap<u64, usize>,
    known: Vec<Known>,
    n_bytes: usize,
}

#[derive(Debug)]
struct Known {
    event: Event,
    passing: Passing,
    /// Nothing when the rules are to be asked each time.
    told: Option<Told>,
}

/// What is told of an event.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) tellings: Vec<Telling>,
    pub(super) said: Arc<Said>,
}

/// How an event was met.
#[derive(Clone, Copy, Debug)]
pub(super) enum Met {
    /// It is known, and in this place.
    Known(usize),
    /// It came before, and should be known from now on under its hash.
    Again(u64),
    /// It did not come before, as far as anybody remembers.
    First,
}

impl Repeats {
    /// Whether an event came before.
    pub(super) fn meet(&mut self, event: &Event) -> Met {
        let passing = event.passing();
        let hash = self.hash(event, passing);
        if let Some(place) = self.places.get(&hash) {
            let is_known = self.known.get(*place).is_some_and(|known| {
                known.passing == passing && event.says_the_same_as(&known.event, passing)
            });
            return if is_known { Met::Known(*place) } else { Met::First };
        }
        self.seen.resize(N_SEEN, 0);
        let lowest = usize::try_from(hash % N_SEEN as u64).unwrap_or(0);
        match self.seen.get_mut(lowest) {
            Some(seen) if *seen == hash => Met::Again(hash),
            Some(seen) => {
                *seen = hash;
                Met::First
            }
            None => Met::First,
        }
    }

    /// What is told of a known event; nothing when the rules are to be asked.
    pub(super) fn told(&self, met: Met) -> Option<&Told> {
        let Met::Known(place) = met else { return None };
        self.known.get(place)?.told.as_ref()
    }

    /// Remembers what is told of an event.
    pub(super) fn keep(&mut self, hash: u64, event: &Event, told: Option<Told>) {
        // What is said is in the event and, once more, in what is told of it.
        let n_bytes = event.n_bytes() * 2;
        if n_bytes > N_EVENT_BYTES_MAX * 2 {
            return;
        }
        if self.known.len() >= N_KNOWN_MAX || self.n_bytes + n_bytes > N_BYTES_MAX {
            self.known.clear();
            self.places.clear();
            self.n_bytes = 0;
        }
        self.n_bytes += n_bytes;
        self.places.insert(hash, self.known.len());
        self.known.push(Known { event: event.clone(), passing: event.passing(), told });
    }

    fn hash(&self, event: &Event, passing: Passing) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        event.hash_lasting(passing, &mut hasher);
        hasher.finish()
    }
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

    fn told() -> Option<Told> {
        Some(Told { tellings: Vec::new(), said: Arc::default() })
    }

    #[test]
    fn what_comes_a_second_time_is_kept() {
        let mut repeats = Repeats::default();
        assert!(matches!(repeats.meet(&event(1, "a")), Met::First));
        let Met::Again(hash) = repeats.meet(&event(2, "a")) else { panic!("it came before") };
        assert!(matches!(repeats.meet(&event(3, "b")), Met::First));
        repeats.keep(hash, &event(2, "a"), told());
        let met = repeats.meet(&event(4444, "a"));
        assert!(matches!(met, Met::Known(_)) && repeats.told(met).is_some());
        let Met::Again(hash) = repeats.meet(&event(5, "b")) else { panic!("it came before") };
        repeats.keep(hash, &event(5, "b"), None);
        let met = repeats.meet(&event(6, "b"));
        assert!(matches!(met, Met::Known(_)) && repeats.told(met).is_none());
    }

    /// However many events come again, and however large they are, only so much is kept.
    #[test]
    fn there_are_bounds() {
        let mut repeats = Repeats::default();
        for (n_users, length) in [(3 * N_KNOWN_MAX, 1), (3 * N_KNOWN_MAX, 3000), (3, 2 * N_EVENT_BYTES_MAX)] {
            for user in 0..n_users {
                let user = format!("{user}{}", "x".repeat(length));
                repeats.meet(&event(1, &user));
                if let Met::Again(hash) = repeats.meet(&event(2, &user)) {
                    repeats.keep(hash, &event(2, &user), told());
                }
                assert!(repeats.known.len() <= N_KNOWN_MAX && repeats.n_bytes <= N_BYTES_MAX);
                assert_eq!(repeats.known.len(), repeats.places.len());
            }
        }
    }
}
