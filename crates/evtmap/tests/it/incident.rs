//! The example incident gives the same detections as EVTX and as the Event Viewer's CSV.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use evtmap::alert::{Alert, Kind};
use evtmap::attack::Catalogue;
use evtmap::{
    Associations, Findings, Pipelines, Placeholders, Rules, ScanOptions, Scanner, Sink, input, rules,
};

/// What a CSV cannot tell: rule, event id, how many detections that adds or costs, and why.
const EXCEPTIONS: &[(&str, u32, i64, &str)] = &[(
    "Member Added to a Privileged Domain Group",
    4728,
    -1,
    "the rule asks for the end of the group's SID, and the message names the group instead",
)];

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
                event.computer.to_string(),
                event.channel.to_string(),
                event.event_id.unwrap_or_default(),
                time,
                alert.finding.title().to_owned(),
            );
            *self.0.entry(key).or_default() += 1;
        }
        Ok(())
    }
}

fn detections(folder: &str) -> BTreeMap<Detection, i64> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(folder);
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

#[test]
fn csv_gives_the_detections_of_evtx() {
    let (evtx, csv) = (detections("incident"), detections("incident-csv"));
    assert!(!evtx.is_empty());
    let mut by_detection: BTreeMap<&Detection, i64> = BTreeMap::new();
    for (detections, sign) in [(&evtx, -1), (&csv, 1)] {
        for (detection, n) in detections {
            *by_detection.entry(detection).or_default() += sign * n;
        }
    }
    by_detection.retain(|_, n| *n != 0);
    let differences = by_detection.iter().map(|((_, _, id, _, rule), n)| (rule.as_str(), *id, *n));
    let expected = EXCEPTIONS.iter().map(|(rule, id, n, _)| (*rule, *id, *n));
    assert_eq!(differences.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{by_detection:?}");
}
