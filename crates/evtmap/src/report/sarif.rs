//! SARIF 2.1.0: a result for each alert, as code scanning and viewers of it show them.
//!
//! Results are written as they come; rules, techniques and what was not looked at follow, since the order of
//! members means nothing in JSON.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{ReportOptions, Writer, lines};
use crate::alert::{Alert, Finding, Kind, TechniqueRef};
use crate::input::Position;
use crate::row::{Row, known};
use crate::severity::Severity;
use crate::triage::Report;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const ATTACK: &str = "https://attack.mitre.org/";

#[derive(Default)]
struct Known {
    /// The place of each rule or association in the list of rules.
    rules: HashMap<String, usize>,
    descriptors: Vec<Value>,
    /// The place of each technique in the taxonomy.
    techniques: HashMap<String, usize>,
    taxa: Vec<Value>,
}

struct Sarif {
    out: Box<dyn Write>,
    n_results: u64,
    known: Known,
}

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(Sarif { out, n_results: 0, known: Known::default() }))
}

impl Sarif {
    fn begin(&mut self) -> io::Result<()> {
        write!(self.out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"results\":[")
    }
}

impl Writer for Sarif {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        if self.n_results == 0 {
            self.begin()?;
        }
        self.out.write_all(if self.n_results == 0 { b"\n" } else { b",\n" })?;
        self.n_results += 1;
        let result = result(Row::of(alert), &mut self.known);
        serde_json::to_writer(&mut self.out, &result)?;
        Ok(())
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        if self.n_results == 0 {
            self.begin()?;
        }
        let known = std::mem::take(&mut self.known);
        let tool = json!({"driver": {
            "name": "evtmap",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": known.descriptors,
            "supportedTaxonomies": [{"name": "MITRE ATT&CK", "index": 0}],
        }});
        let taxonomy = json!({
            "name": "MITRE ATT&CK",
            "version": report.catalogue.version().unwrap_or("unknown"),
            "organization": "MITRE",
            "informationUri": ATTACK,
            "taxa": known.taxa,
        });
        let invocation = json!({
            "executionSuccessful": true,
            "toolExecutionNotifications": notifications(report),
        });
        self.out.write_all(b"\n],\n\"tool\":")?;
        serde_json::to_writer(&mut self.out, &tool)?;
        self.out.write_all(b",\n\"taxonomies\":[")?;
        serde_json::to_writer(&mut self.out, &taxonomy)?;
        self.out.write_all(b"],\n\"invocations\":[")?;
        serde_json::to_writer(&mut self.out, &invocation)?;
        self.out.write_all(b"]}]}\n")?;
        self.out.flush()
    }
}

fn result(row: Row<'_>, known_so_far: &mut Known) -> Value {
    let (finding, event) = (row.finding, row.event);
    let id = rule_id(row);
    let index = known_so_far.rule(&id, finding);
    let taxa: Vec<Value> =
        finding.techniques.iter().map(|technique| known_so_far.technique(technique)).collect();
    let (kind, level) = match finding.kind {
        Kind::Detection => ("fail", level(finding.severity)),
        // Nothing was found: somebody may look.
        Kind::Association => ("review", "none"),
        Kind::Event => ("informational", "none"),
    };
    let host = known(&event.said.computer).map(|host| json!([{"name": host, "kind": "resource"}]));
    lines::pruned(json!({
        "ruleId": id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": message(row)},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": uri(&event.input)}, "region": region(event.position)},
            "logicalLocations": host,
        }],
        "partialFingerprints": {"alertId/v1": row.uuid().to_string()},
        "taxa": taxa,
        "properties": {
            "time": event.time.map(|time| time.to_string()),
            "kind": finding.kind,
            "severity": finding.severity,
            "ruleAuthor": row.rule().map(|rule| rule.author.as_str()),
            "computer": known(&event.said.computer),
            "user": event.said.user,
            "channel": known(&event.said.channel),
            "eventId": event.said.event_id,
            "recordId": event.record_id.map(|id| id.to_string()),
            "techniques": row.technique_ids().collect::<Vec<_>>(),
            "tactics": row.tactic_names().collect::<Vec<_>>(),
            "derived": row.derived(),
            "event": row.raw_message(),
        },
    }))
}

/// SARIF wants an id for every result. A rule without one is known by its file, so that a log cannot make rules.
fn rule_id(row: Row<'_>) -> String {
    match row.rule() {
        Some(rule) => rule.id.as_deref().or(known(&rule.path)).unwrap_or(&rule.title).to_owned(),
        None => known(&row.rule_id()).unwrap_or(row.finding.kind.as_str()).to_owned(),
    }
}

