//! What can go wrong between a source and the cache, in words for the user.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::manifest::Part;

/// Why the cache, or content for it, cannot be used. Whatever it is, what was in use before still is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The system does not say where a cache belongs.
    #[error("there is no home folder to keep rules and ATT&CK data in")]
    NoFolder,
    /// A file or folder of the cache could not be read or written.
    #[error("cannot {doing} `{}`: {}", path.display(), plain(source))]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Another process is at it.
    #[error("another update is at work in `{}`", .0.display())]
    Busy(PathBuf),
    /// The cache does not hold what it says it does.
    #[error("the cached {} cannot be used: {}: {what}", part.title(), path.display())]
    Corrupt {
        /// What it is of.
        part: Part,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is nothing to return to.
    #[error("there are no earlier {} to return to", .0.title())]
    NothingEarlier(Part),
    /// What comes with the program is in use anyway.
    #[error("the {} that come with the program are in use", .0.title())]
    NothingElse(Part),
    /// What was asked for could not be fetched.
    #[error("cannot fetch `{url}`: {what}")]
    Network {
        /// The address.
        url: String,
        /// Why.
        what: String,
        /// What the user can do about it.
        help: &'static str,
    },
    /// What was given is not what it should be.
    #[error("cannot use `{origin}`: {what}")]
    Content {
        /// The URL or path.
        origin: String,
        /// What is wrong.
        what: String,
        /// What the user can do about it.
        help: &'static str,
    },
}

impl UpdateError {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    pub(crate) fn corrupt(part: Part, path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt { part, path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn content(origin: &str, what: impl Into<String>, help: &'static str) -> Self {
        Self::Content { origin: origin.to_owned(), what: what.into(), help }
    }

    pub(crate) fn network(url: &str, what: impl Into<String>, help: &'static str) -> Self {
        // What follows a `?` may be a secret that a redirect carries.
        let url = url.split('?').next().unwrap_or_default().to_owned();
        Self::Network { url, what: what.into(), help }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoFolder => "update-no-folder",
            Self::File { .. } => "update-file",
            Self::Busy(_) => "update-busy",
            Self::Corrupt { .. } => "update-corrupt-cache",
            Self::NothingEarlier(_) => "update-nothing-earlier",
            Self::NothingElse(_) => "update-nothing-else",
            Self::Network { .. } => "update-network",
            Self::Content { .. } => "update-content",
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoFolder => "name a folder with `--cache-dir`".to_owned(),
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "check the path; what was in use before still is".to_owned(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    "make room or name another folder with `--cache-dir`; what was in use before still is"
                        .to_owned()
                }
                _ => {
                    "name a folder that may be written to with `--cache-dir`; what was in use before still is"
                        .to_owned()
                }
            },
            Self::Busy(_) => "wait until it is done; what was in use before still is".to_owned(),
            Self::Corrupt { part, .. } => format!(
                "`evtmap update {part}` fetches them anew, `evtmap update {part} --rollback` returns to the earlier ones, `--reset` to those of the program"
            ),
            Self::NothingEarlier(part) => format!(
                "only what an update replaced can be returned to; `evtmap update {part} --reset` returns to what comes with the program"
            ),
            Self::NothingElse(_) => "there is nothing to be done".to_owned(),
            Self::Network { help, .. } | Self::Content { help, .. } => (*help).to_owned(),
        }
    }
}

/// Errors of the system in words that people use.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::NotADirectory => "it lies in a file and not in a folder".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}
