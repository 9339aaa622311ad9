//! The document in the page is what it was, and a page keeps to its size whatever the log holds.
//!
//! What a browser makes of it is tested in `html/test/browser.mjs`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use evtmap_sigma::{Evidence, Explanation};
use flate2::read::GzDecoder;

use super::*;
use crate::Severity;
use crate::alert::tests::{HOSTILE, alerts, detection};
use crate::alert::{AlertEvent, Overridden};
use crate::report::tests::render;
use crate::report::{Format, RunNote};

fn page(alerts: &[Alert]) -> String {
    let run = RunNote {
        command: vec!["evtmap".to_owned(), "map".to_owned(), "logs".to_owned()],
        begun: "2026-03-02T12:00:00Z".parse().ok(),
        other_reports: vec!["alerts.jsonl".to_owned()],
    };
    let options = ReportOptions { run, ..ReportOptions::default() };
    String::from_utf8(render(Format::named("html").unwrap(), &options, alerts)).unwrap()
}

/// The document in a page.
fn document(page: &str) -> serde_json::Value {
    let (before, after) = PAGE.split_once(PLACE).unwrap();
    let packed = page.strip_prefix(before).unwrap().strip_suffix(after).unwrap();
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    for chunk in packed.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(digit(*byte)));
        let bits = bits << (6 * (4 - chunk.len()));
        bytes.extend(bits.to_be_bytes()[1..chunk.len()].iter());
    }
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A detection with a condition and what of it held.
fn explained() -> Alert {
    let text = "{title: x, logsource: {product: windows}, detection: {\
        selection: {Image|endswith: ['\\bad.exe', '\\worse.exe'], CommandLine|contains: /x}, \
        filter: {ParentImage: y}, condition: selection and not filter}}";
    let collection = evtmap_sigma::Collection::parse(text, &evtmap_sigma::Placeholders::default());
    let rule = evtmap_sigma::CompiledRule::from(collection.rules[0].clone());
    let seen = evtmap_sigma::FieldList::from([
        ("Image", evtmap_sigma::Value::Text("C:\\Temp\\bad.exe")),
        ("CommandLine", evtmap_sigma::Value::Text("bad.exe /x \"1, 2\"")),
    ]);
    let mut alert = detection();
    let condition: Explanation = rule.explain(&evtmap_sigma::FieldList::default());
    let finding = Arc::make_mut(&mut alert.finding);
    finding.rule.as_mut().unwrap().condition = Some(Arc::new(condition));
    finding.rule.as_mut().unwrap().id = None;
    let evidence: Evidence = rule.evidence(&seen);
    Alert { evidence: Some(Arc::new(evidence)), ..alert }
}

/// A logon of the account from the first host, and what it did on the second.
fn moved() -> Vec<Alert> {
    let change = |alert: &Alert, computer: &str, id: u32, fields: &[(&str, &str)]| {
        let mut alert = alert.clone();
        let event = Arc::make_mut(&mut alert.event);
        event.said_mut().computer = computer.to_owned();
        event.said_mut().event_id = Some(id);
        event.said_mut().fields = fields.iter().map(|(name, value)| (name, Some(value))).collect();
        alert
    };
    let logon = [
        ("LogonType", "3"),
        ("TargetUserName", "m.keller"),
        ("TargetDomainName", "CORP"),
        ("TargetUserSid", "S-1-5-21-1-2-3-1107"),
        ("TargetLogonId", "0xAB"),
        ("IpAddress", "10.0.0.5"),
        ("WorkstationName", "WS01"),
    ];
    let action = [("NewProcessName", "C:\\Temp\\bad.exe"), ("SubjectLogonId", "0xab")];
    vec![
        change(&crate::alert::tests::association(), "FS01.corp.example", 4624, &logon),
        change(&detection(), "FS01.corp.example", 4688, &action),
    ]
}

