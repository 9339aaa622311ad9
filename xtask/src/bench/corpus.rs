//! What is measured on: recordings beside the project, repeated until there is enough of them, or the example
//! incident where there are none. Made once, below `target/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use evtmap::event::Event;
use evtmap::{EventPlace, Pipelines, Placeholders, Rules, ScanOptions, input, rules};

use crate::{recordings, root};

/// How much there is at least.
const N_EVENTS: u64 = 246_610;
const N_JSON_BYTES: u64 = 353_000_000;
const N_CSV_ROWS: u64 = 2_000_000;
/// How many rules are some.
const N_SOME_RULES: usize = 300;

/// The header of an EVTX file, and what its chunks take each.
const HEADER_BYTES: usize = 4096;
const CHUNK_BYTES: usize = 65_536;

/// Rows of a table as the Event Viewer exports it, the times apart.
const CSV_ROWS: [&str; 8] = [
    r#""4624","LAB-WS01","alice","Logon","Audit Success","An account was successfully logged on.""#,
    r#""4625","LAB-WS01","bob","Logon","Audit Failure","An account failed to log on.""#,
    r#""4688","LAB-WS02","alice","Process Creation","Audit Success","A new process has been created: C:\Windows\System32\cmd.exe""#,
    r#""4672","LAB-DC01","Administrator","Special Logon","Audit Success","Special privileges assigned to new logon.""#,
    r#""4726","LAB-DC01","Administrator","User Account Management","Audit Success","A user account was deleted: carol""#,
    r#""7045","LAB-WS02","SYSTEM","None","Classic","A service was installed in the system: updater""#,
    r#""1102","LAB-WS01","Administrator","Log clear","Audit Success","The audit log was cleared.""#,
    r#""4720","LAB-DC01","Administrator","User Account Management","Audit Success","A user account was created: dave""#,
];

/// Files to measure on.
pub(super) struct Corpus {
    is_recorded: bool,
    pub(super) evtx_folder: PathBuf,
    /// All chunks of the recordings in one file.
    pub(super) evtx_file: PathBuf,
    /// The events of the folder as flat JSON lines, for programs that do not read EVTX themselves.
    pub(super) evtx_as_json: PathBuf,
    pub(super) json: PathBuf,
    /// The first line of it.
    pub(super) one_line: PathBuf,
    /// The rows of a sample over and over, at other times.
    pub(super) csv: PathBuf,
    /// The same rows, each with a description of its own.
    pub(super) unlike_csv: PathBuf,
    pub(super) n_csv_rows: u64,
    /// A log of next to nothing.
    pub(super) small: PathBuf,
    /// The archive of all rules; none for those of the program.
    pub(super) rules: Option<PathBuf>,
    pub(super) some_rules: PathBuf,
    /// All rules that are about Windows, as files, for programs that read no archives.
    pub(super) unpacked_rules: Option<PathBuf>,
    pub(super) cache: PathBuf,
}

impl Corpus {
    /// Makes what is not there yet; everything is so many times smaller.
    pub(super) fn make(folder: &Path, shrink: u64) -> anyhow::Result<Self> {
        let folder = if shrink == 1 { folder.to_owned() } else { folder.join("quick") };
        fs::create_dir_all(&folder)?;
        let shared = root().join("../shared/data");
        let is_recorded = shared.join("evtx").exists() && shared.join("otrf").exists();
        let logs = if is_recorded { shared.join("evtx") } else { root().join("examples/incident") };
        let logs = with_ending(&logs, "evtx")?;
        let (evtx_folder, evtx_file) = (folder.join("evtx"), folder.join("one.evtx"));
        let evtx_as_json = folder.join("evtx.jsonl");
        once(&evtx_folder, |path| copy_logs(&logs, path, N_EVENTS / shrink))?;
        once(&evtx_file, |path| join_logs(&logs, path, N_EVENTS / shrink))?;
        once(&evtx_as_json, |path| flatten_logs(&evtx_folder, path))?;
        let (json, one_line) = (folder.join("flat.jsonl"), folder.join("one.jsonl"));
        once(&json, |path| write_json(path, is_recorded, N_JSON_BYTES / shrink))?;
        let n_csv_rows = N_CSV_ROWS / shrink;
        let csv = folder.join("viewer.csv");
        once(&csv, |path| write_csv(path, n_csv_rows, str::to_owned))?;
        let (unlike_csv, mut n_rows) = (folder.join("unlike.csv"), 0);
        let numbered = |row: &str| {
            n_rows += 1;
            format!("{} ({n_rows})\"", row.strip_suffix('"').unwrap_or(row))
        };
        once(&unlike_csv, |path| write_csv(path, n_csv_rows, numbered))?;
        let small = folder.join("small.csv");
        once(&small, |path| write_csv(path, 1, str::to_owned))?;
        once(&one_line, |path| first_line(&json, path))?;
        let archive = shared.join("sigma/sigma-master.tar.gz");
        let rules = archive.exists().then_some(archive);
        let (some_rules, all_rules) = (folder.join("rules-300"), folder.join("rules-all"));
        once(&some_rules, |path| unpack_rules(rules.as_deref(), path, N_SOME_RULES))?;
        once(&all_rules, |path| unpack_rules(rules.as_deref(), path, usize::MAX))?;
        let cache = folder.join("cache");
        Ok(Self {
            is_recorded,
            evtx_folder,
            evtx_file,
            evtx_as_json,
            json,
            one_line,
            csv,
            unlike_csv,
            n_csv_rows,
            small,
            rules,
            some_rules,
            unpacked_rules: Some(all_rules),
            cache,
        })
    }

