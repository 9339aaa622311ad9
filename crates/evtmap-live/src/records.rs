//! The events that a query finds, as an input.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evtmap::event::Event;
use evtmap::input::{Batch, Decoded, Input, InputError, Position, RecordProblem};

use crate::KIND;
use crate::api::{Events, Flags, Record, Session};
use crate::error::{Code, LiveError};
use crate::query::{Order, Query, is_file};
use crate::reader::{Known, Reader};

/// How many events are asked for at once.
pub(crate) const N_RECORDS: usize = 256;

/// Events of a log, as they are asked for.
pub(crate) struct Records {
    path: PathBuf,
    events: Events,
    known: Arc<Known>,
    /// How many events are asked for at once: fewer, once Windows said that it is too many for the way that
    /// they come.
    n_records: usize,
    n_read: u64,
    has_ended: bool,
}

impl Records {
    pub(crate) fn open(
        session: &Arc<Session>,
        query: &Query,
        name: &str,
        path: &Path,
    ) -> Result<Box<dyn Input>, Code> {
        let flags = Flags { is_file: is_file(name), is_backwards: query.order == Order::NewestFirst };
        let events = Events::query(session, name, &query.xpath(), flags)?;
        let known = Arc::new(Known::new(session, query.messages));
        let path = path.to_owned();
        Ok(Box::new(Self { path, events, known, n_records: N_RECORDS, n_read: 0, has_ended: false }))
    }

    /// The next events; none at the end.
    fn next(&mut self) -> Result<Vec<Record>, Code> {
        loop {
            match self.events.next(self.n_records, None) {
                // Of large events fewer fit into an answer of another computer's.
                Err(Code::RPC_INVALID_BOUND) if self.n_records > 1 => self.n_records /= 2,
                Err(Code::NO_MORE_ITEMS) => return Ok(Vec::new()),
                next => return next,
            }
        }
    }
}

impl Input for Records {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn next_batch(&mut self) -> Option<Result<Box<dyn Batch>, InputError>> {
        if self.has_ended {
            return None;
        }
        match self.next() {
            Ok(records) if records.is_empty() => {
                self.has_ended = true;
                None
            }
            Ok(records) => {
                let first = self.n_read;
                self.n_read += records.len() as u64;
                Some(Ok(Box::new(RecordBatch { records, first, known: Arc::clone(&self.known) })))
            }
            Err(code) => {
                self.has_ended = true;
                Some(Err(LiveError::new(code).of(&self.path)))
            }
        }
    }
}

/// Events that Windows handed out and that were not rendered yet.
pub(crate) struct RecordBatch {
    pub(crate) records: Vec<Record>,
    /// The number of the first among those of its log.
    pub(crate) first: u64,
    pub(crate) known: Arc<Known>,
}

impl Batch for RecordBatch {
    /// What Windows hands out has no length in bytes.
    fn bytes(&self) -> u64 {
        0
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let records = std::mem::take(&mut self.records);
        let known = Arc::clone(&self.known);
        let mut reader = Reader::new(&known);
        for (record, number) in records.iter().zip(self.first..) {
            let position = Position::Row(number);
            let read = match &mut reader {
                Ok(reader) => reader.read(record, event).map_err(|unread| (unread.code, unread.reason)),
                Err(unread) => Err((unread.code, unread.reason.clone())),
            };
            match read {
                Ok(()) => visit(Decoded::Event(event, position)),
                Err((code, reason)) => {
                    visit(Decoded::Bad(RecordProblem { code, position, reason, lost: true }));
                }
            }
        }
    }
}
