//! The events of one group that a correlation still looks at.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::fold::fold;
use crate::scalar::Number;

use super::plan::{GroupColumn, Measure, Slot, Step};
use super::tally::Tally;

/// The longest value that is compared and shown whole, in bytes. Of a longer one the start counts, its length
/// and a hash of it.
const MAX_VALUE_BYTES: usize = 256;

/// The values of the fields of a match.
pub(super) type Row = super::Values;

/// Values folded for comparison; none for a field that is absent.
pub(super) type Key = Arc<[Option<Box<str>>]>;

/// A table by them. They come from logs: the hash has a seed that nobody knows.
pub(super) type KeyMap<T> = HashMap<Key, T, foldhash::quality::RandomState>;

/// What is known of an event beside its time.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A match, by its caller's handle.
    Match(u64),
    /// The result of an inner correlation.
    Result(Arc<Members>),
}

/// Matches that make up a result.
#[derive(Clone, Debug)]
pub(super) struct Members {
    pub(super) first: i64,
    pub(super) n_matches: u64,
    /// The handles of the first of them.
    pub(super) handles: Vec<u64>,
    /// The time and the handle of the last.
    last: Option<(i64, u64)>,
}

impl Members {
    pub(super) fn new() -> Self {
        Self { first: i64::MAX, n_matches: 0, handles: Vec::new(), last: None }
    }

    /// Takes in an event, unless it is the one that was taken in last.
    pub(super) fn add(&mut self, entry: &Entry, max_handles: usize) {
        let room = max_handles.saturating_sub(self.handles.len());
        match &entry.source {
            Source::Match(handle) if self.last == Some((entry.time, *handle)) => {}
            Source::Match(handle) => {
                self.last = Some((entry.time, *handle));
                self.first = self.first.min(entry.time);
                self.n_matches = self.n_matches.saturating_add(1);
                self.handles.extend(Some(handle).filter(|_| room > 0));
            }
            Source::Result(inner) => {
                self.first = self.first.min(inner.first);
                self.n_matches = self.n_matches.saturating_add(inner.n_matches);
                self.handles.extend(inner.handles.iter().take(room));
            }
        }
    }
}

/// What comes to a correlation: a match, or a moment at which an inner correlation holds.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) time: i64,
    pub(super) row: Row,
    pub(super) source: Source,
    /// Whether it is a match, or the moment at which an inner correlation began to hold.
    pub(super) is_first: bool,
}

/// What an event contributes to the number.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// Nothing but itself.
    Nothing,
    /// A number to measure.
    Number(Number),
    /// Values to tell apart.
    Values(Key),
}

impl Reading {
    /// Reads an arrival; nothing if the event is none of the correlation's.
    pub(super) fn of(step: &Step, slot: &Slot, row: &Row) -> Option<Self> {
        let value = |column: &usize| row.get(*column).and_then(Option::as_deref);
        match step.measure {
            Measure::Events | Measure::Rules | Measure::Chain | Measure::Sentence { .. } => {
                Some(Self::Nothing)
            }
            Measure::Distinct => {
                let values: Option<Vec<_>> =
                    slot.values.iter().map(|column| value(column).map(|text| Some(folded(text)))).collect();
                Some(values.map_or(Self::Nothing, |values| Self::Values(values.into())))
            }
            Measure::Share => {
                let text = slot.values.first().and_then(value)?;
                Some(Self::Values([Some(folded(text))].into()))
            }
            Measure::Sum | Measure::Average | Measure::Percentile(_) => {
                let text = slot.values.first().and_then(value)?;
                Number::parse_event(text).map(Self::Number)
            }
        }
    }
}

/// An event in a window.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) time: i64,
    pub(super) slot: usize,
    pub(super) reading: Reading,
    pub(super) source: Source,
}

impl Entry {
    /// Whether it is another match of the event that has arrived.
    pub(super) fn is_of(&self, arrival: &Arrival) -> bool {
        match (&self.source, &arrival.source) {
            (Source::Match(own), Source::Match(other)) => self.time == arrival.time && own == other,
            (Source::Match(_) | Source::Result(_), _) => false,
        }
    }
}

/// One group's state.
#[derive(Debug)]
pub(super) struct Group {
    /// The values of the group as its first event spelled them.
    pub(super) shown: Row,
    /// The last moment at which an event can still join the window.
    pub(super) due: i64,
    pub(super) entries: VecDeque<Entry>,
    pub(super) window: Window,
}

/// What is kept of a window beside its events.
#[derive(Debug)]
pub(super) enum Window {
    /// It slides: each event sees those before it up to the timespan.
    Sliding {
        /// Boxed because there are many groups, and few are about sentences.
        tally: Box<Tally>,
        /// How many events ever came, which numbers them.
        n_arrived: u64,
        open: Option<Open>,
    },
    /// It opens with the first event and closes the timespan after.
    Fixed {
        /// The values that the last event brought along.
        last_row: Row,
        /// How many events were counted and not kept.
        n_unkept: usize,
    },
}

/// A result that may still grow.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) members: Members,
    pub(super) last: i64,
    /// The greatest number of all windows so far.
    pub(super) peak: Number,
    /// The number of the first event that is not a member yet.
    pub(super) n_seen: u64,
}

impl Open {
    /// A result that begins with a window at a time.
    pub(super) fn new(time: i64, value: Number) -> Self {
        Self { members: Members::new(), last: time, peak: value, n_seen: 0 }
    }

    /// Takes in a window whose last event is the one of that number, as far as it is not in already.
    pub(super) fn grow(&mut self, entries: &VecDeque<Entry>, n_arrived: u64, max_handles: usize) {
        let n_kept = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let n_known = self.n_seen.saturating_sub(n_arrived.saturating_sub(n_kept));
        for entry in entries.iter().skip(usize::try_from(n_known).unwrap_or(usize::MAX)) {
            self.members.add(entry, max_handles);
            self.last = entry.time;
        }
        self.n_seen = n_arrived;
    }
}

/// The values that an arrival is grouped by, folded and as spelled; nothing if it is not to be counted.
pub(super) fn group_of(slot: &Slot, row: &Row) -> Option<(Key, Row)> {
    let mut shown = Vec::with_capacity(slot.group.len());
    for column in &slot.group {
        let (index, is_optional) = match column {
            GroupColumn::Field(index) => (*index, true),
            GroupColumn::Alias(index) => (*index, false),
        };
        let value = row.get(index).cloned().flatten();
        if value.is_none() && !is_optional {
            return None;
        }
        shown.push(value.map(|value| shortened(&value, &value)));
    }
    let key = shown.iter().map(|value| value.as_deref().map(folded)).collect();
    Some((key, shown.into()))
}

/// A value for comparison: case does not count, as nowhere in Sigma.
fn folded(text: &str) -> Box<str> {
    shortened(&fold(text), text)
}

/// A text that is not longer than what is kept, yet differs where the original does.
fn shortened(text: &str, original: &str) -> Box<str> {
    if text.len() <= MAX_VALUE_BYTES {
        return text.into();
    }
    let end = text.floor_char_boundary(MAX_VALUE_BYTES / 2);
    let start = text.get(..end).unwrap_or_default();
    format!("{start}… ({} bytes, {:016x})", original.len(), hash(&fold(original))).into()
}

/// FNV-1a: the same on every machine and in every run.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
