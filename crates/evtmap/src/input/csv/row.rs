//! The rows and cells of a CSV (RFC 4180, and what programs make of it).
//!
//! A cell that begins with a quote ends at the next quote that is not doubled; a quote elsewhere is a
//! character like any other. Where a row ends and what its cells are is decided by the same rules, so that a
//! file can be cut between rows and read in parts.

use memchr::{memchr, memchr2};

use super::super::text::MAX_RECORD_BYTES;

/// How many bytes a row, and so a cell, may have.
const MAX_ROW_BYTES: usize = MAX_RECORD_BYTES;
/// How many cells a row may have.
pub const MAX_COLUMNS: usize = 1000;

/// The length of the row at the start of `bytes`, line end included. `None` when it does not end there: the
/// rest is missing, or, if `is_end` says that nothing follows, a quote is; or when it is too long.
pub(super) fn row_length(bytes: &[u8], delimiter: u8, is_end: bool) -> Option<usize> {
    let is_end = is_end && bytes.len() <= MAX_ROW_BYTES;
    let bytes = bytes.get(..MAX_ROW_BYTES).unwrap_or(bytes);
    let mut at = 0;
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                at += memchr(b'"', bytes.get(at..)?)? + 1;
                match bytes.get(at) {
                    Some(b'"') => at += 1,
                    None if !is_end => return None,
                    _ => break,
                }
            }
        }
        match memchr2(delimiter, b'\n', bytes.get(at..)?) {
            Some(length) => at += length + 1,
            None => return is_end.then_some(bytes.len()),
        }
        if bytes.get(at - 1) == Some(&b'\n') {
            return Some(at);
        }
    }
}

/// The cells of a row, quotes removed. The memory serves the next row again.
#[derive(Debug, Default)]
pub(super) struct Row {
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
}

impl Row {
    /// Splits a row into its cells. Those beyond [`MAX_COLUMNS`] are counted as one.
    pub(super) fn split(&mut self, row: &str, delimiter: u8) {
        self.text.clear();
        self.ends.clear();
        let row = row.strip_suffix('\n').unwrap_or(row);
        let mut rest = Some(row.strip_suffix('\r').unwrap_or(row));
        while let Some(row) = rest.filter(|_| self.ends.len() <= MAX_COLUMNS) {
            let row = if row.starts_with('"') { self.unquote(row) } else { row };
            let (cell, next) = cut(row, delimiter);
            self.text.push_str(cell);
            self.ends.push(self.text.len());
            rest = next;
        }
    }

    /// Takes the text between the quotes and gives what follows them.
    fn unquote<'a>(&mut self, row: &'a str) -> &'a str {
        let mut rest = row.get(1..).unwrap_or_default();
        loop {
            let (text, next) = cut(rest, b'"');
            self.text.push_str(text);
            rest = next.unwrap_or_default();
            match rest.strip_prefix('"') {
                Some(next) => rest = next,
                None => return rest,
            }
            self.text.push('"');
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the row is an empty line.
    pub(super) fn is_blank(&self) -> bool {
        self.ends.len() <= 1 && self.text.trim_ascii().is_empty()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }
}

/// What comes before the first `separator`, which is ASCII, and what comes after it.
fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    let found = memchr(separator, text.as_bytes()).and_then(|at| text.split_at_checked(at));
    found.map_or((text, None), |(before, after)| (before, after.get(1..)))
}

#[cfg(test)]
mod tests {
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
            row.split(std::str::from_utf8(&rest[..length]).unwrap(), b',');
            found.push(row.cells().map(str::to_owned).collect::<Vec<_>>());
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
}
