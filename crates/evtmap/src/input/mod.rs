//! Where events come from: files, recognised by what they hold.
//!
//! An [`Input`] hands out [`Batch`]es of undecoded records in order; any thread may decode a batch into
//! events. One damaged record never costs the others: it is a [`RecordProblem`] among the events.

mod archive;
#[cfg(feature = "arrow")]
pub mod arrow;
mod buffers;
mod csv;
mod evtx;
mod find;
pub mod growing;
mod json;
pub mod memory;
mod shape;
mod text;
mod time;
mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use time::time_zone;

use crate::event::Event;
use crate::event::message::{Messages, Templates};
use crate::event::origin::Origins;

pub use archive::{Log, Logs, logs};
pub use buffers::Buffers;
pub use csv::{DateOrder, MAX_COLUMNS, Table};
pub use evtx::{Combinations, OpenFiles, write_value};
pub use find::{Found, FoundFile, LIVE_PREFIX, STANDARD_INPUT, Unopened, find};
pub use text::{MAX_RECORD_BYTES, Problem};

/// A kind of file. A new kind is a file in this folder and a line in [`KINDS`].
struct Kind {
    /// How many of a file's first bytes are looked at.
    n_bytes: usize,
    /// Whether a file that begins with these bytes is of this kind.
    recognises: fn(head: &[u8], &InputOptions) -> bool,
    open: fn(Source, &InputOptions) -> Opened,
}

type Opened = Result<Box<dyn Input>, InputError>;

/// The kinds of files that can be read; the first that recognises a file reads it.
const KINDS: [Kind; 4] = [
    Kind { n_bytes: FIRST_BYTES, recognises: evtx::recognises, open: evtx::open },
    Kind { n_bytes: HEAD_BYTES, recognises: json::recognises, open: json::open },
    Kind { n_bytes: HEAD_BYTES, recognises: xml::recognises, open: xml::open },
    Kind { n_bytes: HEAD_BYTES, recognises: csv::recognises, open: csv::open },
];

/// How much of a file is read at first: enough for a log's header and the beginning of its first chunk.
const FIRST_BYTES: usize = 8 << 10;
/// How much of a file is read to find out which kind of text it is. A CSV's header must lie in it.
const HEAD_BYTES: usize = 64 << 10;

/// What a reader needs to know beyond the file.
#[derive(Debug, Clone)]
pub struct InputOptions {
    /// The time zone of times that do not name one: an export holds the local time of whoever exported.
    pub timezone: TimeZone,
    /// Whether dates such as `05/06/2026` begin with the day; `None` to find out from the dates.
    pub date_order: Option<DateOrder>,
    /// The form in which times are written, in the notation of `strftime`; times that do not have it are read
    /// as if there were none.
    pub date_pattern: Option<String>,
    /// Whether event logs are also searched for records that were deleted and not overwritten yet.
    pub recover: bool,
    /// Names of columns of tables, and the fields that they are; an empty one is left out. They come before
    /// what a name means otherwise.
    pub columns: BTreeMap<String, String>,
    /// What tells provider and channel where the input does not.
    pub origins: Arc<Origins>,
    /// What tells the fields where the input holds a message in their place; read when an event asks first.
    pub messages: Arc<LazyLock<Messages>>,
    /// What was found out about the records of event logs, for the logs that follow.
    pub combinations: Arc<Combinations>,
    /// Memory into which logs are read, for the logs that follow.
    pub buffers: Arc<Buffers>,
    /// Event logs that are still to be read from.
    pub open: Arc<OpenFiles>,
}

/// UTC, and the tables of origins and messages that are part of the program.
impl Default for InputOptions {
    fn default() -> Self {
        Self {
            timezone: TimeZone::UTC,
            date_order: None,
            date_pattern: None,
            recover: false,
            columns: BTreeMap::new(),
            origins: Arc::new(Origins::bundled()),
            messages: Arc::new(LazyLock::new(Messages::bundled)),
            combinations: Arc::default(),
            buffers: Arc::default(),
            open: Arc::default(),
        }
    }
}

impl InputOptions {
    /// Gives GUIDs their braces, and adds what the input does not say: the origin, and the fields that only the
    /// message tells. An event that has fields of its own needs no message, unless their names are not the event's.
    fn complete(&self, event: &mut Event, has_foreign_names: bool) {
        event.brace_guids();
        self.origins.complete(event);
        let is_bare = |event: &Event| event.data().all(|(name, _)| name == "Data");
        if event.message().is_some() && (has_foreign_names || is_bare(event)) {
            self.messages.fill(event, &mut Templates::default());
        }
    }

    /// What the time zone is called.
    pub fn timezone_name(&self) -> String {
        match self.timezone.iana_name() {
            Some(name) => name.to_owned(),
            None => self.timezone.to_offset(Timestamp::UNIX_EPOCH).to_string(),
        }
    }

