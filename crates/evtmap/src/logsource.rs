//! From a rule's log source to the events that the rule is shown.
//!
//! Rules name categories, products and services; events have channels and event ids. The pipelines in
//! `data/pipelines` say which is which. Each pipeline is one way to find a log source, so a rule about
//! `process_creation` is shown Sysmon's event 1 and, with other names for its fields, Security's 4688.
//!
//! A rule whose log source maps to nothing is refused with a reason: shown everything, it would match what
//! its author never meant.

mod explain;

use std::collections::HashMap;
use std::ops::ControlFlow;

use evtmap_sigma::{Change, Diagnostic, LogSource, Pipeline, Rule, Value};

use crate::event::Event;

pub use explain::{LogPlace, PlaceExplanation, RuleExplanation};

/// Field names of rules and the event's names for the same.
type FieldNames = HashMap<String, Vec<String>>;

/// One way in which a rule's log source is found in events.
#[derive(Clone, Debug, Default, PartialEq)]
struct Route {
    /// Channels in lower case; none for every channel.
    channels: Vec<String>,
    /// Event ids; none for every id.
    event_ids: Vec<u32>,
    /// What else the event must have.
    conditions: Vec<(String, Vec<String>)>,
    /// Other names of fields.
    field_names: FieldNames,
    has_category: bool,
    has_service: bool,
}

/// The pipelines that give log sources a place in Windows' logs.
#[derive(Clone, Debug, Default)]
pub struct Pipelines(Vec<Pipeline>);

/// The texts of the pipelines that come with the program.
const BUNDLED: [&str; 5] = [
    include_str!("../data/pipelines/windows-services.yml"),
    include_str!("../data/pipelines/windows-sysmon.yml"),
    include_str!("../data/pipelines/windows-powershell.yml"),
    include_str!("../data/pipelines/windows-audit.yml"),
    include_str!("../data/pipelines/windows-defender.yml"),
];

impl Pipelines {
    /// The pipelines that come with the program.
    ///
    /// # Errors
    /// The first problem in one of them, which a test keeps from happening.
    pub fn bundled() -> Result<Self, Diagnostic> {
        BUNDLED.iter().map(|text| Pipeline::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    fn routes(&self, logsource: &LogSource) -> Vec<Route> {
        let only_product = LogSource { product: Some("windows".to_owned()), ..LogSource::default() };
        if *logsource == only_product {
            return vec![Route::default()];
        }
        let found: Vec<Route> = self.0.iter().filter_map(|pipeline| Route::of(pipeline, logsource)).collect();
        if logsource.category.is_none() || logsource.service.is_none() {
            return found;
        }
        // A rule that names both a category and a service means events that are of both.
        let (whole, partial): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|route| route.has_category && route.has_service);
        let categories = partial.iter().filter(|route| route.has_category);
        let both = categories.flat_map(|category| {
            let services = partial.iter().filter(|route| route.has_service);
            services.filter_map(|service| category.and(service))
        });
        whole.iter().cloned().chain(both).collect()
    }
}

impl Route {
    /// What a pipeline makes of a log source; nothing if it has no condition for it.
    fn of(pipeline: &Pipeline, logsource: &LogSource) -> Option<Self> {
        let mut route = Self::default();
        let mut is_found = false;
        for step in pipeline.transformations.iter().filter(|step| step.is_for(logsource)) {
            match &step.change {
                Change::AddCondition(conditions) => {
                    is_found = true;
                    route.has_category |= step.logsources.iter().any(|own| own.category.is_some());
                    route.has_service |= step.logsources.iter().any(|own| own.service.is_some());
                    conditions.iter().for_each(|(field, values)| route.add(field, values));
                }
                Change::FieldNameMapping(names) => route.field_names.extend(names.iter().cloned()),
            }
        }
        is_found.then_some(route)
    }

    fn add(&mut self, field: &str, values: &[String]) {
        match field {
            "Channel" => self.channels.extend(values.iter().map(|channel| channel.to_lowercase())),
            "EventID" => self.event_ids.extend(values.iter().filter_map(|id| id.parse::<u32>().ok())),
            _ => self.conditions.push((field.to_owned(), values.to_vec())),
        }
    }

