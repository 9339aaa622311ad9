//! Alerts that are alike: of one finding, on one host, about one account. What is counted of them is looked up
//! once for all of them.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use rustc_hash::FxHashMap;

use crate::alert::{Alert, Derived, Finding};
use crate::span::TimeSpan;

/// How many kinds of alerts are kept apart before they are counted. A log that is quiet on one host has some
/// fifty; an attacker may write one that has as many as events.
const N_KINDS_MAX: usize = 4_096;

/// So many alerts of one finding, on one host, about one account.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    /// What was found.
    pub(crate) finding: Arc<Finding>,
    /// The host; empty when unknown.
    pub(crate) computer: String,
    /// The account, as far as the events say.
    pub(crate) user: Option<String>,
    /// Where the events stand for those of another kind.
    pub(crate) derived: Option<DerivedFrom>,
    pub(crate) counted: Counted,
}

/// How many alerts there are, and of when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) n: u64,
    /// When their events were.
    pub(crate) times: TimeSpan,
    /// When everything was that they are about: a correlation is about several events.
    pub(crate) reach: TimeSpan,
}

impl Counted {
    /// One alert.
    pub(crate) fn of(alert: &Alert) -> Self {
        let mut counted = Self::default();
        counted.add(alert);
        counted
    }

    fn add(&mut self, alert: &Alert) {
        self.n += 1;
        alert.event.time.into_iter().for_each(|time| self.times.add(time));
        match &alert.correlation {
            Some(correlation) => {
                self.reach.add(correlation.first);
                self.reach.add(correlation.last);
            }
            None => alert.event.time.into_iter().for_each(|time| self.reach.add(time)),
        }
    }

    fn join(&mut self, other: Self) {
        self.n += other.n;
        self.times.join(other.times);
        self.reach.join(other.reach);
    }
}

/// Of which events others were derived, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DerivedFrom {
    pub(crate) channel: String,
    pub(crate) event_id: u32,
    pub(crate) derived: Arc<Derived>,
}

impl Alike {
    /// Alerts like this one, so many.
    pub(crate) fn of(alert: &Alert, counted: Counted) -> Self {
        let event = &alert.event;
        Self {
            finding: Arc::clone(&alert.finding),
            computer: event.said.computer.clone(),
            user: event.said.user.clone(),
            derived: alert.derived.as_ref().map(|derived| DerivedFrom {
                channel: event.said.channel.clone(),
                event_id: event.said.event_id.unwrap_or_default(),
                derived: Arc::clone(derived),
            }),
            counted,
        }
    }

    fn common(&self) -> Common<'_> {
        let derived = self.derived.as_ref();
        Common {
            finding: self.finding.address(),
            computer: &self.computer,
            user: self.user.as_deref(),
            derived: derived.map(|from| (from.channel.as_str(), from.event_id, &*from.derived)),
        }
    }
}

/// What alerts that are alike have in common.
#[derive(PartialEq, Eq)]
struct Common<'a> {
    /// The address of the finding.
    finding: usize,
    computer: &'a str,
    user: Option<&'a str>,
    /// The channel and event id of events that stand for those of another kind, and what of them.
    derived: Option<(&'a str, u32, &'a Derived)>,
}

impl<'a> Common<'a> {
    fn of(alert: &'a Alert) -> Self {
        let said = &alert.event.said;
        let derived = alert.derived.as_deref();
        let derived = derived.map(|derived| (&*said.channel, said.event_id.unwrap_or_default(), derived));
        Self {
            finding: alert.finding.address(),
            computer: &said.computer,
            user: said.user.as_deref(),
            derived,
        }
    }

    /// The texts come out of logs: the hash has a seed that nobody knows.
    fn hash(&self, hasher: &RandomState) -> u64 {
        let mut state = hasher.build_hasher();
        state.write_usize(self.finding);
        state.write(self.computer.as_bytes());
        state.write(self.user.unwrap_or_default().as_bytes());
        state.finish()
    }
}

/// Alerts put together by what they have in common, in the order in which the first of each came.
#[derive(Debug, Default)]
pub(crate) struct Alikes {
    kinds: Vec<Alike>,
    /// Where each is among them, and its hash.
    places: HashTable<(usize, u64)>,
    hasher: RandomState,
}

impl Alikes {
    /// Puts alerts to those that they are like, of which one is given. Gives whether there are now so many kinds that
    /// they should be counted.
    pub(crate) fn add(&mut self, alert: &Alert, counted: Counted) -> bool {
        let (common, kinds) = (Common::of(alert), &mut self.kinds);
        let hash = common.hash(&self.hasher);
        let is_own = |place: &usize| kinds.get(*place).is_some_and(|alike| alike.common() == common);
        let place = self.places.find(hash, |(place, _)| is_own(place));
        if let Some(alike) = place.and_then(|(place, _)| kinds.get_mut(*place)) {
            alike.counted.join(counted);
            return false;
        }
        kinds.push(Alike::of(alert, counted));
        self.places.insert_unique(hash, (kinds.len() - 1, hash), |(_, hash)| *hash);
        kinds.len() >= N_KINDS_MAX
    }

    /// Gives them all, to be counted, and begins anew.
    pub(crate) fn take(&mut self) -> Vec<Alike> {
        self.places.clear();
        std::mem::take(&mut self.kinds)
    }
}

/// The alerts of a batch counted by what they have in common. Whoever makes alerts counts them at once, while they are
/// near: to look at each again costs another thread more than to find it out.
#[derive(Debug, Default)]
pub struct BatchCounts {
    /// Which alert is the first of its kind, and how many there are, in the order in which these came.
    kinds: Vec<(usize, Counted)>,
    /// As of [`Alikes`].
    places: HashTable<(usize, u64)>,
    hasher: RandomState,
    /// The place of alerts about what came again, by where these stand that make them alike.
    again: FxHashMap<[usize; 3], usize>,
}