    fn time_style(&self) -> csv::time::Style<'_> {
        csv::time::Style {
            pattern: self.date_pattern.as_deref(),
            order: self.date_order,
            zone: &self.timezone,
        }
    }
}

/// How day and month are told apart in dates such as `05/06/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dates {
    /// Which comes first.
    pub order: DateOrder,
    /// How that is known.
    pub from: DatesFrom,
}

/// How the order of day and month is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatesFrom {
    /// Some date of the file can be read in one order only.
    Data,
    /// The user says so.
    Option,
    /// Nothing tells; it is the order that is usual with the sign between the numbers.
    Assumption,
}

impl DatesFrom {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Option => "option",
            Self::Assumption => "assumption",
        }
    }
}

/// A file of events that is being read.
pub trait Input: Send {
    /// The kind of file: `evtx`, `csv`.
    fn kind(&self) -> &'static str;

    /// The size in bytes of what is read, where it is known beforehand.
    fn size(&self) -> Option<u64>;

    /// How day and month are told apart, where the file's dates do not begin with the year.
    fn dates(&self) -> Option<Dates> {
        None
    }

    /// The next batch of records. After an error there is no further one.
    fn next_batch(&mut self) -> Option<Result<Box<dyn Batch>, InputError>>;
}

/// Records that were read but not decoded. Memory is bounded: some hundred KiB, or one large record.
pub trait Batch: Send {
    /// How many bytes of the file this is, about.
    fn bytes(&self) -> u64;

    /// How much work it is, in bytes of an event log, about.
    fn weight(&self) -> u64 {
        self.bytes()
    }

    /// Decodes every record into `event`, one after the other, and shows each to `visit`. A batch is decoded
    /// once: a second call finds nothing.
    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>));
}

/// What became of a record.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// An event and where it stands.
    Event(&'a Event, Position),
    /// A record that could not be read, or a remark on some that could.
    Bad(RecordProblem),
}

/// Where a record stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Position {
    /// The record's first byte, counted from 0.
    Byte(u64),
    /// The record's first line, counted from 1.
    Line(u64),
    /// The place among events in memory, counted from 0.
    Row(u64),
}

impl Position {
    /// The number of the byte, line or row.
    pub fn number(self) -> u64 {
        match self {
            Self::Byte(number) | Self::Line(number) | Self::Row(number) => number,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Byte(byte) => write!(f, "byte {byte}"),
            Position::Line(line) => write!(f, "line {line}"),
            Position::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// What is wrong with a record, or with a chunk of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProblem {
    /// The stable code of the problem, such as `csv-columns`.
    pub code: &'static str,
    /// Where it is.
    pub position: Position,
    /// What it is, in words.
    pub reason: String,
    /// Whether events were lost. A wrong checksum alone loses none.
    pub lost: bool,
}

impl fmt::Display for RecordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.position, self.reason, self.code)
    }
}

/// Why a file or folder could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {message}", path.display())]
pub struct InputError {
    /// The stable code of the error, such as `input-missing`.
    pub code: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong, in words.
    pub message: String,
    /// What can be done about it.
    pub help: &'static str,
}

impl InputError {
    /// An error about a file or what stands for one.
    pub fn new(code: &'static str, path: &Path, message: impl Into<String>, help: &'static str) -> Self {
        Self { code, path: path.to_owned(), message: message.into(), help }
    }

    /// The error for what the system said about `path`.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        if let Some(refused) = error.get_ref().and_then(|inner| inner.downcast_ref::<archive::Refused>()) {
            return Self::new(refused.code, path, &refused.message, refused.help);
        }
        let (code, message, help) = match error.kind() {
            io::ErrorKind::NotFound => ("input-missing", "there is no such file", "check the path"),
            io::ErrorKind::PermissionDenied => (
                "input-denied",
                "reading is not permitted",
                "run as administrator, or copy the file to a place that you may read",
            ),
            io::ErrorKind::IsADirectory => ("input-folder", "this is a folder", "name the files in it"),
            _ => {
                let message = format!("reading failed: {error}");
                return Self::new("input-unreadable", path, message, "check the disk, or copy the file");
            }
        };
        Self::new(code, path, message, help)
    }
}

/// An opened file whose first bytes have been read.
struct Source {
    path: PathBuf,
    /// What comes after the head.
    file: Content,
    head: Vec<u8>,
    /// The size in bytes; `None` for a pipe.
    size: Option<u64>,
}

