//! Where the records of a text begin and end.

use std::ops::Range;

use super::text::{Format, Problem};

/// The whole records at the start of `text`, each with its place in what is left by those before, and how much
/// they are together.
pub(super) fn cuts(format: &impl Format, text: &[u8], is_end: bool) -> (Vec<Cut>, usize) {
    let mut cuts = Vec::new();
    let mut end = 0;
    loop {
        end += format.several(text.get(end..).unwrap_or_default(), &mut cuts);
        let cut = format.next(text.get(end..).unwrap_or_default(), is_end);
        match &cut {
            Cut::Record(range) | Cut::Line(range) | Cut::Damaged(range, _) => end += range.end,
            Cut::Open => return (cuts, end),
        }
        cuts.push(cut);
    }
}

/// How many lines cuts are, if each is one and nothing comes before it.
pub(super) fn n_lines(cuts: &[Cut]) -> Option<u64> {
    let are_lines = cuts.iter().all(|cut| matches!(cut, Cut::Line(range) if range.start == 0));
    are_lines.then_some(cuts.len() as u64)
}

/// What comes first in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A record. What comes before it is of no interest.
    Record(Range<usize>),
    /// A record that is a line, with its end.
    Line(Range<usize>),
    /// A record that cannot be read, and where the next one may begin.
    Damaged(Range<usize>, Problem),
    /// A record that has not ended, or none at all.
    Open,
}
