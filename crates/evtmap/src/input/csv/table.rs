//! How the rows of a table are read into events, wherever they are: in a CSV or in memory.

use std::ops::Range;

use super::layout::{Column, Layout};
use super::{MAX_COLUMNS, time};
use crate::event::json::JsonError;
use crate::event::message::Templates;
use crate::event::{Event, Place, Value, trimmed};
use crate::input::text::Problem;
use crate::input::{InputOptions, shape, time as times};

/// What the columns of a table of events mean.
pub struct Table {
    pub(super) layout: Layout,
    pub(super) options: InputOptions,
}

impl Table {
    /// A table with columns of these names, of which it is known that its rows are events; nothing when no
    /// column is an event id or holds the whole event.
    ///
    /// ```
    /// use evtmap::event::Event;
    /// use evtmap::event::message::Templates;
    /// use evtmap::input::{InputOptions, Table};
    ///
    /// let names = ["Event ID", "Date and Time", "Computer"];
    /// let table = Table::of_columns(&names, &InputOptions::default()).unwrap();
    /// let mut event = Event::new();
    /// let cells = ["4625", "12/14/2025 08:01:12 AM", "WS01"].into_iter();
    /// table.read(3, cells, &mut Templates::default(), &mut event).unwrap();
    /// assert_eq!((event.event_id(), event.computer()), (Some(4625), "WS01"));
    /// ```
    pub fn of_columns<S: AsRef<str>>(names: &[S], options: &InputOptions) -> Option<Self> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().trim().to_owned()).collect();
        let layout = Layout::of_events(&names, &options.columns)?;
        Some(Self { layout, options: options.clone() })
    }

    /// Which column holds the time, where one does.
    pub fn time_column(&self) -> Option<usize> {
        self.layout.time_column()
    }

    /// Learns from some times of the table whether day or month comes first, where nobody has said it.
    pub fn learn_date_order<'t>(&mut self, times: impl IntoIterator<Item = &'t str>) {
        if self.options.date_order.is_none() {
            self.options.date_order = times.into_iter().find_map(time::order_in);
        }
    }

    /// Fills an event from the cells of a row, of which there are so many.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn read<'c>(
        &self,
        n_cells: usize,
        cells: impl Iterator<Item = &'c str>,
        templates: &mut Templates,
        event: &mut Event,
    ) -> Result<(), Problem> {
        self.fill((n_cells, None), cells.map(|cell| (cell, None)), event)?;
        self.complete(templates, event)
    }

    /// Adds what the row does not say.
    pub(super) fn complete(&self, templates: &mut Templates, event: &mut Event) -> Result<(), Problem> {
        if event.event_id().is_none() {
            return Err(Problem::new("csv-event-id", "the row has no event id"));
        }
        event.brace_guids();
        self.options.origins.complete(event);
        self.options.messages.fill(event, templates);
        Ok(())
    }

    /// Fills `event` from a row, or says what is wrong with it. The row has so many cells, and may be a text in
    /// which cells have their places.
    pub(super) fn fill<'c>(
        &self,
        (n_cells, record): (usize, Option<&str>),
        mut cells: impl Iterator<Item = (&'c str, Option<Range<usize>>)>,
        event: &mut Event,
    ) -> Result<(), Problem> {
        if !self.layout.fits(n_cells) {
            let n_cells = match n_cells {
                n_cells if n_cells > MAX_COLUMNS => format!("more than {MAX_COLUMNS}"),
                n_cells => n_cells.to_string(),
            };
            let n_columns = self.layout.n_columns();
            let reason = format!("the row has {n_cells} cells and the header {n_columns}");
            return Err(Problem::new("csv-columns", reason));
        }
        let mut later = Vec::new();
        let names = self.layout.names();
        let record = record.filter(|_| !names.is_empty());
        let held = record.map(|record| (event.hold(names), event.hold(record)));
        for (index, (column, (cell, place))) in self.layout.columns().iter().zip(cells.by_ref()).enumerate() {
            if let Some(held) = held
                && says_something(cell)
                && let (Some(label), Some(place)) = (self.layout.label(index), place)
            {
                event.push_held(label.at(held.0), place.start + held.1..place.end + held.1);
                continue;
            }
            match column {
                Column::Fallback(_) | Column::Raw if !is_absent(cell) => later.push((column, cell)),
                _ => self.add(column, cell, event)?,
            }
        }
        if let Some((message, _)) = cells.next() {
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

    /// Whether an event that was read of a row has a time, and this from the cell of the time alone: a row with
    /// another [time](Self::says_time) there is the same event at that time.
    pub fn has_time_of_its_cell(&self, event: &Event) -> bool {
        let is_time =
            |(place, name, _): &(Place, &str, Value<'_>)| *place == Place::System && *name == times::NAME;
        let mut times =
            event.fields().enumerate().filter(|(_, field)| is_time(field)).map(|(place, _)| place);
        self.time_column().is_some()
            && event.time().is_some()
            && times.next().is_some_and(|place| event.passing().has(place))
            && times.next().is_none()
    }

    /// Whether a cell of the time says one. The event is of no further use.
    ///
    /// ```
    /// use evtmap::event::Event;
    /// use evtmap::input::{InputOptions, Table};
    ///
    /// let table = Table::of_columns(&["Event ID", "Date and Time"], &InputOptions::default()).unwrap();
    /// let mut event = Event::new();
    /// assert!(table.says_time("12/14/2025 08:01:12 AM", &mut event));
    /// assert!(!table.says_time("soon", &mut event));
    /// ```
    pub fn says_time(&self, cell: &str, event: &mut Event) -> bool {
        event.clear();
        self.push_time(cell, event);
        event.time().is_some() && event.passing().has(0)
    }

    /// Adds what the cell of the time says.
    pub(super) fn push_time(&self, cell: &str, event: &mut Event) {
        let text = trimmed(cell);
        if !is_nothing(text) {
            times::push(text, &self.options, event);
        }
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
            Column::Time => self.push_time(text, event),
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

/// Whether it shows at the ends of a cell that it holds something, and nothing else beside it; nearly all that do
/// show it.
fn says_something(cell: &str) -> bool {
    match cell.as_bytes() {
        [b'-' | b'S', ..] | [] => false,
        [first, .., last] => first.is_ascii_graphic() && last.is_ascii_graphic(),
        [only] => only.is_ascii_graphic(),
    }
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
