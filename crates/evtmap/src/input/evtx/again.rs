//! Records that say what an earlier record said, at another time: the event is taken from there.
//!
//! Services do the same all day, so that half of what a log holds differs from what it held before in nothing but
//! when it was, its number, and by which process and thread it was written. To write every value as text costs more
//! than to see that all others are the same.

use std::hash::Hasher;

use crate::event::Event;
use crate::recurring::{Met, Recurring, is_small};

/// The records that came more than once, and their events.
#[derive(Debug, Default)]
pub(super) struct RecordsAgain {
    records: Recurring<Known>,
    /// What the record at hand says: its templates, and its values as they are.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Known {
    key: Box<[u8]>,
    combination: u64,
    event: Event,
}

/// The key of the record at hand, while it is put together.
pub(super) struct Key<'a>(&'a mut Vec<u8>);

impl Key<'_> {
    /// Adds a part, unless the key would be larger than what is worth remembering. Gives whether it did: forged
    /// records come to many times what is in a chunk.
    pub(super) fn push(&mut self, part: &[u8]) -> bool {
        let is_small = is_small(self.0.len() + part.len());
        if is_small {
            self.0.extend_from_slice(part);
        }
        is_small
    }
}

impl RecordsAgain {
    /// Where what the next record says is to be put.
    pub(super) fn new_key(&mut self) -> Key<'_> {
        self.key.clear();
        Key(&mut self.key)
    }

    /// Whether what was put there came before.
    pub(super) fn meet(&mut self) -> Met {
        let mut hasher = self.records.hasher();
        hasher.write(&self.key);
        self.records.meet(hasher.finish(), |known| *known.key == *self.key)
    }

    /// Makes an event the one that is known in a place, and gives its combination.
    pub(super) fn fill(&self, place: usize, event: &mut Event) -> Option<u64> {
        let known = self.records.get(place)?;
        event.copy_from(&known.event);
        Some(known.combination)
    }

    /// Keeps the event of the record at hand for those that say the same, if what is not in the key passes.
    pub(super) fn keep(&mut self, hash: u64, combination: u64, event: &mut Event) {
        let n_bytes = self.key.len() + event.n_bytes();
        if is_small(n_bytes) && event.passes_by_name() {
            event.number_saying();
            let known = Known { key: self.key.as_slice().into(), combination, event: event.clone() };
            self.records.keep(hash, n_bytes, known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Place, Value};

    fn event(number: &str) -> Event {
        let mut event = Event::new();
        event.push(Place::System, "EventRecordID", Value::Text(number));
        event
    }

    /// Meets a key, and keeps the event of it where it came before.
    fn meet(again: &mut RecordsAgain, key: &[u8], number: &str) -> Met {
        assert!(again.new_key().push(key));
        let met = again.meet();
        if let Met::Again(hash) = met {
            again.keep(hash, 5, &mut event(number));
        }
        met
    }

    #[test]
    fn what_came_twice_is_taken_from_there() {
        let mut again = RecordsAgain::default();
        assert_eq!(meet(&mut again, b"a", "1"), Met::First);
        assert_eq!(meet(&mut again, b"b", "2"), Met::First);
        assert!(matches!(meet(&mut again, b"a", "3"), Met::Again(_)));
        assert_eq!(meet(&mut again, b"a", "4"), Met::Known(0));
        let mut own = Event::new();
        assert_eq!(again.fill(0, &mut own), Some(5));
        assert_eq!((own.record_id(), own.saying().is_some()), (Some(3), true));
        assert_eq!(again.fill(1, &mut own), None);
    }

    /// A number that a rule may look for in words is none that passes.
    #[test]
    fn what_does_not_pass_is_not_kept() {
        let mut again = RecordsAgain::default();
        assert_eq!(meet(&mut again, b"a", "mimikatz"), Met::First);
        for _ in 0..2 {
            assert!(matches!(meet(&mut again, b"a", "mimikatz"), Met::Again(_)));
        }
    }

    #[test]
    fn a_key_is_bounded() {
        let mut again = RecordsAgain::default();
        let mut key = again.new_key();
        assert!((0..1 << 10).all(|_| key.push(&[0; 16])));
        assert!(!key.push(&[0]) && !key.push(&[0; 1 << 20]) && key.push(&[]));
        assert_eq!(again.key.len(), 16 << 10);
    }
}
