//! What there is in logs, and what is missing: kinds of events, hosts, gaps in time and in record ids.

mod log;
mod traces;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

pub use log::{LogReport, MissingRecords, Pause, SteppedBack};
pub use traces::{Trace, TraceKind, TraceKinds};

use crate::event::Event;
use crate::span::TimeSpan;
use log::Log;

/// The largest number of kinds of events, and of hosts, that are told apart.
const N_KINDS_MAX: usize = 20_000;
const N_HOSTS_MAX: usize = 20_000;
/// The largest number of logs that are told apart. Each takes up to some 100 KB, most of them far less.
const N_LOGS_MAX: usize = 2000;
/// The largest number of traces, such as a log that was cleared, that are kept.
const N_TRACES_MAX: usize = 2000;

/// What statistics need of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    kind: Arc<KindOfEvent>,
    computer: Arc<str>,
    time: Option<Timestamp>,
    record_id: Option<u64>,
    is_recovered: bool,
    trace: Option<Trace>,
}

/// What statistics need of a batch of events of one file.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    path: Option<Arc<str>>,
    facts: Vec<Fact>,
}

/// A kind of event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct KindOfEvent {
    /// The log; empty when unknown.
    pub channel: String,
    /// What wrote it; empty when unknown.
    pub provider: String,
    /// Its id.
    pub event_id: Option<u32>,
}

/// How many events there are of something, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Number {
    /// How many.
    pub events: u64,
    /// When the first and the last were, in UTC.
    #[serde(flatten)]
    pub span: Span,
}

/// The times between which events lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// When the first was.
    pub first: Option<Timestamp>,
    /// When the last was.
    pub last: Option<Timestamp>,
}

impl From<TimeSpan> for Span {
    fn from(span: TimeSpan) -> Self {
        Self { first: span.0.map(|(first, _)| first), last: span.0.map(|(_, last)| last) }
    }
}

/// What is not told apart because there is too much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Beyond {
    /// Events of kinds beyond the first 20,000.
    pub kinds: u64,
    /// Events of hosts beyond the first 20,000.
    pub hosts: u64,
    /// Events of logs beyond the first 2,000.
    pub logs: u64,
    /// Traces beyond the first 2,000.
    pub traces: u64,
}

/// What there is in logs.
#[derive(Debug, Default)]
pub struct Statistics {
    kinds: HashMap<Arc<KindOfEvent>, Counter>,
    hosts: HashMap<Arc<str>, Counter>,
    logs: HashMap<LogName, Log>,
    traces: Vec<Trace>,
    beyond: Beyond,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    n: u64,
    span: TimeSpan,
}

impl Counter {
    fn add(&mut self, time: Option<Timestamp>) {
        self.n += 1;
        if let Some(time) = time {
            self.span.add(time);
        }
    }

    fn number(&self) -> Number {
        Number { events: self.n, span: self.span.into() }
    }
}

/// A log: the events of one host and channel in one file. Record ids are numbered in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct LogName {
    /// The file.
    pub path: Arc<str>,
    /// The computer; empty when unknown.
    pub computer: Arc<str>,
    /// The channel; empty when unknown.
    pub channel: String,
}

impl Facts {
    /// Notes what statistics need of an event; all events of one object are of one file.
    pub fn note(&mut self, event: &Event, path: &Arc<str>, traces: &TraceKinds) {
        if self.path.is_none() {
            self.path = Some(Arc::clone(path));
        }
        let fact = Fact {
            kind: self.kind(event),
            computer: self.computer(event.computer()),
            time: event.time(),
            record_id: event.record_id(),
            is_recovered: event.is_recovered(),
            trace: traces.read(event),
        };
        self.facts.push(fact);
    }

    /// The kind of an event; those of a batch are few, and most often that of the event before.
    fn kind(&self, event: &Event) -> Arc<KindOfEvent> {
        let is_same = |fact: &&Fact| {
            fact.kind.event_id == event.event_id()
                && fact.kind.channel == event.channel()
                && fact.kind.provider == event.provider()
        };
        self.facts.iter().rev().take(64).find(is_same).map_or_else(
            || {
                Arc::new(KindOfEvent {
                    channel: event.channel().to_owned(),
                    provider: event.provider().to_owned(),
                    event_id: event.event_id(),
                })
            },
            |fact| Arc::clone(&fact.kind),
        )
    }

    fn computer(&self, name: &str) -> Arc<str> {
        let same = self.facts.last().filter(|fact| &*fact.computer == name);
        same.map_or_else(|| Arc::from(name), |fact| Arc::clone(&fact.computer))
    }
}

