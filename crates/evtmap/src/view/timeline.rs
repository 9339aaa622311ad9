//! Alerts in the order of time: how many when, and which.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::histogram::Histogram;
use crate::alert::{Alert, Kind};
use crate::severity::Severity;

/// The largest number of groups, such as hosts, of which the times are kept.
const N_GROUPS_MAX: usize = 500;
/// The largest number of rows that are kept. Each takes some 500 bytes.
const N_ROWS_MAX: usize = 100_000;
/// The time within which what a rule finds on one host, with one user, is one row.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// By what alerts are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Grouping {
    /// The computer that logged them.
    #[default]
    Host,
    /// Their tactics; an alert may have several.
    Tactic,
    /// Their techniques; an alert may have several.
    Technique,
    /// The rule, or what the event is.
    Rule,
}

/// What a timeline is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineOptions {
    /// By what alerts are grouped.
    pub grouping: Grouping,
    /// Whether every alert is a row of its own, and not those of an hour that are of one rule, host and user.
    pub each: bool,
    /// How many rows are kept, at most 100,000.
    pub rows: usize,
}

/// Alerts in the order of time.
#[derive(Clone, Debug)]
pub struct Timeline {
    options: TimelineOptions,
    whole: Histogram,
    groups: HashMap<String, (u64, Histogram)>,
    rows: Vec<TimelineRow>,
    /// Where the last row of a rule, host and user is.
    last: HashMap<Key, usize>,
    left_out: LeftOut,
}

type Key = (String, String, Option<String>);

/// What a rule found on a host and of a user within an hour, or a single alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineRow {
    /// When the first was, in UTC (RFC 3339); nothing when the input does not say.
    pub time: Option<Timestamp>,
    /// When the last was.
    pub last: Option<Timestamp>,
    /// How many alerts it stands for.
    pub alerts: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What it is based on.
    pub kind: Kind,
    /// The computer; empty when unknown.
    pub host: String,
    /// Who did it, as far as the events say.
    pub user: Option<String>,
    /// The techniques' ids.
    pub techniques: Vec<String>,
    /// The rule's title, or what the event is.
    pub title: String,
    /// The rule's author; empty for an association.
    pub author: String,
    /// Whether the events stand for those that the rule is about.
    pub derived: bool,
    /// The id of the first event.
    pub event_id: Option<u32>,
    /// The number of the first event in its log.
    pub record_id: Option<u64>,
    /// The file in which the first was.
    pub path: String,
}

/// What a timeline does not show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Alerts of rows beyond those that are kept, by severity: of the least bad first the latest.
    pub alerts: BTreeMap<Severity, u64>,
    /// Alerts without a time: they are in the table and not in the numbers by time.
    pub without_time: u64,
    /// Alerts of groups beyond the first 500: they count in the whole and in no group.
    pub beyond_groups: u64,
}

impl Timeline {
    /// One without alerts.
    pub fn new(options: TimelineOptions) -> Self {
        let options = TimelineOptions { rows: options.rows.min(N_ROWS_MAX), ..options };
        Self {
            options,
            whole: Histogram::default(),
            groups: HashMap::new(),
            rows: Vec::new(),
            last: HashMap::new(),
            left_out: LeftOut::default(),
        }
    }

    /// Adds an alert.
    pub fn add(&mut self, alert: &Alert) {
        let Some(severity) = alert.finding.severity else { return };
        match time(alert) {
            None => self.left_out.without_time += 1,
            Some(time) => {
                self.whole.add(time, severity);
                for name in groups(alert, self.options.grouping) {
                    self.add_to_group(name, time, severity);
                }
            }
        }
        self.add_row(alert, severity);
        // Sorting now and then is cheaper than keeping order.
        if self.rows.len() >= self.options.rows.saturating_mul(2).max(1000) {
            self.prune();
        }
    }

    fn add_to_group(&mut self, name: String, time: Timestamp, severity: Severity) {
        if self.groups.len() >= N_GROUPS_MAX && !self.groups.contains_key(&name) {
            self.left_out.beyond_groups += 1;
            return;
        }
        let (n, histogram) = self.groups.entry(name).or_default();
        *n += 1;
        histogram.add(time, severity);
    }

