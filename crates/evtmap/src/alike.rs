//! Alerts that are alike: of one finding, on one host, about one account. What is counted of them is looked up
//! once for all of them.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::alert::{Alert, Derived, Finding};
use crate::scan::TimeSpan;

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
    /// How many they are.
    pub(crate) n: u64,
    /// When their events were.
    pub(crate) times: TimeSpan,
    /// When everything was that they are about: a correlation is about several events.
    pub(crate) reach: TimeSpan,
}

/// Of which events others were derived, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DerivedFrom {
    pub(crate) channel: String,
    pub(crate) event_id: u32,
    pub(crate) derived: Arc<Derived>,
}

impl Alike {
    /// One alert.
    pub(crate) fn of(alert: &Alert) -> Self {
        let event = &alert.event;
        let mut alike = Self {
            finding: Arc::clone(&alert.finding),
            computer: event.said.computer.clone(),
            user: event.said.user.clone(),
            derived: alert.derived.as_ref().map(|derived| DerivedFrom {
                channel: event.said.channel.clone(),
                event_id: event.said.event_id.unwrap_or_default(),
                derived: Arc::clone(derived),
            }),
            n: 0,
            times: TimeSpan::default(),
            reach: TimeSpan::default(),
        };
        alike.add(alert);
        alike
    }

    /// Whether an alert is one of them.
    fn has(&self, alert: &Alert) -> bool {
        let event = &alert.event;
        Arc::ptr_eq(&self.finding, &alert.finding)
            && self.computer == event.said.computer
            && self.user == event.said.user
            && match (&self.derived, &alert.derived) {
                (None, None) => true,
                (Some(from), Some(derived)) => {
                    from.channel == event.said.channel
                        && from.event_id == event.said.event_id.unwrap_or_default()
                        && from.derived == *derived
                }
                _ => false,
            }
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
}

/// Alerts put together by what they have in common, in the order in which the first of each came.
#[derive(Debug, Default)]
pub(crate) struct Alikes {
    kinds: Vec<Alike>,
    /// Where each is among them. The texts come out of logs: the hash has a seed that nobody knows.
    places: HashTable<usize>,
    hasher: RandomState,
}

impl Alikes {
    /// Puts an alert to those that it is like. Gives whether there are now so many kinds that they should be
    /// counted.
    pub(crate) fn add(&mut self, alert: &Alert) -> bool {
        let hash =
            hash(&self.hasher, &alert.finding, &alert.event.said.computer, alert.event.said.user.as_deref());
        let kinds = &mut self.kinds;
        let place = self.places.find(hash, |place| kinds.get(*place).is_some_and(|alike| alike.has(alert)));
        if let Some(alike) = place.and_then(|place| kinds.get_mut(*place)) {
            alike.add(alert);
            return false;
        }
        kinds.push(Alike::of(alert));
        let rehash = |place: &usize| {
            kinds.get(*place).map_or(0, |alike| {
                self::hash(&self.hasher, &alike.finding, &alike.computer, alike.user.as_deref())
            })
        };
        self.places.insert_unique(hash, kinds.len() - 1, rehash);
        kinds.len() >= N_KINDS_MAX
    }

    /// Gives them all, to be counted, and begins anew.
    pub(crate) fn take(&mut self) -> Vec<Alike> {
        self.places.clear();
        std::mem::take(&mut self.kinds)
    }
}

fn hash(hasher: &RandomState, finding: &Arc<Finding>, computer: &str, user: Option<&str>) -> u64 {
    let mut state = hasher.build_hasher();
    state.write_usize(Arc::as_ptr(finding) as usize);
    state.write(computer.as_bytes());
    state.write(user.unwrap_or_default().as_bytes());
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let mut alikes = Alikes::default();
        for _ in 0..3 {
            all.iter().for_each(|alert| assert!(!alikes.add(alert)));
        }
        let kinds = alikes.take();
        assert_eq!(kinds.len(), all.len());
        for (alike, alert) in kinds.iter().zip(&all) {
            assert!(alike.has(alert), "in the order in which the first of each came");
            assert_eq!(alike.n, 3);
        }
        assert!(alikes.take().is_empty());
    }
}
