//! An account of what was looked at and what was not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Progress;
use super::feed::Begun;
use super::reading::Read;
use crate::event::Event;
use crate::input::{Dates, Found, InputError, LIVE_PREFIX, RecordProblem};
use crate::policy::PolicyAccount;
use crate::span::TimeSpan;

/// The problems of one kind that are kept of a file with their places; of the others the number is enough.
const N_EXAMPLES: usize = 3;

/// What became of every file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanAccount {
    /// The files in the order in which they were read, then the paths that could not even be looked up.
    pub files: Vec<FileAccount>,
    /// Whether reading ended early because so many events were enough.
    pub is_cut_short: bool,
    /// What correlations could not look at, in words.
    pub remarks: Vec<String>,
    /// The zone in which times were read that name none.
    pub timezone: String,
    /// What the policy hid.
    pub policy: PolicyAccount,
    progress: Progress,
    n_files_begun: usize,
}

/// What became of one file, or of one member of an archive (`archive!member`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileAccount {
    /// The file.
    pub path: PathBuf,
    /// Whether the user named it, or it could not even be looked up. A file that merely lies in a folder may be
    /// of any kind, and to pass it over is no failure.
    pub named: bool,
    /// What it is; nothing when it could not be opened or was not reached.
    pub kind: Option<&'static str>,
    /// Bytes of it that were read.
    pub bytes: u64,
    /// Events that were looked at.
    pub events: u64,
    /// Events passed over because of their time.
    pub out_of_range: u64,
    /// Events passed over because they have no time, and a range of time was asked for.
    pub without_time: u64,
    /// Events that were looked at although they have no time, or none that could be read: they are in no correlation,
    /// and nobody can say when they were.
    pub timeless: u64,
    /// Detections in it.
    pub detections: u64,
    /// The first and last time of the events that were looked at.
    pub span: TimeSpan,
    /// Events that were deleted from their log and found again.
    pub recovered: u64,
    /// Events whose time names no zone, and was read in the one that was asked for.
    pub local_times: u64,
    /// How day and month are told apart in it, where its dates do not begin with the year.
    pub dates: Option<Dates>,
    /// Events whose message could not be taken apart into fields.
    pub unread_messages: UnreadMessages,
    /// Records that could not be read, and remarks on some that could, by their code.
    pub problems: BTreeMap<&'static str, Problems>,
    /// Why it could not be read, or not to its end.
    pub error: Option<InputError>,
}

impl FileAccount {
    /// Whether it is no file but a channel of a running event log.
    pub fn is_channel(&self) -> bool {
        self.path.to_str().is_some_and(|path| path.starts_with(LIVE_PREFIX))
    }
}

/// Problems of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// How many.
    pub n: u64,
    /// How many of them cost events.
    pub n_lost: u64,
    /// The first of them.
    pub examples: Vec<RecordProblem>,
}

/// The kinds of events whose messages are counted one by one; a file may name any number of providers.
const N_UNREAD_KINDS: usize = 1000;

/// Events of which only the message is there, and no layout of it is known: rules see it as keywords only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadMessages {
    by_provider: BTreeMap<String, BTreeMap<u32, u64>>,
    n_kinds: usize,
}

impl UnreadMessages {
    /// Counts the event if its message could not be read.
    pub(super) fn note(&mut self, event: &Event) {
        if let Some(id) = event.event_id().filter(|_| event.is_message_unread()) {
            self.add(event.provider(), id, 1);
        }
    }

    /// Counts those of another account too.
    pub fn join(&mut self, other: &Self) {
        for (provider, id, n) in other.iter() {
            self.add(provider, id, n);
        }
    }

    /// Every kind of event, by provider and event id, and how many of it there were. Beyond a thousand kinds
    /// the others are counted together, as event 0 of no provider.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        let kinds = self.by_provider.iter();
        kinds.flat_map(|(provider, ids)| ids.iter().map(|(id, n)| (provider.as_str(), *id, *n)))
    }

    fn add(&mut self, provider: &str, id: u32, n: u64) {
        if let Some(counted) = self.by_provider.get_mut(provider).and_then(|ids| ids.get_mut(&id)) {
            *counted += n;
            return;
        }
        let (provider, id) = if self.n_kinds < N_UNREAD_KINDS { (provider, id) } else { ("", 0) };
        self.n_kinds += 1;
        *self.by_provider.entry(provider.to_owned()).or_default().entry(id).or_default() += n;
    }
}

impl ScanAccount {
    /// Begins the account of a log, which may be one of many in a file.
    pub(super) fn begin(&mut self, begun: Begun) {
        self.n_files_begun += usize::from(begun.is_first);
        let mut account = FileAccount {
            path: begun.path,
            named: begun.named,
            dates: begun.dates,
            ..FileAccount::default()
        };
        match begun.kind {
            Ok(kind) => account.kind = Some(kind),
            Err(error) => account.error = Some(error),
        }
        self.files.push(account);
    }

    pub(super) fn failed(&mut self, log: usize, error: InputError) {
        if let Some(file) = self.files.get_mut(log) {
            file.error = Some(error);
        }
    }

    /// Adds the files that were not reached, and the paths that could not be looked up.
    pub(super) fn end(&mut self, found: &Found) {
        let files = found.files.iter().map(|file| (file.path.clone(), file.named));
        let all = files.chain(found.logs.iter().map(|log| (log.path(), true)));
        let unreached = all.skip(self.n_files_begun).map(|(path, named)| FileAccount {
            path,
            named,
            ..FileAccount::default()
        });
        let missing = found.problems.iter().map(|error| FileAccount {
            path: error.path.clone(),
            named: true,
            error: Some(error.clone()),
            ..FileAccount::default()
        });
        self.files.extend(unreached.chain(missing));
    }

    pub(super) fn add(&mut self, log: usize, read: Read) {
        let Some(file) = self.files.get_mut(log) else { return };
        self.progress.bytes += read.bytes;
        self.progress.events += read.events;
        self.progress.detections += read.detections;
        file.bytes += read.bytes;
        file.events += read.events;
        file.out_of_range += read.out_of_range;
        file.without_time += read.without_time;
        file.timeless += read.timeless;
        file.local_times += read.local_times;
        file.recovered += read.recovered;
        file.detections += read.detections;
        file.span.join(read.span);
        file.unread_messages.join(&read.unread_messages);
        for problem in read.problems {
            let problems = file.problems.entry(problem.code).or_default();
            problems.n += 1;
            problems.n_lost += u64::from(problem.lost);
            if problems.examples.len() < N_EXAMPLES {
                problems.examples.push(problem);
            }
        }
    }

    /// How far the scan has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The events whose message could not be taken apart.
    pub fn unread_messages(&self) -> UnreadMessages {
        self.files.iter().fold(UnreadMessages::default(), |mut unread, file| {
            unread.join(&file.unread_messages);
            unread
        })
    }

    /// The times between which the events lie.
    pub fn span(&self) -> TimeSpan {
        self.files.iter().fold(TimeSpan::default(), |mut span, file| {
            span.join(file.span);
            span
        })
    }
}
