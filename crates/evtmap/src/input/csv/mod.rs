//! Tables of events: what the Event Viewer and other programs export as CSV.
//!
//! A table is recognised by its header: the columns of a program that is known, or names that say what they
//! hold. A row that is not valid UTF-8 is read as Windows-1252. A cell that is empty counts as absent.

mod layout;
mod row;
pub(super) mod time;

use std::ops::Range;

use memchr::memchr;

use self::layout::{Column, Layout};
pub use self::row::MAX_COLUMNS;
use self::row::{Row, row_end, row_length};
pub use self::time::DateOrder;
use super::text::{self, Cut, Format, MAX_RECORD_BYTES, Problem, Text, TextInput};
use super::{Dates, DatesFrom, InputError, InputOptions, Opened, Source, shape, time as times};
use crate::event::json::JsonError;
use crate::event::message::Templates;
use crate::event::{Event, Place, Value, trimmed};

pub(super) fn recognises(head: &[u8], options: &InputOptions) -> bool {
    layout::detect(&text::decode_head(head), &options.columns).is_some()
}

pub(super) fn open(source: Source, options: &InputOptions) -> Opened {
    let path = source.path.clone();
    let mut text = Text::new(source);
    let Some((layout, n_header)) = layout::detect(text.ahead(), &options.columns) else {
        let message = "the header does not name an event id and a time";
        return Err(InputError::new("csv-header", &path, message, "export the log with its header line"));
    };
    text.skip(n_header);
    let mut options = options.clone();
    let dates = dates(text.ahead(), &layout, options.date_order);
    options.date_order = dates.map(|dates| dates.order).or(options.date_order);
    Ok(Box::new(TextInput::new(text, Csv { layout, options, dates })))
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
    layout: Layout,
    options: InputOptions,
    dates: Option<Dates>,
}

/// What the rows of a batch use in turn.
#[derive(Debug, Default)]
struct Scratch {
    row: Row,
    templates: Templates,
}

impl Format for Csv {
    type Scratch = Scratch;

    fn kind(&self) -> &'static str {
        "csv"
    }

    fn next(&self, text: &[u8], is_end: bool) -> Cut {
        if text.is_empty() {
            return Cut::Open;
        }
        match row_end(text, self.layout.delimiter, is_end) {
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
        let Scratch { row, templates } = scratch;
        row.split(record, self.layout.delimiter);
        if row.is_blank(record) {
            return Ok(false);
        }
        self.fill(record, row, event)?;
        if event.event_id().is_none() {
            return Err(Problem::new("csv-event-id", "the row has no event id"));
        }
        self.options.origins.complete(event);
        self.options.messages.fill(event, templates);
        Ok(true)
    }

    fn is_unicode(&self) -> bool {
        false
    }

    fn dates(&self) -> Option<Dates> {
        self.dates
    }
}

impl Csv {
    /// Fills `event` from a row, or says what is wrong with it.
    fn fill(&self, record: &str, row: &Row, event: &mut Event) -> Result<(), Problem> {
        if !self.layout.fits(row.len()) {
            let n_cells = match row.len() {
                n_cells if n_cells > MAX_COLUMNS => format!("more than {MAX_COLUMNS}"),
                n_cells => n_cells.to_string(),
            };
            let n_columns = self.layout.n_columns();
            let reason = format!("the row has {n_cells} cells and the header {n_columns}");
            return Err(Problem::new("csv-columns", reason));
        }
        let mut later = Vec::new();
        let names = self.layout.names();
        let held = (!names.is_empty()).then(|| (event.hold(names), event.hold(record)));
        let mut cells = row.cells(record);
        for (index, (column, cell)) in self.layout.columns().iter().zip(cells.by_ref()).enumerate() {
            if let Some(held) = held
                && says_something(cell)
                && let (Some(name), Some(place)) = (self.layout.name_place(index), row.place(index))
            {
                let moved = |place: Range<usize>, by: usize| place.start + by..place.end + by;
                event.push_held(moved(name, held.0), moved(place, held.1));
                continue;
            }
            match column {
                Column::Fallback(_) | Column::Raw if !is_absent(cell) => later.push((column, cell)),
                _ => self.add(column, cell, event)?,
            }
        }
        if let Some(message) = cells.next() {
            self.add(&Column::Message, message, event)?;
        }
        for (column, cell) in later {
            match column {
                Column::Fallback(name) if event.has_system(name) => {}
                Column::Fallback(times::NAME) => times::push(cell, &self.options, event),
                Column::Fallback(name) => event.push(Place::System, name, Value::Text(cell.trim())),
                // What is known already is enough, unless XML has the payload that is missing.
                _ if event.event_id().is_some()
                    && (event.data().next().is_some() || !cell.trim_start().starts_with('<')) => {}
                _ => shape::push_raw(cell, &self.options, event)
                    .map_err(|reason| Problem::new("csv-raw", reason))?,
            }
        }
        Ok(())
    }

    fn add(&self, column: &Column, cell: &str, event: &mut Event) -> Result<(), Problem> {
        let text = trimmed(cell);
        let payload = |error: JsonError| Problem::new("csv-payload", error.to_string());
        match column {
            _ if is_nothing(text) => {}
            Column::EventId if text.parse::<u32>().is_err() => {
                let shown: String = text.chars().take(40).collect();
                let reason = format!("the event id `{shown}` is not a number");
                return Err(Problem::new("csv-event-id", reason));
            }
            Column::EventId => event.push(Place::System, "EventID", Value::Text(text)),
            Column::Time => times::push(text, &self.options, event),
            Column::UtcTime => times::push_utc(text, &self.options, event),
            Column::Message => event.set_message(cell),
            // Some programs write this for what an event does not have.
            Column::System(_) if text == "-" => {}
            Column::System(name) => event.push(Place::System, name, Value::Text(text)),
            Column::Keywords => shape::push_keywords(text, event),
            Column::Channel => {
                let name = self.options.origins.long_channel(text);
                event.push(Place::System, "Channel", Value::Text(name));
            }
            Column::Payload(name) => shape::push_payload(text, name, event).map_err(payload)?,
            Column::NamedData => shape::push_named_data(text, event).map_err(payload)?,
            Column::Details => shape::push_details(text, event),
            Column::Strings => {
                text.split('|').for_each(|part| event.push(Place::Data, "Data", Value::Text(part)));
            }
            Column::DataUnlessOneOf(known, _) if known.contains(&text) => {}
            Column::Data(name) => event.push(Place::Data, name, Value::Text(cell)),
            Column::DataUnlessOneOf(_, name) => event.push(Place::Data, name, Value::Text(cell)),
            Column::Fallback(_) | Column::Raw | Column::Nothing => {}
        }
        Ok(())
    }
}

/// Whether it shows in the first byte of a cell that it holds something; nearly all that do show it.
fn says_something(cell: &str) -> bool {
    cell.bytes().next().is_some_and(|first| first.is_ascii_graphic() && first != b'S')
}

/// Whether a cell holds nothing.
fn is_absent(cell: &str) -> bool {
    is_nothing(trimmed(cell))
}

/// Whether a text without blanks around it says nothing. PowerShell writes the name of a list's type in place of
/// the list.
fn is_nothing(text: &str) -> bool {
    text.is_empty()
        || text.starts_with("System.")
            && (text.ends_with("[]") || text.starts_with("System.Collections.Generic."))
}

#[cfg(test)]
mod tests;
