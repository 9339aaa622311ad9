//! Messages in which the values stand within sentences.
//!
//! ```text
//! The {param1} service entered the {param2} state.
//! ```

use std::ops::Range;

use memchr::memmem;

use super::{Field, Found};

/// The text of a message, with fields in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    start: Literal,
    /// The fields, each with what follows it.
    fields: Vec<(Field, Literal)>,
}

/// Text that is the same in every such message, in words: the blanks between them do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Literal {
    words: Vec<String>,
    blank_before: bool,
    blank_after: bool,
}

impl Sentence {
    /// Reads text with fields in braces: `{Field}`, `{Field lines}`.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let mut parts = text.split('{');
        let start = Literal::new(parts.next().unwrap_or_default());
        let mut fields = Vec::new();
        for part in parts {
            let (field, literal) = part.split_once('}').ok_or("a brace is not closed")?;
            fields.push((Field::parse(field)?, Literal::new(literal)));
        }
        let n_between = fields.len().saturating_sub(1);
        if fields.iter().take(n_between).any(|(_, literal)| literal.words.is_empty()) {
            return Err("there is nothing between two fields".to_owned());
        }
        Ok(Self { start, fields })
    }

    /// Finds the values in `message`; `false` when it is another text.
    pub(super) fn read<'l>(&'l self, message: &str, found: &mut Vec<Found<'l>>) -> bool {
        let message = message.trim_end();
        let first = message.len() - message.trim_start().len();
        let Some(mut at) = self.start.end_at(message, first) else { return false };
        for (index, (field, literal)) in self.fields.iter().enumerate() {
            let is_last = index + 1 == self.fields.len();
            let Some(after) = literal.find(message, at, field.has_lines || is_last) else { return false };
            if is_last && after.end < message.len() {
                return false;
            }
            found.push(Found { field, value: trimmed(message, at..after.start) });
            at = after.end;
        }
        !self.fields.is_empty() || at == message.len()
    }
}

impl Literal {
    fn new(text: &str) -> Self {
        Self {
            words: text.split_whitespace().map(str::to_owned).collect(),
            blank_before: text.starts_with(char::is_whitespace),
            blank_after: text.ends_with(char::is_whitespace),
        }
    }

    /// Where this text stands in `message` at or after `from`; the last such place with `from_end`.
    fn find(&self, message: &str, from: usize, from_end: bool) -> Option<Range<usize>> {
        let rest = message.get(from..)?;
        let Some(word) = self.words.first() else { return Some(message.len()..message.len()) };
        let is_here = |at: usize| {
            let start = from + at;
            let before = message.get(from..start)?;
            let is_apart = !self.blank_before || before.is_empty() || before.ends_with(char::is_whitespace);
            self.end_at(message, start).filter(|_| is_apart).map(|end| start..end)
        };
        if from_end {
            let mut before = rest.len();
            loop {
                let at = memmem::rfind(rest.get(..before)?.as_bytes(), word.as_bytes())?;
                if let Some(found) = is_here(at) {
                    return Some(found);
                }
                before = at + word.len() - 1;
            }
        }
        memmem::find_iter(rest.as_bytes(), word.as_bytes()).find_map(is_here)
    }

    /// Where this text ends in `message` when it begins at `start`.
    fn end_at(&self, message: &str, start: usize) -> Option<usize> {
        let mut rest = message.get(start..)?;
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                rest = rest.trim_start();
            }
            rest = rest.strip_prefix(word.as_str())?;
        }
        let is_apart = !self.blank_after || rest.is_empty() || rest.starts_with(char::is_whitespace);
        is_apart.then_some(message.len() - rest.len())
    }
}

/// The range without blanks around the value.
fn trimmed(message: &str, range: Range<usize>) -> Range<usize> {
    let text = message.get(range.clone()).unwrap_or_default();
    let start = range.end - text.trim_start().len();
    start..start + text.trim().len()
}
