//! The text of a rule file: from characters to lines and bytes, and how a scalar is written in it.

use crate::yaml::{Data, Extent, Node, Place};

/// A text whose places are known.
pub(crate) struct Source<'a> {
    text: &'a str,
    /// Where each character begins, and at last the length of the text.
    starts: Vec<usize>,
    /// The character with which each line begins.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Looks where the characters and lines of a text begin. A byte order mark is no character of it.
    pub(crate) fn new(text: &'a str) -> Self {
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let characters = text.char_indices().filter(|(byte, _)| *byte >= mark);
        let mut starts = Vec::with_capacity(text.len());
        let mut lines = vec![0];
        for (index, (byte, c)) in characters.enumerate() {
            starts.push(byte);
            if c == '\n' {
                lines.push(index + 1);
            }
        }
        starts.push(text.len());
        Self { text, starts, lines }
    }

    /// The byte with which a character begins.
    pub(crate) fn byte(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }

    /// What is written in an extent.
    pub(crate) fn slice(&self, extent: Extent) -> &'a str {
        self.text.get(self.byte(extent.start)..self.byte(extent.end)).unwrap_or_default()
    }

    /// Makes the extents of a document end where its scalars end: the parser lets quoted ones end behind the
    /// blanks and the comment that follow.
    pub(crate) fn tighten(&self, node: &mut Node) {
        match &mut node.data {
            Data::Scalar { .. } => node.extent = self.without_comment(node.extent),
            Data::Sequence(items) => {
                items.iter_mut().for_each(|item| self.tighten(item));
                node.extent.end = items.last().map_or(node.extent.end, |last| last.extent.end);
            }
            Data::Mapping(entries) => {
                for entry in &mut *entries {
                    entry.extent = self.without_comment(entry.extent);
                    self.tighten(&mut entry.value);
                }
                node.extent.end = entries.last().map_or(node.extent.end, |last| last.value.extent.end);
            }
        }
    }

    /// A quoted scalar as far as its closing quote.
    fn without_comment(&self, extent: Extent) -> Extent {
        let mut rest = self.slice(extent).chars();
        let Some(quote @ ('\'' | '"')) = rest.next() else { return extent };
        let mut n_characters = 1;
        let mut is_open = true;
        let mut is_escaped = false;
        for c in rest {
            // In single quotes a pair of them closes and opens again.
            if !is_open && c != quote {
                break;
            }
            n_characters += 1;
            if c == quote && !is_escaped {
                is_open = !is_open;
            }
            is_escaped = quote == '"' && c == '\\' && !is_escaped;
        }
        Extent { start: extent.start, end: extent.start + n_characters }
    }

    /// The line and column of a character.
    pub(crate) fn place(&self, index: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= index);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { line: number(line), column: number(index.saturating_sub(start) + 1) }
    }

    /// The character at a line and column.
    pub(crate) fn index(&self, place: Place) -> usize {
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let line = number(place.line).saturating_sub(1);
        self.lines.get(line).map_or(0, |start| start.saturating_add(number(place.column).saturating_sub(1)))
    }

    /// From a character to the end of its line, without blanks and comments there.
    pub(crate) fn to_line_end(&self, index: usize) -> Extent {
        let rest = self.text.get(self.byte(index)..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        Extent { start: index, end: index + line.chars().count() }
    }

    /// The bytes of the lines that an extent is on, if nothing but a list's dash stands beside it.
    pub(crate) fn whole_lines(&self, extent: Extent) -> Option<std::ops::Range<usize>> {
        let (start, end) = (self.byte(extent.start), self.byte(extent.end));
        let before = self.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let is_list_member = before.get(line_start..)?.trim_ascii_start().trim_ascii_end() == "-";
        let rest = self.text.get(end..)?;
        let line_end = rest.find('\n').map_or(self.text.len(), |at| end + at + 1);
        let is_alone = self.text.get(end..line_end)?.trim_ascii().is_empty();
        (is_list_member && is_alone).then_some(line_start..line_end)
    }
}

/// How the text of a scalar would be written in place of another, in the same quotes; nothing where that is
/// not simple: a block, or several lines.
pub(crate) fn rewritten(written: &str, text: &str) -> Option<String> {
    if written.contains('\n') || text.chars().any(char::is_control) {
        return None;
    }
    match written.chars().next() {
        Some('\'') => Some(single_quoted(text)),
        Some('"') => Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
        Some('|' | '>' | '&' | '!' | '*') => None,
        _ if is_plain(text) => Some(text.to_owned()),
        _ => Some(single_quoted(text)),
    }
}

/// The text in single quotes, where only they are special.
pub(crate) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a text can stand without quotes and still be a text.
fn is_plain(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '\\' | '/' | '.'));
    let ends_well = !text.ends_with(|c: char| c.is_whitespace() || c == ':');
    let has_marks =
        [": ", " #"].iter().any(|mark| text.contains(mark)) || text.contains(['{', '}', '[', ']', ',']);
    starts_well && ends_well && !has_marks && crate::scalar::is_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_characters() {
        let source = Source::new("\u{feff}äb\nc\n");
        assert_eq!(source.slice(Extent { start: 0, end: 2 }), "äb");
        for (index, line, column) in [(0, 1, 1), (1, 1, 2), (3, 2, 1), (5, 3, 1)] {
            assert_eq!(source.place(index), Place { line, column });
            assert_eq!(source.index(Place { line, column }), index);
        }
    }

    #[test]
    fn quotes_are_kept() {
        for (written, text, expected) in [
            ("'x'", "it's", Some("'it''s'")),
            ("\"x\"", r"a\b", Some(r#""a\\b""#)),
            ("x", "abc", Some("abc")),
            ("x", "12", Some("'12'")),
            ("x", "- a", Some("'- a'")),
            ("|", "a", None),
        ] {
            assert_eq!(rewritten(written, text).as_deref(), expected, "{written} {text}");
        }
    }
}
