//! `watch` on channels that the stand-in serves: killed and started again, it tells each event once, and what it
//! tells is what `map` tells of the files.
//!
//! As of the live log, this proves our client against our reading of the API, and not against Windows.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::Bench;
use super::compare::files;
use super::live::{DENIED_CHANNEL, failed, map, succeeded, told};
use super::table::{DENIED, Table, own_event};
use crate::root;

/// A channel that is written to while it is followed, and a rule that every event of it matches.
const BUSY_CHANNEL: &str = "StandIn-Busy";
const N_BUSY: usize = 8000;
const RULE: &str = "title: Any\nid: 0b6f2f6c-6d0a-4b39-9f0e-6a1f4b1c2d3e\nlogsource: {product: windows}\n\
                    detection: {sel: {EventID: 4711}, condition: sel}\nlevel: high\n";
/// How often the program is killed before all is told.
const N_KILLS: usize = 8;
const N_KILLS_OF_ALL: usize = 3;
/// What Wine tells of what the program asks it for: entries of the event log, which it throws away.
const TOLD_BY_WINE: &str = "-all,fixme+advapi,fixme+eventlog,err+eventlog";
/// How long something may take that should take seconds.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long it is waited for what must not come.
const QUIET: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// Checks all of it, and says what was seen.
pub(super) fn check(bench: &Bench) -> anyhow::Result<String> {
    let busy = table(N_BUSY)?;
    bench.wine.put_events(&busy.to_bytes()?)?;
    let watch = Watch::new(bench, "busy", &["--live", BUSY_CHANNEL, "--rules", "C:\\watch\\rule.yml"])?;
    fs::write(bench.wine.drive_c().join("watch/rule.yml"), RULE)?;
    each_once(&watch, N_BUSY, N_KILLS).context("a busy channel")?;
    cleared(bench, &watch).context("a channel that was cleared meanwhile")?;
    from_now_on(bench).context("what is there already")?;
    let n_alerts = same_alerts(bench).context("all channels")?;
    refused(bench).context("channels that cannot be followed")?;
    entries(bench).context("entries of the event log")?;
    Ok(format!(
        "{N_BUSY} events told once over {N_KILLS} kills; {n_alerts} alerts of all channels are those of the \
         files over {N_KILLS_OF_ALL}; 4 more cases"
    ))
}

/// The example's events, and so many of a busy channel.
fn table(n_busy: usize) -> anyhow::Result<Table> {
    let logs: Vec<_> = files()?.into_iter().map(|file| root().join(file)).collect();
    let mut table = Table::of_logs(&logs)?;
    for number in 0..n_busy {
        table.add(BUSY_CHANNEL, 0, &own_event(BUSY_CHANNEL, BUSY_CHANNEL, number, "x"))?;
    }
    table.add(DENIED_CHANNEL, DENIED, &own_event(DENIED_CHANNEL, DENIED_CHANNEL, 0, "x"))?;
    Ok(table)
}

/// A watch that is begun again and again, with the same state and the same file of alerts.
struct Watch<'b> {
    bench: &'b Bench,
    folder: PathBuf,
    name: &'static str,
    arguments: Vec<&'static str>,
}

/// The program at work.
struct Watching(Child);

