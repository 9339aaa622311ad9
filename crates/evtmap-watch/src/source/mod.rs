//! What is watched: where events come from while they are written.
//!
//! A [`Source`] is asked, round after round, for what has come since. It knows how far it was read, and says so
//! in a bookmark that only it understands; a later run gives the bookmark back. One file a kind, and a line in
//! `KINDS`.

mod channel;
mod evtx;
mod file;
mod folder;
mod identity;
mod lines;
mod stdin;
mod tail;

use std::path::Path;
use std::sync::Arc;

use evtmap::Followed;
use evtmap::input::growing::problem;
use evtmap::input::{InputError, InputOptions, Position, RecordProblem};
use evtmap_live::Query;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::own::Own;
use crate::wake::{Noticed, Waker};

pub(crate) use identity::Identity;

/// What can be watched.
pub trait Source: Send {
    /// What it is called, as the user wrote it. Bookmarks are kept by this name.
    fn name(&self) -> &str;

    /// Finds out from where on it is read. After that there is a bookmark, although nothing was read.
    fn begin(&mut self, _round: &mut Round) {}

    /// Gives what has come since, as much of it as there is room for. When the round is dealt with, the
    /// bookmark may be stored.
    fn read(&mut self, round: &mut Round);

    /// How far it was read: what a later run needs to go on where this one ended.
    fn bookmark(&self) -> Value;

    /// How many bytes are known to be there that were not read, about.
    fn lag(&self) -> u64;

    /// Whether nothing will ever come again.
    fn is_over(&self) -> bool {
        false
    }

    /// Where a change tells that something has come. Nowhere if the source wakes the watch itself, or has to
    /// be asked now and then.
    fn noticed(&self) -> Vec<Noticed> {
        Vec::new()
    }
}

/// How a source is opened.
pub struct Opening<'a> {
    /// How far an earlier run read it.
    pub bookmark: Option<Value>,
    /// Whether what is there already is looked at, when no earlier run read it.
    pub from_start: bool,
    /// How files are read.
    pub options: &'a InputOptions,
    /// What the watch itself writes, and does not read.
    pub own: &'a Own,
    /// Wakes the watch when something has come.
    pub waker: Waker,
}

/// A source that is ready to begin.
type Opened = Result<Box<dyn Source>, InputError>;
type Open = for<'a> fn(&str, Opening<'a>) -> Opened;

/// A kind of source.
struct Kind {
    /// Whether what the user named is of this kind.
    recognises: fn(&str) -> bool,
    open: Open,
}

/// The kinds of sources; the first that recognises a name opens it.
const KINDS: [Kind; 3] = [
    Kind { recognises: |name| name == "-", open: stdin::open },
    Kind { recognises: |name| Path::new(name).is_dir(), open: folder::open },
    Kind { recognises: |_| true, open: file::open },
];

/// Opens what a user named.
///
/// # Errors
/// When it cannot be watched.
pub fn open(name: &str, opening: Opening<'_>) -> Opened {
    let kind = KINDS.iter().find(|kind| (kind.recognises)(name));
    let open = kind.map_or(file::open as Open, |kind| kind.open);
    open(name, opening)
}

/// Opens a channel of the running event log. Of the query count its XPath, its computer and whether messages
/// are made.
///
/// # Errors
/// When the channel is not there or may not be read, the query is not understood, or this is no Windows.
pub fn open_channel(channel: &str, query: &Query, opening: Opening<'_>) -> Opened {
    channel::open(channel, query, opening)
}

/// What an earlier run remembered of a source.
fn remembered<T: DeserializeOwned>(bookmark: Option<Value>, path: &Path) -> Result<Option<T>, InputError> {
    bookmark.map(serde_json::from_value).transpose().map_err(|error| {
        let message = format!("what was remembered of it is unreadable: {error}");
        InputError::new("watch-bookmark", path, message, "remove the state to begin anew")
    })
}

/// How many batches a round has room for.
const N_BATCHES: usize = 32;

/// What has come since the last round.
#[derive(Default)]
pub struct Round {
    /// The records, in the order in which they are to be looked at.
    pub followed: Vec<Followed>,
    /// Files that cannot be read, and why.
    pub refused: Vec<(String, InputError)>,
    /// How many batches the source that is being asked may still give.
    n_left: usize,
}

impl Round {
    /// Lets the next source fill its share.
    pub(crate) fn next_source(&mut self, n_sources: usize) {
        self.n_left = (N_BATCHES / n_sources.max(1)).max(2);
    }

    /// Whether the source is to give no more for now.
    pub fn is_full(&self) -> bool {
        self.n_left == 0
    }

    /// Adds records.
    pub fn push(&mut self, followed: Followed) {
        self.n_left = self.n_left.saturating_sub(1);
        self.followed.push(followed);
    }

    /// Tells what became of a file, in the place where it is in what is read of it.
    pub(crate) fn tell(&mut self, place: &tail::Place, code: &'static str, reason: String, lost: bool) {
        let position = Position::Byte(place.offset);
        self.problem((&place.path, place.kind), RecordProblem { code, position, reason, lost });
    }

    /// Tells what became of a file or channel of a kind.
    pub(crate) fn problem(&mut self, (path, kind): (&Arc<str>, &'static str), told: RecordProblem) {
        self.followed.push(Followed { path: Arc::clone(path), kind, batch: problem(told) });
    }
}
