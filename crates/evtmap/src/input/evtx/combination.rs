//! Which records are decoded directly: those of combinations of templates and kinds of values that were compared.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use foldhash::quality::RandomState;
use rustc_hash::FxHashMap;

use super::again::RecordsAgain;
use super::templates::Templates;
use crate::idle::Idle;

/// How many combinations are remembered; a forged log must not fill the memory.
const MAX_KNOWN: usize = 1 << 16;

/// What a thread remembers of the chunks that it has read.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub(super) templates: Templates,
    /// The records that came again.
    pub(super) again: RecordsAgain,
    /// Combinations that were asked about, and whether they are right: all threads write to the others.
    known: FxHashMap<u64, bool>,
    /// How often combinations had changed by then.
    n_changes: u64,
}

impl Learnt {
    /// Makes ready for another chunk.
    pub(super) fn begin(&mut self, combinations: &Combinations) {
        self.templates.make_room();
        let n_changes = combinations.n_changes.load(Ordering::Acquire);
        if n_changes != self.n_changes {
            self.known.clear();
            self.n_changes = n_changes;
        }
    }

    /// Whether records of a combination are known to be the same in both ways.
    pub(super) fn is_right(&mut self, combination: u64, combinations: &Combinations) -> bool {
        if let Some(is_right) = self.known.get(&combination) {
            return *is_right;
        }
        // What no thread has seen by now may be known the next time.
        let Some(is_right) = combinations.get(combination) else { return false };
        self.known.insert(combination, is_right);
        is_right
    }
}

/// Combinations of templates and kinds of values that were decoded in both ways, and whether the events were
/// equal. Shared by all files of a run.
#[derive(Debug, Default)]
pub struct Combinations {
    /// Keyed by chance, so that nobody can forge a template that is taken for another.
    pub(super) hasher: RandomState,
    known: RwLock<FxHashMap<u64, bool>>,
    /// How often these changed.
    n_changes: AtomicU64,
    /// What threads remember, each of what it has read.
    pub(super) learnt: Idle<Learnt>,
}

impl Combinations {
    /// Whether records of a combination are the same in both ways; nothing if none was seen.
    pub(super) fn get(&self, combination: u64) -> Option<bool> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&combination).copied()
    }

    /// Remembers how it was with one record.
    pub(super) fn note(&self, combination: u64, is_equal: bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_KNOWN {
            // Several threads may meet it first, each with another record.
            *known.entry(combination).or_insert(true) &= is_equal;
            self.n_changes.fetch_add(1, Ordering::Release);
        }
    }
}