/// What a file holds.
enum Content {
    /// A file of its own, in which one can move about.
    File(File),
    /// Bytes that come once.
    Stream(Box<dyn Read + Send>),
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

/// What follows the last byte that could be read: an error, once.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl Source {
    /// Reads the first bytes of a file.
    fn new(path: PathBuf, file: Content, size: Option<u64>) -> io::Result<Self> {
        let mut source = Self { path, file, head: Vec::new(), size };
        match source.read_head(FIRST_BYTES) {
            Err(error) if source.head.is_empty() => Err(error),
            // What was read counts; the error comes after it.
            Err(error) => Ok(Self { file: Content::Stream(Box::new(Failed(Some(error)))), ..source }),
            Ok(()) => Ok(source),
        }
    }

    /// Makes the head so long, if the file is.
    fn read_head(&mut self, n_bytes: usize) -> io::Result<()> {
        let n_missing = n_bytes.saturating_sub(self.head.len());
        // Without room for all of it, it would be read in pieces that grow from a few bytes on.
        self.head.reserve_exact(n_missing);
        self.file.by_ref().take(n_missing as u64).read_to_end(&mut self.head).map(drop)
    }

    /// Opens the file at a path, or standard input.
    fn of_path(path: &Path) -> io::Result<Self> {
        if path == Path::new(STANDARD_INPUT) {
            return Self::new(path.to_owned(), Content::Stream(Box::new(io::stdin())), None);
        }
        // Windows opens no folder as a file, and calls that missing rights.
        let file = File::open(path)
            .map_err(|error| if path.is_dir() { io::ErrorKind::IsADirectory.into() } else { error })?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let size = metadata.is_file().then_some(metadata.len());
        let content = if metadata.is_file() { Content::File(file) } else { Content::Stream(Box::new(file)) };
        Self::new(path.to_owned(), content, size)
    }

    /// All of it as it comes.
    fn into_stream(self) -> Content {
        Content::Stream(Box::new(Cursor::new(self.head).chain(self.file)))
    }

    /// The file as one in which one can move about. What comes from a stream is written to a nameless file
    /// first, which is gone when it is closed.
    fn into_file(self) -> io::Result<Spooled> {
        match (self.file, self.size) {
            (Content::File(file), Some(size)) => Ok(Spooled { file, size, cut_off: None }),
            (mut content, _) => {
                let mut file = tempfile::tempfile()?;
                file.write_all(&self.head)?;
                let cut_off = io::copy(&mut content, &mut file).err();
                let size = file.metadata()?.len();
                Ok(Spooled { file, size, cut_off })
            }
        }
    }
}

/// A file in which one can move about.
struct Spooled {
    file: File,
    size: u64,
    /// Why the stream it was written from ended early.
    cut_off: Option<io::Error>,
}

/// Opens a file of events, or the first of an archive. What kind it is follows from its content, not from its
/// name. [`logs`] gives all that an archive holds.
///
/// # Errors
/// When the file cannot be read, is empty, or is of no kind that is known.
pub fn open(path: &Path, options: &InputOptions) -> Result<Box<dyn Input>, InputError> {
    archive::first(path, logs(path, options))
}

/// Opens bytes as if they were a file, or the first log of an archive.
///
/// # Errors
/// When they are no event log.
pub fn open_bytes(bytes: Vec<u8>, options: &InputOptions) -> Result<Box<dyn Input>, InputError> {
    let path = Path::new("bytes");
    let content = Content::Stream(Box::new(Cursor::new(bytes)));
    let source = Source::new(path.to_owned(), content, None);
    archive::first(path, archive::logs_of(path, source, options))
}

fn open_source(mut source: Source, options: &InputOptions) -> Opened {
    if source.head.is_empty() {
        return Err(InputError::new("input-empty", &source.path, "the file is empty", "leave it out"));
    }
    for kind in &KINDS {
        if let Err(error) = source.read_head(kind.n_bytes) {
            source.file = Content::Stream(Box::new(Failed(Some(error))));
        }
        if (kind.recognises)(&source.head, options) {
            return (kind.open)(source, options);
        }
    }
    Err(not_recognised(&source))
}

/// Says as well as possible what a file is that cannot be read.
fn not_recognised(source: &Source) -> InputError {
    let head = source.head.as_slice();
    let named_evtx = source.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("evtx"));
    let (code, message, help) = if head.get(4..8) == Some(b"LfLe") {
        (
            "input-old-log",
            "this is an event log of Windows XP or Server 2003",
            "convert it on Windows: `wevtutil export-log OLD.evt NEW.evtx /lf:true`",
        )
    } else if named_evtx && !head.contains(&0) {
        (
            "input-not-evtx",
            "the file is called .evtx but holds text",
            "export the log again, as an event log (.evtx) or as CSV with its header line",
        )
    } else {
        (
            "input-unrecognised",
            "the content is not that of an event log",
            "give an event log (.evtx), or events as JSON, XML or a CSV whose header names an event id and a time",
        )
    };
    InputError::new(code, &source.path, message, help)
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
