//! How much of an event survives the Event Viewer's CSV, which holds its message and not its fields.
//!
//! The records of an archive are written as such a CSV and read back by the library. SigmaHQ's rules for the
//! Security and System logs are asked about both.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use evtmap::event::message::{Messages, Templates};
use evtmap::event::{Event, Place, Value};
use evtmap::input::{self, Decoded, InputOptions};
use evtmap::{Pipelines, Placeholders, Rules, Workspace, rules};

use crate::recordings::{self, Record};
use crate::root;

pub(crate) const ABOUT: &str =
    "[--all-rules] [--fields] [ARCHIVE…] detects in recordings and in what is left of them as CSV";

/// Where SigmaHQ keeps the rules for the two logs.
const FOLDERS: &[&str] = &["/rules/windows/builtin/security/", "/rules/windows/builtin/system/"];

/// What became of the events of a kind.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    n_records: u64,
    n_fields: u64,
    n_equal_fields: u64,
    /// Detections in the recording, in the CSV, and those that only one of the two gives.
    n_expected: u64,
    n_found: u64,
    n_missing: u64,
    n_extra: u64,
}

/// What was compared.
#[derive(Debug, Default)]
struct Comparison {
    tallies: BTreeMap<(String, u32), Tally>,
    /// What only one of the two has, and how often.
    differences: BTreeMap<String, u64>,
    /// Fields that the CSV does not have, or otherwise, and how often.
    fields: BTreeMap<String, u64>,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let mut archives: Vec<PathBuf> = Vec::new();
    let (mut has_all_rules, mut has_fields) = (false, false);
    for argument in arguments {
        match argument.as_str() {
            "--all-rules" => has_all_rules = true,
            "--fields" => has_fields = true,
            option if option.starts_with('-') => bail!("unknown argument `{option}`"),
            path => archives.push(PathBuf::from(path)),
        }
    }
    if archives.is_empty() {
        archives = recordings::archives()?;
    }
    let mut comparison = compare(&archives, &load(has_all_rules)?)?;
    if !has_fields {
        comparison.fields.clear();
    }
    comparison.table()
}

/// Compares what is detected in archives and in what is left of them as CSV.
fn compare(archives: &[PathBuf], rules: &Rules) -> anyhow::Result<Comparison> {
    let mut comparison = Comparison::default();
    let mut matcher = Matcher { rules, workspace: Workspace::default() };
    for archive in archives {
        comparison.add(archive, &mut matcher).with_context(|| archive.display().to_string())?;
    }
    Ok(comparison)
}

impl Comparison {
    fn add(&mut self, archive: &Path, matcher: &mut Matcher<'_>) -> anyhow::Result<()> {
        let mut records = Vec::new();
        recordings::read(archive, &mut |record| records.push(record))?;
        let file = tempfile::NamedTempFile::new()?;
        write_csv(file.as_file(), &records)?;
        let options = InputOptions::default();
        let mut log = input::open(file.path(), &options)?;
        let mut records = records.iter();
        let mut n_bad = 0;
        while let Some(batch) = log.next_batch() {
            batch?.decode(&mut Event::new(), &mut |decoded| {
                if let (Decoded::Event(event, _), Some(record)) = (decoded, records.next()) {
                    let expected = matcher.rules_of(&recorded(record, &options.messages));
                    let found = matcher.rules_of(event);
                    self.note(record, event);
                    self.note_rules(record, [&expected, &found], matcher.rules);
                } else {
                    n_bad += 1;
                }
            });
        }
        ensure!(n_bad == 0 && records.next().is_none(), "the CSV has not as many events as the recording");
        Ok(())
    }

    fn tally(&mut self, record: &Record) -> &mut Tally {
        self.tallies.entry((record.provider.clone(), record.event_id)).or_default()
    }

    fn note(&mut self, record: &Record, event: &Event) {
        let own = |name: &str| event.data().find(|(own, _)| own.eq_ignore_ascii_case(name));
        let is_equal = |(name, text): &&(String, String)| {
            own(name).and_then(|(_, value)| value.text()).is_some_and(|found| same(found, text))
        };
        let (equal, other): (Vec<_>, Vec<_>) = record.fields.iter().partition(is_equal);
        let tally = self.tally(record);
        tally.n_records += 1;
        tally.n_fields += record.fields.len() as u64;
        tally.n_equal_fields += equal.len() as u64;
        for (name, _) in other {
            let field = format!("{} {} {name}", record.provider, record.event_id);
            *self.fields.entry(field).or_default() += 1;
        }
    }

