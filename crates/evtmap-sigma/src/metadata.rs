//! What rules, correlations and filters say about themselves.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostics};
use crate::logsource::LogSource;
use crate::yaml::{Data, Node, Place};

/// Declares an attribute that takes one of a few words.
macro_rules! words {
    ($(#[$doc:meta])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

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

/// What a document says about itself, whatever kind it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
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
    /// Attributes that the specification does not know, kept as text.
    pub custom: Vec<(String, String)>,
    /// Where the document begins in its file.
    pub place: Place,
}

impl Metadata {
    /// The day when it was changed last, or else written, as the document says; nothing if that is no day.
    pub fn newest(&self) -> Option<&str> {
        let is_day = |text: &&str| {
            text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'/'))
        };
        self.modified.as_deref().filter(is_day).or(self.date.as_deref().filter(is_day))
    }
}

/// The attributes that are read into fields of their own, or known and not needed.
pub(crate) const KNOWN: [&str; 23] = [
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
    "correlation",
    "generate",
    "filter",
];

impl Metadata {
    /// Reads what a document says about itself, noting what is wrong.
    pub(crate) fn read(node: &Node, problems: &mut Diagnostics) -> Self {
        let mut reader = Reader { node, problems };
        let title = reader.required_text("title");
        let status = reader.word("status", Status::parse);
        let level = reader.word("level", Level::parse);
        let [description, author] = ["description", "author"].map(|key| reader.text(key).unwrap_or_default());
        let [id, name, date, modified, license] =
            ["id", "name", "date", "modified", "license"].map(|key| reader.text(key));
        let [references, tags, falsepositives, fields] =
            ["references", "tags", "falsepositives", "fields"].map(|key| reader.list(key));
        Self {
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
            custom: reader.custom(),
            place: node.place,
        }
    }

    /// Whether other documents may mean this one by a name: its id in any case, or its name.
    pub fn is_called(&self, name: &str) -> bool {
        self.id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(name)) || self.name.as_deref() == Some(name)
    }
}

impl LogSource {
    /// Reads the `logsource` section, noting what is wrong.
    pub(crate) fn read(node: &Node, problems: &mut Diagnostics) -> Self {
        let Some(section) = node.get("logsource") else {
            return Reader { node, problems }.missing("logsource").unwrap_or_default();
        };
        let mut reader = Reader { node: section, problems };
        let [category, product, service] = ["category", "product", "service"].map(|key| reader.text(key));
        let logsource = Self { category, product, service };
        if logsource == Self::default() {
            let message = "the logsource names no category, product or service";
            problems.note(Code::EmptyLogsource, section.place, message);
        }
        logsource
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

    fn custom(&mut self) -> Vec<(String, String)> {
        let unknown = self.node.entries().iter().filter(|entry| !KNOWN.contains(&entry.key.as_str()));
        unknown
            .map(|entry| (entry.key.clone(), entry.value.text().unwrap_or(entry.value.kind()).to_owned()))
            .collect()
    }
}
