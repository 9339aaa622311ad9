//! Evaluates correlations over matches in the order of time.
//!
//! Specification: sigma-correlation-rules-specification. What it leaves open is decided so:
//!
//! - **Windows** are not aligned to the clock. An event exactly the timespan after the first is inside.
//! - **Decided at once** is what more events can only confirm: counts, sums and temporal correlations whose
//!   condition has only lower bounds and no `not`. Each event sees the events of its group up to the timespan
//!   before it. The windows in which the correlation holds make one result as long as they share events: an
//!   attack that goes on is one result that grows, and its number is the greatest that a window reached.
//! - **Decided at the close** is what more events could undo: conditions with `lt`, `lte`, `eq`, `neq` or
//!   `not`, and averages, medians and percentiles. Such a window opens with the first event of its group that
//!   is in no window yet, and is decided when the timespan is over or the input ends.
//! - **Groups** are compared without regard to case. Events without a field of `group-by` are a group of their
//!   own; events without the field behind an alias are not counted. A rule that the alias does not mention has
//!   the field of that very name, as in pySigma.
//! - **Events** are counted, not matches: one that matches several of the rules is one event. For temporal
//!   correlations each of these rules has matched.
//! - **Order**: events of the same microsecond satisfy any order.
//! - **Chains**: an inner correlation counts as an event at the moment at which it begins to hold; for
//!   temporal ones it also does at each event by which it still holds. What is decided at the close counts at
//!   the time of its last event. A field that the inner one does not group by is that of the event by which it
//!   holds.

mod link;
mod machine;
mod plan;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;
mod window;

pub use plan::{LinkProblem, Plan};

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::scalar::Number;

use machine::{Machine, Outbox};
use plan::Feed;
use window::{Arrival, Source};

/// The most handles of matches that a result names; the others are counted.
pub const MAX_HANDLES: usize = 100;
/// The most groups of one correlation that are followed at once.
pub const MAX_GROUPS: usize = 1 << 16;
/// The most events of one group that are kept for a window.
pub const MAX_WINDOW_EVENTS: usize = 1 << 17;
/// The most events of one correlation that are kept.
pub const MAX_EVENTS: usize = 1 << 19;

/// How much a [`Correlator`] keeps, so that no input fills the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Groups of one correlation; see [`MAX_GROUPS`].
    pub groups: usize,
    /// Events of one group in a window; see [`MAX_WINDOW_EVENTS`].
    pub window_entries: usize,
    /// Events of one correlation; see [`MAX_EVENTS`].
    pub entries: usize,
    /// Handles that a result names; see [`MAX_HANDLES`].
    pub handles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            groups: MAX_GROUPS,
            window_entries: MAX_WINDOW_EVENTS,
            entries: MAX_EVENTS,
            handles: MAX_HANDLES,
        }
    }
}

/// The values of the fields that correlations ask for; none for a field that is absent or null. Matches of events
/// that say the same may have them in common.
pub type Values = Arc<[Option<Box<str>>]>;

/// A match of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The rule, by its index in [`Plan::link`].
    pub rule: usize,
    /// When the event happened; microseconds count.
    pub time: Timestamp,
    /// The values of the fields that [`Plan::fields_of`] asks for; see [`Plan::values_of`].
    pub values: Values,
    /// What the caller knows the event by. An event that matches several rules has the same in each of its
    /// matches, which follow each other, and is counted once.
    pub handle: u64,
}

/// A result: matches that a correlation is true of.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlated {
    /// The correlation, by its index in [`Plan::link`].
    pub correlation: usize,
    /// The values of the fields of `group-by` in their order, as the first event spelled them; none for one
    /// that is absent.
    pub group: Vec<Option<Box<str>>>,
    /// When the first match happened.
    pub first: Timestamp,
    /// When the last match happened.
    pub last: Timestamp,
    /// The number that was compared: of several windows the greatest. For temporal correlations the number of
    /// rules that match.
    pub value: Number,
    /// How many matches it is about; those of one event count once.
    pub n_matches: u64,
    /// The handles of the first of them, at most [`Limits::handles`].
    pub handles: Vec<u64>,
}

/// A limit of a [`Correlator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// [`Limits::groups`]: the group that was due first was given up.
    Groups,
    /// [`Limits::window_entries`]: the number of a window may be greater than said.
    Window,
    /// [`Limits::entries`]: the group that was due first was given up.
    Events,
    /// [`Limits::entries`], of events that waited for an inner correlation: the order may be wrong.
    Delayed,
}

/// A limit that was reached, so that results of a correlation may be missing or too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundReached {
    /// The correlation, by its index in [`Plan::link`].
    pub correlation: usize,
    /// Which limit.
    pub bound: Bound,
    /// How many events it was reached at.
    pub n_times: u64,
}

impl fmt::Display for BoundReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.n_times;
        match self.bound {
            Bound::Groups => write!(f, "too many groups at once: {n} were given up before their time"),
            Bound::Window => write!(f, "too many events in a window: {n} were left out"),
            Bound::Events => write!(f, "too many events at once: {n} groups were given up before their time"),
            Bound::Delayed => write!(f, "too many events at once: {n} were taken before their turn"),
        }
    }
}

