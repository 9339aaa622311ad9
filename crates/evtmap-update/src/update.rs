//! An update from beginning to end: receive, check, write, switch, tell what changed.

use std::path::Path;

use jiff::Timestamp;

use crate::content::{self, Changes, Received, name_of};
use crate::error::UpdateError;
use crate::manifest::Part;
use crate::store::{Edition, Store, Which};

/// An update that took place.
#[derive(Clone, Debug)]
pub struct Landed {
    /// What is in use now.
    pub edition: Edition,
    /// What is different from before.
    pub changes: Changes,
}

/// Takes rules or ATT&CK data from a file or folder that was carried over, after the same checks as for
/// what is fetched.
///
/// # Errors
/// When it is not what it should be or cannot be written; then what was in use before still is.
pub fn import(store: &Store, part: Part, path: &Path, now: Timestamp) -> Result<Landed, UpdateError> {
    let received = Received {
        name: name_of(path),
        origin: path.display().to_string(),
        path: path.to_owned(),
        licence: None,
        etag: None,
        last_modified: None,
    };
    path.metadata().map_err(UpdateError::file("read", path))?;
    land(store, part, &[received], now, None)
}

fn land(
    store: &Store,
    part: Part,
    received: &[Received],
    now: Timestamp,
    checked: Option<Timestamp>,
) -> Result<Landed, UpdateError> {
    let writing = store.lock()?;
    let mut draft = writing.draft(part, now)?;
    content::admit(part, received, &mut draft, now)?;
    let before = store.edition(part, Which::Current).ok().flatten();
    let edition = writing.publish(&draft, checked)?;
    let changes = content::changes(before.as_ref(), &edition)?;
    Ok(Landed { edition, changes })
}

/// Returns to what was in use before.
///
/// # Errors
/// When there is nothing, it cannot be read, or nothing can be written.
pub fn roll_back(store: &Store, part: Part) -> Result<Landed, UpdateError> {
    let writing = store.lock()?;
    let before = store.edition(part, Which::Current).ok().flatten();
    let edition = writing.roll_back(part)?;
    let changes = content::changes(before.as_ref(), &edition)?;
    Ok(Landed { edition, changes })
}
