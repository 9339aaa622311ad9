//! One log: which record ids there are, and the times between its events.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Number, Span};
use crate::span::TimeSpan;

/// The largest number of stretches of record ids that are kept. A log has one, an export of chosen events many.
const N_RUNS_MAX: usize = 2000;
/// How many gaps of each sort are kept.
const N_KEPT: usize = 20;
/// The shortest time without an event that is told.
const PAUSE_MIN: SignedDuration = SignedDuration::from_hours(1);
/// How many times longer than the longest usual pause it must be; usual are 99 of 100.
const PAUSE_FACTOR: i64 = 10;
/// The smallest number of pauses that tell what is usual.
const N_PAUSES_MIN: u64 = 50;
/// How far time may step back from one record to the next: records of one moment are not always in order.
const STEP_BACK: SignedDuration = SignedDuration::from_secs(60);
/// How long after its last event before a start of Windows a log may begin again.
const AFTER_START: SignedDuration = SignedDuration::from_mins(10);

/// What is kept of a log.
#[derive(Debug, Default)]
pub(super) struct Log {
    n: u64,
    span: TimeSpan,
    n_recovered: u64,
    n_without_id: u64,
    /// Stretches of record ids without a gap: the first id, and what is at both ends.
    runs: BTreeMap<u64, Run>,
    has_too_many_runs: bool,
    n_repeated: u64,
    repeated: Vec<u64>,
    before: Option<(Option<u64>, Timestamp)>,
    /// How many pauses there are by the number of binary digits of their seconds.
    pauses: BTreeMap<u32, u64>,
    longest: Vec<Pause>,
    n_back: u64,
    back: Vec<SteppedBack>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    last: u64,
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
}

/// A time without events, longer than usual for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// The event before.
    pub from: Timestamp,
    /// The event after.
    pub to: Timestamp,
    /// Whether Windows started within it, so that the computer may have been off.
    pub over_start: bool,
}

impl Pause {
    fn length(&self) -> SignedDuration {
        self.from.duration_until(self.to)
    }
}

/// Record ids that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MissingRecords {
    /// The first that is missing.
    pub first: u64,
    /// The last that is missing.
    pub last: u64,
    /// When the record before them was.
    pub after: Option<Timestamp>,
    /// When the record behind them was.
    pub before: Option<Timestamp>,
}

impl MissingRecords {
    /// How many there are.
    pub fn n(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// A record that is older than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SteppedBack {
    /// The record's id.
    pub record_id: u64,
    /// When the record before it was.
    pub from: Timestamp,
    /// When it was itself.
    pub to: Timestamp,
}

/// What is told of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// Its events, those that were deleted and found again among them.
    #[serde(flatten)]
    pub number: Number,
    /// Events that were deleted and found again; they are in none of what follows.
    pub recovered: u64,
    /// Events without a record id.
    pub without_record_id: u64,
    /// The smallest record id.
    pub first_record_id: Option<u64>,
    /// The largest.
    pub last_record_id: Option<u64>,
    /// How many record ids between them are missing.
    pub missing_records: u64,
    /// In how many gaps.
    pub gaps: u64,
    /// The largest gaps, at most 20, in the order of their ids.
    pub largest_gaps: Vec<MissingRecords>,
    /// Whether there are so many gaps that it is a choice of events and not a log; then ids were looked at only
    /// in part.
    pub is_choice: bool,
    /// How many record ids came again.
    pub repeated_records: u64,
    /// The first of these, at most 20.
    pub repeated: Vec<u64>,
    /// The longest usual time between two records that follow each other, in seconds: 99 of 100 are shorter.
    /// Nothing when there are fewer than 50.
    pub usual_pause_seconds: Option<i64>,
    /// Times without an event that are at least an hour and ten times as long as usual: the longest 20, in the
    /// order of time.
    pub pauses: Vec<Pause>,
    /// How often a record is more than a minute older than the one before it.
    pub stepped_back: u64,
    /// The first of these, at most 20.
    pub steps_back: Vec<SteppedBack>,
}

impl Log {
    /// Adds a record, in the order of the file.
    pub(super) fn add(&mut self, record_id: Option<u64>, time: Option<Timestamp>, is_recovered: bool) {
        self.n += 1;
        if let Some(time) = time {
            self.span.add(time);
        }
        // What was deleted stands anywhere.
        if is_recovered {
            self.n_recovered += 1;
            return;
        }
        match record_id {
            Some(id) => self.add_id(id, time),
            None => self.n_without_id += 1,
        }
        if let Some(time) = time {
            if let Some(before) = self.before {
                self.compare(before, (record_id, time));
            }
            self.before = Some((record_id, time));
        }
    }

    /// Adds a record id to the stretch that it belongs to, in whatever order they come.
    fn add_id(&mut self, id: u64, time: Option<Timestamp>) {
        let below = self.runs.range(..=id).next_back().map(|(first, run)| (*first, *run));
        let above = id.checked_add(1).and_then(|next| self.runs.get(&next).copied());
        match (below, above) {
            (Some((_, run)), _) if run.last >= id => {
                self.n_repeated += 1;
                if self.repeated.len() < N_KEPT {
                    self.repeated.push(id);
                }
            }
            (Some((first, run)), Some(above)) if run.last.checked_add(1) == Some(id) => {
                self.runs.remove(&(id + 1));
                self.runs.insert(first, Run { last: above.last, last_time: above.last_time, ..run });
            }
            (Some((first, run)), None) if run.last.checked_add(1) == Some(id) => {
                self.runs.insert(first, Run { last: id, last_time: time, ..run });
            }
            (_, Some(above)) => {
                self.runs.remove(&(id + 1));
                self.runs.insert(id, Run { first_time: time, ..above });
            }
            (_, None) if self.runs.len() < N_RUNS_MAX => {
                self.runs.insert(id, Run { last: id, first_time: time, last_time: time });
            }
            (_, None) => self.has_too_many_runs = true,
        }
    }