/// Evaluates correlations over matches in the order of time.
///
/// ```
/// use evtmap_sigma::{Collection, Correlator, Limits, Matched, Placeholders, Plan};
///
/// let text = "
/// title: Failed logon
/// name: failed
/// logsource: {product: windows, service: security}
/// detection: {selection: {EventID: 4625}, condition: selection}
/// ---
/// title: Many failed logons
/// correlation:
///     type: event_count
///     rules: failed
///     group-by: TargetUserName
///     timespan: 5m
///     condition: {gte: 3}
/// ";
/// let collection = Collection::parse(text, &Placeholders::default());
/// let rules: Vec<_> = collection.rules.iter().collect();
/// let correlations: Vec<_> = collection.correlations.iter().collect();
/// let (plan, problems) = Plan::link(&rules, &correlations);
/// assert!(problems.is_empty() && !plan.rule_fires_alone(0));
///
/// let mut correlator = Correlator::new(&plan, Limits::default());
/// for event in 0..4_u32 {
///     let time = jiff::Timestamp::from_second(event.into()).unwrap();
///     correlator.push(Matched { rule: 0, time, values: [Some("eve".into())].into(), handle: event.into() });
/// }
/// let results = correlator.finish();
/// assert_eq!((results.len(), results[0].n_matches), (1, 4));
/// ```
#[derive(Debug)]
pub struct Correlator<'p> {
    plan: &'p Plan,
    /// One for each correlation; none for a refused one.
    machines: Vec<Option<Machine<'p>>>,
    queue: VecDeque<(Feed, Arrival)>,
    out: Outbox,
    now: i64,
    /// Until then no window closes by itself.
    next_due: i64,
}

/// When a result is told that more events can only confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// Once it can grow no more.
    Whole,
    /// As soon as it holds, and again whenever it grows.
    Growing,
}

impl<'p> Correlator<'p> {
    /// A correlator that has seen nothing yet.
    pub fn new(plan: &'p Plan, limits: Limits) -> Self {
        Self::telling(Telling::Whole, plan, limits)
    }

    /// A correlator for matches that come while they happen: what is decided at once is given at once, and
    /// given again, with the same first match, each time it grows. What is decided at the close of a window is
    /// given then, for which [`Correlator::pass_until`] lets time pass where no match does.
    pub fn live(plan: &'p Plan, limits: Limits) -> Self {
        Self::telling(Telling::Growing, plan, limits)
    }

    fn telling(telling: Telling, plan: &'p Plan, limits: Limits) -> Self {
        let machine = |(index, step): (usize, &'p Option<plan::Step>)| {
            step.as_ref().map(|step| Machine::new(step, index, limits).telling(telling))
        };
        let machines = plan.steps.iter().enumerate().map(machine);
        Self {
            plan,
            machines: machines.collect(),
            queue: VecDeque::new(),
            out: Outbox::default(),
            now: i64::MIN,
            next_due: i64::MAX,
        }
    }

    /// Takes the next match. One that is earlier than the match before counts as simultaneous with it.
    pub fn push(&mut self, matched: Matched) {
        let Some(part) = self.plan.rules.get(matched.rule) else { return };
        self.now = self.now.max(matched.time.as_microsecond());
        if self.next_due < self.now {
            self.pass(self.now);
        }
        let arrival = Arrival {
            time: self.now,
            row: matched.values,
            source: Source::Match(matched.handle),
            is_first: true,
        };
        self.queue.extend(part.feeds.iter().map(|feed| (*feed, arrival.clone())));
        self.drain();
    }

    /// Lets time pass: no match from before this moment is still to come.
    pub fn pass_until(&mut self, time: Timestamp) {
        self.now = self.now.max(time.as_microsecond());
        if self.next_due < self.now {
            self.pass(self.now);
        }
    }

    /// The results that are complete so far and were not taken yet, in the order of their completion.
    pub fn take_results(&mut self) -> Vec<Correlated> {
        std::mem::take(&mut self.out.results)
    }

    /// The limits that were reached so far.
    pub fn bounds(&self) -> Vec<BoundReached> {
        let reached = self.out.bounds.iter();
        reached
            .map(|(&(correlation, bound), &n_times)| BoundReached { correlation, bound, n_times })
            .collect()
    }

    /// Ends the input: every window closes. Gives the results that were not taken yet.
    pub fn finish(&mut self) -> Vec<Correlated> {
        self.pass(i64::MAX);
        self.take_results()
    }

    /// Lets time pass in every correlation, inner ones first.
    fn pass(&mut self, now: i64) {
        for &index in &self.plan.order {
            if let Some(Some(machine)) = self.machines.get_mut(index) {
                machine.advance(now, &mut self.out);
                enqueue(machine, &mut self.out, &mut self.queue);
            }
            self.drain();
        }
        self.next_due = self.machines.iter().flatten().map(Machine::next_due).min().unwrap_or(i64::MAX);
    }

    /// Hands arrivals to their correlations, and what comes of it to the outer ones.
    fn drain(&mut self) {
        while let Some((feed, arrival)) = self.queue.pop_front() {
            if let Some(Some(machine)) = self.machines.get_mut(feed.correlation) {
                machine.receive(feed.slot, arrival, &mut self.out);
                self.next_due = self.next_due.min(machine.next_due());
                enqueue(machine, &mut self.out, &mut self.queue);
            }
        }
    }
}

/// Sends the moments at which a correlation holds to the outer ones.
fn enqueue(machine: &Machine<'_>, out: &mut Outbox, queue: &mut VecDeque<(Feed, Arrival)>) {
    for moment in out.moments.drain(..) {
        queue.extend(machine.step().feeds.iter().map(|feed| (*feed, moment.clone())));
    }
}

/// The time of microseconds since 1970, which come from times and stay in their range.
fn timestamp(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or_default()
}
