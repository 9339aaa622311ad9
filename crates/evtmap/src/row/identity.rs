//! What tells an alert from every other, so that reading a report twice makes nothing double.

use uuid::Uuid;

use super::Row;

/// The namespace of all ids that evtmap makes, itself made of the project's name.
pub(crate) const NAMESPACE: Uuid = Uuid::from_u128(0x6f6d_1c0e_5d1b_5a4f_9a55_3c1d_7e0b_8a21);

impl Row<'_> {
    /// A UUID (version 5) of the rule or association, the record and, for a correlation, the group. The same
    /// logs, rules and paths give the same ids.
    pub fn uuid(&self) -> Uuid {
        let mut name = String::new();
        let mut add = |part: &str| {
            // The length in front: no part can run into the next.
            name.push_str(&part.len().to_string());
            name.push(':');
            name.push_str(part);
        };
        add(self.finding.kind.as_str());
        add(&self.rule_id());
        add(self.finding.title());
        add(self.rule().map(|rule| rule.path.as_str()).unwrap_or_default());
        add(&self.place());
        add(&self.event.said.computer);
        add(&self.event.said.channel);
        add(&self.event.record_id.map(|id| id.to_string()).unwrap_or_default());
        add(&self.event.time.map(|time| time.to_string()).unwrap_or_default());
        if let Some(correlation) = &self.alert.correlation {
            add(&correlation.kind);
            add(&correlation.last.to_string());
            add(&self.fields_json());
        }
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }
}
