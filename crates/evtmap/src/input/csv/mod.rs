//! Tables of events: what the Event Viewer and PowerShell export as CSV.
//!
//! The table is recognised by its header. Text is UTF-8 or, with a byte order mark, UTF-16; a cell that is not
//! valid UTF-8 is read as Windows-1252. A cell that is empty counts as absent.

mod layout;
mod row;
pub(super) mod time;

use std::borrow::Cow;
use std::io::{self, Cursor, Read};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};
use memchr::{memchr, memchr_iter};

use self::layout::{Column, Layout};
pub use self::row::{MAX_COLUMNS, MAX_ROW_BYTES};
use self::row::{Row, row_length};
pub use self::time::DateOrder;
use super::{Batch, Decoded, Input, InputError, InputOptions, Opened, Position, RecordProblem, Source};
use crate::event::{Event, Place, Value};

/// How much is read at a time, at least: some thousand rows.
const BATCH_BYTES: usize = 512 << 10;
pub(super) fn recognises(head: &[u8]) -> bool {
    let (encoding, n_mark) = Encoding::for_bom(head).unwrap_or((UTF_8, 0));
    let head = head.get(n_mark..).unwrap_or_default();
    if encoding == UTF_8 {
        layout::detect(head).is_some()
    } else {
        layout::detect(encoding.decode_without_bom_handling(head).0.as_bytes()).is_some()
    }
}

pub(super) fn open(source: Source, options: &InputOptions) -> Opened {
    let Source { path, file, head, size } = source;
    let (encoding, n_mark) = Encoding::for_bom(&head).unwrap_or((UTF_8, 0));
    let mut start = Cursor::new(head);
    start.set_position(n_mark as u64);
    let mut text = TextReader {
        input: Box::new(start.chain(file)),
        decoder: (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling()),
        text: Vec::new(),
        is_end: false,
    };
    text.fill().map_err(|error| InputError::io(&path, &error))?;
    let Some((layout, n_header)) = layout::detect(&text.text) else {
        let message = "the header does not name an event id and a time";
        return Err(InputError::new("csv-header", &path, message, "export the log with its header line"));
    };
    let n_lines = text.take(n_header).iter().filter(|byte| **byte == b'\n').count();
    let mut options = options.clone();
    options.date_order = options.date_order.or_else(|| date_order(&text, &layout));
    let table = Arc::new(Table { layout, options });
    Ok(Box::new(Csv { path, size, text, table, line: 1 + n_lines as u64 }))
}

/// The order of day and month, as far as the first part of the file shows it.
fn date_order(text: &TextReader, layout: &Layout) -> Option<DateOrder> {
    let column = layout.time_column()?;
    let mut row = Row::default();
    rows(&text.text, layout.delimiter, text.is_end).find_map(|bytes| {
        row.split(bytes, layout.delimiter);
        time::order_in(&to_text(row.cells().nth(column)?))
    })
}

/// The whole rows at the start of `bytes`.
fn rows(mut bytes: &[u8], delimiter: u8, is_end: bool) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = row_length(bytes, delimiter, is_end).filter(|_| !bytes.is_empty())?;
        let (row, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        Some(row)
    })
}

fn to_text(cell: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(cell) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(cell).0,
    }
}

/// Reads a file as UTF-8, as far ahead as is asked for.
struct TextReader {
    input: Box<dyn Read + Send>,
    /// For what is not UTF-8 already.
    decoder: Option<Decoder>,
    /// What was read and not yet taken.
    text: Vec<u8>,
    is_end: bool,
}

impl TextReader {
    /// Reads at least as much again as is there, so that looking for the end of a long row stays cheap.
    fn fill(&mut self) -> io::Result<()> {
        let wanted = self.text.len().max(BATCH_BYTES);
        let mut input = self.input.by_ref().take(wanted as u64);
        let Some(decoder) = &mut self.decoder else {
            self.is_end = input.read_to_end(&mut self.text)? < wanted;
            return Ok(());
        };
        let mut raw = Vec::with_capacity(wanted);
        self.is_end = input.read_to_end(&mut raw)? < wanted;
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(raw.len()).unwrap_or_default());
        // There is room for all of it, and what cannot be decoded is replaced.
        let _ = decoder.decode_to_string(&raw, &mut text, self.is_end);
        self.text.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Takes the first `n_bytes`.
    fn take(&mut self, n_bytes: usize) -> Vec<u8> {
        let rest = self.text.split_off(n_bytes.min(self.text.len()));
        mem::replace(&mut self.text, rest)
    }

    /// Drops everything up to the next line, and says how much that was.
    fn drop_line(&mut self) -> io::Result<u64> {
        let mut n_bytes = 0;
        loop {
            if let Some(at) = memchr(b'\n', &self.text) {
                return Ok(n_bytes + self.take(at + 1).len() as u64);
            }
            n_bytes += mem::take(&mut self.text).len() as u64;
            if self.is_end {
                return Ok(n_bytes);
            }
            self.fill()?;
        }
    }
}

/// What decoding a row takes.
struct Table {
    layout: Layout,
    options: InputOptions,
}

struct Csv {
    path: PathBuf,
    size: Option<u64>,
    text: TextReader,
    table: Arc<Table>,
    /// The line at which `text` stands.
    line: u64,
}

impl Input for Csv {
    fn kind(&self) -> &'static str {
        "csv"
    }

    fn size(&self) -> Option<u64> {
        self.size
    }

    fn next_batch(&mut self) -> Option<Result<Box<dyn Batch>, InputError>> {
        let batch = self.read_batch().transpose()?;
        if batch.is_err() {
            self.text.text.clear();
            self.text.is_end = true;
        }
        Some(batch.map(|batch| Box::new(batch) as Box<dyn Batch>))
    }
}

