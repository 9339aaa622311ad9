//! Events written at a rate while the program watches and is killed: is each told once, how soon, in how much
//! memory?

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::build_release;

pub(crate) const ABOUT: &str =
    "[--events N] [--rate N] [--kills N] [--minutes N] [--program PATH]: watches while events are written";

/// How often events are written.
const TICK: Duration = Duration::from_millis(10);
/// How long the last alerts may take.
const PATIENCE: Duration = Duration::from_secs(120);
const LOG: &str = "log.jsonl";
const ALERTS: &str = "alerts.jsonl";

/// What is asked for.
struct Plan {
    n_events: usize,
    /// Events a second.
    rate: usize,
    n_kills: usize,
    program: Option<PathBuf>,
}

impl Plan {
    fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut plan = Self { n_events: 200_000, rate: 10_000, n_kills: 20, program: None };
        // For an hour it is whether memory stays flat that is asked, and a kill would hide it.
        if arguments.iter().any(|argument| argument == "--minutes") {
            (plan.rate, plan.n_kills) = (1000, 0);
        }
        let mut minutes = None;
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("`{}` lacks its value", pair.concat()) };
            let number = || value.parse::<usize>().with_context(|| format!("`{name} {value}` is no number"));
            match name.as_str() {
                "--events" => plan.n_events = number()?,
                "--rate" => plan.rate = number()?.max(1),
                "--kills" => plan.n_kills = number()?,
                "--minutes" => minutes = Some(number()?),
                "--program" => plan.program = Some(Path::new(value).canonicalize()?),
                _ => bail!("there is no option `{name}`"),
            }
        }
        if let Some(minutes) = minutes {
            plan.n_events = minutes * 60 * plan.rate;
        }
        Ok(plan)
    }
}

/// When an event was written or told, and in which life of the program: 0 while it was not at work.
#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    life: usize,
}

/// What writer, reader and killer share.
struct Shared {
    folder: PathBuf,
    /// The life of the program; 0 while it is not at work.
    life: AtomicUsize,
    written: Mutex<Vec<Moment>>,
    told: Mutex<Vec<Option<Moment>>>,
    n_told: AtomicUsize,
    is_over: AtomicBool,
}

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let plan = Plan::of(arguments)?;
    let program = match &plan.program {
        Some(program) => program.clone(),
        None => build_release()?,
    };
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join(LOG), "")?;
    let shared = Shared {
        folder: folder.path().to_owned(),
        life: AtomicUsize::new(0),
        written: Mutex::default(),
        told: Mutex::new(vec![None; plan.n_events]),
        n_told: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    let memory = thread::scope(|scope| {
        let reader = scope.spawn(|| read(&shared));
        let writer = scope.spawn(|| write(&shared, &plan));
        let watched = watch(&shared, &plan, &program, || writer.is_finished());
        shared.is_over.store(true, Ordering::Relaxed);
        let outcome =
            [writer.join(), reader.join()].map(|joined| joined.unwrap_or_else(|_| bail!("a thread failed")));
        outcome.into_iter().collect::<anyhow::Result<Vec<()>>>()?;
        watched
    })?;
    let n_alerts = compare(&shared.folder, &program)?;
    Ok(report(&shared, &plan, n_alerts, &memory))
}

/// An event by its number; each is told, if only for its id.
fn line(n: usize) -> String {
    let (second, micro) = (n / 10_000, n % 10_000 * 100);
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    let command =
        if n.is_multiple_of(100) { "vssadmin.exe delete shadows /all /quiet" } else { "notepad.exe" };
    format!(
        "{{\"EventID\":4688,\"Channel\":\"Security\",\"Provider\":\"Microsoft-Windows-Security-Auditing\",\
         \"TimeCreated\":\"2026-03-02T{hour:02}:{minute:02}:{second:02}.{micro:06}Z\",\"Computer\":\"WS{:02}.corp.example\",\
         \"EventRecordID\":{n},\"SubjectUserName\":\"m.keller\",\"NewProcessName\":\"C:\\\\Windows\\\\System32\\\\cmd.exe\",\
         \"ParentProcessName\":\"C:\\\\Windows\\\\explorer.exe\",\"CommandLine\":\"{command} {n}\"}}\n",
        n % 50
    )
}

