//! Examples of events beside a rule: those that it must match and those that it must not.
//!
//! `docs/rule-tests.md` describes the format. SigmaHQ keeps recordings beside an `info.yml`, which is read
//! here too, as far as it says which rule a recording is for.

use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{self, Data, Node, Place};

/// The end of the name of a file of examples, in place of the rule file's `.yml`.
pub const EXAMPLES_ENDING: &str = ".test.yml";

/// Examples for one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// The id, name or title of the rule, where its file holds several.
    pub rule: Option<String>,
    /// Events that the rule must match.
    pub matches: Vec<Example>,
    /// Events that the rule must not match.
    pub misses: Vec<Example>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Where it stands in the file.
    pub place: Place,
    /// Its fields and their values; none for null. A field with several values comes several times.
    pub fields: Vec<(String, Option<String>)>,
}

impl Examples {
    /// Reads a file of examples.
    ///
    /// # Errors
    /// What keeps the text from being used.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let document = only_document(text)?;
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

fn only_document(text: &str) -> Result<Node, Diagnostic> {
    let read = yaml::read(text);
    // A field that comes twice is a slip: several values are written as a list.
    if let Some(problem) = read.diagnostics.into_iter().next() {
        return Err(problem);
    }
    let mut documents = read.documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) if !document.entries().is_empty() => Ok(document),
        (Some(document), _) => Err(invalid(document.place, "the file is not one map")),
        (None, _) => Err(invalid(Place::default(), "the file is empty")),
    }
}

fn invalid(place: Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::InvalidAttribute, place, message)
}

fn events(node: &Node) -> Result<Vec<Example>, Diagnostic> {
    let Data::Sequence(events) = &node.data else {
        return Err(invalid(node.place, format!("examples are a list of events, this is {}", node.kind())));
    };
    events.iter().map(event).collect()
}

fn event(node: &Node) -> Result<Example, Diagnostic> {
    if node.entries().is_empty() {
        return Err(invalid(node.place, format!("an event is a map of fields, this is {}", node.kind())));
    }
    let mut fields = Vec::new();
    for entry in node.entries() {
        let values = match &entry.value.data {
            Data::Sequence(values) => values.as_slice(),
            Data::Scalar { .. } | Data::Mapping(_) => std::slice::from_ref(&entry.value),
        };
        for value in values {
            let Some(text) = value.text() else {
                let message = format!("a field has a value or a list of values, this is {}", value.kind());
                return Err(invalid(value.place, message));
            };
            fields.push((entry.key.clone(), (!value.is_null()).then(|| text.to_owned())));
        }
    }
    Ok(Example { place: node.place, fields })
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
        let document = only_document(text).ok()?;
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
        let examples =
            Examples::parse("matches:\n  - {Image: x, Data: [1, null]}\nmisses:\n  - User: ''\n").unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            examples.matches[0].fields,
            [("Image".to_owned(), text("x")), ("Data".to_owned(), text("1")), ("Data".to_owned(), None)]
        );
        assert_eq!(examples.misses[0].fields, [("User".to_owned(), text(""))]);
        assert_eq!(examples.misses[0].place.line, 4);
    }

    #[test]
    fn mistakes() {
        for (text, problem) in [
            ("", "0:0: the file is empty [invalid-attribute]"),
            ("matches: x", "1:10: examples are a list of events, this is a single value [invalid-attribute]"),
            ("matches: [x]", "1:11: an event is a map of fields, this is a single value [invalid-attribute]"),
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
