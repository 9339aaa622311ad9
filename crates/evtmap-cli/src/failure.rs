//! What keeps a command from doing its work, in words for the user.

use std::fmt;
use std::io;

use evtmap::rules::RulesError;

/// Why a command ends without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    help: String,
    is_closed_pipe: bool,
}

impl Failure {
    /// The exit status of a command that failed.
    pub(crate) const EXIT_CODE: u8 = 2;

    /// A failure in words: lower case, no final stop, user input in backticks.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: String::new(), is_closed_pipe: false }
    }

    /// Adds what the user can do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// A failure to write an output.
    pub(crate) fn output(name: &str, error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::StorageFull => "the disk is full".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string().to_lowercase(),
        };
        let mut failure = Self::new(format!("cannot write `{name}`: {reason}"));
        failure.is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    /// A failure to keep alerts until they can be sorted.
    pub(crate) fn sorting(error: &io::Error) -> Self {
        let failure = Self::output("the folder for temporary files", error);
        failure.help("`--sort` keeps alerts there meanwhile; TMPDIR (on Windows TMP) names another")
    }

    /// Whether the reader of our output went away, which is its right.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.is_closed_pipe
    }

    /// What the user can do about it; empty when the message says all.
    pub(crate) fn help_text(&self) -> &str {
        &self.help
    }
}

impl From<RulesError> for Failure {
    fn from(error: RulesError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