    fn note_rules(&mut self, record: &Record, [expected, found]: [&[usize]; 2], rules: &Rules) {
        let tally = self.tally(record);
        tally.n_expected += expected.len() as u64;
        tally.n_found += found.len() as u64;
        for (kind, all, others) in [("missing", expected, found), ("extra", found, expected)] {
            for rule in all.iter().filter(|rule| !others.contains(rule)) {
                let path = rules.rules().get(*rule).map_or("", |loaded| loaded.path.as_str());
                let name = path.rsplit('/').next().unwrap_or_default();
                *self.differences.entry(format!("{kind}: {} {name}", record.event_id)).or_default() += 1;
                let tally = self.tally(record);
                let n = if kind == "missing" { &mut tally.n_missing } else { &mut tally.n_extra };
                *n += 1;
            }
        }
    }

    fn total(&self) -> Tally {
        self.tallies.values().fold(Tally::default(), |mut total, tally| {
            total.add(tally);
            total
        })
    }

    fn table(&self) -> anyhow::Result<String> {
        let mut text = format!(
            "{:<40} {:>6} {:>8} {:>8} {:>10} {:>8} {:>8} {:>6}\n",
            "provider", "event", "records", "fields", "detections", "as CSV", "missing", "extra"
        );
        for ((provider, id), tally) in &self.tallies {
            writeln!(text, "{provider:<40} {id:>6} {tally}")?;
        }
        let total = self.total();
        writeln!(text, "{:<40} {:>6} {total}", "all", "")?;
        for (difference, n) in self.differences.iter().chain(&self.fields) {
            writeln!(text, "{difference} ×{n}")?;
        }
        let (kept, n_extra) = (total.kept(), total.n_extra);
        write!(text, "{kept:.2}% of the detections, {n_extra} others")?;
        Ok(text)
    }
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
        self.rules.router().matches(event, &rule, &mut self.workspace, &mut |index, _| matched.push(index));
        matched
    }
}

/// The event as it was recorded.
fn recorded(record: &Record, messages: &Messages) -> Event {
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
    // The collector does not keep what is not in EventData; the message has it.
    if record.fields.is_empty() {
        messages.fill(&mut event, &mut Templates::default());
    }
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
    fn add(&mut self, other: &Self) {
        self.n_records += other.n_records;
        self.n_fields += other.n_fields;
        self.n_equal_fields += other.n_equal_fields;
        self.n_expected += other.n_expected;
        self.n_found += other.n_found;
        self.n_missing += other.n_missing;
        self.n_extra += other.n_extra;
    }

    /// How many of a hundred detections the CSV gives too.
    fn kept(&self) -> f64 {
        percent(self.n_expected - self.n_missing, self.n_expected)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = percent(self.n_equal_fields, self.n_fields);
        write!(f, "{:>8} {fields:>7.1}% {:>10}", self.n_records, self.n_expected)?;
        write!(f, " {:>8} {:>8} {:>6}", self.n_found, self.n_missing, self.n_extra)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample of the archives; all of them take minutes.
    const ARCHIVES: &[&str] = &[
        "atomic/windows/credential_access/host/empire_shell_reg_dump_sam.zip",
        "atomic/windows/defense_evasion/host/auditpol_system_user_auditpolicy_modification.zip",
        "atomic/windows/lateral_movement/host/empire_smbexec_dcerpc_smb_svcctl.zip",
        "atomic/windows/lateral_movement/host/schtask_create.zip",
    ];

    #[test]
    fn the_csv_keeps_the_detections() {
        let folder = root().join("../shared/data/otrf");
        if !folder.exists() {
            // Not by `println`, which is shown of failing tests only.
            let _ = writeln!(std::io::stderr(), "skipped: the recordings are not beside the repository");
            return;
        }
        let archives: Vec<PathBuf> = ARCHIVES.iter().map(|path| folder.join(path)).collect();
        let comparison = compare(&archives, &load(false).unwrap()).unwrap();
        let total = comparison.total();
        assert!(total.n_expected > 50, "{} detections", total.n_expected);
        assert_eq!((total.n_missing, total.n_extra), (0, 0), "{}", comparison.table().unwrap());
        assert!(percent(total.n_equal_fields, total.n_fields) > 99.0, "{}", comparison.table().unwrap());
    }
}
