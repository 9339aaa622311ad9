//! Tables on the terminal: as wide as they need to be, and no wider than the terminal.

use std::fmt::Write;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::terminal::{HEADING, fit, plain};

/// What stands between two columns.
const BETWEEN: usize = 2;
/// No column is made narrower than this.
const NARROWEST: usize = 8;
/// The widest that a column is where the width of the terminal is not known, as in a pipe.
const WIDEST: usize = 120;

/// A column.
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) kind: ColumnKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Text that is cut where there is no room.
    Text,
    /// Text that is never cut, such as a time.
    Whole,
    /// A number, on the right.
    Number,
}

/// A table that is being filled.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

struct Row {
    cells: Vec<(String, Style)>,
    /// What stands below the row, behind its first column.
    note: String,
}

/// A column of a kind.
pub(crate) const fn column(title: &'static str, kind: ColumnKind) -> Column {
    Column { title, kind }
}

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row; texts may come from a log.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = (String, Style)>) {
        let cells = cells.into_iter().map(|(text, style)| (plain(&text).into_owned(), style)).collect();
        self.rows.push(Row { cells, note: String::new() });
    }

    /// Adds a line below the last row.
    pub(crate) fn note(&mut self, text: String) {
        if let Some(row) = self.rows.last_mut() {
            row.note = text;
        }
    }

    /// The table as text with styles, for a terminal of so many columns.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let mut out = String::new();
        let titles: Vec<(String, Style)> =
            self.columns.iter().map(|column| (column.title.to_owned(), HEADING)).collect();
        self.line(&mut out, &titles, &widths);
        for row in &self.rows {
            self.line(&mut out, &row.cells, &widths);
            if !row.note.is_empty() {
                let _ = writeln!(out, "    {}", row.note);
            }
        }
        out
    }

    fn line(&self, out: &mut String, cells: &[(String, Style)], widths: &[usize]) {
        let n_last = widths.len().saturating_sub(1);
        for (n, (((text, style), width), column)) in cells.iter().zip(widths).zip(&self.columns).enumerate() {
            let text = match column.kind {
                ColumnKind::Number => format!("{text:>width$}"),
                ColumnKind::Text | ColumnKind::Whole => fit(text, *width),
            };
            // Nobody needs blanks at the end of a line.
            let text = if n == n_last { text.trim_end().to_owned() } else { text };
            let _ = write!(out, "{style}{text}{style:#}");
            if n < n_last {
                let _ = write!(out, "{:BETWEEN$}", "");
            }
        }
        while out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
    }

    /// How wide each column is. Where there is too little room, the widest of those that may be cut gives way.
    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let width_of = |n: usize, column: &Column| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(n));
            let widest = cells.map(|(text, _)| text.width()).max().unwrap_or(0);
            let widest = if column.kind == ColumnKind::Text { widest.min(WIDEST) } else { widest };
            widest.max(column.title.width())
        };
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(n, column)| width_of(n, column)).collect();
        let Some(room) = width else { return widths };
        let between = BETWEEN * widths.len().saturating_sub(1);
        loop {
            let too_much = (widths.iter().sum::<usize>() + between).saturating_sub(room);
            let flexible = widths.iter_mut().zip(&self.columns);
            let flexible = flexible.filter(|(width, column)| {
                column.kind == ColumnKind::Text && **width > NARROWEST.max(column.title.width())
            });
            match flexible.map(|(width, _)| width).max() {
                Some(widest) if too_much > 0 => *widest -= 1,
                _ => return widths,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            column("Name", ColumnKind::Text),
            column("n", ColumnKind::Number),
            column("What it is", ColumnKind::Text),
        ]);
        let style = Style::new();
        let row = |name: &str, n: &str, what: &str| [name, n, what].map(|text| (text.to_owned(), style));
        table.row(row("a", "1,234", "something that is rather long"));
        table.row(row("日本\u{1b}[2J", "5", "b"));
        table.note("more".to_owned());
        table
    }

    fn plain_lines(width: Option<usize>) -> Vec<String> {
        let text = anstream::adapter::strip_str(&table().render(width)).to_string();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn wide() {
        assert_eq!(
            plain_lines(None),
            [
                "Name          n  What it is",
                "a         1,234  something that is rather long",
                "日本\u{fffd}[2J      5  b",
                "    more",
            ]
        );
    }

    #[test]
    fn narrow() {
        let lines = plain_lines(Some(30));
        assert_eq!(lines[1], "a         1,234  something th…");
        assert!(lines.iter().all(|line| line.width() <= 30));
    }
}
