//! A policy made ready for a scan.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use evtmap_sigma::CompiledRule;
use rustc_hash::FxHashMap;

use super::{AccountGlob, ExclusionAccount, Filter, HostGlob, Policy, PolicyAccount};
use crate::alert::{AlertEvent, Finding, Kind, Overridden};
use crate::event::Event;
use crate::severity::Severity;

/// Critical host, critical account, both or none.
const N_CRITICAL: usize = 4;

/// A policy and the findings of a scan: what of it each of them may meet.
pub(crate) struct Applied<'a> {
    policy: &'a Policy,
    min_severity: Severity,
    /// By the address of the finding, which the scan keeps.
    findings: FxHashMap<usize, Ready>,
    /// By exclusion.
    n_hidden: Vec<AtomicU64>,
}

/// What of a policy a finding may meet.
struct Ready {
    /// Overrides, the most specific first.
    overrides: Vec<usize>,
    /// Exclusions, and which of the filters of each are about the rule.
    exclusions: Vec<(usize, Vec<usize>)>,
    /// Whether its matches count for something even if they are not told.
    is_correlated: bool,
    /// The finding with another severity, by override (the last one for none) and by what is critical; made
    /// when the first event asks for it, and shared by all that do.
    told: Vec<OnceLock<Arc<Finding>>>,
}

