//! Events as they are written.
//!
//! A [`Subscription`] is asked for what has arrived, and waits if that is nothing. Each batch comes with a
//! bookmark, a text: once what was found in the batch is kept safely, so may be the bookmark, and a later
//! subscription that starts behind it gets neither an event twice nor misses one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evtmap::input::Batch;

use crate::api::{Bookmark, Events, Flags, Origin, Record, Session, Signal, wait};
use crate::error::{Code, LiveError};
use crate::query::{Query, path};
use crate::reader::Known;
use crate::records::{N_RECORDS, RecordBatch};

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the next event that is written.
    Now,
    /// With the oldest that is there.
    Oldest,
    /// Behind the event that a bookmark of an earlier subscription to the same channel stands at. When that
    /// event is gone, because the log was cleared or has turned over, opening fails with `live-cleared`: what
    /// was written meanwhile is lost, and who subscribes is to say so and begin with [`Oldest`](Self::Oldest).
    After(String),
    /// The same where the event need not be among those that the query finds, as when the query is another one
    /// now: with the first of them that is behind it. That some are missing is then not noticed.
    Behind(String),
}

/// Events that have arrived.
pub struct Arrived {
    /// The events.
    pub batch: Box<dyn Batch>,
    /// How many there are.
    pub n_events: usize,
    /// A text with which a later subscription goes on behind them; XML of Windows'.
    pub bookmark: String,
}

/// The events of one channel, as they are written.
pub struct Subscription {
    path: PathBuf,
    events: Events,
    known: Arc<Known>,
    bookmark: Bookmark,
    /// Set by Windows when there is something to read.
    arrival: Signal,
    stop: Stop,
    n_read: u64,
}

/// Ends the waiting of a subscription, from any thread.
#[derive(Clone)]
pub struct Stop(Arc<Signal>);

impl Stop {
    /// What ends the waiting of every subscription that it is given to.
    ///
    /// # Errors
    /// When this is no Windows.
    pub fn new() -> Result<Self, LiveError> {
        Ok(Self(Arc::new(Signal::new()?)))
    }

    /// Ends the waiting. It stays ended: a subscription gives nothing any more.
    pub fn stop(&self) {
        self.0.set();
    }
}

impl Subscription {
    /// Subscribes to a channel. Of the query count its XPath, its computer and whether messages are made.
    ///
    /// # Errors
    /// When the channel is not there or may not be read, the query is not understood, this is no Windows, or,
    /// with [`Start::After`], the event of the bookmark is gone.
    pub fn open(channel: &str, query: &Query, start: &Start, stop: &Stop) -> Result<Self, LiveError> {
        let session = Arc::new(Session::open(query.computer.as_deref())?);
        let arrival = Signal::new()?;
        let bookmark = match start {
            Start::After(text) | Start::Behind(text) => Bookmark::of(Some(text))?,
            Start::Now | Start::Oldest => Bookmark::of(None)?,
        };
        let origin = match start {
            Start::Now => Origin::Future,
            Start::Oldest => Origin::Oldest,
            Start::After(_) => Origin::After(&bookmark),
            Start::Behind(_) => Origin::Behind(&bookmark),
        };
        let events = Events::subscribe(&session, channel, xpath(query), origin, &arrival)?;
        // What is there already may not set it.
        arrival.set();
        Ok(Self {
            path: path(query.computer.as_deref(), channel),
            known: Arc::new(Known::new(&session, query.messages)),
            events,
            bookmark,
            arrival,
            stop: stop.clone(),
            n_read: 0,
        })
    }

    /// The bookmark of the newest event that is there: a subscription behind it gives what comes from now on,
    /// also when it is opened later. There is none where there is no event; then a later subscription from
    /// [`Start::Oldest`] does the same.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn newest(channel: &str, query: &Query) -> Result<Option<String>, LiveError> {
        let session = Session::open(query.computer.as_deref())?;
        let backwards = Flags { is_file: false, is_backwards: true };
        let mut events = Events::query(&session, channel, xpath(query), backwards)?;
        let newest = match events.next(1, None) {
            Ok(records) => records,
            Err(Code::NO_MORE_ITEMS) => return Ok(None),
            Err(code) => return Err(code.into()),
        };
        let Some(newest) = newest.first() else { return Ok(None) };
        let mut bookmark = Bookmark::of(None)?;
        bookmark.update(newest)?;
        Ok(Some(bookmark.text()?))
    }

    /// Numbers events from here on, so that the places of events are the same as if no earlier subscription
    /// had ended.
    #[must_use]
    pub fn counting_from(self, n_read: u64) -> Self {
        Self { n_read, ..self }
    }

    /// What stands for the channel where files have their path: `live:Security`.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The events that have arrived since the last call, at most some hundred. When there are none it waits
    /// so long for some; then, and when it was stopped, there are none.
    ///
    /// # Errors
    /// When the log was cleared or may not be read any longer. A new subscription, behind the last bookmark,
    /// goes on.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Arrived>, LiveError> {
        if self.stop.0.is_set() {
            return Ok(None);
        }
        if let Some(arrived) = self.take()? {
            return Ok(Some(arrived));
        }
        match wait([&self.stop.0, &self.arrival], patience)? {
            Some(1) => Ok(self.take()?),
            _ => Ok(None),
        }
    }

    /// The same without waiting. While nothing arrives it costs next to nothing, so that many subscriptions can
    /// be asked in turn.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn arrived(&mut self) -> Result<Option<Arrived>, LiveError> {
        let may_have_some = self.arrival.is_set() && !self.stop.0.is_set();
        Ok(if may_have_some { self.take()? } else { None })
    }

    /// What is there without waiting.
    fn take(&mut self) -> Result<Option<Arrived>, Code> {
        // What arrives from here on sets it again.
        self.arrival.reset();
        let records: Vec<Record> = match self.events.next(N_RECORDS, Some(0)) {
            Ok(records) => records,
            Err(Code::NO_MORE_ITEMS | Code::TIMEOUT) => return Ok(None),
            Err(code) => return Err(code),
        };
        let Some(last) = records.last() else { return Ok(None) };
        self.bookmark.update(last)?;
        // There may be more than was asked for: then it is not waited for.
        self.arrival.set();
        let (first, n_events) = (self.n_read, records.len());
        self.n_read += n_events as u64;
        let bookmark = self.bookmark.text()?;
        let batch = Box::new(RecordBatch { records, first, known: Arc::clone(&self.known) });
        Ok(Some(Arrived { batch, n_events, bookmark }))
    }
}

fn xpath(query: &Query) -> &str {
    query.xpath.as_deref().unwrap_or("*")
}

#[cfg(test)]
mod tests {
    #[cfg(not(windows))]
    #[test]
    fn elsewhere_it_says_so() {
        assert_eq!(super::Stop::new().err().map(|error| error.code), Some("live-elsewhere"));
    }
}
