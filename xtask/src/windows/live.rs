//! The live log, served by the stand-in for Windows' event log: the alerts have to be those of the files.
//!
//! This proves our client against our reading of the API, and not against Windows.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::Bench;
use super::compare::files;
use super::table::{CLEARED, DENIED, ENABLED, Table, own_event};
use crate::root;

/// Channels of the stand-in's own, none of which is enabled, so that `all` does not name them.
pub(super) const DENIED_CHANNEL: &str = "StandIn-Denied";
const CLEARED_CHANNEL: &str = "StandIn-Cleared";
const LONG_CHANNEL: &str = "StandIn-Long";
pub(super) const BARE_CHANNEL: &str = "StandIn-Bare";
const N_OWN: usize = 2000;
/// The largest value that is tried; Windows' events have at most 64 KiB.
const N_LONG: usize = 60_000;

/// Something that is seen of the live log, or is not.
type Check = fn(&Bench, &Table) -> anyhow::Result<()>;

/// Checks all of it, and says what was seen.
pub(super) fn check(bench: &Bench) -> anyhow::Result<String> {
    let table = table()?;
    bench.wine.put_events(&table.to_bytes()?)?;
    let n_alerts = same_alerts(bench, &table)?;
    let checks: [(&str, Check); 9] = [
        ("a range of times and an event id", ranges),
        ("newest first", newest_first),
        ("another computer", remote),
        ("exported logs", exported),
        ("missing rights", denied),
        ("the summary", summary),
        ("what is not there", missing),
        ("a log that is cleared meanwhile", cleared),
        ("long values and messages", long_values),
    ];
    for (name, check) in checks {
        check(bench, &table).with_context(|| name.to_owned())?;
    }
    super::follow::check(bench, &table).context("subscriptions")?;
    Ok(format!(
        "{} events in {} channels give the {n_alerts} alerts of the files; {} more cases and subscriptions",
        table.n_enabled(),
        table.n_channels(),
        checks.len()
    ))
}

pub(super) fn table() -> anyhow::Result<Table> {
    let logs: Vec<_> = files()?.into_iter().map(|file| root().join(file)).collect();
    let mut table = Table::of_logs(&logs)?;
    for (channel, flags, value) in [
        (DENIED_CHANNEL, DENIED, "x".to_owned()),
        (CLEARED_CHANNEL, CLEARED, "x".to_owned()),
        (BARE_CHANNEL, 0, "x".to_owned()),
    ] {
        for number in 0..N_OWN {
            table.add(channel, flags, &own_event(channel, channel, number, &value))?;
        }
    }
    let long = format!("{}ends", "é".repeat(N_LONG - 4));
    table.add(LONG_CHANNEL, 0, &own_event(LONG_CHANNEL, LONG_CHANNEL, 1, &long))?;
    ensure!(table.n_enabled() > 0 && ENABLED != 0, "the example has no events");
    Ok(table)
}

/// Runs `map` on what `arguments` say, with every event told in a line, and gives what it did.
pub(super) fn map(mut command: Command, arguments: &[&str]) -> anyhow::Result<Output> {
    command.current_dir(root()).args(["--no-config", "map", "--quiet", "--output", "-", "--format", "jsonl"]);
    Ok(command.args(arguments).output()?)
}

/// The alerts that a run told, without where they were read and without the order of those.
fn alerts(output: &Output) -> anyhow::Result<Vec<Value>> {
    told(&String::from_utf8(output.stdout.clone())?)
}

/// The same of the text of a file of alerts.
pub(super) fn told(text: &str) -> anyhow::Result<Vec<Value>> {
    let mut alerts: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    for alert in &mut alerts {
        let examples = alert.pointer_mut("/correlation/examples").and_then(Value::as_array_mut);
        for example in examples.into_iter().flatten().filter_map(Value::as_object_mut) {
            example.retain(|name, _| name != "path" && name != "position");
        }
        if let Some(members) = alert.as_object_mut() {
            members.remove("input");
            empty_nulls(members);
        }
    }
    alerts.sort_by_cached_key(ToString::to_string);
    Ok(alerts)
}

