//! What comes again: remembered from the second time on, in bounded memory.
//!
//! ```
//! use evtmap::recurring::{Met, Recurring};
//!
//! let mut words = Recurring::default();
//! assert_eq!(words.meet(7, |known| *known == "logon"), Met::First);
//! let Met::Again(hash) = words.meet(7, |known| *known == "logon") else { panic!("it came before") };
//! words.keep(hash, "logon".len(), "logon");
//! assert_eq!(words.meet(7, |known| *known == "logon"), Met::Known(0));
//! ```

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;

/// How many things are remembered, and how much memory they may take together. A log may be one in which nothing
/// comes again, or one that was written to fill the memory.
const N_KNOWN_MAX: usize = 2_048;
const N_BYTES_MAX: usize = 4 << 20;
/// Larger things are not worth it: what is as large hardly ever comes again.
const N_BYTES_EACH_MAX: usize = 16 << 10;
/// Of how many things it is known that they came once, in sets of so many: those that come again only after many
/// others are not worth keeping, for they are forgotten before they come a third time.
const N_SETS: usize = 512;
const N_OF_SET: usize = 4;

/// Things that came more than once.
#[derive(Debug)]
pub struct Recurring<T> {
    hasher: RandomState,
    /// The hashes of things that came, in sets by their lowest bits, the last that came first: most never come again,
    /// and nothing more is remembered of them.
    seen: Vec<[u64; N_OF_SET]>,
    /// By hash.
    places: FxHashMap<u64, usize>,
    known: Vec<T>,
    n_bytes: usize,
}

impl<T> Default for Recurring<T> {
    fn default() -> Self {
        Self {
            hasher: RandomState::default(),
            seen: Vec::new(),
            places: FxHashMap::default(),
            known: Vec::new(),
            n_bytes: 0,
        }
    }
}

/// How something was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// It is known, in this place.
    Known(usize),
    /// It came before, and may be kept under its hash.
    Again(u64),
    /// It did not come before, as far as is remembered.
    First,
}

/// Whether something that takes so many bytes is worth keeping.
pub fn is_small(n_bytes: usize) -> bool {
    n_bytes <= N_BYTES_EACH_MAX
}

impl<T> Recurring<T> {
    /// What hashes things here; its seed nobody knows.
    pub(crate) fn hasher(&self) -> impl Hasher + use<T> {
        self.hasher.build_hasher()
    }

    /// Whether something with a hash came before; `is_it` says whether what is known under that hash is the same.
    pub fn meet(&mut self, hash: u64, is_it: impl FnOnce(&T) -> bool) -> Met {
        if let Some(place) = self.places.get(&hash) {
            let is_known = self.known.get(*place).is_some_and(is_it);
            return if is_known { Met::Known(*place) } else { Met::First };
        }
        if self.seen.is_empty() {
            self.seen.resize(N_SETS, [0; N_OF_SET]);
        }
        let lowest = usize::try_from(hash % N_SETS as u64).unwrap_or(0);
        let Some(seen) = self.seen.get_mut(lowest) else { return Met::First };
        if seen.contains(&hash) {
            return Met::Again(hash);
        }
        seen.rotate_right(1);
        if let Some(first) = seen.first_mut() {
            *first = hash;
        }
        Met::First
    }

    /// What is known in a place.
    pub fn get(&self, place: usize) -> Option<&T> {
        self.known.get(place)
    }

    /// Keeps something that takes so many bytes, which are [few](is_small). Gives whether all others were forgotten
    /// for it, with their places.
    pub fn keep(&mut self, hash: u64, n_bytes: usize, thing: T) -> bool {
        let is_full = self.known.len() >= N_KNOWN_MAX || self.n_bytes + n_bytes > N_BYTES_MAX;
        if is_full {
            self.known.clear();
            self.places.clear();
            self.n_bytes = 0;
        }
        self.n_bytes += n_bytes;
        self.places.insert(hash, self.known.len());
        self.known.push(thing);
        is_full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_a_second_time_is_kept() {
        let mut things = Recurring::default();
        assert_eq!(things.meet(7, |known| *known == "a"), Met::First);
        assert_eq!(things.meet(7, |known| *known == "a"), Met::Again(7));
        things.keep(7, 1, "a");
        assert_eq!(things.meet(7, |known| *known == "a"), Met::Known(0));
        assert_eq!(things.get(0), Some(&"a"));
        assert_eq!(things.meet(7, |known| *known == "b"), Met::First, "only the hash is the same");
    }

    /// Of those that fall into one set, the last few are known to have come.
    #[test]
    fn what_was_seen() {
        let mut things: Recurring<()> = Recurring::default();
        let in_set = |number: u64| 3 + number * N_SETS as u64;
        for number in 0..=4 {
            assert_eq!(things.meet(in_set(number), |()| false), Met::First);
        }
        for number in 1..=4 {
            assert_eq!(things.meet(in_set(number), |()| false), Met::Again(in_set(number)));
        }
        assert_eq!(things.meet(in_set(0), |()| false), Met::First, "four others came since");
    }

    /// However many things come again, and however large they are, only so much is kept.
    #[test]
    fn there_are_bounds() {
        assert!(is_small(N_BYTES_EACH_MAX) && !is_small(N_BYTES_EACH_MAX + 1));
        for n_bytes in [1, 9_000, N_BYTES_EACH_MAX] {
            let mut things = Recurring::default();
            let mut n_forgotten = 0;
            for hash in 1..=5 * N_KNOWN_MAX as u64 {
                n_forgotten += u64::from(things.keep(hash, n_bytes, hash));
                assert!(things.known.len() <= N_KNOWN_MAX && things.n_bytes <= N_BYTES_MAX);
                assert_eq!(things.known.len(), things.places.len());
            }
            assert!(n_forgotten > 0);
        }
    }
}
