//! The rows and cells of a CSV (RFC 4180, and what programs make of it).
//!
//! A cell that begins with a quote ends at the next quote that is not doubled; a quote elsewhere is a
//! character like any other. Where a row ends and what its cells are is decided by the same rules, so that a
//! file can be cut between rows and read in parts.

use std::ops::Range;

use memchr::{memchr, memchr2};

use super::super::text::MAX_RECORD_BYTES;
use crate::sixteen::places_of;

/// How many bytes a row, and so a cell, may have.
const MAX_ROW_BYTES: usize = MAX_RECORD_BYTES;
/// How many cells a row may have.
pub const MAX_COLUMNS: usize = 1000;

/// The length of the row at the start of `bytes`, line end included. `None` when it does not end there: the
/// rest is missing, or, if `is_end` says that nothing follows, a quote is; or when it is too long.
pub(super) fn row_length(bytes: &[u8], delimiter: u8, is_end: bool) -> Option<usize> {
    row_end(bytes, delimiter, is_end).map(|(length, _)| length)
}

/// The length of the row as [`row_length`] gives it, and whether it is known to have no line end but its last.
pub(super) fn row_end(bytes: &[u8], delimiter: u8, is_end: bool) -> Option<(usize, bool)> {
    let is_end = is_end && bytes.len() <= MAX_ROW_BYTES;
    let bytes = bytes.get(..MAX_ROW_BYTES).unwrap_or(bytes);
    usual_row_end(bytes, delimiter).or_else(|| any_row_end(bytes, delimiter, is_end))
}

/// The same for rows as they usually are, in which every quote that opens a cell stands where one begins; nothing for
/// others, and near the end of the bytes.
///
/// A byte is within quotes when the number of quotes up to it is odd. A doubled quote closes a cell by that and opens it
/// again, and comes to the same. Sixty-four bytes are looked at together, without asking for each quote.
fn usual_row_end(bytes: &[u8], delimiter: u8) -> Option<(usize, bool)> {
    let mut at = 0;
    // What holds of the byte before: whether it is within quotes, and whether a quote may open a cell behind it.
    let (mut is_within, mut may_open) = (false, true);
    let mut has_lines = false;
    loop {
        let block = bytes.get(at..)?.first_chunk()?;
        let (quotes, lines) = (places_of(b'"', block), places_of(b'\n', block));
        let within = is_odd_up_to(quotes) ^ if is_within { u64::MAX } else { 0 };
        let openable = places_of(delimiter, block) | quotes;
        let ends = lines & !within;
        // Those before the first end; all where there is none.
        let own = ends.wrapping_sub(1) & !ends;
        if quotes & within & own & !(openable << 1 | u64::from(may_open)) != 0 {
            return None;
        }
        has_lines |= lines & within & own != 0;
        if ends != 0 {
            return Some((at + ends.trailing_zeros() as usize + 1, !has_lines));
        }
        (is_within, may_open) = (within >> 63 != 0, openable >> 63 != 0);
        at += block.len();
    }
}

/// A bit for each place up to which the number of bits is odd, it included.
fn is_odd_up_to(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |odd, n_places| odd ^ odd << n_places)
}

/// The same for any row.
fn any_row_end(bytes: &[u8], delimiter: u8, is_end: bool) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut has_lines = false;
    loop {
        let Some(found) = memchr2(b'\n', b'"', bytes.get(at..)?) else {
            return is_end.then_some((bytes.len(), false));
        };
        at += found + 1;
        if bytes.get(at - 1) == Some(&b'\n') {
            return Some((at, !has_lines));
        }
        // A quote counts where a cell begins.
        if at >= 2 && bytes.get(at - 2) != Some(&delimiter) {
            continue;
        }
        loop {
            let quoted = bytes.get(at..)?;
            // Once it is known that there are lines, only the quote is of interest.
            let length = if has_lines { memchr(b'"', quoted) } else { memchr2(b'"', b'\n', quoted) }?;
            at += length + 1;
            if quoted.get(length) == Some(&b'\n') {
                has_lines = true;
                continue;
            }
            match bytes.get(at) {
                Some(b'"') => at += 1,
                None if !is_end => return None,
                _ => break,
            }
        }
    }
}

/// The cells of a row, quotes removed. The memory serves the next row again.
#[derive(Debug, Default)]
pub(super) struct Row {
    cells: Vec<Cell>,
    /// The cells that do not stand in the row as they are.
    unquoted: String,
}

/// Where a cell is.
#[derive(Debug, Clone)]
enum Cell {
    InRow(Range<usize>),
    Unquoted(Range<usize>),
}

impl Row {
    /// Splits a row into its cells. Those beyond [`MAX_COLUMNS`] are counted as one.
    pub(super) fn split(&mut self, row: &str, delimiter: u8) {
        self.cells.clear();
        self.unquoted.clear();
        let row = row.strip_suffix('\n').unwrap_or(row);
        let row = row.strip_suffix('\r').unwrap_or(row);
        let mut at = 0;
        loop {
            let (cell, length) = if row.as_bytes().get(at) == Some(&b'"') {
                self.unquote(row.get(at..).unwrap_or_default(), at, delimiter)
            } else {
                let rest = row.as_bytes().get(at..).unwrap_or_default();
                let length = memchr(delimiter, rest).unwrap_or(rest.len());
                (Cell::InRow(at..at + length), length)
            };
            self.cells.push(cell);
            at += length + 1;
            if at > row.len() || self.cells.len() > MAX_COLUMNS {
                return;
            }
        }
    }

