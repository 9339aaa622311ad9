//! Rules, techniques and tags that the configuration names: one that is misspelt is about nothing, and nobody would
//! notice.

use std::collections::BTreeMap;
use std::fmt::Write;

use evtmap::attack::{Catalogue, Mapped, Resolved, TechniqueId};
use evtmap::policy::{Policy, Scope};
use evtmap::rules::SkippedRule;
use evtmap::{Associations, Rules};

use crate::commands::rule_choice::Choice;
use crate::config::nearest;
use crate::failure::Failure;
use crate::terminal::{WARNING, plain};

/// What is said of the rules, techniques and tags that a policy names and that no alert can have.
pub(super) fn unknown(policy: &Policy, choice: &Choice) -> Result<String, Failure> {
    let severities = policy.overrides.iter().map(|own| ("a severity".to_owned(), &own.scope));
    let exclusions = policy.exclusions.iter().map(|own| (format!("exclusion `{}`", own.name), &own.scope));
    let associations = Associations::bundled().map_err(|error| Failure::new(error.to_string()))?;
    let names = Names::of(choice, &associations);
    let mut out = String::new();
    for (what, scope) in severities.chain(exclusions) {
        for (kind, name, why) in names.unknown(scope) {
            let (what, name) = (plain(&what), plain(name));
            let _ = writeln!(out, "{WARNING}note{WARNING:#}: {what} names the {kind} `{name}`, {why}");
        }
    }
    Ok(out)
}

/// What rules, techniques and tags are called.
struct Names<'a> {
    /// Ids and titles in lower case, each as it is written.
    rules: BTreeMap<String, &'a str>,
    skipped: &'a [SkippedRule],
    /// The tags of rules in lower case, each as it is written.
    tags: BTreeMap<String, &'a str>,
    catalogue: &'a Catalogue,
}

impl<'a> Names<'a> {
    fn of(choice: &'a Choice, associations: &'a Associations) -> Self {
        let rules: &'a Rules = &choice.rules;
        let of_rules = rules.rules().iter().map(|loaded| &loaded.rule.metadata);
        let of_correlations = rules.correlations().iter().map(|loaded| &loaded.correlation.metadata);
        let of_both = of_rules.chain(of_correlations);
        let tags = of_both.clone().flat_map(|own| &own.tags).map(String::as_str);
        let names = of_both.flat_map(|own| own.id.iter().chain([&own.title])).map(String::as_str);
        let titles = associations.all().iter().map(|association| association.title.as_str());
        Self {
            rules: names.chain(titles).map(|name| (name.to_lowercase(), name)).collect(),
            skipped: rules.skipped(),
            tags: tags.map(|tag| (tag.to_lowercase(), tag)).collect(),
            catalogue: &choice.attack.catalogue,
        }
    }

    /// What a scope names and is about nothing: what kind of name, the name, and why.
    fn unknown<'s>(&self, scope: &'s Scope) -> Vec<(&'static str, &'s str, String)> {
        let of_kind = |kind: &'static str, names: &'s [String], why: &dyn Fn(&str) -> Option<String>| {
            let unknown = names.iter().filter_map(|name| Some((kind, name.as_str(), why(name)?)));
            unknown.collect::<Vec<_>>()
        };
        let mut unknown = of_kind("rule", &scope.rules, &|name| self.why_no_rule(name));
        unknown.extend(of_kind("technique", &scope.techniques, &|name| self.why_no_technique(name)));
        unknown.extend(of_kind("tag", &scope.tags, &|name| self.why_no_tag(name)));
        unknown
    }

    /// Why the name of a rule is about nothing.
    fn why_no_rule(&self, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        if self.rules.contains_key(&lower) {
            return None;
        }
        if let Some(skipped) = self.skipped.iter().find(|rule| rule.title.to_lowercase() == lower) {
            return Some(format!("which is not used: {}", skipped.reason.as_str()));
        }
        let meant =
            nearest(name, self.rules.keys().map(String::as_str)).and_then(|name| self.rules.get(name));
        Some(format!("and none that is used has this title or id{}", question(meant.copied())))
    }

    /// Why the id of a technique is about nothing: alerts have those of the ATT&CK in use.
    fn why_no_technique(&self, name: &str) -> Option<String> {
        let label = self.catalogue.label();
        let label = plain(&label);
        match self.technique(name) {
            Some(mapped) if mapped.technique.id == mapped.asked => None,
            Some(mapped) => Some(format!("and {label} has `{}` in its place", mapped.technique.id)),
            None => {
                let typed = self.technique(&as_digits(name)).map(|mapped| mapped.technique.id);
                let meant = typed.or_else(|| self.technique_called(name)).map(|id| id.to_string());
                Some(format!("which {label} does not have{}", question(meant.as_deref())))
            }
        }
    }

    fn technique(&self, id: &str) -> Option<Mapped<'a>> {
        let id: TechniqueId = id.parse().ok()?;
        match self.catalogue.resolve(&format!("attack.{id}")) {
            Resolved::Technique(mapped) => Some(mapped),
            _ => None,
        }
    }

    /// The technique whose name is most like one that stands in the place of an id.
    fn technique_called(&self, name: &str) -> Option<TechniqueId> {
        let techniques = self.catalogue.techniques().iter();
        let ids: BTreeMap<String, TechniqueId> =
            techniques.map(|technique| (technique.name.to_lowercase(), technique.id)).collect();
        nearest(name, ids.keys().map(String::as_str)).and_then(|name| ids.get(name)).copied()
    }

    /// Why a tag is about nothing: it is compared with those that rules have, as they are written.
    fn why_no_tag(&self, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        if self.tags.contains_key(&lower) {
            return None;
        }
        let (namespace, rest) = lower.split_once('.').unwrap_or(("attack", &lower));
        let within = |tag: &str| tag.strip_prefix(namespace)?.strip_prefix('.').map(str::to_owned);
        // Ids are all like one another, and one of them says nothing about what was meant.
        let words: Vec<String> = (self.tags.keys().filter_map(|tag| within(tag)))
            .filter(|rest| !rest.contains(|c: char| c.is_ascii_digit()))
            .collect();
        let word = nearest(rest, words.iter().map(String::as_str));
        let of = |rest: &str| self.tags.get(&format!("{namespace}.{rest}"));
        let meant = of(&as_digits(rest)).or_else(|| of(rest)).or_else(|| word.and_then(of));
        Some(format!("which no rule in use has{}", question(meant.copied())))
    }
}

/// A name with digits in the place of the letters that look like them.
fn as_digits(name: &str) -> String {
    name.to_lowercase().replace('o', "0").replace(['i', 'l'], "1")
}

/// Asks for what was probably meant.
fn question(meant: Option<&str>) -> String {
    meant.map(|meant| format!("; did you mean `{}`?", plain(meant))).unwrap_or_default()
}
