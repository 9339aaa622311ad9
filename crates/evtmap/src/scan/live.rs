//! Correlations over matches that come while they happen.
//!
//! Matches come roughly in the order of time: of several logs one is written out sooner than another. Those in
//! order go to a correlator at once. One that comes late is put in its place among those that are kept, and the
//! correlator is made anew and shown all of them; what was told before is not told again. The same is done with
//! what an earlier run has kept, and when rules are replaced, so that there is one way and not three.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use evtmap_sigma::{Correlated, Correlator, Limits, Matched};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Findings;
use super::correlation::{self, Kept};
use crate::alert::{Alert, AlertEvent};
use crate::rules::Rules;

/// The largest number of matches that are kept. Each takes some 500 bytes.
const N_KEPT_MAX: usize = 100_000;
/// The largest number of results of which is known that they were told.
const N_TOLD_MAX: usize = 100_000;
/// How long after its time a match may still come, before a window is closed that nothing came to.
const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// How far ahead of the clock an event may be to be believed: clocks of hosts differ by less. One far in the future
/// would make all others late.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// For how long matches are kept beyond what windows need: one log may be forwarded later than another.
const LATENESS: SignedDuration = SignedDuration::from_hours(1);

/// What a follower leaves to the next one.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Matches that correlations may still be about, in the order of time.
    pub matches: Vec<KeptMatch>,
    /// Results that were told and may still grow.
    pub told: Vec<ToldResult>,
}

/// A match of a rule that a correlation names, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMatch {
    /// The id of the rule, or else its title.
    rule: String,
    /// The values that correlations ask for, by the names of their fields.
    values: Vec<(String, Option<Box<str>>)>,
    /// Whether it is a match of the same event as the one before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    same: bool,
    event: AlertEvent,
}

/// A result of a correlation that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldResult {
    /// The id of the correlation, or else its title.
    correlation: String,
    /// The values of its group, folded.
    group: Vec<Option<String>>,
    /// When the first of its matches was, and the last so far.
    first: Timestamp,
    last: Timestamp,
}

/// Matches in the order of time, and of those of one moment in that in which they came.
type Place = (Timestamp, u64);

/// A correlation, and the group that a result is about.
type Subject = (String, Vec<Option<String>>);

/// A match among those that are kept.
#[derive(Debug)]
struct Placed {
    /// What the correlator knows its event by.
    handle: u64,
    kept: Kept,
}

#[derive(Debug)]
pub(super) struct Live<'a> {
    rules: &'a Rules,
    findings: &'a Findings,
    correlator: Correlator<'a>,
    kept: BTreeMap<Place, Placed>,
    /// Those of them that nobody has stored.
    unsaved: Vec<Place>,
    n_numbered: u64,
    /// The correlator has seen everything up to here.
    seen_until: Timestamp,
    /// Whether a match came that is older.
    is_late: bool,
    /// Nothing older than this is kept.
    floor: Timestamp,
    now: Timestamp,
    /// The time of the newest event, and when it was the newest first.
    newest: Option<(Timestamp, Timestamp)>,
    told: HashMap<Subject, Vec<(Timestamp, Timestamp)>>,
    alerts: Vec<Alert>,
    left_out: LeftOut,
}

/// Matches that are in no correlation.
#[derive(Debug, Default)]
struct LeftOut {
    n_without_time: u64,
    n_too_many: u64,
    n_too_late: u64,
    n_ahead: u64,
    n_without_rule: u64,
}

impl<'a> Live<'a> {
    pub(super) fn new(rules: &'a Rules, findings: &'a Findings, memory: Memory) -> Self {
        let mut live = Self {
            rules,
            findings,
            correlator: Correlator::live(rules.plan(), Limits::default()),
            kept: BTreeMap::new(),
            unsaved: Vec::new(),
            n_numbered: 0,
            seen_until: Timestamp::MIN,
            is_late: false,
            floor: Timestamp::MIN,
            now: Timestamp::MAX,
            newest: None,
            told: HashMap::new(),
            alerts: Vec::new(),
            left_out: LeftOut::default(),
        };
        for told in memory.told {
            let spans = live.told.entry((told.correlation, told.group)).or_default();
            spans.push((told.first, told.last));
        }
        live.remember(memory.matches);
        live
    }

