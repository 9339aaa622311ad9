//! What a rule's tags mean in the loaded release.

use std::collections::BTreeSet;

use super::Catalogue;
use super::object::{Object, ObjectId};
use super::tactic::{Tactic, TacticId};
use super::tag::Tag;
use super::technique::{Status, Technique, TechniqueId};

/// ATT&CK's longest chain of replacements has two links. The bound keeps a circular one finite.
const N_LINKS_MAX: usize = 8;

/// What one tag means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved<'a> {
    /// A technique or sub-technique.
    Technique(Mapped<'a>),
    /// A tactic, in the matrix's order; several where one was split, see [`Catalogue::resolve_all`].
    Tactics(Vec<&'a Tactic>),
    /// Another object of ATT&CK: a group, software, a data source and so on.
    Object(&'a Object),
    /// A tag of another namespace.
    NotAttack,
    /// A tag of ATT&CK that means nothing in this release.
    Unknown,
}

/// A technique, and the id that a tag asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped<'a> {
    /// The technique in the loaded release.
    pub technique: &'a Technique,
    /// The id in the tag.
    pub asked: TechniqueId,
    /// How the one was reached from the other.
    pub route: Route,
}

/// How a technique was reached, the surest way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// It is the one asked for.
    Same,
    /// It replaced the one asked for.
    Successor,
    /// The loaded release is older than the tag: it was replaced by the one asked for.
    Predecessor,
    /// The loaded release does not know the sub-technique asked for: it stands for the technique above it.
    Parent,
}

/// What a rule's tags mean together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// The techniques, each once, in the order of the tags.
    pub mapped: Vec<Mapped<'a>>,
    /// The tactics that the rule itself names, in the matrix's order. A rule may name one that none of its
    /// techniques has.
    pub tactics: Vec<&'a Tactic>,
    /// The tactics that the techniques have, in the matrix's order.
    pub technique_tactics: Vec<&'a Tactic>,
    /// The groups, software and other objects that the rule names, each once, in the order of the tags.
    pub objects: Vec<&'a Object>,
    /// The tags of ATT&CK that mean nothing in this release, as the rule writes them.
    pub unresolved: Vec<String>,
    /// The tags of another release, and what they mean in this one.
    pub followed: Vec<Followed>,
}

/// A tag of another release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Followed {
    /// The tag as the rule writes it.
    pub tag: String,
    /// What it means in the loaded release: the id of a technique, or short names of tactics.
    pub meaning: String,
}

impl<'a> Mapping<'a> {
    /// The techniques, each once, in the order of the tags.
    pub fn techniques(&self) -> impl Iterator<Item = &'a Technique> {
        self.mapped.iter().map(|mapped| mapped.technique)
    }

    /// The tactics that the rule names, or those of its techniques where it names none.
    pub fn told_tactics(&self) -> &[&'a Tactic] {
        if self.tactics.is_empty() { &self.technique_tactics } else { &self.tactics }
    }

    /// Two tags may lead to one technique; the surer way is kept.
    fn add(&mut self, new: Mapped<'a>) {
        match self.mapped.iter_mut().find(|known| known.technique.id == new.technique.id) {
            Some(known) if new.route < known.route => *known = new,
            Some(_) => {}
            None => self.mapped.push(new),
        }
    }

    fn add_object(&mut self, object: &'a Object, asked: &ObjectId, tag: &str) {
        if object.id != *asked {
            self.followed.push(Followed { tag: tag.to_owned(), meaning: object.id.to_string() });
        }
        if !self.objects.contains(&object) {
            self.objects.push(object);
        }
    }
}

/// What a tag calls a tactic.
enum TacticName {
    Id(TacticId),
    Short(String),
}

impl TacticName {
    fn is_of(&self, tactic: &Tactic) -> bool {
        match self {
            Self::Id(id) => tactic.id == *id,
            Self::Short(name) => tactic.short_name == *name,
        }
    }
}