    /// The cell in quotes with which `rest` begins, and how long it is. What follows the closing quote belongs to
    /// it as well.
    fn unquote(&mut self, rest: &str, at: usize, delimiter: u8) -> (Cell, usize) {
        let bytes = rest.as_bytes();
        let start = self.unquoted.len();
        let mut from = 1;
        loop {
            let found = memchr(b'"', bytes.get(from..).unwrap_or_default());
            let quote = found.map_or(rest.len(), |found| from + found);
            let next = bytes.get(quote + 1);
            if next == Some(&b'"') {
                self.unquoted.push_str(rest.get(from..=quote).unwrap_or_default());
                from = quote + 2;
                continue;
            }
            if self.unquoted.len() == start && (next.is_none() || next == Some(&delimiter)) {
                return (Cell::InRow(at + from..at + quote), (quote + 1).min(rest.len()));
            }
            self.unquoted.push_str(rest.get(from..quote).unwrap_or_default());
            let tail = rest.get(quote + 1..).unwrap_or_default();
            let length = memchr(delimiter, tail.as_bytes()).unwrap_or(tail.len());
            self.unquoted.push_str(tail.get(..length).unwrap_or_default());
            return (Cell::Unquoted(start..self.unquoted.len()), (quote + 1 + length).min(rest.len()));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether the row is an empty line.
    pub(super) fn is_blank(&self, row: &str) -> bool {
        self.cells.len() <= 1 && self.cells(row).all(|cell| cell.trim_ascii().is_empty())
    }

    /// Where in the row a cell stands as it is; nothing when it stands there with quotes to be removed.
    pub(super) fn place(&self, index: usize) -> Option<Range<usize>> {
        match self.cells.get(index)? {
            Cell::InRow(place) => Some(place.clone()),
            Cell::Unquoted(_) => None,
        }
    }

    /// The cells of the row that was split last.
    pub(super) fn cells<'r>(&'r self, row: &'r str) -> impl Iterator<Item = &'r str> {
        self.cells.iter().map(move |cell| {
            let text = match cell {
                Cell::InRow(place) => row.get(place.clone()),
                Cell::Unquoted(place) => self.unquoted.get(place.clone()),
            };
            text.unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cuts `text` into rows and cells; what is left over stands at the end.
    #[track_caller]
    fn check(text: &str, expected: &[&[&str]], left_over: &str) {
        let mut rest = text.as_bytes();
        let mut found = Vec::new();
        let mut row = Row::default();
        while !rest.is_empty()
            && let Some(length) = row_length(rest, b',', true)
        {
            let text = std::str::from_utf8(&rest[..length]).unwrap();
            row.split(text, b',');
            found.push(row.cells(text).map(str::to_owned).collect::<Vec<_>>());
            rest = &rest[length..];
        }
        assert_eq!(found, expected);
        assert_eq!(rest, left_over.as_bytes());
    }

    #[test]
    fn rows_and_cells() {
        check("a,b\nc,d", &[&["a", "b"], &["c", "d"]], "");
        check("a,b\r\n,\r\n", &[&["a", "b"], &["", ""]], "");
        check("\n\r\n", &[&[""], &[""]], "");
    }

    #[test]
    fn quotes() {
        check("\"a,b\",\"c\r\nd\"\r\n\"e\"\"f\",\"\"\"\"", &[&["a,b", "c\r\nd"], &["e\"f", "\""]], "");
        check("\"\",x\n", &[&["", "x"]], "");
        check("\"a\"", &[&["a"]], "");
    }

    #[test]
    fn quotes_in_the_wrong_place_are_text() {
        check("a\"b,c\"\nd", &[&["a\"b", "c\""], &["d"]], "");
        check("\"a\"b,c\n", &[&["ab", "c"]], "");
        check(" \"a\n", &[&[" \"a"]], "");
    }

    #[test]
    fn an_open_quote_ends_no_row() {
        check("a\n\"b\nc\n", &[&["a"]], "\"b\nc\n");
        check("a,\"", &[], "a,\"");
        check("\"a\"\"", &[], "\"a\"\"");
    }

    #[test]
    fn a_row_needs_its_line_end_unless_the_file_ends() {
        assert_eq!(row_length(b"a,b", b',', false), None);
        assert_eq!(row_length(b"\"a\"", b',', false), None);
        assert_eq!(row_length(b"a;b\nc", b';', false), Some(4));
    }

    #[test]
    fn columns_are_bounded() {
        let mut row = Row::default();
        row.split(&",".repeat(100_000), b',');
        assert_eq!(row.len(), MAX_COLUMNS + 1);
    }

    proptest! {
        /// Rows of any kind, of which few are as they usually are, and such rows.
        #[test]
        fn usual_rows_end_where_any_do(
            text in "[ab,\"\r\n]{0,200}|(\"[ab,]{0,20}(\"\")?[ab\n]{0,9}\",){0,9}\"[ab]{60}\"\n(\"a\",){0,30}\"b\n[ab,\"]{0,80}",
        ) {
            let bytes = text.as_bytes();
            if let Some(found) = usual_row_end(bytes, b',') {
                prop_assert_eq!(Some(found), any_row_end(bytes, b',', false));
            }
        }
    }

    #[test]
    fn usual_rows() {
        let row = format!("\"a\"\"b\",\"\",{},\"{}\"\n", "c".repeat(70), "d\n".repeat(40));
        let after = "e".repeat(64);
        assert_eq!(usual_row_end(format!("{row}{after}").as_bytes(), b','), Some((row.len(), false)));
        assert_eq!(usual_row_end(format!("a,b\n{after}").as_bytes(), b','), Some((4, true)));
        assert_eq!(
            usual_row_end(format!("a\"b,c\"\n{after}").as_bytes(), b','),
            None,
            "a quote within a cell"
        );
        assert_eq!(usual_row_end(b"a,b\n", b','), None, "too near the end");
    }
}
