//! The rows and cells of a CSV (RFC 4180, and what programs make of it).
//!
//! A cell that begins with a quote ends at the next quote that is not doubled; a quote elsewhere is a
//! character like any other. Where a row ends and what its cells are is decided by the same rules, so that a
//! file can be cut between rows and read in parts.

use memchr::{memchr, memchr2};

/// How many bytes a row, and so a cell, may have.
pub const MAX_ROW_BYTES: usize = 16 << 20;
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
    bytes: Vec<u8>,
    /// Where each cell ends in `bytes`.
    ends: Vec<usize>,
}

impl Row {
    /// Splits a row into its cells. Those beyond [`MAX_COLUMNS`] are counted as one.
    pub(super) fn split(&mut self, row: &[u8], delimiter: u8) {
        self.bytes.clear();
        self.ends.clear();
        let row = row.strip_suffix(b"\n").unwrap_or(row);
        let mut rest = Some(row.strip_suffix(b"\r").unwrap_or(row));
        while let Some(row) = rest.filter(|_| self.ends.len() <= MAX_COLUMNS) {
            let row = if row.first() == Some(&b'"') { self.unquote(row) } else { row };
            let (cell, next) = cut(row, delimiter);
            self.bytes.extend_from_slice(cell);
            self.ends.push(self.bytes.len());
            rest = next;
        }
    }

    /// Takes the text between the quotes and gives what follows them.
    fn unquote<'a>(&mut self, row: &'a [u8]) -> &'a [u8] {
        let mut rest = row.get(1..).unwrap_or_default();
        loop {
            let (text, next) = cut(rest, b'"');
            self.bytes.extend_from_slice(text);
            rest = next.unwrap_or_default();
            match rest.strip_prefix(b"\"") {
                Some(next) => rest = next,
                None => return rest,
            }
            self.bytes.push(b'"');
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the row is an empty line.
    pub(super) fn is_blank(&self) -> bool {
        self.ends.len() <= 1 && self.bytes.trim_ascii().is_empty()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }
}

/// What comes before the first `separator`, and what comes after it.
fn cut(bytes: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let found = memchr(separator, bytes).and_then(|at| bytes.split_at_checked(at));
    found.map_or((bytes, None), |(before, after)| (before, after.get(1..)))
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
            row.split(&rest[..length], b',');
            found.push(row.cells().map(|cell| String::from_utf8(cell.to_vec()).unwrap()).collect::<Vec<_>>());
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
        row.split(",".repeat(100_000).as_bytes(), b',');
        assert_eq!(row.len(), MAX_COLUMNS + 1);
    }
}
