//! Numbers of a window that slides: what is decided at once is kept up to date with each event that comes and
//! goes, so that an event costs the same however many stand in the window.

use crate::scalar::Number;

use super::plan::{Measure, Sentence, Step};
use super::window::{Entry, KeyMap, Reading};

/// Beyond this a whole number is treated as a fraction, so that no sum of them can overflow.
const MAX_WHOLE: i128 = 1 << 96;

/// A sum from which summands can be taken away again. Whole numbers are exact; fractions are as exact as the
/// greatest of them that the window held since it last was without any.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    whole: i128,
    fraction: f64,
    n_fractions: usize,
}

impl Sum {
    pub(super) fn add(&mut self, number: Number) {
        match number {
            Number::Integer(whole) if whole.abs() <= MAX_WHOLE => self.whole += whole,
            other => {
                self.fraction += other.as_f64();
                self.n_fractions += 1;
            }
        }
    }

    fn remove(&mut self, number: Number) {
        match number {
            Number::Integer(whole) if whole.abs() <= MAX_WHOLE => self.whole -= whole,
            other => {
                self.fraction -= other.as_f64();
                self.n_fractions = self.n_fractions.saturating_sub(1);
            }
        }
        if self.n_fractions == 0 {
            // What rounding has left behind must not live on.
            self.fraction = 0.0;
        }
    }

    pub(super) fn total(&self) -> Number {
        if self.n_fractions == 0 {
            Number::Integer(self.whole)
        } else {
            Number::Float(Number::Integer(self.whole).as_f64() + self.fraction)
        }
    }
}

/// For each slot the time of its last event.
type LastTimes = Vec<Option<i64>>;

/// The number of a sliding window, kept up to date.
#[derive(Clone, Debug)]
pub(super) enum Tally {
    Events,
    Distinct(KeyMap<usize>),
    Sum(Sum),
    Rules(LastTimes),
    Chain {
        last: LastTimes,
        /// For each slot and length, from 1, the latest start of a chain of that length that ends in it.
        starts: Vec<Vec<i64>>,
    },
    Sentence {
        last: LastTimes,
        /// For each place in the sentence, in the order written, the latest start of what leads up to it.
        starts: Vec<Option<i64>>,
        /// The latest start of events that follow the whole sentence.
        whole: Option<i64>,
    },
}

impl Tally {
    pub(super) fn new(step: &Step) -> Self {
        let n_slots = step.slots.len();
        match &step.measure {
            Measure::Distinct => Self::Distinct(KeyMap::default()),
            Measure::Sum => Self::Sum(Sum::default()),
            Measure::Rules => Self::Rules(vec![None; n_slots]),
            Measure::Chain => Self::Chain { last: vec![None; n_slots], starts: vec![Vec::new(); n_slots] },
            Measure::Sentence { sentence, .. } => Self::Sentence {
                last: vec![None; n_slots],
                starts: vec![None; sentence.n_slots()],
                whole: None,
            },
            Measure::Events | Measure::Average | Measure::Percentile(_) | Measure::Share => Self::Events,
        }
    }