    /// The events that both routes are about, if there can be any.
    fn and(&self, other: &Self) -> Option<Self> {
        Some(Self {
            channels: common(&self.channels, &other.channels)?,
            event_ids: common(&self.event_ids, &other.event_ids)?,
            conditions: [self.conditions.as_slice(), &other.conditions].concat(),
            field_names: self.field_names.clone().into_iter().chain(other.field_names.clone()).collect(),
            has_category: true,
            has_service: true,
        })
    }
}

/// What both lists have, where an empty one stands for everything.
fn common<T: Clone + PartialEq>(a: &[T], b: &[T]) -> Option<Vec<T>> {
    if a.is_empty() || b.is_empty() {
        return Some([a, b].concat());
    }
    let both: Vec<T> = a.iter().filter(|value| b.contains(value)).cloned().collect();
    (!both.is_empty()).then_some(both)
}

/// A rule at the end of a route.
#[derive(Clone, Copy, Debug)]
struct Stop {
    /// The rule's index.
    rule: usize,
    /// The index of the route's conditions and field names.
    view: usize,
}

/// The conditions and field names of a route, shared by all rules that go by it.
#[derive(Debug, Default, PartialEq)]
struct View {
    conditions: Vec<(String, Vec<String>)>,
    field_names: FieldNames,
}

/// The rules of one channel, or those for every channel.
#[derive(Debug, Default)]
struct Stops {
    by_event_id: HashMap<u32, Vec<Stop>>,
    every_event: Vec<Stop>,
}

/// Shows events to the rules that are about them.
#[derive(Debug, Default)]
pub struct Router {
    channels: HashMap<String, Stops>,
    every_channel: Stops,
    views: Vec<View>,
}

impl Router {
    /// Adds a rule under an index of the caller's; gives false when its log source maps to nothing.
    pub fn add(&mut self, index: usize, rule: &Rule, pipelines: &Pipelines) -> bool {
        let routes = pipelines.routes(&rule.logsource);
        for route in &routes {
            let stop = Stop { rule: index, view: self.view(route) };
            if route.channels.is_empty() {
                self.every_channel.add(route, stop);
            }
            for channel in &route.channels {
                self.channels.entry(channel.clone()).or_default().add(route, stop);
            }
        }
        !routes.is_empty()
    }

    fn view(&mut self, route: &Route) -> usize {
        let view = View { conditions: route.conditions.clone(), field_names: route.field_names.clone() };
        self.views.iter().position(|known| *known == view).unwrap_or_else(|| {
            self.views.push(view);
            self.views.len() - 1
        })
    }

    /// Calls `visit` with the index of each rule that an event matches, in the order the rules were added.
    pub fn matches<'r>(
        &self,
        event: &Event,
        rule: impl Fn(usize) -> Option<&'r Rule>,
        mut visit: impl FnMut(usize),
    ) {
        let channel = event.channel();
        let stops = self.channels.get(channel).or_else(|| self.channels.get(&channel.to_lowercase()));
        let found =
            stops.into_iter().chain([&self.every_channel]).flat_map(|stops| stops.of(event.event_id()));
        let mut matched: Vec<usize> = found
            .filter(|stop| {
                let Some(view) = self.views.get(stop.view) else { return false };
                let seen = Seen { event, view };
                seen.meets_conditions() && rule(stop.rule).is_some_and(|rule| rule.matches(&seen))
            })
            .map(|stop| stop.rule)
            .collect();
        // Two routes may lead to the same rule.
        matched.sort_unstable();
        matched.dedup();
        matched.into_iter().for_each(&mut visit);
    }
}

impl Stops {
    fn add(&mut self, route: &Route, stop: Stop) {
        if route.event_ids.is_empty() {
            self.every_event.push(stop);
        }
        for event_id in &route.event_ids {
            self.by_event_id.entry(*event_id).or_default().push(stop);
        }
    }

    fn of(&self, event_id: Option<u32>) -> impl Iterator<Item = &Stop> {
        let by_id = event_id.and_then(|event_id| self.by_event_id.get(&event_id));
        by_id.into_iter().flatten().chain(&self.every_event)
    }
}

/// An event under the field names that rules use.
struct Seen<'a> {
    event: &'a Event,
    view: &'a View,
}

impl Seen<'_> {
    fn meets_conditions(&self) -> bool {
        self.view.conditions.iter().all(|(field, wanted)| {
            let is_wanted = |value: &str| wanted.iter().any(|own| own.eq_ignore_ascii_case(value));
            self.event.find(field).any(|value| matches!(value, Value::Text(text) if is_wanted(text)))
        })
    }
}

impl evtmap_sigma::Event for Seen<'_> {
    fn values<'a>(
        &'a self,
        field: &str,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.view.field_names.get(field) {
            Some(names) => names.iter().try_for_each(|name| self.event.find(name).try_for_each(&mut *visit)),
            None => self.event.find(field).try_for_each(visit),
        }
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        let texts = self.event.fields().filter_map(|(_, _, value)| value.text());
        texts.chain(self.event.message()).try_for_each(visit)
    }
}
