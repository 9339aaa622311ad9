//! What is wrong or doubtful in a rule: a stable code, a place, plain words and what to do about it.
//!
//! Reading rules never fails as a whole: each problem is one [`Diagnostic`], and the other rules load.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::yaml::Place;

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// The rule says what its author meant, and could say it better.
    Remark,
    /// The rule is used, but probably does not say what its author meant.
    Warning,
    /// The rule is not used.
    Error,
}

/// Declares the codes once: the variant, the text users see and filter by, and what it means.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $gravity:ident;)+) => {
        /// The kinds of diagnostics. Their texts are stable: users filter and suppress by them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable text of the code, such as `unknown-modifier`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What the code means, in a sentence or two.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Whether a rule with this diagnostic is still used.
            pub fn gravity(self) -> Gravity {
                match self { $(Self::$variant => Gravity::$gravity,)+ }
            }
        }
    };
}

codes! {
    /// The text is not YAML.
    InvalidYaml = "invalid-yaml", Error;
    /// The document nests deeper, holds more nodes or is larger than the limits allow.
    LimitExceeded = "limit-exceeded", Error;
    /// A key occurs twice in one mapping; the last one counts.
    DuplicateKey = "duplicate-key", Warning;
    /// A document that is neither a rule, nor a correlation, nor a filter.
    NotARule = "not-a-rule", Error;
    /// A mandatory attribute is missing.
    MissingAttribute = "missing-attribute", Error;
    /// An attribute has a value of the wrong kind.
    InvalidAttribute = "invalid-attribute", Error;
    /// An attribute outside the detection has a value that the specification does not know; it is left out.
    UnknownValue = "unknown-value", Warning;
    /// The names of a taxonomy other than Sigma's own, which nothing maps.
    ForeignTaxonomy = "foreign-taxonomy", Error;
    /// A filter that excludes nothing: the rules it is for hold only where it holds.
    PositiveFilter = "positive-filter", Warning;
    /// The log source names nothing, so the rule is about every log.
    EmptyLogsource = "empty-logsource", Warning;
    /// A selection is built in a way the specification does not know.
    InvalidSelection = "invalid-selection", Error;
    /// A modifier that the specification does not know.
    UnknownModifier = "unknown-modifier", Error;
    /// A modifier that cannot be applied to what stands before it, or to the value.
    InvalidModifier = "invalid-modifier", Error;
    /// A modifier that has no effect here.
    IneffectiveModifier = "ineffective-modifier", Warning;
    /// The regular expression does not compile, or needs look-around, back-references or too much memory.
    InvalidRegex = "invalid-regex", Error;
    /// Not an IP network in CIDR notation.
    InvalidCidr = "invalid-cidr", Error;
    /// The network has host bits set; they are ignored.
    CidrHostBits = "cidr-host-bits", Warning;
    /// A placeholder that no configuration gives values for.
    UnresolvedPlaceholder = "unresolved-placeholder", Error;
    /// The condition is not a sentence of the condition language.
    InvalidCondition = "invalid-condition", Error;
    /// The condition names a selection that does not exist.
    UnknownSelection = "unknown-selection", Error;
    /// A pattern of selections in the condition that matches none.
    EmptySelector = "empty-selector", Warning;
    /// An aggregation behind a pipe, which Sigma replaced by correlations.
    LegacyAggregation = "legacy-aggregation", Error;
    /// An aggregation behind a pipe that was read as the correlation that means the same.
    TranslatedAggregation = "translated-aggregation", Warning;
    /// A correlation is built in a way the specification does not know.
    InvalidCorrelation = "invalid-correlation", Error;
    /// Not a number and a unit of time.
    InvalidTimespan = "invalid-timespan", Error;
    /// A part of a correlation that changes nothing.
    IneffectiveAttribute = "ineffective-attribute", Warning;
    /// A correlation names a rule that does not exist or cannot be used.
    UnknownReference = "unknown-reference", Error;
    /// Several rules have the id or name that a correlation refers to; the first one is meant.
    AmbiguousReference = "ambiguous-reference", Warning;
    /// Correlations refer to each other in a circle.
    CorrelationCycle = "correlation-cycle", Error;
}

impl Gravity {
    /// The word for it in messages and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remark => "remark",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One problem in one rule document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What kind of problem.
    pub code: Code,
    /// What is wrong, in lower case and without a final stop.
    pub message: String,
    /// What the author can do about it; empty when the message says all.
    pub help: String,
    /// Where in the document.
    pub place: Place,
}

impl Diagnostic {
    /// A problem at a place, without help.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: String::new(), place }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Whether the rule is left out because of it.
    pub fn is_error(&self) -> bool {
        self.code.gravity() == Gravity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.place, self.message, self.code)?;
        if !self.help.is_empty() {
            write!(f, " (help: {})", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Collects the problems of one rule while it is read.
///
/// Reading goes on after a problem so that an author sees all of them at once; a rule with an error is
/// dropped at the end.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Notes a problem.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Notes a problem that needs no help text.
    pub(crate) fn note(&mut self, code: Code, place: Place, message: impl Into<String>) {
        self.0.push(Diagnostic::new(code, place, message));
    }

    /// Whether one of the problems keeps the rule from being used.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// The problems in the order they were found.
    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_kebab_case() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{text}");
            assert!(seen.insert(text), "{text} twice");
            assert!(code.about().ends_with('.'), "{text} is documented");
        }
    }
}
