//! Shows events to the rules that are about them.
//!
//! Rules are sorted into buckets by the channel and event id of the events that they are about. A bucket's
//! [`Engine`] is made when the first event for it comes: a log has few kinds of events, and most rules are
//! about others.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use evtmap_sigma::{CompiledRule, Engine, EngineBuilder, Known, LogSource, Scratch, Value};
use rustc_hash::FxHashMap;

use super::derived::Derivations;
use super::slots::{Shapes, SlotView, slot_name};
use super::{FieldNames, Pipelines, Route};
use crate::event::{Event, Scope};

/// A rule at the end of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stop {
    /// The rule's index.
    rule: usize,
    /// The index of the route's conditions and field names.
    view: usize,
}

/// The conditions and field names of a route, shared by all rules that go by it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct View {
    pub(super) conditions: Vec<(String, Vec<String>)>,
    pub(super) field_names: FieldNames,
    pub(super) is_derived: bool,
}

impl View {
    pub(super) fn new(route: &Route) -> Self {
        Self {
            conditions: route.conditions.clone(),
            field_names: route.field_names.clone(),
            is_derived: route.is_derived,
        }
    }

    fn scope(&self) -> Scope {
        if self.is_derived { Scope::Derived } else { Scope::Own }
    }

    /// The slots in which the values of a field of a rule are.
    fn slots(&self, field: &str) -> Vec<String> {
        match self.field_names.get(field) {
            Some(names) => names.iter().map(|name| slot_name(self.scope(), name)).collect(),
            None => vec![slot_name(self.scope(), field)],
        }
    }
}

/// The rules of one channel, or those for every channel.
#[derive(Debug, Default)]
struct Stops {
    by_event_id: FxHashMap<u32, Vec<Stop>>,
    every_event: Vec<Stop>,
}

/// Rules that are shown the same events.
#[derive(Debug, Default)]
struct Bucket {
    stops: Vec<Stop>,
    /// How many of the stops have somebody who makes their rules ready for the engine.
    n_made_ready: AtomicUsize,
    engine: OnceLock<Engine>,
    /// Whether a rule sees what is derived from the event.
    is_derived: bool,
    /// Its place among the workspaces' caches.
    number: usize,
}

/// The buckets of one channel, or of all channels that no rule names.
#[derive(Debug, Default)]
struct Buckets {
    by_event_id: FxHashMap<u32, Bucket>,
    other_events: Bucket,
}

/// Shows events to rules.
#[derive(Debug, Default)]
pub struct Router {
    /// By channel in lower case.
    channels: FxHashMap<String, Stops>,
    every_channel: Stops,
    views: Vec<View>,
    /// By log source, while rules are added: where it is found, and the views of these routes.
    routes: FxHashMap<LogSource, Arc<[(usize, Route)]>>,
    derivations: Arc<Derivations>,
    buckets: FxHashMap<String, Buckets>,
    other_channels: Buckets,
    n_buckets: usize,
}

/// Working memory of one thread.
#[derive(Debug, Default)]
pub struct Workspace {
    scratch: Scratch,
    buckets: Vec<SeenBefore>,
    lower: String,
    /// The event with what is derived from it.
    derived: Event,
    /// Stops of the bucket whose rules match.
    matched: Vec<u32>,
}

/// What is known of the events of a bucket that came before.
#[derive(Debug, Default)]
struct SeenBefore {
    shapes: Shapes,
    values: Known,
}

impl Router {
    /// Adds a rule under an index of the caller's; gives false when its log source maps to nothing.
    pub(crate) fn add(&mut self, index: usize, rule: &CompiledRule, pipelines: &Pipelines) -> bool {
        let routes = self.routes(&rule.logsource, pipelines);
        for (view, route) in routes.iter() {
            let stop = Stop { rule: index, view: *view };
            if route.channels.is_empty() {
                self.every_channel.add(route, stop);
            }
            for channel in &route.channels {
                match self.channels.get_mut(channel) {
                    Some(stops) => stops.add(route, stop),
                    None => self.channels.entry(channel.clone()).or_default().add(route, stop),
                }
            }
        }
        !routes.is_empty()
    }

