//! The conformance suite of the language: `corpus/sigma`, a file for each row of its list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use evtmap_sigma::{Collection, Diagnostic, Event, LogSource, Metadata, Placeholders, Rule, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

mod correlations;

/// The cases that there are at least; the suite only grows.
const MIN_CASES: usize = 700;

/// A file of the corpus; its README says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<C> {
    row: String,
    title: String,
    spec: String,
    says: String,
    does: String,
    #[serde(default)]
    rules: String,
    cases: Vec<C>,
}

/// A form that cases are written in.
trait Form: DeserializeOwned {
    fn note(&self) -> &str;

    /// Runs the case behind the rules that all cases of its file share, and tells what was found instead of
    /// what is expected.
    fn run(&self, shared: &str) -> Vec<String>;
}

/// A case of which only the note is of interest.
#[derive(Deserialize)]
struct Noted {
    note: String,
}

/// A case about single events.
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

/// Reads documents and joins the filters to the rules.
fn collection(text: &str, placeholders: &Placeholders) -> Collection {
    let mut collection = Collection::parse(text, placeholders);
    for rule in &mut collection.rules {
        for filter in &collection.filters {
            if filter.is_for(rule) {
                filter.apply(rule);
            }
        }
    }
    collection
}

/// A section of a document, as text that stands under its key.
fn indented(section: &str) -> String {
    section.lines().map(|line| format!("    {line}\n")).collect()
}

/// What was found instead of what is expected.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn expect<T: Debug + PartialEq<U> + ?Sized, U: Debug + ?Sized>(
        &mut self,
        what: &str,
        found: &T,
        expected: &U,
    ) {
        if *found != *expected {
            self.0.push(format!("{what}: found {found:?}, expected {expected:?}"));
        }
    }

    /// Compares the codes of problems, and tells the whole problems.
    fn expect_codes(&mut self, problems: &[&Diagnostic], expected: &[String]) {
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
        if codes != expected {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            self.0.push(format!("diagnostics: found {told:?}, expected {expected:?}"));
        }
    }
}

impl Case {
    /// The rule, or the detection in a rule that says no more than it must.
    fn text(&self) -> String {
        match (&self.rule, &self.detection) {
            (Some(rule), None) => rule.clone(),
            (None, Some(detection)) => {
                let section = indented(detection);
                format!("title: Case\nlogsource:\n    product: windows\ndetection:\n{section}")
            }
            _ => panic!("{}: a case has either a `rule` or a `detection`", self.note),
        }
    }
}

impl Form for Case {
    fn note(&self) -> &str {
        &self.note
    }

    fn run(&self, shared: &str) -> Vec<String> {
        let mut failures = Failures::default();
        let placeholders: Placeholders = self.placeholders.clone().into_iter().collect();
        let collection = collection(&(shared.to_owned() + &self.text()), &placeholders);
        failures.expect_codes(&collection.diagnostics.iter().collect::<Vec<_>>(), &self.diagnostics);
        let about = |rule: &&Rule| self.about.as_ref().is_none_or(|title| *title == rule.metadata.title);
        let rules: Vec<&Rule> = collection.rules.iter().filter(about).collect();
        let titles: Vec<&str> = collection.rules.iter().map(|rule| rule.metadata.title.as_str()).collect();
        if let Some(loads) = &self.loads {
            failures.expect("loads", &titles, loads);
        }
        let events = self.matches.iter().map(|event| (event, true));
        for (event, expected) in events.chain(self.misses.iter().map(|event| (event, false))) {
            let found = rules.iter().any(|rule| rule.matches(event));
            failures.expect(&format!("{event:?}"), &found, &expected);
        }
        if rules.is_empty() && !self.misses.is_empty() {
            failures.expect("misses", "no rule", "a rule that does not match");
        }
        for rule in rules {
            for (name, expected) in &self.attributes {
                failures.expect(name, &attribute(&rule.metadata, name), expected);
            }
            let covers = self.covered_by.iter().map(|logsource| (logsource, true));
            for (covering, expected) in covers.chain(self.not_covered_by.iter().map(|l| (l, false))) {
                let found = logsource(covering).covers(&rule.logsource);
                failures.expect(&format!("covered by {covering:?}"), &found, &expected);
            }
        }
        failures.0
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

/// The letter of the rows whose cases are about several events.
const CORRELATIONS: char = 'K';

/// The names of the files of the corpus, in their order.
fn names() -> Vec<String> {
    let entries = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".yml"));
    names.sort();
    names
}

fn read<C: DeserializeOwned>(name: &str) -> Row<C> {
    let text = fs::read_to_string(corpus().join(name)).unwrap();
    let strict = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(&text, strict).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// For each case of a file how it fails.
fn run<C: Form>(name: &str) -> Vec<Vec<String>> {
    let row: Row<C> = read(name);
    let told = |case: &C, failure| format!("{name}: {}\n    {failure}", case.note());
    let run = |case: &C| case.run(&row.rules).into_iter().map(|failure| told(case, failure)).collect();
    row.cases.iter().map(run).collect()
}

#[test]
fn every_case_holds() {
    let run = |name: String| {
        if name.starts_with(CORRELATIONS) { run::<correlations::Case>(&name) } else { run::<Case>(&name) }
    };
    let cases: Vec<Vec<String>> = names().into_iter().flat_map(run).collect();
    let failures = cases.concat();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
    assert!(cases.len() >= MIN_CASES, "{} cases", cases.len());
}

/// Every row of the list has a file, or a reason why it has none.
#[test]
fn every_row_is_there_or_has_a_reason() {
    let files: Vec<(String, Row<Noted>)> =
        names().into_iter().map(|name| (name.clone(), read(&name))).collect();
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
