//! Alerts in another order than they came in, in bounded memory.
//!
//! Alerts are gathered until there are 32 MB of them, sorted, and written to a temporary file; at the end, or
//! when there are many such files, these are merged. What is held at once are 32 MB of alerts with an index,
//! and 64 KB of each of at most 128 files of a level. What rules say is kept once, as the scan shares it.

mod run;
mod stored;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use self::run::{Run, RunReader};
use self::stored::{Findings, Stored};
use crate::alert::{Alert, Kind};
use crate::severity::Severity;

/// From how many bytes of alerts on they are written out.
const N_BYTES_MAX: usize = 32 << 20;
/// How many files of a level are merged into one of the next.
const N_RUNS_MAX: usize = 128;

/// By what alerts are sorted. Equal ones stay in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// The earliest first; those without a time last.
    Time,
    /// The worst first, detections before associations of the same severity; then by time.
    Severity,
}

/// What is compared. No two alerts have the same number, so the order is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rank: u8,
    nanoseconds: i128,
    number: u64,
}

impl Key {
    fn of(alert: &Alert, by: SortBy, number: u64) -> Self {
        let rank = match by {
            SortBy::Time => 0,
            SortBy::Severity => rank(alert),
        };
        let nanoseconds = alert.event.time.map_or(i128::MAX, jiff::Timestamp::as_nanosecond);
        Self { rank, nanoseconds, number }
    }
}

fn rank(alert: &Alert) -> u8 {
    let severity = match alert.finding.severity {
        Some(Severity::Critical) => 0,
        Some(Severity::High) => 2,
        Some(Severity::Medium) => 4,
        Some(Severity::Low) => 6,
        Some(Severity::Informational) => 8,
        None => 10,
    };
    severity + u8::from(alert.finding.kind != Kind::Detection)
}

/// Takes alerts and gives them sorted.
#[derive(Debug)]
pub struct Sorter {
    by: SortBy,
    n_bytes_max: usize,
    n_alerts: u64,
    findings: Findings,
    gathered: Gathered,
    /// The files of each level; one of a level is made of [`N_RUNS_MAX`] of the level before.
    levels: Vec<Vec<Run>>,
}

/// Alerts that are in memory: one after the other, and where each is.
#[derive(Debug, Default)]
struct Gathered {
    bytes: Vec<u8>,
    places: Vec<(Key, std::ops::Range<usize>)>,
}

impl Sorter {
    /// Sorts by time or severity.
    pub fn new(by: SortBy) -> Self {
        Self::with_bytes(by, N_BYTES_MAX)
    }

    fn with_bytes(by: SortBy, n_bytes_max: usize) -> Self {
        let (findings, gathered) = (Findings::default(), Gathered::default());
        Self { by, n_bytes_max, n_alerts: 0, findings, gathered, levels: Vec::new() }
    }

    /// Takes an alert.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub fn push(&mut self, alert: &Alert) -> io::Result<()> {
        let key = Key::of(alert, self.by, self.n_alerts);
        self.n_alerts += 1;
        let start = self.gathered.bytes.len();
        Stored::write(alert, &mut self.findings, &mut self.gathered.bytes)?;
        self.gathered.places.push((key, start..self.gathered.bytes.len()));
        if self.gathered.bytes.len() >= self.n_bytes_max {
            let run = Run::of(self.gathered.take_sorted())?;
            self.add(run, 0)?;
            self.gathered.clear();
        }
        Ok(())
    }

    /// Gives all alerts, sorted.
    ///
    /// # Errors
    /// When a temporary file cannot be read, or the first error of `give`.
    pub fn finish(mut self, mut give: impl FnMut(&Alert) -> io::Result<()>) -> io::Result<()> {
        let mut read = |findings: &Findings, bytes: &[u8]| give(&Stored::read(bytes, findings)?);
        if self.levels.is_empty() {
            return self.gathered.take_sorted().try_for_each(|(_, bytes)| read(&self.findings, bytes));
        }
        let run = Run::of(self.gathered.take_sorted())?;
        self.add(run, 0)?;
        let runs = std::mem::take(&mut self.levels).into_iter().flatten().collect();
        merge(runs, |_, bytes| read(&self.findings, bytes))
    }

    /// Adds a file to a level, and merges the level when it is full.
    fn add(&mut self, run: Run, level: usize) -> io::Result<()> {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        let Some(runs) = self.levels.get_mut(level) else { return Ok(()) };
        runs.push(run);
        if runs.len() < N_RUNS_MAX {
            return Ok(());
        }
        let full = std::mem::take(runs);
        let mut merged = Run::writer()?;
        merge(full, |key, bytes| merged.write(key, bytes))?;
        self.add(merged.finish()?, level + 1)
    }
}

impl Gathered {
    /// What is gathered, in order.
    fn take_sorted(&mut self) -> impl Iterator<Item = (Key, &[u8])> {
        self.places.sort_unstable_by_key(|(key, _)| *key);
        let bytes = &self.bytes;
        self.places.iter().filter_map(|(key, place)| Some((*key, bytes.get(place.clone())?)))
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }
}

/// Gives what is in sorted files as a whole, in order.
fn merge(runs: Vec<Run>, mut give: impl FnMut(Key, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut readers = runs.into_iter().map(RunReader::new).collect::<io::Result<Vec<_>>>()?;
    let mut heads = BinaryHeap::with_capacity(readers.len());
    for (place, reader) in readers.iter_mut().enumerate() {
        heads.extend(reader.next()?.map(|key| Reverse((key, place))));
    }
    while let Some(Reverse((key, place))) = heads.pop() {
        let Some(reader) = readers.get_mut(place) else { continue };
        give(key, reader.bytes())?;
        heads.extend(reader.next()?.map(|key| Reverse((key, place))));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