    /// Takes over what was stored, by other rules perhaps.
    fn remember(&mut self, matches: Vec<KeptMatch>) {
        let keys = self.rules.rules().iter().zip(0..).map(|(loaded, index)| {
            let metadata = &loaded.rule.metadata;
            (metadata.id.as_deref().unwrap_or(&metadata.title), index)
        });
        let keys: HashMap<&str, usize> = keys.collect();
        let mut event: Option<Arc<AlertEvent>> = None;
        let mut remembered = Vec::new();
        for matched in matches {
            let same = event.filter(|_| matched.same);
            let shared = same.unwrap_or_else(|| Arc::new(matched.event));
            event = Some(Arc::clone(&shared));
            let rule = keys.get(matched.rule.as_str()).copied();
            let Some(rule) = rule.filter(|rule| self.rules.plan().is_correlated(*rule)) else {
                self.left_out.n_without_rule += 1;
                continue;
            };
            let mut values: HashMap<String, Option<Box<str>>> = matched.values.into_iter().collect();
            let fields = self.rules.plan().fields_of(rule).iter();
            let values = fields.map(|field| values.remove(field).flatten()).collect();
            remembered.push(Kept { rule, values, event: shared });
        }
        self.keep(remembered);
        self.unsaved.clear();
    }

    /// Takes matches as they come.
    pub(super) fn keep(&mut self, matches: Vec<Kept>) {
        let mut before: Option<(Arc<AlertEvent>, u64)> = None;
        for kept in matches {
            let Some(time) = kept.event.time else {
                self.left_out.n_without_time += 1;
                continue;
            };
            if time < self.floor {
                self.left_out.n_too_late += 1;
                continue;
            }
            if self.now.checked_add(AHEAD).is_ok_and(|latest| time > latest) {
                self.left_out.n_ahead += 1;
                continue;
            }
            if self.newest.is_none_or(|(newest, _)| time > newest) {
                self.newest = Some((time, self.now));
            }
            self.n_numbered += 1;
            // Rules that match one event stand side by side and have one handle: it is one event.
            let same = before.filter(|(event, _)| Arc::ptr_eq(event, &kept.event));
            let handle = same.map_or(self.n_numbered, |(_, handle)| handle);
            before = Some((Arc::clone(&kept.event), handle));
            let place = (time, self.n_numbered);
            if time < self.seen_until {
                self.is_late = true;
            } else if !self.is_late {
                self.seen_until = time;
                self.correlator.push(matched(time, handle, &kept));
            }
            self.unsaved.push(place);
            self.kept.insert(place, Placed { handle, kept });
        }
        while self.kept.len() > N_KEPT_MAX {
            self.left_out.n_too_many += 1;
            if let Some(((oldest, _), _)) = self.kept.pop_first() {
                self.floor = self.floor.max(oldest);
            }
        }
        self.collect();
    }

    /// Puts what came late in its place, closes windows that nothing came to, and forgets what is over.
    pub(super) fn settle(&mut self, now: Timestamp, is_caught_up: bool) {
        self.now = now;
        if self.is_late {
            self.rebuild();
        }
        if is_caught_up && let Some(clock) = self.clock() {
            self.forget(clock);
            if let Ok(until) = clock.checked_sub(GRACE)
                && until > self.seen_until
            {
                self.seen_until = until;
                self.correlator.pass_until(until);
            }
        }
        self.collect();
    }

    /// What time it is for the events: that of the newest, and what has passed since it came. Logs that are
    /// forwarded an hour late are an hour behind.
    fn clock(&mut self) -> Option<Timestamp> {
        let now = self.now;
        let (newest, came) = self.newest.as_mut()?;
        // Those that came before the time was known came now.
        *came = (*came).min(now);
        let clock = newest.checked_add(now.duration_since(*came)).ok()?;
        Some(clock.min(now))
    }

    /// Shows a new correlator all that is kept.
    fn rebuild(&mut self) {
        self.is_late = false;
        self.correlator = Correlator::live(self.rules.plan(), Limits::default());
        let mut results = Vec::new();
        for (&(time, _), live) in &self.kept {
            self.correlator.push(matched(time, live.handle, &live.kept));
            results.append(&mut self.correlator.take_results());
            self.seen_until = self.seen_until.max(time);
        }
        results.iter().for_each(|result| self.tell(result));
    }