impl BatchCounts {
    /// Counts alerts, and forgets those of another batch.
    pub fn count(&mut self, alerts: &[Alert]) {
        self.kinds.clear();
        self.places.clear();
        self.again.clear();
        for (number, alert) in alerts.iter().enumerate() {
            let place = self.place_again(alerts, number);
            if let Some((_, counted)) = self.kinds.get_mut(place) {
                counted.add(alert);
            }
        }
    }

    /// The place of an alert's kind. What an event says that came again is the same in many.
    fn place_again(&mut self, alerts: &[Alert], number: usize) -> usize {
        let Some(alert) = alerts.get(number).filter(|alert| Arc::strong_count(&alert.event.said) > 1) else {
            return self.place(alerts, number);
        };
        // INVARIANT: nothing else comes to stand where these do as long as the alerts are there.
        let derived = alert.derived.as_ref().map_or(0, |derived| Arc::as_ptr(derived).addr());
        let key = [alert.finding.address(), Arc::as_ptr(&alert.event.said).addr(), derived];
        if let Some(place) = self.again.get(&key) {
            return *place;
        }
        let place = self.place(alerts, number);
        self.again.insert(key, place);
        place
    }

    /// The place of an alert's kind among them, a new one if it is the first.
    fn place(&mut self, alerts: &[Alert], number: usize) -> usize {
        let Self { kinds, places, hasher, .. } = self;
        let Some(common) = alerts.get(number).map(Common::of) else { return kinds.len() };
        let hash = common.hash(hasher);
        let is_own = |place: &usize| {
            let first = kinds.get(*place).and_then(|(first, _)| alerts.get(*first));
            first.is_some_and(|first| Common::of(first) == common)
        };
        if let Some((place, _)) = places.find(hash, |(place, _)| is_own(place)) {
            return *place;
        }
        places.insert_unique(hash, (kinds.len(), hash), |(_, hash)| *hash);
        kinds.push((number, Counted::default()));
        kinds.len() - 1
    }

    /// Moves the first alert of each kind to the front, and gives those that nobody needs to look at any more.
    pub(crate) fn rest<'a>(&mut self, alerts: &'a mut Vec<Alert>) -> impl Iterator<Item = Alert> + 'a {
        // INVARIANT: the first of a kind stands behind those of all kinds before, so that none is moved away again.
        for (place, (first, _)) in self.kinds.iter_mut().enumerate() {
            if *first < alerts.len() && place < *first {
                alerts.swap(place, *first);
                *first = place;
            }
        }
        alerts.drain(self.kinds.len().min(alerts.len())..)
    }

    /// One alert of each kind, and how many there are of it. The alerts are those that were counted.
    pub(crate) fn kinds<'a>(&self, alerts: &'a [Alert]) -> impl Iterator<Item = (&'a Alert, Counted)> {
        self.kinds.iter().filter_map(|(first, counted)| Some((alerts.get(*first)?, *counted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Said;
    use crate::alert::tests::alerts;

    /// What is alike comes to one; what differs in anything that is counted stays apart.
    #[test]
    fn what_is_alike_comes_to_one() {
        let mut all = alerts();
        let detection = all.iter().find(|alert| alert.derived.is_some()).unwrap().clone();
        let changed = |change: fn(&mut Alert)| {
            let mut alert = detection.clone();
            change(&mut alert);
            alert
        };
        all.extend([
            changed(|alert| Arc::make_mut(&mut alert.event).said_mut().computer = "WS02".to_owned()),
            changed(|alert| Arc::make_mut(&mut alert.event).said_mut().user = None),
            changed(|alert| Arc::make_mut(&mut alert.event).said_mut().event_id = Some(1)),
            changed(|alert| alert.derived = None),
            changed(|alert| {
                Arc::make_mut(alert.derived.as_mut().unwrap()).missing_fields.push("Hashes".to_owned());
            }),
        ]);
        let (mut alikes, mut counts) = (Alikes::default(), BatchCounts::default());
        // What an event says is the same there, as it is of events that come again, or is said anew.
        let anew = all.iter().map(|alert| {
            let mut alert = alert.clone();
            let event = Arc::make_mut(&mut alert.event);
            event.said = Arc::new(Said::clone(&event.said));
            alert
        });
        let twice: Vec<_> = all.iter().cloned().chain(anew).collect();
        for by_batch in [false, true, false] {
            if by_batch {
                counts.count(&twice);
                assert_eq!(counts.kinds(&twice).count(), all.len());
                counts.kinds(&twice).for_each(|(alert, counted)| assert!(!alikes.add(alert, counted)));
            } else {
                all.iter().for_each(|alert| assert!(!alikes.add(alert, Counted::of(alert))));
            }
        }
        let kinds = alikes.take();
        assert_eq!(kinds.len(), all.len());
        for (alike, alert) in kinds.iter().zip(&all) {
            assert!(alike.common() == Common::of(alert), "in the order in which the first of each came");
            assert_eq!(alike.counted.n, 4);
            assert_eq!(alike.counted.times.0, alert.event.time.map(|time| (time, time)));
        }
        assert!(alikes.take().is_empty());
        let mut kept: Vec<_> = all.iter().take(1).chain(&twice).cloned().collect();
        counts.count(&kept);
        assert_eq!(counts.rest(&mut kept).count(), 1 + all.len());
        assert_eq!(kept, all);
        assert_eq!(counts.kinds(&kept).map(|(_, counted)| counted.n).sum::<u64>(), 1 + twice.len() as u64);
        counts.count(&all[..1]);
        assert_eq!(counts.kinds(&all[..1]).count(), 1, "those of the batch before are forgotten");
    }
}
