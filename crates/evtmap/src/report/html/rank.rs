//! Hosts and accounts by risk: ranked once, of which a page lists the first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::attack::Attack;
use super::builder::{by_severity, severity_index};
use super::document::{Detected, Index, Ranked};
use super::limit;
use crate::account::AccountNames;
use crate::alert::TacticRef;
use crate::risk::Risk;
use crate::severity::Severity;
use crate::triage::Summary;

/// How many alerts are named for each host and account.
const N_DECISIVE: usize = 4;
/// The least severity whose tactics are told of the whole run: what is below is found on every host.
const TACTICS_FROM: Severity = Severity::Medium;

/// The riskiest hosts and accounts, and what all of them come to.
pub(super) struct Ranks {
    pub(super) hosts: Vec<Risk>,
    pub(super) accounts: Vec<Risk>,
    pub(super) n_hosts: usize,
    pub(super) n_accounts: usize,
    span: Option<(Timestamp, Timestamp)>,
    tactics: BTreeMap<TacticRef, Severity>,
}

impl Ranks {
    /// Keeps as many as a page lists at most.
    pub(super) fn new(summary: &Summary, names: &AccountNames, n_max: usize) -> Self {
        let mut hosts = summary.hosts_at_risk.ranked(&str::to_owned);
        let mut spans = hosts.iter().map(|host| host.span);
        let mut span = spans.next().unwrap_or_default();
        spans.for_each(|of_host| span.join(of_host));
        let mut tactics = BTreeMap::new();
        for host in &hosts {
            for (tactic, severity) in &host.tactics {
                let worst = tactics.entry(tactic.clone()).or_insert(*severity);
                *worst = (*worst).max(*severity);
            }
        }
        let mut accounts = summary.accounts_at_risk.ranked(&|spelling| names.of(spelling).to_owned());
        let (n_hosts, n_accounts) = (hosts.len(), accounts.len());
        hosts.truncate(n_max);
        accounts.truncate(n_max);
        Self { hosts, accounts, n_hosts, n_accounts, span: span.0, tactics }
    }

    /// What was found on all hosts.
    pub(super) fn detected(&self, attack: &Attack) -> Detected {
        let worth = self.tactics.iter().filter(|(_, worst)| **worst >= TACTICS_FROM);
        let mut tactics: Vec<Index> = worth.filter_map(|(tactic, _)| attack.known_tactic(tactic)).collect();
        tactics.sort_unstable();
        Detected {
            hosts: self.n_hosts,
            span: self.span.map(|(first, last)| (first.as_microsecond(), last.as_microsecond())),
            tactics,
        }
    }
}

/// A host or an account of which nothing is told but its name.
pub(super) fn unranked(name: &str, name_max: usize) -> Ranked {
    Ranked {
        name: limit::name(name, name_max),
        score: 0,
        detections: [0; 5],
        tactics: Vec::new(),
        first: None,
        last: None,
        decisive: Vec::new(),
    }
}

/// What is told of a host or an account beside its name. `first` has the first alert of each finding there.
pub(super) fn rank(
    ranked: &mut Ranked,
    risk: &Risk,
    number: Index,
    first: &HashMap<(Index, &str), Index>,
    attack: &Attack,
) {
    let tactics = risk.tactics.iter();
    let mut tactics: Vec<(Index, Index)> = tactics
        .filter_map(|(tactic, worst)| Some((attack.known_tactic(tactic)?, severity_index(Some(*worst)))))
        .collect();
    tactics.sort_unstable();
    ranked.score = risk.score;
    ranked.detections = by_severity(|severity| risk.severities.get(&severity).copied());
    ranked.tactics = tactics;
    ranked.first = risk.span.0.map(|(first, _)| first.as_microsecond());
    ranked.last = risk.span.0.map(|(_, last)| last.as_microsecond());
    ranked.decisive = decisive(risk, number, first);
}

/// The alerts that tell most: of the weightiest findings first those that show a tactic which none before
/// does.
fn decisive(risk: &Risk, number: Index, first: &HashMap<(Index, &str), Index>) -> Vec<Index> {
    let mut told = BTreeSet::new();
    let mut chosen = Vec::new();
    for wants_new in [true, false] {
        for finding in &risk.findings {
            let Some(alert) = first.get(&(number, finding.key())) else { continue };
            let is_new = finding.tactics.iter().any(|tactic| !told.contains(&tactic.id));
            if chosen.len() < N_DECISIVE && !chosen.contains(alert) && (is_new || !wants_new) {
                told.extend(finding.tactics.iter().map(|tactic| tactic.id.clone()));
                chosen.push(*alert);
            }
        }
    }
    chosen
}
