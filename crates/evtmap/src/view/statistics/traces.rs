//! Events that tell of logs and clocks themselves. The data is in `data/traces`.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// What happened to a log or a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// When the event was logged.
    pub time: Option<Timestamp>,
    /// The computer; empty when unknown.
    #[serde(rename = "host")]
    pub computer: Arc<str>,
    /// What kind of event it is.
    pub kind: TraceKind,
    /// What happened, in words.
    pub what: String,
    /// The log or the like that it is about; empty when the event does not tell.
    pub about: String,
    /// Who did it, as far as the event says.
    pub user: Option<String>,
    /// The channel that tells of it.
    pub channel: String,
    /// The event's id.
    pub event_id: u32,
    /// The event's number in its log.
    pub record_id: Option<u64>,
}

/// What kind of event tells of logs and clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceKind {
    /// A log was cleared.
    Cleared,
    /// Events were lost, or nothing more is logged.
    Lost,
    /// What is logged was changed.
    Changed,
    /// The clock was set.
    Clock,
    /// Windows, or its logging, started.
    Started,
    /// Windows, or its logging, stopped.
    Stopped,
}

/// Which events tell of logs and clocks.
#[derive(Debug)]
pub struct TraceKinds {
    by_id: HashMap<u32, Vec<Layout>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    event: Vec<Layout>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layout {
    channel: String,
    provider: String,
    id: u32,
    kind: TraceKind,
    what: String,
    #[serde(default)]
    about: Vec<String>,
    /// Whether `about` are two times, and the event counts only when they are apart.
    #[serde(default)]
    apart: bool,
    /// The account that does it all day, whose events are left out.
    #[serde(default)]
    except: Vec<String>,
}

/// Clocks are set by less than this all day.
const APART: SignedDuration = SignedDuration::from_mins(1);

/// Whether texts are two times that are close to each other. Older versions of Windows write times in the
/// language of the system, which nobody can compare.
fn is_close(times: &[&str]) -> bool {
    match times {
        [from, to] => match (from.parse::<Timestamp>(), to.parse::<Timestamp>()) {
            (Ok(from), Ok(to)) => from.duration_until(to).abs() < APART,
            _ => from == to,
        },
        _ => false,
    }
}

impl TraceKinds {
    /// The events that the program knows.
    ///
    /// # Errors
    /// A mistake in the data, which a test keeps from happening.
    pub fn bundled() -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(include_str!("../../../data/traces/traces.toml"))?;
        let mut by_id: HashMap<u32, Vec<Layout>> = HashMap::new();
        for layout in file.event {
            by_id.entry(layout.id).or_default().push(layout);
        }
        Ok(Self { by_id })
    }

    /// What an event tells of a log or a clock; nothing for an event of another kind.
    pub fn read(&self, event: &Event) -> Option<Trace> {
        let event_id = event.event_id()?;
        let is_it = |own: &&Layout| {
            own.channel.eq_ignore_ascii_case(event.channel())
                && own.provider.eq_ignore_ascii_case(event.provider())
        };
        let layout = self.by_id.get(&event_id)?.iter().find(is_it)?;
        // In the payload: the event that tells of a cleared log has a channel of its own as well.
        let text = |name: &String| {
            let (_, value) = event.data().find(|(own, _)| own == name)?;
            value.text().filter(|text| !text.is_empty())
        };
        let account = event.user();
        let is_excepted = account
            .is_some_and(|account| layout.except.iter().any(|name| name.eq_ignore_ascii_case(account.name)));
        let about: Vec<&str> = layout.about.iter().filter_map(text).collect();
        if is_excepted || (layout.apart && is_close(&about)) {
            return None;
        }
        Some(Trace {
            time: event.time(),
            computer: Arc::from(event.computer()),
            kind: layout.kind,
            what: layout.what.clone(),
            about: about.join(" → "),
            user: account.map(|account| account.to_string()),
            channel: event.channel().to_owned(),
            event_id,
            record_id: event.record_id(),
        })
    }
}