    /// Where a log source is found; many rules have the same one.
    fn routes(&mut self, logsource: &LogSource, pipelines: &Pipelines) -> Arc<[(usize, Route)]> {
        if let Some(routes) = self.routes.get(logsource) {
            return Arc::clone(routes);
        }
        self.derivations = pipelines.derivations();
        let routes = pipelines.routes(logsource).into_iter();
        let routes: Arc<[_]> = routes.map(|route| (self.view(&route), route)).collect();
        self.routes.insert(logsource.clone(), Arc::clone(&routes));
        routes
    }

    fn view(&mut self, route: &Route) -> usize {
        let view = View::new(route);
        self.views.iter().position(|known| *known == view).unwrap_or_else(|| {
            self.views.push(view);
            self.views.len() - 1
        })
    }

    /// Sorts the rules into buckets. To be called when all rules are added.
    pub(crate) fn sort(&mut self) {
        let mut n_buckets = 0;
        let nothing = Stops::default();
        let views = &self.views;
        let is_derived = |stop: &Stop| views.get(stop.view).is_some_and(|view| view.is_derived);
        let mut sorted = |own: &Stops| Buckets::new(own, &self.every_channel, &is_derived, &mut n_buckets);
        self.buckets =
            self.channels.iter().map(|(channel, stops)| (channel.clone(), sorted(stops))).collect();
        self.other_channels = sorted(&nothing);
        self.n_buckets = n_buckets;
        self.routes.clear();
    }

    /// Calls `visit` with the index of each rule that an event matches, and with the event as the rule sees
    /// it, in the order the rules were added.
    pub fn matches<'r>(
        &self,
        event: &Event,
        rule: &dyn Fn(usize) -> Option<&'r CompiledRule>,
        workspace: &mut Workspace,
        visit: &mut dyn FnMut(usize, &Seen<'_>),
    ) {
        let Some(bucket) = self.bucket(event, &mut workspace.lower) else { return };
        if bucket.is_derived {
            self.derivations.derive(event, &mut workspace.derived);
        }
        let event = if bucket.is_derived { &workspace.derived } else { event };
        let engine = bucket.engine.get().unwrap_or_else(|| {
            bucket.make_ready(rule);
            bucket.engine.get_or_init(|| self.engine(bucket, rule))
        });
        if workspace.buckets.len() < self.n_buckets {
            workspace.buckets.resize_with(self.n_buckets, SeenBefore::default);
        }
        let Some(SeenBefore { shapes, values }) = workspace.buckets.get_mut(bucket.number) else { return };
        let slots = SlotView { event, slots: shapes.of(event, engine.slots()) };
        let matched = &mut workspace.matched;
        matched.clear();
        engine.matches(&slots, &mut workspace.scratch, values, &mut |stop| matched.push(stop));
        let mut last = None;
        for stop in matched.iter().filter_map(|number| bucket.stops.get(*number as usize)) {
            // Two routes may lead to the same rule.
            if last.replace(stop.rule) != Some(stop.rule)
                && let Some(view) = self.views.get(stop.view)
            {
                visit(stop.rule, &Seen { event, view });
            }
        }
    }

    /// Whether what the rules say of an event they say of each that [repeats](Event::says_the_same_as) it: none
    /// of those that are about it asks for what passes. They have been asked about the event before.
    pub(crate) fn ignores_what_passes(&self, event: &Event, workspace: &mut Workspace) -> bool {
        let Some(bucket) = self.bucket(event, &mut workspace.lower) else { return true };
        let asked = bucket.engine.get().zip(workspace.buckets.get_mut(bucket.number));
        let Some((engine, SeenBefore { shapes, .. })) = asked else { return false };
        let passing = event.passing();
        // INVARIANT: what is derived is made of the payload, and comes before System where a name is looked for. So
        // a slot in which nothing passes here has nothing that passes with it either.
        engine.has_only_words() && shapes.of(event, engine.slots()).places().all(|place| !passing.has(place))
    }

    /// The rules that are about an event; nothing when there are none.
    fn bucket(&self, event: &Event, lower: &mut String) -> Option<&Bucket> {
        lower.clear();
        let channel = event.channel();
        if channel.is_ascii() {
            lower.push_str(channel);
            lower.make_ascii_lowercase();
        } else {
            lower.extend(channel.chars().flat_map(char::to_lowercase));
        }
        let buckets = self.buckets.get(lower.as_str()).unwrap_or(&self.other_channels);
        let by_id = event.event_id().and_then(|event_id| buckets.by_event_id.get(&event_id));
        Some(by_id.unwrap_or(&buckets.other_events)).filter(|bucket| !bucket.stops.is_empty())
    }

