//! Hosts and accounts ranked: where to look first.
//!
//! The score is made of the different rules that were found, and not of the number of alerts: what fires all
//! day must not outweigh what fired once. `docs/reports.md` gives the formula and its reasons.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::{Alert, Finding, Kind, TacticRef};
use crate::alike::Alike;
use crate::keyed::KeyedMap;
use crate::severity::Severity;
use crate::span::TimeSpan;

/// The weight of one point. Weights are whole numbers, so that every machine gives the same.
const UNIT: u64 = 1_000;
/// The least severity whose tactics count: what is below is found on every host.
const TACTICS_FROM: Severity = Severity::Medium;
/// The largest number of pairs of a host, or an account, and a rule that are kept. An attacker writes the log
/// and could fill the memory with names.
const N_PAIRS_MAX: usize = 100_000;

/// What a rule found once is worth, by its severity: with each step four times as much, so that only many
/// different findings of one severity come to one of the next.
fn points(severity: Severity) -> u64 {
    match severity {
        Severity::Informational => 0,
        Severity::Low => 1,
        Severity::Medium => 4,
        Severity::High => 16,
        Severity::Critical => 64,
    }
}

/// How directly an event shows what the rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Directness {
    /// The event stands for one of another kind, and lacks fields by which the rule makes exceptions.
    WithoutExceptions,
    /// The event stands for one of another kind.
    Derived,
    /// The event is one that the rule is about.
    Direct,
}

impl Directness {
    fn of(alike: &Alike) -> Self {
        match &alike.likeness.derived {
            None => Self::Direct,
            Some(from) if from.derived.missing_fields.is_empty() => Self::Derived,
            Some(_) => Self::WithoutExceptions,
        }
    }

    /// In quarters.
    fn weight(self) -> u64 {
        match self {
            Self::WithoutExceptions => 2,
            Self::Derived => 3,
            Self::Direct => 4,
        }
    }
}

/// The detections of all hosts, or of all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risks {
    by_name: KeyedMap<String, Found>,
    /// How many alerts each rule has, wherever.
    totals: KeyedMap<String, u64>,
    n_pairs: usize,
    /// Detections that are in no score, since there were too many names.
    n_left_out: u64,
}

/// What was found on a host or of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    rules: KeyedMap<String, RuleFound>,
    span: TimeSpan,
}

/// How often a rule was found there, and how directly at best.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RuleFound {
    finding: Arc<Finding>,
    severity: Severity,
    n: u64,
    directness: Directness,
}

/// A host or an account, and why it is worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Its name.
    pub name: String,
    /// How much: it orders hosts, or accounts, of one run and means nothing beside another run.
    pub score: u64,
    /// Its detections by severity.
    pub severities: BTreeMap<Severity, u64>,
    /// Its tactics with the worst severity of each.
    pub tactics: BTreeMap<TacticRef, Severity>,
    /// When the first and the last detection was.
    pub span: TimeSpan,
    /// What was found, the weightiest first.
    pub findings: Vec<Arc<Finding>>,
}

impl Risks {
    /// Takes an alert into account. Only detections count.
    pub fn add(&mut self, name: &str, alert: &Alert) {
        self.add_all(name, &Alike::of(alert));
    }

    /// Takes alerts that are alike into account.
    pub(crate) fn add_all(&mut self, name: &str, alike: &Alike) {
        let (finding, n) = (&alike.likeness.finding, alike.counted.n);
        let Some(severity) = finding.severity.filter(|_| finding.kind == Kind::Detection) else { return };
        if name.is_empty() {
            return;
        }
        let key = finding.key();
        match self.totals.get_mut(key) {
            Some(total) => *total += n,
            None => drop(self.totals.insert(key.to_owned(), n)),
        }
        let is_known = self.by_name.get(name).is_some_and(|found| found.rules.contains_key(key));
        if !is_known && self.n_pairs >= N_PAIRS_MAX {
            self.n_left_out += n;
            return;
        }
        self.n_pairs += usize::from(!is_known);
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), Found::default());
        }
        let Some(found) = self.by_name.get_mut(name) else { return };
        found.span.join(alike.counted.times);
        let directness = Directness::of(alike);
        if let Some(rule) = found.rules.get_mut(key) {
            rule.n += n;
            rule.directness = rule.directness.max(directness);
        } else {
            let finding = Arc::clone(finding);
            found.rules.insert(key.to_owned(), RuleFound { finding, severity, n, directness });
        }
    }

    /// All of them, the riskiest first, equal ones by name. `same` says under which name one counts, for those
    /// that have several.
    pub fn ranked(&self, same: &dyn Fn(&str) -> String) -> Vec<Risk> {
        let mut joined: BTreeMap<String, Found> = BTreeMap::new();
        for (name, found) in &self.by_name {
            joined.entry(same(name)).or_default().join(found);
        }
        let mut ranked: Vec<Risk> = joined.into_iter().map(|(name, found)| self.risk(name, found)).collect();
        ranked.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
        ranked
    }

    /// Detections that are in no score, since there were too many hosts or accounts.
    pub fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    fn risk(&self, name: String, found: Found) -> Risk {
        let mut rules: Vec<(u64, RuleFound)> =
            found.rules.into_values().map(|rule| (self.weight(&rule), rule)).collect();
        rules.sort_by_key(|(weight, rule)| {
            (
                Reverse(rule.severity),
                Reverse(*weight),
                rule.finding.title().to_owned(),
                rule.finding.key().to_owned(),
            )
        });
        let (mut severities, mut tactics) = (BTreeMap::new(), BTreeMap::new());
        let mut n_rules: BTreeMap<Severity, u64> = BTreeMap::new();
        let mut sum = 0;
        for (weight, rule) in &rules {
            *severities.entry(rule.severity).or_default() += rule.n;
            for tactic in &rule.finding.tactics {
                let worst = tactics.entry(tactic.clone()).or_insert(rule.severity);
                *worst = rule.severity.max(*worst);
            }
            let n = n_rules.entry(rule.severity).or_default();
            *n += 1;
            sum += weight / *n;
        }
        let n_tactics = tactics.values().filter(|severity| **severity >= TACTICS_FROM).count() as u64;
        let score = (sum * (10 + n_tactics.saturating_sub(1)) / 10 + UNIT / 2) / UNIT;
        rules.sort_by_key(|(weight, _)| Reverse(*weight));
        let findings = rules.into_iter().map(|(_, rule)| rule.finding).collect();
        Risk { name, score, severities, tactics, span: found.span, findings }
    }

    /// What a rule adds, before others of its severity are looked at.
    fn weight(&self, rule: &RuleFound) -> u64 {
        let total = self.totals.get(rule.finding.key()).copied().unwrap_or(1);
        let digits = u64::from(total.max(1).ilog10());
        points(rule.severity) * UNIT * 4 / (4 + digits) * rule.directness.weight() / 4
    }
}

