//! What changed between two releases.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Catalogue;
use super::tactic::{Tactic, TacticId};
use super::technique::{Status, Technique, TechniqueId};

/// What is different in one release from another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Tactics that are new, gone or called otherwise, in the order of the later release.
    pub tactics: Vec<TacticChange>,
    /// Techniques of which something is different, in the order of their ids.
    pub techniques: Vec<TechniqueChange>,
}

/// What became of a tactic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TacticChange {
    /// Its id.
    pub id: TacticId,
    /// Its name before; nothing if it is new.
    pub before: Option<String>,
    /// Its name now; nothing if it is gone.
    pub after: Option<String>,
}

/// What became of a technique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TechniqueChange {
    /// Its id.
    pub id: TechniqueId,
    /// Its name in the release that has it, the later one if both do.
    pub name: String,
    /// What is different.
    pub changes: Vec<Change>,
}

/// A thing that is different about a technique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It was not there, or not in use.
    New,
    /// It is not there at all.
    Gone,
    /// It was withdrawn without a successor.
    Deprecated,
    /// It was replaced.
    Revoked {
        /// By which one, in the end.
        successor: Option<TechniqueId>,
    },
    /// Its name is another.
    Renamed {
        /// The name before.
        before: String,
    },
    /// Its tactics are others.
    Moved {
        /// Short names of those that it left.
        left: Vec<String>,
        /// Short names of those that it came to.
        joined: Vec<String>,
    },
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Deprecated => "deprecated",
            Self::Revoked { .. } => "revoked",
            Self::Renamed { .. } => "renamed",
            Self::Moved { .. } => "moved",
        }
    }
}

impl Catalogue {
    /// What is different in this release from an earlier one. What neither uses is left out.
    #[must_use]
    pub fn difference(&self, before: &Self) -> Difference {
        let ids = before.techniques.iter().chain(&self.techniques).map(|technique| technique.id);
        let ids: BTreeSet<TechniqueId> = ids.collect();
        Difference {
            tactics: self.tactic_changes(before),
            techniques: ids.into_iter().filter_map(|id| self.technique_change(id, before)).collect(),
        }
    }

    fn tactic_changes(&self, before: &Self) -> Vec<TacticChange> {
        let name = |tactic: &Tactic| tactic.name.clone();
        let kept = self.tactics.iter().map(|tactic| (tactic.id, before.tactic(tactic.id), Some(tactic)));
        let gone = before.tactics.iter().filter(|tactic| self.tactic(tactic.id).is_none());
        kept.chain(gone.map(|tactic| (tactic.id, Some(tactic), None)))
            .filter(|(_, before, after)| before.map(|it| &it.name) != after.map(|it| &it.name))
            .map(|(id, before, after)| TacticChange { id, before: before.map(name), after: after.map(name) })
            .collect()
    }

    fn technique_change(&self, id: TechniqueId, before: &Self) -> Option<TechniqueChange> {
        let is_used = |technique: &&Technique| technique.status == Status::Active;
        let (old, now) = (before.technique(id), self.technique(id));
        let changes = match (old.filter(is_used), now.filter(is_used)) {
            (None, None) => Vec::new(),
            (None, Some(_)) => vec![Change::New],
            (Some(_), None) => vec![self.end(now)],
            (Some(old), Some(now)) => changes_in_use((before, old), (self, now)),
        };
        let name = now.or(old)?.name.clone();
        (!changes.is_empty()).then_some(TechniqueChange { id, name, changes })
    }

    /// How a technique went out of use.
    fn end(&self, technique: Option<&Technique>) -> Change {
        match technique {
            None => Change::Gone,
            Some(technique) if technique.status == Status::Deprecated => Change::Deprecated,
            Some(technique) => {
                let last = self.follow(technique.id).map(|mapped| mapped.technique.id);
                Change::Revoked { successor: last.filter(|last| *last != technique.id) }
            }
        }
    }
}

fn changes_in_use(before: (&Catalogue, &Technique), now: (&Catalogue, &Technique)) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.1.name != now.1.name {
        changes.push(Change::Renamed { before: before.1.name.clone() });
    }
    let (old, new) = (tactics(before), tactics(now));
    let missing_in = |from: &[String], other: &[String]| -> Vec<String> {
        from.iter().filter(|name| !other.contains(name)).cloned().collect()
    };
    let (left, joined) = (missing_in(&old, &new), missing_in(&new, &old));
    if !left.is_empty() || !joined.is_empty() {
        changes.push(Change::Moved { left, joined });
    }
    changes
}

fn tactics((catalogue, technique): (&Catalogue, &Technique)) -> Vec<String> {
    let tactics = technique.tactics.iter().filter_map(|id| catalogue.tactic(*id));
    tactics.map(|tactic| tactic.short_name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_the_embedded_releases() {
        let release = |version: &str| Catalogue::bundled_version(version).unwrap();
        let difference = release("19.2").difference(&release("18.1"));
        let tactics: Vec<String> = (difference.tactics.iter())
            .map(|it| format!("{} {:?} {:?}", it.id, it.before.as_deref(), it.after.as_deref()))
            .collect();
        assert_eq!(
            tactics,
            [
                r#"TA0005 Some("Defense Evasion") Some("Stealth")"#,
                r#"TA0112 None Some("Defense Impairment")"#
            ]
        );
        let n = |word: &str| {
            let changes = difference.techniques.iter().flat_map(|it| &it.changes);
            changes.filter(|change| change.as_str() == word).count()
        };
        assert_eq!((n("new"), n("renamed"), n("gone")), (23, 4, 0));
        let of = |id: &str| {
            let id: TechniqueId = id.parse().unwrap();
            let change = difference.techniques.iter().find(|it| it.id == id).unwrap();
            format!("{:?}", change.changes)
        };
        assert!(of("T1562.001").starts_with("[Revoked { successor: Some("), "{}", of("T1562.001"));
        assert_eq!(of("T1036"), r#"[Moved { left: ["defense-evasion"], joined: ["stealth"] }]"#);
        let nothing = release("18.1").difference(&release("18.1"));
        assert_eq!(nothing, Difference::default());
    }
}