    fn add_row(&mut self, alert: &Alert, severity: Severity) {
        let (finding, event) = (&alert.finding, &alert.event);
        let (first, last) = (time(alert), last_time(alert));
        let key = (finding.title().to_owned(), event.said.computer.clone(), event.said.user.clone());
        if !self.options.each
            && let Some(index) = self.last.get(&key)
            && let Some(row) = self.rows.get_mut(*index)
            && is_together(row, first)
        {
            row.alerts += 1;
            row.time = row.time.min(first).or(first);
            row.last = row.last.max(last);
            row.derived |= alert.derived.is_some();
            return;
        }
        self.last.insert(key, self.rows.len());
        self.rows.push(TimelineRow {
            time: first,
            last,
            alerts: 1,
            severity,
            kind: finding.kind,
            host: event.said.computer.clone(),
            user: event.said.user.clone(),
            techniques: finding.techniques.iter().map(|technique| technique.id.clone()).collect(),
            title: finding.title().to_owned(),
            author: finding.rule.as_ref().map(|rule| rule.author.clone()).unwrap_or_default(),
            derived: alert.derived.is_some(),
            event_id: event.said.event_id,
            record_id: event.record_id,
            path: event.input.to_string(),
        });
    }

    /// Leaves out the rows beyond those that are kept.
    fn prune(&mut self) {
        // The worst first, of these the earliest; those of one moment stay in the order of the input.
        let by_time = |row: &TimelineRow| (row.time.is_none(), row.time);
        self.rows.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| by_time(a).cmp(&by_time(b))));
        for row in self.rows.drain(self.options.rows.min(self.rows.len())..) {
            *self.left_out.alerts.entry(row.severity).or_default() += row.alerts;
        }
        self.last.clear();
        for (index, row) in self.rows.iter().enumerate() {
            self.last.insert((row.title.clone(), row.host.clone(), row.user.clone()), index);
        }
    }

    /// Puts the rows in order of time. Call it when all alerts are there.
    pub fn finish(&mut self) {
        self.prune();
        self.rows.sort_by_key(|row| (row.time.is_none(), row.time));
    }

    /// How many alerts when.
    pub fn whole(&self) -> &Histogram {
        &self.whole
    }

    /// The groups with their number of alerts and these by time, those with most first, equal ones by name.
    pub fn groups(&self) -> Vec<(&str, u64, &Histogram)> {
        let mut groups: Vec<_> =
            self.groups.iter().map(|(name, (n, histogram))| (name.as_str(), *n, histogram)).collect();
        groups.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        groups
    }

    /// The rows in the order of time, those without a time at the end.
    pub fn rows(&self) -> &[TimelineRow] {
        &self.rows
    }

    /// What is not shown.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }
}

/// When an alert was; of a correlation, its first event.
fn time(alert: &Alert) -> Option<Timestamp> {
    alert.correlation.as_ref().map(|correlation| correlation.first).or(alert.event.time)
}

fn last_time(alert: &Alert) -> Option<Timestamp> {
    alert.correlation.as_ref().map(|correlation| correlation.last).or(alert.event.time)
}

/// Whether what happened at a time belongs to a row: from its first to its last is less than an hour.
fn is_together(row: &TimelineRow, time: Option<Timestamp>) -> bool {
    match (row.time, row.last, time) {
        (Some(first), Some(last), Some(time)) => first.min(time).duration_until(last.max(time)) < TOGETHER,
        (None, _, None) => true,
        _ => false,
    }
}

fn groups(alert: &Alert, grouping: Grouping) -> Vec<String> {
    let finding = &alert.finding;
    match grouping {
        Grouping::Host => vec![alert.event.said.computer.clone()],
        Grouping::Rule => vec![finding.title().to_owned()],
        Grouping::Tactic => finding.tactics.iter().map(|tactic| tactic.name.clone()).collect(),
        Grouping::Technique => {
            finding.techniques.iter().map(|own| format!("{} {}", own.id, own.name)).collect()
        }
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Tactic => "tactic",
            Self::Technique => "technique",
            Self::Rule => "rule",
        })
    }
}

#[cfg(test)]
mod tests;
