//! Alerts counted: what to look at first.

use std::collections::BTreeMap;

use evtmap_sigma::Metadata;
use jiff::Timestamp;

use crate::alert::{Alert, Kind, TacticRef};
use crate::alike::{Alike, Alikes, DerivedFrom, Likeness};
pub use crate::alike::{BatchCounter, BatchCounts};
use crate::attack::{Catalogue, Followed};
use crate::keyed::KeyedMap;
use crate::ranking::Ranking;
use crate::risk::Risks;
use crate::rules::{Rules, SkipReason};
use crate::scan::{Findings, ScanAccount};
use crate::severity::Severity;
use crate::span::TimeSpan;

/// The largest number of different hosts, users and the like that are counted one by one. An attacker
/// writes the log: without a bound he could fill the memory with names.
const N_DISTINCT_MAX: usize = 100_000;
/// The largest number of hosts whose techniques are ranked. Each takes as much as the rules that it has alerts of.
const N_RANKED_HOSTS_MAX: usize = 64;

/// Counts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_name: KeyedMap<String, u64>,
    /// What was counted after the table was full.
    others: u64,
}

impl Counts {
    fn add(&mut self, name: &str, n: u64) {
        if let Some(counted) = self.by_name.get_mut(name) {
            *counted += n;
        } else if self.by_name.len() < N_DISTINCT_MAX {
            self.by_name.insert(name.to_owned(), n);
        } else {
            self.others += n;
        }
    }

    /// How many different names there are.
    pub fn n_distinct(&self) -> usize {
        self.by_name.len()
    }

    /// The most frequent names with their numbers, the most frequent first, equal ones by name.
    pub fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut list: Vec<(&str, u64)> = self.by_name.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        list.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        list.truncate(n);
        list
    }
}

/// The alerts of one rule on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How bad they are.
    pub severity: Severity,
    /// The rule's title.
    pub title: String,
    /// The rule's author.
    pub author: String,
    /// The rule's techniques.
    pub techniques: Vec<String>,
    /// The host; empty when unknown.
    pub computer: String,
    /// How many.
    pub n: u64,
    /// How many of them are in events that stand for those of another kind.
    pub n_derived: u64,
    /// When the first and the last were.
    pub span: TimeSpan,
}

/// What the alerts come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Detections by severity.
    pub severities: BTreeMap<Severity, u64>,
    /// Events without a detection whose id may hint at something, by severity.
    pub associations: BTreeMap<Severity, u64>,
    /// Detections by tactic.
    pub tactics: BTreeMap<TacticRef, u64>,
    /// Detections by technique, as `T1059.001 PowerShell`.
    pub techniques: Counts,
    /// Detections by rule.
    pub rules: Counts,
    /// Detections by host.
    pub hosts: Counts,
    /// Detections by user.
    pub users: Counts,
    /// Detections in events that stand for those of another kind, by what they are: `Security 4688`.
    pub derived: Counts,
    /// How many of them are by rules that make exceptions by fields which the event lacks.
    pub n_without_exceptions: u64,
    /// The fields that these lack.
    pub missing_fields: Counts,
    /// Techniques that event ids alone may hint at.
    pub hinted_techniques: Counts,
    /// Alerts to which the policy gave another severity.
    pub n_overridden: u64,
    /// All techniques, to be ranked.
    pub ranking: Ranking,
    /// The techniques of each host, to be ranked; of the first 64 hosts that have alerts.
    pub ranking_by_host: BTreeMap<String, Ranking>,
    /// Hosts, to be ranked by what was found on them.
    pub hosts_at_risk: Risks,
    /// Accounts, as events spell them, to be ranked by what was found of them.
    pub accounts_at_risk: Risks,
    groups: KeyedMap<(String, String), Group>,
}

/// Alerts that are being counted.
#[derive(Debug, Default)]
pub struct Tally {
    alikes: Alikes,
    summary: Summary,
}

