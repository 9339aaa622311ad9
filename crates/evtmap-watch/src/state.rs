//! What a watch remembers: how far sources were read and outputs written, so that every event is told once.
//!
//! The state is a folder. `watch.json` in it says, all at one moment, how far each source was read, how much of
//! each output belongs to that, and what correlations have told. It is written to another name, forced to the
//! disk, and given its name, after the outputs were forced to the disk; so a kill at any point leaves what was
//! before or what is new, and what outputs have beyond it is cut off and told again. `lock` keeps two watches
//! from one state.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use evtmap::ToldResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::digest::digest;
use crate::error::WatchError;

/// The file with what is remembered.
const NAME: &str = "watch.json";
const LOCK: &str = "lock";
/// The version of its layout. Another one is not read.
const VERSION: u32 = 1;
/// The largest state that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// What is remembered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// How far each source was read, by its name.
    pub(crate) sources: BTreeMap<String, Value>,
    /// How much of each output belongs to that, by its name.
    pub(crate) sinks: BTreeMap<String, Value>,
    /// The matches that correlations may still be about.
    pub(crate) matches: Option<JournalMark>,
    /// The results of correlations that may still grow.
    pub(crate) told: Vec<ToldResult>,
}

/// How much of which journal counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalMark {
    pub(crate) number: u64,
    pub(crate) n_bytes: u64,
    pub(crate) n_matches: u64,
    pub(crate) checksum: u32,
}

/// How many bytes of a digest are kept: all of them.
const DIGEST_BYTES: usize = 32;

/// The file: what it is, and its content with a digest.
#[derive(Serialize, Deserialize)]
struct Envelope {
    what: String,
    version: u32,
    digest: String,
    state: Box<RawValue>,
}

const WHAT: &str = "evtmap watch";

/// A state that was opened, and what it remembers.
pub struct Memories {
    pub(crate) folder: Option<StateFolder>,
    pub(crate) state: State,
    is_known: bool,
}

impl Memories {
    /// Opens the state in a folder; none where nothing is to be remembered.
    ///
    /// # Errors
    /// When another watch uses it, or when it is damaged.
    pub fn open(folder: Option<&Path>) -> Result<Self, WatchError> {
        let Some(path) = folder else {
            return Ok(Self { folder: None, state: State::default(), is_known: false });
        };
        let folder = StateFolder::open(path)?;
        let state = folder.read()?;
        Ok(Self { is_known: state.is_some(), state: state.unwrap_or_default(), folder: Some(folder) })
    }

    /// Whether there is one of an earlier run.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// What is remembered of a source.
    pub fn bookmark(&self, source: &str) -> Option<Value> {
        self.state.sources.get(source).cloned()
    }

    /// What is remembered of a sink.
    pub fn mark(&self, sink: &str) -> Option<Value> {
        self.state.sinks.get(sink).cloned()
    }

    /// The folder; none where nothing is to be remembered.
    pub fn folder(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.path().to_owned())
    }
}

/// The folder of a state, locked for as long as it lives.
#[derive(Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
    /// The lock is let go when the file is closed, whatever ends the process.
    _lock: File,
}

impl StateFolder {
    /// Opens the folder, and makes it where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, WatchError> {
        fs::create_dir_all(path).map_err(|error| WatchError::write(path, &error))?;
        let lock = path.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(|error| WatchError::write(&lock, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => Err(WatchError::new(
                "watch-state-locked",
                format!("another watch uses the state `{}`", path.display()),
                "end it, or give this one another with `--state DIR`",
            )),
            Err(TryLockError::Error(error)) => Err(WatchError::write(&lock, &error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What an earlier run remembered; nothing if there was none.
    pub(crate) fn read(&self) -> Result<Option<State>, WatchError> {
        let path = self.path.join(NAME);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => {
                let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
                read.map_err(|error| WatchError::read(&path, &error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(WatchError::read(&path, &error)),
        }
        parse(&bytes).map(Some).map_err(|reason| {
            WatchError::new(
                "watch-state-damaged",
                format!("cannot use the state `{}`: {reason}", path.display()),
                "remove it to begin anew; what came meanwhile is then read with `--from-start` only",
            )
        })
    }

    /// Puts what is to be remembered in the place of what was.
    pub(crate) fn write(&self, state: &State) -> Result<(), WatchError> {
        let path = self.path.join(NAME);
        self.try_write(state, &path).map_err(|error| WatchError::write(&path, &error))
    }

    fn try_write(&self, state: &State, path: &Path) -> io::Result<()> {
        let state = serde_json::value::to_raw_value(state)?;
        let digest = digest(state.get().as_bytes(), DIGEST_BYTES);
        let envelope = Envelope { what: WHAT.to_owned(), version: VERSION, digest, state };
        let mut file = tempfile::Builder::new().prefix(".watch-").tempfile_in(&self.path)?;
        file.write_all(&serde_json::to_vec(&envelope)?)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(&self.path)
    }
}

fn parse(bytes: &[u8]) -> Result<State, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is too large".to_owned());
    }
    let envelope: Envelope =
        serde_json::from_slice(bytes).map_err(|_| "it is not a state, or only part of one".to_owned())?;
    if envelope.what != WHAT || envelope.version != VERSION {
        return Err(format!("it is of version {}, and this program reads {VERSION}", envelope.version));
    }
    if envelope.digest != digest(envelope.state.get().as_bytes(), DIGEST_BYTES) {
        return Err("its content is not what was written".to_owned());
    }
    serde_json::from_str(envelope.state.get())
        .map_err(|error| format!("it does not say what it should: {error}"))
}

/// The folder in which a file lies.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Forces to the disk that files of a folder have other names.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows has no such thing, and opens no folder as a file.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let states = StateFolder::open(folder.path()).unwrap();
        assert!(states.read().unwrap().is_none());
        let mut state = State::default();
        state.sources.insert("a.jsonl".to_owned(), serde_json::json!({"offset": 7}));
        states.write(&state).unwrap();
        assert_eq!(states.read().unwrap().unwrap().sources, state.sources);
    }

    #[test]
    fn a_state_is_not_believed_blindly() {
        let folder = tempfile::tempdir().unwrap();
        let states = StateFolder::open(folder.path()).unwrap();
        states.write(&State::default()).unwrap();
        let path = folder.path().join(NAME);
        let whole = fs::read_to_string(&path).unwrap();
        let check = |text: &str, expected: &str| {
            fs::write(&path, text).unwrap();
            let error = states.read().unwrap_err();
            assert_eq!(error.code, "watch-state-damaged");
            assert!(error.message.contains(expected), "{error}");
        };
        check("", "only part of one");
        check(whole.split_at(whole.len() / 2).0, "only part of one");
        check(&whole.replace("\"version\":1", "\"version\":2"), "of version 2");
        check(&whole.replace("\"told\":[]", "\"told\": []"), "not what was written");
    }

    #[test]
    fn one_watch_a_state() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateFolder::open(folder.path()).unwrap();
        assert_eq!(StateFolder::open(folder.path()).unwrap_err().code, "watch-state-locked");
        drop(first);
        assert!(StateFolder::open(folder.path()).is_ok());
    }
}
