//! Alerts: what was found, in which event, and what ATT&CK calls it.

mod enrich;
mod event;
mod payload;

use std::sync::Arc;

use evtmap_sigma::{CompiledRule, Evidence, Explanation, FieldList, Metadata};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::association::Association;
use crate::attack::{Catalogue, Mapping, Tactic, Technique};
use crate::severity::Severity;

pub use enrich::Enrichment;
pub use event::{AlertEvent, Said};
pub use payload::{Fields, Payload};

/// What an alert is based on. The kinds are never mixed up: only a detection says that something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The whole condition of a rule held.
    Detection,
    /// The event's id may hint at something, or its id and its kind, such as the logon type; nothing else was
    /// looked at.
    Association,
    /// Nothing is known of the event; it is shown because every event was asked for.
    Event,
}

impl Kind {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Association => "association",
            Self::Event => "event",
        }
    }
}

/// What a rule or an association says about every event it is found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is based on.
    pub kind: Kind,
    /// How bad it is; nothing for a mere event.
    pub severity: Option<Severity>,
    /// When a policy gave it that severity: which one it had, and why.
    pub overridden: Option<Overridden>,
    /// The rule, for a detection.
    pub rule: Option<RuleRef>,
    /// What the event id hints at, for an association.
    pub association: Option<AssociationRef>,
    /// Techniques, the first one the rule's first.
    pub techniques: Vec<TechniqueRef>,
    /// The tactics that the rule names, or those of the techniques where it names none; in the matrix's order.
    pub tactics: Vec<TacticRef>,
}

/// That a policy gave an alert another severity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Overridden {
    /// The severity that it would have had.
    pub from: Severity,
    /// Why it has another.
    pub because: Vec<String>,
}

/// The rule of a detection. Its author must be shown with a match (Detection Rule License).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleRef {
    /// The rule's identifier, a UUID as a rule.
    pub id: Option<String>,
    /// What it finds.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// The level its author gave.
    pub level: Option<String>,
    /// How mature it is.
    pub status: Option<String>,
    /// What it finds, at length.
    pub description: String,
    /// What else may look like this.
    pub falsepositives: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// The file it is from.
    pub path: String,
    /// On request: its condition, of which an alert's evidence says what held.
    pub condition: Option<Arc<Explanation>>,
}

/// What an event id hints at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AssociationRef {
    /// What the event is.
    pub title: String,
    /// Why it may be evidence of the techniques.
    pub why: String,
}

/// A technique of ATT&CK as the loaded catalogue names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TechniqueRef {
    /// Such as `T1550.002`.
    pub id: String,
    /// Such as `Pass the Hash`.
    pub name: String,
    /// The short names of its tactics, in the matrix's order.
    pub tactics: Vec<String>,
    /// The technique that a sub-technique belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The name of that technique.
    #[serde(skip)]
    pub parent_name: Option<String>,
    /// The id of its object in STIX, as MITRE has it. Only reports in STIX show it.
    #[serde(skip)]
    pub stix_id: Option<String>,
    /// The page that MITRE has about it.
    pub url: String,
    /// What it is, in a few sentences: of the loaded ATT&CK bundle where it has texts, of the project otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// On request: groups that are known to use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<ObjectRef>>,
    /// On request: what can be done against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mitigations: Option<Vec<ObjectRef>>,
    /// On request: how ATT&CK says that it is seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detections: Option<Vec<ObjectRef>>,
}

/// A group, a mitigation or the like, as the loaded catalogue names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ObjectRef {
    /// Such as `M1038`.
    pub id: String,
    /// Such as `Execution Prevention`.
    pub name: String,
    /// The logs in which a detection strategy finds traces, in ATT&CK's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<String>>,
}

impl TechniqueRef {
    pub(crate) fn of(technique: &Technique, catalogue: &Catalogue) -> Self {
        let tactics = technique.tactics.iter().filter_map(|id| catalogue.tactic(*id));
        Self {
            id: technique.id.to_string(),
            name: technique.name.clone(),
            tactics: tactics.map(|tactic| tactic.short_name.clone()).collect(),
            parent: technique.id.parent().map(|parent| parent.to_string()),
            parent_name: technique.id.parent().and_then(|id| Some(catalogue.technique(id)?.name.clone())),
            stix_id: technique.stix_id.clone(),
            url: technique.id.url(),
            description: catalogue.summary(technique.id).map(str::to_owned),
            groups: None,
            mitigations: None,
            detections: None,
        }
    }
}

/// A tactic of ATT&CK as the loaded catalogue names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct TacticRef {
    /// Such as `TA0008`.
    pub id: String,
    /// Such as `Lateral Movement`.
    pub name: String,
}

impl TacticRef {
    pub(crate) fn of(tactic: &Tactic) -> Self {
        Self { id: tactic.id.to_string(), name: tactic.name.clone() }
    }
}

impl Finding {
    /// What is said of an event that nothing is known of.
    pub fn of_event() -> Self {
        Self {
            kind: Kind::Event,
            severity: None,
            overridden: None,
            rule: None,
            association: None,
            techniques: Vec::new(),
            tactics: Vec::new(),
        }
    }

