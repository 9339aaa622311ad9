//! Working memory that is used in turn.

use std::sync::{Mutex, PoisonError};

/// Working memory that nobody is using. Threads take one each and put it back for the next; there are never
/// more than there were threads at work at once.
#[derive(Debug, Default)]
pub(crate) struct Idle<T>(Mutex<Vec<T>>);

impl<T: Default> Idle<T> {
    /// Takes one; a new one if none is idle.
    pub(crate) fn take(&self) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Puts one back.
    pub(crate) fn put_back(&self, working: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(working);
    }
}
