//! Where rules come from, and what of them is used.

mod cache;
mod files;
mod source;

pub use cache::RuleCache;
pub(crate) use files::is_examples;
pub use files::{Pack, RuleFile, RulesError, bundled, read, unpack};
pub use source::{RuleContent, RuleSource, digest};

use std::collections::{HashMap, HashSet};

use evtmap_sigma::{
    Code, Collection, CompiledRule, Correlation, Diagnostic, LogSource, Placeholders, Plan, Refused, Status,
};
use serde::{Deserialize, Serialize};

use crate::logsource::{LogPlace, Pipelines, Router};

/// Rules ready for scanning, and an account of those that are not used.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<LoadedRule>,
    correlations: Vec<LoadedCorrelation>,
    plan: Plan,
    router: Router,
    skipped: Vec<SkippedRule>,
    diagnostics: Vec<(String, Diagnostic)>,
}

/// A rule and the file it is from.
#[derive(Debug)]
pub struct LoadedRule {
    /// The rule.
    pub rule: CompiledRule,
    /// The file, as the user would look for it.
    pub path: String,
}

/// A correlation and the file it is from.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoadedCorrelation {
    /// The correlation.
    pub correlation: Correlation,
    /// The file, as the user would look for it.
    pub path: String,
    /// The indices of the rules whose matches it is about.
    pub rules: Vec<usize>,
}

/// Why a rule is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SkipReason {
    /// It is about another product than Windows.
    OtherProduct,
    /// Its log source maps to no channel of Windows.
    UnknownLogsource,
    /// Its status is `deprecated` or `unsupported`.
    Retired,
    /// The same id was loaded before.
    Duplicate,
    /// It has an error.
    Invalid,
    /// The file is YAML, but no rule.
    NotARule,
}

impl SkipReason {
    /// Whether a user may want to do something about it.
    pub fn is_worth_a_look(self) -> bool {
        matches!(self, Self::UnknownLogsource | Self::Duplicate | Self::Invalid)
    }

    /// The reason in words, for "12 rules: …".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherProduct => "not about Windows",
            Self::UnknownLogsource => "log source maps to no Windows channel",
            Self::Retired => "deprecated or unsupported by their authors",
            Self::Duplicate => "same id as another rule",
            Self::Invalid => "cannot be used as written",
            Self::NotARule => "not a Sigma rule",
        }
    }
}

/// A rule that is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRule {
    /// The file.
    pub path: String,
    /// The rule's title, empty when it could not be read.
    pub title: String,
    /// Why.
    pub reason: SkipReason,
    /// More about why, such as the first error; may be empty.
    pub detail: String,
}

/// Why a rule is left out whatever else is right or wrong with it.
fn early_reason(status: Option<Status>, product: Option<&str>) -> Option<SkipReason> {
    if matches!(status, Some(Status::Deprecated | Status::Unsupported)) {
        return Some(SkipReason::Retired);
    }
    product.is_some_and(|product| product != "windows").then_some(SkipReason::OtherProduct)
}

impl Rules {
    /// Reads rules from texts; what cannot be used is in [`Rules::skipped`] with its reason.
    pub fn load(files: &[RuleFile], pipelines: &Pipelines, placeholders: &Placeholders) -> Self {
        let mut rules = Self::default();
        let mut loaded = Vec::new();
        let mut correlations = Vec::new();
        let mut filters = Vec::new();
        for file in files {
            let collection = Collection::parse(&file.text, placeholders);
            for refused in &collection.refused {
                rules.refuse(refused, &file.path);
            }
            let problems = collection.diagnostics.into_iter();
            rules.diagnostics.extend(problems.map(|problem| (file.path.clone(), problem)));
            loaded.extend(collection.rules.into_iter().map(|rule| (rule, file.path.as_str())));
            correlations.extend(collection.correlations.into_iter().map(|c| (c, file.path.as_str())));
            filters.extend(collection.filters);
        }
        let mut ids = HashSet::new();
        for (mut rule, path) in loaded {
            for filter in &filters {
                if filter.is_for(&rule) {
                    filter.apply(&mut rule);
                }
            }
            rules.add(rule.into(), path, &mut ids, pipelines);
        }
        rules.router.sort();
        rules.link(correlations);
        rules
    }

