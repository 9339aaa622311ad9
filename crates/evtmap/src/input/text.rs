//! Text that is cut into records: read ahead, handed out in batches of whole records, decoded elsewhere.
//!
//! Text is UTF-8 or UTF-16, with or without a byte order mark. A record that is not valid UTF-8 is read as
//! Windows-1252, as old programs on Windows write it, and is remarked on.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::mem;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr, memchr_iter};

use super::buffers::Buffers;
use super::{Batch, Dates, Decoded, Input, InputError, InputOptions, Position, RecordProblem, Source};
use crate::event::Event;

/// How many bytes a record of a text may have, as UTF-8.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// How much is read at a time, at least, of a format of the usual weight.
const BATCH_BYTES: usize = 128 << 10;

/// A format of text: where its records end, and what they say.
pub(super) trait Format: Send + Sync + 'static {
    /// How much work a byte of it is, compared with one of an event log. Rows of a table say little for an event, and
    /// an alert says much.
    const WEIGHT: u8 = 1;

    /// The kind of file.
    fn kind(&self) -> &'static str;

    /// The first record of `text`, which begins between records. `is_end` says that nothing follows.
    ///
    /// Decided the same for any text that begins like this and in which the record ends.
    fn next(&self, text: &[u8], is_end: bool) -> Cut;

    /// How much of `text` is whole records, where that can be said without finding each.
    fn whole(&self, _text: &[u8], _is_end: bool) -> Option<usize> {
        None
    }

    /// Where the first record of `text` begins, which is not there as a whole.
    fn start(&self, _text: &[u8]) -> usize {
        0
    }

    /// Where the record after a damaged one begins, when `text` is what follows the damaged one's first byte.
    fn resume(&self, text: &[u8]) -> Option<usize>;

    /// Working memory that the records of a batch use in turn.
    type Scratch: Default;

    /// Working memory for a batch.
    fn scratch(&self) -> Self::Scratch {
        Self::Scratch::default()
    }

    /// Takes the working memory of a batch back; what is in it may serve the next.
    fn put_back(&self, _scratch: Self::Scratch) {}

    /// Fills `event` from a record. Gives whether there was any.
    ///
    /// # Errors
    /// What is wrong with the record.
    fn read(&self, record: &str, scratch: &mut Self::Scratch, event: &mut Event) -> Result<bool, Problem>;

    /// Whether a record in an old code page is worth a remark.
    fn is_unicode(&self) -> bool {
        true
    }

    /// How day and month of its dates are told apart, where they do not tell themselves.
    fn dates(&self) -> Option<Dates> {
        None
    }
}

/// The whole records at the start of `text`, each with its place in what is left by those before, and how much
/// they are together.
fn cuts(format: &impl Format, text: &[u8], is_end: bool) -> (Vec<Cut>, usize) {
    let mut cuts = Vec::new();
    let mut end = 0;
    loop {
        let cut = format.next(text.get(end..).unwrap_or_default(), is_end);
        match &cut {
            Cut::Record(range) | Cut::Line(range) | Cut::Damaged(range, _) => end += range.end,
            Cut::Open => return (cuts, end),
        }
        cuts.push(cut);
    }
}

/// What comes first in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A record. What comes before it is of no interest.
    Record(Range<usize>),
    /// A record that is a line, with its end.
    Line(Range<usize>),
    /// A record that cannot be read, and where the next one may begin.
    Damaged(Range<usize>, Problem),
    /// A record that has not ended, or none at all.
    Open,
}

/// What is wrong with a record: a stable code, and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stable code, such as `csv-columns`.
    pub code: &'static str,
    /// What it is, in words.
    pub reason: String,
}

impl Problem {
    pub(super) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// The encoding of a text by its first bytes, and how long its byte order mark is.
fn encoding(head: &[u8]) -> (&'static Encoding, usize) {
    match (Encoding::for_bom(head), head) {
        (Some(found), _) => found,
        // What begins a text of ours is ASCII.
        (None, [first, 0, _, 0, ..]) if *first != 0 => (UTF_16LE, 0),
        (None, [0, first, 0, _, ..]) if *first != 0 => (UTF_16BE, 0),
        (None, _) => (UTF_8, 0),
    }
}

/// The first bytes of a text as UTF-8.
pub(super) fn decode_head(head: &[u8]) -> Cow<'_, [u8]> {
    let (encoding, n_mark) = encoding(head);
    let head = head.get(n_mark..).unwrap_or_default();
    if encoding == UTF_8 {
        return Cow::Borrowed(head);
    }
    Cow::Owned(encoding.decode_without_bom_handling(head).0.into_owned().into_bytes())
}

