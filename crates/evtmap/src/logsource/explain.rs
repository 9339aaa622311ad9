//! Where a log source is looked for, and why a rule does or does not match an event.

use evtmap_sigma::{Change, Explanation, LogSource, Rule, Value};

use super::router::{Seen, View};
use super::{Pipelines, Route};
use crate::event::Event;

/// A place in Windows' logs where a log source is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// The channels; none for every channel.
    pub channels: Vec<String>,
    /// The event ids; none for every id.
    pub event_ids: Vec<u32>,
    /// What else the event must have: a field and its values, of which one suffices.
    pub conditions: Vec<(String, Vec<String>)>,
    /// Fields that are called otherwise there: the rule's name and the event's, by the rule's.
    pub field_names: Vec<(String, Vec<String>)>,
    /// Whether its events are of another kind and stand for those that the log source names.
    pub is_derived: bool,
}

/// Why a rule does or does not match an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleExplanation {
    /// Whether it matches: the log source fits and the detection holds.
    pub matches: bool,
    /// Each place where the log source is found; none when it is found nowhere.
    pub places: Vec<PlaceExplanation>,
    /// The detection under the field names of the first place that fits, or as it is written when none does.
    pub detection: Explanation,
}

/// Whether an event is from a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceExplanation {
    /// The place.
    pub place: LogPlace,
    /// Why the event is not from there; empty when it is.
    pub mismatches: Vec<String>,
    /// Whether the detection holds under the field names of the place.
    pub holds: bool,
}

impl Pipelines {
    /// Where a log source is found; nowhere is an empty list.
    pub fn places(&self, logsource: &LogSource) -> Vec<LogPlace> {
        self.routes(logsource).iter().map(|route| self.place(route)).collect()
    }

    /// Every name that log sources have in the pipelines, taken out by a function; sorted, each once.
    pub(crate) fn names(&self, part: fn(&LogSource) -> Option<&String>) -> Vec<String> {
        let steps = self.list.iter().flat_map(|pipeline| &pipeline.transformations);
        let mut names: Vec<String> =
            steps.flat_map(|step| &step.logsources).filter_map(part).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Why a rule does or does not match an event.
    pub fn explain(&self, rule: &Rule, event: &Event) -> RuleExplanation {
        let mut places = Vec::new();
        let mut detection = None;
        let mut derived = Event::new();
        self.derivations.derive(event, &mut derived);
        for route in self.routes(&rule.logsource) {
            let mismatches = route.mismatches(event);
            let view = View::new(&route);
            let explanation = rule.explain(&Seen { event: &derived, view: &view });
            let holds = explanation.holds;
            let is_better = detection.is_none() || holds;
            if mismatches.is_empty() && is_better {
                detection = Some(explanation);
            }
            places.push(PlaceExplanation { place: self.place(&route), mismatches, holds });
        }
        let matches = places.iter().any(|place| place.mismatches.is_empty() && place.holds);
        let detection = detection.unwrap_or_else(|| rule.explain(&Seen { event, view: &View::default() }));
        RuleExplanation { matches, places, detection }
    }

    fn place(&self, route: &Route) -> LogPlace {
        let mut field_names: Vec<_> = route.field_names.clone().into_iter().collect();
        if route.is_derived {
            let events = route
                .channels
                .iter()
                .flat_map(|channel| route.event_ids.iter().map(move |id| (channel, *id)));
            field_names.extend(events.flat_map(|(channel, id)| self.derivations.field_names(channel, id)));
        }
        field_names.retain(|(name, own)| own.as_slice() != [name.as_str()]);
        field_names.sort();
        field_names.dedup();
        LogPlace {
            channels: route.channels.iter().map(|channel| self.spelled(channel)).collect(),
            event_ids: route.event_ids.clone(),
            conditions: route.conditions.clone(),
            field_names,
            is_derived: route.is_derived,
        }
    }

    /// The channel as the pipelines spell it; routes have it in lower case.
    fn spelled(&self, channel: &str) -> String {
        let steps = self.list.iter().flat_map(|pipeline| &pipeline.transformations);
        let conditions = steps.filter_map(|step| match &step.change {
            Change::AddCondition(conditions) => Some(conditions),
            Change::FieldNameMapping(_) => None,
        });
        let mut channels =
            conditions.flatten().filter(|(field, _)| field == "Channel").flat_map(|(_, values)| values);
        channels
            .find(|known| known.to_lowercase() == channel)
            .map_or_else(|| channel.to_owned(), Clone::clone)
    }
}

impl Route {
    /// Why an event is not from here.
    fn mismatches(&self, event: &Event) -> Vec<String> {
        let mut mismatches = Vec::new();
        let channel = event.channel();
        if !self.channels.is_empty() && !self.channels.contains(&channel.to_lowercase()) {
            mismatches.push(match channel {
                "" => "the event has no channel".to_owned(),
                _ => format!("the event's channel is `{channel}`"),
            });
        }
        let is_wanted = |id: u32| self.event_ids.contains(&id);
        if !self.event_ids.is_empty() && !event.event_id().is_some_and(is_wanted) {
            mismatches.push(match event.event_id() {
                Some(id) => format!("the event's id is {id}"),
                None => "the event has no id".to_owned(),
            });
        }
        for (field, wanted) in &self.conditions {
            let found: Vec<&str> = event.find(field).filter_map(Value::text).collect();
            let is_met = found.iter().any(|value| wanted.iter().any(|own| own.eq_ignore_ascii_case(value)));
            if !is_met {
                mismatches.push(match found.first() {
                    Some(value) => format!("the event's {field} is `{value}`"),
                    None => format!("the event has no {field}"),
                });
            }
        }
        mismatches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::flat;
    use evtmap_sigma::{Collection, Placeholders};

    #[test]
    fn a_mapped_field_is_found_and_a_foreign_channel_told() {
        let pipelines = Pipelines::bundled().unwrap();
        let text = "title: x\nlogsource: {product: windows, category: process_creation}\n\
            detection: {a: {Image|endswith: '\\whoami.exe'}, condition: a}\n";
        let rule = Collection::parse(text, &Placeholders::default()).rules.remove(0);
        let audit = r#"{"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\whoami.exe"}"#;
        let found = pipelines.explain(&rule, &flat::read(audit).unwrap());
        assert!(found.matches && found.detection.holds, "{found:?}");
        let other = r#"{"Channel": "System", "EventID": 1, "Image": "C:\\whoami.exe"}"#;
        let found = pipelines.explain(&rule, &flat::read(other).unwrap());
        assert!(!found.matches && found.detection.holds, "{found:?}");
        assert!(found.places.iter().all(|place| !place.mismatches.is_empty()));
        assert_eq!(found.places[0].mismatches[0], "the event's channel is `System`");
        assert!(found.places[0].place.channels[0].contains("Sysmon"), "{:?}", found.places[0]);
    }
}
