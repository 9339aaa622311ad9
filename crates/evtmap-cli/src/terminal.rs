//! What is printed, and how it looks. Everything from a log goes through [`plain`] first.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use evtmap::Severity;
use unicode_width::UnicodeWidthChar;

use crate::failure::Failure;

/// Headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// What is beside the point.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Warnings.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Remarks.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
/// Errors.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The colour of a severity.
pub(crate) fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Magenta.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Informational => Style::new().dimmed(),
    }
}

/// How many columns standard output has; nothing where it is no terminal.
pub(crate) fn width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(stdout).map(|(width, _)| usize::from(width.0))
}

/// Prints a text with styles to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let written = anstream::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::output("standard output", &error))
}

/// Prints JSON to standard output, in lines that people can read.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    print(&(escaped(&text).into_owned() + "\n"))
}

/// JSON in which what would steer a terminal is written as `\u001b`. Outside of strings JSON has no such
/// character but the ends of lines, so that it says the same.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    let is_harmless = |c: char| c == '\n' || !is_steering(c);
    if json.chars().all(is_harmless) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_harmless(c) {
            text.push(c);
        } else {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        }
    }
    Cow::Owned(text)
}

/// Prints a text with styles to standard error, because something else is on standard output.
pub(crate) fn print_aside(text: &str) -> Result<(), Failure> {
    let written = anstream::stderr().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::output("standard error", &error))
}

/// Prints an error with its help to standard error.
pub(crate) fn error(failure: &Failure) {
    message(ERROR, "error", &failure.to_string(), failure.help_text());
}

/// Prints a warning with its help to standard error.
pub(crate) fn warning(text: &str, help: &str) {
    message(WARNING, "warning", text, help);
}

fn message(style: Style, kind: &str, text: &str, help: &str) {
    let mut out = anstream::stderr().lock();
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(out, "{style}{kind}{style:#}: {}", plain(text));
    if !help.is_empty() {
        let _ = writeln!(out, "  {FAINT}help:{FAINT:#} {}", plain(help));
    }
}

/// A text without what would steer the terminal: control characters, escape sequences, and marks that turn
/// the direction of writing. An attacker writes the log; what we show of it must stay where it is put.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !is_steering(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_steering(c) { '\u{fffd}' } else { c }).collect())
}

fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text cut or filled to so many columns of the terminal.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let text = plain(text);
    let mut fitted = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns > width {
            break;
        }
        fitted.push(c);
        used += columns;
    }
    if fitted.len() < text.len() && width > 0 {
        // Make room for the mark that something is missing.
        while used + 1 > width {
            let Some(last) = fitted.pop() else { break };
            used -= last.width().unwrap_or(0);
        }
        fitted.push('…');
        used += 1;
    }
    fitted.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    fitted
}

/// A number with its thousands apart.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 event`, `2 events`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_pass() {
        assert_eq!(plain("a\u{1b}[31mb\r\n\u{202e}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c");
        assert_eq!(plain("a\u{61c}b"), "a\u{fffd}b");
        assert_eq!(plain("Büro 日本"), "Büro 日本");
    }

    #[test]
    fn json_does_not_steer_and_says_the_same() {
        let value = serde_json::json!({"a": "\u{1b}[31m\u{9b}\u{202e}\u{7f}", "b": "日本"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escaped(&text);
        assert!(escaped.contains(r"\u009b\u202e\u007f") && escaped.contains("日本"), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn texts_fit() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(counted(1, "event"), "1 event");
    }
}