#[test]
fn the_document_is_what_it_was() {
    let mut all = alerts();
    all.push(explained());
    all.extend(moved());
    let mut document = document(&page(&all));
    document["run"]["evtmap"] = "VERSION".into();
    let written = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("html/test/document.json");
    if std::env::var_os("EVTMAP_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == expected, "run again with EVTMAP_BLESS=1 if this is as it should be:\n{written}");
}

#[test]
fn nothing_of_a_log_is_in_the_page_but_in_the_data() {
    let page = page(&alerts());
    let digits = page.strip_prefix(PAGE.split_once(PLACE).unwrap().0).unwrap();
    let (digits, after) = digits.split_once('<').unwrap();
    assert!(digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
    assert_eq!(format!("<{after}"), PAGE.split_once(PLACE).unwrap().1);
    assert!(!page.contains("DROP TABLE") && HOSTILE.contains("DROP TABLE"));
    assert_eq!(PAGE.matches(PLACE).count(), 1);
}

/// Numbers that look random and are the same every time.
struct Noise(u64);

impl Noise {
    fn text(&mut self, n: usize) -> String {
        let mut digits = String::new();
        while digits.len() < n {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            digits += &format!("{:08x}", self.0 >> 32);
        }
        digits.truncate(n);
        digits
    }
}

/// So many alerts of process creations, no two alike, with so much of random text in each.
fn many(n: usize, n_random: usize) -> Vec<Alert> {
    let mut noise = Noise(1);
    let alert = |number: usize| {
        let mut alert = detection();
        let event: &mut AlertEvent = Arc::make_mut(&mut alert.event);
        event.record_id = Some(number as u64);
        event.time = jiff::Timestamp::from_second(1_770_000_000 + 7 * number as i64).ok();
        event.said_mut().computer = format!("WS{:02}.corp.example", number % 40);
        let guid = noise.text(16);
        let fields = [
            (
                "CommandLine",
                format!("powershell.exe -File C:\\Scripts\\job-{number}.ps1 {}", noise.text(n_random)),
            ),
            ("ProcessGuid", format!("{{0d93a6f8-{guid}}}")),
            ("ProcessId", (number * 37 % 65_536).to_string()),
            ("Image", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe".to_owned()),
            ("ParentImage", "C:\\Windows\\System32\\svchost.exe".to_owned()),
            ("User", "CORP\\m.keller".to_owned()),
        ];
        event.said_mut().fields = fields.map(|(name, value)| (name, Some(value))).into_iter().collect();
        alert
    };
    (0..n).map(alert).collect()
}

#[test]
fn ten_thousand_alerts_are_a_page() {
    let page = page(&many(10_500, 12));
    assert!(page.len() <= N_BYTES_MAX, "{}", page.len());
    let document = document(&page);
    assert_eq!(document["alerts"]["finding"].as_array().unwrap().len(), N_ALERTS_MAX);
    assert_eq!(document["totals"]["left_out"]["detections"], 500);
    assert_eq!(document["cut"].as_array().unwrap().len(), 0, "nothing had to be cut");
}

/// So many alerts, each of its own host and account, with names and values as long as that; every tenth is of a
/// logon from another host.
fn many_names(n: usize, n_bytes: usize) -> Vec<Alert> {
    let mut noise = Noise(2);
    let alert = |number: usize| {
        let mut alert = detection();
        let event: &mut AlertEvent = Arc::make_mut(&mut alert.event);
        event.time = jiff::Timestamp::from_second(1_770_000_000 + 7 * number as i64).ok();
        let host = |number: usize, noise: &str| format!("ip-{number:05}-{noise}");
        let text = |noise: &mut Noise| noise.text(n_bytes);
        event.said_mut().computer = host(number, &text(&mut noise));
        event.said_mut().user = Some(format!("CORP\\{number:05}{}", text(&mut noise)));
        event.said_mut().event_id = Some(if number.is_multiple_of(10) { 4624 } else { 4688 });
        let fields = [
            ("LogonType", "3".to_owned()),
            ("TargetUserName", text(&mut noise)),
            ("TargetDomainName", text(&mut noise)),
            ("TargetLogonId", format!("0x{number:x}")),
            ("IpAddress", text(&mut noise)),
            ("WorkstationName", host(number + n, &text(&mut noise))),
        ];
        event.said_mut().fields = fields.map(|(name, value)| (name, Some(value))).into_iter().collect();
        alert
    };
    (0..n).map(alert).collect()
}

/// What of a page's data says how much of something there is.
fn n_of(document: &serde_json::Value, pointer: &str) -> usize {
    match document.pointer(pointer).unwrap() {
        serde_json::Value::Array(all) => all.len(),
        number => usize::try_from(number.as_u64().unwrap()).unwrap(),
    }
}

#[test]
fn hosts_and_accounts_have_a_limit_and_the_rest_is_told() {
    let n = WHOLE.n_ranked + 200;
    let page = page(&many_names(n, 16));
    assert!(page.len() <= N_BYTES_MAX, "{}", page.len());
    let document = document(&page);
    assert_eq!(n_of(&document, "/alerts/finding"), n);
    assert_eq!(n_of(&document, "/totals/detected/hosts"), n);
    assert_eq!(n_of(&document, "/totals/left_out/hosts"), 200);
    assert_eq!(n_of(&document, "/totals/left_out/users"), 200);
    let hosts = document["hosts"].as_array().unwrap();
    assert_eq!(hosts.iter().filter(|host| host["score"] != 0).count(), WHOLE.n_ranked);
    // An alert of a host that is not listed has its name.
    let last = document["events"]["host"].as_array().unwrap().last().unwrap().as_u64().unwrap();
    let last = &hosts[usize::try_from(last).unwrap()];
    assert!(last["name"].as_str().unwrap().starts_with("ip-01199-"));
    assert_eq!(last["score"], 0);
}

#[test]
fn a_page_of_nothing_but_long_names_is_small_and_has_alerts() {
    let n = 4_000;
    let mut alerts = many_names(n, 280);
    let long = "x".repeat(1 << 20);
    let said = Arc::make_mut(&mut alerts[1].event).said_mut();
    (said.computer, said.channel, said.provider) = (long.clone(), long.clone(), long.clone());
    said.user = Some(long);
    let page = page(&alerts);
    assert!(page.len() <= N_BYTES_MAX, "{}", page.len());
    assert!(page.len() > N_BYTES_MAX / 3 * 2, "no more is left out than must be: {}", page.len());
    let document = document(&page);
    let n_shown = n_of(&document, "/alerts/finding");
    assert!(n_shown > 0);
    assert_eq!(n_shown + n_of(&document, "/totals/left_out/detections"), n);
    assert_eq!(n_of(&document, "/totals/left_out/hosts"), n - LEAST.n_ranked);
    assert_eq!(n_of(&document, "/totals/detected/hosts"), n);
    for name in document["hosts"].as_array().unwrap().iter().map(|host| host["name"].as_str().unwrap()) {
        assert!(name.len() <= LEAST.name && name.ends_with('…'), "{name}");
    }
    let n_unconnected = n / 10 - n_of(&document, "/connections");
    let told = format!("{n_unconnected} connections between hosts");
    let lines = document["account"]["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["reason"].as_str().unwrap().starts_with(&told)), "{told}");
}

#[test]
fn one_event_of_many_fields_is_shown_with_some() {
    let mut noise = Noise(3);
    let mut alert = detection();
    let fields = (0..100_000).map(|number| (format!("F{number}"), Some(noise.text(20))));
    Arc::make_mut(&mut alert.event).said_mut().fields = fields.collect();
    let page = page(&[alert]);
    assert!(page.len() <= N_BYTES_MAX, "{}", page.len());
    let document = document(&page);
    assert_eq!(n_of(&document, "/shapes/0/names"), LEAST.n_fields + 1);
    let told = format!("and {} fields more, which are in the log", 100_000 - LEAST.n_fields);
    assert!(document["strings"].as_array().unwrap().contains(&told.into()));
}

#[test]
fn a_rule_of_many_values_is_shown_without_them() {
    let mut noise = Noise(4);
    let values: Vec<String> = (0..60_000).map(|_| noise.text(32)).collect();
    let text = format!(
        "{{title: x, logsource: {{product: windows}}, detection: {{s: {{Hashes: [a{}]}}, condition: s}}}}",
        values.join(", a")
    );
    let collection = evtmap_sigma::Collection::parse(&text, &evtmap_sigma::Placeholders::default());
    let rule = evtmap_sigma::CompiledRule::from(collection.rules[0].clone());
    let mut alert = detection();
    let finding = Arc::make_mut(&mut alert.finding);
    let condition = rule.explain(&evtmap_sigma::FieldList::default());
    finding.rule.as_mut().unwrap().condition = Some(Arc::new(condition));
    let page = page(&[alert.clone(), alert]);
    assert!(page.len() <= N_BYTES_MAX, "{}", page.len());
    let document = document(&page);
    assert_eq!(n_of(&document, "/alerts/finding"), 2);
    assert!(document["findings"][0]["rule"]["condition"].is_null());
    let lines = document["account"]["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["reason"].as_str().unwrap().starts_with("1 rules are shown")));
}

#[test]
fn fewer_alerts_follow_from_the_size_and_are_never_none() {
    for (n, n_bytes, expected) in [(10_000, 2_000, 4_500), (10, 1_001, 9), (3, 1_000_000, 1), (2, 0, 1)] {
        assert_eq!(fewer(n, n_bytes, 1_000), expected);
    }
}

#[test]
fn what_cannot_be_compressed_is_cut_and_told() {
    let page = page(&many(1_500, 3_000));
    assert!(page.len() <= N_BYTES_MAX, "{}", page.len());
    let document = document(&page);
    assert_eq!(document["alerts"]["finding"].as_array().unwrap().len(), 1_500);
    assert_eq!(document["cut"].as_array().unwrap().len(), 1_500);
    let full = document["cut"][0][1].as_u64().unwrap();
    assert!((3_000..3_100).contains(&full), "{full}");
}

#[test]
fn one_enormous_value_is_kept_as_long_as_it_fits() {
    let mut alert = detection();
    let event = Arc::make_mut(&mut alert.event);
    event.said_mut().fields = [("Data", Some("x".repeat(3 << 20)))].into_iter().collect();
    let document = document(&page(&[alert]));
    let longest =
        document["strings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().len()).max();
    assert_eq!(longest, Some(1 << 20));
    assert_eq!(document["cut"][0][1], 3 << 20);
}

#[test]
fn the_best_are_kept() {
    let mut best = Best::new(3);
    let alert = |severity, title: &str| {
        let mut alert = detection();
        let finding = Arc::make_mut(&mut alert.finding);
        finding.severity = Some(severity);
        (finding.rule.as_mut().unwrap().id, finding.rule.as_mut().unwrap().title) = (None, title.to_owned());
        alert
    };
    use crate::severity::Severity::{High, Low, Medium};
    for _ in 0..1_002 {
        best.add(&alert(Medium, "often"));
    }
    best.add(&crate::alert::tests::association());
    best.add(&alert(Low, "low"));
    best.add(&alert(High, "high"));
    let titles: Vec<&str> = best.in_order().iter().map(|kept| kept.alert.finding.title()).collect();
    assert_eq!(titles, ["often", "often", "high"]);
    let left_out = best.left_out();
    assert_eq!((left_out.detections, left_out.associations), (1_001, 1));
    // The thousandth of a rule counts less than the first of one that is less bad.
    let mut best = Best::new(2);
    for _ in 0..1_001 {
        best.add(&alert(Medium, "often"));
    }
    let class = |best: &mut Best, severity| best.add(&alert(severity, "other"));
    class(&mut best, Low);
    assert_eq!(best.in_order().len(), 2);
}

#[test]
fn one_rule_may_have_several_severities() {
    let mut other = detection();
    let finding = Arc::make_mut(&mut other.finding);
    let from = finding.severity.unwrap();
    finding.severity = Some(Severity::Critical);
    finding.overridden = Some(Overridden { from, because: vec!["a domain controller".to_owned()] });
    let document = document(&page(&[detection(), other]));
    let told: Vec<_> =
        document["findings"].as_array().unwrap().iter().map(|own| &own["overridden"]).collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].is_null());
    assert_eq!(told[1]["because"][0], "a domain controller");
    let lines = document["account"]["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["about"] == "alerts" && line["n"] == 1));
}
