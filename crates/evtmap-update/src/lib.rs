//! Rules and ATT&CK data from elsewhere: fetched or carried over, checked, kept, and given back.
//!
//! What comes from a source is checked ([`import`]), written into an edition of its own, and only then put
//! in use ([`Store`]). Nothing that fails on the way changes what was in use before. Reading what is kept
//! needs no network.
//!
//! ```no_run
//! use evtmap_update::{Part, Store, Which};
//!
//! # fn main() -> Result<(), evtmap_update::UpdateError> {
//! let store = Store::at("/var/cache/evtmap");
//! evtmap_update::import(&store, Part::Rules, "rules.tar.gz".as_ref(), jiff::Timestamp::now())?;
//! if let Some(edition) = store.edition(Part::Rules, Which::Current)? {
//!     println!("{} files of rules", edition.rule_files()?.len());
//! }
//! # Ok(())
//! # }
//! ```

mod content;
mod digest;
mod error;
mod http;
mod licence;
mod manifest;
mod place;
mod source;
mod store;
mod update;

pub use content::{AttackChanges, Changes, LevelChange, RuleChanges};
pub use digest::Digest;
pub use error::UpdateError;
pub use http::{HttpOptions, OnStep, Patience, Step, Token};
pub use manifest::{Manifest, Part, Piece};
pub use place::{config_folder, default_folder, predecessor_folder};
pub use source::{Source, SourceConfig, SourcesConfig};
pub use store::{Draft, Edition, Store, Which, Writing};
pub use update::{Landed, Session, Updated, check, import, reset, roll_back, update};
