//! Windows event logs to MITRE ATT&CK.
//!
//! Data flows one way: [`input`] → [`event`] → match → [`alert`] → [`triage`] → [`report`].
//!
//! ```no_run
//! use evtmap::{Associations, Catalogue, Findings, Pipelines, Rules, ScanOptions, Scanner, rules};
//!
//! struct Print;
//! impl evtmap::Sink for Print {
//!     fn alert(&mut self, alert: &evtmap::alert::Alert) -> std::io::Result<()> {
//!         println!("{:?} {}", alert.event.time, alert.finding.title());
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rules = Rules::load(&rules::bundled()?, &Pipelines::bundled()?, &Default::default());
//! let findings = Findings::new(&rules, Associations::bundled()?, &Catalogue::bundled());
//! let found = evtmap::input::find(["Security.evtx"]);
//! Scanner::new(&rules, &findings, ScanOptions::default()).scan(&found, &mut Print)?;
//! # Ok(())
//! # }
//! ```

pub mod account;
pub mod alert;
mod alike;
#[cfg(feature = "arrow")]
pub mod arrow;
mod association;
pub mod attack;
pub mod authoring;
pub mod connection;
pub mod coverage;
pub mod event;
mod idle;
pub mod input;
mod keyed;
mod label;
mod logsource;
pub mod navigator;
mod parts;
pub mod policy;
pub mod ranking;
pub mod recurring;
pub mod report;
pub mod risk;
pub mod row;
pub mod rules;
mod scan;
mod severity;
mod sixteen;
pub mod sort;
mod span;
pub mod triage;
pub mod view;

pub use association::{Association, Associations};
pub use attack::Catalogue;
pub use evtmap_sigma as sigma;
pub use evtmap_sigma::Placeholders;
pub use label::Label;
pub use logsource::{LogPlace, Pipelines, PlaceExplanation, Router, RuleExplanation, Seen, Workspace};
pub use rules::Rules;
pub use scan::{
    EventPlace, FileAccount, Findings, FollowAccount, Followed, Follower, KeptMatch, Memory, Prepare,
    Prepared, Problems, Progress, ScanAccount, ScanOptions, Scanner, Sink, ToldResult, UnreadMessages,
    UnresolvedTag, Working, visit,
};
pub use severity::Severity;
pub use span::TimeSpan;