/// A text in UTF-8, or else in Windows-1252.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// A text that is read ahead.
pub(super) struct Text {
    path: PathBuf,
    size: Option<u64>,
    reader: Box<dyn Read + Send>,
    /// For what is not UTF-8 already.
    decoder: Option<Decoder>,
    /// What was read and not yet handed out.
    text: Vec<u8>,
    /// The same while nobody reads on: what was behind the text that was handed out last.
    rest: Vec<u8>,
    buffers: Arc<Buffers>,
    /// How much is read at a time, at least.
    n_bytes_read: usize,
    is_end: bool,
    /// Why the file could not be read to its end; told when all that was read of it is handed out.
    failed: Option<InputError>,
    /// Where `text` stands in the file.
    position: Position,
    /// Whether characters were replaced that the encoding does not have.
    has_replaced: bool,
}

impl Text {
    /// The text of `source`.
    pub(super) fn new(source: Source, options: &InputOptions) -> Self {
        let Source { path, file, head, size } = source;
        let (encoding, n_mark) = encoding(&head);
        // Lines are what people look for; a text without them has bytes.
        let has_lines = memchr(b'\n', &head).is_some() || encoding != UTF_8;
        let position = if has_lines { Position::Line(1) } else { Position::Byte(n_mark as u64) };
        let mut start = Cursor::new(head);
        start.set_position(n_mark as u64);
        Self {
            path,
            size,
            reader: Box::new(start.chain(file)),
            decoder: (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling()),
            text: Vec::new(),
            rest: Vec::new(),
            buffers: Arc::clone(&options.buffers),
            n_bytes_read: BATCH_BYTES,
            is_end: false,
            failed: None,
            position,
            has_replaced: false,
        }
    }

    /// The first part of what was not yet handed out.
    pub(super) fn ahead(&mut self) -> &[u8] {
        if self.text.is_empty() && !self.is_end {
            self.fill();
        }
        &self.text
    }

    /// Drops the first bytes.
    pub(super) fn skip(&mut self, n_bytes: usize) {
        while self.text.len() < n_bytes && !self.is_end {
            self.fill();
        }
        self.pass(n_bytes);
    }

    /// Goes on with what was behind the text that was handed out last.
    fn go_on(&mut self) {
        if !self.rest.is_empty() {
            self.ask_for_memory();
            self.text.append(&mut self.rest);
            self.rest.shrink_to(BATCH_BYTES);
        }
    }

    /// Each batch takes its text along, and with it the memory.
    fn ask_for_memory(&mut self) {
        if self.text.capacity() == 0 {
            self.text = self.buffers.take();
            self.text.clear();
        }
    }

    /// Reads at least as much again as is there, so that looking for the end of a long record stays cheap.
    fn fill(&mut self) {
        self.ask_for_memory();
        let wanted = self.text.len().max(self.n_bytes_read);
        let Some(mut decoder) = self.decoder.take() else {
            let mut text = mem::take(&mut self.text);
            self.read(wanted, &mut text);
            self.text = text;
            return;
        };
        let mut raw = Vec::with_capacity(wanted);
        self.read(wanted, &mut raw);
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(raw.len()).unwrap_or_default());
        // There is room for all of it.
        let (_, _, has_replaced) = decoder.decode_to_string(&raw, &mut text, self.is_end);
        self.has_replaced |= has_replaced;
        self.text.extend_from_slice(text.as_bytes());
        self.decoder = Some(decoder);
    }

    /// Reads so many bytes, or as many as there are.
    fn read(&mut self, wanted: usize, bytes: &mut Vec<u8>) {
        bytes.reserve(wanted);
        match self.reader.by_ref().take(wanted as u64).read_to_end(bytes) {
            Ok(n_read) => self.is_end = n_read < wanted,
            Err(error) => {
                self.is_end = true;
                self.failed = Some(InputError::io(&self.path, &error));
            }
        }
    }

    /// Takes the first bytes, and gives where they stand. What is behind them waits for whoever [goes on](Self::go_on).
    fn take(&mut self, n_bytes: usize) -> (Position, Vec<u8>) {
        let mut taken = mem::take(&mut self.text);
        self.rest.extend_from_slice(taken.get(n_bytes..).unwrap_or_default());
        taken.truncate(n_bytes);
        let position = self.position;
        self.position = advance(position, &taken);
        (position, taken)
    }

    /// Drops the first bytes, and gives how many there were.
    fn pass(&mut self, n_bytes: usize) -> u64 {
        let passed = self.text.drain(..n_bytes.min(self.text.len()));
        self.position = advance(self.position, passed.as_slice());
        passed.len() as u64
    }
}