impl Tally {
    /// Counts an alert.
    pub fn add(&mut self, alert: &Alert) {
        if self.alikes.add(alert) {
            self.settle();
        }
    }

    /// Counts the alerts of a batch, by what a [`BatchCounter`] has counted.
    pub fn add_batch(&mut self, counts: &BatchCounts) {
        for (likeness, counted) in counts.kinds() {
            if self.alikes.add_counted(likeness, counted) {
                self.settle();
            }
        }
    }

    /// What the alerts come to.
    pub fn finish(mut self) -> Summary {
        self.settle();
        self.summary
    }

    fn settle(&mut self) {
        self.alikes.take().iter().for_each(|alike| self.summary.add(alike));
    }
}

impl Summary {
    fn add(&mut self, alike: &Alike) {
        let finding = &alike.likeness.finding;
        let Some(severity) = finding.severity else { return };
        self.rank(alike);
        self.n_overridden += if finding.overridden.is_some() { alike.counted.n } else { 0 };
        match finding.kind {
            Kind::Event => {}
            Kind::Association => {
                *self.associations.entry(severity).or_default() += alike.counted.n;
                for technique in &finding.techniques {
                    self.hinted_techniques
                        .add(&format!("{} {}", technique.id, technique.name), alike.counted.n);
                }
            }
            Kind::Detection => self.add_detections(alike, severity),
        }
    }

    fn rank(&mut self, alike: &Alike) {
        self.ranking.add_all(alike);
        let host = alike.likeness.computer.as_str();
        if let Some(ranking) = self.ranking_by_host.get_mut(host) {
            ranking.add_all(alike);
        } else if !host.is_empty() && self.ranking_by_host.len() < N_RANKED_HOSTS_MAX {
            self.ranking_by_host.entry(host.to_owned()).or_default().add_all(alike);
        }
    }

    fn add_detections(&mut self, alike: &Alike, severity: Severity) {
        let (likeness, n) = (&alike.likeness, alike.counted.n);
        let finding = &likeness.finding;
        *self.severities.entry(severity).or_default() += n;
        for tactic in &finding.tactics {
            *self.tactics.entry(tactic.clone()).or_default() += n;
        }
        for technique in &finding.techniques {
            self.techniques.add(&format!("{} {}", technique.id, technique.name), n);
        }
        self.rules.add(finding.title(), n);
        if !likeness.computer.is_empty() {
            self.hosts.add(&likeness.computer, n);
        }
        self.hosts_at_risk.add_all(&likeness.computer, alike);
        if let Some(user) = &likeness.user {
            self.users.add(user, n);
            self.accounts_at_risk.add_all(user, alike);
        }
        if let Some(DerivedFrom { channel, event_id, derived }) = &likeness.derived {
            self.derived.add(&format!("{channel} {event_id}"), n);
            self.n_without_exceptions += if derived.missing_fields.is_empty() { 0 } else { n };
            derived.missing_fields.iter().for_each(|field| self.missing_fields.add(field, n));
        }
        if severity >= Severity::High {
            self.add_to_group(alike, severity);
        }
    }

    fn add_to_group(&mut self, alike: &Alike, severity: Severity) {
        let Likeness { finding, computer, derived, .. } = &*alike.likeness;
        let key = (finding.title().to_owned(), computer.clone());
        if self.groups.len() >= N_DISTINCT_MAX && !self.groups.contains_key(&key) {
            return;
        }
        let group = self.groups.entry(key).or_insert_with(|| Group {
            severity,
            title: finding.title().to_owned(),
            author: finding.rule.as_ref().map(|rule| rule.author.clone()).unwrap_or_default(),
            techniques: finding.techniques.iter().map(|technique| technique.id.clone()).collect(),
            computer: computer.clone(),
            n: 0,
            n_derived: 0,
            span: TimeSpan::default(),
        });
        group.n += alike.counted.n;
        group.severity = group.severity.max(severity);
        group.n_derived += if derived.is_some() { alike.counted.n } else { 0 };
        group.span.join(alike.counted.reach);
    }

