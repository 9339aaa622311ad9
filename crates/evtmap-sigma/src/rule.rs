//! A detection rule: what it is called, what it is about, and its detection.
//!
//! Specification: sigma-rules-specification.

use std::fmt;

use crate::Placeholders;
use crate::compile::{self, Compiled};
use crate::detection::Detection;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::event::Event;
use crate::logsource::LogSource;
use crate::yaml::{Data, Node, Place};

/// Declares an attribute that takes one of a few words.
macro_rules! words {
    ($(#[$doc:meta])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $variant_doc])+ $variant,)+ }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word in a rule.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a word, in any case.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How mature a rule is.
    Status {
        /// Ready for production.
        Stable = "stable",
        /// Mostly ready; may need adjusting.
        Test = "test",
        /// New; may give false alarms.
        Experimental = "experimental",
        /// Replaced or no longer of use.
        Deprecated = "deprecated",
        /// Not usable as it is.
        Unsupported = "unsupported",
    }
}

words! {
    /// How bad it is when a rule holds, by its author's judgement; from the least to the most.
    Level {
        /// For enrichment; no case of its own.
        Informational = "informational",
        /// Notable, rarely an incident.
        Low = "low",
        /// Relevant, to be looked at more often than not.
        Medium = "medium",
        /// Likely an incident, to be looked at promptly.
        High = "high",
        /// An incident, to be looked at at once.
        Critical = "critical",
    }
}

/// A detection rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it finds, in a few words.
    pub title: String,
    /// Its identifier, a UUID as a rule.
    pub id: Option<String>,
    /// A readable name that other documents may refer to.
    pub name: Option<String>,
    /// How mature it is.
    pub status: Option<Status>,
    /// How bad it is.
    pub level: Option<Level>,
    /// What it finds, at length.
    pub description: String,
    /// Who wrote it. The Detection Rule License asks that it be shown with a match.
    pub author: String,
    /// When it was written.
    pub date: Option<String>,
    /// When it was changed last.
    pub modified: Option<String>,
    /// Its licence as an SPDX identifier.
    pub license: Option<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// Tags such as `attack.t1059.001`.
    pub tags: Vec<String>,
    /// What else may look like this.
    pub falsepositives: Vec<String>,
    /// Fields worth seeing.
    pub fields: Vec<String>,
    /// Which logs it is about.
    pub logsource: LogSource,
    /// Selections and conditions as written.
    pub detection: Detection,
    /// Attributes that the specification does not know, kept as text.
    pub custom: Vec<(String, String)>,
    /// Where the rule begins in its file.
    pub place: Place,
    compiled: Compiled,
}

/// The attributes that are read into fields of their own, or known and not needed.
const KNOWN: [&str; 20] = [
    "title",
    "id",
    "name",
    "status",
    "level",
    "description",
    "author",
    "date",
    "modified",
    "license",
    "references",
    "tags",
    "falsepositives",
    "fields",
    "logsource",
    "detection",
    "related",
    "taxonomy",
    "scope",
    "action",
];

impl Rule {
    /// Reads a rule from a document; problems are noted, and a rule with an error is not given.
    pub(crate) fn read(node: &Node, placeholders: &Placeholders, problems: &mut Diagnostics) -> Option<Self> {
        let mut reader = Reader { node, problems };
        let title = reader.required_text("title");
        let status = reader.word("status", Status::parse);
        let level = reader.word("level", Level::parse);
        let logsource = reader.logsource();
        let detection = match reader.node.get("detection") {
            Some(section) => Detection::read(section, reader.problems),
            None => return reader.missing("detection"),
        };
        let texts = ["description", "author"].map(|key| reader.text(key).unwrap_or_default());
        let [description, author] = texts;
        let optional = ["id", "name", "date", "modified", "license"].map(|key| reader.text(key));
        let [id, name, date, modified, license] = optional;
        let lists = ["references", "tags", "falsepositives", "fields"].map(|key| reader.list(key));
        let [references, tags, falsepositives, fields] = lists;
        let custom = reader.custom();
        let compiled = compile::compile(&detection, placeholders, problems)?;
        Some(Self {
            title,
            id,
            name,
            status,
            level,
            description,
            author,
            date,
            modified,
            license,
            references,
            tags,
            falsepositives,
            fields,
            logsource,
            detection,
            custom,
            place: node.place,
            compiled,
        })
    }

    /// Whether the rule's detection holds for an event, whatever log the event is from.
    pub fn matches(&self, event: &dyn Event) -> bool {
        self.compiled.matches(event)
    }

    /// The detection made ready, for engines.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

/// Reads the attributes of a document.
struct Reader<'a> {
    node: &'a Node,
    problems: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn missing<T>(&mut self, key: &str) -> Option<T> {
        let message = format!("the rule has no `{key}`");
        self.problems.note(Code::MissingAttribute, self.node.place, message);
        None
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.node.get(key)?;
        match value.text() {
            Some(_) if value.is_null() => None,
            Some(text) => Some(text.trim_end().to_owned()),
            None => {
                self.wrong_kind(key, value, "a text");
                None
            }
        }
    }

    fn required_text(&mut self, key: &str) -> String {
        if self.node.get(key).is_none_or(Node::is_null) {
            return self.missing(key).unwrap_or_default();
        }
        self.text(key).unwrap_or_default()
    }

    fn wrong_kind(&mut self, key: &str, value: &Node, wanted: &str) {
        let message = format!("`{key}` should be {wanted}, this is {}", value.kind());
        self.problems.note(Code::UnknownValue, value.place, message);
    }

    fn word<T>(&mut self, key: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let word = parse(&text);
        if word.is_none() {
            let place = self.node.get(key).map_or(self.node.place, |value| value.place);
            self.problems.note(Code::UnknownValue, place, format!("the {key} `{text}` is unknown"));
        }
        word
    }

    /// A list of texts; a single text counts as a list of one.
    fn list(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.node.get(key) else {
            return Vec::new();
        };
        match &value.data {
            Data::Scalar { .. } if value.is_null() => Vec::new(),
            Data::Scalar { text, .. } => vec![text.clone()],
            Data::Sequence(items) => items.iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
            Data::Mapping(_) => {
                self.wrong_kind(key, value, "a list");
                Vec::new()
            }
        }
    }

    fn logsource(&mut self) -> LogSource {
        let Some(section) = self.node.get("logsource") else {
            return self.missing("logsource").unwrap_or_default();
        };
        let mut reader = Reader { node: section, problems: self.problems };
        let [category, product, service] = ["category", "product", "service"].map(|key| reader.text(key));
        let logsource = LogSource { category, product, service };
        if logsource == LogSource::default() {
            let message = "the logsource names no category, product or service";
            self.problems.note(Code::EmptyLogsource, section.place, message);
        }
        logsource
    }

    fn custom(&mut self) -> Vec<(String, String)> {
        let unknown = self.node.entries().iter().filter(|entry| !KNOWN.contains(&entry.key.as_str()));
        unknown
            .map(|entry| (entry.key.clone(), entry.value.text().unwrap_or(entry.value.kind()).to_owned()))
            .collect()
    }
}

/// What kind of document a node is, by the section that only this kind has.
pub(crate) fn read_document(
    node: &Node,
    placeholders: &Placeholders,
    problems: &mut Diagnostics,
) -> Option<Rule> {
    if node.get("detection").is_some() || node.get("logsource").is_some() && node.get("filter").is_none() {
        return Rule::read(node, placeholders, problems);
    }
    for kind in ["correlation", "filter"] {
        if node.get(kind).is_some() {
            let message = format!("a {kind} is not evaluated yet");
            problems.push(Diagnostic::new(Code::UnsupportedDocument, node.place, message));
            return None;
        }
    }
    let message = "the document is neither a rule nor a correlation nor a filter";
    problems.push(
        Diagnostic::new(Code::NotARule, node.place, message)
            .help("a rule has `title`, `logsource` and `detection`"),
    );
    None
}