impl Csv {
    fn read_batch(&mut self) -> Result<Option<Rows>, InputError> {
        loop {
            let TextReader { text, is_end, .. } = &self.text;
            let length = rows(text, self.table.layout.delimiter, *is_end).map(<[u8]>::len).sum();
            if length > 0 {
                let bytes = self.text.take(length);
                let n_lines = memchr_iter(b'\n', &bytes).count() as u64;
                return Ok(Some(self.rows(bytes, n_lines)));
            }
            if *is_end && text.is_empty() {
                return Ok(None);
            }
            if *is_end || text.len() > MAX_ROW_BYTES {
                return self.broken_row().map(Some);
            }
            self.text.fill().map_err(|error| InputError::io(&self.path, &error))?;
        }
    }

    fn rows(&mut self, bytes: Vec<u8>, n_lines: u64) -> Rows {
        let (line, table) = (self.line, Arc::clone(&self.table));
        self.line += n_lines;
        Rows { table, n_bytes: self.file_bytes(bytes.len() as u64), bytes, line, broken: None }
    }

    /// Gives up the line at which a row begins that does not end.
    ///
    /// The rows after it are sought anew, which stays cheap: a row that a quote keeps open has no single
    /// quote in all that was searched, and only a single quote keeps another one open.
    fn broken_row(&mut self) -> Result<Rows, InputError> {
        let reason = if self.text.text.len() > MAX_ROW_BYTES {
            format!("the row does not end within {} MiB", MAX_ROW_BYTES >> 20)
        } else {
            "a quote is opened and not closed".to_owned()
        };
        let n_bytes = self.text.drop_line().map_err(|error| InputError::io(&self.path, &error))?;
        let mut rows = self.rows(Vec::new(), 1);
        rows.n_bytes = self.file_bytes(n_bytes);
        rows.broken = Some(("csv-unclosed", reason));
        Ok(rows)
    }

    /// How many bytes of the file are so many bytes of text, about: in UTF-16 a character takes two.
    fn file_bytes(&self, n_bytes: u64) -> u64 {
        if self.text.decoder.is_some() { n_bytes * 2 } else { n_bytes }
    }
}

/// Some rows of the table.
struct Rows {
    table: Arc<Table>,
    bytes: Vec<u8>,
    n_bytes: u64,
    /// The line at which the first row begins.
    line: u64,
    /// Why these are no rows but a line that was given up.
    broken: Option<(&'static str, String)>,
}

impl Batch for Rows {
    fn bytes(&self) -> u64 {
        self.n_bytes
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let bytes = mem::take(&mut self.bytes);
        let delimiter = self.table.layout.delimiter;
        let mut line = self.line;
        let mut cells = Row::default();
        for row in rows(&bytes, delimiter, true) {
            let position = Position::Line(line);
            line += memchr_iter(b'\n', row).count() as u64;
            cells.split(row, delimiter);
            if cells.is_blank() {
                continue;
            }
            event.clear();
            visit(match self.table.read(&cells, event) {
                Ok(()) => Decoded::Event(event, position),
                Err((code, reason)) => Decoded::Bad(RecordProblem { code, position, reason, lost: true }),
            });
        }
        if let Some((code, reason)) = self.broken.take() {
            let position = Position::Line(line);
            visit(Decoded::Bad(RecordProblem { code, position, reason, lost: true }));
        }
    }
}

impl Table {
    /// Fills `event` from a row, or says what is wrong with it: a code, and words.
    fn read(&self, row: &Row, event: &mut Event) -> Result<(), (&'static str, String)> {
        let Some(columns) = self.layout.columns(row.len()) else {
            let n_cells = match row.len() {
                n_cells if n_cells > MAX_COLUMNS => format!("more than {MAX_COLUMNS}"),
                n_cells => n_cells.to_string(),
            };
            let n_columns = self.layout.n_columns();
            return Err(("csv-columns", format!("the row has {n_cells} cells and the header {n_columns}")));
        };
        for (column, cell) in columns.zip(row.cells()) {
            let text = to_text(cell);
            let trimmed = text.trim();
            match column {
                _ if trimmed.is_empty() => {}
                Column::EventId if trimmed.parse::<u32>().is_err() => {
                    let shown: String = trimmed.chars().take(40).collect();
                    return Err(("csv-event-id", format!("the event id `{shown}` is not a number")));
                }
                Column::EventId => event.push(Place::System, "EventID", Value::Text(trimmed)),
                Column::Time => self.push_time(trimmed, event),
                Column::Message => event.set_message(&text),
                Column::System(name) => event.push(Place::System, name, Value::Text(trimmed)),
                Column::Data(name) => event.push(Place::Data, name, Value::Text(&text)),
                Column::Nameless => {}
            }
        }
        if event.event_id().is_none() {
            return Err(("csv-event-id", "the row has no event id".to_owned()));
        }
        self.options.origins.complete(event);
        self.options.messages.fill(event);
        Ok(())
    }

    /// Adds the time as Windows writes it; one that cannot be read stays as it is.
    fn push_time(&self, text: &str, event: &mut Event) {
        const NAME: &str = "TimeCreated_SystemTime";
        match time::parse(text, self.options.date_order, &self.options.timezone) {
            Some(time) => event.push_display(Place::System, &[NAME], time),
            None => event.push(Place::System, NAME, Value::Text(text)),
        }
    }
}
