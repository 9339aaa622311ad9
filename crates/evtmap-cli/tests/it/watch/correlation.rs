//! Correlations live on: over kills, over reloads, and over events that come late.

use super::{Watching, append};
use crate::program::Folder;

const RULES: &str = "\
title: Failed Logon
name: failed
id: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0011
author: Ada Example
level: low
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}
---
title: Many Failed Logons
id: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0012
author: Ada Example
level: high
correlation:
    type: event_count
    rules: failed
    group-by: TargetUserName
    timespan: 5m
    condition: {gte: 3}
";

fn failed(time: &str, user: &str) -> String {
    format!(
        "{{\"EventID\":4625,\"Channel\":\"Security\",\"Provider\":\"Microsoft-Windows-Security-Auditing\",\
         \"TimeCreated\":\"2026-03-02T{time}Z\",\"Computer\":\"WS01\",\"TargetUserName\":\"{user}\"}}\n"
    )
}

/// The events and first times of correlations in the file of alerts.
fn found(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap_or_default();
    let shown = |line: &str| {
        let alert: serde_json::Value = serde_json::from_str(line).ok()?;
        let correlation = alert.get("correlation")?;
        let user = &alert["event"]["fields"]["TargetUserName"];
        Some(format!("{} {} {}", user.as_str()?, correlation["first"].as_str()?, correlation["events"]))
    };
    text.lines().filter_map(shown).collect()
}

#[track_caller]
fn wait_for(folder: &Folder, expected: &[&str]) {
    super::wait(|| found(folder).len() >= expected.len(), || format!("{expected:?} in {:?}", found(folder)));
    assert_eq!(found(folder), expected);
}

/// Waits until the state knows of so many lines.
fn wait_for_state(folder: &Folder, n_lines: usize) {
    let text = format!("\"line\":{},", n_lines + 1);
    super::wait(
        || folder.read("alerts.jsonl.state/watch.json").contains(&text),
        || format!("{n_lines} lines"),
    );
}

#[test]
fn correlations_live_on_over_kills() {
    let folder = Folder::new().with("rules.yml", RULES).with("log.jsonl", "");
    let watch = || Watching::begin(&folder, "log.jsonl -o alerts.jsonl --from-start");
    let watching = watch();
    append(&folder, "log.jsonl", &(failed("08:00:00", "eve") + &failed("08:01:00", "eve")));
    wait_for_state(&folder, 2);
    watching.kill();
    let watching = watch();
    // It is told as soon as it holds, and not again when it grows.
    append(&folder, "log.jsonl", &failed("08:02:00", "EVE"));
    wait_for(&folder, &["eve 2026-03-02T08:00:00Z 3"]);
    append(&folder, "log.jsonl", &failed("08:02:30", "eve"));
    wait_for_state(&folder, 4);
    watching.kill();
    let watching = watch();
    append(&folder, "log.jsonl", &failed("08:03:00", "eve"));
    // The attack is over; another one begins.
    append(
        &folder,
        "log.jsonl",
        &["08:20:00", "08:20:01", "08:20:02"].map(|time| failed(time, "eve")).concat(),
    );
    wait_for(&folder, &["eve 2026-03-02T08:00:00Z 3", "eve 2026-03-02T08:20:00Z 3"]);
    watching.stop();
}

#[test]
fn events_of_several_logs_are_put_in_order() {
    let folder = Folder::new().with("rules.yml", RULES).with("a.jsonl", "").with("b.jsonl", "");
    let watching = Watching::begin(&folder, "a.jsonl b.jsonl -o alerts.jsonl");
    // What is spread over an hour is no attack, even if the second log comes at once and late.
    append(&folder, "a.jsonl", &["08:00:00", "08:30:00"].map(|time| failed(time, "ada")).concat());
    append(&folder, "a.jsonl", &["08:31:00", "08:40:00"].map(|time| failed(time, "eve")).concat());
    wait_for_state(&folder, 4);
    append(&folder, "b.jsonl", &["08:10:00", "08:20:00"].map(|time| failed(time, "ada")).concat());
    wait_for_state(&folder, 2);
    assert_eq!(found(&folder), [""; 0]);
    // But these belong between those that came before.
    append(&folder, "b.jsonl", &["08:32:00", "08:33:00"].map(|time| failed(time, "eve")).concat());
    wait_for(&folder, &["eve 2026-03-02T08:31:00Z 3"]);
    watching.stop();
}

#[test]
fn correlations_live_on_over_a_reload() {
    let folder = Folder::new().with("rules.yml", RULES).with("log.jsonl", "");
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    append(&folder, "log.jsonl", &(failed("08:00:00", "eve") + &failed("08:01:00", "eve")));
    wait_for_state(&folder, 2);
    // Another rule before it gives it another place.
    std::fs::write(folder.path().join("rules.yml"), format!("{}---\n{RULES}", crate::sample::RULES)).unwrap();
    watching.signal("HUP");
    watching.wait_for("read again: 3 rules");
    append(&folder, "log.jsonl", &failed("08:02:00", "eve"));
    wait_for(&folder, &["eve 2026-03-02T08:00:00Z 3"]);
    watching.stop();
}