    /// Compares a record with the one before it in the file. Files are written forwards or, by some exporters,
    /// backwards, and a log that is full goes on at its beginning: what counts is the order of record ids.
    fn compare(&mut self, before: (Option<u64>, Timestamp), now: (Option<u64>, Timestamp)) {
        let (earlier, later, later_id) = match (before.0, now.0) {
            (Some(a), Some(b)) if a.checked_add(1) == Some(b) => (before.1, now.1, Some(b)),
            (Some(a), Some(b)) if b.checked_add(1) == Some(a) => (now.1, before.1, Some(a)),
            (None, None) => (before.1.min(now.1), before.1.max(now.1), None),
            _ => return,
        };
        if let Some(record_id) = later_id
            && later.duration_until(earlier) > STEP_BACK
        {
            self.n_back += 1;
            if self.back.len() < N_KEPT {
                self.back.push(SteppedBack { record_id, from: earlier, to: later });
            }
        }
        let pause = Pause { from: earlier, to: later, over_start: false };
        let seconds = u64::try_from(pause.length().as_secs()).unwrap_or(0);
        *self.pauses.entry(digits(seconds)).or_default() += 1;
        if pause.length() >= PAUSE_MIN {
            self.longest.push(pause);
            if self.longest.len() >= 4 * N_KEPT {
                self.keep_longest();
            }
        }
    }

    fn keep_longest(&mut self) {
        self.longest.sort_by(|a, b| b.length().cmp(&a.length()).then(a.from.cmp(&b.from)));
        self.longest.truncate(N_KEPT);
    }

    /// The longest pause that is usual, in seconds: 99 of 100 are shorter. Nothing when there are too few.
    fn usual_pause(&self) -> Option<i64> {
        let n: u64 = self.pauses.values().sum();
        if n < N_PAUSES_MIN {
            return None;
        }
        let mut n_left = n / 100;
        for (digits, n) in self.pauses.iter().rev() {
            if *n > n_left {
                return 1_i64.checked_shl(*digits);
            }
            n_left -= n;
        }
        None
    }

    /// What is told of the log; `starts` is when Windows started on its host, in order.
    pub(super) fn report(&self, starts: &[Timestamp]) -> LogReport {
        let gaps = self.gaps();
        let mut largest = gaps.clone();
        largest.sort_by(|a, b| b.n().cmp(&a.n()).then(a.first.cmp(&b.first)));
        largest.truncate(N_KEPT);
        largest.sort_by_key(|gap| gap.first);
        LogReport {
            number: Number { events: self.n, span: Span::from(self.span) },
            recovered: self.n_recovered,
            without_record_id: self.n_without_id,
            first_record_id: self.runs.keys().next().copied(),
            last_record_id: self.runs.values().next_back().map(|run| run.last),
            missing_records: gaps.iter().fold(0, |n: u64, gap| n.saturating_add(gap.n())),
            gaps: gaps.len() as u64,
            largest_gaps: largest,
            is_choice: self.is_choice(gaps.len()),
            repeated_records: self.n_repeated,
            repeated: self.repeated.clone(),
            usual_pause_seconds: self.usual_pause(),
            pauses: self.pauses_of_note(starts),
            stepped_back: self.n_back,
            steps_back: self.back.clone(),
        }
    }

    fn gaps(&self) -> Vec<MissingRecords> {
        let runs: Vec<(&u64, &Run)> = self.runs.iter().collect();
        let gap = |pair: &[(&u64, &Run)]| match pair {
            [(_, before), (first, after)] => Some(MissingRecords {
                first: before.last + 1,
                last: **first - 1,
                after: before.last_time,
                before: after.first_time,
            }),
            _ => None,
        };
        runs.windows(2).filter_map(gap).collect()
    }

    /// Whether the events were chosen by somebody: then more than one in ten has a gap before it.
    fn is_choice(&self, n_gaps: usize) -> bool {
        self.has_too_many_runs || (n_gaps >= 3 && n_gaps as u64 * 10 > self.n)
    }

    fn pauses_of_note(&self, starts: &[Timestamp]) -> Vec<Pause> {
        let Some(usual) = self.usual_pause() else { return Vec::new() };
        let shortest = SignedDuration::from_secs(usual.saturating_mul(PAUSE_FACTOR)).max(PAUSE_MIN);
        let mut pauses: Vec<Pause> =
            self.longest.iter().filter(|pause| pause.length() >= shortest).copied().collect();
        pauses.sort_by(|a, b| b.length().cmp(&a.length()).then(a.from.cmp(&b.from)));
        pauses.truncate(N_KEPT);
        pauses.sort_by_key(|pause| pause.from);
        for pause in &mut pauses {
            let next = starts.partition_point(|start| *start <= pause.from);
            let start = starts.get(next);
            pause.over_start = start.is_some_and(|start| pause.to.duration_until(*start) <= AFTER_START);
        }
        pauses
    }
}

/// How many binary digits a number has.
fn digits(n: u64) -> u32 {
    u64::BITS - n.leading_zeros()
}
