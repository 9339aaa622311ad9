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
/// How many bytes what they have in common may take: names of hosts and accounts may be long.
const N_BYTES_MAX: usize = 4 << 20;

/// What alerts have in common that are alike.
#[derive(Debug)]
pub(crate) struct Likeness {
    /// What was found.
    pub(crate) finding: Arc<Finding>,
    /// The host; empty when unknown.
    pub(crate) computer: String,
    /// The account, as far as the events say.
    pub(crate) user: Option<String>,
    /// Where the events stand for those of another kind.
    pub(crate) derived: Option<DerivedFrom>,
}

/// So many alerts that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    pub(crate) likeness: Arc<Likeness>,
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

impl Likeness {
    /// What an alert has in common with those that are like it.
    fn of(alert: &Alert) -> Self {
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
        }
    }

    /// How much memory it takes, in bytes, about.
    fn n_bytes(&self) -> usize {
        let derived = self.derived.as_ref().map_or(0, |derived| derived.channel.len());
        size_of::<Self>() + self.computer.len() + self.user.as_ref().map_or(0, String::len) + derived
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

impl Alike {
    /// One alert.
    pub(crate) fn of(alert: &Alert) -> Self {
        Self { likeness: Arc::new(Likeness::of(alert)), counted: Counted::of(alert) }
    }
}

/// The same, where it stands in an alert.
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

/// Where what alerts have in common stands in a list.
#[derive(Debug, Default)]
struct Index {
    /// The places, each with its hash.
    places: HashTable<(usize, u64)>,
    hasher: RandomState,
}

impl Index {
    /// Its place, by what stands at each; the hash by which to add it where it has none.
    fn find<'a>(
        &self,
        common: &Common<'_>,
        at: impl Fn(usize) -> Option<&'a Arc<Likeness>>,
    ) -> Result<usize, u64> {
        let hash = common.hash(&self.hasher);
        let is_own = |place: usize| at(place).is_some_and(|likeness| likeness.common() == *common);
        self.places.find(hash, |(place, _)| is_own(*place)).map(|(place, _)| *place).ok_or(hash)
    }

    fn add(&mut self, hash: u64, place: usize) {
        self.places.insert_unique(hash, (place, hash), |(_, hash)| *hash);
    }

    fn clear(&mut self) {
        self.places.clear();
    }
}

/// Alerts put together by what they have in common, in the order in which the first of each came.
#[derive(Debug, Default)]
pub(crate) struct Alikes {
    kinds: Vec<Alike>,
    index: Index,
    /// Where those are that counters have made, by their address, which no other has as long as they are here. Each
    /// counter makes its own.
    met: FxHashMap<usize, (usize, Arc<Likeness>)>,
    /// How many bytes they take, and what kinds have in common.
    n_bytes: usize,
}

impl Alikes {
    /// Puts an alert to those that it is like. Gives whether there is now so much that it should be counted.
    pub(crate) fn add(&mut self, alert: &Alert) -> bool {
        let place = self.place(&Common::of(alert), || Arc::new(Likeness::of(alert)));
        self.join(place, Counted::of(alert))
    }

    /// Puts alerts to those that they are like. Gives the same.
    pub(crate) fn add_counted(&mut self, likeness: &Arc<Likeness>, counted: Counted) -> bool {
        let address = Arc::as_ptr(likeness).addr();
        let place = match self.met.get(&address) {
            Some((place, _)) => *place,
            None => {
                let place = self.place(&likeness.common(), || Arc::clone(likeness));
                self.n_bytes += likeness.n_bytes();
                self.met.insert(address, (place, Arc::clone(likeness)));
                place
            }
        };
        self.join(place, counted)
    }

