//! A detection rule: what it says about itself, which logs it is about, and its detection.
//!
//! Specification: sigma-rules-specification.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::Placeholders;
use crate::compile::{self, Compiled};
use crate::detection::Detection;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::event::Event;
use crate::logsource::LogSource;
use crate::metadata::Metadata;
use crate::yaml::Node;

/// A detection rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What the rule says about itself.
    pub metadata: Metadata,
    /// Which logs it is about.
    pub logsource: LogSource,
    /// Selections and conditions as written.
    pub detection: Detection,
    compiled: Compiled,
}

/// A detection rule without its text: all that is needed to ask it and to tell what it says, and half of
/// the memory.
#[derive(Debug)]
pub struct CompiledRule {
    /// What the rule says about itself.
    pub metadata: Metadata,
    /// Which logs it is about.
    pub logsource: LogSource,
    /// The names of its selections, for those who want to know why it holds.
    selection_names: Vec<String>,
    is_aggregated: bool,
    compiled: LazyLock<Compiled, MakeReady>,
}

type MakeReady = Box<dyn FnOnce() -> Compiled + Send>;

/// All that there is to a [`CompiledRule`] but its detection. Where rules are kept, the detections are most of it,
/// and nobody asks those of rules that are about other events than there are.
#[derive(Debug, Serialize, Deserialize)]
pub struct RuleHead {
    metadata: Metadata,
    logsource: LogSource,
    selection_names: Vec<String>,
    is_aggregated: bool,
}

impl From<Rule> for CompiledRule {
    fn from(rule: Rule) -> Self {
        let is_aggregated = rule.is_aggregated();
        let Rule { metadata, logsource, detection, compiled } = rule;
        let selection_names = detection.selections.into_iter().map(|named| named.name).collect();
        Self::from_parts(RuleHead { metadata, logsource, selection_names, is_aggregated }, || compiled)
    }
}

impl CompiledRule {
    /// The rule of a head and a detection, which is made when it is asked for first.
    pub fn from_parts(head: RuleHead, detection: impl FnOnce() -> Compiled + Send + 'static) -> Self {
        let RuleHead { metadata, logsource, selection_names, is_aggregated } = head;
        let compiled: LazyLock<_, MakeReady> = LazyLock::new(Box::new(detection));
        Self { metadata, logsource, selection_names, is_aggregated, compiled }
    }

    /// A copy of all but the detection.
    pub fn head(&self) -> RuleHead {
        let Self { metadata, logsource, selection_names, is_aggregated, .. } = self;
        RuleHead {
            metadata: metadata.clone(),
            logsource: logsource.clone(),
            selection_names: selection_names.clone(),
            is_aggregated: *is_aggregated,
        }
    }

    /// As [`Rule::matches`].
    pub fn matches(&self, event: &dyn Event) -> bool {
        self.compiled.matches(event)
    }

    /// As [`Rule::is_aggregated`].
    pub fn is_aggregated(&self) -> bool {
        self.is_aggregated
    }

    /// The detection made ready, for engines.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The names of the selections, in the order of those that were made ready. Filters that were added to the
    /// rule come after them and have no name.
    pub fn selection_names(&self) -> &[String] {
        &self.selection_names
    }
}

/// What correlations know of a rule.
pub trait Correlatable {
    /// What it says about itself.
    fn metadata(&self) -> &Metadata;

    /// As [`Rule::is_aggregated`].
    fn is_aggregated(&self) -> bool;
}

impl Correlatable for Rule {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn is_aggregated(&self) -> bool {
        self.is_aggregated()
    }
}

impl Correlatable for CompiledRule {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn is_aggregated(&self) -> bool {
        self.is_aggregated
    }
}

impl Rule {
    /// Reads a rule from a document; problems are noted, and a rule with an error is not given.
    pub(crate) fn read(node: &Node, placeholders: &Placeholders, problems: &mut Diagnostics) -> Option<Self> {
        let metadata = Metadata::read(node, problems);
        let logsource = LogSource::read(node, problems);
        check_taxonomy(node, problems);
        let Some(section) = node.get("detection") else {
            problems.note(Code::MissingAttribute, node.place, "the rule has no `detection`");
            return None;
        };
        let detection = Detection::read(section, problems);
        let compiled = compile::compile(&detection, placeholders, problems)?;
        Some(Self { metadata, logsource, detection, compiled })
    }

    /// Whether the rule's detection holds for an event, whatever log the event is from.
    pub fn matches(&self, event: &dyn Event) -> bool {
        self.compiled.matches(event)
    }

    /// Whether the rule was written with an aggregation behind a pipe: a [`Correlation`](crate::Correlation)
    /// of the same id and title asks that of its matches, which say nothing alone.
    pub fn is_aggregated(&self) -> bool {
        self.detection.aggregation.is_some()
    }

    /// The detection made ready, for engines.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The detection made ready, for filters to add to.
    pub(crate) fn compiled_mut(&mut self) -> &mut Compiled {
        &mut self.compiled
    }
}

/// The names of another taxonomy mean nothing here: a rule of one would never match, or match the wrong field.
fn check_taxonomy(node: &Node, problems: &mut Diagnostics) {
    let Some(taxonomy) = node.get("taxonomy").filter(|value| !value.is_null()) else { return };
    let name = taxonomy.text().unwrap_or(taxonomy.kind());
    if !name.eq_ignore_ascii_case("sigma") {
        problems.push(
            Diagnostic::new(
                Code::ForeignTaxonomy,
                taxonomy.place,
                format!("the taxonomy `{name}` is not known"),
            )
            .help("convert the rule to the names of the taxonomy `sigma`"),
        );
    }
}