/// An element without text is no value to a file's reader and an empty one to Windows' XML.
fn empty_nulls(alert: &mut serde_json::Map<String, Value>) {
    let fields = alert.get_mut("event").and_then(|event| event.get_mut("fields"));
    for value in fields.and_then(Value::as_object_mut).into_iter().flat_map(|fields| fields.values_mut()) {
        if value.is_null() {
            *value = Value::String(String::new());
        }
    }
}

pub(super) fn succeeded(output: Output) -> anyhow::Result<Output> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the program ends with {} and says {told}", output.status);
    Ok(output)
}

/// All alerts of all channels, also with every event told.
fn same_alerts(bench: &Bench, table: &Table) -> anyhow::Result<usize> {
    let files: Vec<String> = files()?.iter().map(|file| file.display().to_string()).collect();
    let mut n_alerts = 0;
    for more in [&["--all-events"][..], &[]] {
        let of_files: Vec<&str> = files.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let of_live: Vec<&str> = ["--live", "all"].iter().chain(more).copied().collect();
        let expected = alerts(&succeeded(map(Command::new(&bench.here), &of_files)?)?)?;
        let found = alerts(&succeeded(map(bench.wine.evtmap(), &of_live)?)?)?;
        if let Some((found, expected)) =
            found.iter().zip(&expected).find(|(found, expected)| found != expected)
        {
            bail!("the live log gives\n{found}\nand the files\n{expected}");
        }
        ensure!(found.len() == expected.len(), "{} alerts, not {}", found.len(), expected.len());
        ensure!(more.is_empty() || found.len() >= table.n_enabled(), "not every event was told");
        n_alerts = found.len();
    }
    Ok(n_alerts)
}

/// What is asked of Windows leaves out what lies outside, and what it gives too much the program leaves out.
fn ranges(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    let range = ["--since", "2026-03-11T14:00:00Z", "--until", "2026-03-11T15:00:00Z", "--all-events"];
    let logs = logs_of("Security")?;
    let of_files: Vec<&str> = logs.iter().map(String::as_str).chain(range).collect();
    let of_live: Vec<&str> = ["--live", "Security"].into_iter().chain(range).collect();
    let expected = alerts(&succeeded(map(Command::new(&bench.here), &of_files)?)?)?;
    let found = alerts(&succeeded(map(bench.wine.evtmap(), &of_live)?)?)?;
    ensure!(!found.is_empty() && found == expected, "{} alerts, not {}", found.len(), expected.len());
    let only = ["--live", "Security", "--xpath", "*[System[EventID=4625]]", "--all-events"];
    let found = alerts(&succeeded(map(bench.wine.evtmap(), &only)?)?)?;
    let ids: BTreeSet<String> =
        found.iter().filter_map(|alert| alert.pointer("/event/event_id")).map(ToString::to_string).collect();
    ensure!(ids.iter().any(|id| id == "4625"), "events are {ids:?}");
    let output = map(bench.wine.evtmap(), &["--live", "Security", "--xpath", "not a query"])?;
    failed(&output, "does not understand the query")
}

fn newest_first(bench: &Bench, table: &Table) -> anyhow::Result<()> {
    let arguments = ["--live", "System", "--newest-first", "--max-events", "1", "--all-events"];
    let found = alerts(&succeeded(map(bench.wine.evtmap(), &arguments)?)?)?;
    let forwards = ["--live", "System", "--all-events"];
    let all = succeeded(map(bench.wine.evtmap(), &forwards)?)?;
    let last = Output { stdout: last_line(&all.stdout), ..all };
    let expected = alerts(&last)?;
    ensure!(table.n_events("System") > 1 && found == expected, "the last event is not the first");
    Ok(())
}

