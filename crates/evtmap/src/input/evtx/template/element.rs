//! What the elements of a template consist of.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::super::cursor::Name;
use super::token;

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

/// What stands in an element before its end.
pub(super) enum Content<'c> {
    Element(Start<'c>),
    Part(Part<'c>),
    End,
}

/// The names of the members of an element, and how often each came so far.
#[derive(Default)]
pub(super) struct Members<'c>(HashMap<&'c [u8], u32, RandomState>);

impl<'c> Members<'c> {
    /// How many of a name came before this one.
    pub(super) fn add(&mut self, name: &'c [u8]) -> u32 {
        let n = self.0.entry(name).or_default();
        *n += 1;
        *n - 1
    }
}
