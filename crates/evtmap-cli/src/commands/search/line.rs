//! An event that was found, as one line.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use evtmap::view::{Hit, Mark, short_channel};
use unicode_width::UnicodeWidthChar as _;

use crate::commands::viewer::Viewer;
use crate::terminal::{FAINT, plain};

/// What was asked for.
const FOUND: Style = AnsiColor::Red.on_default().bold();

/// The largest part of a value that is shown around what was asked for, in characters.
const N_CHARS: usize = 200;
/// How much of it stands before.
const N_BEFORE: usize = 60;

/// The line, cut to the width of the terminal.
pub(super) fn render(hit: &Hit, viewer: &Viewer) -> String {
    let mut line = Line { out: String::new(), left: viewer.width };
    let id = hit.event_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    line.push(FAINT, &viewer.second(hit.time));
    line.push(Style::new(), &format!("  {}  ", if hit.computer.is_empty() { "-" } else { &hit.computer }));
    line.push(Style::new(), &format!("{} {id}", short_channel(&hit.channel)));
    if let Some(record) = hit.record_id {
        line.push(FAINT, &format!("  #{record}"));
    }
    for mark in &hit.marks {
        line.push(FAINT, &format!("  {}=", mark.name));
        line.mark(mark);
    }
    line.out
}

/// A line that is being written.
struct Line {
    out: String,
    /// How many columns are left.
    left: Option<usize>,
}

impl Line {
    /// Adds a text, as much as there is room for.
    fn push(&mut self, style: Style, text: &str) {
        // Ends of lines and tabs are of no harm here, and a blank says as much.
        let text = text.replace("\r\n", " ").replace(['\r', '\n', '\t'], " ");
        let text = plain(&text);
        let mut end = text.len();
        if let Some(left) = &mut self.left {
            for (at, c) in text.char_indices() {
                let width = c.width().unwrap_or(0);
                if width > *left {
                    *left = 0;
                    end = at;
                    break;
                }
                *left -= width;
            }
        }
        let text = text.get(..end).unwrap_or_default();
        if !text.is_empty() {
            let _ = write!(self.out, "{style}{text}{style:#}");
        }
    }

    /// Adds a value, with what was asked for marked in it; of a long one the part around that.
    fn mark(&mut self, mark: &Mark) {
        let Some(value) = mark.value.as_deref() else { return self.push(FAINT, "(nothing)") };
        let found = mark.asked.iter().find_map(|asked| find(value, asked));
        let style = if mark.asked.is_empty() || found.is_some() { Style::new() } else { FOUND };
        let (start, end) = found.unwrap_or((0, 0));
        let first = start_of(value, start, N_BEFORE);
        let last = end_of(value, end, N_CHARS);
        let part = |from: usize, to: usize| value.get(from..to).unwrap_or_default();
        if first > 0 {
            self.push(FAINT, "…");
        }
        self.push(style, part(first, start));
        self.push(FOUND, part(start, end));
        self.push(style, part(end, last));
        if last < value.len() {
            self.push(FAINT, "…");
        }
    }
}

/// Where a text that was asked for is in a value, without regard to ASCII case. What stands for other text in it
/// is not looked for.
fn find(value: &str, asked: &str) -> Option<(usize, usize)> {
    let wanted = asked.trim_matches('*');
    if wanted.is_empty() {
        return None;
    }
    let is_it =
        |at: usize| value.get(at..at + wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted));
    let at = value.char_indices().map(|(at, _)| at).find(|at| is_it(*at))?;
    Some((at, at + wanted.len()))
}

/// The byte so many characters before one.
fn start_of(value: &str, at: usize, n_chars: usize) -> usize {
    let before = value.get(..at).unwrap_or_default();
    before.char_indices().rev().take(n_chars).last().map_or(at, |(at, _)| at)
}

/// The byte so many characters behind one.
fn end_of(value: &str, at: usize, n_chars: usize) -> usize {
    let behind = value.get(at..).unwrap_or_default();
    behind.char_indices().nth(n_chars).map_or(value.len(), |(n, _)| at + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, asked: &[&str], width: Option<usize>, expected: &str) {
        let mark = Mark {
            name: "A".to_owned(),
            value: Some(value.to_owned()),
            asked: asked.iter().map(|text| (*text).to_owned()).collect(),
        };
        let hit = Hit {
            time: None,
            computer: "H".to_owned(),
            channel: "Security".to_owned(),
            event_id: Some(1),
            record_id: None,
            marks: vec![mark],
        };
        let line = render(&hit, &Viewer::of_width(width));
        let marked = line.replace(&FOUND.to_string(), "<");
        let shown = anstream::adapter::strip_str(&marked).to_string();
        assert_eq!(shown, format!("-  H  Security 1  A={expected}"));
    }

    #[test]
    fn what_was_asked_for_is_marked() {
        check("a whoami b", &["WHOAMI"], None, "a <whoami b");
        check("a whoami b", &["*who*"], None, "a <whoami b");
        check("a whoami b", &["a*b"], None, "<a whoami b");
        check("abc", &[], None, "abc");
        check("a\u{1b}[2Jb\r\n\tc", &["b"], None, "a\u{fffd}[2J<b  c");
    }

    #[test]
    fn long_values_are_cut() {
        let long = format!("{}needle{}", "ä".repeat(500), "b".repeat(500));
        let expected = format!("…{}<needle{}…", "ä".repeat(60), "b".repeat(200));
        check(&long, &["needle"], None, &expected);
        check("abcdefgh", &[], Some(24), "abcd");
    }
}
