//! Techniques ranked: what an analyst would name first.
//!
//! Each rule speaks for the techniques that it names, with a weight made of what is known of it and of this
//! data alone; `docs/reports.md` gives the reasons. No technique has a weight of its own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::alert::{Alert, Finding, Kind, TechniqueRef};
use crate::alike::Alike;
use crate::keyed::KeyedMap;
use crate::severity::Severity;

/// The weight of a finding of the least severity that occurs once, for the first technique that it names.
const UNIT: u64 = 1_000;
/// How many findings can add to each other. Each adds half of what the one before it did.
const N_AGREEING_MAX: usize = 8;
/// How many titles of findings are kept for a technique.
const N_TITLES: usize = 3;

/// The alerts that are to be ranked, such as those of a file, a host or a session.
///
/// It keeps one entry for each rule and association that was found, so that its size has the rules as its
/// bound and not the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    tallies: KeyedMap<String, Tally>,
}

/// How often a rule or an association was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tally {
    finding: Arc<Finding>,
    n: u64,
}

/// A technique and what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedTechnique {
    /// The technique.
    pub technique: TechniqueRef,
    /// Whether a rule found it. Else only event ids hint at it.
    pub kind: Kind,
    /// The worst severity of the findings that name it.
    pub severity: Severity,
    /// How many alerts name it.
    pub n_alerts: u64,
    /// How many different rules, or associations where no rule does.
    pub n_findings: u64,
    /// The titles of the findings that speak for it most, at most three.
    pub titles: Vec<String>,
    /// What they come to together; it orders techniques of one ranking and means nothing beside another.
    pub score: u64,
}

/// What a finding says for a technique.
struct Voice<'a> {
    finding: &'a Finding,
    technique: &'a TechniqueRef,
    weight: u64,
    n: u64,
}

impl Ranking {
    /// Takes an alert into account. Mere events say nothing.
    pub fn add(&mut self, alert: &Alert) {
        self.add_all(&Alike::of(alert));
    }

    /// Takes alerts that are alike into account.
    pub(crate) fn add_all(&mut self, alike: &Alike) {
        let (finding, n) = (&alike.likeness.finding, alike.counted.n);
        if finding.techniques.is_empty() {
            return;
        }
        let key = finding.key();
        if let Some(tally) = self.tallies.get_mut(key) {
            tally.n += n;
            // A policy may give a rule different severities; the worst counts.
            if finding.severity > tally.finding.severity {
                tally.finding = Arc::clone(finding);
            }
        } else {
            let tally = Tally { finding: Arc::clone(finding), n };
            self.tallies.insert(key.to_owned(), tally);
        }
    }

    /// The techniques, those that rules found before those that event ids hint at, each by its weight. A
    /// technique of which nothing is known but what a sub-technique of it says has no line of its own.
    pub fn techniques(&self) -> Vec<RankedTechnique> {
        let mut voices: BTreeMap<&str, Vec<Voice<'_>>> = BTreeMap::new();
        for tally in self.tallies.values() {
            for (position, technique) in lines_of(&tally.finding) {
                let weight = weight(&tally.finding, tally.n, position);
                let voice = Voice { finding: &tally.finding, technique, weight, n: tally.n };
                voices.entry(&technique.id).or_default().push(voice);
            }
        }
        let mut ranked: Vec<_> = voices.into_values().filter_map(RankedTechnique::of).collect();
        ranked.sort_by_key(|line| (line.kind, Reverse(line.score), line.technique.id.clone()));
        ranked
    }
}

impl RankedTechnique {
    /// What findings of a technique come to. Where a rule found it, hints add nothing: they are about other
    /// events, of which most are everyday ones.
    fn of(mut voices: Vec<Voice<'_>>) -> Option<Self> {
        let kind = voices.iter().map(|voice| voice.finding.kind).min()?;
        voices.retain(|voice| voice.finding.kind == kind);
        voices.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.finding.key().cmp(b.finding.key())));
        let agreeing = voices.iter().take(N_AGREEING_MAX).enumerate();
        Some(Self {
            technique: voices.first()?.technique.clone(),
            kind,
            severity: voices.iter().filter_map(|voice| voice.finding.severity).max()?,
            n_alerts: voices.iter().map(|voice| voice.n).sum(),
            n_findings: voices.len() as u64,
            titles: voices.iter().take(N_TITLES).map(|voice| voice.finding.title().to_owned()).collect(),
            score: agreeing.map(|(place, voice)| voice.weight >> place).sum(),
        })
    }
}

/// The techniques that a finding speaks for, with their position among them. A parent that stands beside its
/// sub-technique in the same rule says less than that, and nothing more.
fn lines_of(finding: &Finding) -> impl Iterator<Item = (u64, &TechniqueRef)> {
    let parents: HashSet<&str> =
        finding.techniques.iter().filter_map(|technique| technique.parent.as_deref()).collect();
    let lines = finding.techniques.iter().filter(move |technique| !parents.contains(technique.id.as_str()));
    (0..).zip(lines)
}

