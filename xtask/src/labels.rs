//! The recordings beside the project whose authors say what was simulated, and how a pack of rules names it.

use std::path::{Path, PathBuf};
use std::{io, thread};

use anyhow::Context as _;
use evtmap::alert::Alert;
use evtmap::ranking::Ranking;
use evtmap::rules::RuleFile;
use evtmap::{
    Associations, Catalogue, Findings, Pipelines, Placeholders, Rules, ScanAccount, ScanOptions, Scanner,
    Sink, input, rules,
};

use crate::root;

/// A recording and what its authors say of it.
#[derive(Debug)]
pub(crate) struct Labelled {
    /// From the folder of the data.
    pub(crate) path: String,
    /// Ids of techniques, as ATT&CK 19.2 has them; at least one.
    pub(crate) ids: Vec<String>,
}

/// The folder of the data, if it is there.
pub(crate) fn data() -> Option<PathBuf> {
    let folder = root().join("../shared/data");
    folder.join("labels.tsv").exists().then_some(folder)
}

/// The recordings of events that have a label, in the order of the table. Captures of network traffic hold no events.
pub(crate) fn read(data: &Path) -> anyhow::Result<Vec<Labelled>> {
    let path = data.join("labels.tsv");
    let mut table = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(false)
        .from_path(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let columns = table.headers()?.clone();
    let column = |name: &str| {
        columns.iter().position(|column| column == name).with_context(|| format!("no column `{name}`"))
    };
    let (path, ids) = (column("path")?, column("current_ids_v19_2")?);
    let mut labelled = Vec::new();
    for row in table.records() {
        let row = row?;
        let path = row.get(path).unwrap_or_default().to_owned();
        let ids = row.get(ids).unwrap_or_default().split(',').map(|id| id.trim().to_owned());
        let ids: Vec<String> = ids.filter(|id| !id.is_empty()).collect();
        if !ids.is_empty() && !path.contains("/network/") {
            labelled.push(Labelled { path, ids });
        }
    }
    Ok(labelled)
}

/// Which rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pack {
    Own,
    SigmaHq,
    Both,
}

impl Pack {
    pub(crate) const ALL: [Self; 3] = [Self::Own, Self::SigmaHq, Self::Both];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::SigmaHq => "SigmaHQ",
            Self::Both => "both",
        }
    }

    /// The pack of that name, without regard to case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pack| pack.as_str().eq_ignore_ascii_case(name))
    }

    fn files(self) -> anyhow::Result<Vec<RuleFile>> {
        let mut files = Vec::new();
        if self != Self::SigmaHq {
            files.extend(rules::read(&root().join("rules"))?);
        }
        if self != Self::Own {
            files.extend(rules::read(&root().join("../shared/data/sigma/sigma-master.tar.gz"))?);
        }
        Ok(files)
    }
}

/// The technique that a sub-technique belongs to; of a technique, itself.
pub(crate) fn parent(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

/// Rules and what they say.
pub(crate) struct Loaded {
    rules: Rules,
    findings: Findings,
}

impl Loaded {
    /// Loads a pack, from the working tree where it is ours.
    pub(crate) fn new(pack: Pack) -> anyhow::Result<Self> {
        let pipelines = Pipelines::bundled().map_err(|error| anyhow::anyhow!("{error}"))?;
        let rules = Rules::load(&pack.files()?, &pipelines, &Placeholders::default());
        let findings = Findings::new(&rules, Associations::bundled()?, &Catalogue::bundled());
        Ok(Self { rules, findings })
    }

    /// Scans a file or an archive of logs with all threads.
    pub(crate) fn scan(&self, path: &Path, sink: &mut dyn Sink) -> anyhow::Result<ScanAccount> {
        let threads = thread::available_parallelism()?;
        let options = ScanOptions { threads, ..ScanOptions::default() };
        Ok(Scanner::new(&self.rules, &self.findings, options).scan(&input::find([path]), sink)?)
    }
}

/// Ranks what a scan finds.
#[derive(Default)]
pub(crate) struct Ranked(pub(crate) Ranking);

impl Sink for Ranked {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.0.add(alert);
        Ok(())
    }
}
