//! YAML documents as a tree that keeps what a rule needs and the usual loaders lose: the place of each
//! node, the order of keys, and how a scalar was spelled (`00000429` is not `429`).
//!
//! Rules come from strangers: depth, number of nodes and size are limited, and an alias counts as much as
//! what it stands for, so that an alias bomb ends in a [`Diagnostic`] and not in full memory.

use std::collections::HashMap;
use std::fmt;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic};

/// The largest rule file that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// The deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: usize = 32;
/// The largest number of nodes of one file, aliases counted as what they stand for.
pub const MAX_NODES: usize = 500_000;
/// The largest number of keys of one map.
pub const MAX_KEYS: usize = 2_000;
/// The number of broken documents after which the rest of a file is not read.
const MAX_ERRORS: usize = 32;
/// The number of nodes in broken documents after which the rest of a file is not read.
const MAX_BROKEN_NODES: usize = MAX_NODES + MAX_NODES / 2;
/// The number of keys that occur twice after which no more of them are told.
const MAX_DUPLICATES: usize = 1_000;

/// A place in a rule file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1; 0 when the place is the whole document.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<Marker> for Place {
    fn from(marker: Marker) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { line: number(marker.line()), column: number(marker.col().saturating_add(1)) }
    }
}

/// The characters of a text that something is written in, counted from 0 and without the one at the end.
///
/// A byte order mark at the start of the text counts for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extent {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One node of a document and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where the node begins.
    pub(crate) place: Place,
    /// What it is written in; a list or map ends where its last member does.
    pub(crate) extent: Extent,
    /// What it is.
    pub(crate) data: Data,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// A scalar with its text as written, quotes and escapes resolved.
    Scalar {
        /// The text.
        text: String,
        /// Whether it stands without quotes, so that `4688`, `true` and `null` have a type.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order written; a repeated key keeps its last value.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) place: Place,
    /// What the key is written in.
    pub(crate) extent: Extent,
    /// The key's text.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: Node,
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            Data::Sequence(_) | Data::Mapping(_) => None,
        }
    }

    /// Whether this is an empty scalar or a plain `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, plain: true } if is_null(text))
    }

    /// The entries of a mapping, none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Mapping(entries) => entries,
            Data::Scalar { .. } | Data::Sequence(_) => &[],
        }
    }

    /// The value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What kind of node this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar { .. } => "a single value",
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a map",
        }
    }

    /// How many nodes the tree below and with this one has.
    fn size(&self) -> usize {
        1 + match &self.data {
            Data::Scalar { .. } => 0,
            Data::Sequence(items) => items.iter().map(Self::size).sum(),
            Data::Mapping(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }

    /// How deep the tree below and with this one is.
    fn depth(&self) -> usize {
        1 + match &self.data {
            Data::Scalar { .. } => 0,
            Data::Sequence(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Data::Mapping(entries) => entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
        }
    }
}

/// Whether the text of a plain scalar means null in YAML 1.2's core schema.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The documents of a YAML text, and the problems that did not keep it from being read.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// The documents before the first error.
    pub(crate) documents: Vec<Node>,
    /// The error that ended the reading, and warnings.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Whether a node has an anchor or a tag, so that it is more than what it is written in.
    pub(crate) has_properties: bool,
}

/// Reads all documents of a text. After an error it goes on with the next document, which begins where a
/// line begins with `---`.
pub(crate) fn read(text: &str) -> Documents {
    let mut loader = Loader::default();
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than the {MAX_BYTES} that are read", text.len());
        loader.out.diagnostics.push(Diagnostic::new(Code::LimitExceeded, Place::default(), message));
        return loader.out;
    }
    // A byte order mark at the start is no part of the text.
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut n_errors, mut n_broken_nodes) = (0, 0);
    while let Err(problem) = loader.read(rest) {
        let place = problem.place;
        loader.out.diagnostics.push(problem);
        n_errors += 1;
        n_broken_nodes += loader.n_nodes - loader.n_nodes_before;
        let Some((n_lines, next)) = next_document(rest, loader.document_line) else {
            break;
        };
        if n_errors == MAX_ERRORS || n_broken_nodes > MAX_BROKEN_NODES {
            let message = "too much of the file is broken, the rest of it is not read";
            loader.out.diagnostics.push(Diagnostic::new(Code::LimitExceeded, place, message));
            break;
        }
        let skipped = rest.get(..rest.len() - next.len()).unwrap_or_default();
        loader.restart(n_lines, skipped.chars().count());
        rest = next;
    }
    loader.out
}

