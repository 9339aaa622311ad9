//! The alerts that a page has: the best of all, in bounded memory.
//!
//! Detections come before what event ids hint at, the worse before the less bad, the earlier before the later.
//! A rule that fires all day must not fill the page alone: beyond its first thousand alerts on a host each
//! further one counts a severity less, beyond ten thousand two.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use crate::alert::{Alert, AlertEvent, Kind};

/// The largest number of pairs of a rule and a host that are counted apart.
const N_PAIRS_MAX: usize = 100_000;
/// From how many alerts of a rule on a host on each counts less.
const OFTEN: u64 = 1_000;
/// How much text is kept of all alerts together, in bytes; of alerts that have no room only the beginnings of
/// their values are.
const N_BYTES_MAX: usize = 128 << 20;
/// How much of an event is always kept: the bytes of a value, and the fields.
const VALUE_MIN: usize = 1 << 10;
const N_FIELDS_MIN: usize = 64;
/// The largest text of an event that is kept whole whatever the others have.
const SMALL: usize = 8 << 10;
/// The largest value that is kept.
const VALUE_MAX: usize = 1 << 20;

/// How much is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) detections: u64,
    pub(super) associations: u64,
    pub(super) events: u64,
}

/// Keeps the best.
pub(super) struct Best {
    heap: BinaryHeap<Reverse<Kept>>,
    n_max: usize,
    n_bytes: usize,
    /// How many alerts there were of each rule, and of each on a host.
    totals: HashMap<String, u64>,
    pairs: HashMap<(String, String), u64>,
    left_out: LeftOut,
    n_seen: u64,
    /// The last event that was shortened, which the next alert may be about too.
    shortened: Option<(Arc<AlertEvent>, Arc<AlertEvent>, Vec<Cut>)>,
}

/// A value that was cut: the number of its field, none for the message, and its full length in characters.
pub(super) type Cut = (Option<usize>, usize);

/// An alert that is kept.
pub(super) struct Kept {
    class: (u8, i64),
    /// Its place among all that came.
    pub(super) number: u64,
    pub(super) alert: Alert,
    pub(super) cuts: Vec<Cut>,
    n_bytes: usize,
}

