//! What wakes the watch: changes in folders, standard input, signals.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::error::WatchError;

/// Wakes a watch that waits.
#[derive(Clone, Debug, Default)]
pub struct Waker(Arc<(Mutex<bool>, Condvar)>);

impl Waker {
    /// Wakes it, now or when it next would wait.
    pub fn wake(&self) {
        let (is_awake, changed) = &*self.0;
        *is_awake.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Waits until somebody wakes, or for so long; says whether somebody did.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let (is_awake, changed) = &*self.0;
        let guard = is_awake.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(guard, at_most, |is_awake| !*is_awake);
        std::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// How it is found out that files change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticing {
    /// The system says so; files are looked at now and then all the same.
    System,
    /// Files are looked at so often. Network drives say nothing by themselves.
    Polling(Duration),
}

/// Where a change tells that something has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// In a folder.
    Folder(PathBuf),
    /// In a folder and those below it.
    Tree(PathBuf),
}

/// Wakes when something changes in folders, for as long as it lives.
pub(crate) struct Notices {
    _watcher: Option<RecommendedWatcher>,
}

impl Notices {
    /// Begins to notice changes. What cannot be noticed is given, and is then looked at now and then.
    pub(crate) fn begin(noticed: &[Noticed], noticing: Noticing, waker: &Waker) -> (Self, Vec<WatchError>) {
        if noticing != Noticing::System || noticed.is_empty() {
            return (Self { _watcher: None }, Vec::new());
        }
        let waker = waker.clone();
        let woken = move |told: notify::Result<Event>| {
            if told.is_ok_and(|event| is_change(event.kind)) {
                waker.wake();
            }
        };
        let mut watcher = match RecommendedWatcher::new(woken, Config::default()) {
            Ok(watcher) => watcher,
            Err(error) => return (Self { _watcher: None }, vec![problem(&error)]),
        };
        let mut problems = Vec::new();
        for place in noticed {
            let watching = match place {
                Noticed::Folder(path) => watcher.watch(path, RecursiveMode::NonRecursive),
                Noticed::Tree(path) => watcher.watch(path, RecursiveMode::Recursive),
            };
            problems.extend(watching.err().map(|error| problem(&error)));
        }
        (Self { _watcher: Some(watcher) }, problems)
    }
}

/// Whether something may have come. That files are opened and read is told too, and we are who does that.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn problem(error: &notify::Error) -> WatchError {
    let message = format!("the system does not tell of changes: {}", error.to_string().to_lowercase());
    WatchError::new("watch-notices", message, "files are looked at several times a second instead")
}
