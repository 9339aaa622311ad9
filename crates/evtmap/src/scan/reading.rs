//! Files to events that are to be looked at, in batches, with an account of what was not.
//!
//! Whatever is done with the events, they are read here: in parallel, results in the order of the files, the
//! same range of times and number of events, and the same account of files and records.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::account::{ScanAccount, UnreadMessages};
use super::feed::{Begun, Feed, Item};
use super::{Progress, ScanOptions, ordered};
use crate::event::Event;
use crate::input::{Batch, Decoded, InputError, Position, RecordProblem};
use crate::span::TimeSpan;

/// What became of the records of a batch.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) bytes: u64,
    /// Those that were looked at.
    pub(super) events: u64,
    pub(super) out_of_range: u64,
    pub(super) without_time: u64,
    pub(super) timeless: u64,
    pub(super) local_times: u64,
    pub(super) recovered: u64,
    /// Detections in them, where they were shown to rules.
    pub(super) detections: u64,
    pub(super) span: TimeSpan,
    pub(super) unread_messages: UnreadMessages,
    pub(super) problems: Vec<RecordProblem>,
}

/// Which events are looked at; shared by the threads.
pub(super) struct Gate<'a> {
    options: &'a ScanOptions,
    /// How many events may still be looked at.
    budget: AtomicU64,
    /// Set when the budget is used up.
    is_enough: &'a AtomicBool,
}

impl<'a> Gate<'a> {
    pub(super) fn new(options: &'a ScanOptions, is_enough: &'a AtomicBool) -> Self {
        let budget = AtomicU64::new(options.max_events.unwrap_or(u64::MAX));
        Self { options, budget, is_enough }
    }

    /// Decodes the records of a batch and shows those that are to be looked at. Gives what became of all of
    /// them, and whether the reader came to the end.
    pub(super) fn decode(
        &self,
        mut batch: Box<dyn Batch>,
        event: &mut Event,
        look: &mut dyn FnMut(&Event, Position),
    ) -> (Read, bool) {
        let mut read = Read { bytes: batch.bytes(), ..Read::default() };
        let mut last = Position::Byte(0);
        // Records are hostile, and the readers beneath are not all ours. Should one of them panic, what was
        // found in the batch before is kept and the loss is told.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            batch.decode(event, &mut |decoded| match decoded {
                Decoded::Event(event, position) => {
                    last = position;
                    if self.is_wanted(event, &mut read) {
                        look(event, position);
                    }
                }
                Decoded::Bad(problem) => read.problems.push(problem),
            });
        }));
        if decoded.is_err() {
            read.problems.push(RecordProblem {
                code: "reader-failed",
                position: last,
                reason: "the reader failed after this record; the rest of the block is lost".to_owned(),
                lost: true,
            });
        }
        (read, decoded.is_ok())
    }

    /// Whether an event is to be looked at; counts it one way or the other.
    fn is_wanted(&self, event: &Event, read: &mut Read) -> bool {
        if self.is_enough.load(Ordering::Relaxed) || !self.is_in_range(event, read) {
            return false;
        }
        read.events += 1;
        read.local_times += u64::from(event.is_time_local());
        read.recovered += u64::from(event.is_recovered());
        read.unread_messages.note(event);
        // What all threads write to is slow; without a limit there is nothing to count down.
        if self.options.max_events.is_some() && self.budget.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.is_enough.store(true, Ordering::Relaxed);
        }
        true
    }

    fn is_in_range(&self, event: &Event, read: &mut Read) -> bool {
        let (since, until) = (self.options.since, self.options.until);
        let time = event.time();
        let Some(time) = time else {
            let is_asked = since.is_some() || until.is_some();
            *(if is_asked { &mut read.without_time } else { &mut read.timeless }) += 1;
            return !is_asked;
        };
        if since.is_some_and(|since| time < since) || until.is_some_and(|until| time >= until) {
            read.out_of_range += 1;
            return false;
        }
        read.span.add(time);
        true
    }
}

/// What a thread has made of an item.
enum Told<R> {
    Log(Begun),
    Failed { log: usize, error: InputError },
    Batch { log: usize, read: Read, result: R },
}

/// Has every batch of a feed worked on, on as many threads as the options say, by a function that `worker` makes for
/// each, and calls `each` on the results in the order of the files, on this thread. When `each` has enough, what comes
/// after is neither read nor counted.
///
/// # Errors
/// The first error of `each`.
pub(super) fn read_all<R: Send, E, W: FnMut(Box<dyn Batch>, &Arc<str>) -> (Read, R)>(
    feed: Feed<'_>,
    options: &ScanOptions,
    account: &mut ScanAccount,
    worker: impl Fn() -> W + Sync,
    mut each: impl FnMut(R, Progress) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    // The first so many events are only known in order.
    let threads = match options.max_events {
        Some(_) => NonZero::<usize>::MIN,
        None => options.threads,
    };
    let worker = || {
        let mut work = worker();
        move |item| match item {
            Item::Batch { log, path, batch } => {
                let (read, result) = work(batch, &path);
                Told::Batch { log, read, result }
            }
            Item::Log(begun) => Told::Log(begun),
            Item::Failed { log, error } => Told::Failed { log, error },
        }
    };
    let (is_enough, may_wait) = (feed.is_enough(), feed.may_wait());
    let mut has_enough = false;
    let mut tell = |told| {
        match told {
            // What was under way when it was enough depends on the number of threads.
            _ if has_enough => {}
            Told::Log(begun) => account.begin(begun),
            Told::Failed { log, error } => account.failed(log, error),
            Told::Batch { log, read, result } => {
                account.add(log, read);
                has_enough = each(result, account.progress())?.is_break();
                is_enough.fetch_or(has_enough, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    if threads.get() == 1 {
        return ordered::map(threads, (feed, may_wait), worker, tell);
    }
    let worker = || {
        let mut work = worker();
        move |items: Vec<Item>| items.into_iter().map(&mut work).collect::<Vec<_>>()
    };
    ordered::map(threads, (Portions(feed), may_wait), worker, |all| all.into_iter().try_for_each(&mut tell))
}

/// How much of logs a thread takes at once, by the weight of the batches, at least while there is so much: to hand
/// something over from one thread to another takes as long as to read some hundred events. What comes of more does not
/// stay near to the processor until it is taken.
const PORTION_WEIGHT: u64 = 128 << 10;

/// What comes out of the files, in portions that are worth a thread's while.
struct Portions<I>(I);

impl<I: Iterator<Item = Item>> Iterator for Portions<I> {
    type Item = Vec<Item>;

    fn next(&mut self) -> Option<Vec<Item>> {
        let mut weight = 0;
        let mut items = Vec::new();
        while weight < PORTION_WEIGHT
            && let Some(item) = self.0.next()
        {
            if let Item::Batch { batch, .. } = &item {
                weight += batch.weight();
            }
            items.push(item);
        }
        (!items.is_empty()).then_some(items)
    }
}
