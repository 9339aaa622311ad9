//! What rules and associations say, in the words of a catalogue.
//!
//! What their tags mean is looked up for all of them, since what means nothing is to be told. What one of them says is
//! put together when it is told first: of thousands of rules a log meets a few.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::alert::{Enrichment, Finding, TacticRef, TechniqueRef};
use crate::association::Associations;
use crate::attack::{Catalogue, Followed, Library, Mapping, TacticId, TechniqueId};
use crate::parts::by_parts;
use crate::policy::{Applied, Policy};
use crate::rules::Rules;
use crate::severity::Severity;

/// What rules and associations say, in the words of a catalogue; all alerts of a scan share it. The rules that it is
/// asked about are those that it was made of.
#[derive(Debug)]
pub struct Findings {
    of_rules: Vec<Own>,
    has_conditions: bool,
    correlations: Vec<Arc<Finding>>,
    associations: Associations,
    of_associations: Vec<Own>,
    of_event: Arc<Finding>,
    meanings: Vec<Meaning>,
    names: Names,
    unresolved: Vec<UnresolvedTag>,
    followed: Vec<Followed>,
}

/// What one rule or association says.
#[derive(Debug)]
struct Own {
    /// The place of what its tags mean.
    meaning: usize,
    finding: OnceLock<Arc<Finding>>,
}

/// What the tags of a rule mean.
#[derive(Debug)]
struct Meaning {
    techniques: Vec<TechniqueId>,
    tactics: Vec<TacticId>,
}

/// What the catalogue calls the techniques and tactics that rules mean.
#[derive(Debug, Default)]
struct Names {
    techniques: FxHashMap<TechniqueId, TechniqueRef>,
    tactics: FxHashMap<TacticId, TacticRef>,
}

/// A tag of ATT&CK that the loaded release does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnresolvedTag {
    /// The tag as the rule writes it.
    pub tag: String,
    /// The rule's file.
    pub path: String,
}

