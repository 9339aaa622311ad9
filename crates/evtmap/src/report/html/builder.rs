//! The document of a report, put together.

use jiff::Timestamp;

use super::super::ReportOptions;
use super::account;
use super::attack::Attack;
use super::best::{Best, Kept};
use super::document::{
    self, Alerts, CONTRACT, Correlation, Derivation, Document, EventKind, Events, Index, LeftOut, Member,
    Run, Shape, Totals,
};
use super::evidence;
use super::limit::{self, Limits};
use super::place::Places;
use super::rank::Ranks;
use super::text::{Delta, Table, Texts};
use crate::account::AccountNames;
use crate::alert::{AlertEvent, CorrelationDetail};
use crate::connection::{Connections, session_of};
use crate::severity::Severity;
use crate::triage::Report;

/// The largest number of events of a correlation that are shown.
const N_MEMBERS_MAX: usize = 20;
/// How much of the command line is shown: a shell makes thousands of arguments out of `logs/*`.
const N_ARGUMENTS_MAX: usize = 200;
const ARGUMENT_MAX: usize = 1_000;

/// All that a document is made of.
pub(super) struct Builder<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) options: &'a ReportOptions,
    pub(super) best: &'a Best,
    pub(super) names: &'a AccountNames,
    pub(super) ranks: &'a Ranks,
    pub(super) connections: &'a Connections,
    pub(super) limits: Limits,
}

impl Builder<'_> {
    pub(super) fn document(&self) -> Document {
        let kept = self.best.in_order();
        let mut attack = Attack::new(self.report.catalogue, self.limits);
        let mut places = Places::new(self.names, self.connections, self.limits);
        let mut rows = Rows::new(self.limits);
        for one in &kept {
            let finding = attack.finding(&one.alert.finding, self.best);
            rows.add(one, finding, &mut places);
        }
        places.rank(self.ranks, &attack);
        let (connections, n_unconnected) = places.connections();
        let (hosts, users, sessions) = places.tables();
        Document {
            contract: CONTRACT,
            run: self.run(),
            totals: self.totals(&attack),
            strings: rows.texts.strings,
            cut: rows.texts.cut,
            tactics: attack.tactics,
            techniques: attack.techniques,
            findings: attack.findings,
            hosts,
            users,
            sessions,
            connections,
            inputs: rows.inputs,
            kinds: rows.kinds,
            shapes: rows.shapes,
            events: rows.events,
            alerts: rows.alerts,
            evidence: rows.evidence,
            derivations: rows.derivations,
            correlations: rows.correlations,
            account: account::account(
                self.report,
                self.connections.n_left_out() + n_unconnected as u64,
                attack.n_without_condition,
            ),
        }
    }

    fn run(&self) -> Run {
        let Report { catalogue, rules, scan, .. } = self.report;
        Run {
            evtmap: env!("CARGO_PKG_VERSION"),
            command: command(&self.options.run.command),
            made: self.options.run.begun.map(Timestamp::as_microsecond),
            attack: document::Attack {
                domain: catalogue.domain().unwrap_or("unknown domain").to_owned(),
                version: catalogue.version().map(str::to_owned),
                date: catalogue.date().map(str::to_owned),
                origin: self.report.catalogue_origin.to_owned(),
            },
            rules: document::Rules {
                used: rules.n_used,
                origins: rules.origins.clone(),
                newest: rules.newest.clone(),
            },
            timezone: scan.timezone.clone(),
            local_times: scan.files.iter().map(|file| file.local_times).sum(),
        }
    }

    fn totals(&self, attack: &Attack) -> Totals {
        let Report { scan, summary, .. } = self.report;
        let span = scan.span().0;
        let left_out = self.best.left_out();
        Totals {
            files: scan.files.iter().filter(|file| file.kind.is_some()).count(),
            events: scan.progress().events,
            span: span.map(|(first, last)| (first.as_microsecond(), last.as_microsecond())),
            detections: by_severity(|severity| summary.severities.get(&severity).copied()),
            associations: by_severity(|severity| summary.associations.get(&severity).copied()),
            detected: self.ranks.detected(attack),
            left_out: LeftOut {
                detections: left_out.detections,
                associations: left_out.associations,
                events: left_out.events,
                hosts: self.ranks.n_hosts.saturating_sub(self.limits.n_ranked),
                users: self.ranks.n_accounts.saturating_sub(self.limits.n_ranked),
            },
            other_reports: self.options.run.other_reports.clone(),
        }
    }
}

