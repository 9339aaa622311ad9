//! How much may come out of a file: a few packed bytes can stand for endless ones.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{Content, Source};

/// The bounds of what is unpacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many bytes may come out of any file.
    pub(super) free: u64,
    /// How many times as many bytes as the file has may come out of it beyond that. Logs that Windows has made
    /// room for and not filled shrink to a hundredth; nothing that is worth reading shrinks much further.
    pub(super) ratio: u64,
    /// How many members an archive may have.
    pub(super) members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { free: 4 << 30, ratio: 200, members: 100_000 }
    }
}

/// What may still come out of a file and out of all archives in it.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    n_packed: AtomicU64,
    n_unpacked: AtomicU64,
}

/// Why something packed is not read, or not any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::input) struct Refused {
    pub(in crate::input) code: &'static str,
    pub(in crate::input) message: String,
    pub(in crate::input) help: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Refused {}

/// The error for something packed that cannot be read.
pub(super) fn refused(code: &'static str, message: impl Into<String>, help: &'static str) -> io::Error {
    io::Error::other(Refused { code, message: message.into(), help })
}

/// The error for something packed that is damaged.
pub(super) fn damaged(reason: impl fmt::Display) -> io::Error {
    let message = format!("what is packed is damaged or cut off: {reason}");
    refused("input-packed-damaged", message, "copy the file again; what came before the damage was read")
}

impl Budget {
    /// The budget for all that comes out of `source`.
    pub(super) fn new(limits: Limits, source: &mut Source) -> Arc<Self> {
        let n_packed = source.size.unwrap_or(source.head.len() as u64);
        let budget = Arc::new(Self { limits, n_packed: n_packed.into(), n_unpacked: AtomicU64::new(0) });
        // Of a pipe the size is known as it is read.
        if source.size.is_none() {
            let file = std::mem::replace(&mut source.file, Content::Stream(Box::new(io::empty())));
            let counted = Counted { inner: file, budget: Arc::clone(&budget) };
            source.file = Content::Stream(Box::new(counted));
        }
        budget
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Counts what comes out of `inner`, and fails when it is too much.
    pub(super) fn meter(self: &Arc<Self>, inner: impl Read + Send + 'static) -> Content {
        Content::Stream(Box::new(Metered { inner, budget: Arc::clone(self) }))
    }

    fn spend(&self, n_bytes: u64) -> io::Result<()> {
        let n_unpacked = self.n_unpacked.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes;
        let n_packed = self.n_packed.load(Ordering::Relaxed);
        let n_allowed = self.limits.free.saturating_add(n_packed.saturating_mul(self.limits.ratio));
        if n_unpacked <= n_allowed {
            return Ok(());
        }
        let message = format!("{n_packed} packed bytes give more than {n_allowed}; the rest is not read");
        Err(refused("input-bomb", message, "if you trust the file, unpack it and give what was in it"))
    }
}

struct Counted {
    inner: Content,
    budget: Arc<Budget>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.budget.n_packed.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

struct Metered<R> {
    inner: R,
    budget: Arc<Budget>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.budget.spend(n as u64)?;
        Ok(n)
    }
}
