//! What is told of an event in one row: its worst finding, and the techniques of all.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::alert::{Finding, Kind, TacticRef, TechniqueRef};

/// The findings in one event.
#[derive(Clone, Debug, Default)]
pub struct Label {
    // INVARIANT: the one that stands for all first.
    findings: Vec<Arc<Finding>>,
}

impl Label {
    /// The label of an event in which nothing was found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what was found, for the next event.
    pub fn clear(&mut self) {
        self.findings.clear();
    }

    /// Adds a finding. One that says nothing is left out.
    pub fn add(&mut self, finding: &Arc<Finding>) {
        if finding.kind == Kind::Event {
            return;
        }
        let rank = |finding: &Finding| Reverse((finding.severity, !finding.techniques.is_empty()));
        let at = self.findings.partition_point(|other| rank(other) <= rank(finding));
        self.findings.insert(at, Arc::clone(finding));
    }

    /// The finding that stands for all: the most severe, among equals one that names a technique, among these
    /// the first.
    pub fn chosen(&self) -> Option<&Arc<Finding>> {
        self.findings.first()
    }

    /// All findings, the chosen one first.
    pub fn findings(&self) -> &[Arc<Finding>] {
        &self.findings
    }

    /// How many of them are detections.
    pub fn n_detections(&self) -> usize {
        self.findings.iter().filter(|finding| finding.kind == Kind::Detection).count()
    }

    /// The techniques of all, each once, those of the chosen one first.
    pub fn techniques(&self) -> Vec<&TechniqueRef> {
        let mut techniques: Vec<&TechniqueRef> = Vec::new();
        for technique in self.findings.iter().flat_map(|finding| &finding.techniques) {
            if !techniques.iter().any(|other| other.id == technique.id) {
                techniques.push(technique);
            }
        }
        techniques
    }

    /// The tactics of all, each once, those of the chosen one first.
    pub fn tactics(&self) -> Vec<&TacticRef> {
        let mut tactics: Vec<&TacticRef> = Vec::new();
        for tactic in self.findings.iter().flat_map(|finding| &finding.tactics) {
            if !tactics.contains(&tactic) {
                tactics.push(tactic);
            }
        }
        tactics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::severity::Severity;

    fn finding(severity: Severity, technique: &str, kind: Kind) -> Arc<Finding> {
        let technique = TechniqueRef {
            id: technique.to_owned(),
            name: String::new(),
            tactics: Vec::new(),
            parent: None,
            parent_name: None,
            stix_id: None,
            url: String::new(),
            description: None,
            groups: None,
            mitigations: None,
            detections: None,
        };
        let techniques = if technique.id.is_empty() { Vec::new() } else { vec![technique] };
        Arc::new(Finding { kind, severity: Some(severity), techniques, ..Finding::of_event() })
    }

    #[test]
    fn the_worst_with_a_technique_stands_for_all() {
        let mut label = Label::new();
        assert!(label.chosen().is_none());
        for (severity, technique) in [
            (Severity::Low, "T1"),
            (Severity::High, ""),
            (Severity::High, "T2"),
            (Severity::High, "T3"),
            (Severity::Low, "T2"),
        ] {
            label.add(&finding(severity, technique, Kind::Detection));
        }
        let ids: Vec<&str> = label.techniques().iter().map(|technique| technique.id.as_str()).collect();
        assert_eq!(ids, ["T2", "T3", "T1"]);
        assert_eq!(label.chosen().unwrap().techniques[0].id, "T2");
        assert_eq!(label.n_detections(), 5);
        label.clear();
        label.add(&finding(Severity::Low, "T1", Kind::Association));
        label.add(&Arc::new(Finding::of_event()));
        assert_eq!((label.n_detections(), label.findings().len()), (0, 1));
    }
}