impl<'b> Watch<'b> {
    fn new(bench: &'b Bench, name: &'static str, arguments: &[&'static str]) -> anyhow::Result<Self> {
        let folder = bench.wine.drive_c().join("watch").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        Ok(Self { bench, folder, name, arguments: arguments.to_vec() })
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = self.bench.wine.evtmap();
        command.env("WINEDEBUG", TOLD_BY_WINE);
        command.args(["--no-config", "watch"]).args(&self.arguments).args(more);
        let place = |name: &str| format!("C:\\watch\\{}\\{name}", self.name);
        command.args(["--output", &place("alerts.jsonl"), "--state", &place("state")]);
        command
    }

    /// Begins it. The lock of one that was killed may be held a moment longer.
    fn begin(&self, more: &[&str]) -> anyhow::Result<Watching> {
        for _ in 0..20 {
            let told = fs::File::create(self.folder.join("told"))?;
            let mut child = self.command(more).stdout(Stdio::null()).stderr(told).spawn()?;
            let begun = wait(|| self.told().contains("watching ") || !matches!(child.try_wait(), Ok(None)));
            if begun.is_ok() && matches!(child.try_wait(), Ok(None)) {
                return Ok(Watching(child));
            }
            let _ = child.kill();
            let told = self.told();
            ensure!(told.contains("another watch uses the state"), "it does not begin, and says {told}");
            thread::sleep(Duration::from_millis(200));
        }
        bail!("a watch that was killed keeps its state locked")
    }

    fn told(&self) -> String {
        let mut told = Vec::new();
        let read = fs::File::open(self.folder.join("told")).and_then(|mut file| file.read_to_end(&mut told));
        read.map(|_| String::from_utf8_lossy(&told).into_owned()).unwrap_or_default()
    }

    fn alerts(&self) -> String {
        fs::read_to_string(self.folder.join("alerts.jsonl")).unwrap_or_default()
    }

    /// How many there are, but for those of correlations.
    fn n_alerts(&self) -> usize {
        let alerts = self.alerts();
        let whole = alerts.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.filter(|line| !line.contains("\"correlation\":{")).count()
    }

    /// Waits until so many alerts are told, and whether there are not more.
    fn wait_for(&self, n_alerts: usize) -> anyhow::Result<()> {
        let waited = wait(|| self.n_alerts() >= n_alerts);
        waited.with_context(|| format!("{} alerts, not {n_alerts}; {}", self.n_alerts(), self.told()))
    }

    /// Kills it whenever another part of the alerts is told, and then lets it come to the end.
    fn with_kills(&self, n_alerts: usize, n_kills: usize) -> anyhow::Result<()> {
        for n in 1..=n_kills {
            let watching = self.begin(&["--from-start"])?;
            self.wait_for(n * n_alerts / (n_kills + 1))?;
            watching.kill()?;
        }
        let watching = self.begin(&["--from-start"])?;
        self.wait_for(n_alerts)?;
        thread::sleep(QUIET);
        watching.kill()
    }
}

impl Watching {
    fn kill(mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait(mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < PATIENCE, "it took longer than {} s", PATIENCE.as_secs());
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Each event is told once, in the order in which it was written, under the same number.
fn each_once(watch: &Watch<'_>, n_events: usize, n_kills: usize) -> anyhow::Result<()> {
    watch.with_kills(n_events, n_kills)?;
    let expected: Vec<u64> = (0..n_events as u64).collect();
    for pointer in ["/event/record_id", "/input/position"] {
        let numbers = numbers(&watch.alerts(), pointer)?;
        ensure!(numbers == expected, "{} alerts at {pointer}, not each of {n_events} once", numbers.len());
    }
    Ok(())
}

fn numbers(alerts: &str, pointer: &str) -> anyhow::Result<Vec<u64>> {
    let number = |line: &str| -> anyhow::Result<u64> {
        let alert: Value = serde_json::from_str(line)?;
        alert.pointer(pointer).and_then(Value::as_u64).with_context(|| format!("no {pointer} in {line}"))
    };
    alerts.lines().map(number).collect()
}

/// The event of the bookmark is gone: that is told, and what is left is read.
fn cleared(bench: &Bench, watch: &Watch<'_>) -> anyhow::Result<()> {
    let n_left = N_BUSY / 4;
    bench.wine.put_events(&table(n_left)?.to_bytes()?)?;
    let watching = watch.begin(&[])?;
    watch.wait_for(N_BUSY + n_left)?;
    thread::sleep(QUIET);
    watching.kill()?;
    let (n, said) = (watch.n_alerts(), watch.told());
    ensure!(n == N_BUSY + n_left, "{n} alerts, not {}", N_BUSY + n_left);
    ensure!(said.contains("is not there any more"), "it says {said}");
    // And once: from there on it goes on as before.
    let watching = watch.begin(&[])?;
    thread::sleep(QUIET);
    watching.kill()?;
    let (n, said) = (watch.n_alerts(), watch.told());
    ensure!(
        n == N_BUSY + n_left && !said.contains("is not there any more"),
        "{n} alerts, and it says {said}"
    );
    Ok(())
}

/// What is there when a channel is watched first is passed over, and what comes while nobody watches is not.
fn from_now_on(bench: &Bench) -> anyhow::Result<()> {
    const N_MORE: usize = 300;
    bench.wine.put_events(&table(N_BUSY)?.to_bytes()?)?;
    let watch = Watch::new(bench, "now", &["--live", BUSY_CHANNEL, "--rules", "C:\\watch\\rule.yml"])?;
    watch.begin(&[])?.kill()?;
    bench.wine.put_events(&table(N_BUSY + N_MORE)?.to_bytes()?)?;
    let watching = watch.begin(&[])?;
    watch.wait_for(N_MORE)?;
    thread::sleep(QUIET);
    watching.kill()?;
    let expected: Vec<u64> = (N_BUSY as u64..(N_BUSY + N_MORE) as u64).collect();
    let ids = numbers(&watch.alerts(), "/event/record_id")?;
    ensure!(ids == expected, "{} alerts, not those of the {N_MORE} that came", ids.len());
    // Another query, which does not find the event of the bookmark, repeats nothing.
    let watching = watch.begin(&["--xpath", "*[System[EventID=4712]]"])?;
    thread::sleep(QUIET);
    watching.kill()?;
    let (n, said) = (watch.n_alerts(), watch.told());
    ensure!(n == N_MORE && !said.contains("is not there any more"), "{n} alerts, and it says {said}");
    Ok(())
}

/// What is told of all channels is what `map` tells of the files, but for correlations, which are told when they
/// hold and not with all that they come to.
fn same_alerts(bench: &Bench) -> anyhow::Result<usize> {
    let files: Vec<String> = files()?.iter().map(|file| file.display().to_string()).collect();
    let of_files: Vec<&str> = files.iter().map(String::as_str).collect();
    let mapped = succeeded(map(Command::new(&bench.here), &of_files)?)?;
    let is_of_one = |alert: &Value| alert.get("correlation").is_none_or(Value::is_null);
    let expected: Vec<Value> =
        told(&String::from_utf8(mapped.stdout)?)?.into_iter().filter(is_of_one).collect();
    let watch = Watch::new(bench, "all", &["--live", "all"])?;
    watch.with_kills(expected.len(), N_KILLS_OF_ALL)?;
    let found: Vec<Value> = told(&watch.alerts())?.into_iter().filter(is_of_one).collect();
    if let Some((found, expected)) = found.iter().zip(&expected).find(|(found, expected)| found != expected) {
        bail!("watching gives\n{found}\nand the files\n{expected}");
    }
    ensure!(found.len() == expected.len(), "{} alerts, not {}", found.len(), expected.len());
    Ok(found.len())
}

/// It ends at once, and says what can be done.
fn refused(bench: &Bench) -> anyhow::Result<()> {
    for (channel, expected) in [
        (DENIED_CHANNEL, "Event Log Readers"),
        ("Nowhere", "no such channel"),
        ("C:\\System.evtx", "name it without `--live`"),
    ] {
        let watch = Watch::new(bench, "refused", &["--live", channel])?;
        failed(&watch.command(&[]).output()?, expected)?;
    }
    Ok(())
}

/// Each alert becomes an entry. A notification without a desktop keeps nothing from being done.
fn entries(bench: &Bench) -> anyhow::Result<()> {
    const N_ENTRIES: usize = 60;
    bench.wine.put_events(&table(N_ENTRIES)?.to_bytes()?)?;
    let arguments =
        ["--live", BUSY_CHANNEL, "--rules", "C:\\watch\\rule.yml", "-o", "eventlog:", "-o", "toast:"];
    let watch = Watch::new(bench, "entries", &arguments)?;
    let watching = watch.begin(&["--from-start"])?;
    watch.wait_for(N_ENTRIES)?;
    // The id of what is high, and the text as Wine writes texts.
    let n_told = |sign: &str| watch.told().lines().filter(|line| line.contains(sign)).count();
    let (by_id, by_text) = (|| n_told(",0x00000068,"), || n_told("L\"rule: Any\\r\\nseverity: high"));
    let waited = wait(|| by_id() >= N_ENTRIES && by_text() >= N_ENTRIES);
    waited.with_context(|| format!("{} and {} entries: {}", by_id(), by_text(), watch.told()))?;
    thread::sleep(QUIET);
    ensure!(by_id() == N_ENTRIES, "{} entries, not {N_ENTRIES}", by_id());
    watching.kill()
}
