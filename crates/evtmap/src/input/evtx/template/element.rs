//! What the elements of a template consist of.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::super::cursor::Name;
use super::token;

/// The element of one field of `EventData`, and the attribute that names it.
pub(super) const DATA: &str = "Data";
pub(super) const NAME: &str = "Name";

/// A value in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'c> {
    /// In UTF-16.
    Constant(&'c [u8]),
    Gap(u16),
}

impl Part<'_> {
    /// The token that it would have; that of an end where there is nothing in it.
    pub(super) fn token(self) -> u8 {
        match self {
            Self::Constant([] | [0, 0, ..]) => token::END,
            Self::Constant(_) => token::TEXT,
            Self::Gap(_) => token::GAP,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'c> {
    pub(super) name: Name<'c>,
    pub(super) value: Part<'c>,
}

/// The start of an element.
pub(super) struct Start<'c> {
    pub(super) name: Name<'c>,
    /// How many of its name come before it in the element around it.
    pub(super) n_before: u32,
    /// Which of the attributes are its own.
    pub(super) attributes: Range<usize>,
    pub(super) is_empty: bool,
    /// Whether the element is left out without a gap, which is then the last of the needs.
    pub(super) has_need: bool,
}

/// Whether the text of an attribute is part of what the template of an element says that stands in a record itself: it
/// names a field, or a namespace. All other texts of that element are gaps.
pub(super) fn is_literal(element: Name<'_>, attribute: Name<'_>) -> bool {
    attribute.is_namespace() || element.is(DATA) && attribute.is(NAME)
}

/// What stands in an element before its end.
pub(super) enum Content<'c> {
    Element(Start<'c>),
    Part(Part<'c>),
    End,
}

/// How many names are compared one by one.
const N_FEW: usize = 32;

/// The names of the members of an element, and how often each came so far.
#[derive(Default)]
pub(super) struct Members<'c> {
    /// The first of them. Most elements have a handful, and a table takes longer to make than they to compare.
    few: Vec<(&'c [u8], u32)>,
    others: HashMap<&'c [u8], u32, RandomState>,
}

impl<'c> Members<'c> {
    /// How many of a name came before this one.
    pub(super) fn add(&mut self, name: &'c [u8]) -> u32 {
        let known = self.few.iter().position(|(known, _)| *known == name);
        if known.is_none() && self.few.len() < N_FEW {
            self.few.push((name, 1));
            return 0;
        }
        let n_before = match known.and_then(|place| self.few.get_mut(place)) {
            Some((_, n)) => n,
            None => self.others.entry(name).or_default(),
        };
        *n_before += 1;
        *n_before - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_however_many() {
        let names: Vec<[u8; 2]> = (0..300_u16).map(u16::to_le_bytes).collect();
        let mut members = Members::default();
        for n_before in 0..3 {
            assert!(names.iter().all(|name| members.add(name) == n_before));
        }
    }
}
