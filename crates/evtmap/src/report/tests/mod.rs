//! Formats are told the same alerts, and what each writes is kept beside it in `golden/`.
//!
//! With `EVTMAP_BLESS` in the environment what they write becomes what is expected.

#[cfg(all(feature = "parquet", feature = "sqlite"))]
mod consumers;
mod schemas;

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::ScanAccount;
use crate::alert::tests::alerts;
use crate::attack::Catalogue;
use crate::triage::{RulesAccount, Tally};

/// What is written, for the test to look at.
#[derive(Clone, Default)]
struct Bytes(Rc<RefCell<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A report of alerts in a format.
pub(crate) fn render(format: &Format, options: &ReportOptions, alerts: &[Alert]) -> Vec<u8> {
    let bytes = Bytes::default();
    let mut tally = Tally::default();
    let mut writer = format.open(Box::new(bytes.clone()), options).unwrap();
    for alert in alerts {
        tally.add(alert);
        writer.alert(alert).unwrap();
    }
    let (scan, rules) = (ScanAccount::default(), RulesAccount::default());
    let catalogue = Catalogue::bundled();
    let summary = tally.finish();
    let report = Report {
        summary: &summary,
        scan: &scan,
        rules: &rules,
        catalogue: &catalogue,
        catalogue_origin: "the program",
    };
    writer.finish(&report).unwrap();
    drop(writer);
    bytes.0.take()
}

/// What a pen makes of several alerts at once is what the format writes of one after the other.
#[test]
fn pens_write_what_formats_write() {
    let mut n_pens = 0;
    for format in FORMATS {
        let open = |bytes: &Bytes| format.open(Box::new(bytes.clone()), &ReportOptions::default()).unwrap();
        let (one_by_one, at_once) = (Bytes::default(), Bytes::default());
        let (mut writer, mut other) = (open(&one_by_one), open(&at_once));
        let Some(mut pen) = writer.pen() else {
            assert!(writer.lines(b"x").is_err(), "{}", format.name);
            continue;
        };
        n_pens += 1;
        alerts().iter().for_each(|alert| writer.alert(alert).unwrap());
        let mut lines = Vec::new();
        pen.write(&alerts(), &mut lines).unwrap();
        other.lines(&lines).unwrap();
        assert_eq!(at_once.0.take(), one_by_one.0.take(), "{}", format.name);
    }
    assert_eq!(n_pens, 8);
}

/// The samples of [`alerts`] in a format are what they were.
fn check(name: &str, options: &ReportOptions) {
    let written = render(Format::named(name).unwrap(), options, &alerts());
    // A release changes nothing else.
    let written = String::from_utf8(written).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(format!("alerts.{name}"));
    if std::env::var_os("EVTMAP_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == expected, "run again with EVTMAP_BLESS=1 if this is as it should be:\n{written}");
}

/// Every format that is text. What is in an HTML page is looked at there.
#[test]
fn formats_write_what_they_wrote() {
    for format in FORMATS.iter().filter(|format| !["html", "parquet", "sqlite"].contains(&format.name)) {
        check(format.name, &ReportOptions::default());
    }
}

/// The table says truly which formats hold every alert, so that a page may name their files for what it leaves
/// out. Tables in binary form are read back elsewhere.
#[test]
fn formats_hold_every_alert_where_they_say_so() {
    let host = |number: usize| format!("HOST{number:04}.corp.example");
    let alert = |number: usize| {
        let mut alert = crate::alert::tests::detection();
        let event = Arc::make_mut(&mut alert.event);
        event.record_id = Some(number as u64);
        event.said_mut().computer = host(number);
        alert
    };
    let alerts: Vec<Alert> = (0..300).map(alert).collect();
    for format in FORMATS.iter().filter(|format| !["html", "parquet", "sqlite"].contains(&format.name)) {
        let written = String::from_utf8(render(format, &ReportOptions::default(), &alerts)).unwrap();
        let holds_all = (0..300).all(|number| written.contains(&host(number)));
        assert_eq!(holds_all, format.holds_every_alert, "{}", format.name);
    }
}

/// A report without alerts is a report.
#[test]
fn formats_write_reports_of_nothing() {
    for format in FORMATS {
        render(format, &ReportOptions::default(), &[]);
    }
}

/// A value of 1 MB, in every place that a log can fill, is written, and more than once only where it is told more
/// than once.
#[test]
fn formats_take_large_values() {
    let large = "=<x>|\u{202e}".repeat(1 << 17);
    let mut alert = crate::alert::tests::detection();
    let event = Arc::make_mut(&mut alert.event);
    let said = event.said_mut();
    (said.computer, said.channel, said.user) = (large.clone(), large.clone(), Some(large.clone()));
    event.said_mut().message = Some(large.clone());
    event.said_mut().fields = [(large.clone(), Some(large.clone()))].into_iter().collect();
    for format in FORMATS {
        let written = render(format, &ReportOptions::default(), &[alert.clone()]);
        let n_bytes_max = if format.name == "md" { 1 << 16 } else { 32 * large.len() };
        assert!(written.len() < n_bytes_max, "{}: {} bytes", format.name, written.len());
    }
}
