//! How fast the program is beside others: `cargo xtask bench`.
//!
//! Every command runs several times, all of them in turn, so that what the machine does meanwhile meets all
//! alike; the middle one of the runs counts.

mod corpus;
mod formats;
mod process;
mod table;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use self::corpus::Corpus;
use self::process::Cost;
use crate::root;

pub(crate) const ABOUT: &str = "[--runs N] [--quick] [--write] [--only-make] [--formats]: measures the program and its yardsticks, or what formats of reports cost, for docs/performance.md";

/// How many times each command runs.
const N_RUNS: usize = 5;
/// How much smaller the corpora are with `--quick`, to try the command itself.
const QUICK: u64 = 20;

/// What is measured.
struct Case {
    /// What it is, in words for the table.
    about: &'static str,
    command: Vec<String>,
    /// What it works on, for rates.
    work: Work,
    /// How many of it run at once. More than one show what the machine has for more threads.
    n_at_once: usize,
    /// Seconds, one a run.
    costs: Vec<Cost>,
}

/// What a command works on.
#[derive(Clone, Copy)]
enum Work {
    /// Nothing to speak of: only the start counts.
    Start,
    Bytes(u64),
    Events(u64),
    Rows(u64),
}

impl Work {
    /// Twice as much.
    fn twice(self) -> Self {
        match self {
            Self::Start => Self::Start,
            Self::Bytes(n) => Self::Bytes(2 * n),
            Self::Events(n) => Self::Events(2 * n),
            Self::Rows(n) => Self::Rows(2 * n),
        }
    }
}

struct Options {
    n_runs: usize,
    shrink: u64,
    write: bool,
    /// Whether only the corpora are wanted.
    only_make: bool,
    /// Whether the formats of reports are measured, and not reading.
    formats: bool,
}

/// Measures and gives the table.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let options = Options::read(arguments)?;
    let document = root().join("docs/performance.md");
    if options.formats {
        let text = formats::run(&crate::build_release()?, options.shrink)?;
        if options.write {
            table::write(&document, &formats::MARKS, &text)?;
        }
        return Ok(text);
    }
    let folder = root().join("target/bench");
    if options.only_make {
        Corpus::make(&folder, options.shrink)?;
        return Ok(format!("the corpora are in {}", folder.display()));
    }
    // In a process of its own: Linux counts for a program what the one that started it had in memory before.
    let made = Command::new(env::current_exe()?).args(["bench", "--only-make"]).args(arguments).status()?;
    anyhow::ensure!(made.success(), "the corpora are not made");
    let program = crate::build_release()?;
    let corpus = Corpus::make(&folder, options.shrink)?;
    let mut cases = cases(&program, &corpus)?;
    for case in &cases {
        // Once without counting: fills the cache of files and that of rules.
        process::run(&case.command, case.n_at_once).with_context(|| case.about)?;
    }
    for _ in 0..options.n_runs {
        for case in &mut cases {
            process::warm(&case.command)?;
            case.costs.push(process::run(&case.command, case.n_at_once).with_context(|| case.about)?);
        }
    }
    let text = table::render(&cases, &corpus, options.n_runs);
    if options.write {
        table::write(&document, &table::READING, &text)?;
    }
    Ok(text)
}

impl Options {
    fn read(arguments: &[String]) -> anyhow::Result<Self> {
        let mut options = Self { n_runs: N_RUNS, shrink: 1, write: false, only_make: false, formats: false };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--runs" => {
                    let number = rest.next().and_then(|number| number.parse().ok()).filter(|n| *n > 0);
                    options.n_runs = number.context("`--runs` takes a number")?;
                }
                "--quick" => options.shrink = QUICK,
                "--write" => options.write = true,
                "--formats" => options.formats = true,
                "--only-make" => options.only_make = true,
                other => bail!("`{other}` is not known; {ABOUT}"),
            }
        }
        Ok(options)
    }
}

