//! What is read of which channels.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use evtmap::input::{LIVE_PREFIX, Log, Unopened};
use jiff::Timestamp;

use crate::api::{self, Session};
use crate::error::{Code, LiveError};
use crate::records::Records;
use crate::xpath;

/// The word that stands for every channel.
pub const ALL: &str = "all";

/// Which channels are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channels {
    /// Every channel of the computer that is enabled. Debug and analytic channels are left out, as the Event
    /// Viewer does: Windows lets nobody read them while they are enabled.
    All,
    /// These, in this order: channels such as `Security`, and exported logs by the paths of their files.
    Named(Vec<String>),
}

impl Channels {
    /// The channels that a user names; [`ALL`] among them stands for every one.
    pub fn named<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.iter().any(|name| name.eq_ignore_ascii_case(ALL)) { Self::All } else { Self::Named(names) }
    }
}

/// In which order events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As they were written.
    #[default]
    OldestFirst,
    /// Backwards.
    NewestFirst,
}

/// What is read of the event log of a running computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which channels.
    pub channels: Channels,
    /// Which events: XPath as Windows has it, or a `QueryList`. All of them by default.
    pub xpath: Option<String>,
    /// Events before this time need not come; some that are just before it may.
    pub since: Option<Timestamp>,
    /// Events at or after this time need not come.
    pub until: Option<Timestamp>,
    /// In which order they come.
    pub order: Order,
    /// The name of another computer, which is then asked with the rights of the user who runs this.
    pub computer: Option<String>,
    /// Whether the message of each event is made as well, as the Event Viewer shows it, which takes time.
    pub messages: bool,
}

/// Everything of every channel, oldest first, without messages.
impl Default for Query {
    fn default() -> Self {
        Self {
            channels: Channels::All,
            xpath: None,
            since: None,
            until: None,
            order: Order::default(),
            computer: None,
            messages: false,
        }
    }
}

impl Query {
    /// The logs that are read, to be put among [`Found`](evtmap::input::Found)'s. Each is opened when its turn
    /// comes.
    ///
    /// # Errors
    /// When this is no Windows, the computer does not answer, or its channels cannot be listed.
    pub fn logs(&self) -> Result<Vec<Box<dyn Unopened>>, LiveError> {
        let session = Arc::new(Session::open(self.computer.as_deref())?);
        let names = self.names_in(&session)?;
        let log = |name| LiveLog { session: Arc::clone(&session), query: self.clone(), name };
        Ok(names.into_iter().map(|name| Box::new(log(name)) as Box<dyn Unopened>).collect())
    }

    /// The names of the channels that are meant.
    ///
    /// # Errors
    /// As for [`logs`](Self::logs).
    pub fn names(&self) -> Result<Vec<String>, LiveError> {
        Ok(self.names_in(&Session::open(self.computer.as_deref())?)?)
    }

    fn names_in(&self, session: &Session) -> Result<Vec<String>, Code> {
        match &self.channels {
            Channels::Named(names) => Ok(names.clone()),
            Channels::All => enabled(session),
        }
    }

    /// The query as Windows takes it.
    pub(crate) fn xpath(&self) -> String {
        xpath::within(self.xpath.as_deref(), self.since, self.until)
    }
}

/// The channels that are enabled and can be read, by name.
fn enabled(session: &Session) -> Result<Vec<String>, Code> {
    let mut names = api::channels(session)?;
    // What cannot be asked about is read, so that its error is told.
    names.retain(|name| api::is_readable(session, name).unwrap_or(true));
    names.sort_unstable();
    Ok(names)
}

/// What stands for a channel where files have their path: `live:Security`, `live:\\DC01\Security`.
pub fn path(computer: Option<&str>, channel: &str) -> PathBuf {
    match computer {
        None => format!("{LIVE_PREFIX}{channel}").into(),
        Some(computer) => format!("{LIVE_PREFIX}\\\\{computer}\\{channel}").into(),
    }
}

/// Whether a name is that of an exported log: names of channels have no such signs.
pub fn is_file(name: &str) -> bool {
    name.contains(['\\', ':'])
        || name.get(name.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case(".evtx"))
}

/// A channel that is not open yet.
struct LiveLog {
    session: Arc<Session>,
    query: Query,
    name: String,
}

impl fmt::Debug for LiveLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveLog").field(&self.path()).finish()
    }
}

impl Unopened for LiveLog {
    fn path(&self) -> PathBuf {
        path(self.query.computer.as_deref(), &self.name)
    }

    fn open(&self) -> Log {
        let path = self.path();
        let opened = Records::open(&self.session, &self.query, &self.name, &path);
        Log { opened: opened.map_err(|code| LiveError::new(code).of(&path)), path, is_member: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_channels_and_files() {
        for (name, expected) in [
            ("Security", false),
            ("Microsoft-Windows-Sysmon/Operational", false),
            ("Windows PowerShell", false),
            (r"C:\cases\Security.evtx", true),
            ("Security.EVTX", true),
            (r"\\server\share\x", true),
            ("é.ev", false),
        ] {
            assert_eq!(is_file(name), expected, "{name}");
        }
        assert_eq!(path(None, "Security"), PathBuf::from("live:Security"));
        assert_eq!(path(Some("DC01"), "System"), PathBuf::from(r"live:\\DC01\System"));
    }

    #[test]
    fn all_is_every_channel() {
        assert_eq!(Channels::named(["Security", "ALL"]), Channels::All);
        assert_eq!(Channels::named(["Security"]), Channels::Named(vec!["Security".to_owned()]));
    }

    #[cfg(not(windows))]
    #[test]
    fn elsewhere_it_says_so() {
        let error = Query::default().logs().unwrap_err();
        assert_eq!(
            (error.code, error.to_string().as_str()),
            ("live-elsewhere", "the live log exists on Windows only")
        );
    }
}
