//! Event logs followed while they are written.
//!
//! [`Source`]s give what has come, rules are asked about it, and alerts go to [`Sink`]s. What is remembered in a
//! state says how far each source was read and how much of each output belongs to that, so that after a kill at
//! any point every event is told in a file once. This crate may use the network, for the sinks that do and for
//! nothing else: what is read and matched is in the library, which may not.

mod control;
mod digest;
mod error;
mod journal;
mod meters;
mod metrics;
mod outlets;
mod own;
mod reload;
mod roots;
pub mod sink;
pub mod source;
mod state;
mod wake;
mod watch;

pub use control::{Control, Notice, Observer};
pub use error::WatchError;
pub use meters::Status;
pub use metrics::MetricsAddress;
pub use own::Own;
pub use reload::{Loader, RuleSet};
pub use sink::{Health, Rotation, Sink, SinkOptions, Told};
pub use source::{Opening, Round, Source};
pub use state::Memories;
pub use wake::{Noticed, Noticing, Waker};
pub use watch::{Watch, WatchEnd, WatchOptions};