    fn place(&mut self, common: &Common<'_>, likeness: impl FnOnce() -> Arc<Likeness>) -> usize {
        let found = self.index.find(common, |place| self.kinds.get(place).map(|alike| &alike.likeness));
        found.unwrap_or_else(|hash| {
            let (place, likeness) = (self.kinds.len(), likeness());
            self.index.add(hash, place);
            self.n_bytes += likeness.n_bytes();
            self.kinds.push(Alike { likeness, counted: Counted::default() });
            place
        })
    }

    fn join(&mut self, place: usize, counted: Counted) -> bool {
        if let Some(alike) = self.kinds.get_mut(place) {
            alike.counted.join(counted);
        }
        self.kinds.len() >= N_KINDS_MAX || self.n_bytes >= N_BYTES_MAX
    }

    /// Gives them all, to be counted, and begins anew.
    pub(crate) fn take(&mut self) -> Vec<Alike> {
        self.index.clear();
        self.met.clear();
        self.n_bytes = 0;
        std::mem::take(&mut self.kinds)
    }
}

/// The alerts of a batch counted by what they have in common, in the order in which the first of each kind came.
#[derive(Debug, Default)]
pub struct BatchCounts {
    kinds: Vec<(Arc<Likeness>, Counted)>,
}

impl BatchCounts {
    /// What alerts have in common, and how many there are of each kind.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&Arc<Likeness>, Counted)> {
        self.kinds.iter().map(|(likeness, counted)| (likeness, *counted))
    }
}

/// Counts the alerts of batches by what they have in common. Whoever makes alerts counts them at once, while they are
/// near: to look at each again costs another thread more than to find it out. What those of earlier batches had in
/// common is known, so that nothing but numbers is left to be put together.
#[derive(Debug, Default)]
pub struct BatchCounter {
    known: Vec<Known>,
    /// How many bytes these take.
    n_bytes: usize,
    index: Index,
    /// The place in the batch of alerts about what came again, by where these stand that make them alike.
    again: FxHashMap<[usize; 3], usize>,
    n_batches: u64,
}

/// What alerts had in common.
#[derive(Debug)]
struct Known {
    likeness: Arc<Likeness>,
    /// In which batch it came last, and its place there.
    last: (u64, usize),
}

impl BatchCounter {
    /// Counts alerts. What `counts` has of another batch is forgotten.
    pub fn count(&mut self, alerts: &[Alert], counts: &mut BatchCounts) {
        counts.kinds.clear();
        self.again.clear();
        self.n_batches += 1;
        for alert in alerts {
            let place = self.place_again(alert, counts);
            if let Some((_, counted)) = counts.kinds.get_mut(place) {
                counted.add(alert);
            }
        }
    }

    /// The place of an alert's kind in the batch. What an event says that came again is the same in many.
    fn place_again(&mut self, alert: &Alert, counts: &mut BatchCounts) -> usize {
        if Arc::strong_count(&alert.event.said) == 1 {
            return self.place(alert, counts);
        }
        // INVARIANT: nothing else comes to stand where these do as long as the alerts are there.
        let derived = alert.derived.as_ref().map_or(0, |derived| Arc::as_ptr(derived).addr());
        let key = [alert.finding.address(), Arc::as_ptr(&alert.event.said).addr(), derived];
        if let Some(place) = self.again.get(&key) {
            return *place;
        }
        let place = self.place(alert, counts);
        self.again.insert(key, place);
        place
    }

    /// The place of an alert's kind in the batch, a new one if it is the first.
    fn place(&mut self, alert: &Alert, counts: &mut BatchCounts) -> usize {
        let at = |place: usize| self.known.get(place).map(|known| &known.likeness);
        let found = self.index.find(&Common::of(alert), at);
        let place = found.unwrap_or_else(|hash| self.learn(alert, hash));
        let Some(known) = self.known.get_mut(place) else { return counts.kinds.len() };
        if known.last.0 != self.n_batches {
            known.last = (self.n_batches, counts.kinds.len());
            counts.kinds.push((Arc::clone(&known.likeness), Counted::default()));
        }
        known.last.1
    }

