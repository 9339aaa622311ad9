//! Working memory that is used in turn.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// Working memory that nobody is using. Threads take one each and put it back for the next; there are never
/// more than there were threads at work at once.
#[derive(Debug, Default)]
pub(crate) struct Idle<T>(Mutex<Vec<(ThreadId, T)>>);

impl<T: Default> Idle<T> {
    /// Takes one; a new one if none is idle. One that this thread put back comes before those of others, and one that
    /// was put back later before those that were earlier: what is in it is near to the processor.
    pub(crate) fn take(&self) -> T {
        let (mut idle, own) = (self.lock(), thread::current().id());
        match idle.iter().rposition(|(of, _)| *of == own) {
            Some(place) => idle.remove(place).1,
            None => idle.pop().map(|(_, latest)| latest).unwrap_or_default(),
        }
    }

    /// Puts one back.
    pub(crate) fn put_back(&self, working: T) {
        self.lock().push((thread::current().id(), working));
    }

    /// Takes one, to be put back when it is dropped.
    pub(crate) fn lend(&self) -> Lent<'_, T> {
        Lent { working: self.take(), home: self }
    }

    /// How many are idle.
    #[cfg(test)]
    pub(crate) fn n_idle(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ThreadId, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Working memory that is put back when it is dropped.
pub(crate) struct Lent<'a, T: Default> {
    working: T,
    home: &'a Idle<T>,
}

impl<T: Default> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.working
    }
}

impl<T: Default> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.working
    }
}

impl<T: Default> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.home.put_back(std::mem::take(&mut self.working));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_takes_its_own_first() {
        let idle = Idle::default();
        idle.put_back("of another, earlier");
        idle.put_back("of another");
        let own = thread::scope(|scope| {
            let take_both = || {
                idle.put_back("own");
                [idle.take(), idle.take(), idle.take(), idle.take()]
            };
            scope.spawn(take_both).join().unwrap()
        });
        assert_eq!(own, ["own", "of another", "of another, earlier", ""]);
    }

    #[test]
    fn what_is_lent_comes_back() {
        let idle: Idle<String> = Idle::default();
        idle.lend().push('a');
        assert_eq!(idle.n_idle(), 1);
        assert_eq!(*idle.lend(), "a");
    }
}
