//! Rules that the configuration names: one that is misspelt is about nothing, and nobody would notice.

use std::collections::BTreeMap;

use evtmap::policy::{Policy, Scope};
use evtmap::rules::SkippedRule;
use evtmap::{Associations, Rules};

use crate::commands::rule_choice::{RuleArgs, load_rules};
use crate::config::{Config, nearest};
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{WARNING, plain};

/// What is said of the rules that a policy names and that are not used. To read the rules takes its time, and is done
/// only where some are named.
pub(super) fn unknown(policy: &Policy, config: &Config, cache: &Cache) -> Result<String, Failure> {
    let severities = policy.overrides.iter().map(|own| ("a severity".to_owned(), &own.scope));
    let exclusions = policy.exclusions.iter().map(|own| (format!("exclusion `{}`", own.name), &own.scope));
    let scopes: Vec<(String, &Scope)> =
        severities.chain(exclusions).filter(|(_, scope)| !scope.rules.is_empty()).collect();
    if scopes.is_empty() {
        return Ok(String::new());
    }
    let mut args = RuleArgs::default();
    args.fill(config);
    let (rules, _) = load_rules(&args, cache)?;
    let associations = Associations::bundled().map_err(|error| Failure::new(error.to_string()))?;
    let names = Names::of(&rules, &associations);
    let mut out = String::new();
    for (what, scope) in scopes {
        for name in &scope.rules {
            if let Some(why) = names.why_unknown(name) {
                let (what, name) = (plain(&what), plain(name));
                out += &format!("{WARNING}note{WARNING:#}: {what} names the rule `{name}`, {why}\n");
            }
        }
    }
    Ok(out)
}

/// What rules are called.
struct Names<'a> {
    /// Ids and titles in lower case, each as it is written.
    used: BTreeMap<String, &'a str>,
    skipped: &'a [SkippedRule],
}

impl<'a> Names<'a> {
    fn of(rules: &'a Rules, associations: &'a Associations) -> Self {
        let of_rules = rules.rules().iter().map(|loaded| &loaded.rule.metadata);
        let of_correlations = rules.correlations().iter().map(|loaded| &loaded.correlation.metadata);
        let of_both = of_rules.chain(of_correlations);
        let names = of_both.flat_map(|own| own.id.iter().chain([&own.title])).map(String::as_str);
        let titles = associations.all().iter().map(|association| association.title.as_str());
        let used = names.chain(titles).map(|name| (name.to_lowercase(), name)).collect();
        Self { used, skipped: rules.skipped() }
    }

    /// Why a name is about nothing.
    fn why_unknown(&self, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        if self.used.contains_key(&lower) {
            return None;
        }
        if let Some(skipped) = self.skipped.iter().find(|rule| rule.title.to_lowercase() == lower) {
            return Some(format!("which is not used: {}", skipped.reason.as_str()));
        }
        let meant = nearest(name, self.used.keys().map(String::as_str)).and_then(|name| self.used.get(name));
        let meant = meant.map(|meant| format!("; did you mean `{}`?", plain(meant))).unwrap_or_default();
        Some(format!("and none that is used has this title or id{meant}"))
    }
}
