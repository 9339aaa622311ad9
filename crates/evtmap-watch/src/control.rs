//! What is asked of a watch while it is at work, and what it tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::meters::Status;
use crate::wake::Waker;

/// In such steps a watch that waits looks whether something is asked of it.
const STEP: Duration = Duration::from_millis(200);

/// What a watch has to tell while it is at work.
pub trait Observer {
    /// Something happened.
    fn notice(&mut self, notice: &Notice);

    /// How it is doing, after every round; at least several times a second.
    fn status(&mut self, status: &Status);
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It is known, and remembered, from where on sources are read: what comes from now on is looked at.
    Begun,
    /// Metrics are served there.
    Metrics(std::net::SocketAddr),
    /// Something is to be known, with what can be done about it.
    Warning(String, String),
    /// Rules and configuration were replaced; so many rules are in use.
    Reloaded(usize),
    /// They could not be, and those before stay in use.
    ReloadFailed(String),
    /// A sink is down, why, and what becomes of alerts meanwhile.
    SinkDown(String, String, &'static str),
    /// A sink is up again.
    SinkUp(String),
}

/// What others ask of a watch.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Set to end it.
    pub is_stopping: Arc<AtomicBool>,
    /// Set to have rules and configuration read again.
    pub is_reloading: Arc<AtomicBool>,
    /// Wakes it.
    pub waker: Waker,
}

impl Control {
    /// Waits until somebody wakes the watch or asks something of it, or for so long.
    pub(crate) fn wait(&self, at_most: Duration) {
        let until = Instant::now() + at_most;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let is_woken = self.waker.wait(left.min(STEP));
            if is_woken || left <= STEP || self.is_stopping.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}