/// The text from the first document that begins behind a line, and how many lines stand before it.
fn next_document(text: &str, line: u32) -> Option<(u32, &str)> {
    let mut offset = 0;
    for (i, content) in (0u32..).zip(text.split_inclusive('\n')) {
        let is_marker = content.strip_prefix("---").is_some_and(|rest| rest.trim_start().len() < rest.len());
        if i >= line && is_marker {
            return text.get(offset..).map(|rest| (i, rest));
        }
        offset += content.len();
    }
    None
}

/// A list or map that is being read.
struct Open {
    place: Place,
    extent: Extent,
    anchor: usize,
    data: Data,
    /// The key whose value comes next.
    key: Option<(Place, Extent, String)>,
}

#[derive(Default)]
struct Loader {
    out: Documents,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    n_nodes: usize,
    /// How many of them the documents before the one that is being read have.
    n_nodes_before: usize,
    /// How many lines of the file stand before the text that the parser was given.
    n_lines_before: u32,
    /// How many characters of the file stand before it, a byte order mark aside.
    n_characters_before: usize,
    /// The line of that text where the document begins that is being read.
    document_line: u32,
}

impl Loader {
    /// Reads documents up to the end or the first error.
    fn read(&mut self, text: &str) -> Result<(), Diagnostic> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            match event {
                Ok((Event::StreamEnd, _)) => break,
                Ok((Event::DocumentStart(_), span)) => {
                    self.document_line = Place::from(span.start).line;
                    // The parser's anchors outlive their document, YAML's do not.
                    self.anchors.clear();
                    self.n_nodes_before = self.n_nodes;
                }
                Ok((event, span)) => self.event(event, self.place(span.start), self.extent(span))?,
                Err(error) => {
                    let place = self.place(*error.marker());
                    // The parser reads ahead, and may meet its own limit before ours is seen to be exceeded.
                    let is_too_deep = error.info().contains("recursion limit");
                    let code = if is_too_deep { Code::LimitExceeded } else { Code::InvalidYaml };
                    return Err(Diagnostic::new(code, place, error.info().to_lowercase()));
                }
            }
        }
        Ok(())
    }

    /// Forgets the document that was being read, to go on so many lines and characters later.
    fn restart(&mut self, n_lines: u32, n_characters: usize) {
        self.open.clear();
        self.anchors.clear();
        self.n_nodes = self.n_nodes_before;
        self.n_lines_before = self.n_lines_before.saturating_add(n_lines);
        self.n_characters_before += n_characters;
        self.document_line = 1;
    }

    fn extent(&self, span: Span) -> Extent {
        let character = |marker: Marker| marker.index().saturating_add(self.n_characters_before);
        Extent { start: character(span.start), end: character(span.end) }
    }

    fn place(&self, marker: Marker) -> Place {
        let Place { line, column } = marker.into();
        Place { line: line.saturating_add(self.n_lines_before), column }
    }

    fn event(&mut self, event: Event<'_>, place: Place, extent: Extent) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                // `!!str 5` is a text as much as `"5"` is.
                let plain = style == ScalarStyle::Plain && tag.is_none();
                self.out.has_properties |= tag.is_some();
                let data = Data::Scalar { text: text.into_owned(), plain };
                self.finish(anchor, Node { place, extent, data })
            }
            Event::SequenceStart(anchor, _) => self.start(place, extent, anchor, Data::Sequence(Vec::new())),
            Event::MappingStart(anchor, _) => self.start(place, extent, anchor, Data::Mapping(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { place, extent, anchor, data, .. }) => {
                    self.finish(anchor, Node { place, extent, data })
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Diagnostic::new(
                        Code::InvalidYaml,
                        place,
                        "the alias has no anchor before it",
                    ));
                };
                // Counted before it is copied: the copy is what an alias bomb is made of.
                self.n_nodes = self.n_nodes.saturating_add(node.size());
                self.check_limits(place, node.depth())?;
                let node = node.clone();
                self.finish(0, node)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn start(&mut self, place: Place, extent: Extent, anchor: usize, data: Data) -> Result<(), Diagnostic> {
        self.check_limits(place, 1)?;
        if matches!(self.open.last(), Some(Open { data: Data::Mapping(_), key: None, .. })) {
            return Err(Diagnostic::new(Code::InvalidYaml, place, "a key of a map must be a single value"));
        }
        self.open.push(Open { place, extent, anchor, data, key: None });
        Ok(())
    }

    fn check_limits(&self, place: Place, depth: usize) -> Result<(), Diagnostic> {
        if self.open.len().saturating_add(depth) > MAX_DEPTH {
            let message = format!("lists and maps nest deeper than {MAX_DEPTH} levels");
            return Err(Diagnostic::new(Code::LimitExceeded, place, message));
        }
        if self.n_nodes > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values, aliases included");
            return Err(Diagnostic::new(Code::LimitExceeded, place, message));
        }
        Ok(())
    }

    /// Puts a finished node where it belongs: into the list or map that is open, or among the documents.
    fn finish(&mut self, anchor: usize, node: Node) -> Result<(), Diagnostic> {
        self.n_nodes = self.n_nodes.saturating_add(1);
        self.check_limits(node.place, 0)?;
        if anchor != 0 {
            self.out.has_properties = true;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.out.documents.push(node);
            return Ok(());
        };
        open.extent.end = open.extent.end.max(node.extent.end);
        match &mut open.data {
            Data::Sequence(items) => items.push(node),
            Data::Mapping(entries) => match (open.key.take(), node.data) {
                (Some((place, extent, key)), data) => {
                    let value = Node { data, ..node };
                    insert(entries, Entry { place, extent, key, value }, &mut self.out.diagnostics);
                }
                (None, Data::Scalar { .. }) if entries.len() >= MAX_KEYS => {
                    let message = format!("the map has more than {MAX_KEYS} keys");
                    return Err(Diagnostic::new(Code::LimitExceeded, node.place, message));
                }
                (None, Data::Scalar { text, .. }) => open.key = Some((node.place, node.extent, text)),
                (None, Data::Sequence(_) | Data::Mapping(_)) => {
                    let message = "a key of a map must be a single value";
                    return Err(Diagnostic::new(Code::InvalidYaml, node.place, message));
                }
            },
            Data::Scalar { .. } => {}
        }
        Ok(())
    }
}

