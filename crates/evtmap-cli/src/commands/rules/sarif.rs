//! Findings as SARIF 2.1.0, the format in which code hosts take results of checks.
//!
//! Specification: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.

use evtmap::sigma::{Code, Finding, Gravity, Lint};
use serde_json::{Map, Value as Json, json};

use super::check::CheckedFile;

/// The log of a run.
pub(super) fn log(files: &[CheckedFile]) -> Json {
    let descriptors = descriptors();
    let index = |code: &str| descriptors.iter().position(|known| known.code == code);
    let results: Vec<Json> = files
        .iter()
        .flat_map(|checked| {
            checked.findings.iter().map(|finding| result(&checked.file.path, finding, index(finding.code)))
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "evtmap",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": descriptors.iter().map(Descriptor::json).collect::<Vec<Json>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// What a code means.
struct Descriptor {
    code: &'static str,
    short: String,
    long: String,
    gravity: Gravity,
}

fn descriptors() -> Vec<Descriptor> {
    let of_reader = Code::ALL.iter().map(|code| Descriptor {
        code: code.as_str(),
        short: code.about().to_owned(),
        long: code.about().to_owned(),
        gravity: code.gravity(),
    });
    let of_lints = Lint::all().map(|lint| Descriptor {
        code: lint.code,
        short: format!("It finds {}.", lint.finds),
        long: format!("It finds {}. {}", lint.finds, lint.why),
        gravity: lint.gravity,
    });
    of_reader.chain(of_lints).collect()
}

impl Descriptor {
    fn json(&self) -> Json {
        json!({
            "id": self.code,
            "shortDescription": {"text": self.short},
            "fullDescription": {"text": self.long},
            "defaultConfiguration": {"level": level(self.gravity)},
        })
    }
}

fn level(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Error => "error",
        Gravity::Warning => "warning",
        Gravity::Remark => "note",
    }
}

fn result(path: &str, finding: &Finding, index: Option<usize>) -> Json {
    let text = match finding.help.as_str() {
        "" => finding.message.clone(),
        help => format!("{}; {help}", finding.message),
    };
    let mut location = Map::new();
    location.insert("artifactLocation".to_owned(), json!({"uri": uri(path)}));
    // A finding about a whole file has no line.
    if finding.place.line > 0 {
        let region = json!({
            "startLine": finding.place.line,
            "startColumn": finding.place.column.max(1),
            "endLine": finding.end.line.max(finding.place.line),
            "endColumn": finding.end.column.max(1),
        });
        location.insert("region".to_owned(), region);
    }
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), finding.code.into());
    result.extend(index.map(|index| ("ruleIndex".to_owned(), index.into())));
    result.insert("level".to_owned(), level(finding.gravity).into());
    result.insert("message".to_owned(), json!({"text": text}));
    result.insert("locations".to_owned(), json!([{"physicalLocation": location}]));
    result.extend(finding.fix.as_ref().map(|fix| {
        let replacements: Vec<Json> = fix
            .edits
            .iter()
            .map(|edit| {
                let region = json!({"byteOffset": edit.start, "byteLength": edit.end - edit.start});
                json!({"deletedRegion": region, "insertedContent": {"text": edit.replacement}})
            })
            .collect();
        let change = json!({"artifactLocation": {"uri": uri(path)}, "replacements": replacements});
        ("fixes".to_owned(), json!([{"artifactChanges": [change]}]))
    }));
    Json::Object(result)
}

/// A path as a relative reference: slashes, and everything unusual in percent signs.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'\\' => uri.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri(r"rules\a b.yml"), "rules/a%20b.yml");
        assert_eq!(uri("x.zip!ä"), "x.zip%21%C3%A4");
    }
}
