//! Sorted alerts are the same alerts, in order, however many files it took.

use std::sync::Arc;

use evtmap_sigma::{Evidence, ItemEvidence};
use proptest::prelude::*;

use super::*;
use crate::alert::tests::{alerts, detection};

fn sorted(alerts: &[Alert], by: SortBy, n_bytes_max: usize) -> Vec<Alert> {
    let mut sorter = Sorter::with_bytes(by, n_bytes_max);
    alerts.iter().for_each(|alert| sorter.push(alert).unwrap());
    let mut sorted = Vec::new();
    sorter
        .finish(|alert| {
            sorted.push(alert.clone());
            Ok(())
        })
        .unwrap();
    sorted
}

fn titles(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|alert| alert.finding.title().get(..6).unwrap_or("-")).collect()
}

#[test]
fn by_time_and_by_severity() {
    let mut alerts = alerts();
    alerts.reverse();
    let by_time = sorted(&alerts, SortBy::Time, usize::MAX);
    assert_eq!(titles(&by_time), ["A logo", "Bad Pr", "Many B", "-", "=cmd|'"]);
    let by_severity = sorted(&alerts, SortBy::Severity, usize::MAX);
    assert_eq!(titles(&by_severity), ["Many B", "Bad Pr", "=cmd|'", "A logo", "-"]);
}

/// Nothing of an alert is lost on the way, hostile text included.
#[test]
fn what_comes_out_is_what_went_in() {
    let mut alerts = alerts();
    let item = ItemEvidence { met: vec![1], found: vec![Some("x".to_owned()), None] };
    let evidence = Evidence { holds: vec![true, false], items: vec![item] };
    alerts.iter_mut().for_each(|alert| alert.evidence = Some(Arc::new(evidence.clone())));
    assert_eq!(sorted(&alerts, SortBy::Time, 1), sorted(&alerts, SortBy::Time, usize::MAX));
    assert_eq!(sorted(&alerts, SortBy::Time, 1), alerts);
}

/// More files than one level takes.
#[test]
fn files_of_files() {
    let alert = |n: u64| {
        let mut alert = detection();
        let event = Arc::make_mut(&mut alert.event);
        event.record_id = Some(n);
        event.time = jiff::Timestamp::from_second((n as i64 * 7919) % 1000).ok();
        alert
    };
    let alerts: Vec<Alert> = (0..300).map(alert).collect();
    assert_eq!(sorted(&alerts, SortBy::Time, 1), sorted(&alerts, SortBy::Time, usize::MAX));
}

#[test]
fn nothing_is_sorted_too() {
    assert!(sorted(&[], SortBy::Time, 1).is_empty());
}

proptest! {
    #[test]
    fn as_a_stable_sort(times in prop::collection::vec(prop::option::of(-3i64..3), 0..40), n_bytes in 1usize..4000) {
        let alert = |(n, time): (usize, &Option<i64>)| {
            let mut alert = detection();
            let event = Arc::make_mut(&mut alert.event);
            event.record_id = Some(n as u64);
            event.time = time.map(|time| jiff::Timestamp::from_second(time).unwrap());
            alert
        };
        let alerts: Vec<Alert> = times.iter().enumerate().map(alert).collect();
        let mut expected = alerts.clone();
        expected.sort_by_key(|alert| (alert.event.time.is_none(), alert.event.time));
        prop_assert_eq!(sorted(&alerts, SortBy::Time, n_bytes), expected);
    }
}