impl Catalogue {
    /// What one Sigma tag means, such as `attack.` followed by the id of a technique or a tactic's name.
    ///
    /// Case does not matter, and a tactic's name may have hyphens or underscores. An id or name of another
    /// release is followed in either direction.
    #[must_use]
    pub fn resolve(&self, tag: &str) -> Resolved<'_> {
        match Tag::parse(tag) {
            Tag::Technique(id) => self.follow(id).map_or(Resolved::Unknown, Resolved::Technique),
            Tag::Tactic(id) => self.resolve_tactic(&TacticName::Id(id)),
            Tag::ShortName(name) => self.resolve_tactic(&TacticName::Short(name)),
            Tag::Object(id) => self.resolve_object(&id).map_or(Resolved::Unknown, Resolved::Object),
            Tag::Foreign => Resolved::NotAttack,
        }
    }

    /// What the tags of one rule mean together.
    ///
    /// A tactic that a later release split means those of its parts that the rule's techniques have; all of
    /// them, if none of the techniques was ever in it; and nothing, if those that were have left it for
    /// other tactics.
    #[must_use]
    pub fn resolve_all<T: AsRef<str>>(&self, tags: impl IntoIterator<Item = T>) -> Mapping<'_> {
        let mut mapping = Mapping::default();
        let mut named = Vec::new();
        for tag in tags {
            let tag = tag.as_ref();
            match Tag::parse(tag) {
                Tag::Technique(id) => match self.follow(id) {
                    Some(mapped) => {
                        if mapped.route != Route::Same {
                            let meaning = mapped.technique.id.to_string();
                            mapping.followed.push(Followed { tag: tag.to_owned(), meaning });
                        }
                        mapping.add(mapped);
                    }
                    None => mapping.unresolved.push(tag.to_owned()),
                },
                Tag::Tactic(id) => named.push((tag.to_owned(), TacticName::Id(id))),
                Tag::ShortName(name) => named.push((tag.to_owned(), TacticName::Short(name))),
                Tag::Object(id) => match self.resolve_object(&id) {
                    Some(object) => mapping.add_object(object, &id, tag),
                    None => mapping.unresolved.push(tag.to_owned()),
                },
                Tag::Foreign => {}
            }
        }
        let of_techniques = mapping.techniques().flat_map(|technique| &technique.tactics).copied().collect();
        let mut of_rule = BTreeSet::new();
        for (tag, name) in named {
            let meant = self.narrow(&name, &mapping.mapped, &of_techniques);
            if meant.is_empty() {
                mapping.unresolved.push(tag);
            } else if !self.tactics.iter().any(|tactic| name.is_of(tactic)) {
                let names = self.in_matrix_order(&meant).into_iter().map(|tactic| tactic.short_name.as_str());
                mapping.followed.push(Followed { tag, meaning: names.collect::<Vec<_>>().join(" ") });
            }
            of_rule.extend(meant);
        }
        mapping.tactics = self.in_matrix_order(&of_rule);
        mapping.technique_tactics = self.in_matrix_order(&of_techniques);
        mapping
    }

    fn in_matrix_order(&self, ids: &BTreeSet<TacticId>) -> Vec<&Tactic> {
        self.tactics.iter().filter(|tactic| ids.contains(&tactic.id)).collect()
    }

    /// The object, or what replaced it. The loaded release is asked first, then the embedded ones, since
    /// a release without groups says nothing of them.
    fn resolve_object(&self, asked: &ObjectId) -> Option<&Object> {
        let mut id = asked;
        let mut newest = None;
        for _ in 0..N_LINKS_MAX {
            newest = self.object(id).or_else(|| self.history.object(id)).or(newest);
            match newest.and_then(|object| object.successor.as_ref()) {
                Some(successor) if successor != id => id = successor,
                _ => break,
            }
        }
        newest
    }

    fn resolve_tactic(&self, name: &TacticName) -> Resolved<'_> {
        let tactics = self.in_matrix_order(&self.tactic_ids(name));
        if tactics.is_empty() { Resolved::Unknown } else { Resolved::Tactics(tactics) }
    }

    /// The tactic of that name; if there is none, those of this release that stand for it.
    fn tactic_ids(&self, name: &TacticName) -> BTreeSet<TacticId> {
        if let Some(tactic) = self.tactics.iter().find(|tactic| name.is_of(tactic)) {
            return BTreeSet::from([tactic.id]);
        }
        let kin = self.history.kin(|tactic| name.is_of(tactic));
        kin.into_iter().filter(|id| self.tactic(*id).is_some()).collect()
    }

    /// The tactics that a name means beside these techniques.
    fn narrow(
        &self,
        name: &TacticName,
        mapped: &[Mapped<'_>],
        of_techniques: &BTreeSet<TacticId>,
    ) -> BTreeSet<TacticId> {
        let meant = self.tactic_ids(name);
        if meant.len() < 2 {
            return meant;
        }
        let shared: BTreeSet<TacticId> = meant.intersection(of_techniques).copied().collect();
        let was_member = |mapped: &Mapped<'_>| self.history.was_in(mapped.asked, |tactic| name.is_of(tactic));
        if shared.is_empty() && !mapped.iter().any(was_member) { meant } else { shared }
    }

    pub(super) fn follow(&self, asked: TechniqueId) -> Option<Mapped<'_>> {
        let newest = self.newest(asked).map(|technique| {
            let is_same = technique.id == asked;
            (technique, if is_same { Route::Same } else { Route::Successor })
        });
        let older = || Some((self.older(asked)?, Route::Predecessor));
        let parent = || Some((self.follow(asked.parent()?)?.technique, Route::Parent));
        let (technique, route) = newest.or_else(older).or_else(parent)?;
        Some(Mapped { technique, asked, route })
    }

    /// The technique, or what replaced it. The loaded release is asked first, then the embedded ones.
    fn newest(&self, asked: TechniqueId) -> Option<&Technique> {
        let mut id = asked;
        let mut newest = None;
        for _ in 0..N_LINKS_MAX {
            let here = self.technique(id);
            newest = here.or(newest);
            if here.is_some_and(|technique| technique.status != Status::Revoked) {
                break;
            }
            let successor = here.and_then(|technique| technique.successor);
            match successor.or_else(|| self.history.successor(id)) {
                Some(successor) => id = successor,
                None => break,
            }
        }
        newest
    }

    /// What the technique replaced. Of several, one in use, best of the same name, stands for all.
    fn older(&self, asked: TechniqueId) -> Option<&Technique> {
        let name = self.history.name(asked);
        let mut generation = BTreeSet::from([asked]);
        for _ in 0..N_LINKS_MAX {
            generation = generation.iter().flat_map(|id| self.history.predecessors(*id)).collect();
            let known = generation.iter().filter_map(|id| self.technique(*id));
            let best = known.min_by_key(|technique| {
                let is_namesake = Some(technique.name.as_str()) == name;
                (technique.status != Status::Active, !is_namesake, technique.id)
            });
            if let Some(best) = best {
                return self.newest(best.id);
            }
        }
        None
    }
}
