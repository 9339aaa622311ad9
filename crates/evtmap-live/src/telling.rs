//! What is told to whoever uses this Windows: entries of the event log, and texts beside the clock.

use serde::{Deserialize, Serialize};

use crate::api::{Icon, Provider};
use crate::error::{Code, LiveError};

/// How grave an entry of the event log is. Its numbers are those of winnt.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryLevel {
    /// `EVENTLOG_ERROR_TYPE`.
    Error = 1,
    /// `EVENTLOG_WARNING_TYPE`.
    Warning = 2,
    /// `EVENTLOG_INFORMATION_TYPE`.
    Information = 4,
}

/// An entry for the event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// How grave it is.
    pub level: EntryLevel,
    /// Its event id.
    pub event_id: u32,
    /// Its texts, of which Windows takes at most 31,839 characters each and 60 KiB together. A `%` before a
    /// digit would have the Event Viewer put other texts in its place.
    pub texts: Vec<String>,
}

/// The event log `Application`, written to in the name of a provider.
pub struct EntryLog(Provider);

impl EntryLog {
    /// Opens the log for a provider, which need not be registered; without that the Event Viewer shows the
    /// texts below a remark.
    ///
    /// # Errors
    /// When this is no Windows, or its event log does not answer.
    pub fn open(provider: &str) -> Result<Self, LiveError> {
        Ok(Self(Provider::open(provider)?))
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// When Windows does not take it: `live-entry` if it never will, as of one that is too long.
    pub fn write(&self, entry: &Entry) -> Result<(), LiveError> {
        let written = self.0.write(entry.level as u16, entry.event_id, &entry.texts);
        written.map_err(|code| match code {
            Code::INVALID_PARAMETER | Code::RPC_INVALID_BOUND | Code::RPC_BAD_STUB_DATA => LiveError {
                code: "live-entry",
                message: format!("Windows does not take the entry (error {})", code.0),
                help: "",
            },
            code => code.into(),
        })
    }
}

/// Texts beside the clock, which Windows 10 and newer show as notifications. It has to stay on the thread that
/// made it.
pub struct Balloon(Icon);

impl Balloon {
    /// Makes the icon that texts come from.
    ///
    /// # Errors
    /// When this is no Windows, or nobody is logged on where this runs, as for services.
    pub fn open() -> Result<Self, LiveError> {
        Icon::open().map(Self).map_err(LiveError::of_shell)
    }

    /// Shows a title, of which 63 characters are seen, and a text, of which 255 are.
    ///
    /// # Errors
    /// When nobody can be shown anything.
    pub fn show(&self, title: &str, text: &str) -> Result<(), LiveError> {
        self.0.show(title, text).map_err(LiveError::of_shell)
    }
}

impl LiveError {
    fn of_shell(code: Code) -> Self {
        match code {
            Code::ELSEWHERE => Self::new(code),
            _ => Self {
                code: "live-no-desktop",
                message: format!("there is no desktop to show it on (error {})", code.0),
                help: "run it as the user who is to see it; services and tasks of the system have no desktop",
            },
        }
    }
}
