//! What a watch counts, and how it is told to people and to Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use evtmap::Severity;
use evtmap::alert::Kind;

use crate::sink::Health;

/// How a watch is doing.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Events that were looked at.
    pub n_events: u64,
    /// Bytes that were read.
    pub n_bytes: u64,
    /// Alerts by kind and severity.
    pub alerts: BTreeMap<(Kind, Option<Severity>), u64>,
    /// Records that could not be read, and what else cost events, by code.
    pub problems: BTreeMap<&'static str, u64>,
    /// Files that cannot be read.
    pub n_refused: u64,
    /// Sources.
    pub n_sources: u64,
    /// Bytes that are known to be there and were not read.
    pub n_bytes_behind: u64,
    /// For how long it has been behind.
    pub behind_for: Duration,
    /// Matches that are kept for correlations.
    pub n_kept: u64,
    /// How often rules and configuration were replaced, and how often that failed.
    pub n_reloads: u64,
    /// See [`Status::n_reloads`].
    pub n_reloads_failed: u64,
    /// How often everything was made safe.
    pub n_commits: u64,
    /// How often something could not be written.
    pub n_write_errors: u64,
    /// Where alerts go, and how each is doing.
    pub sinks: Vec<(String, Health)>,
    /// How long it has been at work.
    pub uptime: Duration,
}

impl Status {
    /// Alerts of a kind.
    pub fn n_alerts(&self, kind: Kind) -> u64 {
        self.alerts.iter().filter(|((own, _), _)| *own == kind).map(|(_, n)| n).sum()
    }

    /// Alerts that wait for a sink.
    pub fn n_waiting(&self) -> u64 {
        self.sinks.iter().map(|(_, health)| health.n_waiting).sum()
    }

    /// The text form of Prometheus.
    ///
    /// Source: Prometheus' "Exposition formats", text-based format 0.0.4.
    pub fn prometheus(&self) -> String {
        let mut text = Text(String::new());
        text.counter("events_total", "Events that were looked at", self.n_events);
        text.counter("read_bytes_total", "Bytes that were read", self.n_bytes);
        text.head("alerts_total", "counter", "Alerts by kind and severity");
        for ((kind, severity), n) in &self.alerts {
            let severity = severity.map_or("none", Severity::as_str);
            text.line("alerts_total", &[("kind", kind.as_str()), ("severity", severity)], n);
        }
        text.head("problems_total", "counter", "Records and files with problems, by code");
        for (code, n) in &self.problems {
            text.line("problems_total", &[("code", code)], n);
        }
        text.counter("refused_files_total", "Files that cannot be read", self.n_refused);
        text.gauge("sources", "Sources that are watched", self.n_sources);
        text.gauge("lag_bytes", "Bytes that are there and were not read", self.n_bytes_behind);
        text.gauge("lag_seconds", "For how long there have been such bytes", self.behind_for.as_secs_f64());
        text.gauge("correlation_matches", "Matches that correlations may still be about", self.n_kept);
        text.counter("reloads_total", "How often rules and configuration were replaced", self.n_reloads);
        text.counter("reload_failures_total", "How often that failed", self.n_reloads_failed);
        text.counter("commits_total", "How often sources and outputs were made safe", self.n_commits);
        text.counter("write_errors_total", "How often something could not be written", self.n_write_errors);
        text.gauge("uptime_seconds", "How long the watch has been at work", self.uptime.as_secs());
        let of_sinks: [OfSink; 4] = [
            ("queue_alerts", "gauge", "Alerts that wait", |health| health.n_waiting),
            ("refused_alerts_total", "counter", "Alerts that the other side refused", |health| {
                health.n_refused
            }),
            ("dropped_alerts_total", "counter", "Alerts that were given up, too many waited", |health| {
                health.n_dropped
            }),
            ("sink_up", "gauge", "Whether alerts can be given on", |health| health.is_up.into()),
        ];
        for (name, kind, about, value) in of_sinks {
            text.head(name, kind, about);
            for (sink, health) in &self.sinks {
                text.line(name, &[("sink", sink)], &value(health));
            }
        }
        text.0
    }
}

/// A figure of each sink: its name, its kind, what it is, and its value.
type OfSink = (&'static str, &'static str, &'static str, fn(&Health) -> u64);

/// A text in Prometheus' form.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, about: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP evtmap_{name} {about}.\n# TYPE evtmap_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &dyn std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "evtmap_{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, about: &str, value: u64) {
        self.head(name, "counter", about);
        self.line(name, &[], &value);
    }

    fn gauge(&mut self, name: &str, about: &str, value: impl std::fmt::Display) {
        self.head(name, "gauge", about);
        self.line(name, &[], &value);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The last status, for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<Status>);

impl Shown {
    pub(crate) fn set(&self, status: Status) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    pub(crate) fn get(&self) -> Status {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_can_read_it() {
        let mut status = Status { n_events: 3, ..Status::default() };
        status.alerts.insert((Kind::Detection, Some(Severity::High)), 2);
        status.sinks.push(("a\"b\\c".to_owned(), Health { n_waiting: 4, is_up: true, ..Health::default() }));
        let text = status.prometheus();
        for line in [
            "# TYPE evtmap_events_total counter",
            "evtmap_events_total 3",
            "evtmap_alerts_total{kind=\"detection\",severity=\"high\"} 2",
            "evtmap_queue_alerts{sink=\"a\\\"b\\\\c\"} 4",
            "evtmap_lag_seconds 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