    fn engine<'r>(&self, bucket: &Bucket, rule: &dyn Fn(usize) -> Option<&'r CompiledRule>) -> Engine {
        let mut builder = EngineBuilder::default();
        for (stop, number) in bucket.stops.iter().zip(0..) {
            let (Some(rule), Some(view)) = (rule(stop.rule), self.views.get(stop.view)) else { continue };
            builder.add(number, rule.compiled(), &view.conditions, &|field| view.slots(field));
        }
        builder.build()
    }

    /// What [`matches`](Self::matches) says, found by asking each rule about the event one by one: the
    /// reference that the engine is compared with.
    pub fn matches_plainly<'r>(
        &self,
        event: &Event,
        rule: &dyn Fn(usize) -> Option<&'r CompiledRule>,
        visit: &mut dyn FnMut(usize),
    ) {
        let mut derived = Event::new();
        self.derivations.derive(event, &mut derived);
        let event = &derived;
        let stops = self.channels.get(&event.channel().to_lowercase());
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
        matched.sort_unstable();
        matched.dedup();
        matched.into_iter().for_each(visit);
    }
}

impl Bucket {
    /// Makes the rules ready that the engine is made of, which is half of what it takes. Threads that need the same
    /// engine at once share this between them.
    fn make_ready<'r>(&self, rule: &dyn Fn(usize) -> Option<&'r CompiledRule>) {
        while let Some(stop) = self.stops.get(self.n_made_ready.fetch_add(1, Ordering::Relaxed)) {
            rule(stop.rule).map(CompiledRule::compiled);
        }
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

impl Buckets {
    fn new(
        own: &Stops,
        every_channel: &Stops,
        is_derived: &dyn Fn(&Stop) -> bool,
        n_buckets: &mut usize,
    ) -> Self {
        let mut bucket = |event_id: Option<u32>| {
            let mut stops: Vec<Stop> = own.of(event_id).chain(every_channel.of(event_id)).copied().collect();
            // Matches are given in the order of the rules.
            stops.sort_by_key(|stop| stop.rule);
            *n_buckets += 1;
            let is_derived = stops.iter().any(is_derived);
            Bucket { stops, is_derived, number: *n_buckets - 1, ..Bucket::default() }
        };
        let event_ids = own.by_event_id.keys().chain(every_channel.by_event_id.keys());
        let by_event_id = event_ids.map(|event_id| (*event_id, bucket(Some(*event_id)))).collect();
        Self { by_event_id, other_events: bucket(None) }
    }
}

/// An event as a rule sees it: under the field names that rules use, and with what is derived from it where
/// the rule is about events of another kind, for which this one stands.
#[derive(Debug)]
pub struct Seen<'a> {
    pub(crate) event: &'a Event,
    pub(crate) view: &'a View,
}

impl<'a> Seen<'a> {
    /// Whether the event stands for one of another kind.
    pub fn is_derived(&self) -> bool {
        self.view.is_derived
    }

    fn find<'s>(&'s self, field: &'s str) -> impl Iterator<Item = Value<'a>> + use<'a, 's> {
        self.event.find_in(self.view.scope(), field)
    }

    /// Whether any of these fields is one whose value passes: events that say the same may differ in it.
    pub(crate) fn asks_what_passes(&self, fields: &[String]) -> bool {
        let passing = self.event.passing();
        let scope = self.view.scope();
        let passes = |name: &String| self.event.indices(scope, name).any(|place| passing.has(place));
        fields.iter().any(|field| match self.view.field_names.get(field) {
            Some(names) => names.iter().any(passes),
            None => passes(field),
        })
    }

    fn meets_conditions(&self) -> bool {
        self.view.conditions.iter().all(|(field, wanted)| {
            let is_wanted = |value: &str| wanted.iter().any(|own| own.eq_ignore_ascii_case(value));
            self.find(field).any(|value| matches!(value, Value::Text(text) if is_wanted(text)))
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
            Some(names) => names.iter().try_for_each(|name| self.find(name).try_for_each(&mut *visit)),
            None => self.find(field).try_for_each(visit),
        }
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        self.event.texts().try_for_each(visit)
    }
}
