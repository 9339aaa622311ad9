//! Messages in lines of labels and values, most of them in sections.
//!
//! ```text
//! Subject:
//!     Account Name:  alice
//! New Logon:
//!     Account Name:  bob
//! ```

use std::ops::Range;

use memchr::memchr;

use super::sentence::Sentence;
use super::{Field, Found};

/// The labels of a message in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Labels {
    labels: Vec<Label>,
    has_sections: bool,
    until: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    text: String,
    /// Whether it belongs to the section before it.
    in_section: bool,
    value: Written,
}

/// What stands after a label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    /// A section's labels, or what is known to be no field.
    Nothing,
    Value(Field),
    /// Several values, as in `DOMAIN\user`.
    Values(Sentence),
}

impl Written {
    fn has_lines(&self) -> bool {
        matches!(self, Self::Value(field) if field.has_lines)
    }
}

/// The longest label there is, in bytes, and some.
const LABEL_BYTES_MAX: usize = 80;

impl Labels {
    /// Reads lines `Label: Field`, `Section:`, and with a tab before it what is in the section.
    pub(super) fn compile(text: &str, until: Vec<String>) -> Result<Self, String> {
        let mut labels = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (label, field) = line.split_once(':').ok_or_else(|| format!("`{line}` has no colon"))?;
            let value = match field.trim() {
                "" | "-" => Written::Nothing,
                fields if fields.contains('{') => Written::Values(Sentence::compile(fields)?),
                field => Written::Value(Field::parse(field)?),
            };
            let in_section = label.starts_with('\t');
            labels.push(Label { text: label.trim().to_owned(), in_section, value });
        }
        let has_sections = labels.iter().any(|label| label.in_section);
        Ok(Self { labels, has_sections, until })
    }

    /// Finds the values in `message`; `false` when there are none.
    ///
    /// A label counts only after those that come before it, so that a value that looks like labels can at
    /// most pretend to be the fields after it.
    pub(super) fn read<'l>(&'l self, message: &str, found: &mut Vec<Found<'l>>) -> bool {
        let mut next = 0;
        // The label whose value may go on in the next line, and the value so far.
        let mut open: Option<(&Label, Range<usize>)> = None;
        let mut after_gap = false;
        // Where the value would end if it went on after empty lines.
        let mut far_end = None;
        // Where it ended before the last line that looks like one that closes the message, if it may have many lines:
        // one before that may be part of it.
        let mut closed = None;
        for (start, line) in lines(message) {
            if let Some((index, label, value)) = self.label(line, next) {
                if let Some((label, mut value)) = open.replace((label, start + value..start + line.len())) {
                    value.end = far_end.take().unwrap_or(value.end);
                    label.take(message, value, found);
                }
                (next, after_gap, closed) = (index + 1, false, None);
            } else if crate::event::trimmed(line).is_empty() {
                after_gap = true;
            } else if let Some((label, value)) = &mut open {
                let has_lines = label.value.has_lines();
                match self.is_closing(line) {
                    true if has_lines => closed = Some(value.end),
                    true => break,
                    false => {}
                }
                // Windows closes many messages with paragraphs that explain them, and a section that is not
                // known begins after an empty line. Otherwise a value that goes on before the next label is
                // one: a command of many lines.
                if has_lines || !(after_gap || self.has_sections && is_of_label(line)) {
                    value.end = start + line.len();
                } else if !self.has_sections {
                    far_end = Some(start + line.len());
                }
            }
        }
        if let Some((label, mut value)) = open {
            value.end = closed.unwrap_or(value.end);
            label.take(message, value, found);
        }
        !found.is_empty()
    }

    /// The label that the line begins with, and where its value begins in the line.
    fn label(&self, line: &str, next: usize) -> Option<(usize, &Label, usize)> {
        let (text, at) = match memchr(b':', line.as_bytes()) {
            Some(colon) => (line.get(..colon)?, colon + 1),
            None => without_colon(line)?,
        };
        if text.len() >= LABEL_BYTES_MAX {
            return None;
        }
        let text = crate::event::trimmed(text);
        let mut in_section = true;
        for (index, label) in self.labels.iter().enumerate().skip(next) {
            in_section &= label.in_section;
            if label.in_section == in_section && label.text == text {
                return Some((index, label, at));
            }
        }
        None
    }

    /// The number of the label whose value is a field of this layout.
    pub(super) fn number_of(&self, field: &Field) -> Option<usize> {
        let is_it = |label: &Label| matches!(&label.value, Written::Value(own) if std::ptr::eq(own, field));
        self.labels.iter().position(is_it)
    }

    /// The field that is the value of a label.
    pub(super) fn field(&self, number: usize) -> Option<&Field> {
        match &self.labels.get(number)?.value {
            Written::Value(field) => Some(field),
            Written::Nothing | Written::Values(_) => None,
        }
    }

    fn is_closing(&self, line: &str) -> bool {
        self.until.iter().any(|opening| line.starts_with(opening.as_str()))
    }
}

impl Label {
    /// Takes the values out of what stands after the label.
    fn take<'l>(&'l self, message: &str, range: Range<usize>, found: &mut Vec<Found<'l>>) {
        let value = trimmed(message, range);
        match &self.value {
            Written::Nothing => {}
            Written::Value(field) => found.push(Found { field, value }),
            Written::Values(sentence) => {
                let n_found = found.len();
                let text = message.get(value.clone()).unwrap_or_default();
                if !sentence.read(text, found) {
                    found.truncate(n_found);
                }
                for found in found.iter_mut().skip(n_found) {
                    found.value = value.start + found.value.start..value.start + found.value.end;
                }
            }
        }
    }
}

/// Whether a line in a section looks like a label and its value, even if no layout has it: newer versions of Windows have
/// more of them.
fn is_of_label(line: &str) -> bool {
    let label =
        line.strip_prefix('\t').filter(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()));
    let colon = label.and_then(|rest| memchr(b':', rest.as_bytes()).filter(|colon| *colon < LABEL_BYTES_MAX));
    let after = label.zip(colon).and_then(|(rest, colon)| rest.get(colon + 1..));
    after.is_some_and(|after| after.is_empty() || after.starts_with('\t'))
}

/// What may be a label that Windows writes without a colon, as it does with some, and where its value begins.
fn without_colon(line: &str) -> Option<(&str, usize)> {
    let n_blanks = line.len() - line.trim_start_matches('\t').len();
    let rest = line.get(n_blanks..)?;
    let end = memchr(b'\t', rest.as_bytes()).unwrap_or(rest.len());
    Some((rest.get(..end)?, n_blanks + end))
}

/// The lines of a text without what ends them, and where they begin.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let (line, length) = match memchr(b'\n', rest.as_bytes()) {
            Some(end) => (rest.get(..end)?, end + 1),
            None => (rest, rest.len()),
        };
        let found = (start, line.strip_suffix('\r').unwrap_or(line));
        start += length;
        Some(found)
    })
}

/// The range without the blanks before the value, and without empty lines after it. Blanks at the end of a
/// value's only line may be the value's own.
fn trimmed(message: &str, range: Range<usize>) -> Range<usize> {
    let text = message.get(range.clone()).unwrap_or_default();
    let text = match text.trim_ascii_start() {
        text if text.bytes().next().is_some_and(|first| first.is_ascii_graphic()) => text,
        text => text.trim_start(),
    };
    let start = range.end - text.len();
    let end = if memchr(b'\n', text.as_bytes()).is_some() { text.trim_end().len() } else { text.len() };
    start..start + end
}
