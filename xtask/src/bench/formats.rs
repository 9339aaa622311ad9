//! What each format of reports costs: `cargo xtask bench --formats`.
//!
//! Every event of the corpus is an alert, so what is measured beside reading is writing. Each format runs on
//! a tenth of the corpus too: memory that does not grow with the alerts is then plain to see.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use evtmap::report::FORMATS;

use super::process::{self, Cost};
use super::table;
use crate::root;

/// How many alerts there are.
const N_ALERTS: u64 = 1_000_000;
/// How many times fewer there are in the smaller corpus.
const FEWER: u64 = 10;
/// A rule that finds something in every event of the corpus.
const RULE: &str = include_str!("formats.yml");

pub(super) const MARKS: table::Marks =
    table::Marks { begin: "<!-- figures of formats -->\n", end: "<!-- end of figures of formats -->" };

struct Corpus {
    rule: PathBuf,
    few: PathBuf,
    many: PathBuf,
    out: PathBuf,
}

/// What a report cost, and how large it is.
struct Figures {
    cost: Cost,
    n_bytes: u64,
}

/// Measures every format and gives the table.
pub(super) fn run(program: &Path, shrink: u64) -> anyhow::Result<String> {
    let n_alerts = N_ALERTS / shrink;
    let corpus = Corpus::make(&root().join("target/bench/formats"), n_alerts)?;
    // The program has two more, which would make these tasks long to build.
    let reports = FORMATS.iter().filter_map(|format| Some((format.name, format.endings.first()?, "")));
    let reports = reports.chain(["parquet", "sqlite"].iter().map(|name| (*name, name, "")));
    let sorted =
        ["time", "severity"].map(|by| (by, &"jsonl", if by == "time" { "time" } else { "severity" }));
    let mut out = format!(
        "Of {n_alerts} alerts, and of {} for the memory beside it; one run each, one thread. `none` reads and matches, and writes no report; what it takes is part of every other line.\n\n\
        | format | cpu s | wall s | size | peak memory | of a tenth |\n|---|---|---|---|---|---|\n",
        n_alerts / FEWER
    );
    add(&mut out, "none", corpus.measure(program, None, "")?);
    for (name, ending, sort) in reports.chain(sorted) {
        let figures = corpus.measure(program, Some(ending), sort)?;
        let name = if sort.is_empty() { format!("`{name}`") } else { format!("`jsonl`, `--sort {sort}`") };
        add(&mut out, &name, figures);
    }
    Ok(out)
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits are shown")]
fn add(out: &mut String, name: &str, [few, many]: [Figures; 2]) {
    let megabytes = |n: u64| n as f64 / 1e6;
    let _ = writeln!(
        out,
        "| {name} | {:.1} | {:.1} | {:.0} MB | {:.0} MB | {:.0} MB |",
        many.cost.cpu,
        many.cost.wall,
        megabytes(many.n_bytes),
        megabytes(many.cost.peak),
        megabytes(few.cost.peak),
    );
}

impl Corpus {
    fn make(folder: &Path, n_alerts: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let corpus = Self {
            rule: folder.join("rule.yml"),
            few: folder.join(format!("{}.jsonl", n_alerts / FEWER)),
            many: folder.join(format!("{n_alerts}.jsonl")),
            out: folder.join("out"),
        };
        fs::write(&corpus.rule, RULE)?;
        for (path, n) in [(&corpus.few, n_alerts / FEWER), (&corpus.many, n_alerts)] {
            if !path.exists() {
                let part = path.with_extension("part");
                write_events(&part, n)?;
                fs::rename(part, path)?;
            }
        }
        Ok(corpus)
    }

    /// A report of the smaller and of the larger corpus.
    fn measure(&self, program: &Path, ending: Option<&str>, sort: &str) -> anyhow::Result<[Figures; 2]> {
        Ok([
            self.report(program, &self.few, (ending, sort))?,
            self.report(program, &self.many, (ending, sort))?,
        ])
    }

    fn report(
        &self,
        program: &Path,
        events: &Path,
        (ending, sort): (Option<&str>, &str),
    ) -> anyhow::Result<Figures> {
        let report = self.out.with_extension(ending.unwrap_or("none"));
        let [program, events, rule] = [program, events, &self.rule].map(|path| path.display().to_string());
        let mut command = vec![program, "map".to_owned(), events, "--rules".to_owned(), rule];
        command.extend("-q --threads 1 --no-rule-cache --no-associations".split(' ').map(str::to_owned));
        if ending.is_some() {
            command.extend(["-o".to_owned(), report.display().to_string()]);
        }
        if !sort.is_empty() {
            command.extend(["--sort".to_owned(), sort.to_owned()]);
        }
        let cost = process::run(&command, 1)?;
        let n_bytes = report.metadata().map_or(0, |found| found.len());
        if report.exists() {
            fs::remove_file(&report)?;
        }
        Ok(Figures { cost, n_bytes })
    }
}

/// Creations of processes as Sysmon tells them, on a hundred hosts, in no order of time.
fn write_events(path: &Path, n: u64) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
    for number in 0..n {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let (day, hour, minute, second) =
            (1 + mixed % 28, mixed / 28 % 24, mixed / 672 % 60, mixed / 40_320 % 60);
        writeln!(
            out,
            r#"{{"UtcTime":"2026-03-{day:02} {hour:02}:{minute:02}:{second:02}.{:03}","Channel":"Microsoft-Windows-Sysmon/Operational","Provider_Name":"Microsoft-Windows-Sysmon","EventID":1,"EventRecordID":{number},"Computer":"WS{:02}.corp.example","SystemTime":"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}.{:07}Z","Image":"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe","CommandLine":"powershell.exe -NoProfile -enc {mixed:x}SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAA=","User":"CORP\\user{}","ProcessId":{},"ParentImage":"C:\\Windows\\explorer.exe","ParentCommandLine":"C:\\Windows\\explorer.exe","IntegrityLevel":"Medium"}}"#,
            number % 1000,
            number % 100,
            number % 10_000_000,
            mixed % 997,
            4 * (number % 5000),
        )?;
    }
    out.flush()?;
    Ok(())
}
