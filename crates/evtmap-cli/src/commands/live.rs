//! The event log of a running Windows computer, as an input of all commands that read logs.

use clap::Args;
use evtmap::input::Unopened;
use evtmap_live::{Channels, LiveError, Order, Query};
use jiff::Timestamp;

use crate::failure::Failure;

#[derive(Args, Debug, Default)]
pub(crate) struct LiveArgs {
    /// On Windows: read a channel of the running event log, such as Security; `all` is every enabled one, and
    /// an exported .evtx is read by Windows itself; may be said several times
    #[arg(long = "live", value_name = "CHANNEL", help_heading = "Live log")]
    channels: Vec<String>,

    /// Which events Windows is to hand out, as the Event Viewer writes it: '*[System[EventID=4625]]'
    #[arg(long, value_name = "XPATH", help_heading = "Live log", requires = "channels")]
    xpath: Option<String>,

    /// Read the newest events first, and not the oldest
    #[arg(long, help_heading = "Live log", requires = "channels")]
    newest_first: bool,

    /// Read the event log of another computer, with the rights of whoever runs this
    #[arg(long, value_name = "COMPUTER", help_heading = "Live log", requires = "channels")]
    remote: Option<String>,

    /// Have Windows make the message of each event too, in which keywords are then found; takes time
    #[arg(long, help_heading = "Live log", requires = "channels")]
    messages: bool,
}

impl LiveArgs {
    /// The logs that the user asked for, from which Windows leaves out what lies outside a range of times.
    pub(super) fn logs(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<Box<dyn Unopened>>, Failure> {
        if self.channels.is_empty() {
            return Ok(Vec::new());
        }
        let query = Query {
            channels: Channels::named(&self.channels),
            xpath: self.xpath.clone(),
            since,
            until,
            order: if self.newest_first { Order::NewestFirst } else { Order::OldestFirst },
            computer: self.remote.clone(),
            messages: self.messages,
        };
        query.logs().map_err(|error| failure(&error))
    }
}

/// The failure for what keeps the event log from being read.
pub(super) fn failure(error: &LiveError) -> Failure {
    Failure::new(format!("cannot read the event log: {error}")).help(error.help)
}
