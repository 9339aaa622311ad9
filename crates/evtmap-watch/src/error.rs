//! What keeps a watch from its work.

use std::io;
use std::path::Path;

/// Why something cannot be watched, remembered or told: a stable code, words, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WatchError {
    /// The stable code, such as `watch-state-damaged`.
    pub code: &'static str,
    /// What is wrong, in words.
    pub message: String,
    /// What can be done about it.
    pub help: &'static str,
}

impl WatchError {
    /// An error of a code.
    pub fn new(code: &'static str, message: impl Into<String>, help: &'static str) -> Self {
        Self { code, message: message.into(), help }
    }

    /// The error for what the system said about writing `path`.
    pub fn write(path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot write `{}`: {}", path.display(), words(error));
        Self::new("watch-write", message, "free the disk, or choose another place")
    }

    /// The error for what the system said about reading `path`.
    pub fn read(path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot read `{}`: {}", path.display(), words(error));
        Self::new("watch-read", message, "see that it may be read")
    }
}

/// What the system said, in words.
pub(crate) fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}
