//! What tables tell of an alert: each value is computed here, whatever the format that shows it.

mod account;
mod column;
mod event;
mod fields;
mod identity;
mod text;

use std::borrow::Cow;

pub(crate) use account::name_and_domain;
pub(crate) use column::severity_number;
pub use column::{COLUMNS, Column, Of, Values};
pub(crate) use event::{EventLine, InputLine};
pub use fields::Fields;
pub(crate) use identity::NAMESPACE;
pub(crate) use text::push_text;

use crate::alert::{Alert, AlertEvent, Derived, Finding, Kind, RuleRef};
use crate::severity::Severity;

/// An alert as a row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// What was found.
    pub finding: &'a Finding,
    /// The event it was found in.
    pub event: &'a AlertEvent,
}

impl<'a> Row<'a> {
    /// The row of an alert.
    pub fn of(alert: &'a Alert) -> Self {
        Self { alert, finding: &alert.finding, event: &alert.event }
    }

    /// The rule of a detection.
    pub fn rule(&self) -> Option<&'a RuleRef> {
        self.finding.rule.as_ref()
    }

    /// How bad it is, in a word.
    pub fn severity(&self) -> Option<&'static str> {
        self.finding.severity.map(Severity::as_str)
    }

    /// The log in the manner of the script that this project began as, which knew `windows_security` only.
    pub fn source(&self) -> String {
        let channel = self.event.said.channel.as_str();
        let name = channel.strip_prefix("Microsoft-Windows-").unwrap_or(channel).to_lowercase();
        let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        if name.is_empty() { "windows".to_owned() } else { format!("windows_{name}") }
    }

    /// A rule's own id; for an association what names it as well: event and technique. Empty for a mere event.
    pub fn rule_id(&self) -> Cow<'a, str> {
        let technique = self.finding.techniques.first().map(|technique| technique.id.as_str());
        let technique = technique.unwrap_or_default();
        let event_id = self.event.said.event_id.map(|id| id.to_string()).unwrap_or_default();
        match (self.finding.kind, self.rule().and_then(|rule| rule.id.as_deref())) {
            (Kind::Detection, Some(id)) => id.into(),
            (Kind::Detection, None) => format!("sigma_{event_id}_{technique}").into(),
            (Kind::Association, _) => format!("association_{event_id}_{technique}").into(),
            (Kind::Event, _) => "".into(),
        }
    }

    /// The names of all tactics, in the matrix's order.
    pub fn tactic_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.finding.tactics.iter().map(|tactic| tactic.name.as_str())
    }

    /// The ids of all techniques, the most telling first.
    pub fn technique_ids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.finding.techniques.iter().map(|technique| technique.id.as_str())
    }

    /// The names of all techniques, in the order of their ids.
    pub fn technique_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.finding.techniques.iter().map(|technique| technique.name.as_str())
    }

    /// The message as Windows rendered it, or the payload where the input has no message.
    pub fn raw_message(&self) -> Cow<'a, str> {
        if let Some(message) = &self.event.said.message {
            return message.as_str().into();
        }
        let fields = self.event.said.fields.iter();
        let fields = fields.filter_map(|(name, value)| Some(format!("{name}: {}", value?)));
        fields.collect::<Vec<_>>().join(" | ").into()
    }

    /// The payload by name, as a JSON object.
    pub fn fields_json(&self) -> String {
        serde_json::to_string(&Fields(&self.event.said.fields)).unwrap_or_default()
    }

    /// The byte at which the record begins, or its line.
    pub fn position(&self) -> u64 {
        self.event.position.number()
    }

    /// The file and the place in it, in words.
    pub fn place(&self) -> String {
        let recovered = if self.event.is_recovered { ", recovered" } else { "" };
        format!("{}, {}{recovered}", self.event.input, self.event.position)
    }

    /// What kind of event this one stands for, and which fields it lacks that the rule makes exceptions by;
    /// empty where it stands for itself.
    pub fn derived(&self) -> String {
        let Some(Derived { category, missing_fields }) = self.alert.derived.as_deref() else {
            return String::new();
        };
        match missing_fields.as_slice() {
            [] => category.clone(),
            missing => format!("{category}; without {}", missing.join(", ")),
        }
    }
}

/// The text, unless it is empty, which in an event means that it is not known.
pub(crate) fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn sources_are_like_the_first_scripts() {
        for (channel, source) in [
            ("Security", "windows_security"),
            ("Microsoft-Windows-Sysmon/Operational", "windows_sysmon_operational"),
            ("", "windows"),
        ] {
            let mut alert = crate::alert::tests::detection();
            Arc::make_mut(&mut alert.event).said_mut().channel = channel.to_owned();
            assert_eq!(Row::of(&alert).source(), source);
        }
    }
}
