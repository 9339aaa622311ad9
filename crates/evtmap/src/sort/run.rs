//! A temporary file of sorted alerts.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write};

use super::Key;

/// How much of a file is in memory when it is read or written, in bytes.
const N_BUFFER: usize = 64 << 10;

/// A file that nobody else sees and that goes when it is dropped.
#[derive(Debug)]
pub(super) struct Run(File);

/// A file that is being written.
pub(super) struct RunWriter(BufWriter<File>);

/// A file that is being read.
pub(super) struct RunReader {
    file: BufReader<File>,
    /// The alert that was read last.
    bytes: Vec<u8>,
}

impl Run {
    pub(super) fn writer() -> io::Result<RunWriter> {
        Ok(RunWriter(BufWriter::with_capacity(N_BUFFER, tempfile::tempfile()?)))
    }

    pub(super) fn of<'a>(sorted: impl Iterator<Item = (Key, &'a [u8])>) -> io::Result<Self> {
        let mut writer = Self::writer()?;
        for (key, bytes) in sorted {
            writer.write(key, bytes)?;
        }
        writer.finish()
    }
}

impl RunWriter {
    pub(super) fn write(&mut self, key: Key, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(&[key.rank])?;
        self.0.write_all(&key.nanoseconds.to_le_bytes())?;
        self.0.write_all(&key.number.to_le_bytes())?;
        self.0.write_all(&(bytes.len() as u64).to_le_bytes())?;
        self.0.write_all(bytes)
    }

    pub(super) fn finish(self) -> io::Result<Run> {
        Ok(Run(self.0.into_inner().map_err(io::IntoInnerError::into_error)?))
    }
}

impl RunReader {
    pub(super) fn new(Run(mut file): Run) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self { file: BufReader::with_capacity(N_BUFFER, file), bytes: Vec::new() })
    }

    /// Reads the next alert and gives its key; nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Key>> {
        let mut rank = [0];
        if self.file.read(&mut rank)? == 0 {
            return Ok(None);
        }
        let nanoseconds = i128::from_le_bytes(self.array()?);
        let number = u64::from_le_bytes(self.array()?);
        let n_bytes = u64::from_le_bytes(self.array()?);
        self.bytes.clear();
        // The file is ours; were it damaged, reading ends with it.
        if (&mut self.file).take(n_bytes).read_to_end(&mut self.bytes)? as u64 != n_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let [rank] = rank;
        Ok(Some(Key { rank, nanoseconds, number }))
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        self.file.read_exact(&mut array)?;
        Ok(array)
    }

    /// The alert that was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
