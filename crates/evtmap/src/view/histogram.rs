//! How many there were at what time, in bounded memory.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::severity::Severity;

/// The lengths that a slot of time may have, in seconds. Each is a multiple of the one before, so that slots can
/// be joined; the last makes few slots of all the time there is.
const WIDTHS: [i64; 19] = [
    1,
    5,
    15,
    60,
    5 * 60,
    15 * 60,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    DAY,
    7 * DAY,
    28 * DAY,
    84 * DAY,
    168 * DAY,
    336 * DAY,
    3360 * DAY,
    33_600 * DAY,
    336_000 * DAY,
];
const DAY: i64 = 24 * 3600;

/// The largest number of slots that are kept.
const N_SLOTS_MAX: usize = 2000;

/// The empty columns in a row beyond which one stands for all of them, and how often that may be: time that is
/// cut up in many places shows nothing any more.
const N_EMPTY_MAX: i64 = 20;
const N_GAPS_MAX: usize = 3;

/// Numbers by severity.
pub type Slot = BTreeMap<Severity, u64>;

/// Numbers by time. The slots are as short as their number allows, and become longer when there are too many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The index of the slots' length.
    width: usize,
    slots: BTreeMap<i64, Slot>,
}

/// How slots are laid out as columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The length of a column in seconds.
    pub seconds: i64,
    /// The number of the slot that each column is; nothing for one that stands for a long time without anything.
    pub slots: Vec<Option<i64>>,
    /// The times that were left out because there is nothing in them.
    pub gaps: Vec<Gap>,
}

/// A long time without anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// The end of what comes before.
    pub from: Timestamp,
    /// The beginning of what comes after.
    pub to: Timestamp,
}

impl Histogram {
    /// Counts what happened at a time.
    pub fn add(&mut self, time: Timestamp, severity: Severity) {
        let slot = time.as_second().div_euclid(self.seconds());
        *self.slots.entry(slot).or_default().entry(severity).or_default() += 1;
        while self.slots.len() > N_SLOTS_MAX && self.width + 1 < WIDTHS.len() {
            *self = self.widened(self.width + 1);
        }
    }

    /// How long a slot is, in seconds.
    pub fn seconds(&self) -> i64 {
        WIDTHS.get(self.width).copied().unwrap_or(DAY)
    }

    /// The same with slots of a length that is a multiple of the one they have.
    fn widened(&self, width: usize) -> Self {
        let mut wider = Self { width, slots: BTreeMap::new() };
        let factor = wider.seconds() / self.seconds();
        for (slot, counts) in &self.slots {
            let joined = wider.slots.entry(slot.div_euclid(factor)).or_default();
            counts.iter().for_each(|(severity, n)| *joined.entry(*severity).or_default() += n);
        }
        wider
    }

    /// Every slot that has something in it with the time at which it begins.
    pub fn slots(&self) -> impl Iterator<Item = (Timestamp, &Slot)> {
        self.slots.iter().map(|(slot, counts)| (start(*slot, self.seconds()), counts))
    }

    /// The shortest columns of which at most so many are needed. A long time without anything takes one, so
    /// that a single stray date does not press all else into a corner.
    pub fn columns(&self, n_max: usize) -> Columns {
        let mut width = self.width;
        loop {
            let wider = self.widened(width);
            let columns = wider.layout();
            let is_fine = columns.slots.len() <= n_max && columns.gaps.len() <= N_GAPS_MAX;
            if is_fine || width + 1 == WIDTHS.len() {
                return columns;
            }
            width += 1;
        }
    }

    fn layout(&self) -> Columns {
        let seconds = self.seconds();
        let mut columns = Columns { seconds, slots: Vec::new(), gaps: Vec::new() };
        let mut before: Option<i64> = None;
        for slot in self.slots.keys().copied() {
            if let Some(before) = before {
                if slot - before > N_EMPTY_MAX + 1 {
                    columns.slots.push(None);
                    columns.gaps.push(Gap { from: start(before + 1, seconds), to: start(slot, seconds) });
                } else {
                    columns.slots.extend((before + 1..slot).map(Some));
                }
            }
            columns.slots.push(Some(slot));
            before = Some(slot);
        }
        columns
    }

    /// The numbers in columns of a histogram that this one is part of; nothing where a column stands for a long
    /// time without anything.
    pub fn in_columns(&self, columns: &Columns) -> Vec<Option<Slot>> {
        let width = WIDTHS.iter().position(|seconds| *seconds == columns.seconds).unwrap_or(self.width);
        let wider = self.widened(width.max(self.width));
        let slot = |slot: &Option<i64>| slot.map(|slot| wider.slots.get(&slot).cloned().unwrap_or_default());
        columns.slots.iter().map(slot).collect()
    }
}