    /// What it is, in sentences.
    pub(super) fn about(&self) -> String {
        let megabytes = |n_bytes: u64| n_bytes / 1_000_000;
        let logs = if self.is_recorded { "recorded attacks" } else { "the example incident" };
        let rules = if self.rules.is_some() { "SigmaHQ's rules" } else { "the program's rules" };
        format!(
            "On {logs}, repeated: at least {N_EVENTS} events of EVTX in a folder, as many in one file, {} MB of JSON lines, and a CSV of {} rows; with {rules}. ",
            megabytes(size_of(&self.json)),
            self.n_csv_rows,
        )
    }
}

fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Makes a file or folder if it is not there, so that it is there only when it is whole.
fn once(path: &Path, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    if part.is_dir() {
        fs::remove_dir_all(&part)?;
    }
    make(&part).with_context(|| format!("cannot make `{}`", path.display()))?;
    Ok(fs::rename(part, path)?)
}

/// The files below a folder with an ending, in the order of their paths.
fn with_ending(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut waiting = vec![folder.to_owned()];
    let mut found = BTreeSet::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending)) {
                found.insert(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// How many events the program reads from logs.
pub(super) fn count_events<P: AsRef<Path>>(logs: &[P]) -> anyhow::Result<u64> {
    let found = input::find(logs.iter().map(|log| log.as_ref().to_owned()));
    let mut n_events = 0;
    evtmap::visit(
        &found,
        &ScanOptions::default(),
        |n: &mut u64, _, _| *n += 1,
        |n, _| {
            n_events += n;
            Ok::<_, anyhow::Error>(ControlFlow::Continue(()))
        },
    )?;
    anyhow::ensure!(n_events > 0, "there is no event");
    Ok(n_events)
}

/// Copies all logs as often as it takes to have so many events.
fn copy_logs(logs: &[PathBuf], folder: &Path, n_events: u64) -> anyhow::Result<()> {
    for time in 0..n_events.div_ceil(count_events(logs)?) {
        let folder = folder.join(format!("{time:03}"));
        fs::create_dir_all(&folder)?;
        for (number, log) in logs.iter().enumerate() {
            fs::copy(log, folder.join(format!("{number:04}.evtx")))?;
        }
    }
    Ok(())
}

/// Writes every event as a line of JSON with its fields side by side, under the names that Sigma has for them.
fn flatten_logs(folder: &Path, path: &Path) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let look = |lines: &mut Vec<u8>, event: &Event, _: EventPlace<'_>| {
        let fields: BTreeMap<&str, Option<&str>> =
            event.fields().map(|(_, name, value)| (name, value.text())).collect();
        // A map of texts is always JSON.
        lines.extend(serde_json::to_vec(&fields).unwrap_or_default());
        lines.push(b'\n');
    };
    evtmap::visit(&input::find([folder]), &ScanOptions::default(), look, |lines, _| {
        out.write_all(&lines).map(|()| ControlFlow::Continue(()))
    })?;
    Ok(out.flush()?)
}

