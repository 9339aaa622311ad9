//! Which records are decoded directly: those of combinations of templates and kinds of values that were compared.

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
}

/// Combinations of templates and kinds of values that were decoded in both ways, and whether the events were
/// equal. Shared by all files of a run.
#[derive(Debug, Default)]
pub struct Combinations {
    /// Keyed by chance, so that nobody can forge a template that is taken for another.
    pub(super) hasher: RandomState,
    known: RwLock<FxHashMap<u64, bool>>,
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
        }
    }
}
