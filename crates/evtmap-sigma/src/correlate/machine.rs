//! One correlation at work: its groups, and what comes out of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use crate::scalar::Number;

use super::plan::{Column, Decision, Slot, Step};
use super::tally::Tally;
use super::verdict::verdict;
use super::window::{
    Arrival, Entry, Group, Key, KeyMap, Members, Open, Reading, Row, Source, Window, group_of,
};
use super::{Bound, Correlated, Limits, Telling, timestamp};

/// What machines give away.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) results: Vec<Correlated>,
    /// Moments at which the correlation holds, for outer ones.
    pub(super) moments: Vec<Arrival>,
    pub(super) bounds: BTreeMap<(usize, Bound), u64>,
}

/// A correlation and its state.
#[derive(Debug)]
pub(super) struct Machine<'p> {
    step: &'p Step,
    index: usize,
    limits: Limits,
    telling: Telling,
    groups: KeyMap<Group>,
    // INVARIANT: one entry a group, due no later than the group is. The number in the middle makes the order
    // of groups that are due together that of their first events, the same in every run.
    dues: BinaryHeap<Reverse<(i64, u64, Key)>>,
    /// Arrivals that a late result of an inner correlation may still precede, in the order of time.
    pending: BTreeMap<(i64, u64), (usize, Arrival)>,
    n_entries: usize,
    n_serials: u64,
}

impl<'p> Machine<'p> {
    pub(super) fn new(step: &'p Step, index: usize, limits: Limits) -> Self {
        Self {
            step,
            index,
            limits,
            telling: Telling::Whole,
            groups: KeyMap::default(),
            dues: BinaryHeap::new(),
            pending: BTreeMap::new(),
            n_entries: 0,
            n_serials: 0,
        }
    }

    /// The same, telling its results when `telling` says.
    pub(super) fn telling(self, telling: Telling) -> Self {
        Self { telling, ..self }
    }