fn last_line(text: &[u8]) -> Vec<u8> {
    text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_vec()
}

fn remote(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    let found = alerts(&succeeded(map(bench.wine.evtmap(), &["--live", "System", "--remote", "DC01"])?)?)?;
    ensure!(!found.is_empty(), "there are no alerts");
    failed(&map(bench.wine.evtmap(), &["--live", "System", "--remote", "DC09"])?, "does not answer")
}

/// The stand-in serves the channel that is called as the file is.
fn exported(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    let file = bench.wine.drive_c().join("System.evtx");
    fs::write(&file, "this is read by nobody")?;
    let found = alerts(&succeeded(map(bench.wine.evtmap(), &["--live", "C:\\System.evtx"])?)?)?;
    let expected = alerts(&succeeded(map(bench.wine.evtmap(), &["--live", "System"])?)?)?;
    ensure!(!found.is_empty() && found == expected, "{} alerts, not {}", found.len(), expected.len());
    failed(&map(bench.wine.evtmap(), &["--live", "C:\\nowhere.evtx"])?, "no such channel or exported log")
}

/// The exit status is 2, what to do is said, and what else was named is read.
fn denied(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    let output = map(bench.wine.evtmap(), &["--live", DENIED_CHANNEL, "--live", "System"])?;
    failed(&output, "Event Log Readers")?;
    ensure!(!alerts(&output)?.is_empty(), "the other channel was not read");
    Ok(())
}

/// The text for people calls a channel so.
fn summary(bench: &Bench, table: &Table) -> anyhow::Result<()> {
    let mut map = bench.wine.evtmap();
    let output = succeeded(map.args(["--no-config", "map", "--live", "System"]).output()?)?;
    let told = String::from_utf8(output.stdout)?;
    let expected = format!("{} events in 1 channel, ", table.n_events("System"));
    ensure!(told.contains(&expected), "it says {told}");
    Ok(())
}

fn missing(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    failed(&map(bench.wine.evtmap(), &["--live", "Nowhere"])?, "no such channel or exported log")
}

/// What was read before counts.
fn cleared(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    let output = map(bench.wine.evtmap(), &["--live", CLEARED_CHANNEL, "--all-events"])?;
    failed(&output, "was cleared")?;
    let n = alerts(&output)?.len();
    ensure!(n == N_OWN / 2, "{n} events were read before, not {}", N_OWN / 2);
    Ok(())
}

fn long_values(bench: &Bench, _: &Table) -> anyhow::Result<()> {
    let output = map(bench.wine.evtmap(), &["--live", LONG_CHANNEL, "--all-events"])?;
    let found = alerts(&succeeded(output)?)?;
    let text =
        found.first().and_then(|alert| alert.pointer("/event/fields/Text")?.as_str()).unwrap_or_default();
    ensure!(text.chars().count() == N_LONG && text.ends_with("ends"), "the value has another length");
    // Of a provider without texts the events are read all the same.
    let search = |channel: &str, word: &str| -> anyhow::Result<String> {
        let mut command = bench.wine.evtmap();
        command.args(["--no-config", "search", "--text", word, "--live", channel, "--messages", "--quiet"]);
        Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
    };
    ensure!(search(LONG_CHANNEL, "message of event 4711")?.contains("4711"), "messages are not searched");
    ensure!(!search(BARE_CHANNEL, "message of event")?.contains("4711"), "there is a message of nobody's");
    Ok(())
}

/// The example's logs of a channel.
fn logs_of(channel: &str) -> anyhow::Result<Vec<String>> {
    let files = files()?;
    let own = files.iter().filter(|file| file.file_stem().is_some_and(|stem| stem == channel));
    Ok(own.map(|file| file.display().to_string()).collect())
}

pub(super) fn failed(output: &Output, expected: &str) -> anyhow::Result<()> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2), "the exit status is {}, and it says {told}", output.status);
    ensure!(told.contains(expected), "it says {told}");
    Ok(())
}
