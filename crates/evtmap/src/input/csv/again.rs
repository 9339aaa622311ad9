//! Rows that say what an earlier row said, at another time: the event is taken from there.
//!
//! The Event Viewer's tables have no number of the record, and services do the same all day, so that many rows
//! differ in nothing but the time. To read the message of each costs more than anything else about it.

use std::hash::Hasher;
use std::ops::Range;

use memchr::memchr;

use super::table::Table;
use crate::event::Event;
use crate::recurring::{Met, Recurring, is_small};

/// The rows that came more than once, and their events.
#[derive(Debug, Default)]
pub(super) struct RowsAgain(Recurring<Known>);

#[derive(Debug)]
struct Known {
    row: Box<str>,
    /// Where in it the time stands.
    time: Range<usize>,
    event: Event,
}

/// A row that should be known from now on: its hash, and where its time stands.
pub(super) struct Unknown {
    hash: u64,
    time: Range<usize>,
}

impl RowsAgain {
    /// Fills an event from a row if an earlier one said the same; otherwise, if it came before, what
    /// [`keep`](Self::keep) needs.
    pub(super) fn fill(
        &mut self,
        row: &str,
        table: &Table,
        event: &mut Event,
    ) -> Result<(), Option<Unknown>> {
        if !is_small(row.len()) {
            return Err(None);
        }
        let column = table.layout.time_column();
        let time = column.and_then(|column| place(row, column, table.layout.delimiter)).ok_or(None)?;
        let mut hasher = self.0.hasher();
        let parts = around(row, &time);
        parts.into_iter().for_each(|part| hasher.write(part.as_bytes()));
        hasher.write_usize(time.start);
        let place = match self.0.meet(hasher.finish(), |known| around(&known.row, &known.time) == parts) {
            Met::Known(place) => place,
            Met::Again(hash) => return Err(Some(Unknown { hash, time })),
            Met::First => return Err(None),
        };
        let known = self.0.get(place).ok_or(None)?;
        event.copy_from(&known.event);
        let cell = row.get(time).unwrap_or_default();
        if event.renew_time(|event| table.push_time(cell, event)) {
            return Ok(());
        }
        event.clear();
        Err(None)
    }

    /// Keeps the event of a row for those that say the same, unless there is more about its time than this cell.
    pub(super) fn keep(&mut self, row: &str, unknown: Unknown, table: &Table, event: &mut Event) {
        let Unknown { hash, time } = unknown;
        let n_bytes = row.len() + event.n_bytes();
        if !is_small(n_bytes) || !table.has_time_of_its_cell(event) {
            return;
        }
        let mut other = event.clone();
        let cell = row.get(time.clone()).unwrap_or_default();
        let is_renewed = other.renew_time(|event| table.push_time(cell, event));
        if !is_renewed || !other.is_same(event) || other.time() != event.time() {
            return;
        }
        event.number_saying();
        let known = Known { row: row.into(), time, event: event.clone() };
        self.0.keep(hash, n_bytes, known);
    }
}

/// The row before the time, and after it.
fn around<'r>(row: &'r str, time: &Range<usize>) -> [&'r str; 2] {
    [row.get(..time.start), row.get(time.end..)].map(Option::unwrap_or_default)
}

