//! Where rules come from, and what of them is used.

mod files;
mod knowledge;
mod trial;

pub use files::{RuleFile, RulesError, bundled, read};
pub use knowledge::RuleKnowledge;
pub use trial::{Trial, TrialOutcome, Trials, Wanted};

use std::collections::HashSet;

use evtmap_sigma::{Code, Collection, Diagnostic, Placeholders, Refused, Rule, Status};

use crate::logsource::{Pipelines, Router};

/// Rules ready for scanning, and an account of those that are not used.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<LoadedRule>,
    router: Router,
    skipped: Vec<SkippedRule>,
    diagnostics: Vec<(String, Diagnostic)>,
}

/// A rule and the file it is from.
#[derive(Debug)]
pub struct LoadedRule {
    /// The rule.
    pub rule: Rule,
    /// The file, as the user would look for it.
    pub path: String,
}

/// Why a rule is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let mut filters = Vec::new();
        for file in files {
            let collection = Collection::parse(&file.text, placeholders);
            for refused in &collection.refused {
                rules.refuse(refused, &file.path);
            }
            let problems = collection.diagnostics.into_iter();
            rules.diagnostics.extend(problems.map(|problem| (file.path.clone(), problem)));
            loaded.extend(collection.rules.into_iter().map(|rule| (rule, file.path.as_str())));
            filters.extend(collection.filters);
        }
        let mut ids = HashSet::new();
        for (mut rule, path) in loaded {
            for filter in &filters {
                if filter.is_for(&rule) {
                    filter.apply(&mut rule);
                }
            }
            rules.add(rule, path, &mut ids, pipelines);
        }
        rules
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

    fn add(&mut self, rule: Rule, path: &str, ids: &mut HashSet<String>, pipelines: &Pipelines) {
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

    /// The rules that are used; their place in the list is their index.
    pub fn rules(&self) -> &[LoadedRule] {
        &self.rules
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