/// The command line, as much of it as a reader looks at.
fn command(arguments: &[String]) -> Vec<String> {
    let shown = arguments.iter().take(N_ARGUMENTS_MAX);
    let mut shown: Vec<String> = shown.map(|argument| limit::name(argument, ARGUMENT_MAX)).collect();
    let n_more = arguments.len().saturating_sub(N_ARGUMENTS_MAX);
    if n_more > 0 {
        shown.push(format!("… and {n_more} arguments more"));
    }
    shown
}

/// Numbers in the order of the page, the least severity first.
pub(super) fn by_severity(of: impl Fn(Severity) -> Option<u64>) -> [u64; 5] {
    let mut numbers = Severity::WORST_FIRST.map(|severity| of(severity).unwrap_or_default());
    numbers.reverse();
    numbers
}

/// The severity's place in that order; -1 for none.
pub(super) fn severity_index(severity: Option<Severity>) -> Index {
    let place =
        severity.and_then(|severity| Severity::WORST_FIRST.iter().rev().position(|it| *it == severity));
    place.map_or(-1, index)
}

pub(super) fn index(place: usize) -> Index {
    Index::try_from(place).unwrap_or(-1)
}

/// Alerts and events by column.
struct Rows<'a> {
    limits: Limits,
    texts: Texts<'a>,
    events: Events,
    alerts: Alerts,
    kinds: Vec<EventKind>,
    inputs: Vec<String>,
    shapes: Vec<Shape>,
    evidence: Vec<String>,
    derivations: Vec<Derivation>,
    correlations: Vec<Correlation>,
    tables: Tables<'a>,
    deltas: Deltas,
}

/// What is known already.
#[derive(Default)]
struct Tables<'a> {
    events: Table<*const AlertEvent>,
    kinds: Table<(&'a str, &'a str, Option<u32>)>,
    inputs: Table<&'a str>,
    shapes: Table<Vec<&'a str>>,
    evidence: Table<String>,
    derivations: Table<(&'a str, &'a [String])>,
}

#[derive(Default)]
struct Deltas {
    time: Delta,
    record: Delta,
    position: Delta,
    event: Delta,
}

