//! Views of logs beside reports: one module a view.
//!
//! A view takes alerts or events in the order of the input and keeps what it shows of them. Whoever writes the
//! logs must not fill the memory by them, so each has bounds, and says what went beyond.

mod event_line;
mod histogram;
mod logon;
mod search;
mod statistics;
mod timeline;

pub use event_line::EventLine;
pub use histogram::{Columns, Gap, Histogram, Slot};
pub use logon::{Logon, LogonChoice, LogonKinds, LogonRow, LogonSource, Logons, LogonsLeftOut, Outcome};
pub use search::{Hit, Mark, Query, Search, SearchError};
pub use statistics::{
    Beyond, Fact, Facts, KindOfEvent, LogName, LogReport, MissingRecords, Number, Pause, Span, Statistics,
    SteppedBack, Trace, TraceKind, TraceKinds,
};
pub use timeline::{Grouping, LeftOut, Timeline, TimelineOptions, TimelineRow};

/// The name of a channel without what most names of Windows begin and end with, as views show it.
///
/// ```
/// assert_eq!(evtmap::view::short_channel("Microsoft-Windows-Sysmon/Operational"), "Sysmon");
/// ```
pub fn short_channel(channel: &str) -> &str {
    let rest = channel.strip_prefix("Microsoft-Windows-").unwrap_or(channel);
    rest.strip_suffix("/Operational").unwrap_or(rest)
}
