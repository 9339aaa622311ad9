//! Every event of files, shown to a function.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::feed::Feed;
use super::reading::{Gate, read_all};
use super::{Progress, ScanAccount, ScanOptions};
use crate::event::Event;
use crate::input::{Found, Position};

/// Where an event was read.
#[derive(Clone, Copy, Debug)]
pub struct EventPlace<'a> {
    /// The file, or the member of an archive.
    pub path: &'a Arc<str>,
    /// Where in it.
    pub position: Position,
}

/// Shows `look` every event of files and gives `each` what it noted, a batch of some hundred events at a time.
///
/// `look` runs on as many threads as the options say; what it notes of a batch begins as the default. `each`
/// takes the notes on this thread, in the order of the files and of the records in them, so that the outcome
/// is the same whatever the number of threads; it may break off when it has enough. Which events are looked at
/// is what the options say of times and numbers of events; what they say of alerts does not count here. Files
/// and records that could not be read are in the account, as they are when rules are asked.
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use evtmap::{ScanOptions, input, visit};
///
/// let mut n_logons = 0;
/// let found = input::find(["Security.evtx"]);
/// let account = visit(
///     &found,
///     &ScanOptions::default(),
///     |n: &mut u64, event, _| *n += u64::from(event.event_id() == Some(4624)),
///     |n, _| {
///         n_logons += n;
///         Ok::<_, std::io::Error>(ControlFlow::Continue(()))
///     },
/// )?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The first error of `each`; reading ends there.
pub fn visit<N: Default + Send, E>(
    found: &Found,
    options: &ScanOptions,
    look: impl Fn(&mut N, &Event, EventPlace<'_>) + Sync,
    mut each: impl FnMut(N, Progress) -> Result<ControlFlow<()>, E>,
) -> Result<ScanAccount, E> {
    let is_enough = AtomicBool::new(options.max_events == Some(0));
    let gate = Gate::new(options, &is_enough);
    let mut account = ScanAccount::default();
    account.timezone = options.input.timezone_name();
    let feed = Feed::new(found, &options.input, &is_enough);
    read_all(
        feed,
        options,
        &mut account,
        || {
            let mut event = Event::new();
            let (gate, look) = (&gate, &look);
            move |batch, path| {
                let mut notes = N::default();
                let (read, is_whole) = gate.decode(batch, &mut event, &mut |event, position| {
                    look(&mut notes, event, EventPlace { path, position });
                });
                // What a reader was at when it failed nobody knows.
                if !is_whole {
                    event = Event::new();
                }
                (read, notes)
            }
        },
        &mut each,
    )?;
    account.is_cut_short = is_enough.load(Ordering::Relaxed);
    account.end(found);
    Ok(account)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZero;
    use std::path::PathBuf;

    use super::*;
    use crate::input;

    /// A folder of its own with two logs of JSON lines and something that is no log.
    struct Logs(PathBuf);

    impl Logs {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("evtmap-visit-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            let lines = |from: u32| -> String {
                let line = |n: u32| {
                    format!(
                        "{{\"EventID\": {n}, \"Channel\": \"Security\", \"TimeCreated\": \"2026-03-01T00:00:{:02}Z\"}}\n",
                        n % 60
                    )
                };
                (from..from + 3000).map(line).collect()
            };
            fs::write(folder.join("a.jsonl"), lines(0)).unwrap();
            fs::write(folder.join("b.jsonl"), lines(5000)).unwrap();
            fs::write(folder.join("c.txt"), "dear diary").unwrap();
            Self(folder)
        }

        /// The event ids that are seen until there are so many, and the account.
        fn visit(&self, options: &ScanOptions, n_enough: usize) -> (Vec<u32>, ScanAccount) {
            let mut ids = Vec::new();
            let found = input::find([&self.0]);
            let look =
                |noted: &mut Vec<u32>, event: &Event, _: EventPlace<'_>| noted.extend(event.event_id());
            let account = visit(&found, options, look, |noted, _| {
                ids.extend(noted);
                let enough = ids.len() >= n_enough;
                Ok::<_, ()>(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            });
            (ids, account.unwrap())
        }
    }

    impl Drop for Logs {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn options(threads: usize) -> ScanOptions {
        ScanOptions { threads: NonZero::new(threads).unwrap(), ..ScanOptions::default() }
    }

    #[test]
    fn all_events_come_in_order() {
        let logs = Logs::new("order");
        let expected: Vec<u32> = (0..3000).chain(5000..8000).collect();
        let (ids, account) = logs.visit(&options(1), usize::MAX);
        assert!(ids == expected);
        assert_eq!(account.progress().events, 6000);
        assert_eq!(account.files.iter().filter(|file| file.error.is_some()).count(), 1);
        assert!(logs.visit(&options(4), usize::MAX) == (ids, account));
    }

    #[test]
    fn enough_is_the_same_for_any_number_of_threads() {
        let logs = Logs::new("enough");
        let (ids, account) = logs.visit(&options(1), 10);
        assert!(ids.len() <= 3000 && account.is_cut_short);
        assert_eq!(account.progress().events, ids.len() as u64);
        for _ in 0..20 {
            assert!(logs.visit(&options(4), 10) == (ids.clone(), account.clone()));
        }
    }

    #[test]
    fn times_and_numbers_of_events() {
        let logs = Logs::new("range");
        let until = Some("2026-03-01T00:00:05Z".parse().unwrap());
        let (ids, account) = logs.visit(&ScanOptions { until, ..options(2) }, usize::MAX);
        assert!(ids.iter().all(|id| id % 60 < 5));
        assert_eq!(ids.len() as u64 + account.files.iter().map(|file| file.out_of_range).sum::<u64>(), 6000);
        let (ids, account) = logs.visit(&ScanOptions { max_events: Some(7), ..options(4) }, usize::MAX);
        assert_eq!((ids, account.is_cut_short), ((0..7).collect(), true));
    }

    /// What goes wrong in `look` costs the rest of the batch and nothing else.
    #[test]
    fn a_panic_is_told() {
        let logs = Logs::new("panic");
        let found = input::find([logs.0.join("a.jsonl"), logs.0.join("b.jsonl")]);
        let look = |_: &mut (), event: &Event, _: EventPlace<'_>| assert_ne!(event.event_id(), Some(10));
        let account =
            visit(&found, &options(2), look, |(), _| Ok::<_, ()>(ControlFlow::Continue(()))).unwrap();
        let lost: Vec<_> = account.files.iter().filter(|file| !file.problems.is_empty()).collect();
        assert_eq!(lost.len(), 1);
        assert!(lost[0].problems.contains_key("reader-failed"));
        assert_eq!(account.files[1].events, 3000);
    }
}
