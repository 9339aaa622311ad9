//! Where one object of a file ends and the next begins, without reading what is in it.

use memchr::{memchr, memchr2, memchr3, memrchr};

use super::super::text::{Cut, Problem};
use crate::event::json::MAX_SKIPPED_DEPTH;

/// How deep arrays and objects may lie in each other: as deep as they are read.
const MAX_DEPTH: usize = MAX_SKIPPED_DEPTH;

/// How the objects of a file follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One in a line. Damage costs its line only.
    Lines,
    /// One after the other, in an array or not, each over one or more lines.
    Document {
        /// How far the lines are indented with which an object begins.
        indent: usize,
        /// Whether the objects are in an array that is itself in an object, of which more may follow.
        is_wrapped: bool,
    },
}

/// Finds the layout of a file by its first bytes, and where its objects begin.
pub(super) fn layout(head: &[u8]) -> (Layout, usize) {
    if number_line(head).is_some() {
        return (Layout::Document { indent: 0, is_wrapped: false }, 0);
    }
    let is_filler = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'[');
    let start = head.iter().position(|byte| !is_filler(byte)).unwrap_or(head.len());
    let rest = head.get(start..).unwrap_or_default();
    if !head.get(..start).unwrap_or_default().contains(&b'[') {
        if let Some(at) = wrapped_array(rest) {
            let (before, _) = head.split_at_checked(start + at).unwrap_or((head, &[]));
            return (
                Layout::Document { indent: indent_at_first(head, before.len()), is_wrapped: true },
                before.len(),
            );
        }
        let line = memchr(b'\n', rest).and_then(|at| rest.get(..at));
        let is_line = |line: &[u8]| object_length(line).is_ok_and(|length| length == Some(line.len()));
        if line.is_some_and(|line| is_line(line.trim_ascii_end())) {
            return (Layout::Lines, 0);
        }
    }
    (Layout::Document { indent: indent_of(head.get(..start).unwrap_or_default()), is_wrapped: false }, 0)
}

/// The length of the line with a number that the `evtx_dump` program puts before each record, if `text` begins with one.
pub(super) fn number_line(text: &[u8]) -> Option<usize> {
    let number = text.strip_prefix(b"Record ")?;
    let n_digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = number.get(n_digits..)?;
    let n_end = [&b"\n"[..], b"\r\n"].into_iter().find(|own| end.starts_with(own))?.len();
    (n_digits > 0).then_some(text.len() - number.len() + n_digits + n_end)
}

/// The indent of the first object after `start`.
fn indent_at_first(head: &[u8], start: usize) -> usize {
    let object = head.get(start..).and_then(|rest| memchr(b'{', rest)).unwrap_or_default();
    indent_of(head.get(..start + object).unwrap_or_default())
}

/// How many blanks stand at the end of `before`, if it ends in the blanks of a line.
fn indent_of(before: &[u8]) -> usize {
    let line = memrchr(b'\n', before).map_or(before, |at| before.get(at + 1..).unwrap_or_default());
    if line.iter().all(|byte| matches!(byte, b' ' | b'\t')) { line.len() } else { 0 }
}

/// The names of the arrays in which programs wrap the events they give out.
const ARRAYS: [&[u8]; 6] =
    [b"\"results\"", b"\"value\"", b"\"hits\"", b"\"events\"", b"\"data\"", b"\"Records\""];