impl Findings {
    /// Looks up what rules and associations name.
    pub fn new(rules: &Rules, associations: Associations, catalogue: &Catalogue) -> Self {
        let (mut unresolved, mut followed) = (Vec::new(), Vec::new());
        let mut note_unresolved = |mapping: &Mapping<'_>, path: &str| {
            let tags = mapping.unresolved.iter().cloned();
            unresolved.extend(tags.map(|tag| UnresolvedTag { tag, path: path.to_owned() }));
        };
        let own_tags: Vec<Vec<String>> =
            associations.all().iter().map(Finding::tags_of_association).collect();
        let tags = rules.rules().iter().map(|loaded| loaded.rule.metadata.tags.as_slice());
        let (mut of_rules, mappings) = resolve(tags.chain(own_tags.iter().map(Vec::as_slice)), catalogue);
        let of_associations = of_rules.split_off(rules.rules().len());
        for (own, loaded) in of_rules.iter().zip(rules.rules()) {
            let Some(mapping) = mappings.get(own.meaning) else { continue };
            note_unresolved(mapping, &loaded.path);
            followed.extend_from_slice(&mapping.followed);
        }
        let of_correlations = rules.correlations().iter().map(|loaded| {
            // The tags of the rules that it names count as its own: what they find is part of what it finds.
            let members = loaded.rules.iter().filter_map(|index| rules.rules().get(*index));
            let tags = members.flat_map(|member| &member.rule.metadata.tags);
            let metadata = &loaded.correlation.metadata;
            let mapping = catalogue.resolve_all(metadata.tags.iter().chain(tags));
            note_unresolved(&mapping, &loaded.path);
            followed.extend_from_slice(&mapping.followed);
            let mut finding = Finding::untagged(metadata, &loaded.path);
            finding.set_attack(&mapping, catalogue);
            Arc::new(finding)
        });
        let correlations = of_correlations.collect();
        // Ours are of the embedded release; that they are followed says nothing of the user's rules.
        for mapping in of_associations.iter().filter_map(|own| mappings.get(own.meaning)) {
            note_unresolved(mapping, "associations");
        }
        Self {
            of_rules,
            has_conditions: false,
            correlations,
            associations,
            of_associations,
            of_event: Arc::new(Finding::of_event()),
            meanings: mappings.iter().map(Meaning::of).collect(),
            names: Names::of(&mappings, catalogue),
            unresolved,
            followed,
        }
    }

    /// What a rule says, by its index.
    pub fn of_rule(&self, rules: &Rules, index: usize) -> Option<&Arc<Finding>> {
        let own = self.of_rules.get(index)?;
        if let Some(finding) = own.finding.get() {
            return Some(finding);
        }
        let loaded = rules.rules().get(index)?;
        let mut finding = self.tagged(own, Finding::untagged(&loaded.rule.metadata, &loaded.path));
        if self.has_conditions {
            finding.add_condition(&loaded.rule);
        }
        Some(own.finding.get_or_init(|| Arc::new(finding)))
    }

    /// What an association says, by its index.
    pub(super) fn of_association(&self, index: usize) -> Option<&Arc<Finding>> {
        let own = self.of_associations.get(index)?;
        let association = self.associations.all().get(index)?;
        let make = || Arc::new(self.tagged(own, Finding::of_association(association)));
        Some(own.finding.get_or_init(make))
    }

    /// A finding with what its tags mean.
    fn tagged(&self, own: &Own, finding: Finding) -> Finding {
        let Some(meaning) = self.meanings.get(own.meaning) else { return finding };
        let techniques = meaning.techniques.iter().filter_map(|id| self.names.techniques.get(id));
        let tactics = meaning.tactics.iter().filter_map(|id| self.names.tactics.get(id));
        Finding { techniques: techniques.cloned().collect(), tactics: tactics.cloned().collect(), ..finding }
    }

    /// What a correlation says.
    pub(super) fn of_correlation(&self, index: usize) -> Option<&Arc<Finding>> {
        self.correlations.get(index)
    }

    /// What is said of an event that nothing is known of.
    pub(super) fn of_event(&self) -> &Arc<Finding> {
        &self.of_event
    }

    /// What the associations of an event id say, in any channel.
    pub fn of_event_id(&self, event_id: u32) -> impl Iterator<Item = &Arc<Finding>> {
        let all = self.associations.all().iter().zip(0..);
        all.filter(move |(own, _)| own.id == event_id).filter_map(|(_, index)| self.of_association(index))
    }

    /// What events may hint at.
    pub(super) fn associations(&self) -> &Associations {
        &self.associations
    }

    /// Adds what a library tells of the techniques: groups, mitigations and the like.
    pub fn enrich(&mut self, catalogue: &Catalogue, library: &Library, wanted: &[Enrichment]) {
        let techniques = self.names.techniques.values_mut();
        techniques.for_each(|technique| technique.enrich(catalogue, library, wanted));
        for finding in &mut self.correlations {
            let techniques = Arc::make_mut(finding).techniques.iter_mut();
            techniques.for_each(|technique| technique.enrich(catalogue, library, wanted));
        }
        self.forget();
    }

    /// Adds the conditions of the rules, for those who are told what of them held.
    pub fn add_conditions(&mut self) {
        self.has_conditions = true;
        self.forget();
    }

    /// Has what was put together already put together anew.
    fn forget(&mut self) {
        for own in self.of_rules.iter_mut().chain(&mut self.of_associations) {
            own.finding.take();
        }
    }

    /// What of a policy each of them may meet.
    pub(super) fn apply<'p>(&self, policy: &'p Policy, rules: &Rules, min_severity: Severity) -> Applied<'p> {
        let mut applied = Applied::new(policy, min_severity);
        for (loaded, index) in rules.rules().iter().zip(0..) {
            let Some(finding) = self.of_rule(rules, index) else { continue };
            applied.add_rule(finding, &loaded.rule, rules.plan().is_correlated(index));
        }
        for (finding, loaded) in self.correlations.iter().zip(rules.correlations()) {
            applied.add_other(finding, &loaded.correlation.metadata.tags);
        }
        let associations = (0..self.of_associations.len()).filter_map(|index| self.of_association(index));
        associations.for_each(|finding| applied.add_other(finding, &[]));
        applied
    }

    /// Tags that the catalogue does not know.
    pub fn unresolved(&self) -> &[UnresolvedTag] {
        &self.unresolved
    }

    /// Tags of rules that are of another release than the catalogue, one entry a rule and tag.
    pub fn followed(&self) -> &[Followed] {
        &self.followed
    }
}

