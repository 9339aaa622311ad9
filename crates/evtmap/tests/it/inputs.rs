//! The same events give the same detections, whatever they are written as.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use evtmap::alert::{Alert, Kind};
use evtmap::input;
use evtmap::{Associations, Catalogue, Findings, Pipelines, Placeholders, Rules, ScanAccount};
use evtmap::{ScanOptions, Scanner, Sink, rules};

use crate::shared;

/// The detections of each computer and channel, rule and record, in the order in which they were found.
#[derive(Default)]
struct Detections(BTreeMap<String, Vec<String>>);

impl Sink for Detections {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        if alert.finding.kind == Kind::Detection {
            let event = &alert.event;
            let place = format!("{} {}", event.said.computer, event.said.channel);
            let record = event.record_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            self.0.entry(place).or_default().push(format!("{record} {}", alert.finding.title()));
        }
        Ok(())
    }
}

fn bundled() -> Rules {
    Rules::load(&rules::bundled().unwrap(), &Pipelines::bundled().unwrap(), &Placeholders::default())
}

fn scan(rules: &Rules, paths: &[PathBuf]) -> (Detections, ScanAccount) {
    let findings = Findings::new(rules, Associations::bundled().unwrap(), &Catalogue::bundled());
    let options = ScanOptions { threads: std::num::NonZero::new(2).unwrap(), ..ScanOptions::default() };
    let mut detections = Detections::default();
    let account = Scanner::new(rules, &findings, options).scan(&input::find(paths), &mut detections).unwrap();
    (detections, account)
}

fn n_lost(account: &ScanAccount) -> u64 {
    account.files.iter().flat_map(|file| file.problems.values()).map(|problems| problems.n_lost).sum()
}

fn examples(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(folder)
}

#[test]
fn the_incident_as_json() {
    let rules = bundled();
    let (expected, _) = scan(&rules, &[examples("incident")]);
    let (found, account) = scan(&rules, &[examples("incident-json")]);
    assert!(expected.0.values().flatten().count() > 20);
    assert_eq!(n_lost(&account), 0);
    assert_eq!(found.0, expected.0);
}

#[test]
fn the_regression_cases_as_json() {
    let (Some(folder), Some(archive)) =
        (shared("data/sigma-regression"), shared("data/sigma/sigma-master.tar.gz"))
    else {
        return;
    };
    let files = rules::read(&archive).unwrap();
    let rules = Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default());
    let of_kind = |extension: &str| -> Vec<PathBuf> {
        let files = input::find([&folder]).files.into_iter().map(|file| file.path);
        files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
    };
    let (logs, texts) = (of_kind("evtx"), of_kind("json"));
    assert!(logs.len() > 90 && logs.len() == texts.len());
    for (log, text) in logs.iter().zip(&texts) {
        let (expected, _) = scan(&rules, std::slice::from_ref(log));
        let (found, account) = scan(&rules, std::slice::from_ref(text));
        assert_eq!(n_lost(&account), 0, "{}", text.display());
        assert_eq!(found.0, expected.0, "{}", text.display());
    }
}