impl Statistics {
    /// Adds the facts of a batch, in the order of the files.
    pub fn add(&mut self, facts: Facts) {
        let Some(path) = facts.path else { return };
        let mut log = None;
        for fact in facts.facts {
            self.add_kind(&fact);
            self.add_host(&fact);
            // Batches are of one log as a rule: its name is made when it changes.
            let is_same =
                |name: &LogName| name.computer == fact.computer && name.channel == fact.kind.channel;
            if !log.as_ref().is_some_and(is_same) {
                log = Some(LogName {
                    path: Arc::clone(&path),
                    computer: Arc::clone(&fact.computer),
                    channel: fact.kind.channel.clone(),
                });
            }
            if let Some(name) = &log {
                self.add_to_log(name, &fact);
            }
            if let Some(trace) = fact.trace {
                if self.traces.len() < N_TRACES_MAX {
                    self.traces.push(trace);
                } else {
                    self.beyond.traces += 1;
                }
            }
        }
    }

    fn add_kind(&mut self, fact: &Fact) {
        if let Some(counter) = self.kinds.get_mut(&fact.kind) {
            counter.add(fact.time);
        } else if self.kinds.len() < N_KINDS_MAX {
            self.kinds.entry(Arc::clone(&fact.kind)).or_default().add(fact.time);
        } else {
            self.beyond.kinds += 1;
        }
    }

    fn add_host(&mut self, fact: &Fact) {
        if let Some(counter) = self.hosts.get_mut(&fact.computer) {
            counter.add(fact.time);
        } else if self.hosts.len() < N_HOSTS_MAX {
            self.hosts.entry(Arc::clone(&fact.computer)).or_default().add(fact.time);
        } else {
            self.beyond.hosts += 1;
        }
    }

    fn add_to_log(&mut self, name: &LogName, fact: &Fact) {
        if let Some(log) = self.logs.get_mut(name) {
            log.add(fact.record_id, fact.time, fact.is_recovered);
        } else if self.logs.len() < N_LOGS_MAX {
            let log = self.logs.entry(name.clone()).or_default();
            log.add(fact.record_id, fact.time, fact.is_recovered);
        } else {
            self.beyond.logs += 1;
        }
    }

    /// The kinds of events with their numbers, the most frequent first, equal ones by name.
    pub fn kinds(&self) -> Vec<(&KindOfEvent, Number)> {
        let mut kinds: Vec<_> =
            self.kinds.iter().map(|(kind, counter)| (&**kind, counter.number())).collect();
        kinds.sort_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(b.0)));
        kinds
    }

    /// The hosts with their numbers of events, the most frequent first, equal ones by name.
    pub fn hosts(&self) -> Vec<(&str, Number)> {
        let mut hosts: Vec<_> =
            self.hosts.iter().map(|(name, counter)| (&**name, counter.number())).collect();
        hosts.sort_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(b.0)));
        hosts
    }

    /// What is told of each log, by file, host and channel.
    pub fn logs(&self) -> Vec<(&LogName, LogReport)> {
        let runs = self.starts_by_host();
        let mut logs: Vec<(&LogName, LogReport)> = (self.logs.iter())
            .map(|(name, log)| (name, log.report(runs.get(&*name.computer).map_or(&[], Vec::as_slice))))
            .collect();
        logs.sort_by(|a, b| a.0.cmp(b.0));
        logs
    }

    /// When Windows started, by host.
    fn starts_by_host(&self) -> BTreeMap<&str, Vec<Timestamp>> {
        let mut starts: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
        for trace in self.traces.iter().filter(|trace| trace.kind == TraceKind::Started) {
            starts.entry(&trace.computer).or_default().extend(trace.time);
        }
        starts.values_mut().for_each(|times| times.sort_unstable());
        starts
    }

    /// What tells of logs that were cleared, of auditing that was changed and of clocks that were set, in the
    /// order of time. That Windows started or stopped is not among it.
    pub fn traces(&self) -> Vec<&Trace> {
        let is_told = |trace: &&Trace| !matches!(trace.kind, TraceKind::Started | TraceKind::Stopped);
        let mut traces: Vec<&Trace> = self.traces.iter().filter(is_told).collect();
        traces.sort_by_key(|trace| (trace.time.is_none(), trace.time));
        traces
    }

    /// What is not told apart.
    pub fn beyond(&self) -> Beyond {
        self.beyond
    }
}

#[cfg(test)]
mod tests;
