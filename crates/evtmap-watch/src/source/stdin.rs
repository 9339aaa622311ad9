//! Standard input: JSON lines that another program writes.
//!
//! What comes this way comes once. It is taken in portions that are bounded, so that a writer that is faster
//! than the rules waits.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use evtmap::Followed;
use evtmap::input::growing::{GrowingKind, JsonLines};
use evtmap::input::{InputError, MAX_RECORD_BYTES};
use memchr::{memchr, memchr_iter, memrchr};
use serde_json::Value;

use super::tail::Place;
use super::{Opened, Opening, Round, Source};

/// How much is read at a time.
const PORTION_BYTES: usize = 64 << 10;
/// How many portions wait before the writer has to.
const N_PORTIONS: usize = 64;
/// What stands in the place of its path in alerts.
const PATH: &str = "-";

struct StandardInput {
    portions: Receiver<io::Result<Vec<u8>>>,
    /// Bytes that wait in portions.
    n_waiting: Arc<AtomicU64>,
    reader: JsonLines,
    place: Place,
    /// The start of a line whose end has not come.
    rest: Vec<u8>,
    line: u64,
    is_skipping: bool,
    is_over: bool,
}

pub(super) fn open(_: &str, opening: Opening<'_>) -> Opened {
    let (sender, portions) = sync_channel(N_PORTIONS);
    let n_waiting = Arc::new(AtomicU64::new(0));
    let (counted, waker) = (Arc::clone(&n_waiting), opening.waker);
    // It ends with the program: nothing can be asked to give up waiting for standard input.
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut portion = vec![0; PORTION_BYTES];
            let read = stdin.read(&mut portion).map(|n_bytes| {
                portion.truncate(n_bytes);
                portion
            });
            let is_last = read.as_ref().map_or(true, Vec::is_empty);
            counted.fetch_add(read.as_ref().map_or(0, |read| read.len() as u64), Ordering::Relaxed);
            if sender.send(read).is_err() || is_last {
                break;
            }
            waker.wake();
        }
        drop(sender);
        waker.wake();
    });
    Ok(Box::new(StandardInput {
        portions,
        n_waiting,
        reader: JsonLines::new(opening.options),
        place: Place { path: PATH.into(), kind: GrowingKind::JsonLines.as_str(), offset: 0 },
        rest: Vec::new(),
        line: 1,
        is_skipping: false,
        is_over: false,
    }))
}

impl Source for StandardInput {
    fn name(&self) -> &str {
        PATH
    }

    fn read(&mut self, round: &mut Round) {
        while !self.is_over && !round.is_full() {
            match self.portions.try_recv() {
                Ok(Ok(portion)) => {
                    self.n_waiting.fetch_sub(portion.len() as u64, Ordering::Relaxed);
                    self.place.offset += portion.len() as u64;
                    self.add(&portion, round);
                }
                Ok(Err(error)) => {
                    round.refused.push((PATH.to_owned(), InputError::io(PATH.as_ref(), &error)));
                    self.end(round);
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.end(round),
            }
        }
    }

    fn bookmark(&self) -> Value {
        Value::Null
    }

    fn lag(&self) -> u64 {
        self.n_waiting.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.is_over
    }
}

impl StandardInput {
    fn add(&mut self, portion: &[u8], round: &mut Round) {
        let mut portion = portion;
        if self.is_skipping {
            let Some(at) = memchr(b'\n', portion) else { return };
            portion = portion.get(at + 1..).unwrap_or_default();
            self.is_skipping = false;
            self.line += 1;
        }
        let Some(last) = memrchr(b'\n', portion) else {
            self.rest.extend_from_slice(portion);
            if self.rest.len() > MAX_RECORD_BYTES {
                let reason = format!("the line does not end within {} MiB", MAX_RECORD_BYTES >> 20);
                round.tell(&self.place, "record-too-long", reason, true);
                self.rest = Vec::new();
                self.is_skipping = true;
            }
            return;
        };
        let (whole, rest) = portion.split_at(last + 1);
        self.rest.extend_from_slice(whole);
        let lines = std::mem::replace(&mut self.rest, rest.to_vec());
        self.give(lines, round);
    }

    fn give(&mut self, lines: Vec<u8>, round: &mut Round) {
        let line = self.line;
        self.line += memchr_iter(b'\n', &lines).count() as u64;
        let batch = self.reader.batch(lines, line);
        round.push(Followed { path: self.place.path.clone(), kind: self.place.kind, batch });
    }

    /// The last line counts even if it has no end.
    fn end(&mut self, round: &mut Round) {
        self.is_over = true;
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.give(rest, round);
        }
    }
}
