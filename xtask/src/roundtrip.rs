//! How much of an event survives the Event Viewer's CSV, which holds its message and not its fields.
//!
//! The records of an archive are written as such a CSV and read back by the library. SigmaHQ's rules for the
//! Security and System logs are asked about both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use evtmap::event::{Event, Place, Value};
use evtmap::input::{self, Decoded, InputOptions};
use evtmap::{Pipelines, Placeholders, Rules, Workspace, rules};

use crate::recordings::{self, Record};
use crate::root;

pub(crate) const ABOUT: &str =
    "[--all-rules] [ARCHIVE…] detects in recordings and in what is left of them as CSV";

/// Where SigmaHQ keeps the rules for the two logs.
const FOLDERS: &[&str] = &["/rules/windows/builtin/security/", "/rules/windows/builtin/system/"];

/// What became of the events of a kind.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    n_records: u64,
    n_fields: u64,
    n_equal_fields: u64,
    /// Detections in the recording, in the CSV, and those that only one of the two gives.
    n_expected: u64,
    n_found: u64,
    n_missing: u64,
    n_extra: u64,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let mut archives: Vec<PathBuf> = Vec::new();
    let mut has_all_rules = false;
    for argument in arguments {
        match argument.as_str() {
            "--all-rules" => has_all_rules = true,
            option if option.starts_with('-') => bail!("unknown argument `{option}`"),
            path => archives.push(PathBuf::from(path)),
        }
    }
    if archives.is_empty() {
        archives = recordings::archives()?;
    }
    let rules = load(has_all_rules)?;
    let mut tallies = BTreeMap::new();
    let mut lost = BTreeMap::new();
    for archive in &archives {
        compare(archive, &rules, &mut tallies, &mut lost).with_context(|| archive.display().to_string())?;
    }
    table(&tallies, &lost)
}

/// Compares what is detected in an archive and in what is left of it as CSV.
fn compare(
    archive: &Path,
    rules: &Rules,
    tallies: &mut BTreeMap<(String, u32), Tally>,
    differences: &mut BTreeMap<String, u64>,
) -> anyhow::Result<()> {
    let mut records = Vec::new();
    recordings::read(archive, &mut |record| records.push(record))?;
    let file = tempfile::NamedTempFile::new()?;
    write_csv(file.as_file(), &records)?;
    let mut log = input::open(file.path(), &InputOptions::default())?;
    let mut records = records.iter();
    let mut matcher = Matcher { rules, workspace: Workspace::default() };
    let mut n_bad = 0;
    while let Some(batch) = log.next_batch() {
        batch?.decode(&mut Event::new(), &mut |decoded| {
            let (Decoded::Event(event, _), Some(record)) = (decoded, records.next()) else {
                n_bad += 1;
                return;
            };
            let tally = tallies.entry((record.provider.clone(), record.event_id)).or_default();
            let (expected, found) = (matcher.rules_of(&recorded(record)), matcher.rules_of(event));
            tally.count_fields(record, event);
            tally.count_rules(&expected, &found);
            for (only, all, sign) in [(&expected, &found, "missing"), (&found, &expected, "extra")] {
                for rule in only.iter().filter(|rule| !all.contains(rule)) {
                    let title = rules.rules().get(*rule).map_or("", |loaded| loaded.path.as_str());
                    let title = title.rsplit('/').next().unwrap_or_default();
                    *differences.entry(format!("{sign} {} {title}", record.event_id)).or_default() += 1;
                }
            }
        });
    }
    ensure!(n_bad == 0 && records.next().is_none(), "the CSV has not as many events as the recording");
    Ok(())
}

/// SigmaHQ's rules for the two logs, or all of them.
fn load(has_all_rules: bool) -> anyhow::Result<Rules> {
    let mut files = rules::read(&root().join("../shared/data/sigma/sigma-master.tar.gz"))?;
    files.retain(|file| has_all_rules || FOLDERS.iter().any(|folder| file.path.contains(folder)));
    let pipelines = Pipelines::bundled().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Rules::load(&files, &pipelines, &Placeholders::default()))
}

struct Matcher<'r> {
    rules: &'r Rules,
    workspace: Workspace,
}