    pub(super) fn step(&self) -> &'p Step {
        self.step
    }

    /// Before this time nothing happens by itself.
    pub(super) fn next_due(&self) -> i64 {
        let window = self.dues.peek().map(|Reverse((due, ..))| *due);
        let pending = self.pending.keys().next().map(|(time, _)| *time);
        let due = window.into_iter().chain(pending).min().unwrap_or(i64::MAX);
        due.saturating_add(self.step.delay)
    }

    /// Takes an arrival, or keeps it until nothing can come before it any more.
    pub(super) fn receive(&mut self, slot: usize, arrival: Arrival, out: &mut Outbox) {
        if self.step.delay == 0 {
            return self.process(slot, arrival, out);
        }
        self.n_serials += 1;
        self.pending.insert((arrival.time, self.n_serials), (slot, arrival));
        if self.pending.len() > self.limits.entries {
            self.reached(Bound::Delayed, out);
            if let Some((_, (slot, arrival))) = self.pending.pop_first() {
                self.process(slot, arrival, out);
            }
        }
    }

    /// Lets time pass: everything before `now` has arrived. At the end of the input that is `i64::MAX`.
    pub(super) fn advance(&mut self, now: i64, out: &mut Outbox) {
        let now = if now == i64::MAX { now } else { now.saturating_sub(self.step.delay) };
        while let Some(entry) = self.pending.first_entry().filter(|entry| entry.key().0 < now) {
            let (slot, arrival) = entry.remove();
            self.process(slot, arrival, out);
        }
        self.expire(now, out);
    }

    fn process(&mut self, slot: usize, arrival: Arrival, out: &mut Outbox) {
        self.expire(arrival.time, out);
        let step = self.step;
        let Some(part) = step.slots.get(slot) else { return };
        if !arrival.is_first && !step.is_temporal() {
            return;
        }
        let Some((key, shown)) = group_of(part, &arrival.row) else { return };
        let Some(reading) = Reading::of(step, part, &arrival.row) else { return };
        let last = self.groups.get(&key).and_then(|group| group.entries.back());
        if step.counts_events() && last.is_some_and(|last| last.is_of(&arrival)) {
            return;
        }
        self.make_room(&key, out);
        let mut group = self.groups.remove(&key).unwrap_or_else(|| self.group(&key, shown, &arrival));
        let n_before = group.entries.len();
        let entry = Entry { time: arrival.time, slot, reading, source: arrival.source };
        match step.decision {
            Decision::AtOnce => {
                if let Some((source, is_first)) = self.slide(&mut group, entry, out) {
                    let row = self.outer_row(&group.shown, &arrival.row, part);
                    out.moments.push(Arrival { time: arrival.time, row, source, is_first });
                }
            }
            Decision::AtClose => self.fill(&mut group, entry, arrival.row, out),
        }
        self.n_entries = (self.n_entries + group.entries.len()).saturating_sub(n_before);
        self.groups.insert(key, group);
    }

    /// A new group whose window opens with an arrival.
    fn group(&mut self, key: &Key, shown: Row, arrival: &Arrival) -> Group {
        self.n_serials += 1;
        let due = arrival.time.saturating_add(self.step.span);
        self.dues.push(Reverse((due, self.n_serials, key.clone())));
        let window = match self.step.decision {
            Decision::AtOnce => {
                Window::Sliding { tally: Box::new(Tally::new(self.step)), n_arrived: 0, open: None }
            }
            Decision::AtClose => Window::Fixed { last_row: arrival.row.clone(), n_unkept: 0 },
        };
        Group { shown, due, entries: VecDeque::new(), window }
    }

    /// Adds an event to a sliding window; if the correlation then holds, the window joins the open result.
    /// Outer correlations are told of what is given: the new matches, and whether they are a new result.
    fn slide(&self, group: &mut Group, entry: Entry, out: &mut Outbox) -> Option<(Source, bool)> {
        let Group { shown, due, entries, window } = group;
        let Window::Sliding { tally, n_arrived, open } = window else { return None };
        let time = entry.time;
        let start = time.saturating_sub(self.step.span);
        let source = entry.source.clone();
        *due = time.saturating_add(self.step.span);
        while let Some(gone) = entries.pop_front_if(|first| first.time < start) {
            tally.remove(&gone);
        }
        if let Some(open) = open.take_if(|open| open.last < start)
            && self.telling == Telling::Whole
        {
            self.report(shown, &open.members, (open.last, open.peak), out);
        }
        tally.add(self.step, &entry);
        entries.push_back(entry);
        *n_arrived += 1;
        if entries.len() > self.limits.window_entries {
            self.reached(Bound::Window, out);
            if let Some(gone) = entries.pop_front() {
                tally.remove(&gone);
            }
        }
        let value = tally.holding(self.step, entries.len(), start)?;
        let is_first = open.is_none();
        let open = open.get_or_insert_with(|| Open::new(time, value));
        open.grow(entries, *n_arrived, self.limits.handles);
        if open.peak.compare(value).is_some_and(std::cmp::Ordering::is_lt) {
            open.peak = value;
        }
        if self.telling == Telling::Growing {
            self.report(shown, &open.members, (open.last, open.peak), out);
        }
        let whole = || Source::Result(Arc::new(open.members.clone()));
        (!self.step.feeds.is_empty()).then(|| if is_first { (whole(), true) } else { (source, false) })
    }

    /// Adds an event to a window that is decided when it closes.
    fn fill(&self, group: &mut Group, entry: Entry, row: Row, out: &mut Outbox) {
        let Window::Fixed { last_row, n_unkept } = &mut group.window else { return };
        if group.entries.len() < self.limits.window_entries {
            *last_row = row;
            group.entries.push_back(entry);
        } else {
            *n_unkept = n_unkept.saturating_add(1);
            self.reached(Bound::Window, out);
        }
    }

    /// Closes the windows that no event can join any more.
    fn expire(&mut self, now: i64, out: &mut Outbox) {
        while self.dues.peek().is_some_and(|Reverse((due, ..))| *due < now) {
            self.close_first(now, out);
        }
    }

    /// Closes the window that was due first, unless events have kept it open until `now`.
    fn close_first(&mut self, now: i64, out: &mut Outbox) -> bool {
        let Some(Reverse((noted, serial, key))) = self.dues.pop() else { return false };
        let Some(group) = self.groups.remove(&key) else { return true };
        if noted < group.due && group.due >= now {
            self.dues.push(Reverse((group.due, serial, key.clone())));
            self.groups.insert(key, group);
            return false;
        }
        self.n_entries = self.n_entries.saturating_sub(group.entries.len());
        self.close(group, now, out);
        true
    }

    fn close(&self, group: Group, now: i64, out: &mut Outbox) {
        let Group { shown, due, entries, window, .. } = group;
        match window {
            Window::Sliding { open: Some(open), .. } if self.telling == Telling::Whole => {
                self.report(&shown, &open.members, (open.last, open.peak), out);
            }
            Window::Sliding { .. } => {}
            // A window that had to go before its time cannot be decided.
            Window::Fixed { .. } if due >= now => {}
            Window::Fixed { last_row, n_unkept } => {
                let entries: Vec<&Entry> = entries.iter().collect();
                let Some(verdict) = verdict(self.step, &entries, n_unkept) else { return };
                let mut members = Members::new();
                for entry in &verdict.members {
                    members.add(entry, self.limits.handles);
                }
                if let Some(last) = verdict.members.last() {
                    members.n_matches =
                        members.n_matches.saturating_add(u64::try_from(n_unkept).unwrap_or(u64::MAX));
                    self.report(&shown, &members, (last.time, verdict.value), out);
                    if let Some(slot) = self.step.slots.get(last.slot).filter(|_| !self.step.feeds.is_empty())
                    {
                        let row = self.outer_row(&shown, &last_row, slot);
                        let source = Source::Result(Arc::new(members));
                        out.moments.push(Arrival { time: last.time, row, source, is_first: true });
                    }
                }
            }
        }
    }

    /// Makes sure that one more event, and its group, can be kept.
    fn make_room(&mut self, key: &Key, out: &mut Outbox) {
        while self.groups.len() >= self.limits.groups && !self.groups.contains_key(key) {
            self.reached(Bound::Groups, out);
            self.evict(out);
        }
        while self.n_entries >= self.limits.entries && self.groups.len() > 1 {
            self.reached(Bound::Events, out);
            self.evict(out);
        }
    }

    /// Gives up the group that would be due first.
    fn evict(&mut self, out: &mut Outbox) {
        while !self.groups.is_empty() && !self.close_first(i64::MIN, out) {}
    }

    fn reached(&self, bound: Bound, out: &mut Outbox) {
        *out.bounds.entry((self.index, bound)).or_default() += 1;
    }

    /// The values that outer correlations want.
    fn outer_row(&self, shown: &Row, row: &Row, slot: &Slot) -> Row {
        let columns = self.step.columns.iter().zip(&slot.columns);
        let value = |(column, field): (&Column, &usize)| match column {
            Column::Group(index) => shown.get(*index).cloned().flatten(),
            Column::Event => row.get(*field).cloned().flatten(),
        };
        columns.map(value).collect()
    }

    fn report(&self, shown: &Row, members: &Members, (last, value): (i64, Number), out: &mut Outbox) {
        if self.step.is_reported {
            out.results.push(Correlated {
                correlation: self.index,
                group: shown.to_vec(),
                first: timestamp(members.first),
                last: timestamp(last),
                value,
                n_matches: members.n_matches,
                handles: members.handles.clone(),
            });
        }
    }
}
