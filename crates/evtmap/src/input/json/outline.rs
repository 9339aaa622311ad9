//! Objects whose keys come in an order that was seen before.
//!
//! A program writes events of one kind with the same keys in the same order. So what its objects look like is
//! kept in a tree: a node a key, and below it the keys that were seen to follow it. An object is walked along
//! the tree; a key is then one comparison with what is expected, and no key is looked up. At the end of each
//! way stands the [`Plan`] for objects whose keys are those on it: what each member is, worked out once.
//!
//! An object that goes another way, is damaged, or comes when there is no more room, is no concern of this:
//! it is read without, and what is wrong with it is told there.

use super::super::shape::{self, Plan};
use super::record::Record;
use crate::event::MAX_FIELDS;
use crate::event::json::{Lexer, Text, Token};

/// How many nodes there are at the most. Windows' own kinds of events have some thousand keys in all.
const N_NODES_MAX: usize = 20_000;
/// How many bytes their texts have at the most.
const N_BYTES_MAX: usize = 2 << 20;
/// How many keys may follow one: they are tried one after the other.
const N_NEXT_MAX: usize = 64;

/// The member whose text, and not only its presence, may say of which shape an object is.
const TELLING: &str = "_raw";

/// The orders of keys that were seen.
#[derive(Debug)]
pub(super) struct Outlines {
    nodes: Vec<Node>,
    n_bytes: usize,
    /// Of the object that is walked: the nodes.
    way: Vec<usize>,
    /// Of the object that is walked: the values.
    values: Vec<Held>,
}

/// A key that was seen after those of the nodes above.
#[derive(Debug, Default)]
struct Node {
    /// What stands between the member before and the value: `"EventID":`, with its blanks.
    lead: Box<str>,
    key: Box<str>,
    /// Whether the value is an object, which may tell what shape the whole is of.
    is_object: bool,
    next: Vec<usize>,
    /// What objects are that end here; asked when there is the first. Some have no plan.
    plan: Option<Option<Plan>>,
}

/// Where a value stands in an object.
#[derive(Debug, Clone, Copy)]
struct Held {
    start: usize,
    end: usize,
    kind: Kind,
}

/// What can be seen of a value without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text without escapes.
    Plain,
    /// A text with escapes.
    Escaped,
    Other,
}

/// A value of a member.
#[derive(Debug, Clone, Copy)]
pub(in crate::input) struct MemberValue<'a> {
    /// As it is written.
    pub(in crate::input) json: &'a str,
    /// The text that it is, if it is one.
    pub(in crate::input) text: Option<Text<'a>>,
}

impl Default for Outlines {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], n_bytes: 0, way: Vec::new(), values: Vec::new() }
    }
}

impl Outlines {
    /// The plan for an object, and its values one by one as the plan has them. Nothing if there is none.
    pub(super) fn of<'a>(
        &'a mut self,
        object: &'a str,
    ) -> Option<(&'a Plan, impl Iterator<Item = MemberValue<'a>> + Clone)> {
        let last = self.walk(object)?;
        if self.nodes.get(last)?.plan.is_none() {
            let plan = self.plan(object);
            self.nodes.get_mut(last)?.plan = Some(plan);
        }
        let plan = self.nodes.get(last)?.plan.as_ref()?.as_ref()?;
        Some((plan, self.values.iter().map(|held| held.value(object))))
    }

    /// Follows the keys of an object, and gives the node of the last.
    fn walk(&mut self, object: &str) -> Option<usize> {
        self.way.clear();
        self.values.clear();
        let mut lexer = Lexer::new(object);
        if lexer.value().ok()? != Token::Object {
            return None;
        }
        let mut node = 0;
        loop {
            node = match self.expected(node, &mut lexer) {
                Some(next) => next,
                None => self.learn(node, &mut lexer)?,
            };
            if self.way.len() >= MAX_FIELDS {
                return None;
            }
            self.way.push(node);
            let start = lexer.at();
            let kind = match lexer.skip_to_end().ok()? {
                Token::Text(text) if text.has_escapes() => Kind::Escaped,
                Token::Text(_) => Kind::Plain,
                _ => Kind::Other,
            };
            self.values.push(Held { start, end: lexer.at(), kind });
            if !lexer.has_more().ok()? {
                lexer.end().ok()?;
                return Some(node);
            }
        }
    }

    /// The node of the key that comes next, if it was seen here; the key is then passed.
    fn expected(&mut self, node: usize, lexer: &mut Lexer<'_>) -> Option<usize> {
        let next = &self.nodes.get(node)?.next;
        let fits = |known: &Node| {
            lexer
                .rest()
                .strip_prefix(&*known.lead)
                .is_some_and(|value| value.starts_with('{') == known.is_object)
        };
        let place = next.iter().position(|next| self.nodes.get(*next).is_some_and(fits))?;
        let found = *next.get(place)?;
        lexer.pass(self.nodes.get(found)?.lead.len());
        // What was met last is probably met next.
        if place > 0 {
            self.nodes.get_mut(node)?.next.swap(0, place);
        }
        Some(found)
    }

    /// Adds a node for the key that comes next, and passes it.
    fn learn(&mut self, node: usize, lexer: &mut Lexer<'_>) -> Option<usize> {
        let before = lexer.rest();
        let key = lexer.key(&mut true).ok()??.text().ok()?;
        let is_object = lexer.is_at_object();
        let lead = before.get(..before.len() - lexer.rest().len())?;
        let n_bytes = self.n_bytes + lead.len() + key.len();
        let number = self.nodes.len();
        let next = &mut self.nodes.get_mut(node)?.next;
        if number >= N_NODES_MAX || n_bytes > N_BYTES_MAX || next.len() >= N_NEXT_MAX {
            return None;
        }
        next.push(number);
        self.n_bytes = n_bytes;
        self.nodes.push(Node { lead: lead.into(), key: (*key).into(), is_object, ..Node::default() });
        Some(number)
    }

    /// What objects are whose keys are those on the way.
    fn plan(&self, object: &str) -> Option<Plan> {
        let nodes = || self.way.iter().filter_map(|node| self.nodes.get(*node));
        if nodes().any(|node| &*node.key == TELLING) {
            return None;
        }
        let values = self.values.iter().map(|held| held.value(object).json);
        let record = Record::of(nodes().map(|node| &*node.key).zip(values));
        shape::of(&record).map(|shape| Plan::new(shape, &record))
    }
}

impl Held {
    fn value(self, object: &str) -> MemberValue<'_> {
        let json = object.get(self.start..self.end).unwrap_or_default();
        let text = match self.kind {
            Kind::Plain => Text::between_quotes(json, false),
            Kind::Escaped => Text::between_quotes(json, true),
            Kind::Other => None,
        };
        MemberValue { json, text }
    }
}

#[cfg(test)]
mod tests;
