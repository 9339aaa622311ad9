//! Where rules come from, and what of them is used.

mod files;

pub use files::{RuleFile, RulesError, bundled, read};

use evtmap_sigma::{Code, Collection, Diagnostic, Placeholders, Rule, Status};

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

impl Rules {
    /// Reads rules from texts; what cannot be used is in [`Rules::skipped`] with its reason.
    pub fn load(files: &[RuleFile], pipelines: &Pipelines, placeholders: &Placeholders) -> Self {
        let mut rules = Self::default();
        let mut ids = std::collections::HashSet::new();
        for file in files {
            let collection = Collection::parse(&file.text, placeholders);
            rules.note_problems(&file.path, &collection);
            for rule in collection.rules {
                let is_duplicate = rule.id.as_ref().is_some_and(|id| !ids.insert(id.to_lowercase()));
                rules.add(rule, &file.path, is_duplicate, pipelines);
            }
        }
        rules
    }

    fn note_problems(&mut self, path: &str, collection: &Collection) {
        let first_error = collection.diagnostics.iter().find(|problem| problem.is_error());
        for _ in 0..collection.n_refused {
            let detail =
                first_error.map(|problem| format!("line {}: {}", problem.place.line, problem.message));
            let is_a_rule = first_error.is_none_or(|problem| problem.code != Code::NotARule);
            let reason = if is_a_rule { SkipReason::Invalid } else { SkipReason::NotARule };
            self.skip(path, "", reason, detail.unwrap_or_default());
        }
        self.diagnostics
            .extend(collection.diagnostics.iter().map(|problem| (path.to_owned(), problem.clone())));
    }

    fn add(&mut self, rule: Rule, path: &str, is_duplicate: bool, pipelines: &Pipelines) {
        let product = rule.logsource.product.as_deref();
        let logsource = rule.logsource.to_string();
        let reason = if matches!(rule.status, Some(Status::Deprecated | Status::Unsupported)) {
            SkipReason::Retired
        } else if product.is_some_and(|product| product != "windows") {
            SkipReason::OtherProduct
        } else if is_duplicate {
            SkipReason::Duplicate
        } else if !self.router.add(self.rules.len(), &rule, pipelines) {
            SkipReason::UnknownLogsource
        } else {
            self.rules.push(LoadedRule { rule, path: path.to_owned() });
            return;
        };
        self.skip(path, &rule.title, reason, logsource);
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
