//! Watching: events that come while the program is at work, is killed, or is told to stop.

mod choice;
mod correlation;
mod file;
mod kill;
mod network;
mod reload;
mod syslog;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::Folder;
use crate::sample;

/// How long something may take that should take a moment. Machines that test are slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program at work.
struct Watching {
    child: Child,
    err: Arc<Mutex<String>>,
}

impl Watching {
    /// Begins to watch with arguments, and waits until it says so.
    fn begin(folder: &Folder, arguments: &str) -> Self {
        Self::of(folder.command(&format!("watch --rules rules.yml --no-rule-cache {arguments}")))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let err = Arc::new(Mutex::new(String::new()));
        let (lines, shared) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&err));
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut shared = shared.lock().unwrap();
                shared.push_str(&line);
                shared.push('\n');
            }
        });
        let watching = Self { child, err };
        watching.wait_for("watching ");
        watching
    }

    /// What it has printed on standard error.
    fn err(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Waits until it has printed a text.
    fn wait_for(&self, text: &str) {
        wait(|| self.err().contains(text), || format!("`{text}` in\n{}", self.err()));
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it at once, as the system would.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop; gives all that it printed on standard error.
    fn stop(mut self) -> String {
        self.signal("TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.err());
        // The thread that reads may be a moment behind.
        wait(|| self.err().contains("Not looked at"), || self.err());
        thread::sleep(Duration::from_millis(50));
        self.err()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Waits until something holds.
#[track_caller]
fn wait(holds: impl Fn() -> bool, what: impl Fn() -> String) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {}", what());
        thread::sleep(Duration::from_millis(5));
    }
}

/// A folder with rules and an empty log.
fn folder() -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.jsonl", "")
}

/// The line of a program that was started, which is known by its number. Every one is bad.
fn line(n: usize) -> String {
    let (second, micro) = (n / 1000 % 60, n % 1000);
    format!(
        "{{\"EventID\":4688,\"Channel\":\"Security\",\"Provider\":\"Microsoft-Windows-Security-Auditing\",\
         \"TimeCreated\":\"2026-03-02T08:00:{second:02}.{micro:06}Z\",\"Computer\":\"WS01\",\
         \"EventRecordID\":{n},\"NewProcessName\":\"C:\\\\Windows\\\\cmd.exe\",\"CommandLine\":\"bad.exe {n}\"}}\n"
    )
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(line).collect()
}

/// Appends to a file.
fn append(folder: &Folder, name: &str, text: &str) {
    let mut file = File::options().create(true).append(true).open(folder.path().join(name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The numbers of the programs in a file of alerts, in its order.
fn numbers(folder: &Folder, name: &str) -> Vec<usize> {
    let text = std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let alert = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let command = |alert: serde_json::Value| {
        Some(alert["event"]["fields"]["CommandLine"].as_str()?.rsplit(' ').next()?.parse().unwrap())
    };
    text.lines().filter_map(alert).filter_map(command).collect()
}

/// Waits until a file of alerts has these numbers.
#[track_caller]
fn wait_for_numbers(folder: &Folder, name: &str, expected: std::ops::Range<usize>) {
    let expected: Vec<usize> = expected.collect();
    wait(
        || numbers(folder, name).len() >= expected.len(),
        || format!("{} alerts; there are {}", expected.len(), numbers(folder, name).len()),
    );
    assert!(numbers(folder, name) == expected, "{:?}", numbers(folder, name));
}

/// Whether a file of alerts is what `map` makes of a log.
fn check_like_map(folder: &Folder, log: &str, alerts: &str) {
    folder.check(&format!("map {log} --rules rules.yml --quiet -o mapped.jsonl"), 0);
    assert!(folder.read("mapped.jsonl") == folder.read(alerts), "{}", folder.read(alerts));
}
