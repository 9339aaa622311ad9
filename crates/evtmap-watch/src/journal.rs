//! The matches that correlations may still be about, as they are kept beside the state.
//!
//! They are appended as they come, and the state says how much of the journal counts, with a checksum of it. When
//! more than half of it is over, those that still count are written to a new one.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use evtmap::KeptMatch;

use crate::error::WatchError;
use crate::state::JournalMark;

/// So many matches may be over before a new journal is written.
const N_OVER: u64 = 1000;
/// The largest journal that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    file: Option<File>,
    mark: JournalMark,
    hasher: crc32fast::Hasher,
    /// The journal before this one, which the state may still name.
    before: Option<u64>,
}

impl Journal {
    /// Opens the journal that a state names, and gives the matches in it. What cannot be read is given in words
    /// instead, and is lost to correlations alone.
    pub(crate) fn open(
        folder: &Path,
        mark: Option<JournalMark>,
    ) -> (Self, Vec<KeptMatch>, Option<WatchError>) {
        let fresh = |number| Self {
            folder: folder.to_owned(),
            file: None,
            mark: JournalMark { number, n_bytes: 0, n_matches: 0, checksum: 0 },
            hasher: crc32fast::Hasher::new(),
            before: None,
        };
        let Some(mark) = mark else { return (fresh(0), Vec::new(), None) };
        let path = path_of(folder, mark.number);
        match read(&path, &mark) {
            Ok((file, matches)) => {
                let hasher = crc32fast::Hasher::new_with_initial_len(mark.checksum, mark.n_bytes);
                (Self { file: Some(file), mark, hasher, ..fresh(0) }, matches, None)
            }
            Err(error) => {
                let message = format!("the matches of the earlier run are lost to correlations: {error}");
                let problem = WatchError::new("watch-journal-damaged", message, "nothing else is lost");
                (Self { before: Some(mark.number), ..fresh(mark.number + 1) }, Vec::new(), Some(problem))
            }
        }
    }

    /// Whether more of it is over than counts, when so many matches count.
    pub(crate) fn is_worn(&self, n_kept: usize) -> bool {
        self.mark.n_matches > 2 * n_kept as u64 + N_OVER
    }

    /// Appends matches and forces them to the disk.
    pub(crate) fn append(&mut self, matches: &[KeptMatch]) -> Result<(), WatchError> {
        if matches.is_empty() {
            return Ok(());
        }
        let path = path_of(&self.folder, self.mark.number);
        self.try_append(matches, &path).map_err(|error| WatchError::write(&path, &error))
    }

    /// Begins a new journal with the matches that count.
    pub(crate) fn renew(&mut self, matches: &[KeptMatch]) -> Result<(), WatchError> {
        self.before = self.file.take().map(|_| self.mark.number).or(self.before);
        self.mark = JournalMark { number: self.mark.number + 1, n_bytes: 0, n_matches: 0, checksum: 0 };
        self.hasher = crc32fast::Hasher::new();
        self.append(matches)
    }

    /// What the state is to say of it.
    pub(crate) fn mark(&self) -> Option<JournalMark> {
        self.file.as_ref().map(|_| self.mark.clone())
    }

    /// The state that names this journal is written: the one before can go.
    pub(crate) fn is_stored(&mut self) {
        if let Some(number) = self.before.take() {
            // One that stays is in nobody's way.
            let _ = fs::remove_file(path_of(&self.folder, number));
        }
    }

    fn try_append(&mut self, matches: &[KeptMatch], path: &Path) -> io::Result<()> {
        let mut bytes = Vec::new();
        for matched in matches {
            serde_json::to_writer(&mut bytes, matched)?;
            bytes.push(b'\n');
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::create(path)?),
        };
        file.write_all(&bytes)?;
        file.sync_data()?;
        self.hasher.update(&bytes);
        self.mark.n_bytes += bytes.len() as u64;
        self.mark.n_matches += matches.len() as u64;
        self.mark.checksum = self.hasher.clone().finalize();
        Ok(())
    }
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("matches-{number}.jsonl"))
}

/// Reads what counts of a journal, and cuts off what comes after it.
fn read(path: &Path, mark: &JournalMark) -> io::Result<(File, Vec<KeptMatch>)> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut bytes = Vec::new();
    (&file).take(mark.n_bytes.min(MAX_BYTES)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != mark.n_bytes || crc32fast::hash(&bytes) != mark.checksum {
        return Err(io::Error::other("they are not what was written"));
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let matches = lines.map(serde_json::from_slice).collect::<Result<Vec<KeptMatch>, _>>()?;
    file.set_len(mark.n_bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok((file, matches))
}