/// What is measured, the program's own first.
fn cases(program: &Path, corpus: &Corpus) -> anyhow::Result<Vec<Case>> {
    let map = |input: &Path, rules: Option<&Path>, more: &str| {
        let mut command = vec![program.display().to_string(), "map".to_owned(), input.display().to_string()];
        if let Some(rules) = rules {
            command.extend(["--rules".to_owned(), rules.display().to_string()]);
        }
        command.extend(["--cache-dir".to_owned(), corpus.cache.display().to_string()]);
        command.extend("-q -o - --format jsonl".split(' ').chain(more.split_whitespace()).map(str::to_owned));
        command
    };
    let all = corpus.rules.as_deref();
    let some = Some(corpus.some_rules.as_path());
    let folder = Work::Events(corpus::count_events(&[&corpus.evtx_folder])?);
    let file = Work::Events(corpus::count_events(&[&corpus.evtx_file])?);
    let json = Work::Bytes(size(&corpus.json)?);
    let rows = Work::Rows(corpus.n_csv_rows);
    let case = |about, command, work| Case { about, command, work, n_at_once: 1, costs: Vec::new() };
    let twice = |about, command, work| Case { n_at_once: 2, ..case(about, command, work) };
    let alone = "--threads 1 --no-associations";
    let mut cases = vec![
        case(table::START, map(&corpus.small, all, "--threads 1"), Work::Start),
        case("start, rules read afresh", map(&corpus.small, all, "--threads 1 --no-rule-cache"), Work::Start),
        case("EVTX in a folder, one thread", map(&corpus.evtx_folder, all, "--threads 1"), folder),
        case("EVTX in a folder, two threads", map(&corpus.evtx_folder, all, "--threads 2"), folder),
        case("EVTX in a folder, detections alone", map(&corpus.evtx_folder, all, alone), folder),
        case("EVTX in a folder, 300 rules", map(&corpus.evtx_folder, some, "--threads 1"), folder),
        case("EVTX in one file, one thread", map(&corpus.evtx_file, all, "--threads 1"), file),
        case("EVTX in one file, two threads", map(&corpus.evtx_file, all, "--threads 2"), file),
        twice(
            "EVTX in one file by two programs at once, a thread each",
            map(&corpus.evtx_file, all, "--threads 1"),
            file.twice(),
        ),
        case("JSON lines, one thread", map(&corpus.json, all, "--threads 1"), json),
        case("JSON lines, two threads", map(&corpus.json, all, "--threads 2"), json),
        case("JSON lines, detections alone", map(&corpus.json, all, alone), json),
        twice(
            "JSON lines by two programs at once, a thread each",
            map(&corpus.json, all, "--threads 1"),
            json.twice(),
        ),
        case("CSV, one thread", map(&corpus.csv, all, "--threads 1"), rows),
        case("CSV, two threads", map(&corpus.csv, all, "--threads 2"), rows),
        case("CSV, detections alone", map(&corpus.csv, all, alone), rows),
        case("CSV, no row like another", map(&corpus.unlike_csv, all, "--threads 1"), rows),
    ];
    if let Some(dump) = installed("evtx_dump") {
        let command = format!("{} -t 1 -o jsonl {}", dump.display(), corpus.evtx_file.display());
        cases.push(case("evtx_dump: EVTX in one file to JSON", words(&command), file));
    }
    if let (Some(rsigma), Some(rules)) = (installed("rsigma"), &corpus.unpacked_rules) {
        let start = format!("{} engine eval --rules {}", rsigma.display(), rules.display());
        let nothing = format!("{start} --event @{}", corpus.one_line.display());
        cases.push(case("rsigma: start", words(&nothing), Work::Start));
        let command = format!("{start} --event @{}", corpus.json.display());
        cases.push(case("rsigma: JSON lines", words(&command), json));
        let command = format!("{start} --event @{}", corpus.evtx_as_json.display());
        cases.push(case("rsigma: the events of the folder, as JSON lines", words(&command), folder));
    }
    Ok(cases)
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

fn size(path: &Path) -> anyhow::Result<u64> {
    Ok(path.metadata().with_context(|| path.display().to_string())?.len())
}

/// A yardstick on the path, or where `cargo install --root target/tools` puts it.
fn installed(name: &str) -> Option<PathBuf> {
    let own = root().join("target/tools/bin").join(name);
    let found = [own, PathBuf::from(name)];
    found.into_iter().find(|path| Command::new(path).arg("--version").output().is_ok())
}