    /// Reads rules as [`Rules::load`] does, or takes them out of a cache if they were read before.
    ///
    /// # Errors
    /// When an archive cannot be unpacked.
    pub fn load_cached(
        sources: &[RuleSource],
        pipelines: &Pipelines,
        placeholders: &Placeholders,
        cache: Option<&RuleCache>,
    ) -> Result<Self, RulesError> {
        let cache = cache.map(|cache| (cache, cache::Key::new(sources, pipelines, placeholders)));
        if let Some(rules) = cache.and_then(|(cache, key)| cache.read(key, pipelines)) {
            return Ok(rules);
        }
        let mut files = Vec::new();
        for source in sources {
            files.extend(source.files()?);
        }
        let rules = Self::load(&files, pipelines, placeholders);
        if let Some((cache, key)) = cache {
            cache.write(key, &rules);
        }
        Ok(rules)
    }

    /// Makes rules ready for scanning that were loaded before; nothing if the pipelines know one of their log
    /// sources no longer.
    fn prepare(
        rules: Vec<LoadedRule>,
        correlations: Vec<LoadedCorrelation>,
        pipelines: &Pipelines,
    ) -> Option<Self> {
        let mut router = Router::default();
        let are_routed = rules.iter().enumerate().all(|(index, own)| router.add(index, &own.rule, pipelines));
        router.sort();
        let list: Vec<&CompiledRule> = rules.iter().map(|loaded| &loaded.rule).collect();
        let linked: Vec<&Correlation> = correlations.iter().map(|loaded| &loaded.correlation).collect();
        let (plan, _) = Plan::link(&list, &linked);
        are_routed.then(|| Self { rules, correlations, plan, router, ..Self::default() })
    }

    /// Resolves what correlations refer to, and leaves out those that cannot be used.
    fn link(&mut self, correlations: Vec<(Correlation, &str)>) {
        for (correlation, path) in correlations {
            let metadata = &correlation.metadata;
            if let Some(reason) = early_reason(metadata.status, None) {
                self.skip(path, &metadata.title, reason, "correlation".to_owned());
            } else if !correlation.is_translated || self.has_rule_of(&correlation, path) {
                let path = path.to_owned();
                self.correlations.push(LoadedCorrelation { correlation, path, rules: Vec::new() });
            }
        }
        let members: Vec<_> = self.correlations.iter().map(|own| self.rules_of(&own.correlation)).collect();
        for (loaded, rules) in self.correlations.iter_mut().zip(members) {
            loaded.rules = rules;
        }
        let rules: Vec<&CompiledRule> = self.rules.iter().map(|loaded| &loaded.rule).collect();
        let loaded: Vec<&Correlation> = self.correlations.iter().map(|loaded| &loaded.correlation).collect();
        let (plan, problems) = Plan::link(&rules, &loaded);
        self.plan = plan;
        for problem in problems {
            let Some(LoadedCorrelation { correlation, path, .. }) =
                self.correlations.get(problem.correlation)
            else {
                continue;
            };
            let (path, title) = (path.clone(), correlation.metadata.title.clone());
            if problem.diagnostic.is_error() {
                self.skip(&path, &title, SkipReason::Invalid, problem.diagnostic.message.clone());
            }
            self.diagnostics.push((path, problem.diagnostic));
        }
    }

    /// Whether the rule is used that a correlation was translated from; the reason is told with the rule.
    fn has_rule_of(&self, correlation: &Correlation, path: &str) -> bool {
        self.rules.iter().any(|loaded| {
            loaded.path == path && loaded.rule.is_aggregated() && loaded.rule.metadata == correlation.metadata
        })
    }

    /// The correlations that a correlation names, those that these name included; it is not among them.
    pub(crate) fn chain_of(&self, correlation: &Correlation) -> Vec<&Correlation> {
        let mut chain: Vec<&Correlation> = Vec::new();
        let mut names: Vec<&str> = correlation.names().collect();
        let mut n_seen = 0;
        // Each name is looked at once, so that correlations that name one another come to an end.
        while let Some(name) = names.get(n_seen).copied() {
            n_seen += 1;
            for LoadedCorrelation { correlation: inner, .. } in &self.correlations {
                let is_new =
                    !std::ptr::eq(inner, correlation) && !chain.iter().any(|c| std::ptr::eq(*c, inner));
                if is_new && inner.metadata.is_called(name) {
                    chain.push(inner);
                    let new: Vec<&str> = inner.names().filter(|name| !names.contains(name)).collect();
                    names.extend(new);
                }
            }
        }
        chain
    }

