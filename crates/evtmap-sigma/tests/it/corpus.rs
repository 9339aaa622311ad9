//! The conformance suite of the language: `corpus/sigma`, a file for each row of its list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use evtmap_sigma::{Collection, Event, LogSource, Metadata, Placeholders, Rule, Value};
use serde::Deserialize;

/// The cases that there are at least; the suite only grows.
const MIN_CASES: usize = 400;

/// A file of the corpus; its README says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    row: String,
    title: String,
    spec: String,
    says: String,
    does: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    note: String,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    detection: Option<String>,
    #[serde(default)]
    placeholders: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    about: Option<String>,
    #[serde(default)]
    matches: Vec<Fields>,
    #[serde(default)]
    misses: Vec<Fields>,
    #[serde(default)]
    diagnostics: Vec<String>,
    #[serde(default)]
    loads: Option<Vec<String>>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    covered_by: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    not_covered_by: Vec<BTreeMap<String, String>>,
}

/// An event: fields with a value or a list of values, and under `_message` the text that Windows shows.
#[derive(Debug, Deserialize)]
struct Fields(BTreeMap<String, Values>);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Debug, Deserialize)]
#[serde(from = "Written")]
struct Scalar(Option<String>);

/// A value as YAML reads it; what must keep another spelling stands in quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl From<Written> for Scalar {
    fn from(written: Written) -> Self {
        Self(match written {
            Written::Null => None,
            Written::Bool(value) => Some(value.to_string()),
            Written::Integer(value) => Some(value.to_string()),
            Written::Text(value) => Some(value),
        })
    }
}

impl Values {
    fn visit<'a>(&'a self, visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>) -> ControlFlow<()> {
        let values = match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        };
        values.iter().try_for_each(|Scalar(value)| visit(value.as_deref().map_or(Value::Null, Value::Text)))
    }
}

impl Event for Fields {
    fn values<'a>(
        &'a self,
        field: &str,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.0.get(field) {
            Some(values) if field != "_message" => values.visit(visit),
            _ => ControlFlow::Continue(()),
        }
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut text = |value: Value<'a>| value.text().map_or(ControlFlow::Continue(()), &mut *visit);
        self.0.values().try_for_each(|values| values.visit(&mut text))
    }
}

impl Case {
    /// The rule, or the detection in a rule that says no more than it must.
    fn text(&self) -> String {
        match (&self.rule, &self.detection) {
            (Some(rule), None) => rule.clone(),
            (None, Some(detection)) => {
                let indented: String = detection.lines().map(|line| format!("    {line}\n")).collect();
                format!("title: Case\nlogsource:\n    product: windows\ndetection:\n{indented}")
            }
            _ => panic!("{}: a case has either a `rule` or a `detection`", self.note),
        }
    }

    /// Runs the case and tells what was found instead of what is expected.
    fn run(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut expect = |what: &str, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            if found != expected {
                failures.push(format!("{what}: found {found}, expected {expected}"));
            }
        };
        let placeholders: Placeholders = self.placeholders.clone().into_iter().collect();
        let mut collection = Collection::parse(&self.text(), &placeholders);
        for rule in &mut collection.rules {
            for filter in &collection.filters {
                if filter.is_for(rule) {
                    filter.apply(rule);
                }
            }
        }
        let codes: Vec<&str> = collection.diagnostics.iter().map(|problem| problem.code.as_str()).collect();
        if codes != self.diagnostics {
            let told: Vec<String> = collection.diagnostics.iter().map(ToString::to_string).collect();
            expect("diagnostics", &told, &self.diagnostics);
        }
        let about = |rule: &&Rule| self.about.as_ref().is_none_or(|title| *title == rule.metadata.title);
        let rules: Vec<&Rule> = collection.rules.iter().filter(about).collect();
        let titles: Vec<&str> = collection.rules.iter().map(|rule| rule.metadata.title.as_str()).collect();
        if let Some(loads) = &self.loads {
            expect("loads", &titles, loads);
        }
        let events = self.matches.iter().map(|event| (event, true));
        for (event, expected) in events.chain(self.misses.iter().map(|event| (event, false))) {
            let found = rules.iter().any(|rule| rule.matches(event));
            expect(&format!("{event:?}"), &(found && !rules.is_empty()), &expected);
        }
        if rules.is_empty() && !self.misses.is_empty() {
            expect("misses", &"no rule", &"a rule that does not match");
        }
        for rule in rules {
            for (name, expected) in &self.attributes {
                expect(name, &attribute(&rule.metadata, name), expected);
            }
            let covers = self.covered_by.iter().map(|logsource| (logsource, true));
            for (covering, expected) in covers.chain(self.not_covered_by.iter().map(|l| (l, false))) {
                let found = logsource(covering).covers(&rule.logsource);
                expect(&format!("covered by {covering:?}"), &found, &expected);
            }
        }
        failures
    }
}

