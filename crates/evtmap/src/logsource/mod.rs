//! From a rule's log source to the events that the rule is shown.
//!
//! Rules name categories, products and services; events have channels and event ids. The pipelines in
//! `data/pipelines` say which is which. Each pipeline is one way to find a log source, so a rule about
//! `process_creation` is shown Sysmon's event 1 and, with other names for its fields, Security's 4688.
//!
//! A rule whose log source maps to nothing is refused with a reason: shown everything, it would match what
//! its author never meant.

mod derived;
mod explain;
mod router;
mod slots;

use std::collections::HashMap;
use std::sync::Arc;

use evtmap_sigma::{Change, Diagnostic, LogSource, Pipeline};

use derived::Derivations;
pub(crate) use derived::missing_exceptions;
pub use explain::{LogPlace, PlaceExplanation, RuleExplanation};
pub(crate) use router::View;
pub use router::{Router, Seen, Workspace};

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
    /// Whether the events are of another kind than the log source says, and stand for them.
    is_derived: bool,
}

/// The pipelines that give log sources a place in Windows' logs.
#[derive(Clone, Debug, Default)]
pub struct Pipelines {
    list: Vec<Pipeline>,
    derivations: Arc<Derivations>,
}

/// The variable of a pipeline that says that its events stand for others.
const DERIVED: &str = "derived";

fn is_derived(pipeline: &Pipeline) -> bool {
    pipeline.vars.iter().any(|(name, values)| name == DERIVED && values.iter().any(|value| value == "true"))
}

/// The texts of the pipelines that come with the program.
const BUNDLED: [&str; 5] = [
    include_str!("../../data/pipelines/windows-services.yml"),
    include_str!("../../data/pipelines/windows-sysmon.yml"),
    include_str!("../../data/pipelines/windows-powershell.yml"),
    include_str!("../../data/pipelines/windows-audit.yml"),
    include_str!("../../data/pipelines/windows-defender.yml"),
];

impl Pipelines {
    /// The pipelines that come with the program.
    ///
    /// # Errors
    /// The first problem in one of them, which a test keeps from happening.
    pub fn bundled() -> Result<Self, Diagnostic> {
        let list = BUNDLED.iter().map(|text| Pipeline::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { list, derivations: Arc::new(Derivations::bundled()) })
    }

    /// Adds a pipeline of the user's: a further way to find the log sources that it names.
    ///
    /// # Errors
    /// What keeps the text from being used.
    pub fn add(&mut self, text: &str) -> Result<(), Diagnostic> {
        self.list.push(Pipeline::parse(text)?);
        Ok(())
    }

    /// Leaves out what shows rules events that stand for those that they are about.
    pub fn remove_derived(&mut self) {
        self.list.retain(|pipeline| !is_derived(pipeline));
    }

    /// All that routes follow from, the same for the same pipelines.
    pub(crate) fn printed(&self) -> String {
        format!("{:?}", self.list)
    }

    fn derivations(&self) -> Arc<Derivations> {
        Arc::clone(&self.derivations)
    }

    fn routes(&self, logsource: &LogSource) -> Vec<Route> {
        let only_product = LogSource { product: Some("windows".to_owned()), ..LogSource::default() };
        if *logsource == only_product {
            return vec![Route::default()];
        }
        let found: Vec<Route> =
            self.list.iter().filter_map(|pipeline| Route::of(pipeline, logsource)).collect();
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
        let mut route = Self { is_derived: is_derived(pipeline), ..Self::default() };
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
            is_derived: self.is_derived || other.is_derived,
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
