//! A finding with the line that it is about.

use std::fmt::Write;

use anstyle::Style;
use evtmap::sigma::{Finding, Gravity};
use unicode_width::UnicodeWidthChar;

use crate::terminal::{ERROR, FAINT, HEADING, NOTE, WARNING, plain};

/// The widest part of a line that is shown, in columns.
const MAX_COLUMNS: usize = 160;

/// Renders a finding: code, message, place, the line with a mark beneath it, help.
pub(super) fn render(path: &str, lines: &[&str], finding: &Finding) -> String {
    let mut out = String::new();
    let style = style(finding.gravity);
    // Writing to a string does not fail.
    let _ = write_head(&mut out, path, finding, style);
    let line = usize::try_from(finding.place.line).unwrap_or(usize::MAX);
    if let Some(source) = line.checked_sub(1).and_then(|line| lines.get(line)) {
        let _ = write_line(&mut out, source, finding, style);
    }
    if !finding.help.is_empty() {
        let _ = writeln!(out, "  {FAINT}= help:{FAINT:#} {}", plain(&finding.help));
    }
    if finding.fix.is_some() {
        let _ = writeln!(out, "  {FAINT}= `--fix` mends this{FAINT:#}");
    }
    out
}

fn style(gravity: Gravity) -> Style {
    match gravity {
        Gravity::Error => ERROR,
        Gravity::Warning => WARNING,
        Gravity::Remark => NOTE,
    }
}

fn write_head(out: &mut String, path: &str, finding: &Finding, style: Style) -> std::fmt::Result {
    let gravity = finding.gravity.as_str();
    writeln!(
        out,
        "{style}{gravity}[{}]{style:#}: {HEADING}{}{HEADING:#}",
        finding.code,
        plain(&finding.message)
    )?;
    write!(out, "  {FAINT}-->{FAINT:#} {}", plain(path))?;
    if finding.place.line > 0 {
        write!(out, ":{}", finding.place)?;
    }
    writeln!(out)
}

fn write_line(out: &mut String, source: &str, finding: &Finding, style: Style) -> std::fmt::Result {
    let number = finding.place.line.to_string();
    let gutter = " ".repeat(number.len());
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let column = |column: u32| usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let start = column(finding.place.column);
    let is_one_line = finding.end.line == finding.place.line;
    let end = if is_one_line { column(finding.end.column) } else { source.chars().count() };
    let (mut shown, mut mark, mut n_columns) = (String::new(), String::new(), 0);
    for (index, c) in source.chars().enumerate() {
        // A tab is as wide as the terminal likes; here it is one blank, so that the mark stands right.
        let c = if c == '\t' { ' ' } else { c };
        let text = plain(c.encode_utf8(&mut [0; 4])).into_owned();
        let width = text.chars().next().and_then(UnicodeWidthChar::width).unwrap_or(0);
        if n_columns + width > MAX_COLUMNS {
            shown.push('…');
            break;
        }
        n_columns += width;
        shown.push_str(&text);
        let sign = if index < start {
            " "
        } else if index < end.max(start + 1) {
            "^"
        } else {
            ""
        };
        mark.push_str(&sign.repeat(width));
    }
    if mark.trim().is_empty() {
        mark = " ".repeat(start.min(n_columns)) + "^";
    }
    writeln!(out, "{gutter} {FAINT}|{FAINT:#}")?;
    writeln!(out, "{FAINT}{number} |{FAINT:#} {}", shown.trim_end())?;
    writeln!(out, "{gutter} {FAINT}|{FAINT:#} {style}{}{style:#}", mark.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use evtmap::sigma::{Linter, Placeholders};

    #[test]
    fn lines_are_marked() {
        let text = "title: X\ndetection:\n    a: {日本\u{1b}: b, x: y}\n    condition: a and b\n";
        let checked = Linter::new(&(), &Placeholders::default()).check("x.yml", text);
        let finding = checked.findings.iter().find(|finding| finding.code == "field-letter").unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let shown = anstream::adapter::strip_str(&render("x.yml", &lines, finding)).to_string();
        let expected = "\
warning[field-letter]: the field name `日本\u{fffd}` holds `日` (U+65E5)
  --> x.yml:3:9
  |
3 |     a: {日本\u{fffd}: b, x: y}
  |         ^^^^^
";
        assert_eq!(shown, expected);
    }
}