/// Appends events at the rate.
fn write(shared: &Shared, plan: &Plan) -> anyhow::Result<()> {
    let mut file = File::options().append(true).open(shared.folder.join(LOG))?;
    let begun = Instant::now();
    let mut n_written = 0;
    while n_written < plan.n_events {
        let n_due = (begun.elapsed().as_secs_f64() * plan.rate as f64) as usize;
        let n_due = n_due.min(plan.n_events);
        if n_due > n_written {
            let text: String = (n_written..n_due).map(line).collect();
            // The moments are there before anybody can have read the events.
            let moment = Moment { at: Instant::now(), life: shared.life.load(Ordering::Relaxed) };
            lock(&shared.written).resize(n_due, moment);
            file.write_all(text.as_bytes())?;
            n_written = n_due;
        }
        thread::sleep(TICK);
    }
    Ok(())
}

/// Reads alerts as they come, as somebody does who reads along.
fn read(shared: &Shared) -> anyhow::Result<()> {
    let path = shared.folder.join(ALERTS);
    let (mut offset, mut rest) = (0_u64, Vec::new());
    while !shared.is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(2));
        let Ok(mut file) = File::open(&path) else { continue };
        let size = file.metadata()?.len();
        if size < offset {
            // What a kill has left over was cut off.
            (offset, rest) = (size, Vec::new());
        }
        file.seek(SeekFrom::Start(offset))?;
        offset += file.take(size - offset).read_to_end(&mut rest)? as u64;
        let moment = Moment { at: Instant::now(), life: shared.life.load(Ordering::Relaxed) };
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let mut told = lock(&shared.told);
        for line in rest.drain(..=end).collect::<Vec<u8>>().split(|byte| *byte == b'\n') {
            let place = number(line).and_then(|number| told.get_mut(number));
            if let Some(place) = place.filter(|place| place.is_none()) {
                *place = Some(moment);
                shared.n_told.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// The number of the event of an alert.
fn number(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.split_once("\"record_id\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The program at work, killed now and then. Gives its memory in KiB: of each life the most, and what it had at the
/// end of each minute.
#[derive(Default)]
struct Memory {
    peak: u64,
    by_minute: Vec<u64>,
}

fn watch(
    shared: &Shared,
    plan: &Plan,
    program: &Path,
    is_written: impl Fn() -> bool,
) -> anyhow::Result<Memory> {
    let mut memory = Memory::default();
    let begun = Instant::now();
    let whole = Duration::from_secs_f64(plan.n_events as f64 / plan.rate as f64);
    for life in 1..=plan.n_kills + 1 {
        let mut child = begin(shared, program)?;
        shared.life.store(life, Ordering::Relaxed);
        let end = whole.mul_f64(life as f64 / (plan.n_kills + 1) as f64);
        let is_last = life > plan.n_kills;
        let mut written_at = None;
        loop {
            thread::sleep(Duration::from_millis(20));
            sample(child.id(), begun, &mut memory);
            ensure!(child.try_wait()?.is_none(), "the program ended by itself");
            if !is_last && begun.elapsed() >= end {
                break;
            }
            let is_told = shared.n_told.load(Ordering::Relaxed) >= plan.n_events;
            if is_last && is_written() {
                if is_told {
                    break;
                }
                let since = *written_at.get_or_insert_with(Instant::now);
                ensure!(
                    since.elapsed() < PATIENCE,
                    "{} events were told",
                    shared.n_told.load(Ordering::Relaxed)
                );
            }
        }
        shared.life.store(0, Ordering::Relaxed);
        if is_last {
            Command::new("kill").arg("-TERM").arg(child.id().to_string()).status()?;
            ensure!(child.wait()?.success(), "the program did not end well");
        } else {
            child.kill()?;
            child.wait()?;
        }
    }
    Ok(memory)
}

/// Begins to watch, and waits until the program says so.
fn begin(shared: &Shared, program: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command.current_dir(&shared.folder).args(["watch", LOG, "-o", ALERTS, "--from-start", "--no-config"]);
    command.args(["--cache-dir", "cache"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    let begun = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("watching "));
    ensure!(begun.is_some(), "the program did not begin");
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Ok(child)
}

/// Notes how much memory a process has, where the system tells.
fn sample(process: u32, begun: Instant, memory: &mut Memory) {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) else { return };
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    memory.peak = memory.peak.max(value("VmHWM:").unwrap_or_default());
    let minute = usize::try_from(begun.elapsed().as_secs() / 60).unwrap_or_default();
    memory.by_minute.resize(minute + 1, 0);
    if let Some(last) = memory.by_minute.last_mut() {
        *last = value("VmRSS:").unwrap_or_default();
    }
}

/// Whether the alerts are those that `map` makes of the whole log. Correlations are told at another moment, and left
/// out.
fn compare(folder: &Path, program: &Path) -> anyhow::Result<usize> {
    let mapped = Command::new(program)
        .current_dir(folder)
        .args(["map", LOG, "-o", "mapped.jsonl", "--quiet", "--no-config", "--cache-dir", "cache"])
        .status()?;
    ensure!(mapped.success(), "`map` failed");
    let lines =
        |name: &str| -> anyhow::Result<_> { Ok(BufReader::new(File::open(folder.join(name))?).lines()) };
    let alone = |line: &std::io::Result<String>| {
        line.as_ref().map_or(true, |line| !line.contains("\"correlation\":"))
    };
    let mut watched = lines(ALERTS)?.filter(alone);
    let mut n_alerts = 0;
    for expected in lines("mapped.jsonl")?.filter(alone) {
        let (expected, found) = (expected?, watched.next().transpose()?.unwrap_or_default());
        ensure!(expected == found, "alert {n_alerts} is\n{found}\nand not\n{expected}");
        n_alerts += 1;
    }
    ensure!(watched.next().is_none(), "there are more alerts than {n_alerts}");
    Ok(n_alerts)
}

fn report(shared: &Shared, plan: &Plan, n_alerts: usize, memory: &Memory) -> String {
    let (written, told) = (lock(&shared.written), lock(&shared.told));
    let pairs = written.iter().zip(told.iter()).filter_map(|(written, told)| Some((*written, (*told)?)));
    let (mut all, mut undisturbed) = (Vec::new(), Vec::new());
    for (written, told) in pairs {
        let latency = told.at.saturating_duration_since(written.at);
        all.push(latency);
        if written.life == told.life && written.life > 0 {
            undisturbed.push(latency);
        }
    }
    let mut text = format!(
        "{} events at {} a second, {} kills: {n_alerts} alerts, each once and as `map` has them\n",
        plan.n_events, plan.rate, plan.n_kills
    );
    for (what, latencies) in [("while at work", &mut undisturbed), ("kills included", &mut all)] {
        latencies.sort_unstable();
        let at = |share: f64| {
            let place = (latencies.len() as f64 * share) as usize;
            latencies.get(place.min(latencies.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "from event to alert, {what} ({} events): median {:.0?}, 90 % {:.0?}, 99 % {:.0?}, 99.9 % {:.0?}, longest {:.0?}",
            latencies.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
    let _ = write!(text, "memory at most {} MiB", memory.peak >> 10);
    if memory.by_minute.len() > 2 {
        let by_minute: Vec<String> = memory.by_minute.iter().map(|kib| (kib >> 10).to_string()).collect();
        let _ = write!(text, "; at the end of each minute {} MiB", by_minute.join(", "));
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
