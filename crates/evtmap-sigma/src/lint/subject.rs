//! What a lint looks at: a document with its selections and conditions, and where each is written.

use super::source::{self, Source};
use super::{Edit, Knowledge};
use crate::compile::{self, Compiled};
use crate::condition::Condition;
use crate::detection::Detection;
use crate::diagnostic::Diagnostics;
use crate::yaml::{Data, Entry, Extent, Node};
use crate::{Modifier, Pattern, Placeholders};

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A detection rule.
    Rule,
    /// A correlation, of which only the metadata are looked at.
    Correlation,
    /// A filter.
    Filter,
}

/// A document.
pub(super) struct Subject<'a> {
    pub(super) kind: Kind,
    pub(super) path: &'a str,
    pub(super) node: &'a Node,
    pub(super) source: &'a Source<'a>,
    pub(super) knowledge: &'a dyn Knowledge,
    pub(super) selections: Vec<Selection<'a>>,
    pub(super) conditions: Vec<WrittenCondition<'a>>,
    /// The detection made ready, when it can be used.
    pub(super) compiled: Option<Compiled>,
    /// The file in which another document had the same id or title.
    pub(super) earlier_id: Option<String>,
    pub(super) earlier_title: Option<String>,
}

/// A named selection.
pub(super) struct Selection<'a> {
    pub(super) entry: &'a Entry,
    pub(super) items: Vec<Item<'a>>,
}

/// A condition and where it is written.
pub(super) struct WrittenCondition<'a> {
    pub(super) node: &'a Node,
    pub(super) condition: Condition,
}

/// A field with its modifiers and values, or a set of keywords.
pub(super) struct Item<'a> {
    /// The field's key; none for plain keywords.
    pub(super) entry: Option<&'a Entry>,
    /// The field; none for keywords.
    pub(super) field: Option<&'a str>,
    /// The modifiers as written.
    pub(super) modifiers: Vec<&'a str>,
    /// The values; a single value counts as a list of one.
    pub(super) values: Vec<&'a Node>,
    /// The node of all values.
    pub(super) value_extent: Extent,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        node: &'a Node,
        path: &'a str,
        source: &'a Source<'a>,
        knowledge: &'a dyn Knowledge,
        placeholders: &Placeholders,
    ) -> Self {
        let (kind, section) = match (node.get("filter"), node.get("correlation")) {
            (Some(filter), _) => (Kind::Filter, Some(filter)),
            (None, Some(_)) => (Kind::Correlation, None),
            (None, None) => (Kind::Rule, node.get("detection")),
        };
        let is_selection =
            |key: &str| !matches!(key, "condition" | "timeframe") && (kind != Kind::Filter || key != "rules");
        let entries = section.map_or(&[][..], Node::entries);
        let selections = entries.iter().filter(|entry| is_selection(&entry.key)).map(Selection::of).collect();
        let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let conditions = section
            .and_then(|section| section.get("condition"))
            .map_or_else(Vec::new, |condition| conditions(condition, &names));
        let compiled = section.and_then(|section| {
            let mut problems = Diagnostics::default();
            let detection = Detection::read_without(section, &["rules"], &mut problems);
            compile::compile(&detection, placeholders, &mut problems)
        });
        let (earlier_id, earlier_title) = (None, None);
        Self {
            kind,
            path,
            node,
            source,
            knowledge,
            selections,
            conditions,
            compiled,
            earlier_id,
            earlier_title,
        }
    }

    /// The entry of an attribute of the document.
    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.node.entries().iter().find(|entry| entry.key == key)
    }

    /// The text of an attribute, unless it is null.
    pub(super) fn text(&self, key: &str) -> Option<(&'a Node, &'a str)> {
        let value = self.node.get(key).filter(|value| !value.is_null())?;
        value.text().map(|text| (value, text.trim()))
    }

    /// The texts of an attribute that is a list, or a single text.
    pub(super) fn texts(&self, key: &str) -> Vec<(&'a Node, &'a str)> {
        let nodes = self.node.get(key).map_or_else(Vec::new, members);
        nodes.into_iter().filter_map(|node| node.text().map(|text| (node, text))).collect()
    }

    pub(super) fn id(&self) -> Option<&'a str> {
        self.text("id").map(|(_, id)| id)
    }

    pub(super) fn title(&self) -> Option<&'a str> {
        self.text("title").map(|(_, title)| title)
    }

    /// Where something is said that is about the document as a whole: its title, or its first key.
    pub(super) fn head(&self) -> Extent {
        let first = self.entry("title").or_else(|| self.node.entries().first());
        first.map_or(self.node.extent, |entry| Extent {
            start: entry.extent.start,
            end: entry.value.extent.end,
        })
    }

    /// Every item of every selection.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item<'a>> {
        self.selections.iter().flat_map(|selection| &selection.items)
    }

    /// The edit that writes another text in place of a scalar, in the same quotes.
    pub(super) fn rewrite(&self, extent: Extent, text: &str) -> Option<Edit> {
        let replacement = source::rewritten(self.source.slice(extent), text)?;
        let (start, end) = (self.source.byte(extent.start), self.source.byte(extent.end));
        Some(Edit { start, end, replacement })
    }

    /// The edit that removes a member of a list that has a line of its own.
    pub(super) fn remove_line(&self, node: &Node) -> Option<Edit> {
        let lines = self.source.whole_lines(node.extent)?;
        Some(Edit { start: lines.start, end: lines.end, replacement: String::new() })
    }
}