fn insert(entries: &mut Vec<Entry>, entry: Entry, diagnostics: &mut Vec<Diagnostic>) {
    // Rules have few keys a map, so looking through them costs less than a table; MAX_KEYS bounds the rest.
    if let Some(earlier) = entries.iter_mut().find(|earlier| earlier.key == entry.key) {
        if diagnostics.len() < MAX_DUPLICATES {
            let message = format!("the key `{}` occurs twice, the last one counts", entry.key);
            diagnostics.push(
                Diagnostic::new(Code::DuplicateKey, entry.place, message)
                    .help("remove one of them, or write the values as a list"),
            );
        }
        *earlier = entry;
    } else {
        entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text holds, in a line a document, and what is wrong with it.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = read(text);
        let mut lines: Vec<String> = Vec::new();
        for document in &read.documents {
            let keys: Vec<&str> = document.entries().iter().map(|entry| entry.key.as_str()).collect();
            lines.push(format!("{}: {}", document.place, keys.join(" ")));
        }
        lines.extend(read.diagnostics.iter().map(ToString::to_string));
        assert_eq!(lines.join("\n"), expected, "{text}");
    }

    #[test]
    fn a_broken_document_does_not_take_the_others_along() {
        check(
            "a: 1\n---\nb: [\n---\nc: 3\n--- # four\nd: 4\n",
            "1:1: a\n5:1: c\n7:1: d\n4:1: while parsing a node, did not find expected node content [invalid-yaml]",
        );
        check(
            "a: &x [*y]\n---\nb: 1",
            "3:1: b\n1:8: while parsing node, found unknown anchor [invalid-yaml]",
        );
        check(
            "a: |\n  ---\n  x\n---\nb: [1]]\n---\nc: 1",
            "1:1: a\n7:1: c\n5:7: misplaced bracket [invalid-yaml]",
        );
    }
}
