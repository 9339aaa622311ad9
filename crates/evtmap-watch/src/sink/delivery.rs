//! Alerts to a program that is reached over the network, and may be down.
//!
//! Each alert is spooled to the disk, and a thread gives on what is there, in order. When the other side is down
//! it is tried again, less and less often. An alert is given on at least once: after a kill, or when a connection
//! broke, the last of them are given on again, with the same ids.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::spool::{Lines, Mark, Shared, Spool};
use super::{Health, Opened, Sink, SinkOptions, Told};
use crate::digest::digest;
use crate::error::WatchError;

/// How long to wait before the second try, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long the end waits for what is still to be given on.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What became of a line.
pub(super) enum Outcome {
    /// The other side has it.
    Given,
    /// The other side does not want it, and never will.
    Refused(String),
    /// The other side is not there; it may say when to try again.
    Down { reason: String, wait: Option<Duration> },
}

/// How lines are given on.
pub(super) trait Delivery: Send {
    /// Makes the line of an alert; nothing of one that the other side is not to have.
    fn line(&self, told: &Told<'_>) -> Option<String>;

    /// What gives lines on.
    fn courier(&self) -> Box<dyn Courier>;
}

/// Gives lines on, on a thread of its own.
pub(super) trait Courier: Send {
    fn give(&mut self, line: &str) -> Outcome;

    /// How long after a line was given it may turn out that the other side never got it.
    fn doubt(&self) -> Duration {
        Duration::ZERO
    }

    /// Ends the connection in order; says whether all that was given has arrived as far as can be known.
    fn close(&mut self) -> bool {
        true
    }
}

struct Remote {
    name: String,
    delivery: Box<dyn Delivery>,
    spool: Spool,
    n_bytes_max: u64,
    n_dropped: u64,
    /// Alerts that were not for the other side.
    n_withheld: u64,
    /// How far is remembered that lines were given on.
    stored: u64,
    thread: Option<JoinHandle<()>>,
}

/// Opens a sink that gives on by a delivery.
pub(super) fn open(name: &str, delivery: Box<dyn Delivery>, options: SinkOptions) -> Opened {
    let Some(state) = options.state else {
        return Err(WatchError::new(
            "watch-no-state",
            format!("alerts for `{name}` need a place to wait in when it is down"),
            "say where with `--state DIR`",
        ));
    };
    let mark = options.mark.map(serde_json::from_value::<Mark>).transpose().map_err(|error| {
        let message = format!("what was remembered of `{name}` is unreadable: {error}");
        WatchError::new("watch-state-damaged", message, "remove the state to begin anew")
    })?;
    let folder = state.join(format!("spool-{}", digest(name.as_bytes(), 6)));
    let opened = Spool::open(&folder, mark.unwrap_or_default());
    let (spool, n_lost) = opened.map_err(|error| WatchError::write(&folder, &error))?;
    let mut remarks = Vec::new();
    if n_lost > 0 {
        remarks.push(format!("{n_lost} bytes of alerts that waited for `{name}` are lost"));
    }
    let thread = thread::spawn({
        let (shared, courier) = (Arc::clone(spool.shared()), delivery.courier());
        move || run(&shared, &folder, courier)
    });
    let remote = Remote {
        name: name.to_owned(),
        delivery,
        spool,
        n_bytes_max: options.n_bytes_waiting_max,
        n_dropped: 0,
        n_withheld: 0,
        stored: 0,
        thread: Some(thread),
    };
    Ok((Box::new(remote), remarks))
}

impl Sink for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn take(&mut self, told: &Told<'_>) {
        if self.spool.n_bytes() >= self.n_bytes_max {
            self.n_dropped += 1;
        } else if let Some(line) = self.delivery.line(told) {
            self.spool.push(&line);
        } else {
            self.n_withheld += 1;
        }
    }

    fn flush(&mut self) -> Result<(), WatchError> {
        self.spool.flush().map_err(|error| self.failed(&error))
    }

    fn commit(&mut self) -> Result<Value, WatchError> {
        let mark = self.spool.commit().map_err(|error| self.failed(&error))?;
        self.stored = mark.given;
        serde_json::to_value(mark).map_err(|error| self.failed(&error.into()))
    }

