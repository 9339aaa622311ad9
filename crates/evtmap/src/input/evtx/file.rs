//! Files of which chunks are read when they are decoded.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many files stay open for chunks that are still to be read. A system may have 256 for a program, and many threads
/// have many small logs under way: of those beyond, chunks are read before they are handed out.
const N_OPEN_MAX: usize = 64;

/// How many event logs are open, of all that read with the same options.
#[derive(Debug, Default)]
pub struct OpenFiles(AtomicUsize);

impl OpenFiles {
    /// How many.
    pub(super) fn n(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// An event log that is open until its last chunk was read.
pub(super) struct LogFile {
    file: File,
    open: Arc<OpenFiles>,
}

impl LogFile {
    pub(super) fn new(file: File, open: &Arc<OpenFiles>) -> Self {
        open.0.fetch_add(1, Ordering::Relaxed);
        Self { file, open: Arc::clone(open) }
    }

    /// Whether chunks may be read later.
    pub(super) fn may_stay_open(&self) -> bool {
        self.open.n() <= N_OPEN_MAX
    }

    /// Fills `bytes` with what begins at a place of the file, as far as there is so much; gives how much.
    pub(super) fn read(&self, mut at: u64, mut bytes: &mut [u8]) -> io::Result<usize> {
        let n_wanted = bytes.len();
        while !bytes.is_empty() {
            match read_at(&self.file, bytes, at) {
                Ok(0) => break,
                Ok(n_read) => {
                    _ = bytes.split_off_mut(..n_read);
                    at += n_read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(n_wanted - bytes.len())
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.open.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads at a place of a file, wherever others read in it.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

/// Reads at a place of a file. Where the next read without a place would begin changes, but there is none.
#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, at)
}
