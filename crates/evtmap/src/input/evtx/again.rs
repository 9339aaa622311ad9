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

impl RecordsAgain {
    /// Where what the next record says is to be put.
    pub(super) fn new_key(&mut self) -> &mut Vec<u8> {
        self.key.clear();
        &mut self.key
    }

    /// Whether what was put there came before.
    pub(super) fn meet(&mut self) -> Met {
        if !is_small(self.key.len()) {
            return Met::First;
        }
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

    /// Keeps the event of the record at hand for those that say the same.
    pub(super) fn keep(&mut self, hash: u64, combination: u64, event: &mut Event) {
        let n_bytes = self.key.len() + event.n_bytes();
        if is_small(n_bytes) {
            event.number_saying();
            let known = Known { key: self.key.as_slice().into(), combination, event: event.clone() };
            self.records.keep(hash, n_bytes, known);
        }
    }
}