/// A text of a format, as an input.
pub(super) struct TextInput<F> {
    text: Text,
    format: Arc<F>,
}

impl<F: Format> TextInput<F> {
    /// Reads what is left of `text`.
    pub(super) fn new(text: Text, format: F) -> Self {
        let text = Text { n_bytes_read: BATCH_BYTES / usize::from(F::WEIGHT), ..text };
        Self { text, format: Arc::new(format) }
    }

    fn read_batch(&mut self) -> Option<Records<F>> {
        self.text.go_on();
        loop {
            let (cuts, n_whole) = match self.format.whole(&self.text.text, self.text.is_end) {
                Some(n_whole) => (None, n_whole),
                None => {
                    let (cuts, n_whole) = cuts(&*self.format, &self.text.text, self.text.is_end);
                    (Some(cuts), n_whole)
                }
            };
            if n_whole > 0 {
                let (position, text) = self.text.take(n_whole);
                return Some(Records { cuts, ..self.records(position, text) });
            }
            if self.text.is_end {
                return None;
            }
            if self.text.text.len() > MAX_RECORD_BYTES {
                return Some(self.give_up());
            }
            self.text.fill();
        }
    }

    fn records(&mut self, position: Position, text: Vec<u8>) -> Records<F> {
        let remark = mem::take(&mut self.text.has_replaced).then(|| {
            let reason = "here or after it are characters that are not valid UTF-16".to_owned();
            RecordProblem { code: "text-encoding", position, reason, lost: false }
        });
        // In UTF-16 most characters take two bytes.
        let n_bytes = text.len() as u64 * if self.text.decoder.is_some() { 2 } else { 1 };
        let (format, buffers) = (Arc::clone(&self.format), Some(Arc::clone(&self.text.buffers)));
        Records { format, n_bytes, text, cuts: None, position, problem: remark, buffers }
    }

    /// Gives up a record that does not end, and goes on where the next one may begin.
    fn give_up(&mut self) -> Records<F> {
        let start = self.format.start(&self.text.text);
        let mut n_bytes = self.text.pass(start);
        let position = self.text.position;
        let mut from = 1;
        loop {
            let found = self.format.resume(self.text.text.get(from..).unwrap_or_default());
            let length = found.map_or(self.text.text.len(), |at| from + at);
            n_bytes += self.text.pass(length);
            if found.is_some() || self.text.is_end {
                break;
            }
            from = 0;
            self.text.fill();
        }
        let mut records = self.records(position, Vec::new());
        records.n_bytes = n_bytes;
        records.problem = Some(lost(position, too_long()));
        records
    }
}

impl<F: Format> Input for TextInput<F> {
    fn kind(&self) -> &'static str {
        self.format.kind()
    }

    fn size(&self) -> Option<u64> {
        self.text.size
    }

    fn dates(&self) -> Option<Dates> {
        self.format.dates()
    }

    fn next_batch(&mut self) -> Option<Result<Box<dyn Batch>, InputError>> {
        match self.read_batch() {
            Some(batch) => Some(Ok(Box::new(batch))),
            None => self.text.failed.take().map(Err),
        }
    }
}

/// Where one stands after some text.
fn advance(position: Position, text: &[u8]) -> Position {
    match position {
        Position::Line(line) => Position::Line(line + memchr_iter(b'\n', text).count() as u64),
        Position::Byte(byte) => Position::Byte(byte + text.len() as u64),
        // A text has no rows.
        Position::Row(row) => Position::Row(row),
    }
}