    pub(super) fn add(&mut self, step: &Step, entry: &Entry) {
        match (self, &entry.reading) {
            (Self::Distinct(counts), Reading::Values(values)) => {
                *counts.entry(values.clone()).or_default() += 1;
            }
            (Self::Sum(sum), Reading::Number(number)) => sum.add(*number),
            (Self::Rules(last), _) => note(last, entry),
            (Self::Chain { last, starts }, _) => {
                note(last, entry);
                advance_chain(starts, last, entry.time);
            }
            (Self::Sentence { last, starts, whole }, _) => {
                note(last, entry);
                if let Measure::Sentence { sentence, is_ordered: true } = &step.measure {
                    let occurs_now = |slot: usize| last.get(slot).copied().flatten() == Some(entry.time);
                    let mut cells = starts.iter_mut();
                    *whole = advance(sentence, Some(entry.time), &mut cells, &occurs_now);
                }
            }
            (Self::Events | Self::Distinct(_) | Self::Sum(_), _) => {}
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        match (self, &entry.reading) {
            (Self::Distinct(counts), Reading::Values(values)) => {
                if let Some(count) = counts.get_mut(values) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(values);
                    }
                }
            }
            (Self::Sum(sum), Reading::Number(number)) => sum.remove(*number),
            // The others go by time.
            (_, _) => {}
        }
    }

    /// The number of the window that begins at a time and has so many events, if the correlation holds.
    pub(super) fn holding(&self, step: &Step, n_events: usize, start: i64) -> Option<Number> {
        let occurs = |last: &LastTimes, slot: usize| last.get(slot).copied().flatten() >= Some(start);
        let n_occurring = |last: &LastTimes| (0..last.len()).filter(|slot| occurs(last, *slot)).count();
        let value = match self {
            Self::Events => whole(n_events),
            Self::Distinct(counts) => whole(counts.len()),
            Self::Sum(sum) => sum.total(),
            Self::Rules(last) | Self::Sentence { last, .. } => whole(n_occurring(last)),
            Self::Chain { starts, .. } => {
                let reached = |slot: &Vec<i64>| slot.iter().rposition(|led_up| *led_up >= start);
                whole(starts.iter().filter_map(reached).max().map_or(0, |longest| longest + 1))
            }
        };
        let holds = match (self, &step.measure) {
            (Self::Sentence { whole, .. }, Measure::Sentence { is_ordered: true, .. }) => {
                *whole >= Some(start)
            }
            (Self::Sentence { last, .. }, Measure::Sentence { sentence, .. }) => {
                sentence.holds(&|slot| occurs(last, slot))
            }
            (_, _) => step.accepts(value),
        };
        holds.then_some(value)
    }
}

pub(super) fn whole(n: usize) -> Number {
    Number::Integer(i128::try_from(n).unwrap_or(i128::MAX))
}

fn note(last: &mut LastTimes, entry: &Entry) {
    if let Some(last) = last.get_mut(entry.slot) {
        *last = Some(entry.time);
    }
}

/// Lengthens chains by the slots that occur at a time. Slots of the same time are taken in their order, so
/// that events of one moment satisfy an order in whatever order they come.
fn advance_chain(starts: &mut [Vec<i64>], last: &[Option<i64>], time: i64) {
    for slot in (0..last.len()).filter(|slot| last.get(*slot).copied().flatten() == Some(time)) {
        let Some((before, rest)) = starts.split_at_mut_checked(slot) else { return };
        let Some(own) = rest.first_mut() else { return };
        for length in 0..=slot {
            let led_up = match length.checked_sub(1) {
                None => Some(time),
                Some(shorter) => before.iter().filter_map(|slot| slot.get(shorter).copied()).max(),
            };
            match (led_up, own.get_mut(length)) {
                (Some(led_up), Some(start)) => *start = (*start).max(led_up),
                (Some(led_up), None) => own.push(led_up),
                // Where nothing leads up to a length, nothing does to a greater one.
                (None, _) => break,
            }
        }
    }
}

/// Moves on in a sentence by the slots that occur now. `lead` is the latest start of what leads up to the
/// sentence; given is the latest start of what leads through it. A `not` is never here: it is decided later.
fn advance<'c>(
    sentence: &Sentence,
    lead: Option<i64>,
    starts: &mut impl Iterator<Item = &'c mut Option<i64>>,
    occurs_now: &dyn Fn(usize) -> bool,
) -> Option<i64> {
    match sentence {
        Sentence::Slot(slot) => {
            let start = starts.next()?;
            if occurs_now(*slot) {
                *start = (*start).max(lead);
            }
            *start
        }
        Sentence::Not(_) => lead,
        Sentence::All(members) => {
            members.iter().fold(lead, |lead, member| advance(member, lead, starts, occurs_now))
        }
        Sentence::Any(members) => {
            members.iter().filter_map(|member| advance(member, lead, starts, occurs_now)).max()
        }
    }
}