impl Columns {
    /// When a slot begins.
    pub fn start(&self, slot: i64) -> Timestamp {
        start(slot, self.seconds)
    }

    /// When the first column begins and the last one ends.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let mut slots = self.slots.iter().flatten();
        let first = *slots.next()?;
        let last = slots.next_back().copied().unwrap_or(first);
        Some((start(first, self.seconds), start(last + 1, self.seconds)))
    }
}

/// When a slot begins.
fn start(slot: i64, seconds: i64) -> Timestamp {
    let second = slot.saturating_mul(seconds);
    Timestamp::from_second(second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(times: &[&str]) -> Histogram {
        let mut histogram = Histogram::default();
        times.iter().for_each(|time| histogram.add(time.parse().unwrap(), Severity::High));
        histogram
    }

    /// The numbers in the columns, `|` for a long time without anything, and how long a column is.
    #[track_caller]
    fn check(times: &[&str], n_max: usize, expected: &str) {
        let histogram = histogram(times);
        let columns = histogram.columns(n_max);
        let show =
            |slot: Option<Slot>| slot.map_or("|".to_owned(), |slot| slot.values().sum::<u64>().to_string());
        let shown: String = histogram.in_columns(&columns).into_iter().map(show).collect();
        assert_eq!(format!("{shown} {}", columns.seconds), expected);
    }

    #[test]
    fn columns_are_as_short_as_there_is_room() {
        check(&["2026-03-11T08:00:00Z", "2026-03-11T08:00:03Z"], 10, "1001 1");
        check(&["2026-03-11T08:00:00Z", "2026-03-11T08:00:03Z"], 3, "2 5");
        check(&["2026-03-11T08:00:00Z", "2026-03-11T08:04:59Z", "2026-03-11T08:05:00Z"], 4, "1|11 1");
        check(&["2026-03-11T08:00:00Z", "2026-03-11T08:00:19Z", "2026-03-11T08:00:20Z"], 9, "10011 5");
        let minutes: Vec<String> = (0..6).map(|i| format!("2026-03-11T08:{:02}:00Z", i * 5)).collect();
        check(&minutes.iter().map(String::as_str).collect::<Vec<_>>(), 60, "10000100001000010000100001 60");
        check(&[], 10, " 1");
    }

    #[test]
    fn a_stray_date_takes_two_columns() {
        let times = ["1999-01-01T00:00:00Z", "2026-03-11T08:00:00Z", "2026-03-11T08:00:02Z"];
        check(&times, 10, "1|101 1");
        let gaps = histogram(&times).columns(10).gaps;
        assert_eq!(gaps[0].from.to_string(), "1999-01-01T00:00:01Z");
        assert_eq!(gaps[0].to.to_string(), "2026-03-11T08:00:00Z");
    }

    /// Whatever a log says of its times, and in whatever order, memory is bounded and nothing is lost.
    #[test]
    fn many_times() {
        let mut forwards = Histogram::default();
        let mut backwards = Histogram::default();
        let times: Vec<Timestamp> =
            (0..20_000).map(|i| Timestamp::from_second(i * 15_000_000 - 150_000_000_000).unwrap()).collect();
        times.iter().for_each(|time| forwards.add(*time, Severity::Low));
        times.iter().rev().for_each(|time| backwards.add(*time, Severity::Low));
        assert_eq!(forwards, backwards);
        assert!(forwards.slots.len() <= N_SLOTS_MAX);
        assert_eq!(forwards.slots().map(|(_, slot)| slot[&Severity::Low]).sum::<u64>(), 20_000);
        for time in [Timestamp::MIN, Timestamp::MAX] {
            forwards.add(time, Severity::Low);
            assert!(forwards.columns(60).slots.len() <= 60);
        }
    }

    #[test]
    fn a_part_stands_in_the_columns_of_the_whole() {
        let whole = histogram(&["2026-03-11T08:00:00Z", "2026-03-11T08:00:01Z", "2026-03-11T08:00:03Z"]);
        let part = histogram(&["2026-03-11T08:00:01Z"]);
        let numbers: Vec<u64> = (part.in_columns(&whole.columns(10)).into_iter().flatten())
            .map(|slot| slot.values().sum())
            .collect();
        assert_eq!(numbers, [0, 1, 0, 0]);
    }
}
