//! Files to batches of undecoded records, in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::input::{
    self, Batch, Dates, Found, FoundFile, Input, InputError, InputOptions, Log, Logs, Unopened,
};

/// What comes out of the files next. Logs are numbered as they come: a file may be an archive of many.
pub(super) enum Item {
    /// A log was come upon.
    Log(Begun),
    /// Records to decode.
    Batch { log: usize, path: Arc<str>, batch: Box<dyn Batch> },
    /// The log cannot be read any further.
    Failed { log: usize, error: InputError },
}

/// A log that was come upon.
pub(super) struct Begun {
    pub(super) path: PathBuf,
    /// Whether the user named it; members of archives are not.
    pub(super) named: bool,
    /// Whether it is the first of its file.
    pub(super) is_first: bool,
    /// What it is, or why it cannot be opened.
    pub(super) kind: Result<&'static str, InputError>,
    /// How day and month are told apart.
    pub(super) dates: Option<Dates>,
}

/// The batches of all files.
pub(super) struct Feed<'a> {
    files: std::slice::Iter<'a, FoundFile>,
    /// What is read after the files.
    unopened: std::slice::Iter<'a, Box<dyn Unopened>>,
    options: &'a InputOptions,
    /// A log that was open from the start.
    opened: Option<Log>,
    /// The logs of the file that is being read, and whether the user named it.
    logs: Option<(Logs<'a>, bool)>,
    /// Whether the next log is the first of its file.
    is_first: bool,
    open: Option<(Arc<str>, Box<dyn Input>)>,
    n_logs: usize,
    /// Set when nobody wants more.
    is_enough: &'a AtomicBool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(found: &'a Found, options: &'a InputOptions, is_enough: &'a AtomicBool) -> Self {
        let (files, unopened) = (found.files.iter(), found.logs.iter());
        Self { files, unopened, ..Self::empty(options, is_enough) }
    }

    /// The batches of a log that is open already.
    pub(super) fn of_log(log: Log, options: &'a InputOptions, is_enough: &'a AtomicBool) -> Self {
        Self { opened: Some(log), ..Self::empty(options, is_enough) }
    }

    fn empty(options: &'a InputOptions, is_enough: &'a AtomicBool) -> Self {
        Self {
            files: [].iter(),
            unopened: [].iter(),
            options,
            opened: None,
            logs: None,
            is_first: true,
            open: None,
            n_logs: 0,
            is_enough,
        }
    }

    /// What says that nobody wants more.
    pub(super) fn is_enough(&self) -> &'a AtomicBool {
        self.is_enough
    }

    /// Whether what comes next may be long in coming: what is no file may be a pipe that somebody still writes to. In
    /// folders only files are found, so that these are not asked about one by one.
    pub(super) fn may_wait(&self) -> bool {
        let is_file = |found: &FoundFile| !found.named || found.path.is_file();
        self.opened.is_some() || self.unopened.len() > 0 || !self.files.clone().all(is_file)
    }

    /// The next log of the file that is being read.
    fn next_log(&mut self) -> Option<Item> {
        if let Some(log) = self.opened.take() {
            return Some(self.begin(log, true));
        }
        let (logs, named) = self.logs.as_mut()?;
        let named = *named;
        let log = logs.next()?;
        Some(self.begin(log, named))
    }

    fn begin(&mut self, log: Log, is_file_named: bool) -> Item {
        let Log { path, is_member, opened } = log;
        let named = is_file_named && !is_member;
        let is_first = std::mem::take(&mut self.is_first);
        self.n_logs += 1;
        let dates = opened.as_ref().ok().and_then(|input| input.dates());
        let kind = opened.map(|input| {
            let kind = input.kind();
            self.open = Some((Arc::from(path.to_string_lossy().as_ref()), input));
            kind
        });
        Item::Log(Begun { path, named, is_first, kind, dates })
    }
}

impl Iterator for Feed<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        while !self.is_enough.load(Ordering::Relaxed) {
            if let Some((path, input)) = &mut self.open {
                let log = self.n_logs - 1;
                match input.next_batch() {
                    Some(Ok(batch)) => return Some(Item::Batch { log, path: Arc::clone(path), batch }),
                    Some(Err(error)) => {
                        self.open = None;
                        return Some(Item::Failed { log, error });
                    }
                    None => self.open = None,
                }
            } else if let Some(item) = self.next_log() {
                return Some(item);
            } else if let Some(found) = self.files.next() {
                self.logs = Some((input::logs(&found.path, self.options), found.named));
                self.is_first = true;
            } else {
                self.opened = Some(self.unopened.next()?.open());
                self.is_first = true;
            }
        }
        None
    }
}