/// Puts the chunks of all logs into one, as often as it takes: each is complete in itself.
fn join_logs(logs: &[PathBuf], path: &Path, n_events: u64) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(&[0; HEADER_BYTES])?;
    let mut n_chunks: u16 = 0;
    let mut header = None;
    for _ in 0..n_events.div_ceil(count_events(logs)?) {
        for log in logs {
            let bytes = fs::read(log)?;
            let (own, chunks) = bytes.split_at_checked(HEADER_BYTES).context("a log has no header")?;
            header.get_or_insert_with(|| own.to_vec());
            for chunk in chunks.chunks_exact(CHUNK_BYTES).filter(|chunk| chunk.starts_with(b"ElfChnk\0")) {
                n_chunks = n_chunks.checked_add(1).context("there are more chunks than a log may have")?;
                out.write_all(chunk)?;
            }
        }
    }
    out.flush()?;
    let mut header = header.context("there is no log")?;
    let mut put = |at: usize, bytes: &[u8]| {
        header.get_mut(at..at + bytes.len()).map(|place| place.copy_from_slice(bytes))
    };
    // The number of the last chunk and how many there are; clean, and the checksum of it all.
    put(16, &u64::from(n_chunks.saturating_sub(1)).to_le_bytes());
    put(42, &n_chunks.to_le_bytes());
    put(120, &[0; 4]);
    let checksum = crc32fast::hash(header.get(..120).unwrap_or_default());
    let mut put = |at: usize, bytes: &[u8]| {
        header.get_mut(at..at + bytes.len()).map(|place| place.copy_from_slice(bytes))
    };
    put(124, &checksum.to_le_bytes());
    let mut file = out.into_inner()?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file.write_all(&header)?)
}

fn write_json(path: &Path, is_recorded: bool, n_bytes: u64) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut n_written = 0;
    let files = if is_recorded {
        recordings::archives()?
    } else {
        with_ending(&root().join("examples/incident-json"), "jsonl")?
    };
    while n_written < n_bytes {
        let n_before = n_written;
        for file in &files {
            let mut add = |content: &mut dyn Read| {
                let mut lines = Vec::new();
                content.read_to_end(&mut lines)?;
                for line in lines.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")) {
                    if n_written < n_bytes {
                        out.write_all(line)?;
                        out.write_all(b"\n")?;
                        n_written += line.len() as u64 + 1;
                    }
                }
                Ok(())
            };
            if is_recorded { recordings::members(file, &mut add)? } else { add(&mut File::open(file)?)? }
        }
        if n_written == n_before {
            bail!("there is no line of JSON");
        }
    }
    Ok(out.flush()?)
}

/// Writes the rows of the sample in turn, each changed by `change`.
fn write_csv(path: &Path, n_rows: u64, mut change: impl FnMut(&str) -> String) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all("\u{feff}\"Date and Time\",\"Event ID\",\"Computer\",\"User\",\"Task Category\",\"Keywords\",\"Description\"\r\n".as_bytes())?;
    for (second, row) in (0..n_rows).zip(CSV_ROWS.iter().cycle()) {
        let (day, hour) = (1 + second / 86_400 % 28, second / 3_600 % 12 + 1);
        let (minute, second) = (second / 60 % 60, second % 60);
        let row = change(row);
        write!(out, "\"12/{day:02}/2025 {hour:02}:{minute:02}:{second:02} AM\",{row}\r\n")?;
    }
    Ok(out.flush()?)
}

fn first_line(from: &Path, path: &Path) -> anyhow::Result<()> {
    let mut bytes = vec![0; 1 << 20];
    let n_read = File::open(from)?.read(&mut bytes)?;
    let line = bytes.get(..n_read).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').next();
    Ok(fs::write(path, line.unwrap_or_default())?)
}

/// Writes up to so many of the rules that a scan uses, from all over the list, as files.
fn unpack_rules(archive: Option<&Path>, folder: &Path, n_max: usize) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let files = archive.map_or_else(rules::bundled, rules::read)?;
    let loaded = Rules::load(&files, &Pipelines::bundled()?, &Placeholders::default());
    let used: BTreeSet<&str> = loaded.rules().iter().map(|rule| rule.path.as_str()).collect();
    let files = files.iter().filter(|file| used.contains(file.path.as_str()));
    let step = used.len().checked_div(n_max).unwrap_or(0).max(1);
    for (number, file) in files.step_by(step).take(n_max).enumerate() {
        fs::write(folder.join(format!("{number:05}.yml")), &file.text)?;
    }
    Ok(())
}