fn conditions<'a>(node: &'a Node, names: &[&str]) -> Vec<WrittenCondition<'a>> {
    let parsed = |node: &'a Node| {
        let text = Node::text(node)?;
        Condition::parse_about(text, node.place, names)
            .ok()
            .map(|condition| WrittenCondition { node, condition })
    };
    members(node).into_iter().filter_map(parsed).collect()
}

/// The members of a list; anything else counts as a list of one.
fn members(node: &Node) -> Vec<&Node> {
    match &node.data {
        Data::Sequence(items) => items.iter().collect(),
        Data::Scalar { .. } | Data::Mapping(_) => vec![node],
    }
}

impl<'a> Selection<'a> {
    fn of(entry: &'a Entry) -> Self {
        let mut items = Vec::new();
        collect_items(&entry.value, &mut items);
        Self { entry, items }
    }

    pub(super) fn name(&self) -> &'a str {
        &self.entry.key
    }
}

fn collect_items<'a>(node: &'a Node, items: &mut Vec<Item<'a>>) {
    match &node.data {
        Data::Mapping(entries) => items.extend(entries.iter().map(Item::of)),
        Data::Sequence(members) if members.iter().any(|member| member.text().is_none()) => {
            members.iter().for_each(|member| collect_items(member, items));
        }
        Data::Sequence(_) | Data::Scalar { .. } => items.push(Item {
            entry: None,
            field: None,
            modifiers: Vec::new(),
            values: members(node),
            value_extent: node.extent,
        }),
    }
}

impl<'a> Item<'a> {
    fn of(entry: &'a Entry) -> Self {
        let mut parts = entry.key.split('|');
        let field = parts.next().filter(|field| !field.is_empty());
        let values = members(&entry.value);
        Self {
            entry: Some(entry),
            field,
            modifiers: parts.collect(),
            values,
            value_extent: entry.value.extent,
        }
    }

    /// Whether a modifier is among the item's, under any of its names.
    pub(super) fn has(&self, name: &str) -> bool {
        let wanted = Modifier::named(name);
        self.modifiers.iter().any(|own| Modifier::named(own) == wanted)
    }

    /// Whether one of these modifiers is among the item's.
    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// Whether the values are Sigma strings, in which `*` and `?` stand for other characters.
    pub(super) fn is_text(&self) -> bool {
        const OTHER: [&str; 15] = [
            "re", "cidr", "gt", "gte", "lt", "lte", "minute", "hour", "day", "week", "month", "year",
            "exists", "fieldref", "expand",
        ];
        !self.has_any(&OTHER)
    }

    /// The texts among the values and where they stand; null is none.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'a Node, &'a str)> {
        let texts = self.values.iter().filter(|node| !node.is_null());
        texts.filter_map(|node| node.text().map(|text| (*node, text)))
    }

    /// The texts as patterns.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&'a Node, Pattern)> {
        self.texts().map(|(node, text)| (node, Pattern::parse(text)))
    }

    /// Where the key stands, or the first value of keywords.
    pub(super) fn extent(&self) -> Extent {
        self.entry.map_or(self.value_extent, |entry| entry.extent)
    }

    /// What the item is about, for messages.
    pub(super) fn name(&self) -> &'a str {
        self.field.unwrap_or("the keywords")
    }

    /// The key with other modifiers.
    pub(super) fn key_with(&self, modifiers: &[&str]) -> String {
        let field = self.field.unwrap_or_default();
        let parts: Vec<&str> = std::iter::once(field).chain(modifiers.iter().copied()).collect();
        parts.join("|")
    }

    /// The edit that gives the item other modifiers.
    pub(super) fn rewrite_key(&self, subject: &Subject<'_>, modifiers: &[&str]) -> Option<Edit> {
        subject.rewrite(self.entry?.extent, &self.key_with(modifiers))
    }

    /// The edit that takes a modifier away.
    pub(super) fn without(&self, subject: &Subject<'_>, name: &str) -> Option<Edit> {
        let unwanted = Modifier::named(name);
        let kept: Vec<&str> =
            self.modifiers.iter().copied().filter(|own| Modifier::named(own) != unwanted).collect();
        self.rewrite_key(subject, &kept)
    }
}