fn logsource(attributes: &BTreeMap<String, String>) -> LogSource {
    let attribute = |name: &str| attributes.get(name).cloned();
    LogSource {
        category: attribute("category"),
        product: attribute("product"),
        service: attribute("service"),
    }
}

/// An attribute of a rule as text; lists are joined by a comma.
fn attribute(metadata: &Metadata, name: &str) -> String {
    let list = |values: &[String]| values.join(", ");
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match name {
        "title" => metadata.title.clone(),
        "id" => text(&metadata.id),
        "name" => text(&metadata.name),
        "status" => metadata.status.map(|status| status.to_string()).unwrap_or_default(),
        "level" => metadata.level.map(|level| level.to_string()).unwrap_or_default(),
        "description" => metadata.description.clone(),
        "author" => metadata.author.clone(),
        "date" => text(&metadata.date),
        "modified" => text(&metadata.modified),
        "license" => text(&metadata.license),
        "references" => list(&metadata.references),
        "tags" => list(&metadata.tags),
        "falsepositives" => list(&metadata.falsepositives),
        "fields" => list(&metadata.fields),
        custom => metadata
            .custom
            .iter()
            .find(|(key, _)| key == custom)
            .map_or(String::new(), |(_, text)| text.clone()),
    }
}

/// The folder of the corpus.
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/sigma")
}

/// The files of the corpus with their names, in the order of their names.
fn rows() -> Vec<(String, Row)> {
    let entries = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "yml")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let strict = serde_saphyr::options! { strict_booleans: true };
        let row = serde_saphyr::from_str_with_options(&text, strict)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, row)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_case_holds() {
    let mut failures = Vec::new();
    let mut n_cases = 0;
    for (name, row) in rows() {
        for case in &row.cases {
            n_cases += 1;
            failures.extend(
                case.run().into_iter().map(|failure| format!("{name}: {}\n    {failure}", case.note)),
            );
        }
    }
    assert!(failures.is_empty(), "{} of {n_cases} cases:\n{}", failures.len(), failures.join("\n"));
    assert!(n_cases >= MIN_CASES, "{n_cases} cases");
}

/// Every row of the list has a file, or a reason why it has none.
#[test]
fn every_row_is_there_or_has_a_reason() {
    let files = rows();
    let mut listed = BTreeSet::new();
    let list = fs::read_to_string(corpus().join("rows.tsv")).unwrap();
    for line in list.lines().skip(1) {
        let [id, title, spec, status, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("five columns are expected: {line}");
        };
        assert!(listed.insert(id.to_owned()), "{id} twice");
        assert!(["done", "decided-otherwise"].contains(&status), "{id}: {status}");
        assert_eq!(status == "decided-otherwise", !reason.is_empty(), "{id}: what differs has a reason");
        match files.iter().find(|(_, row)| row.row == id) {
            Some((_, row)) => assert_eq!((row.title.as_str(), row.spec.as_str()), (title, spec), "{id}"),
            None => assert!(!reason.is_empty(), "{id} has neither a file nor a reason"),
        }
    }
    for (name, row) in files {
        let Row { row: id, says, does, cases, .. } = row;
        assert!(listed.contains(&id), "{name}: {id} is not in rows.tsv");
        let (family, number) = id.split_once('-').unwrap();
        assert!(name.starts_with(&format!("{family}-{number:0>2}-")), "{name} is about {id}");
        assert!(!says.is_empty() && !does.is_empty() && !cases.is_empty(), "{name} is incomplete");
        let mut notes = BTreeSet::new();
        assert!(cases.iter().all(|case| notes.insert(case.note.clone())), "{name} has a note twice");
    }
}