/// A batch of whole records that somebody else has read, the first of them at a place.
pub(super) fn whole_records<F: Format>(format: &Arc<F>, text: Vec<u8>, position: Position) -> Box<dyn Batch> {
    let (format, n_bytes) = (Arc::clone(format), text.len() as u64);
    Box::new(Records { format, text, cuts: None, n_bytes, position, problem: None, buffers: None })
}

/// Some whole records.
struct Records<F> {
    format: Arc<F>,
    text: Vec<u8>,
    /// The records in it, where they were sought already.
    cuts: Option<Vec<Cut>>,
    n_bytes: u64,
    /// Where `text` begins.
    position: Position,
    /// What is to be said of all of them, or of what was given up in their place.
    problem: Option<RecordProblem>,
    /// Where the memory of the text is to go; none where somebody else has read it.
    buffers: Option<Arc<Buffers>>,
}

impl<F: Format> Batch for Records<F> {
    fn bytes(&self) -> u64 {
        self.n_bytes
    }

    fn weight(&self) -> u64 {
        self.n_bytes * u64::from(F::WEIGHT)
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        if let Some(problem) = self.problem.take() {
            visit(Decoded::Bad(problem));
        }
        let text = mem::take(&mut self.text);
        // Asked once, and of each record only where one of them is not.
        let valid = std::str::from_utf8(&text).ok();
        let mut rest = text.as_slice();
        let mut position = self.position;
        let mut scratch = self.format.scratch();
        let mut cuts = self.cuts.take().map(Vec::into_iter);
        loop {
            let cut = match &mut cuts {
                Some(cuts) => cuts.next().unwrap_or(Cut::Open),
                None => self.format.next(rest, true),
            };
            let (range, is_line, problem) = match cut {
                Cut::Record(range) => (range, false, None),
                Cut::Line(range) => (range, true, None),
                Cut::Damaged(range, problem) => (range, false, Some(problem)),
                Cut::Open => break,
            };
            let (before, after) = rest.split_at_checked(range.end).unwrap_or((rest, &[]));
            rest = after;
            let (gap, record) = before.split_at_checked(range.start).unwrap_or((before, &[]));
            let start = text.len() - rest.len() - record.len();
            let at = advance(position, gap);
            position = match at {
                Position::Line(line) if is_line => Position::Line(line + 1),
                at => advance(at, record),
            };
            match problem {
                None if record.len() > MAX_RECORD_BYTES => visit(Decoded::Bad(lost(at, too_long()))),
                Some(problem) => visit(Decoded::Bad(lost(at, problem))),
                None => {
                    let valid = valid.and_then(|text| text.get(start..start + record.len()));
                    self.record((record, valid, at), &mut scratch, event, visit);
                }
            }
        }
        self.format.put_back(scratch);
        if let Some(buffers) = &self.buffers {
            buffers.put_back(text);
        }
    }
}

impl<F: Format> Records<F> {
    fn record(
        &self,
        (bytes, valid, at): (&[u8], Option<&str>, Position),
        scratch: &mut F::Scratch,
        event: &mut Event,
        visit: &mut dyn FnMut(Decoded<'_>),
    ) {
        let record = match valid.map_or_else(|| std::str::from_utf8(bytes), Ok) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) if !self.format.is_unicode() => WINDOWS_1252.decode_without_bom_handling(bytes).0,
            Err(_) => {
                let reason = "the record is not valid UTF-8 and is read as Windows-1252".to_owned();
                visit(Decoded::Bad(RecordProblem {
                    code: "text-encoding",
                    position: at,
                    reason,
                    lost: false,
                }));
                WINDOWS_1252.decode_without_bom_handling(bytes).0
            }
        };
        event.clear();
        match self.format.read(&record, scratch, event) {
            Ok(true) => visit(Decoded::Event(event, at)),
            Ok(false) => {}
            Err(problem) => visit(Decoded::Bad(lost(at, problem))),
        }
    }
}

pub(super) fn too_long() -> Problem {
    Problem::new("record-too-long", format!("the record does not end within {} MiB", MAX_RECORD_BYTES >> 20))
}

fn lost(position: Position, problem: Problem) -> RecordProblem {
    RecordProblem { code: problem.code, position, reason: problem.reason, lost: true }
}