/// Where the cell of a column stands in a row, without quotes; nothing where it or one before it holds a doubled
/// quote or a text behind the closing one, and where the row ends with it.
fn place(row: &str, column: usize, delimiter: u8) -> Option<Range<usize>> {
    let bytes = row.as_bytes();
    let mut at = 0;
    for left in (0..=column).rev() {
        let is_quoted = bytes.get(at) == Some(&b'"');
        let start = at + usize::from(is_quoted);
        let rest = bytes.get(start..)?;
        let end = start + memchr(if is_quoted { b'"' } else { delimiter }, rest)?;
        let after = end + usize::from(is_quoted);
        if bytes.get(after) != Some(&delimiter) {
            return None;
        }
        if left == 0 {
            return Some(start..end);
        }
        at = after + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::message::Templates;
    use crate::input::InputOptions;

    #[track_caller]
    fn check_place(row: &str, column: usize, expected: Option<&str>) {
        assert_eq!(place(row, column, b',').and_then(|place| row.get(place)), expected, "{row}");
    }

    #[test]
    fn places_of_cells() {
        check_place("a,b,c", 0, Some("a"));
        check_place("a,\"b,b\",c\n", 1, Some("b,b"));
        check_place("\"a\",b,c", 1, Some("b"));
        check_place("\"a\",,c", 1, Some(""));
        // The last cell ends with the row, and quotes that are doubled or late are none of ours.
        check_place("a,b\n", 1, None);
        check_place("\"a\"\"x\",b,c", 0, None);
        check_place("\"a\"\"x\",b,c", 1, None);
        check_place("\"a\"x,b,c", 1, None);
        check_place("\"a", 0, None);
        check_place("", 0, None);
    }

    /// Reads rows of a table one by one, each three times: the events are those that are read without what is
    /// remembered of rows. Gives how many were taken from others.
    #[track_caller]
    fn check(names: &[&str], rows: &[&str]) -> usize {
        let mut table = Table::of_columns(names, &InputOptions::default()).unwrap();
        table.layout.delimiter = b',';
        let mut again = RowsAgain::default();
        let mut n_taken = 0;
        for row in rows.iter().chain(rows).chain(rows) {
            let read = |event: &mut Event| {
                let cells: Vec<&str> = row.split(',').collect();
                table.read(cells.len(), cells.into_iter(), &mut Templates::default(), event)
            };
            let mut expected = Event::new();
            let is_read = read(&mut expected).is_ok();
            let mut event = Event::new();
            match again.fill(row, &table, &mut event) {
                Ok(()) => n_taken += 1,
                Err(unknown) => {
                    assert_eq!(read(&mut event).is_ok(), is_read);
                    unknown
                        .filter(|_| is_read)
                        .into_iter()
                        .for_each(|unknown| again.keep(row, unknown, &table, &mut event));
                }
            }
            assert_eq!(event.to_string(), expected.to_string(), "{row}");
            assert!(event.is_same(&expected) && event.time() == expected.time(), "{row}");
            assert_eq!(event.event_id(), expected.event_id());
        }
        n_taken
    }

    #[test]
    fn events_of_rows_that_differ_in_the_time() {
        let names = ["Level", "Date and Time", "Source", "Event ID", "Task Category"];
        let source = "Microsoft-Windows-Security-Auditing";
        let row = |time: &str, id: &str| format!("Information,{time},{source},{id},Logon");
        let row = |time, id| &*row(time, id).leak();
        let rows = [
            row("3/2/2026 8:00:00 AM", "4624"),
            row("3/2/2026 8:00:01 AM", "4624"),
            row("12/2/2026 11:00:01 PM", "4624"),
            row("2026-03-02T08:00:00.1234567Z", "4624"),
            row("1772438400.25", "4624"),
            row("soon", "4624"),
            row("", "4624"),
            row("1601-01-01T00:00:00Z", "4624"),
            row("3/2/2026 8:00:00 AM", "4625"),
        ];
        // The first two make it known. What is no time is never taken, and 4625 is known at its third time.
        assert_eq!(check(&names, &rows), 3 + 2 * 5 + 1);
    }

    /// A row whose time is from another column is not one of the rows that differ in it.
    #[test]
    fn times_from_elsewhere() {
        let names = ["Date and Time", "@timestamp", "Event ID", "Source"];
        let rows = ["soon,2026-03-02T08:00:00Z,4624,a", "later,2026-03-02T08:00:00Z,4624,a"];
        assert_eq!(check(&names, &rows), 0);
        // Two columns hold a time, which are the same by chance.
        let names = ["TimeCreated_SystemTime", "TimeCreated", "Event ID", "Source"];
        let rows = ["00Z", "00Z", "05Z", "05"]
            .map(|end| &*format!("2026-03-02T08:00:00Z,2026-03-02T08:00:{end},4624,a").leak());
        assert_eq!(check(&names, &rows), 0);
    }

    #[test]
    fn rows_that_cannot_be_read() {
        let names = ["Date and Time", "Event ID", "Source"];
        assert_eq!(check(&names, &["3/2/2026 8:00:00 AM,x,a", "3/2/2026 8:00:00 AM,1", "", ","]), 0);
    }
}