    /// Forgets what no window can be about any more.
    fn forget(&mut self, clock: Timestamp) {
        let reach = SignedDuration::from_micros(self.rules.plan().reach()).saturating_add(LATENESS);
        self.floor = self.floor.max(clock.checked_sub(reach).unwrap_or(Timestamp::MIN));
        while let Some(first) = self.kept.first_entry().filter(|entry| entry.key().0 < self.floor) {
            first.remove();
        }
        let floor = self.floor;
        self.told.retain(|_, spans| {
            spans.retain(|(_, last)| *last >= floor);
            !spans.is_empty()
        });
    }

    /// Makes alerts of what the correlator has come to.
    fn collect(&mut self) {
        for result in self.correlator.take_results() {
            self.tell(&result);
        }
    }

    /// Makes an alert of a result, unless it is one that was told and has grown.
    fn tell(&mut self, result: &Correlated) {
        let Some(loaded) = self.rules.correlations().get(result.correlation) else { return };
        let metadata = &loaded.correlation.metadata;
        let correlation = metadata.id.as_ref().unwrap_or(&metadata.title).clone();
        let group = result.group.iter().map(|value| value.as_deref().map(str::to_lowercase)).collect();
        let spans = self.told.entry((correlation, group)).or_default();
        let known = spans.iter_mut().find(|(first, last)| result.first <= *last && result.last >= *first);
        if let Some((first, last)) = known {
            (*first, *last) = ((*first).min(result.first), (*last).max(result.last));
            return;
        }
        spans.push((result.first, result.last));
        let range = self.kept.range((result.first, 0)..=(result.last, u64::MAX));
        let by_handle: HashMap<u64, &Kept> = range.map(|(_, live)| (live.handle, &live.kept)).collect();
        let members: Vec<&Kept> =
            result.handles.iter().filter_map(|handle| by_handle.get(handle).copied()).collect();
        self.alerts.extend(correlation::alert(result, &members, self.rules, self.findings));
        if self.told.len() > N_TOLD_MAX {
            // Told twice is better than a memory that an attacker fills.
            self.told.clear();
        }
    }

    pub(super) fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    pub(super) fn has_alerts(&self) -> bool {
        !self.alerts.is_empty()
    }

    pub(super) fn n_kept(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn take_unsaved(&mut self) -> Vec<KeptMatch> {
        let mut unsaved = std::mem::take(&mut self.unsaved);
        unsaved.sort_unstable();
        self.stored(unsaved.iter().filter_map(|place| self.kept.get(place)))
    }

    pub(super) fn kept(&self) -> Vec<KeptMatch> {
        self.stored(self.kept.values())
    }

    fn stored<'l>(&self, matches: impl Iterator<Item = &'l Placed>) -> Vec<KeptMatch> {
        let mut before = None;
        let stored = matches.filter_map(|live| {
            let metadata = &self.rules.rules().get(live.kept.rule)?.rule.metadata;
            let fields = self.rules.plan().fields_of(live.kept.rule).iter().cloned();
            let same = before.replace(live.handle) == Some(live.handle);
            Some(KeptMatch {
                rule: metadata.id.as_ref().unwrap_or(&metadata.title).clone(),
                values: fields.zip(live.kept.values.iter().cloned()).collect(),
                same,
                event: AlertEvent::clone(&live.kept.event),
            })
        });
        stored.collect()
    }

    pub(super) fn told(&self) -> Vec<ToldResult> {
        let all = self.told.iter().flat_map(|((correlation, group), spans)| {
            spans.iter().map(|(first, last)| ToldResult {
                correlation: correlation.clone(),
                group: group.clone(),
                first: *first,
                last: *last,
            })
        });
        all.collect()
    }

    /// What is to be said about matches that are in no correlation.
    pub(super) fn remarks(&self) -> Vec<String> {
        let LeftOut { n_without_time, n_too_many, n_too_late, n_ahead, n_without_rule } = self.left_out;
        let mut remarks = correlation::bounds(&self.correlator, self.rules);
        let mut add = |n: u64, what: &str| {
            if n > 0 {
                remarks.push(format!("{n} matches {what} are in no correlation"));
            }
        };
        add(n_without_time, "without a time");
        add(n_too_many, &format!("beyond the last {N_KEPT_MAX}"));
        add(n_too_late, "that came after the windows they belong in");
        add(n_ahead, "of more than ten minutes in the future");
        add(n_without_rule, "of an earlier run, whose rule is no longer used,");
        remarks
    }
}

fn matched(time: Timestamp, handle: u64, kept: &Kept) -> Matched {
    Matched { rule: kept.rule, time, values: Arc::clone(&kept.values), handle }
}
