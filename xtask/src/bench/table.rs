//! The figures as a table, and what they come to.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::corpus::Corpus;
use super::process::Cost;
use super::{Case, Work};

/// Between which marks of a document a table stands.
pub(super) struct Marks {
    pub(super) begin: &'static str,
    pub(super) end: &'static str,
}

/// What all runs begin with.
pub(super) const START: &str = "start, rules out of the cache";

/// Where the figures of reading stand.
pub(super) const READING: Marks = Marks { begin: "<!-- figures -->\n", end: "<!-- end of figures -->" };

impl Case {
    /// The middle one of the runs, of each figure by itself.
    fn cost(&self) -> Cost {
        let middle = |figure: fn(&Cost) -> f64| middle(self.costs.iter().map(figure).collect());
        let peak = self.costs.iter().map(|cost| cost.peak).max().unwrap_or_default();
        Cost { cpu: middle(|cost| cost.cpu), wall: middle(|cost| cost.wall), peak }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures of three digits are shown")]
    fn rate(&self) -> String {
        let cpu = self.cost().cpu;
        match self.work {
            Work::Start => String::new(),
            Work::Bytes(bytes) => format!("{:.0} MB", bytes as f64 / 1e6 / cpu),
            Work::Events(events) => format!("{:.3} million events", events as f64 / 1e6 / cpu),
            Work::Rows(rows) => format!("{:.2} million rows", rows as f64 / 1e6 / cpu),
        }
    }
}

/// The table in Markdown, and the ratios behind it.
#[expect(clippy::cast_precision_loss, reason = "figures of three digits are shown")]
pub(super) fn render(cases: &[Case], corpus: &Corpus, n_runs: usize) -> String {
    let mut out = format!("{}The middle of {n_runs} runs each, taken in turn.\n\n", corpus.about());
    out += "| | cpu s | wall s | peak memory | a cpu second |\n|---|---|---|---|---|\n";
    for case in cases {
        let Cost { cpu, wall, peak } = case.cost();
        let peak = peak as f64 / 1e6;
        let _ = writeln!(out, "| {} | {cpu:.3} | {wall:.3} | {peak:.0} MB | {} |", case.about, case.rate());
    }
    out += "\n| | |\n|---|---|\n";
    for (about, ratio) in ratios(cases) {
        let _ = writeln!(out, "| {about} | {ratio:.2} |");
    }
    for input in ["EVTX in a folder", "EVTX in one file", "JSON lines", "CSV"] {
        let [whole, net] = [false, true].map(|is_net| threads(cases, input, is_net));
        if let (Some(whole), Some(net)) = (whole, net) {
            let about = format!("one thread to two, by the clock, {input}");
            let _ = writeln!(out, "| {about} | {whole:.2} |\n| the same, without the start | {net:.2} |");
        }
    }
    out
}

/// How many times as long one thread takes as two do. It is the middle of what the two came to in the same round, one
/// right after the other: how fast the machine is changes from minute to minute.
fn threads(cases: &[Case], input: &str, is_net: bool) -> Option<f64> {
    let case = |about: &str| cases.iter().find(|case| case.about == about);
    let start = case(START).filter(|_| is_net).map_or(0.0, |start| start.cost().wall);
    let [one, two] = ["one thread", "two threads"].map(|threads| case(&format!("{input}, {threads}")));
    let rounds = one?.costs.iter().zip(&two?.costs);
    Some(middle(rounds.map(|(one, two)| (one.wall - start) / (two.wall - start)).collect()))
}

/// The middle one.
fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// What is said of two cases, and how many times one is the other.
fn ratios(cases: &[Case]) -> Vec<(&'static str, f64)> {
    let cost = |about: &str| cases.iter().find(|case| case.about == about).map(Case::cost);
    let start = cost(START).unwrap_or_default();
    let cpu = |about: &str| cost(about).map(|cost| cost.cpu);
    let wall = |about: &str| cost(about).map(|cost| cost.wall);
    let net = |about: &str| cpu(about).map(|cpu| cpu - start.cpu);
    let rsigma = cpu("rsigma: start").unwrap_or_default();
    let found = [
        (
            "all rules to 300, cpu without the start",
            net("EVTX in a folder, one thread"),
            net("EVTX in a folder, 300 rules"),
        ),
        (
            "associations told too to detections alone, EVTX, cpu",
            net("EVTX in a folder, one thread"),
            net("EVTX in a folder, detections alone"),
        ),
        (
            "one program to two at once, rate by the clock, EVTX in one file: what the machine has for a second thread",
            wall("EVTX in one file, one thread").map(|wall| 2.0 * wall),
            wall("EVTX in one file by two programs at once, a thread each"),
        ),
        (
            "one program to two at once, rate by the clock, JSON lines",
            wall("JSON lines, one thread").map(|wall| 2.0 * wall),
            wall("JSON lines by two programs at once, a thread each"),
        ),
        (
            "evtmap with all rules to evtx_dump, cpu",
            cpu("EVTX in one file, one thread"),
            cpu("evtx_dump: EVTX in one file to JSON"),
        ),
        (
            "rsigma to evtmap on the events of the folder, read from EVTX by evtmap, cpu",
            cpu("rsigma: the events of the folder, as JSON lines"),
            cpu("EVTX in a folder, one thread"),
        ),
        (
            "the same, detections alone",
            cpu("rsigma: the events of the folder, as JSON lines"),
            cpu("EVTX in a folder, detections alone"),
        ),
        ("rsigma to evtmap on JSON lines, cpu", cpu("rsigma: JSON lines"), cpu("JSON lines, one thread")),
        ("the same, detections alone", cpu("rsigma: JSON lines"), cpu("JSON lines, detections alone")),
        (
            "rsigma to evtmap without the start of either",
            cpu("rsigma: JSON lines").map(|cpu| cpu - rsigma),
            net("JSON lines, one thread"),
        ),
    ];
    found.into_iter().filter_map(|(about, a, b)| Some((about, a? / b?))).collect()
}

/// Puts the table into a document, between the marks for it.
pub(super) fn write(path: &Path, &Marks { begin, end }: &Marks, table: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(path)?;
    let (before, rest) = text.split_once(begin).context("there is no mark where figures begin")?;
    let (_, after) = rest.split_once(end).context("there is no mark where figures end")?;
    fs::write(path, format!("{before}{begin}{table}{end}{after}"))?;
    Ok(())
}
