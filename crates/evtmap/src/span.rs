//! When something was, from the first time to the last.

use jiff::Timestamp;

/// The times between which events lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan(pub Option<(Timestamp, Timestamp)>);

impl TimeSpan {
    /// Widens the span to a time.
    pub fn add(&mut self, time: Timestamp) {
        self.0 = Some(match self.0 {
            Some((first, last)) => (first.min(time), last.max(time)),
            None => (time, time),
        });
    }

    /// Widens the span to another.
    pub fn join(&mut self, other: Self) {
        if let Some((first, last)) = other.0 {
            self.add(first);
            self.add(last);
        }
    }
}