    /// How many detections there are.
    pub fn n_detections(&self) -> u64 {
        self.severities.values().sum()
    }

    /// How many associations there are.
    pub fn n_associations(&self) -> u64 {
        self.associations.values().sum()
    }

    /// The worst severity of a detection.
    pub fn worst(&self) -> Option<Severity> {
        self.severities.keys().next_back().copied()
    }

    /// The critical and high detections by rule and host, the worst first and then the earliest.
    pub fn notable(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        let first = |group: &Group| group.span.0.map_or(Timestamp::MAX, |(first, _)| first);
        groups.sort_by(|a, b| {
            let by_severity = b.severity.cmp(&a.severity);
            by_severity
                .then_with(|| (first(a), &a.title, &a.computer).cmp(&(first(b), &b.title, &b.computer)))
        });
        groups
    }

    /// Detections by tactic in the matrix's order.
    pub fn tactics_in_order(&self, catalogue: &Catalogue) -> Vec<(&TacticRef, u64)> {
        let ids: Vec<String> = catalogue.tactics().iter().map(|tactic| tactic.id.to_string()).collect();
        let mut list: Vec<(&TacticRef, u64)> = self.tactics.iter().map(|(tactic, n)| (tactic, *n)).collect();
        list.sort_by_key(|(tactic, _)| ids.iter().position(|id| *id == tactic.id).unwrap_or(usize::MAX));
        list
    }
}

/// What rules were used and what became of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesAccount {
    /// Where they are from, as the user named it.
    pub origins: Vec<String>,
    /// How many are used, correlations included.
    pub n_used: usize,
    /// Those that are not used, by reason, with examples.
    pub skipped: BTreeMap<SkipReason, Skipped>,
    /// The day of the newest of them, as it says itself.
    pub newest: Option<String>,
    /// Tags of ATT&CK that the loaded release does not know, and how many rules have them.
    pub unresolved_tags: BTreeMap<String, usize>,
    /// Tags of another release of ATT&CK with what they mean in the loaded one, and how many rules have them.
    pub followed_tags: BTreeMap<Followed, usize>,
}

/// Rules that are not used for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub n: usize,
    /// The first of them: the file, and more about why. Of those that a user may want to mend, up to a
    /// hundred.
    pub examples: Vec<String>,
}

impl RulesAccount {
    /// The account of loaded rules.
    pub fn new(origins: Vec<String>, rules: &Rules, findings: &Findings) -> Self {
        let mut account =
            Self { origins, n_used: rules.rules().len() + rules.correlations().len(), ..Self::default() };
        for rule in rules.skipped() {
            let skipped = account.skipped.entry(rule.reason).or_default();
            skipped.n += 1;
            let n_max = if rule.reason.is_worth_a_look() { 100 } else { 3 };
            if skipped.examples.len() < n_max {
                skipped.examples.push(format!("{} ({})", rule.path, rule.detail));
            }
        }
        let dates = rules.rules().iter().map(|loaded| &loaded.rule.metadata);
        let dates = dates.chain(rules.correlations().iter().map(|loaded| &loaded.correlation.metadata));
        account.newest = dates.filter_map(Metadata::newest).max().map(str::to_owned);
        for followed in findings.followed() {
            *account.followed_tags.entry(followed.clone()).or_default() += 1;
        }
        for unresolved in findings.unresolved() {
            *account.unresolved_tags.entry(unresolved.tag.clone()).or_default() += 1;
        }
        account
    }
}

/// All that a report is made of, alerts apart.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// What the alerts come to.
    pub summary: &'a Summary,
    /// What was looked at and what was not.
    pub scan: &'a ScanAccount,
    /// What rules were used.
    pub rules: &'a RulesAccount,
    /// The catalogue that names techniques and tactics.
    pub catalogue: &'a Catalogue,
    /// Where the catalogue is from, in words.
    pub catalogue_origin: &'a str,
}
