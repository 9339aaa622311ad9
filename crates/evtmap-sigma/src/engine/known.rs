//! Values that were looked up before, with the gates that they opened.
//!
//! In a log the same values come again and again: the same programs, users and parents. What a value opens in a
//! slot depends on nothing else, so it is looked up once and remembered. The memory is a table in which each
//! value has one place. A value takes its place when it comes for the second time without another in between,
//! so that those that never come again, such as times and numbers, drive nothing out.

use std::hash::{Hash as _, Hasher as _};

use rustc_hash::FxHasher;

use super::gate::GateId;

/// How many values are remembered, at the most.
const N_PLACES: usize = 512;
/// Shorter values are as quickly looked up.
const MIN_BYTES: usize = 8;
/// Longer values are rarely the same.
const MAX_BYTES: usize = 1024;

/// What one thread remembers of the values that an engine was asked about. It is for one engine only.
#[derive(Debug, Default)]
pub struct Known {
    /// None, or one for each hash.
    places: Vec<Place>,
}

/// One value.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The hash of the value that came last and was another.
    last: u64,
    slot: usize,
    value: String,
    gates: Vec<GateId>,
}

impl Known {
    /// Calls `open` with each gate that a value opens in a slot. `look_up` finds them where they are not known.
    pub(super) fn open(
        &mut self,
        (slot, value): (usize, &str),
        look_up: impl FnOnce(&mut dyn FnMut(GateId)),
        open: &mut dyn FnMut(GateId),
    ) {
        if !(MIN_BYTES..=MAX_BYTES).contains(&value.len()) {
            return look_up(open);
        }
        if self.places.is_empty() {
            self.places.resize_with(N_PLACES, Place::default);
        }
        let hash = hash(slot, value);
        #[expect(clippy::cast_possible_truncation, reason = "any bits do")]
        let Some(place) = self.places.get_mut(hash as usize % N_PLACES) else { return look_up(open) };
        if place.slot == slot && place.value == value {
            place.gates.iter().for_each(|gate| open(*gate));
        } else if place.last == hash {
            place.slot = slot;
            value.clone_into(&mut place.value);
            place.gates.clear();
            look_up(&mut |gate| {
                place.gates.push(gate);
                open(gate);
            });
        } else {
            place.last = hash;
            look_up(open);
        }
    }
}

fn hash(slot: usize, value: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_usize(slot);
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(known: &mut Known, slot: usize, value: &str, is_looked_up: &mut bool) -> Vec<u32> {
        let mut opened = Vec::new();
        *is_looked_up = false;
        let look_up = |open: &mut dyn FnMut(GateId)| {
            *is_looked_up = true;
            open(GateId(value.len() as u32));
            open(GateId(slot as u32));
        };
        known.open((slot, value), look_up, &mut |gate| opened.push(gate.0));
        opened
    }

    #[test]
    fn a_value_is_remembered_when_it_comes_again() {
        let (mut known, mut is_looked_up) = (Known::default(), false);
        for (slot, value, expected) in [
            (1, "powershell.exe", true),
            (1, "powershell.exe", true),
            (1, "powershell.exe", false),
            (2, "powershell.exe", true),
            (1, "powershell.exe", false),
            (1, "cmd.exe", true),
            (1, "cmd.exe", true),
            (1, "cmd.exe", true),
        ] {
            let found = opened(&mut known, slot, value, &mut is_looked_up);
            assert_eq!(found, [value.len() as u32, slot as u32]);
            assert_eq!(is_looked_up, expected, "{slot} {value}");
        }
    }

    #[test]
    fn places_are_bounded_and_what_is_in_them_is_right() {
        let (mut known, mut is_looked_up) = (Known::default(), false);
        for number in 0..10 * N_PLACES {
            for _ in 0..3 {
                let value = format!("{:>1$}", number, 8 + number % 9);
                let found = opened(&mut known, number % 3, &value, &mut is_looked_up);
                assert_eq!(found, [value.len() as u32, (number % 3) as u32]);
            }
        }
        assert_eq!(known.places.len(), N_PLACES);
    }
}
