//! Texts that stand once in a document, however often events have them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use super::document::Index;

/// A table in which each entry stands once.
#[derive(Debug)]
pub(super) struct Table<K> {
    indexes: HashMap<K, Index>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { indexes: HashMap::new() }
    }
}

impl<K: Eq + Hash> Table<K> {
    /// The index of a key, and whether it is new; then the caller adds its entry.
    pub(super) fn index(&mut self, key: K) -> (Index, bool) {
        let next = Index::try_from(self.indexes.len()).unwrap_or(-1);
        let index = *self.indexes.entry(key).or_insert(next);
        (index, index == next)
    }

    /// The index of a key that is there.
    pub(super) fn get(&self, key: &K) -> Option<Index> {
        self.indexes.get(key).copied()
    }

    /// All keys with their indexes, in any order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, Index)> {
        self.indexes.iter().map(|(key, index)| (key, *index))
    }
}

/// Texts, none longer than a limit.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    table: Table<(Cow<'a, str>, usize)>,
    pub(super) strings: Vec<String>,
    pub(super) cut: Vec<(Index, usize)>,
    value_max: usize,
}

impl<'a> Texts<'a> {
    pub(super) fn new(value_max: usize) -> Self {
        Self { table: Table::default(), strings: Vec::new(), cut: Vec::new(), value_max }
    }

    /// The index of a text. `full` is the length in characters of what it is the beginning of, if it is one.
    pub(super) fn index(&mut self, text: &'a str, full: Option<usize>) -> Index {
        let shown = text.get(..text.floor_char_boundary(self.value_max)).unwrap_or(text);
        let is_cut = shown.len() < text.len();
        let full = full.or_else(|| is_cut.then(|| text.chars().count()));
        // Two texts that begin alike are two, unless they are as long.
        let (index, is_new) = self.table.index((Cow::Borrowed(shown), full.unwrap_or_default()));
        if is_new {
            self.strings.push(shown.to_owned());
            self.cut.extend(full.map(|full| (index, full)));
        }
        index
    }

    /// The index of a text of our own, which is short.
    pub(super) fn own(&mut self, text: String) -> Index {
        let (index, is_new) = self.table.index((Cow::Owned(text.clone()), 0));
        if is_new {
            self.strings.push(text);
        }
        index
    }
}

/// A column of differences.
#[derive(Debug, Default)]
pub(super) struct Delta(i128);

impl Delta {
    /// The difference from the value before.
    pub(super) fn next(&mut self, value: impl Into<i128>) -> i128 {
        let value = value.into();
        value - std::mem::replace(&mut self.0, value)
    }
}
