//! What a watch tells about itself on standard error.

use std::time::{Duration, Instant};

use evtmap::alert::Kind;
use evtmap_watch::{Notice, Observer, Status};

use crate::terminal::{self, NOTE, counted, number, plain};

/// So many warnings of a watch are shown each minute; more are counted.
const N_WARNINGS_MAX: u32 = 20;

/// From so many bytes on it is told how many are still to be read.
const N_BYTES_TOLD_MIN: u64 = 1024;

pub(super) struct Telling {
    /// What is said once it has begun, line by line.
    begun: Vec<String>,
    every: Option<Duration>,
    told: Instant,
    /// How many events there were when it was last told.
    n_events: u64,
    warnings: (Instant, u32),
}

impl Telling {
    pub(super) fn new(begun: Vec<String>, every: Option<Duration>) -> Self {
        let now = Instant::now();
        Self { begun, every, told: now, n_events: 0, warnings: (now, 0) }
    }

    fn warn(&mut self, text: &str, help: &str) {
        if self.warnings.0.elapsed() > Duration::from_secs(60) {
            self.warnings = (Instant::now(), 0);
        }
        self.warnings.1 += 1;
        match self.warnings.1 {
            n if n < N_WARNINGS_MAX => terminal::warning(text, help),
            N_WARNINGS_MAX => terminal::warning("more warnings of this minute are only counted", ""),
            _ => {}
        }
    }
}

impl Observer for Telling {
    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Begun => {
                for line in self.begun.drain(..) {
                    // With standard error gone there is nobody left to tell.
                    let _ = terminal::print_aside(&format!("{}\n", plain(&line)));
                }
            }
            Notice::Metrics(address) => note(&format!("metrics are at http://{address}/metrics")),
            Notice::Warning(text, help) => self.warn(text, help),
            Notice::Reloaded(n) => {
                note(&format!("rules and configuration were read again: {}", counted(*n as u64, "rule")));
            }
            Notice::ReloadFailed(reason) => {
                self.warn(&format!("rules and configuration stay as they are: {reason}"), "");
            }
            Notice::SinkDown(name, reason, meanwhile) => {
                self.warn(&format!("`{name}` is down: {reason}"), meanwhile);
            }
            Notice::SinkUp(name) => note(&format!("`{name}` is up again")),
        }
    }

    fn status(&mut self, status: &Status) {
        let Some(every) = self.every else { return };
        let since = self.told.elapsed();
        if since < every {
            return;
        }
        let n_new = status.n_events.saturating_sub(self.n_events);
        note(&line(status, Some((n_new, since))));
        (self.told, self.n_events) = (Instant::now(), status.n_events);
    }
}

fn note(text: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = terminal::print_aside(&format!("{NOTE}watch{NOTE:#}: {}\n", plain(text)));
}

/// How it is going: what came, what was found, what waits.
pub(super) fn line(status: &Status, new: Option<(u64, Duration)>) -> String {
    let mut text = counted(status.n_events, "event");
    if let Some((n_new, since)) = new {
        text += &format!(" ({:.0} a second)", n_new as f64 / since.as_secs_f64().max(0.001));
    }
    text += &format!(", {}", counted(status.n_alerts(Kind::Detection), "detection"));
    let n_associations = status.n_alerts(Kind::Association);
    if n_associations > 0 {
        text += &format!(", {}", counted(n_associations, "association"));
    }
    if status.n_bytes_behind > 0 {
        let seconds = status.behind_for.as_secs_f64();
        text += &match status.n_bytes_behind {
            // Windows does not say how much of a channel there is.
            0..N_BYTES_TOLD_MIN => format!("; behind for {seconds:.1} s"),
            n_bytes => format!("; {} bytes behind for {seconds:.1} s", number(n_bytes)),
        };
    }
    if status.n_waiting() > 0 {
        text += &format!("; {} waiting", counted(status.n_waiting(), "alert"));
    }
    let n_problems: u64 = status.problems.values().sum::<u64>() + status.n_refused;
    if n_problems > 0 {
        text += &format!("; {}", counted(n_problems, "problem"));
    }
    text
}