    /// What a rule or a correlation says, but for what its tags mean.
    pub(crate) fn untagged(metadata: &Metadata, path: &str) -> Self {
        let mut finding = Self::of_event();
        finding.kind = Kind::Detection;
        finding.severity = Some(metadata.level.into());
        finding.rule = Some(RuleRef {
            id: metadata.id.clone(),
            title: metadata.title.clone(),
            author: metadata.author.clone(),
            level: metadata.level.map(|level| level.to_string()),
            status: metadata.status.map(|status| status.to_string()),
            description: metadata.description.clone(),
            falsepositives: metadata.falsepositives.clone(),
            references: metadata.references.clone(),
            path: path.to_owned(),
            condition: None,
        });
        finding
    }

    /// Adds the condition of the rule that it is of.
    pub(crate) fn add_condition(&mut self, rule: &CompiledRule) {
        // What is asked is the same for every event; none is looked at.
        let condition = || Arc::new(rule.explain(&FieldList::default()));
        self.rule.iter_mut().for_each(|told| told.condition = Some(condition()));
    }

    /// What an association says, but for what its techniques are called.
    pub(crate) fn of_association(association: &Association) -> Self {
        let mut finding = Self::of_event();
        finding.kind = Kind::Association;
        finding.severity = Some(association.severity);
        finding.association =
            Some(AssociationRef { title: association.title.clone(), why: association.why.clone() });
        finding
    }

    /// What a rule would be tagged with that says what an association does.
    pub(crate) fn tags_of_association(association: &Association) -> Vec<String> {
        association.techniques.iter().map(|id| format!("attack.{}", id.to_lowercase())).collect()
    }

    pub(crate) fn set_attack(&mut self, mapping: &Mapping<'_>, catalogue: &Catalogue) {
        let techniques = mapping.techniques();
        self.techniques = techniques.map(|technique| TechniqueRef::of(technique, catalogue)).collect();
        self.tactics = mapping.told_tactics().iter().map(|tactic| TacticRef::of(tactic)).collect();
    }

    /// Where it stands, which tells it from others as long as somebody has it.
    pub(crate) fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// What it is known by where alerts are counted: the rule's id, else what it is called.
    pub(crate) fn key(&self) -> &str {
        let id = self.rule.as_ref().and_then(|rule| rule.id.as_deref());
        id.unwrap_or_else(|| self.title())
    }

    /// What it is called: the rule's title or what the event is.
    pub fn title(&self) -> &str {
        match (&self.rule, &self.association) {
            (Some(rule), _) => &rule.title,
            (None, Some(association)) => &association.title,
            (None, None) => "",
        }
    }

    /// What it means, at length.
    pub fn description(&self) -> &str {
        match (&self.rule, &self.association) {
            (Some(rule), _) => &rule.description,
            (None, Some(association)) => &association.why,
            (None, None) => "",
        }
    }
}

/// A finding in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What was found.
    pub finding: Arc<Finding>,
    /// The event it was found in; several findings in one event share it.
    pub event: Arc<AlertEvent>,
    /// For a correlation, the events it is about; `event` is then the first of them, with the values that
    /// the group has in common as its fields.
    pub correlation: Option<Arc<CorrelationDetail>>,
    /// What is to be said when the event stands for one of another kind, about which the rule is.
    pub derived: Option<Arc<Derived>>,
    /// On request: what of the rule's condition held.
    pub evidence: Option<Arc<Evidence>>,
}

/// What is to be said of a detection in an event that stands for one of another kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Derived {
    /// The kind of event that the rule is about, such as `process_creation`, for which Windows' own event
    /// stands.
    pub category: String,
    /// Fields by which the rule makes exceptions and which this event does not have: what the rule would let
    /// pass may be told here.
    pub missing_fields: Vec<String>,
}

/// The events that a correlation is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrelationDetail {
    /// The type of the correlation, such as `event_count`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the first event was, in UTC (RFC 3339).
    #[schemars(with = "String")]
    pub first: Timestamp,
    /// When the last event was, in UTC (RFC 3339).
    #[schemars(with = "String")]
    pub last: Timestamp,
    /// How many events it is about.
    pub events: u64,
    /// The first of them, at most 100.
    pub examples: Vec<MemberEvent>,
}

/// One of the events that a correlation is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberEvent {
    /// When it was, in UTC (RFC 3339).
    #[schemars(with = "Option<String>")]
    pub time: Option<Timestamp>,
    /// The computer it was logged on.
    pub computer: String,
    /// Its id.
    pub event_id: Option<u32>,
    /// Its number in its log.
    pub record_id: Option<u64>,
    /// The file it was read from.
    pub path: String,
    /// Where in the file: the record's byte or line.
    pub position: u64,
}

impl MemberEvent {
    /// What is told of one of several events.
    pub fn of(event: &AlertEvent) -> Self {
        Self {
            time: event.time,
            computer: event.said.computer.clone(),
            event_id: event.said.event_id,
            record_id: event.record_id,
            path: event.input.to_string(),
            position: event.position.number(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
