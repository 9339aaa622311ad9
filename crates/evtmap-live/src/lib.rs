//! The event log of a running Windows computer, as an input of the library.
//!
//! A [`Query`] says which channels are read and what of them; its logs go the way of every file:
//!
//! ```no_run
//! use evtmap::input::Found;
//! use evtmap_live::{Channels, Query};
//!
//! let query = Query { channels: Channels::Named(vec!["Security".to_owned()]), ..Query::default() };
//! let found = Found { logs: query.logs()?, ..Found::default() };
//! # Ok::<(), evtmap_live::LiveError>(())
//! ```
//!
//! A [`Subscription`] gives events as they are written, and with each batch a bookmark: a text with which a
//! later one goes on where this one ended.
//!
//! Events are taken as typed values, not as XML. Values have no names, so that the first event of each kind
//! is rendered as XML too; what has the same values in both is read by position from then on (`layout`), and
//! all else is read as XML every time.
//!
//! Everywhere but on Windows the crate compiles to the error that says so: whoever uses it need not ask on
//! which system they are.

mod error;
mod layout;
mod query;
mod reader;
mod records;
mod subscription;
mod system;
mod telling;
mod value;
mod xpath;

#[cfg(windows)]
#[path = "wevtapi.rs"]
mod api;
#[cfg(not(windows))]
#[path = "elsewhere.rs"]
mod api;
#[cfg(windows)]
mod shell32;

pub use error::LiveError;
pub use query::{ALL, Channels, Order, Query, is_file, path};
pub use subscription::{Arrived, Start, Stop, Subscription};
pub use telling::{Balloon, Entry, EntryLevel, EntryLog};

/// What [`Input::kind`](evtmap::input::Input::kind) says of logs that are read so.
pub const KIND: &str = "live";