/// Where something happened, and which accounts it is about.
pub(crate) enum Subject<'a> {
    /// In an event as it was read.
    Event(&'a Event),
    /// In what is kept of several.
    Kept(&'a AlertEvent),
}

/// The fields that name an account: that of the domain, and that of the name.
const ACCOUNTS: [(&str, &str); 2] =
    [("SubjectDomainName", "SubjectUserName"), ("TargetDomainName", "TargetUserName")];

impl Subject<'_> {
    fn computer(&self) -> &str {
        match self {
            Self::Event(event) => event.computer(),
            Self::Kept(event) => &event.said.computer,
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        match self {
            Self::Event(event) => event.find(name).next()?.text(),
            Self::Kept(event) => event.said.fields.get(name)?,
        }
    }

    pub(super) fn is_on(&self, hosts: &[HostGlob]) -> bool {
        hosts.iter().any(|glob| glob.matches(self.computer()))
    }

    pub(super) fn is_about(&self, accounts: &[AccountGlob]) -> bool {
        let is_one = |account: &str| accounts.iter().any(|glob| glob.matches(account));
        let user = match self {
            Self::Event(event) => event.user().map(|user| user.to_string()),
            Self::Kept(event) => event.said.user.clone(),
        };
        user.is_some_and(|user| is_one(&user))
            || ACCOUNTS.iter().any(|(domain, name)| {
                let Some(name) = self.field(name) else { return false };
                is_one(&format!("{}\\{name}", self.field(domain).unwrap_or_default()))
            })
    }
}

impl<'a> Applied<'a> {
    pub(crate) fn new(policy: &'a Policy, min_severity: Severity) -> Self {
        let n_hidden = policy.exclusions.iter().map(|_| AtomicU64::new(0)).collect();
        Self { policy, min_severity, findings: FxHashMap::default(), n_hidden }
    }

    /// Learns what a rule says; `is_correlated` is whether correlations ask for its matches.
    pub(crate) fn add_rule(&mut self, finding: &Arc<Finding>, rule: &CompiledRule, is_correlated: bool) {
        self.add(finding, &rule.metadata.tags, |filters| {
            let is_ours = |filter: &Filter| filter.is_about(&rule.metadata, &rule.logsource);
            let ours = (0..).zip(filters).filter(|(_, filter)| is_ours(filter)).map(|(number, _)| number);
            Some(ours.collect::<Vec<usize>>()).filter(|ours| filters.is_empty() || !ours.is_empty())
        });
        if let Some(ready) = self.findings.get_mut(&finding.address()) {
            ready.is_correlated = is_correlated;
        }
    }

    /// Learns what a correlation or an association says. Filters are not about them.
    pub(crate) fn add_other(&mut self, finding: &Arc<Finding>, tags: &[String]) {
        self.add(finding, tags, |filters| filters.is_empty().then(Vec::new));
    }

    fn add(
        &mut self,
        finding: &Arc<Finding>,
        tags: &[String],
        ours: impl Fn(&[Filter]) -> Option<Vec<usize>>,
    ) {
        let policy = self.policy;
        let met = (0..).zip(&policy.overrides).filter_map(|(number, own): (usize, _)| {
            Some((Reverse((own.scope.specificity(finding, tags)?, number)), number))
        });
        let mut overrides: Vec<_> = met.collect();
        overrides.sort_unstable();
        let exclusions = (0..).zip(&policy.exclusions).filter_map(|(number, own)| {
            own.scope.specificity(finding, tags).filter(|_| !own.is_expired(policy.today))?;
            Some((number, ours(&own.filters)?))
        });
        let ready = Ready {
            exclusions: exclusions.collect(),
            is_correlated: false,
            told: (0..(overrides.len() + 1) * N_CRITICAL).map(|_| OnceLock::new()).collect(),
            overrides: overrides.into_iter().map(|(_, number)| number).collect(),
        };
        let is_critical = !policy.critical.hosts.is_empty() || !policy.critical.accounts.is_empty();
        if is_critical || !ready.overrides.is_empty() || !ready.exclusions.is_empty() {
            self.findings.insert(finding.address(), ready);
        }
    }

    /// The finding as it is told where it was found: with another severity, or as it is.
    pub(crate) fn told<'s>(&'s self, finding: &'s Arc<Finding>, subject: &Subject<'_>) -> &'s Arc<Finding> {
        let Some(ready) = self.findings.get(&finding.address()) else { return finding };
        // What an event id hints at has a severity of its own, far below that of a rule.
        if finding.kind != Kind::Detection {
            return finding;
        }
        let holds =
            |number: &usize| self.policy.overrides.get(*number).is_some_and(|own| own.scope.covers(subject));
        let place = ready.overrides.iter().position(holds).unwrap_or(ready.overrides.len());
        let critical = self.critical(subject);
        match ready.told.get(place * N_CRITICAL + critical) {
            Some(told) if place < ready.overrides.len() || critical > 0 => {
                told.get_or_init(|| self.change(finding, ready.overrides.get(place).copied(), critical))
            }
            _ => finding,
        }
    }

    /// What is critical: 1 for the host, 2 for an account, 3 for both.
    fn critical(&self, subject: &Subject<'_>) -> usize {
        let critical = &self.policy.critical;
        let is_host = !critical.hosts.is_empty() && subject.is_on(&critical.hosts);
        let is_account = !critical.accounts.is_empty() && subject.is_about(&critical.accounts);
        usize::from(is_host) + 2 * usize::from(is_account)
    }

    fn change(&self, finding: &Arc<Finding>, number: Option<usize>, critical: usize) -> Arc<Finding> {
        let Some(from) = finding.severity else { return Arc::clone(finding) };
        let mut because = Vec::new();
        let mut severity = from;
        if let Some(own) = number.and_then(|number| self.policy.overrides.get(number)) {
            severity = own.severity;
            because.push(own.reason.clone());
        }
        if critical > 0 {
            severity = (0..self.policy.critical.steps).fold(severity, |severity, _| severity.worse());
            let what = ["critical host", "critical account"];
            let named = (0..).zip(what).filter(|(bit, _)| critical & (1 << bit) != 0);
            because.extend(named.map(|(_, what)| what.to_owned()));
        }
        if severity == from {
            return Arc::clone(finding);
        }
        let mut changed = Finding::clone(finding);
        changed.severity = Some(severity);
        changed.overridden = Some(Overridden { from, because });
        Arc::new(changed)
    }

    /// Whether a match is not to be told; the exclusion that hides it counts it, if it would have been told or
    /// correlated.
    pub(crate) fn hides(
        &self,
        finding: &Arc<Finding>,
        subject: &Subject<'_>,
        seen: Option<&dyn evtmap_sigma::Event>,
    ) -> bool {
        let Some(ready) = self.findings.get(&finding.address()) else { return false };
        let hides = |(number, ours): &&(usize, Vec<usize>)| {
            let Some(own) = self.policy.exclusions.get(*number) else { return false };
            let filters = ours.iter().filter_map(|number| own.filters.get(*number));
            own.scope.covers(subject)
                && (own.filters.is_empty()
                    || seen.is_some_and(|seen| filters.into_iter().any(|own| !own.compiled().matches(seen))))
        };
        let Some((number, _)) = ready.exclusions.iter().find(hides) else { return false };
        let is_missed =
            ready.is_correlated || self.told(finding, subject).severity >= Some(self.min_severity);
        if let Some(n_hidden) = self.n_hidden.get(*number).filter(|_| is_missed) {
            n_hidden.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// What became of the policy.
    pub(crate) fn account(&self) -> PolicyAccount {
        let exclusions = self.policy.exclusions.iter().zip(&self.n_hidden);
        let exclusions = exclusions.map(|(own, n_hidden)| ExclusionAccount {
            name: own.name.clone(),
            reason: own.reason.clone(),
            expires: own.expires,
            is_expired: own.is_expired(self.policy.today),
            n_hidden: n_hidden.load(Ordering::Relaxed),
        });
        PolicyAccount { origin: self.policy.origin.clone(), exclusions: exclusions.collect() }
    }
}