    fn learn(&mut self, alert: &Alert, hash: u64) -> usize {
        // One that is forgotten and comes again is another one until all are put together.
        if self.known.len() >= N_KINDS_MAX || self.n_bytes >= N_BYTES_MAX {
            self.known.clear();
            self.index.clear();
            self.n_bytes = 0;
        }
        let likeness = Arc::new(Likeness::of(alert));
        self.n_bytes += likeness.n_bytes();
        let place = self.known.len();
        self.index.add(hash, place);
        self.known.push(Known { likeness, last: (0, 0) });
        place
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
        let (mut alikes, mut counter, mut counts) =
            (Alikes::default(), BatchCounter::default(), BatchCounts::default());
        // What an event says is the same there, as it is of events that come again, or is said anew.
        let anew = all.iter().map(|alert| {
            let mut alert = alert.clone();
            let event = Arc::make_mut(&mut alert.event);
            event.said = Arc::new(Said::clone(&event.said));
            alert
        });
        let twice: Vec<_> = all.iter().cloned().chain(anew).collect();
        for by_batch in [false, true, true, false] {
            if by_batch {
                counter.count(&twice, &mut counts);
                assert_eq!(counts.kinds().count(), all.len());
                counts.kinds().for_each(|(like, counted)| assert!(!alikes.add_counted(like, counted)));
            } else {
                all.iter().for_each(|alert| assert!(!alikes.add(alert)));
            }
        }
        let kinds = alikes.take();
        assert_eq!(kinds.len(), all.len());
        for (alike, alert) in kinds.iter().zip(&all) {
            assert!(
                alike.likeness.common() == Common::of(alert),
                "in the order in which the first of each came"
            );
            assert_eq!(alike.counted.n, 6);
            assert_eq!(alike.counted.times.0, alert.event.time.map(|time| (time, time)));
        }
        assert!(alikes.take().is_empty());
        counter.count(&all[..1], &mut counts);
        assert_eq!(counts.kinds().count(), 1, "those of the batch before are forgotten");
        counts.kinds().for_each(|(like, counted)| assert!(!alikes.add_counted(like, counted)));
        assert_eq!(alikes.take().len(), 1, "what was met before all were given is met anew");
    }

    /// Alerts on so many hosts whose names have so many bytes, twice: how often all were given to be counted.
    fn n_times_taken(n_hosts: usize, n_bytes: usize) -> usize {
        let (mut alikes, mut counter, mut counts) =
            (Alikes::default(), BatchCounter::default(), BatchCounts::default());
        let on = |number: usize| {
            let mut alert = alerts().swap_remove(0);
            Arc::make_mut(&mut alert.event).said_mut().computer = format!("{number:0n_bytes$}");
            alert
        };
        let many: Vec<_> = (0..n_hosts).map(on).collect();
        let (mut n, mut n_taken) = (0, 0);
        for batch in many.chunks(1_000).chain(many.chunks(999)) {
            counter.count(batch, &mut counts);
            assert!(
                counter.known.len() <= N_KINDS_MAX && counter.n_bytes < N_BYTES_MAX + 2 * n_bytes + 1_000
            );
            for (likeness, counted) in counts.kinds() {
                if alikes.add_counted(likeness, counted) {
                    n += alikes.take().iter().map(|alike| alike.counted.n).sum::<u64>();
                    n_taken += 1;
                }
                assert!(alikes.n_bytes < N_BYTES_MAX);
            }
        }
        n += alikes.take().iter().map(|alike| alike.counted.n).sum::<u64>();
        assert_eq!(n, 2 * many.len() as u64, "each is counted");
        n_taken
    }

    /// However many kinds there are, and however long their names, so many are known at once.
    #[test]
    fn what_is_known_is_bounded() {
        assert_eq!(n_times_taken(100, 10), 0);
        assert_eq!(n_times_taken(N_KINDS_MAX + 100, 10), 2);
        assert!(n_times_taken(200, 64_000) > 3);
    }
}
