//! Tactics, techniques and what rules say, each once.

use super::best::Best;
use super::builder::{index, severity_index};
use super::document::{Finding, Index, Mitigation, Overridden, Rule, Tactic, Technique};
use super::evidence;
use super::limit::Limits;
use super::text::Table;
use crate::alert::{self, Kind, RuleRef, TacticRef, TechniqueRef};
use crate::attack::Catalogue;
use crate::severity::Severity;

/// The tables of ATT&CK and of findings.
pub(super) struct Attack {
    pub(super) tactics: Vec<Tactic>,
    pub(super) techniques: Vec<Technique>,
    pub(super) findings: Vec<Finding>,
    known_tactics: Table<String>,
    known_techniques: Table<String>,
    /// A policy may give one rule several severities, for several reasons.
    known_findings: Table<(Kind, String, Option<Severity>, Vec<String>)>,
    limits: Limits,
    /// How many rules are shown without their condition, since it is too long.
    pub(super) n_without_condition: u64,
}

impl Attack {
    /// All tactics, also those that nothing was found of.
    pub(super) fn new(catalogue: &Catalogue, limits: Limits) -> Self {
        let mut attack = Self {
            tactics: Vec::new(),
            techniques: Vec::new(),
            findings: Vec::new(),
            known_tactics: Table::default(),
            known_techniques: Table::default(),
            known_findings: Table::default(),
            limits,
            n_without_condition: 0,
        };
        for tactic in catalogue.tactics() {
            attack.tactic(&tactic.id.to_string(), &tactic.name, &tactic.short_name);
        }
        attack
    }

    /// The index of a finding.
    pub(super) fn finding(&mut self, finding: &alert::Finding, best: &Best) -> Index {
        let because = finding.overridden.as_ref().map(|own| own.because.clone()).unwrap_or_default();
        let key = (finding.kind, finding.key().to_owned(), finding.severity, because);
        let (number, is_new) = self.known_findings.index(key);
        if is_new {
            let techniques = finding.techniques.iter().map(|technique| self.technique(technique)).collect();
            let tactics = finding.tactics.iter().map(|tactic| self.tactic_of(tactic)).collect();
            let rule = finding.rule.as_ref().map(|rule| self.rule(rule));
            self.findings.push(Finding {
                kind: finding.kind.as_str(),
                severity: severity_index(finding.severity),
                overridden: finding.overridden.as_ref().map(|own| Overridden {
                    from: severity_index(Some(own.from)),
                    because: own.because.clone(),
                }),
                title: match finding.kind {
                    Kind::Event => "Event".to_owned(),
                    _ => finding.title().to_owned(),
                },
                description: finding.description().to_owned(),
                techniques,
                tactics,
                total: best.total(finding.key()),
                rule,
            });
        }
        number
    }

    /// The index of a tactic.
    pub(super) fn known_tactic(&self, tactic: &TacticRef) -> Option<Index> {
        self.known_tactics.get(&tactic.id)
    }

    fn tactic_of(&mut self, tactic: &TacticRef) -> Index {
        let short_name = tactic.name.to_lowercase().replace(' ', "-");
        self.tactic(&tactic.id, &tactic.name, &short_name)
    }

    fn tactic(&mut self, id: &str, name: &str, short_name: &str) -> Index {
        let (number, is_new) = self.known_tactics.index(id.to_owned());
        if is_new {
            self.tactics.push(Tactic {
                id: id.to_owned(),
                name: name.to_owned(),
                short_name: short_name.to_owned(),
                url: format!("https://attack.mitre.org/tactics/{id}/"),
            });
        }
        number
    }

    fn technique(&mut self, technique: &TechniqueRef) -> Index {
        let (number, is_new) = self.known_techniques.index(technique.id.clone());
        if is_new {
            let place = |name: &String| self.tactics.iter().position(|tactic| tactic.short_name == *name);
            let mitigations = technique.mitigations.iter().flatten();
            self.techniques.push(Technique {
                id: technique.id.clone(),
                name: technique.name.clone(),
                parent: technique.parent.clone(),
                tactics: technique.tactics.iter().filter_map(place).map(index).collect(),
                url: technique.url.clone(),
                description: technique.description.clone(),
                mitigations: mitigations
                    .map(|one| Mitigation {
                        id: one.id.clone(),
                        name: one.name.clone(),
                        url: format!("https://attack.mitre.org/mitigations/{}/", one.id),
                    })
                    .collect(),
            });
        }
        number
    }

    fn rule(&mut self, rule: &RuleRef) -> Rule {
        let asked = rule.condition.as_deref();
        let condition = asked.filter(|condition| evidence::n_values(condition) <= self.limits.n_asked);
        self.n_without_condition += u64::from(asked.is_some() && condition.is_none());
        Rule {
            id: rule.id.clone(),
            author: rule.author.clone(),
            level: rule.level.clone(),
            status: rule.status.clone(),
            path: rule.path.clone(),
            falsepositives: rule.falsepositives.clone(),
            references: rule.references.clone(),
            condition: condition.map(evidence::part),
        }
    }
}
