//! Examples of events beside a rule: those that it must match and those that it must not.
//!
//! `docs/rule-tests.md` describes the format. SigmaHQ keeps recordings beside an `info.yml`, which is read
//! here too, as far as it says which rule a recording is for.

use jiff::Timestamp;

use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{self, Data, Node, Place};

/// The end of the name of a file of examples, in place of the rule file's `.yml`.
pub const EXAMPLES_ENDING: &str = ".test.yml";
/// The most events of one example.
const MAX_EVENTS: usize = 10_000;

/// Examples for one rule or correlation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// The id, name or title of the rule, where its file holds several.
    pub rule: Option<String>,
    /// What the rule must match.
    pub matches: Vec<Example>,
    /// What the rule must not match.
    pub misses: Vec<Example>,
}

/// What a rule is tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Where it stands in the file.
    pub place: Place,
    /// An event, or several.
    pub events: ExampleEvents,
}

/// The events of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExampleEvents {
    /// One event, for a rule.
    One(ExampleFields),
    /// Events and when they happen, for a correlation; in the order written.
    Several(Vec<(Timestamp, ExampleFields)>),
}

/// The fields of an event and their values; none for null. A field with several values comes several times.
pub type ExampleFields = Vec<(String, Option<String>)>;

impl Examples {
    /// Reads a file of examples: a document for each rule that it has examples for.
    ///
    /// # Errors
    /// What keeps the text from being used.
    pub fn parse(text: &str) -> Result<Vec<Self>, Diagnostic> {
        let documents = documents(text)?;
        if documents.is_empty() {
            return Err(invalid(Place::default(), "the file is empty"));
        }
        documents.iter().map(Self::of).collect()
    }

    fn of(document: &Node) -> Result<Self, Diagnostic> {
        if document.entries().is_empty() {
            return Err(invalid(document.place, format!("examples are a map, this is {}", document.kind())));
        }
        let mut examples = Self::default();
        for entry in document.entries() {
            match entry.key.as_str() {
                "rule" => examples.rule = entry.value.text().map(str::to_owned),
                "matches" => examples.matches = events(&entry.value)?,
                "misses" => examples.misses = events(&entry.value)?,
                other => {
                    let message = format!("`{other}` is not part of a file of examples");
                    return Err(invalid(entry.place, message).help("it has `rule`, `matches` and `misses`"));
                }
            }
        }
        if examples.matches.is_empty() && examples.misses.is_empty() {
            return Err(invalid(document.place, "the file has no example")
                .help("list events under `matches` and `misses`"));
        }
        Ok(examples)
    }
}

fn documents(text: &str) -> Result<Vec<Node>, Diagnostic> {
    let read = yaml::read(text);
    // A field that comes twice is a slip: several values are written as a list.
    if let Some(problem) = read.diagnostics.into_iter().next() {
        return Err(problem);
    }
    Ok(read.documents)
}

fn invalid(place: Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::InvalidAttribute, place, message)
}

fn events(node: &Node) -> Result<Vec<Example>, Diagnostic> {
    let Data::Sequence(examples) = &node.data else {
        return Err(invalid(node.place, format!("examples are a list of events, this is {}", node.kind())));
    };
    let example = |node: &Node| {
        let events = match &node.data {
            Data::Sequence(events) => ExampleEvents::Several(several(node, events)?),
            Data::Scalar { .. } | Data::Mapping(_) => ExampleEvents::One(fields(node, &[])?),
        };
        Ok(Example { place: node.place, events })
    };
    examples.iter().map(example).collect()
}

/// Events with times; one with several times happens at each.
fn several(node: &Node, events: &[Node]) -> Result<Vec<(Timestamp, ExampleFields)>, Diagnostic> {
    let mut found = Vec::new();
    for event in events {
        let fields = fields(event, &["time"])?;
        let Some(times) = event.get("time") else {
            return Err(invalid(event.place, "an event among several has no `time`").help(
                "give the seconds from a start that you choose, such as `time: 0`, or a list of them",
            ));
        };
        for time in values(times) {
            found.push((moment(time)?, fields.clone()));
        }
        if found.len() > MAX_EVENTS {
            return Err(invalid(event.place, format!("the example has more than {MAX_EVENTS} events")));
        }
    }
    if found.is_empty() {
        return Err(invalid(node.place, "the example has no event"));
    }
    Ok(found)
}

/// Seconds, of which millionths count, or a time as RFC 3339 has it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and what it saturates to is no time"
)]
fn moment(node: &Node) -> Result<Timestamp, Diagnostic> {
    let text = node.text().unwrap_or_default();
    let time = match text.parse::<f64>() {
        Ok(seconds) => Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok(),
        Err(_) => text.parse().ok(),
    };
    time.ok_or_else(|| {
        invalid(node.place, format!("`{text}` is no time"))
            .help("write seconds, such as `90`, or a time such as `2026-03-02T08:00:00Z`")
    })
}

/// The members of a list, or the one value that it is instead.
fn values(node: &Node) -> &[Node] {
    match &node.data {
        Data::Sequence(values) => values,
        Data::Scalar { .. } | Data::Mapping(_) => std::slice::from_ref(node),
    }
}

