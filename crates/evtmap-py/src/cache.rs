//! Rules and ATT&CK out of a cache folder, and their refresh.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use evtmap_update::{
    Edition, HttpOptions, Part, Session, SourcesConfig, Store, UpdateError, Updated, Which, update,
};
use jiff::Timestamp;
use pyo3::prelude::*;

use crate::attack::Attack;
use crate::engine::LoadedAttack;
use crate::error::{Class, Problem};
use crate::rules::Rules;

/// How long Python's signals may wait.
const PAUSE: Duration = Duration::from_millis(50);

/// The rules and the release of ATT&CK that a cache folder holds, or None for what it does not; and what is to
/// be told of it.
pub(crate) fn load(py: Python<'_>, folder: &Path) -> PyResult<(Option<Rules>, Option<Attack>, Vec<String>)> {
    let store = Store::at(folder);
    let mut told = Vec::new();
    let sources = py.detach(|| in_use(&store, Part::Rules, Edition::rule_sources, &mut told));
    let rules = sources.map(|sources| Rules::make(py, sources, String::new())).transpose()?;
    let by_hand = folder.join("enterprise-attack.json");
    let attack = match py.detach(|| in_use(&store, Part::Attack, Edition::catalogue, &mut told)) {
        Some(catalogue) => {
            let digest = evtmap_update::Digest::of(&catalogue.to_compact()).to_string().into_bytes();
            Some(Attack { loaded: LoadedAttack::of(digest, "the cache".to_owned(), || Ok(catalogue))? })
        }
        None if by_hand.is_file() => match Attack::read(py, &by_hand) {
            Ok(attack) => Some(attack),
            Err(error) => {
                told.push(error.value(py).getattr("message")?.extract()?);
                None
            }
        },
        None => None,
    };
    Ok((rules, attack, told))
}

/// What the cache has of a part; where that cannot be used, what it had before.
fn in_use<T>(
    store: &Store,
    part: Part,
    read: fn(&Edition) -> Result<T, UpdateError>,
    told: &mut Vec<String>,
) -> Option<T> {
    for which in [Which::Current, Which::Earlier] {
        match store.edition(part, which).and_then(|edition| edition.as_ref().map(read).transpose()) {
            Ok(found) => return found,
            Err(problem) => told.push(problem.to_string()),
        }
    }
    None
}

/// Fetches what is newer than what a cache folder holds of a part, and says what came of it.
pub(crate) fn refresh(py: Python<'_>, folder: PathBuf, part: &str) -> PyResult<String> {
    let part = if part == Part::Rules.as_str() { Part::Rules } else { Part::Attack };
    let (sender, answer) = channel();
    // The network may take its time, and Python is to be asked for signals meanwhile. Who does not wait for the
    // answer leaves the cache as it is: an edition is put in use whole, or not at all.
    thread::Builder::new().name("evtmap-update".to_owned()).spawn(move || {
        // Nobody may wait for it any more.
        let _ = sender.send(fetch(&folder, part));
    })?;
    py.detach(move || {
        loop {
            match answer.recv_timeout(PAUSE) {
                Ok(fetched) => return fetched.map_err(|error| raise(&error)),
                Err(RecvTimeoutError::Timeout) => look()?,
                Err(RecvTimeoutError::Disconnected) => {
                    let message = "the update ended without an answer".to_owned();
                    return Err(Problem { message, ..Problem::default() }.raise(Class::Update));
                }
            }
        }
    })
}

/// Whether Python's signals let it go on.
fn look() -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        Ok(())
    })
}

fn fetch(folder: &Path, part: Part) -> Result<String, UpdateError> {
    let store = Store::at(folder);
    let sources = SourcesConfig::default().sources(part, folder, None)?;
    let session = Session { options: &HttpOptions::default(), now: Timestamp::now(), on_step: &|_| {} };
    let title = part.title();
    Ok(match update(&store, part, &sources, &session)? {
        Updated::Landed(landed) => {
            let pieces = landed.edition.manifest().pieces.iter().map(evtmap_update::Piece::label);
            format!("{title}: {}", pieces.collect::<Vec<_>>().join(", "))
        }
        Updated::Current(_) => format!("{title}: nothing newer"),
    })
}

fn raise(error: &UpdateError) -> PyErr {
    let help = error.help();
    Problem { message: error.to_string(), code: Some(error.code()), help: Some(&help), ..Problem::default() }
        .raise(Class::Update)
}
