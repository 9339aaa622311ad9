//! Tables of events: what the Event Viewer and other programs export as CSV.
//!
//! A table is recognised by its header: the columns of a program that is known, or names that say what they
//! hold. A row that is not valid UTF-8 is read as Windows-1252. A cell that is empty counts as absent.

mod again;
mod layout;
mod row;
mod table;
pub(super) mod time;

use memchr::memchr;

use self::again::RowsAgain;
use self::layout::Layout;
pub use self::row::MAX_COLUMNS;
use self::row::{Row, row_end, row_length};
pub use self::table::Table;
pub use self::time::DateOrder;
use super::text::{self, Cut, Format, MAX_RECORD_BYTES, Problem, Text, TextInput};
use super::{Dates, DatesFrom, InputError, InputOptions, Opened, Source};
use crate::event::Event;
use crate::event::message::Templates;
use crate::idle::Idle;

pub(super) fn recognises(head: &[u8], options: &InputOptions) -> bool {
    layout::detect(&text::decode_head(head), &options.columns).is_some()
}

pub(super) fn open(source: Source, options: &InputOptions) -> Opened {
    let path = source.path.clone();
    let mut text = Text::new(source, options);
    let Some((layout, n_header)) = layout::detect(text.ahead(), &options.columns) else {
        let message = "the header does not name an event id and a time";
        return Err(InputError::new("csv-header", &path, message, "export the log with its header line"));
    };
    text.skip(n_header);
    let mut options = options.clone();
    let dates = dates(text.ahead(), &layout, options.date_order);
    options.date_order = dates.map(|dates| dates.order).or(options.date_order);
    Ok(Box::new(TextInput::new(text, Csv { table: Table { layout, options }, dates, idle: Idle::default() })))
}

/// The order of day and month, as far as the first part of the file shows it; nothing when its dates need none.
fn dates(text: &[u8], layout: &Layout, wanted: Option<DateOrder>) -> Option<Dates> {
    let column = layout.time_column()?;
    let mut row = Row::default();
    let mut assumed = None;
    for bytes in rows(text, layout.delimiter) {
        let text = text::lossy(bytes);
        row.split(&text, layout.delimiter);
        let Some(cell) = row.cells(&text).nth(column) else { continue };
        if time::has_year_first(cell) {
            return None;
        }
        assumed = assumed.or_else(|| time::usual_order(cell));
        if assumed.is_some()
            && wanted.is_none()
            && let Some(order) = time::order_in(cell)
        {
            return Some(Dates { order, from: DatesFrom::Data });
        }
    }
    let assumed = Dates { order: assumed?, from: DatesFrom::Assumption };
    Some(wanted.map_or(assumed, |order| Dates { order, from: DatesFrom::Option }))
}

/// The whole rows at the start of `bytes`.
fn rows(mut bytes: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = row_length(bytes, delimiter, true).filter(|_| !bytes.is_empty())?;
        let (row, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        Some(row)
    })
}

struct Csv {
    table: Table,
    dates: Option<Dates>,
    /// What batches learnt of messages and no other batch uses at the moment.
    idle: Idle<Scratch>,
}

/// What the rows of a batch use in turn.
#[derive(Debug, Default)]
struct Scratch {
    row: Row,
    templates: Templates,
    again: RowsAgain,
}

impl Format for Csv {
    const WEIGHT: u8 = 2;

    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        self.idle.take()
    }

    fn put_back(&self, scratch: Scratch) {
        self.idle.put_back(scratch);
    }

    fn kind(&self) -> &'static str {
        "csv"
    }

    fn next(&self, text: &[u8], is_end: bool) -> Cut {
        if text.is_empty() {
            return Cut::Open;
        }
        match row_end(text, self.table.layout.delimiter, is_end) {
            Some((length, true)) => Cut::Line(0..length),
            Some((length, false)) => Cut::Record(0..length),
            // The rows after it are sought anew, which stays cheap: a row that a quote keeps open has no single
            // quote in all that was searched, and only a single quote keeps another one open.
            None if is_end => {
                let is_long = text.len() > MAX_RECORD_BYTES;
                let unclosed = || Problem::new("csv-unclosed", "a quote is opened and not closed");
                let problem = if is_long { text::too_long() } else { unclosed() };
                Cut::Damaged(0..self.resume(text).unwrap_or(text.len()), problem)
            }
            None => Cut::Open,
        }
    }

    fn resume(&self, text: &[u8]) -> Option<usize> {
        memchr(b'\n', text).map(|at| at + 1)
    }

    fn read(&self, record: &str, scratch: &mut Scratch, event: &mut Event) -> Result<bool, Problem> {
        let Scratch { row, templates, again } = scratch;
        let unknown = match again.fill(record, &self.table, event) {
            Ok(()) => return Ok(true),
            Err(unknown) => unknown,
        };
        row.split(record, self.table.layout.delimiter);
        if row.is_blank(record) {
            return Ok(false);
        }
        let cells = row.cells(record).enumerate().map(|(index, cell)| (cell, row.place(index)));
        self.table.fill((row.len(), Some(record)), cells, event)?;
        self.table.complete(templates, event)?;
        unknown.into_iter().for_each(|unknown| again.keep(record, unknown, &self.table, event));
        Ok(true)
    }

    fn is_unicode(&self) -> bool {
        false
    }

    fn dates(&self) -> Option<Dates> {
        self.dates
    }
}

#[cfg(test)]
mod tests;