/// Where the array of events begins in an object that wraps it: after its key, at most two levels deep.
fn wrapped_array(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1).filter(|depth| *depth > 0)?,
            b'[' => at += value_length(text.get(at..)?)?.checked_sub(1)?,
            b'"' => {
                let length = string_length(text.get(at..)?).ok()??;
                let key = text.get(at..at + length)?;
                at += length;
                let value = text.get(at..).and_then(after_colon);
                if depth <= 2 && ARRAYS.contains(&key) && value.is_some_and(is_array_of_objects) {
                    return Some(at);
                }
                // Objects deeper than that are passed over.
                if let Some(value) = value
                    && value.first() == Some(&b'{')
                    && depth >= 2
                {
                    at = text.len() - value.len() + value_length(value)?;
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

fn after_colon(text: &[u8]) -> Option<&[u8]> {
    text.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

fn is_array_of_objects(value: &[u8]) -> bool {
    value.strip_prefix(b"[").is_some_and(|items| items.trim_ascii_start().starts_with(b"{"))
}

impl Layout {
    pub(super) fn whole_lines(text: &[u8], is_end: bool) -> usize {
        if is_end { text.len() } else { memrchr(b'\n', text).map_or(0, |at| at + 1) }
    }

    /// The next object.
    pub(super) fn next(self, text: &[u8], is_end: bool) -> Cut {
        match self {
            Self::Lines => next_line(text, is_end),
            Self::Document { is_wrapped, .. } => self.next_object(text, is_end, is_wrapped),
        }
    }

    fn next_object(self, text: &[u8], is_end: bool, is_wrapped: bool) -> Cut {
        let is_filler = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']');
        let is_between = |byte: &u8| if is_wrapped { *byte != b'{' } else { is_filler(byte) };
        let mut start = 0;
        let rest = loop {
            let rest = text.get(start..).unwrap_or_default();
            let Some(n_between) = rest.iter().position(|byte| !is_between(byte)) else { return Cut::Open };
            start += n_between;
            let rest = rest.get(n_between..).unwrap_or_default();
            let Some(n_bytes) = number_line(rest) else { break rest };
            start += n_bytes;
        };
        let problem = if rest.first() == Some(&b'{') {
            match object_length(rest) {
                Ok(Some(length)) => return Cut::Record(start..start + length),
                Ok(None) if !is_end => return Cut::Open,
                Ok(None) => Problem::new("json-unclosed", "the file ends within the object"),
                Err(problem) => problem,
            }
        } else {
            Problem::new("json-stray", "there is something between the objects")
        };
        let after = rest.get(1..).unwrap_or_default();
        let is_stray = rest.first() != Some(&b'{');
        // What follows something stray in its line is tried at once.
        let next = memchr2(b'{', b'\n', after).filter(|at| is_stray && after.get(*at) == Some(&b'{'));
        match next.or_else(|| self.resume(after)) {
            Some(at) => Cut::Damaged(start..start + 1 + at, problem),
            None if is_end => Cut::Damaged(start..text.len(), problem),
            None => Cut::Open,
        }
    }

    /// Where the next object may begin: at a line, or, in a text without lines, after a comma.
    pub(super) fn resume(self, text: &[u8]) -> Option<usize> {
        let Self::Document { indent, .. } = self else {
            return memchr(b'\n', text).map(|at| at + 1);
        };
        let mut from = 0;
        let mut has_lines = false;
        while let Some(at) = text.get(from..).and_then(|rest| memchr(b'\n', rest)) {
            has_lines = true;
            let line = text.get(from + at + 1..)?;
            let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let begins = line.get(blanks..)?.trim_ascii_start();
            let begins = begins.strip_prefix(b",").unwrap_or(begins).trim_ascii_start();
            if blanks <= indent && begins.first() == Some(&b'{') {
                return Some(from + at + 1);
            }
            from += at + 1;
        }
        if has_lines { None } else { memchr::memmem::find(text, b"},{").map(|at| at + 2) }
    }
}

fn next_line(text: &[u8], is_end: bool) -> Cut {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let Some(start) = text.iter().position(|byte| !is_blank(byte)) else { return Cut::Open };
    let rest = text.get(start..).unwrap_or_default();
    match memchr(b'\n', rest) {
        Some(length) => Cut::Line(start..start + length + 1),
        None if is_end => Cut::Record(start..text.len()),
        None => Cut::Open,
    }
}

/// The length of the object with which `text` begins; nothing when it does not end there.
fn object_length(text: &[u8]) -> Result<Option<usize>, Problem> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let Some(byte) = text.get(at) else { return Ok(None) };
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    let reason = format!("arrays and objects lie deeper than {MAX_DEPTH} in each other");
                    return Err(Problem::new("json-depth", reason));
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            }
            b'"' => {
                let Some(length) = string_length(text.get(at..).unwrap_or_default())? else {
                    return Ok(None);
                };
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// The length of an array or object, when it is there as a whole.
fn value_length(text: &[u8]) -> Option<usize> {
    object_length(text).ok().flatten()
}

/// The length of a string, quotes included; nothing when it does not end in `text`.
///
/// JSON has no line ends in strings, so that a missing quote is noticed in its line.
fn string_length(text: &[u8]) -> Result<Option<usize>, Problem> {
    let mut at = 1;
    loop {
        let Some(found) = text.get(at..).and_then(|rest| memchr3(b'"', b'\\', b'\n', rest)) else {
            return Ok(None);
        };
        at += found + 1;
        match text.get(at - 1) {
            Some(b'"') => return Ok(Some(at)),
            Some(b'\\') => at += 1,
            _ => return Err(Problem::new("json-unclosed", "a text is not closed in its line")),
        }
    }
}
