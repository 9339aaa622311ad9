//! Events in, numbers and gaps out.

use super::*;
use crate::event::flat;

/// Statistics of events of one file in flat JSON.
fn statistics(events: impl IntoIterator<Item = String>) -> Statistics {
    let kinds = TraceKinds::bundled().unwrap();
    let path: Arc<str> = Arc::from("a.evtx");
    let mut statistics = Statistics::default();
    let mut facts = Facts::default();
    for (n, event) in events.into_iter().enumerate() {
        facts.note(&flat::read(&event).unwrap(), &path, &kinds);
        if n % 7 == 0 {
            statistics.add(std::mem::take(&mut facts));
        }
    }
    statistics.add(facts);
    statistics
}

/// Events with these ids of records, one every ten seconds.
fn records(ids: &[u64]) -> Statistics {
    statistics(ids.iter().map(|id| record(*id, 10 * i64::try_from(*id).unwrap_or(0))))
}

fn record(id: u64, seconds: i64) -> String {
    let time = Timestamp::from_second(1_700_000_000 + seconds).unwrap();
    format!(
        r#"{{"Computer": "WS01", "Channel": "Security", "Provider_Name": "P", "EventID": 4688, "EventRecordID": {id}, "TimeCreated_SystemTime": "{time}"}}"#
    )
}

fn only(statistics: &Statistics) -> LogReport {
    let mut logs = statistics.logs();
    assert_eq!(logs.len(), 1);
    logs.pop().unwrap().1
}

#[track_caller]
fn check_gaps(ids: &[u64], expected: &[(u64, u64)], n_repeated: u64) {
    let report = only(&records(ids));
    let gaps: Vec<(u64, u64)> = report.largest_gaps.iter().map(|gap| (gap.first, gap.last)).collect();
    assert_eq!((gaps.as_slice(), report.repeated_records), (expected, n_repeated), "{ids:?}");
    assert_eq!(report.missing_records, expected.iter().map(|(first, last)| last - first + 1).sum::<u64>());
}

#[test]
fn gaps_in_record_ids() {
    check_gaps(&[5, 6, 7], &[], 0);
    check_gaps(&[5, 6, 9, 10], &[(7, 8)], 0);
    // Some programs write backwards, and a log that is full goes on at its beginning.
    check_gaps(&[10, 9, 6, 5], &[(7, 8)], 0);
    check_gaps(&[9, 10, 5, 6], &[(7, 8)], 0);
    check_gaps(&[5, 7, 6, 8], &[], 0);
    check_gaps(&[5, 6, 6, 5, 7], &[], 2);
    check_gaps(&[0, u64::MAX - 1, u64::MAX, 1], &[(2, u64::MAX - 2)], 0);
    check_gaps(&[3, 1], &[(2, 2)], 0);
}

#[test]
fn a_gap_lies_between_times() {
    let gap = only(&records(&[5, 6, 9])).largest_gaps[0];
    assert_eq!(
        (gap.after.unwrap().as_second(), gap.before.unwrap().as_second()),
        (1_700_000_060, 1_700_000_090)
    );
}

#[test]
fn chosen_events_are_no_log() {
    let ids: Vec<u64> = (0..5000).map(|i| i * 3).collect();
    let report = only(&records(&ids));
    assert!(report.is_choice);
    assert!(report.gaps < N_RUNS as u64 && report.largest_gaps.len() == 20);
    assert!(!only(&records(&[5, 6, 9, 10])).is_choice);
}
const N_RUNS: usize = 2000;

#[test]
fn long_times_without_events() {
    let mut events: Vec<String> = (0..200_i64).map(|i| record(i as u64, i * 10)).collect();
    events.extend((200..400_i64).map(|i| record(i as u64, i * 10 + 8000)));
    events.extend((400..600_i64).map(|i| record(i as u64, i * 10 + 8000 + 90_000)));
    let start = |seconds: i64| {
        record(600, seconds)
            .replace("4688", "4608")
            .replace("\"P\"", "\"Microsoft-Windows-Security-Auditing\"")
    };
    events.push(start(600 * 10 + 98_000));
    let report = only(&statistics(events.clone()));
    let lengths: Vec<(i64, bool)> = report
        .pauses
        .iter()
        .map(|pause| (pause.from.duration_until(pause.to).as_secs(), pause.over_start))
        .collect();
    assert_eq!(lengths, [(8010, false), (90_010, false)]);
    // A start of Windows within the second.
    events.push(start(400 * 10 + 50_000));
    let report = only(&statistics(events));
    assert!(report.pauses.iter().any(|pause| pause.over_start));
    // Too few events tell nothing of what is usual.
    assert!(only(&statistics([record(1, 0), record(2, 90_000)])).pauses.is_empty());
}

#[test]
fn time_that_runs_backwards() {
    let report = only(&statistics([record(1, 0), record(2, 1000), record(3, 900), record(4, 870)]));
    assert_eq!((report.stepped_back, report.steps_back[0].record_id), (1, 3));
    // Records that stand backwards in their file are as they should be.
    assert_eq!(only(&statistics([record(3, 1000), record(2, 500), record(1, 0)])).stepped_back, 0);
}

#[test]
fn kinds_hosts_and_traces() {
    let cleared = r#"{"Computer": "DC01", "Channel": "System", "Provider_Name": "Microsoft-Windows-Eventlog", "EventID": 104, "SubjectUserName": "eve", "SubjectDomainName": "CORP", "TimeCreated_SystemTime": "2026-03-11T08:00:00Z"}"#;
    let clock = |user: &str| {
        format!(
            r#"{{"Channel": "Security", "Provider_Name": "Microsoft-Windows-Security-Auditing", "EventID": 4616, "SubjectUserName": "{user}", "PreviousTime": "a", "NewTime": "b"}}"#
        )
    };
    let close = clock("eve").replace("\"a\"", "\"2026-03-11T08:00:00.5Z\"");
    let close = close.replace("\"b\"", "\"2026-03-11T08:00:59Z\"");
    let (service, eve) = (clock("LOCAL SERVICE"), clock("eve"));
    let statistics = statistics([record(1, 0), record(2, 5), cleared.to_owned(), service, eve, close]);
    let kinds: Vec<String> = (statistics.kinds().iter())
        .map(|(kind, number)| format!("{} {:?} {}", kind.channel, kind.event_id.unwrap(), number.events))
        .collect();
    assert_eq!(kinds, ["Security 4616 3", "Security 4688 2", "System 104 1"]);
    let hosts: Vec<String> =
        statistics.hosts().iter().map(|(name, number)| format!("{name} {}", number.events)).collect();
    assert_eq!(hosts, [" 3", "WS01 2", "DC01 1"]);
    let traces: Vec<String> = (statistics.traces().iter())
        .map(|trace| format!("{} [{}] {}", trace.what, trace.about, trace.user.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(traces, ["a log was cleared [] CORP\\eve", "the clock was set [a → b] eve"]);
}

/// Whoever writes the logs cannot fill the memory with names, and what goes beyond is counted.
#[test]
fn there_are_bounds() {
    let event = |n: usize| format!(r#"{{"Computer": "H{n}", "Channel": "C{n}", "EventID": {n}}}"#);
    let statistics = statistics((0..25_000).map(event));
    assert_eq!(statistics.kinds().len(), N_KINDS_MAX);
    assert_eq!(statistics.logs().len(), N_LOGS_MAX);
    let beyond = statistics.beyond();
    assert_eq!((beyond.kinds, beyond.hosts, beyond.logs), (5000, 5000, 23_000));
}