    fn is_stored(&mut self) -> Result<(), WatchError> {
        self.spool.clean(self.stored).map_err(|error| self.failed(&error))
    }

    fn health(&self) -> Health {
        let ends = self.spool.shared().lock();
        Health {
            n_waiting: ends.n_waiting,
            n_refused: ends.n_refused + self.n_withheld,
            n_dropped: self.n_dropped,
            trouble: ends.trouble.clone(),
            is_up: ends.is_up,
        }
    }

    fn end(&mut self) {
        let shared = self.spool.shared();
        shared.set(|ends| ends.is_ending = true);
        // What is not given on by then waits for the next run.
        if shared.wait(LAST_WAIT, |ends| ends.has_ended)
            && let Some(thread) = self.thread.take()
        {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

impl Remote {
    fn failed(&self, error: &std::io::Error) -> WatchError {
        WatchError::write(Path::new(&self.name), error)
    }
}

/// Gives on what is spooled until it ends.
fn run(shared: &Shared, folder: &Path, mut courier: Box<dyn Courier>) {
    let mut lines = Lines::new(folder, shared.lock().mark.given);
    // Lines that were given and are in doubt: until when, and where the next one begins.
    let mut doubtful: VecDeque<(Instant, u64)> = VecDeque::new();
    let mut wait = FIRST_WAIT;
    loop {
        let until = doubtful.front().map(|(until, _)| until.saturating_duration_since(Instant::now()));
        let at = lines.at;
        shared.wait(until.unwrap_or(LONGEST_WAIT), |ends| ends.mark.written > at || ends.is_ending);
        settle(shared, &mut doubtful, Instant::now());
        let (written, is_ending) = {
            let ends = shared.lock();
            (ends.mark.written, ends.is_ending)
        };
        let outcome = match lines.peek(written) {
            Ok(Some(line)) => courier.give(line),
            Ok(None) if is_ending => break,
            Ok(None) => continue,
            Err(error) => Outcome::Down { reason: format!("what waits cannot be read: {error}"), wait: None },
        };
        match outcome {
            Outcome::Given | Outcome::Refused(_) => {
                lines.pass();
                doubtful.push_back((Instant::now() + courier.doubt(), lines.at));
                wait = FIRST_WAIT;
                shared.set(|ends| {
                    ends.is_up = true;
                    ends.trouble = None;
                    if let Outcome::Refused(reason) = outcome {
                        ends.n_refused += 1;
                        ends.trouble = Some(reason);
                    }
                });
                settle(shared, &mut doubtful, Instant::now());
            }
            Outcome::Down { reason, wait: asked } => {
                // What is in doubt is given on again.
                doubtful.clear();
                lines.go_to(shared.lock().mark.given);
                shared.set(|ends| {
                    ends.is_up = false;
                    ends.trouble = Some(reason);
                });
                let pause = asked.unwrap_or_else(|| jittered(wait)).min(LONGEST_WAIT);
                wait = (wait * 2).min(LONGEST_WAIT);
                if is_ending || shared.wait(pause, |ends| ends.is_ending) {
                    shared.set(|ends| ends.has_ended = true);
                    return;
                }
            }
        }
    }
    if courier.close() {
        let never = Instant::now() + courier.doubt() + Duration::from_secs(1);
        settle(shared, &mut doubtful, never);
    }
    shared.set(|ends| ends.has_ended = true);
}

/// Notes as given what is no longer in doubt.
fn settle(shared: &Shared, doubtful: &mut VecDeque<(Instant, u64)>, now: Instant) {
    let n = doubtful.iter().take_while(|(until, _)| *until <= now).count();
    if let Some((_, given)) = doubtful.drain(..n).next_back() {
        shared.set(|ends| {
            ends.mark.given = given;
            ends.n_waiting = ends.n_waiting.saturating_sub(n as u64);
        });
    }
}

/// A wait that many watches do not end at the same moment.
fn jittered(wait: Duration) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    wait.mul_f64(0.5 + f64::from(now.subsec_nanos() % 1000) / 1000.0)
}
