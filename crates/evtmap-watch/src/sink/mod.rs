//! Where alerts go while a watch is at work. One file a kind, and a line in the table `KINDS`.
//!
//! A sink takes alerts at once and makes them safe when it is asked to, so that what a state says of sources and
//! what it says of sinks is of the same moment.

mod delivery;
mod eventlog;
mod file;
mod spool;
mod syslog;
mod toast;
mod webhook;

use std::path::PathBuf;

use evtmap::alert::Alert;
use serde_json::Value;

pub use file::Rotation;

use crate::error::WatchError;

/// An alert to be told.
pub struct Told<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// What tells it from every other; the same whenever the same event is looked at with the same rule.
    pub id: &'a str,
    /// The alert as a line of JSON, without the end of the line.
    pub line: &'a str,
}

/// Where alerts go.
pub trait Sink: Send {
    /// What it is called, as the user wrote it. What is remembered of it is kept by this name.
    fn name(&self) -> &str;

    /// Takes an alert.
    fn take(&mut self, told: &Told<'_>);

    /// Gives on what was taken, so that others see it.
    ///
    /// # Errors
    /// When that cannot be done now. What was taken is still there, and it can be tried again.
    fn flush(&mut self) -> Result<(), WatchError>;

    /// Makes what was taken safe, whatever happens to the machine, and says what is to be remembered.
    ///
    /// # Errors
    /// When that cannot be done now. It can be tried again.
    fn commit(&mut self) -> Result<Value, WatchError>;

    /// Learns that what was to be remembered is.
    ///
    /// # Errors
    /// When what waited for that cannot be done, such as a rotation.
    fn is_stored(&mut self) -> Result<(), WatchError> {
        Ok(())
    }

    /// How it is doing.
    fn health(&self) -> Health {
        Health::default()
    }

    /// What becomes of alerts while nothing can be given on, in words.
    fn when_down(&self) -> &'static str {
        "alerts wait on the disk and follow"
    }

    /// Ends it, after what waits was given on as far as that can be done soon.
    fn end(&mut self) {}
}

/// How a sink is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Alerts that were taken and not yet given on.
    pub n_waiting: u64,
    /// Alerts that the other side refused, so that they were given up.
    pub n_refused: u64,
    /// Alerts that were given up because too many waited.
    pub n_dropped: u64,
    /// Why nothing can be given on, while that is so; or why the last alert was refused.
    pub trouble: Option<String>,
    /// Whether something can be given on.
    pub is_up: bool,
}

/// How a sink is opened.
pub struct SinkOptions {
    /// What was remembered of it.
    pub mark: Option<Value>,
    /// Where the state is, if there is one.
    pub state: Option<PathBuf>,
    /// When a file is rotated.
    pub rotation: Rotation,
    /// A file of certificates (PEM) to trust instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// What a webhook wants to see before it believes: sent as `Authorization: Bearer …`.
    pub token: Option<String>,
    /// How many bytes may wait for a sink that is down.
    pub n_bytes_waiting_max: u64,
}

/// A sink, and what is to be said of how it was found.
pub type Opened = Result<(Box<dyn Sink>, Vec<String>), WatchError>;

/// A kind of sink.
struct Kind {
    /// How its names begin.
    scheme: &'static str,
    uses_network: bool,
    open: fn(&str, SinkOptions) -> Opened,
}

/// The kinds of sinks; what begins with none of these is a file.
const KINDS: [Kind; 6] = [
    Kind { scheme: "http://", uses_network: true, open: webhook::open },
    Kind { scheme: "https://", uses_network: true, open: webhook::open },
    Kind { scheme: "syslog://", uses_network: true, open: syslog::open },
    Kind { scheme: "syslog+tls://", uses_network: true, open: syslog::open },
    Kind { scheme: "eventlog:", uses_network: false, open: eventlog::open },
    Kind { scheme: toast::SCHEME, uses_network: false, open: toast::open },
];

/// Opens what a user named.
///
/// # Errors
/// When it cannot be used.
pub fn open(name: &str, options: SinkOptions) -> Opened {
    kind(name).map_or(file::open as fn(&str, SinkOptions) -> Opened, |kind| kind.open)(name, options)
}

/// Whether a name is that of a file.
pub fn is_file(name: &str) -> bool {
    kind(name).is_none()
}

/// Whether a name is that of something that is reached over the network.
pub fn uses_network(name: &str) -> bool {
    kind(name).is_some_and(|kind| kind.uses_network)
}

fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| name.starts_with(kind.scheme))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evtmap::alert::{AlertEvent, Finding};
    use evtmap::event::Event;
    use evtmap::input::Position;

    use super::*;

    /// An alert that says nothing.
    pub(super) fn alert() -> Alert {
        Alert {
            finding: Arc::new(Finding::of_event()),
            event: Arc::new(AlertEvent::of(&Event::new(), &"log".into(), Position::Line(1))),
            correlation: None,
            derived: None,
            evidence: None,
        }
    }

    /// Options without anything.
    pub(super) fn options() -> SinkOptions {
        SinkOptions {
            mark: None,
            state: None,
            rotation: Rotation { n_bytes: None, n_kept: 0 },
            ca_file: None,
            token: None,
            n_bytes_waiting_max: 1 << 30,
        }
    }

    #[test]
    fn what_is_no_address_is_a_file() {
        assert!(is_file("alerts.jsonl") && is_file("https/alerts") && is_file("-") && is_file("eventlog"));
        assert!(!is_file("https://a.example/hook") && !is_file("syslog+tls://a.example"));
        assert!(!is_file("eventlog:") && !uses_network("toast:") && uses_network("https://a.example"));
    }
}
