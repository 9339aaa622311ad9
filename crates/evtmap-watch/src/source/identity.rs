//! Which file it is that lies at a path: another may come to lie there.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

use crate::digest::digest;

/// How many bytes of a file of text are compared.
const HEAD_BYTES: u64 = 256;

/// What the system knows a file by. Where it gives no such number, when the file was made has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), number: metadata.ino() }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let made = metadata.created().ok();
        let made = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
        let number = made.map_or(0, |made| u64::try_from(made.as_nanos()).unwrap_or_default());
        Self { device: 0, number }
    }
}

/// How a file of text begins. What is appended to does not change there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    n_bytes: u64,
    digest: String,
}

impl Head {
    /// The first bytes of a file, of those before `end`.
    pub(super) fn of(file: &File, end: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut reader = file;
        reader.seek(SeekFrom::Start(0))?;
        reader.take(end.min(HEAD_BYTES)).read_to_end(&mut bytes)?;
        Ok(Self { n_bytes: bytes.len() as u64, digest: digest(&bytes, 8) })
    }

    /// Whether a file still begins like this.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        Ok(self.n_bytes == 0 || Self::of(file, self.n_bytes)? == *self)
    }

    /// Whether more of the file could be compared, of what there is before `end`.
    pub(super) fn is_short(&self, end: u64) -> bool {
        self.n_bytes < HEAD_BYTES && self.n_bytes < end
    }
}

/// Reads some bytes of a file at a place; fewer where it ends.
pub(super) fn read_at(file: &File, offset: u64, n_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(n_bytes).unwrap_or_default());
    let mut reader = file;
    reader.seek(SeekFrom::Start(offset))?;
    reader.take(n_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}