/// What was found, by whose rule, where and about whom. Viewers show it as Markdown without being asked, so
/// brackets of links are escaped as SARIF says.
fn message(row: Row<'_>) -> String {
    let mut text = known(row.finding.title()).unwrap_or("event").to_owned();
    if let Some(author) = row.rule().and_then(|rule| known(&rule.author)) {
        text.push_str(&format!(", a rule by {author}"));
    }
    if let Some(computer) = known(&row.event.said.computer) {
        text.push_str(&format!(", on {computer}"));
    }
    if let Some(user) = &row.event.said.user {
        text.push_str(&format!(", by {user}"));
    }
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace('{', "{{").replace('}', "}}")
}

fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical | Severity::High) => "error",
        Some(Severity::Medium) => "warning",
        Some(Severity::Low | Severity::Informational) => "note",
        None => "none",
    }
}

/// How bad a rule is on the scale of 0 to 10 that code scanning sorts by.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
        Severity::Informational => "0.0",
    }
}

/// A path as a relative reference: whatever it contains, it names no scheme and no other host.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if path.starts_with('/') { format!("file:///{uri}") } else { uri }
}

fn region(position: Position) -> Value {
    match position {
        Position::Byte(byte) => json!({"byteOffset": byte}),
        Position::Line(line) => json!({"startLine": line.max(1)}),
        // SARIF counts from 1, and an event in memory is best told as a line of what was handed over.
        Position::Row(row) => json!({"startLine": row + 1}),
    }
}

impl Known {
    /// The place of a rule, which is noted when it is met first.
    fn rule(&mut self, id: &str, finding: &Finding) -> usize {
        let key = format!("{id}\0{}", finding.title());
        if let Some(index) = self.rules.get(&key) {
            return *index;
        }
        let index = self.descriptors.len();
        self.rules.insert(key, index);
        self.descriptors.push(descriptor(id, finding));
        index
    }

    /// A reference to a technique, which is noted when it is met first.
    fn technique(&mut self, technique: &TechniqueRef) -> Value {
        let n_known = self.taxa.len();
        let index = *self.techniques.entry(technique.id.clone()).or_insert(n_known);
        if index == n_known {
            self.taxa.push(lines::pruned(json!({
                "id": technique.id,
                "name": technique.name,
                "helpUri": technique.url,
                "shortDescription": technique.description.as_ref().map(|text| json!({"text": text})),
            })));
        }
        json!({"id": technique.id, "index": index, "toolComponent": {"name": "MITRE ATT&CK", "index": 0}})
    }
}

fn descriptor(id: &str, finding: &Finding) -> Value {
    let rule = finding.rule.as_ref();
    lines::pruned(json!({
        "id": id,
        "name": finding.title(),
        "shortDescription": known(finding.title()).map(|text| json!({"text": text})),
        "fullDescription": known(finding.description()).map(|text| json!({"text": text})),
        "defaultConfiguration": {"level": level(finding.severity)},
        "properties": {
            "author": rule.map(|rule| rule.author.as_str()),
            "path": rule.map(|rule| rule.path.as_str()),
            "status": rule.and_then(|rule| rule.status.as_deref()),
            "references": rule.map(|rule| &rule.references),
            "falsePositives": rule.map(|rule| &rule.falsepositives),
            "security-severity": finding.severity.map(security_severity),
            "tags": ["security"],
        },
    }))
}

/// Files that could not be read, or not to their end, and what exclusions hid.
fn notifications(report: &Report<'_>) -> Vec<Value> {
    let errors = report.scan.files.iter().filter_map(|file| Some((file, file.error.as_ref()?)));
    let errors = errors.map(|(file, error)| {
        json!({
            "level": "warning",
            "descriptor": {"id": error.code},
            "message": {"text": error.to_string()},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": uri(&file.path.to_string_lossy())},
            }}],
        })
    });
    let excluded = report.scan.policy.exclusions.iter().map(|own| {
        let text = own.line();
        json!({"level": "note", "descriptor": {"id": "excluded"}, "message": {"text": text}})
    });
    errors.chain(excluded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_references() {
        for (path, expected) in [
            ("WS01/Security.evtx", "WS01/Security.evtx"),
            ("C:\\Logs\\Security.evtx", "C%3A/Logs/Security.evtx"),
            ("/var/log/a b.evtx", "file:///var/log/a%20b.evtx"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("//evil.example/x", "file:///evil.example/x"),
            ("a\n%41ä", "a%0A%2541%C3%A4"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