impl Matcher<'_> {
    fn rules_of(&mut self, event: &Event) -> Vec<usize> {
        let rule = |index: usize| self.rules.rules().get(index).map(|loaded| &loaded.rule);
        let mut matched = Vec::new();
        self.rules.router().matches(event, &rule, &mut self.workspace, &mut |index| matched.push(index));
        matched
    }
}

/// The event as it was recorded.
fn recorded(record: &Record) -> Event {
    let mut event = Event::new();
    let id = record.event_id.to_string();
    let system = [
        ("Provider_Name", record.provider.as_str()),
        ("EventID", &id),
        ("Channel", &record.channel),
        ("Computer", &record.computer),
        ("TimeCreated_SystemTime", &record.time),
    ];
    for (name, text) in system {
        event.push(Place::System, name, Value::Text(text));
    }
    for (name, text) in &record.fields {
        event.push(Place::Data, name, Value::Text(text));
    }
    event.set_message(&record.message);
    event
}

/// Writes the file that the Event Viewer saves: five columns with names, and the message in a sixth without.
fn write_csv(file: &File, records: &[Record]) -> anyhow::Result<()> {
    let mut file = file;
    file.write_all(b"\xef\xbb\xbf")?;
    let mut writer =
        csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(file);
    writer.write_record(["Level", "Date and Time", "Source", "Event ID", "Task Category"])?;
    for record in records {
        let id = record.event_id.to_string();
        writer.write_record(["Information", &record.time, &record.provider, &id, "None", &record.message])?;
    }
    writer.flush().context("the CSV cannot be written")
}

impl Tally {
    fn count_fields(&mut self, record: &Record, event: &Event) {
        self.n_records += 1;
        for (name, text) in &record.fields {
            let found = event.data().find(|(own, _)| own == name).and_then(|(_, value)| value.text());
            self.n_fields += 1;
            self.n_equal_fields += u64::from(found.is_some_and(|found| same(found, text)));
        }
    }

    fn count_rules(&mut self, expected: &[usize], found: &[usize]) {
        self.n_expected += expected.len() as u64;
        self.n_found += found.len() as u64;
        self.n_missing += expected.iter().filter(|rule| !found.contains(rule)).count() as u64;
        self.n_extra += found.iter().filter(|rule| !expected.contains(rule)).count() as u64;
    }

    fn add(&mut self, other: &Self) {
        self.n_records += other.n_records;
        self.n_fields += other.n_fields;
        self.n_equal_fields += other.n_equal_fields;
        self.n_expected += other.n_expected;
        self.n_found += other.n_found;
        self.n_missing += other.n_missing;
        self.n_extra += other.n_extra;
    }
}

/// Whether two values are the same but for blanks and case, which rules do not mind.
fn same(a: &str, b: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(a) == words(b)
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn table(
    tallies: &BTreeMap<(String, u32), Tally>,
    differences: &BTreeMap<String, u64>,
) -> anyhow::Result<String> {
    let mut text = format!(
        "{:<40} {:>6} {:>8} {:>8} {:>10} {:>8} {:>8} {:>6}\n",
        "provider", "event", "records", "fields", "detections", "as CSV", "missing", "extra"
    );
    let mut total = Tally::default();
    let mut row = |provider: &str, id: &str, tally: &Tally| {
        let fields = percent(tally.n_equal_fields, tally.n_fields);
        let Tally { n_records, n_expected, n_found, n_missing, n_extra, .. } = tally;
        writeln!(
            text,
            "{provider:<40} {id:>6} {n_records:>8} {fields:>7.1}% {n_expected:>10} {n_found:>8} {n_missing:>8} {n_extra:>6}"
        )
    };
    for ((provider, id), tally) in tallies {
        row(provider, &id.to_string(), tally)?;
        total.add(tally);
    }
    row("all", "", &total)?;
    for (difference, n) in differences {
        writeln!(text, "{difference} ×{n}")?;
    }
    let found = total.n_expected - total.n_missing;
    write!(text, "{:.2}% of the detections, {} others", percent(found, total.n_expected), total.n_extra)?;
    Ok(text)
}