/// The fields of an event but for what has a meaning of its own.
fn fields(node: &Node, apart: &[&str]) -> Result<ExampleFields, Diagnostic> {
    if node.entries().is_empty() {
        return Err(invalid(node.place, format!("an event is a map of fields, this is {}", node.kind())));
    }
    let mut fields = Vec::new();
    for entry in node.entries().iter().filter(|entry| !apart.contains(&entry.key.as_str())) {
        for value in values(&entry.value) {
            let Some(text) = value.text() else {
                let message = format!("a field has a value or a list of values, this is {}", value.kind());
                return Err(invalid(value.place, message));
            };
            fields.push((entry.key.clone(), (!value.is_null()).then(|| text.to_owned())));
        }
    }
    Ok(fields)
}

/// What SigmaHQ's `info.yml` says of the recordings beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recordings {
    /// The id of the rule.
    pub rule: String,
    /// The recordings.
    pub files: Vec<Recording>,
}

/// A recording on which a rule must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The name of the file, without its folders.
    pub file: String,
    /// How many of its events the rule must match; one or more where it is not said.
    pub n_matches: Option<u64>,
}

impl Recordings {
    /// Reads an `info.yml`; gives nothing for another file of that name.
    pub fn parse(text: &str) -> Option<Self> {
        let document = documents(text).ok()?.into_iter().next()?;
        let rule = first(document.get("rule_metadata")?)?.get("id")?.text()?.to_owned();
        let Data::Sequence(tests) = &document.get("regression_tests_info")?.data else { return None };
        let recording = |test: &Node| {
            let path = test.get("path")?.text()?;
            let file = path.rsplit(['/', '\\']).next()?.to_owned();
            let n_matches = test.get("match_count").and_then(Node::text).and_then(|text| text.parse().ok());
            Some(Recording { file, n_matches })
        };
        Some(Self { rule, files: tests.iter().filter_map(recording).collect() })
    }
}

fn first(node: &Node) -> Option<&Node> {
    match &node.data {
        Data::Sequence(items) => items.first(),
        Data::Scalar { .. } | Data::Mapping(_) => Some(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples() {
        let text = "matches:\n  - {Image: x, Data: [1, null]}\nmisses:\n  - User: ''\n---\nrule: y\nmisses: [a: b]\n";
        let parsed = Examples::parse(text).unwrap();
        assert_eq!(parsed[1].rule.as_deref(), Some("y"));
        let examples = &parsed[0];
        let text = |text: &str| Some(text.to_owned());
        let fields =
            vec![("Image".to_owned(), text("x")), ("Data".to_owned(), text("1")), ("Data".to_owned(), None)];
        assert_eq!(examples.matches[0].events, ExampleEvents::One(fields));
        assert_eq!(examples.misses[0].events, ExampleEvents::One(vec![("User".to_owned(), text(""))]));
        assert_eq!(examples.misses[0].place.line, 4);
    }

    #[test]
    fn several_events() {
        let text = "matches:\n  - [{time: [0, 1.5], a: b}, {time: '2026-01-01T00:00:00Z', a: c}]\n";
        let parsed = Examples::parse(text).unwrap();
        let ExampleEvents::Several(events) = &parsed[0].matches[0].events else { panic!("{parsed:?}") };
        let shown: Vec<String> = events
            .iter()
            .map(|(time, fields)| format!("{time} {}", fields[0].1.as_deref().unwrap()))
            .collect();
        assert_eq!(shown, ["1970-01-01T00:00:00Z b", "1970-01-01T00:00:01.5Z b", "2026-01-01T00:00:00Z c"]);
    }

    #[test]
    fn mistakes() {
        for (text, problem) in [
            ("", "0:0: the file is empty [invalid-attribute]"),
            ("- x", "1:1: examples are a map, this is a list [invalid-attribute]"),
            ("matches: x", "1:10: examples are a list of events, this is a single value [invalid-attribute]"),
            ("matches: [x]", "1:11: an event is a map of fields, this is a single value [invalid-attribute]"),
            (
                "matches: [[{a: b}]]",
                "1:12: an event among several has no `time` [invalid-attribute] (help: give the seconds from a start that you choose, such as `time: 0`, or a list of them)",
            ),
            (
                "matches: [[{a: b, time: soon}]]",
                "1:25: `soon` is no time [invalid-attribute] (help: write seconds, such as `90`, or a time such as `2026-03-02T08:00:00Z`)",
            ),
            ("matches: [[]]", "1:11: the example has no event [invalid-attribute]"),
            (
                "match: []",
                "1:1: `match` is not part of a file of examples [invalid-attribute] (help: it has `rule`, `matches` and `misses`)",
            ),
            (
                "matches: []",
                "1:1: the file has no example [invalid-attribute] (help: list events under `matches` and `misses`)",
            ),
        ] {
            assert_eq!(Examples::parse(text).unwrap_err().to_string(), problem, "{text}");
        }
    }

    #[test]
    fn recordings() {
        let text = "rule_metadata:\n    - id: abc\nregression_tests_info:\n    - path: a/b/c.evtx\n      match_count: 6\n";
        let recordings = Recordings::parse(text).unwrap();
        assert_eq!(recordings.rule, "abc");
        assert_eq!(recordings.files, [Recording { file: "c.evtx".to_owned(), n_matches: Some(6) }]);
        assert_eq!(Recordings::parse("title: x"), None);
    }
}