/// How much a finding says for the technique at a position of its list: twice as much with each step of
/// severity, less the more often it was found, and less for each technique that it names before.
fn weight(finding: &Finding, n: u64, position: u64) -> u64 {
    let steps = match finding.severity {
        None | Some(Severity::Informational) => 0,
        Some(Severity::Low) => 1,
        Some(Severity::Medium) => 2,
        Some(Severity::High) => 3,
        Some(Severity::Critical) => 4,
    };
    let digits = u64::from(n.max(1).ilog10());
    ((UNIT << steps) * 4 / (4 + digits)) * 4 / (4 + position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertEvent, AssociationRef, RuleRef};
    use crate::attack::Catalogue;
    use crate::event::Event;
    use crate::input::Position;

    /// An alert as `severity title technique,technique`, or `?severity …` for an association.
    fn alert(text: &str, catalogue: &Catalogue) -> Alert {
        let (kind, text) = match text.strip_prefix('?') {
            Some(text) => (Kind::Association, text),
            None => (Kind::Detection, text),
        };
        let words: Vec<&str> = text.split(' ').collect();
        let [severity, title, techniques] = words.as_slice() else { panic!("{text}") };
        let tags: Vec<String> =
            techniques.split(',').map(|id| format!("attack.{}", id.to_lowercase())).collect();
        let mut finding = Finding::of_event();
        finding.kind = kind;
        finding.severity = Some(serde_json::from_str(&format!("\"{severity}\"")).unwrap());
        let (title, why) = ((*title).to_owned(), String::new());
        match kind {
            Kind::Association => finding.association = Some(AssociationRef { title, why }),
            _ => finding.rule = Some(RuleRef { title, ..RuleRef::default() }),
        }
        finding.set_attack(&catalogue.resolve_all(&tags), catalogue);
        let event = AlertEvent::of(&Event::new(), &"log".into(), Position::Line(1));
        Alert {
            finding: Arc::new(finding),
            event: Arc::new(event),
            correlation: None,
            derived: None,
            evidence: None,
        }
    }

    /// Alerts, each with how often, and the techniques in their order.
    fn check(alerts: &[(&str, usize)], expected: &str) {
        let catalogue = Catalogue::bundled();
        let mut ranking = Ranking::default();
        for (text, n) in alerts {
            let alert = alert(text, &catalogue);
            (0..*n).for_each(|_| ranking.add(&alert));
        }
        let ids: Vec<String> = ranking.techniques().into_iter().map(|line| line.technique.id).collect();
        assert_eq!(ids.join(" "), expected);
    }

    #[test]
    fn the_worse_comes_first() {
        check(&[("low a T1012", 1), ("high b T1018", 1), ("medium c T1049", 1)], "T1018 T1049 T1012");
    }

    #[test]
    fn a_detection_comes_before_any_hint() {
        check(&[("?critical a T1012", 9), ("informational b T1018", 1)], "T1018 T1012");
    }

    #[test]
    fn the_rarer_comes_first_among_equals() {
        check(&[("medium a T1012", 1000), ("medium b T1018", 1)], "T1018 T1012");
        // How often it is does not make up for how bad it is.
        check(&[("high a T1012", 1000), ("medium b T1018", 1)], "T1012 T1018");
    }

    #[test]
    fn rules_that_agree_come_before_one_and_after_a_worse_one() {
        let agreeing = [("medium a T1012", 1), ("medium b T1012", 1), ("medium c T1012", 1)];
        check(&[&agreeing[..], &[("medium d T1018", 1)]].concat(), "T1012 T1018");
        check(&[&agreeing[..], &[("high d T1018", 1)]].concat(), "T1018 T1012");
    }

    #[test]
    fn the_first_tag_comes_first() {
        check(&[("medium a T1049,T1018,T1012", 1)], "T1049 T1018 T1012");
    }

    #[test]
    fn a_parent_beside_its_child_has_no_line() {
        check(&[("medium a T1003,T1003.001,T1012", 1)], "T1003.001 T1012");
        // Another rule knows no more than the parent.
        check(&[("medium a T1003,T1003.001", 1), ("high b T1003", 1)], "T1003 T1003.001");
    }

    #[test]
    fn the_order_of_alerts_does_not_matter() {
        let alerts = [("medium a T1018", 3), ("medium b T1012,T1049", 20), ("?low c T1003", 1)];
        check(&alerts, "T1018 T1012 T1049 T1003");
        let turned: Vec<_> = alerts.into_iter().rev().collect();
        check(&turned, "T1018 T1012 T1049 T1003");
    }
}
