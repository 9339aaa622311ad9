//! Rules and configuration that are replaced while the watch is at work.
//!
//! A thread looks now and then whether they have changed, and reads them beside those in use. Only what was read
//! as a whole takes their place, between two rounds; whatever is wrong with it leaves them as they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use evtmap::policy::Policy;
use evtmap::{Findings, Rules, ScanOptions};

use crate::wake::Waker;

/// How often it is looked whether files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked whether somebody asks.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Rules, what they say, and how they are asked.
pub struct RuleSet {
    /// The rules.
    pub rules: Rules,
    /// What they say.
    pub findings: Findings,
    /// How records are read and what is told.
    pub options: ScanOptions,
    /// What an organisation says about alerts.
    pub policy: Option<Policy>,
}

/// Where rules and configuration come from.
pub trait Loader: Send + Sync {
    /// Reads them.
    ///
    /// # Errors
    /// Why they cannot be used, in words.
    fn load(&self) -> Result<RuleSet, String>;

    /// A number that is another when they have changed.
    fn stamp(&self) -> u64;
}

/// New rules, or why there are none.
pub(crate) type Loaded = Result<Box<RuleSet>, String>;

/// Begins to look for changes. `is_asked` is set by whoever wants them read again whether or not they changed.
pub(crate) fn watch(loader: Arc<dyn Loader>, is_asked: Arc<AtomicBool>, waker: Waker) -> Receiver<Loaded> {
    let (sender, loaded) = channel();
    thread::spawn(move || {
        let mut used = loader.stamp();
        let mut before = used;
        let mut waited = Duration::ZERO;
        loop {
            thread::sleep(ASK_EVERY);
            waited += ASK_EVERY;
            let asked = is_asked.swap(false, Ordering::Relaxed);
            if !asked && waited < LOOK_EVERY {
                continue;
            }
            waited = Duration::ZERO;
            let stamp = loader.stamp();
            // Who writes many files is not done with the first: what changes from look to look is left alone.
            let is_settled = stamp == std::mem::replace(&mut before, stamp);
            if asked || (is_settled && stamp != used) {
                used = stamp;
                if sender.send(loader.load().map(Box::new)).is_err() {
                    return;
                }
                waker.wake();
            }
        }
    });
    loaded
}