/// What lists of tags mean, for each list the place of its meaning. Many are equal, and looked up once; two threads
/// share the work, for which somebody waits.
fn resolve<'t>(
    lists: impl Iterator<Item = &'t [String]>,
    catalogue: &Catalogue,
) -> (Vec<Own>, Vec<Mapping<'_>>) {
    let mut places: FxHashMap<&[String], usize> = FxHashMap::default();
    let mut distinct = Vec::new();
    let own = lists.map(|tags| {
        let meaning = *places.entry(tags).or_insert(distinct.len());
        if meaning == distinct.len() {
            distinct.push(tags);
        }
        Own { meaning, finding: OnceLock::new() }
    });
    let own = own.collect();
    let mappings = by_parts(&distinct, distinct.len().div_ceil(2), |part| {
        part.iter().map(|tags| catalogue.resolve_all(*tags)).collect::<Vec<_>>()
    });
    (own, mappings.into_iter().flatten().collect())
}

impl Meaning {
    fn of(mapping: &Mapping<'_>) -> Self {
        Self {
            techniques: mapping.techniques().map(|technique| technique.id).collect(),
            tactics: mapping.told_tactics().iter().map(|tactic| tactic.id).collect(),
        }
    }
}

impl Names {
    fn of(mappings: &[Mapping<'_>], catalogue: &Catalogue) -> Self {
        let mut names = Self::default();
        for mapping in mappings {
            for technique in mapping.techniques() {
                let name = || TechniqueRef::of(technique, catalogue);
                names.techniques.entry(technique.id).or_insert_with(name);
            }
            for tactic in mapping.told_tactics() {
                names.tactics.entry(tactic.id).or_insert_with(|| TacticRef::of(tactic));
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Library;
    use crate::rules::{RuleFile, Rules};
    use crate::{Pipelines, Placeholders};

    const RULES: &str = "\
title: One
tags: [attack.t1003.001, attack.credential-access]
logsource: {product: windows}
detection: {a: {b: c}, condition: a}
---
title: Two
tags: [attack.t1003.001, attack.credential-access]
logsource: {product: windows}
detection: {a: {b: d}, condition: a}
---
title: Three
tags: [attack.t9999]
logsource: {product: windows}
detection: {a: {b: e}, condition: a}
";

    /// Rules say what is theirs, whoever has the same tags; and what is added later they say too.
    #[test]
    fn rules_say_what_they_are_tagged_with() {
        let files = [RuleFile { path: "a.yml".to_owned(), text: RULES.to_owned() }];
        let rules = Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default());
        let catalogue = Catalogue::bundled();
        let mut findings = Findings::new(&rules, Associations::bundled().unwrap(), &catalogue);
        let said = |findings: &Findings, index| {
            let finding = findings.of_rule(&rules, index)?;
            let ids: Vec<&str> = finding.techniques.iter().map(|technique| technique.id.as_str()).collect();
            let has_condition = finding.rule.as_ref().is_some_and(|rule| rule.condition.is_some());
            let n_groups = finding.techniques.iter().filter(|technique| technique.groups.is_some()).count();
            Some(format!("{} {} {has_condition} {n_groups}", finding.title(), ids.join(" ")))
        };
        let texts = |findings: &Findings| (0..4).map(|index| said(findings, index)).collect::<Vec<_>>();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            texts(&findings),
            [some("One T1003.001 false 0"), some("Two T1003.001 false 0"), some("Three  false 0"), None]
        );
        findings.add_conditions();
        findings.enrich(&catalogue, &Library::default(), &[Enrichment::Groups]);
        assert_eq!(
            texts(&findings),
            [some("One T1003.001 true 1"), some("Two T1003.001 true 1"), some("Three  true 0"), None]
        );
        let unresolved: Vec<&str> = findings.unresolved().iter().map(|own| own.tag.as_str()).collect();
        assert_eq!(unresolved, ["attack.t9999"]);
        let hinted = findings.of_event_id(4624).next().expect("a logon hints at something");
        assert!(hinted.techniques.iter().all(|technique| technique.groups.is_some()), "{hinted:?}");
    }
}