impl Found {
    fn join(&mut self, other: &Self) {
        self.span.join(other.span);
        for (key, rule) in &other.rules {
            if let Some(known) = self.rules.get_mut(key) {
                known.n += rule.n;
                known.directness = known.directness.max(rule.directness);
            } else {
                self.rules.insert(key.clone(), rule.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Derived;
    use crate::alert::tests::detection;

    /// A detection: its rule, how bad it is, its tactics, and whether the event is derived and lacks fields.
    fn alert(rule: &str, severity: Severity, tactics: &str, derived: Option<&[&str]>) -> Alert {
        let mut alert = detection();
        let finding = Arc::make_mut(&mut alert.finding);
        finding.severity = Some(severity);
        let told = finding.rule.as_mut().unwrap();
        (told.id, told.title) = (None, rule.to_owned());
        finding.tactics = tactics
            .split_whitespace()
            .map(|tactic| TacticRef { id: tactic.to_owned(), name: tactic.to_owned() })
            .collect();
        alert.derived = derived.map(|missing_fields| {
            let missing_fields = missing_fields.iter().map(|field| (*field).to_owned()).collect();
            Arc::new(Derived { category: "process_creation".to_owned(), missing_fields })
        });
        alert
    }

    fn check(found: &[(&str, Alert)], expected: &[&str]) {
        let mut risks = Risks::default();
        found.iter().for_each(|(host, alert)| risks.add(host, alert));
        let lines: Vec<String> = (risks.ranked(&str::to_owned).iter())
            .map(|risk| {
                let titles: Vec<&str> = risk.findings.iter().map(|finding| finding.title()).collect();
                format!("{} {}: {}", risk.name, risk.score, titles.join(", "))
            })
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn different_rules_count_and_repetition_does_not() {
        use Severity::{Critical, High, Low, Medium};
        let high = |rule: &str| alert(rule, High, "A", None);
        check(
            &[
                ("once", alert("c", Critical, "A", None)),
                ("three", high("h1")),
                ("three", high("h2")),
                ("three", high("h3")),
                ("low", alert("l1", Low, "A", None)),
                ("low", alert("l2", Low, "A", None)),
                ("medium", alert("m", Medium, "A", None)),
            ],
            // 64; 16 + 8 + 5.3; 4; 1 + 0.5.
            &["once 64: c", "three 29: h1, h2, h3", "medium 4: m", "low 2: l1, l2"],
        );
        let often: Vec<(&str, Alert)> = (0..100).map(|_| ("often", high("h"))).collect();
        check(&often, &["often 11: h"]);
    }

    #[test]
    fn stages_and_directness_count() {
        use Severity::{High, Low};
        check(
            &[
                ("stages", alert("a", High, "A B C D E F", None)),
                ("stages", alert("b", Low, "G H", None)),
                ("derived", alert("c", High, "A", Some(&[]))),
                ("lacking", alert("d", High, "A", Some(&["ParentImage"]))),
                ("both", alert("e", High, "A", Some(&[]))),
                ("both", alert("e", High, "A", None)),
                ("", alert("f", High, "A", None)),
            ],
            // Six tactics of high make (16 + 1) half as much again; those of low count nothing.
            &["stages 26: a, b", "both 16: e", "derived 12: c", "lacking 8: d"],
        );
    }

    #[test]
    fn names_of_one_account_are_joined() {
        let mut risks = Risks::default();
        risks.add("a", &alert("x", Severity::High, "A", None));
        risks.add("A@b", &alert("x", Severity::High, "A", None));
        let ranked = risks.ranked(&|_| "one".to_owned());
        assert_eq!(ranked.len(), 1);
        assert_eq!((ranked[0].score, ranked[0].severities[&Severity::High]), (16, 2));
    }
}