impl<'a> Rows<'a> {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            texts: Texts::new(limits.value),
            events: Events::default(),
            alerts: Alerts::default(),
            kinds: Vec::new(),
            inputs: Vec::new(),
            shapes: Vec::new(),
            evidence: Vec::new(),
            derivations: Vec::new(),
            correlations: Vec::new(),
            tables: Tables::default(),
            deltas: Deltas::default(),
        }
    }

    fn add(&mut self, kept: &'a Kept, finding: Index, places: &mut Places<'a>) {
        let alert = &kept.alert;
        let number = index(self.alerts.finding.len());
        let (event, is_new) = self.tables.events.index(std::ptr::from_ref(&*alert.event));
        if is_new {
            self.event(kept, event, places);
        }
        self.alerts.event.push(Index::try_from(self.deltas.event.next(event)).unwrap_or_default());
        self.alerts.finding.push(finding);
        let derivation = alert.derived.as_deref().map_or(-1, |derived| {
            let key = (derived.category.as_str(), derived.missing_fields.as_slice());
            let (index, is_new) = self.tables.derivations.index(key);
            if is_new {
                let missing_fields = derived.missing_fields.clone();
                self.derivations.push(Derivation { category: derived.category.clone(), missing_fields });
            }
            index
        });
        self.alerts.derivation.push(derivation);
        let correlation = alert.correlation.as_deref().map_or(-1, |detail| {
            self.correlations.push(correlation(detail, self.limits.name));
            index(self.correlations.len() - 1)
        });
        self.alerts.correlation.push(correlation);
        self.evidence(kept, number);
        places.note(alert, number);
    }

    fn evidence(&mut self, kept: &'a Kept, number: Index) {
        let condition = kept.alert.finding.rule.as_ref().and_then(|rule| rule.condition.as_deref());
        let (Some(held), Some(condition)) = (kept.alert.evidence.as_deref(), condition) else {
            return self.alerts.evidence.push(-1);
        };
        let (index, is_new) = self.tables.evidence.index(evidence::text(held));
        if is_new {
            self.evidence.push(evidence::text(held));
        }
        self.alerts.evidence.push(index);
        for (item, values) in evidence::found_elsewhere(held, condition, &kept.alert.event) {
            let value =
                |value: &'a Option<String>| value.as_deref().map_or(-1, |text| self.texts.index(text, None));
            let values = values.iter().take(self.limits.n_fields).map(value).collect();
            self.alerts.found.push((number, item, values));
        }
    }

    fn event(&mut self, kept: &'a Kept, number: Index, places: &mut Places<'a>) {
        let event = &*kept.alert.event;
        let (events, deltas, tables) = (&mut self.events, &mut self.deltas, &mut self.tables);
        let time = event.time.map(Timestamp::as_microsecond);
        events.time.push(time.map(|time| i64::try_from(deltas.time.next(time)).unwrap_or_default()));
        events.record.push(event.record_id.map(|record| deltas.record.next(record)));
        events.position.push(deltas.position.next(event.position.number()));
        let (kind, is_new) =
            tables.kinds.index((&event.said.channel, &event.said.provider, event.said.event_id));
        if is_new {
            let name = |text: &str| limit::name(text, self.limits.name);
            let (channel, provider) = (name(&event.said.channel), name(&event.said.provider));
            self.kinds.push(EventKind { channel, provider, id: event.said.event_id });
        }
        events.kind.push(kind);
        let (input, is_new) = tables.inputs.index(&event.input);
        if is_new {
            self.inputs.push(event.input.to_string());
        }
        events.input.push(input);
        let host = places.host(&event.said.computer);
        let user = event.said.user.as_deref().map_or(-1, |user| places.user(user));
        events.host.push(host);
        events.user.push(user);
        events
            .session
            .push(session_of(event).map_or(-1, |id| places.session(&event.said.computer, id, user)));
        if event.is_recovered {
            events.recovered.push(number);
        }
        let full = |place: Option<usize>| kept.cuts.iter().find(|cut| cut.0 == place).map(|cut| cut.1);
        let message = event.said.message.as_deref().map_or(-1, |text| self.texts.index(text, full(None)));
        events.message.push(message);
        self.payload(kept);
    }

    /// Names of fields stand once for all events that have the same.
    fn payload(&mut self, kept: &'a Kept) {
        let fields = &kept.alert.event.said.fields;
        let n_more = fields.len().saturating_sub(self.limits.n_fields);
        let shown = || fields.iter().take(self.limits.n_fields);
        let names: Vec<&str> = shown().map(|(name, _)| name).chain((n_more > 0).then_some("…")).collect();
        let texts = &mut self.texts;
        let (shape, is_new) = self.tables.shapes.index(names.clone());
        if is_new {
            let names: Vec<Index> = names.into_iter().map(|name| texts.index(name, None)).collect();
            self.shapes.push(Shape { columns: vec![Vec::new(); names.len()], names });
        }
        self.events.shape.push(shape);
        let full = |place: usize| kept.cuts.iter().find(|cut| cut.0 == Some(place)).map(|cut| cut.1);
        let values = shown().enumerate();
        let values =
            values.map(|(place, (_, value))| value.map_or(-1, |value| texts.index(value, full(place))));
        let mut values: Vec<Index> = values.collect();
        if n_more > 0 {
            values.push(texts.own(format!("and {n_more} fields more, which are in the log")));
        }
        let columns = usize::try_from(shape).ok().and_then(|shape| self.shapes.get_mut(shape));
        for (column, value) in columns.into_iter().flat_map(|shape| &mut shape.columns).zip(values) {
            column.push(value);
        }
    }
}

fn correlation(detail: &CorrelationDetail, name_max: usize) -> Correlation {
    let members = detail.examples.iter().take(N_MEMBERS_MAX);
    Correlation {
        kind: detail.kind.clone(),
        first: detail.first.as_microsecond(),
        last: detail.last.as_microsecond(),
        events: detail.events,
        members: members
            .map(|member| Member {
                time: member.time.map(Timestamp::as_microsecond),
                host: limit::name(&member.computer, name_max),
                event_id: member.event_id,
                record: member.record_id,
                input: member.path.clone(),
                position: member.position,
            })
            .collect(),
    }
}
