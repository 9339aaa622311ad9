//! Alerts in, rows out.

use std::sync::Arc;

use super::*;
use crate::alert::tests::{association, detection};

/// The detection at a time, on a host, and how bad.
fn alert(time: &str, host: &str, severity: Severity) -> Alert {
    let mut alert = detection();
    let event = Arc::make_mut(&mut alert.event);
    event.time = time.parse().ok();
    event.said_mut().computer = host.to_owned();
    Arc::make_mut(&mut alert.finding).severity = Some(severity);
    alert
}

fn timeline(options: TimelineOptions, alerts: &[Alert]) -> Timeline {
    let mut timeline = Timeline::new(options);
    alerts.iter().for_each(|alert| timeline.add(alert));
    timeline.finish();
    timeline
}

const OPTIONS: TimelineOptions = TimelineOptions { grouping: Grouping::Host, each: false, rows: 10 };

/// The rows as `time host severity ×number`.
fn rows(timeline: &Timeline) -> Vec<String> {
    let time = |row: &TimelineRow| row.time.map_or("-".to_owned(), |time| time.strftime("%H:%M").to_string());
    let show = |row: &TimelineRow| format!("{} {} {} ×{}", time(row), row.host, row.severity, row.alerts);
    timeline.rows().iter().map(show).collect()
}

#[test]
fn what_is_the_same_within_an_hour_is_one_row() {
    let alerts = [
        alert("2026-03-11T09:30:00Z", "A", Severity::High),
        alert("2026-03-11T08:40:00Z", "A", Severity::High),
        alert("2026-03-11T08:20:00Z", "A", Severity::High),
        alert("2026-03-11T08:20:00Z", "B", Severity::High),
        alert("", "A", Severity::High),
    ];
    let joined = timeline(OPTIONS, &alerts);
    assert_eq!(rows(&joined), ["08:20 A high ×1", "08:20 B high ×1", "08:40 A high ×2", "- A high ×1"]);
    assert_eq!(joined.left_out().without_time, 1);
    let each = timeline(TimelineOptions { each: true, ..OPTIONS }, &alerts);
    assert_eq!(each.rows().len(), alerts.len());
    assert_eq!(each.rows()[0].author, "Ada Example");
}

#[test]
fn the_least_bad_go_first_and_are_counted() {
    let mut alerts: Vec<Alert> = (0..5000)
        .map(|i| alert(&format!("2026-03-11T08:{:02}:00Z", i % 60), &format!("H{i}"), Severity::Low))
        .collect();
    alerts.push(alert("2026-03-12T08:00:00Z", "Z", Severity::Critical));
    let timeline = timeline(TimelineOptions { rows: 3, ..OPTIONS }, &alerts);
    assert_eq!(rows(&timeline), ["08:00 H0 low ×1", "08:00 H60 low ×1", "08:00 Z critical ×1"]);
    assert_eq!(timeline.left_out().alerts[&Severity::Low], 4998);
    assert_eq!(timeline.groups().len(), N_GROUPS_MAX);
    assert_eq!(timeline.left_out().beyond_groups, 4501);
    let counted = timeline.whole().slots().flat_map(|(_, slot)| slot.values()).sum::<u64>();
    assert_eq!(counted, 5001);
}

#[test]
fn groupings() {
    let alerts = [detection(), association()];
    let names = |grouping| {
        let timeline = timeline(TimelineOptions { grouping, ..OPTIONS }, &alerts);
        timeline.groups().iter().map(|(name, n, _)| format!("{name} {n}")).collect::<Vec<_>>()
    };
    assert_eq!(names(Grouping::Host), ["WS01.corp.example 2"]);
    assert!(names(Grouping::Technique).iter().all(|name| name.starts_with('T')));
    assert_eq!(names(Grouping::Rule).len(), 2);
    assert!(!names(Grouping::Tactic).is_empty());
}
