//! The example incident gives the same detections as EVTX, JSON, XML and the Event Viewer's CSV.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use evtmap::alert::{Alert, Kind};
use evtmap::attack::Catalogue;
use evtmap::{
    Associations, Findings, Pipelines, Placeholders, Rules, ScanOptions, Scanner, Sink, input, rules,
};

/// Host, channel, event id, time to the second and rule: a CSV knows no record ids, and no fractions.
type Detection = (String, String, u32, String, String);

#[derive(Default)]
struct Detections(BTreeMap<Detection, i64>);

impl Sink for Detections {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        if alert.finding.kind == Kind::Detection {
            let event = &alert.event;
            let time = event.time.map(|time| time.strftime("%F %T").to_string()).unwrap_or_default();
            let key = (
                event.said.computer.to_string(),
                event.said.channel.to_string(),
                event.said.event_id.unwrap_or_default(),
                time,
                alert.finding.title().to_owned(),
            );
            *self.0.entry(key).or_default() += 1;
        }
        Ok(())
    }
}

fn examples(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(folder)
}

fn detections(folder: &Path) -> BTreeMap<Detection, i64> {
    let pipelines = Pipelines::bundled().unwrap();
    let rules = Rules::load(&rules::bundled().unwrap(), &pipelines, &Placeholders::default());
    let findings = Findings::new(&rules, Associations::bundled().unwrap(), &Catalogue::bundled());
    let mut detections = Detections::default();
    let scanner = Scanner::new(&rules, &findings, ScanOptions::default());
    let account = scanner.scan(&input::find([folder]), &mut detections).unwrap();
    let mut logs = account.files.iter().filter(|file| file.kind.is_some());
    assert!(logs.all(|file| file.error.is_none() && file.problems.is_empty()));
    assert_eq!(account.unread_messages().iter().collect::<Vec<_>>(), []);
    detections.0
}

/// Both give the same, which is more than a little.
#[track_caller]
fn check(folder: &Path) {
    let (expected, found) = (detections(&examples("incident")), detections(folder));
    assert!(expected.values().sum::<i64>() > 50);
    let mut by_detection: BTreeMap<&Detection, i64> = BTreeMap::new();
    for (detections, sign) in [(&expected, -1), (&found, 1)] {
        for (detection, n) in detections {
            *by_detection.entry(detection).or_default() += sign * n;
        }
    }
    by_detection.retain(|_, n| *n != 0);
    assert_eq!(by_detection, BTreeMap::new());
}

#[test]
fn as_json() {
    check(&examples("incident-json"));
}

#[test]
fn as_the_event_viewers_csv() {
    check(&examples("incident-csv"));
}

#[test]
fn as_xml() {
    let folder = tempfile::tempdir().unwrap();
    for (number, file) in input::find([examples("incident")]).files.iter().enumerate() {
        let Ok(mut parser) = evtx::EvtxParser::from_path(&file.path) else { continue };
        let records = parser
            .records()
            .map(|record| record.unwrap().data.replacen("<?xml version=\"1.0\" encoding=\"utf-8\"?>", "", 1));
        let text = format!("<Events>{}</Events>", records.collect::<String>());
        std::fs::write(folder.path().join(format!("{number}.xml")), text).unwrap();
    }
    check(folder.path());
}
