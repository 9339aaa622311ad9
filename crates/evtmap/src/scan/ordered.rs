//! Work on several threads, results in order.
//!
//! Items are numbered as they are taken, and results are given in that order, so that the same input gives
//! the same output whatever the number of threads. At most a window of items is under way at once: one slow
//! item holds the others up rather than letting results pile up.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Items a thread that may be under way at once.
const WINDOW_PER_THREAD: usize = 8;

/// Has each item worked on, on so many threads, and calls `each` on the results in the order of the items, on this
/// thread. It is one of them, unless items may be long in coming: then it does not wait for one while there are results
/// to give. Each thread has its `worker` make it its own function, with what that needs, and ends with it. When `each`
/// fails no further item is taken, and its error is given.
///
/// # Errors
/// The first error of `each`.
pub(super) fn map<T, R, E, W: FnMut(T) -> R>(
    threads: NonZero<usize>,
    (items, may_wait): (impl Iterator<Item = T> + Send, bool),
    worker: impl Fn() -> W + Sync,
    mut each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E>
where
    T: Send,
    R: Send,
{
    if threads.get() == 1 {
        return items.map(worker()).try_for_each(each);
    }
    let queue = Queue {
        items: Mutex::new(items.enumerate().fuse()),
        room: Mutex::new(Room { n_free: threads.get() * WINDOW_PER_THREAD, n_waiting: 0, is_stopped: false }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in usize::from(!may_wait)..threads.get() {
            let (sender, queue, worker) = (sender.clone(), &queue, &worker);
            scope.spawn(move || {
                let _end = Ending(queue);
                let mut work = worker();
                while let Some((number, item)) = queue.take() {
                    // The receiver is gone when `each` failed; then nobody wants the result.
                    if sender.send((number, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let _end = Ending(&queue);
        let own = || if may_wait { None } else { queue.take_now() };
        let outcome = in_order(&results, own, worker(), |result| {
            let outcome = each(result);
            queue.done();
            outcome
        });
        queue.stop();
        outcome
    })
}

/// Gives results by their numbers, and works on items itself while there is none to give: a thread more than there are
/// processors would take turns with those that work.
fn in_order<T, R, E>(
    results: &mpsc::Receiver<(usize, R)>,
    next_item: impl Fn() -> Option<(usize, T)>,
    mut work: impl FnMut(T) -> R,
    mut each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    loop {
        waiting.extend(results.try_iter());
        if let Some(result) = waiting.remove(&next) {
            next += 1;
            each(result)?;
        } else if let Some((number, item)) = next_item() {
            waiting.insert(number, work(item));
        } else if let Ok((number, result)) = results.recv() {
            waiting.insert(number, result);
        } else {
            // The others found no more items, and what they sent was given.
            return Ok(());
        }
    }
}

struct Queue<I> {
    /// The items with their numbers. To take the next may take as long as to read it.
    items: Mutex<I>,
    /// Apart from the items, so that nobody waits for one who reads only to say that a result was given.
    room: Mutex<Room>,
    changed: Condvar,
}

/// How many more items may be under way.
struct Room {
    n_free: usize,
    /// How many threads wait for more: to wake nobody takes time as well.
    n_waiting: usize,
    is_stopped: bool,
}

impl Room {
    fn take(&mut self) -> bool {
        let is_free = !self.is_stopped && self.n_free > 0;
        self.n_free -= usize::from(is_free);
        is_free
    }
}

impl<T, I: Iterator<Item = (usize, T)>> Queue<I> {
    /// The next item and its number, once there is room for it.
    fn take(&self) -> Option<(usize, T)> {
        let mut room = self.room();
        while !room.take() {
            if room.is_stopped {
                return None;
            }
            room.n_waiting += 1;
            room = self.changed.wait(room).unwrap_or_else(PoisonError::into_inner);
            room.n_waiting -= 1;
        }
        drop(room);
        self.next()
    }

    /// The next item and its number, unless there is no room for it.
    fn take_now(&self) -> Option<(usize, T)> {
        if self.room().take() { self.next() } else { None }
    }

    /// The next item, for which there is room.
    fn next(&self) -> Option<(usize, T)> {
        let next = self.items.lock().unwrap_or_else(PoisonError::into_inner).next();
        if next.is_none() {
            self.done();
        }
        next
    }
}

impl<I> Queue<I> {
    fn done(&self) {
        let mut room = self.room();
        room.n_free += 1;
        if room.n_waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn stop(&self) {
        self.room().is_stopped = true;
        self.changed.notify_all();
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the others where a thread panics: they would wait for its result without end.
struct Ending<'a, I>(&'a Queue<I>);

impl<I> Drop for Ending<'_, I> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(n: usize) -> NonZero<usize> {
        NonZero::new(n).unwrap()
    }

    #[test]
    fn results_keep_the_order() {
        for (n, may_wait) in [(1, false), (2, false), (2, true), (7, false), (7, true)] {
            let mut results = Vec::new();
            let slow_first = |i: u64| {
                thread::sleep(std::time::Duration::from_micros((97 - i) % 13 * 50));
                i * 2
            };
            map(
                threads(n),
                (0..97, may_wait),
                || slow_first,
                |result| {
                    results.push(result);
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
            assert_eq!(results, (0..97).map(|i| i * 2).collect::<Vec<_>>(), "{n} threads");
        }
    }

    #[test]
    fn an_error_ends_it() {
        for n in [1, 2, 3] {
            let mut n_seen = 0;
            let outcome = map(
                threads(n),
                (0.., n == 2),
                || |i: u32| i,
                |i| {
                    n_seen += 1;
                    if i == 20 { Err(i) } else { Ok(()) }
                },
            );
            assert_eq!(outcome, Err(20));
            assert_eq!(n_seen, 21);
        }
    }

    /// One thread's misfortune is everybody's, and nobody waits for it.
    #[test]
    fn a_panic_ends_it() {
        for n in [2, 3] {
            for unlucky in 0..3 {
                let work = |i: u32| assert!(i != unlucky, "unlucky");
                let outcome = std::panic::catch_unwind(|| {
                    map(threads(n), (0..1000, n == 3), || work, |()| Ok::<(), ()>(()))
                });
                assert!(outcome.is_err());
            }
        }
    }
}