    /// The rules whose matches a correlation is about, those of correlations that it names included.
    fn rules_of(&self, correlation: &Correlation) -> Vec<usize> {
        let chain = self.chain_of(correlation);
        let names: Vec<&str> =
            chain.iter().flat_map(|inner| inner.names()).chain(correlation.names()).collect();
        let is_named = |loaded: &LoadedRule| {
            names.iter().any(|name| loaded.rule.metadata.is_called(name))
                || correlation.is_translated && loaded.rule.metadata == correlation.metadata
        };
        (0..).zip(&self.rules).filter(|(_, loaded)| is_named(loaded)).map(|(index, _)| index).collect()
    }

    fn refuse(&mut self, refused: &Refused, path: &str) {
        let reason = if refused.reason.code == Code::NotARule {
            SkipReason::NotARule
        } else {
            early_reason(refused.status, refused.product.as_deref()).unwrap_or(SkipReason::Invalid)
        };
        let detail = format!("line {}: {}", refused.reason.place.line, refused.reason.message);
        self.skip(path, &refused.title, reason, detail);
    }

    fn add(&mut self, rule: CompiledRule, path: &str, ids: &mut HashSet<String>, pipelines: &Pipelines) {
        let mut is_new = || rule.metadata.id.as_ref().is_none_or(|id| ids.insert(id.to_lowercase()));
        let reason =
            if let Some(reason) = early_reason(rule.metadata.status, rule.logsource.product.as_deref()) {
                reason
            } else if !is_new() {
                SkipReason::Duplicate
            } else if !self.router.add(self.rules.len(), &rule, pipelines) {
                SkipReason::UnknownLogsource
            } else {
                self.rules.push(LoadedRule { rule, path: path.to_owned() });
                return;
            };
        let detail = rule.logsource.to_string();
        self.skip(path, &rule.metadata.title, reason, detail);
    }

    fn skip(&mut self, path: &str, title: &str, reason: SkipReason, detail: String) {
        self.skipped.push(SkippedRule { path: path.to_owned(), title: title.to_owned(), reason, detail });
    }

    /// The indices of the rules that are about events with this id: they are shown such events only, or ask for
    /// the id themselves.
    pub fn about(&self, event_id: u32, pipelines: &Pipelines) -> Vec<usize> {
        // Nothing logs events of this id, so a rule that can match one does not care for ids.
        const NO_ID: &str = "4294967295";
        let wanted = event_id.to_string();
        let mut places: HashMap<&LogSource, Vec<LogPlace>> = HashMap::new();
        let mut about = Vec::new();
        for (loaded, index) in self.rules.iter().zip(0..) {
            let logsource = &loaded.rule.logsource;
            let places = places.entry(logsource).or_insert_with(|| pipelines.places(logsource));
            let detection = loaded.rule.compiled();
            let is_there = |place: &LogPlace| match place.event_ids.as_slice() {
                [] => !detection.can_hold("EventID", NO_ID),
                ids => ids.contains(&event_id),
            };
            if detection.can_hold("EventID", &wanted) && places.iter().any(is_there) {
                about.push(index);
            }
        }
        about
    }

    /// The rules that are used; their place in the list is their index.
    pub fn rules(&self) -> &[LoadedRule] {
        &self.rules
    }

    /// The correlations; those that [`plan`](Self::plan) refuses are among them and never give a result.
    pub fn correlations(&self) -> &[LoadedCorrelation] {
        &self.correlations
    }

    /// What correlations refer to, and which rules say something alone.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Shows events to the rules.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The rules that are not used.
    pub fn skipped(&self) -> &[SkippedRule] {
        &self.skipped
    }

    /// What is wrong or doubtful, with the file it is in.
    pub fn diagnostics(&self) -> &[(String, Diagnostic)] {
        &self.diagnostics
    }
}
