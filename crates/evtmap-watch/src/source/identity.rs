//! Which file it is that lies at a path: another may come to lie there.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::digest;

/// How many bytes of a file of text are compared.
const HEAD_BYTES: u64 = 256;

/// What the system knows a file by: on which disk it lies, and its number there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// Of the file that lies at a path, with what else is known of it.
    #[cfg(unix)]
    pub(crate) fn at(path: &Path) -> io::Result<(Self, Metadata)> {
        let metadata = std::fs::metadata(path)?;
        Ok((Self::in_metadata(&metadata), metadata))
    }

    /// Of a file that is open.
    #[cfg(unix)]
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::in_metadata(&file.metadata()?))
    }

    #[cfg(unix)]
    fn in_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: metadata.dev(), number: metadata.ino() }
    }

    /// The file is opened without any right, which nobody can refuse or is kept from anything by.
    #[cfg(windows)]
    pub(crate) fn at(path: &Path) -> io::Result<(Self, Metadata)> {
        use std::os::windows::fs::OpenOptionsExt as _;
        /// Without it folders cannot be opened.
        const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
        let file = File::options().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)?;
        Ok((Self::of(&file)?, file.metadata()?))
    }

    #[cfg(windows)]
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let known = winapi_util::file::information(file)?;
        Ok(Self { device: known.volume_serial_number(), number: known.file_index() })
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_keeps_its_identity_and_shares_it_with_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let file = File::create(path("log")).unwrap();
        let own = Identity::of(&file).unwrap();
        assert_eq!(Identity::at(&path("log")).unwrap().0, own);
        // As rotation does it: the new one has the name of the old one at once.
        fs::rename(path("log"), path("log.1")).unwrap();
        fs::write(path("log"), "new").unwrap();
        assert_eq!(Identity::at(&path("log.1")).unwrap().0, own);
        let (other, metadata) = Identity::at(&path("log")).unwrap();
        assert!(other != own && metadata.len() == 3);
    }
}
