//! The number of a window that is over, for correlations that more events could undo.

use std::collections::HashSet;

use crate::scalar::Number;

use super::plan::{Measure, Sentence, Step};
use super::tally::{Sum, whole};
use super::window::{Entry, Key, Reading};

/// What a window that is over comes to.
pub(super) struct Verdict<'e> {
    /// The number that was compared.
    pub(super) value: Number,
    /// The events that make it up.
    pub(super) members: Vec<&'e Entry>,
}

/// What a window comes to, nothing if the correlation does not hold. Its events are in the order of time;
/// `n_unkept` more were only counted.
pub(super) fn verdict<'e>(step: &Step, entries: &[&'e Entry], n_unkept: usize) -> Option<Verdict<'e>> {
    let value = match &step.measure {
        Measure::Events => whole(entries.len().saturating_add(n_unkept)),
        Measure::Distinct => whole(distinct(entries)),
        Measure::Sum => sum(entries).total(),
        Measure::Average => average(entries)?,
        Measure::Percentile(percentile) => Number::Float(interpolated(&sorted(entries), *percentile)?),
        Measure::Rank => return ranked(step, entries),
        Measure::Rules => whole(n_occurring(step, entries)),
        Measure::Chain => whole(longest_chain(step, entries)),
        Measure::Sentence { sentence, is_ordered } => {
            let holds = if *is_ordered {
                let times = Times::new(step, entries);
                times.end(sentence, i64::MIN).is_some()
            } else {
                sentence.holds(&|slot| entries.iter().any(|entry| entry.slot == slot))
            };
            let value = whole(n_occurring(step, entries));
            return holds.then_some(Verdict { value, members: entries.to_vec() });
        }
    };
    step.accepts(value).then_some(Verdict { value, members: entries.to_vec() })
}

fn distinct(entries: &[&Entry]) -> usize {
    let values = entries.iter().filter_map(|entry| match &entry.reading {
        Reading::Values(values) => Some(values),
        Reading::Nothing | Reading::Number(_) => None,
    });
    values.collect::<HashSet<&Key>>().len()
}

fn numbers(entries: &[&Entry]) -> impl Iterator<Item = (usize, Number)> {
    entries.iter().enumerate().filter_map(|(index, entry)| match entry.reading {
        Reading::Number(number) => Some((index, number)),
        Reading::Nothing | Reading::Values(_) => None,
    })
}

fn sum(entries: &[&Entry]) -> Sum {
    let mut sum = Sum::default();
    numbers(entries).for_each(|(_, number)| sum.add(number));
    sum
}

fn average(entries: &[&Entry]) -> Option<Number> {
    let n = numbers(entries).count();
    (n > 0).then(|| Number::Float(sum(entries).total().as_f64() / whole(n).as_f64()))
}

fn sorted(entries: &[&Entry]) -> Vec<f64> {
    let mut values: Vec<f64> = numbers(entries).map(|(_, number)| number.as_f64()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The percentile of sorted values, by linear interpolation between the two nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a list that is bounded far below 2^52"
)]
fn interpolated(values: &[f64], percentile: f64) -> Option<f64> {
    let place = percentile / 100.0 * (values.len().checked_sub(1)? as f64);
    let below = values.get(place.floor() as usize)?;
    let above = values.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

/// The values whose percentile rank passes: the share of values below, and half of those equal, in percent.
fn ranked<'e>(step: &Step, entries: &[&'e Entry]) -> Option<Verdict<'e>> {
    let sorted = sorted(entries);
    let n = whole(sorted.len()).as_f64();
    let mut value = None;
    let mut members = Vec::new();
    for (index, number) in numbers(entries) {
        let number = number.as_f64();
        let n_below = whole(sorted.partition_point(|other| *other < number)).as_f64();
        let n_upto = whole(sorted.partition_point(|other| *other <= number)).as_f64();
        let rank = Number::Float((n_below + n_upto) * 50.0 / n);
        if step.accepts(rank) {
            value = value.or(Some(rank));
            members.extend(entries.get(index).copied());
        }
    }
    value.map(|value| Verdict { value, members })
}

fn n_occurring(step: &Step, entries: &[&Entry]) -> usize {
    let slots: HashSet<usize> = entries.iter().map(|entry| entry.slot).collect();
    slots.len().min(step.slots.len())
}

/// How many slots occur in their order at most. Events of one moment satisfy any order.
fn longest_chain(step: &Step, entries: &[&Entry]) -> usize {
    let mut ordered: Vec<(i64, usize)> = entries.iter().map(|entry| (entry.time, entry.slot)).collect();
    ordered.sort_unstable();
    let mut lengths = vec![0_usize; step.slots.len()];
    for (_, slot) in ordered {
        let longest_before = lengths.iter().take(slot).copied().max().unwrap_or(0);
        if let Some(length) = lengths.get_mut(slot) {
            *length = (*length).max(longest_before + 1);
        }
    }
    lengths.into_iter().max().unwrap_or(0)
}

/// For each slot the times of its events, in order.
struct Times(Vec<Vec<i64>>);

impl Times {
    fn new(step: &Step, entries: &[&Entry]) -> Self {
        let mut times = vec![Vec::new(); step.slots.len()];
        for entry in entries {
            if let Some(times) = times.get_mut(entry.slot) {
                times.push(entry.time);
            }
        }
        Self(times)
    }

    /// The earliest time at which a sentence has come true by events at or after a time. What is not to
    /// happen is not to happen anywhere in the window.
    fn end(&self, sentence: &Sentence, after: i64) -> Option<i64> {
        match sentence {
            Sentence::Slot(slot) => {
                let times = self.0.get(*slot)?;
                times.get(times.partition_point(|time| *time < after)).copied()
            }
            Sentence::Not(inner) => {
                let occurs = |slot: usize| self.0.get(slot).is_some_and(|times| !times.is_empty());
                (!inner.holds(&occurs)).then_some(after)
            }
            Sentence::All(members) => members.iter().try_fold(after, |after, member| self.end(member, after)),
            Sentence::Any(members) => members.iter().filter_map(|member| self.end(member, after)).min(),
        }
    }
}