impl Kept {
    fn rank(&self) -> ((u8, i64), Reverse<u64>) {
        (self.class, Reverse(self.number))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl Best {
    pub(super) fn new(n_max: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            n_max,
            n_bytes: 0,
            totals: HashMap::new(),
            pairs: HashMap::new(),
            left_out: LeftOut::default(),
            n_seen: 0,
            shortened: None,
        }
    }

    pub(super) fn add(&mut self, alert: &Alert) {
        self.n_seen += 1;
        let number = self.n_seen;
        let class = self.class(alert);
        let is_full = self.heap.len() >= self.n_max;
        let is_worse = |least: &Reverse<Kept>| (class, Reverse(number)) < least.0.rank();
        if is_full && self.heap.peek().is_none_or(is_worse) {
            self.left_out.count(alert);
            return;
        }
        let (alert, cuts) = self.fit(alert);
        let n_bytes = n_bytes(&alert.event);
        self.n_bytes += n_bytes;
        self.heap.push(Reverse(Kept { class, number, alert, cuts, n_bytes }));
        self.keep(self.n_max);
    }

    /// Keeps only so many.
    pub(super) fn keep(&mut self, n: usize) {
        while self.heap.len() > n {
            let Some(Reverse(least)) = self.heap.pop() else { return };
            self.n_bytes = self.n_bytes.saturating_sub(least.n_bytes);
            self.left_out.count(&least.alert);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// How many alerts of a rule there were.
    pub(super) fn total(&self, key: &str) -> u64 {
        self.totals.get(key).copied().unwrap_or_default()
    }

    /// Those that are kept, in the order of time; those without a time first, in that in which they came.
    pub(super) fn in_order(&self) -> Vec<&Kept> {
        let mut all: Vec<&Kept> = self.heap.iter().map(|Reverse(kept)| kept).collect();
        all.sort_by_key(|kept| (kept.alert.event.time, kept.number));
        all
    }

    /// How good an alert is.
    fn class(&mut self, alert: &Alert) -> (u8, i64) {
        let key = alert.finding.key();
        match self.totals.get_mut(key) {
            Some(n) => *n += 1,
            None => drop(self.totals.insert(key.to_owned(), 1)),
        }
        let pair = (key.to_owned(), alert.event.said.computer.clone());
        let n_pairs = self.pairs.len();
        let n = match self.pairs.get_mut(&pair) {
            Some(n) => {
                *n += 1;
                *n
            }
            None if n_pairs < N_PAIRS_MAX => {
                self.pairs.insert(pair, 1);
                1
            }
            None => self.total(alert.finding.key()),
        };
        let steps = if n > OFTEN { i64::from((n / OFTEN).max(1).ilog10()) + 1 } else { 0 };
        let kind = match alert.finding.kind {
            Kind::Detection => 2,
            Kind::Association => 1,
            Kind::Event => 0,
        };
        (kind, alert.finding.severity.map_or(0, |severity| severity as i64) - steps)
    }

    /// The alert, with as much of its event as there is room for.
    fn fit(&mut self, alert: &Alert) -> (Alert, Vec<Cut>) {
        let n = n_bytes(&alert.event);
        let has_room = self.n_bytes.saturating_add(n) <= N_BYTES_MAX;
        if n <= SMALL || (n <= VALUE_MAX && has_room) {
            return (alert.clone(), Vec::new());
        }
        if let Some((whole, short, cuts)) = &self.shortened
            && Arc::ptr_eq(whole, &alert.event)
        {
            return (Alert { event: Arc::clone(short), ..alert.clone() }, cuts.clone());
        }
        let (value_max, n_fields_max) =
            if has_room { (VALUE_MAX, usize::MAX) } else { (VALUE_MIN, N_FIELDS_MIN) };
        let (short, cuts) = shorten(&alert.event, value_max, n_fields_max);
        let short = Arc::new(short);
        self.shortened = Some((Arc::clone(&alert.event), Arc::clone(&short), cuts.clone()));
        (Alert { event: short, ..alert.clone() }, cuts)
    }
}

impl LeftOut {
    fn count(&mut self, alert: &Alert) {
        match alert.finding.kind {
            Kind::Detection => self.detections += 1,
            Kind::Association => self.associations += 1,
            Kind::Event => self.events += 1,
        }
    }
}

/// What an event takes, roughly.
fn n_bytes(event: &AlertEvent) -> usize {
    let fields = event.said.fields.iter();
    let fields = fields.map(|(name, value)| 64 + name.len() + value.map_or(0, str::len));
    fields.sum::<usize>() + event.said.message.as_ref().map_or(0, String::len)
}

fn shorten(event: &AlertEvent, value_max: usize, n_fields_max: usize) -> (AlertEvent, Vec<Cut>) {
    let mut cuts = Vec::new();
    let mut cut = |place: Option<usize>, value: &str| {
        if value.len() <= value_max {
            return value.to_owned();
        }
        cuts.push((place, value.chars().count()));
        value.get(..value.floor_char_boundary(value_max)).unwrap_or_default().to_owned()
    };
    let n_more = event.said.fields.len().saturating_sub(n_fields_max);
    let shown = event.said.fields.iter().take(n_fields_max).enumerate();
    let mut fields: Vec<(String, Option<String>)> =
        shown.map(|(place, (name, value))| (name.to_owned(), value.map(|it| cut(Some(place), it)))).collect();
    let message = event.said.message.as_deref().map(|message| cut(None, message));
    if n_more > 0 {
        fields.push(("…".to_owned(), Some(format!("and {n_more} fields more, which are in the log"))));
    }
    (event.with_payload(fields.into_iter().collect(), message), cuts)
}
