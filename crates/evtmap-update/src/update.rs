//! An update from beginning to end: receive, check, write, switch, tell what changed.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::content::{self, Changes, Received, name_of};
use crate::error::UpdateError;
use crate::http::{Answer, Client, HttpOptions, OnStep, Request, Token};
use crate::manifest::{Part, Piece};
use crate::source::{Place, Source};
use crate::store::{Edition, Store, Which, Writing};

/// The file in which tokens are looked for, in the folder in which the program was started.
const ENV_FILE: &str = ".env";

/// An update that took place.
#[derive(Clone, Debug)]
pub struct Landed {
    /// What is in use now.
    pub edition: Edition,
    /// What is different from before.
    pub changes: Changes,
}

/// What came of asking the sources.
#[derive(Clone, Debug)]
pub enum Updated {
    /// There was something newer, and it is in use.
    Landed(Box<Landed>),
    /// What is in use is the newest there is.
    Current(Box<Edition>),
}

/// Takes rules or ATT&CK data from a file or folder that was carried over, after the same checks as for
/// what is fetched.
///
/// # Errors
/// When it is not what it should be or cannot be written; then what was in use before still is.
pub fn import(store: &Store, part: Part, path: &Path, now: Timestamp) -> Result<Landed, UpdateError> {
    path.metadata().map_err(UpdateError::file("read", path))?;
    let received = of_path(&name_of(path), path, None);
    land(store, &store.lock()?, part, &[received], When { now, checked: None })
}

/// Fetches what is newer at the sources.
///
/// # Errors
/// When a source cannot be asked, gives something else than it should, or nothing can be written; then what
/// was in use before still is.
pub fn update(
    store: &Store,
    part: Part,
    sources: &[Source],
    session: &Session<'_>,
) -> Result<Updated, UpdateError> {
    let client = Client::new(session.options, session.now, session.on_step)?;
    let writing = store.lock()?;
    let downloads = writing.downloads()?;
    let before = store.edition(part, Which::Current).ok().flatten();
    let mut received = Vec::new();
    let mut has_news = false;
    for source in sources {
        let own = before.as_ref().and_then(|edition| known(edition, source));
        let (found, is_new) = match &source.place {
            Place::Path(path) => (of_path(&source.name, path, source.licence.clone()), true),
            Place::Url(url) => fetch(&client, source, url, (downloads.path(), own))?,
        };
        has_news |= is_new;
        received.push(found);
    }
    let n_before = before.as_ref().map(|edition| edition.manifest().pieces.len());
    match before {
        Some(edition) if !has_news && n_before == Some(sources.len()) => {
            writing.note_checked(part, session.now)?;
            Ok(Updated::Current(Box::new(edition)))
        }
        _ => {
            let when = When { now: session.now, checked: Some(session.now) };
            land(store, &writing, part, &received, when).map(|landed| Updated::Landed(Box::new(landed)))
        }
    }
}

/// Says for each source whether there is something newer, and changes nothing.
///
/// # Errors
/// When a source cannot be asked.
pub fn check(
    store: &Store,
    part: Part,
    sources: &[Source],
    session: &Session<'_>,
) -> Result<Vec<(String, bool)>, UpdateError> {
    let client = Client::new(session.options, session.now, session.on_step)?;
    let before = store.edition(part, Which::Current).ok().flatten();
    let is_new = |source: &Source| match &source.place {
        Place::Path(_) => Ok(true),
        Place::Url(url) => {
            let own = before.as_ref().and_then(|edition| known(edition, source)).map(|(_, piece)| piece);
            let token = Token::find(&source.token_env, Path::new(ENV_FILE));
            let answer = client.look(&request(url, token.as_ref(), own))?;
            Ok(matches!(answer, Answer::New { .. }))
        }
    };
    sources.iter().map(|source| Ok((source.name.clone(), is_new(source)?))).collect()
}

/// How sources are asked.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// How the network is used.
    pub options: &'a HttpOptions,
    /// What time it is.
    pub now: Timestamp,
    /// Learns how asking goes on.
    pub on_step: OnStep<'a>,
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

/// Returns to what comes with the program.
///
/// # Errors
/// When nothing else is in use, or nothing can be written.
pub fn reset(store: &Store, part: Part) -> Result<(), UpdateError> {
    store.lock()?.reset(part)
}

/// When an edition lands, and when its sources were asked for it.
#[derive(Clone, Copy)]
struct When {
    now: Timestamp,
    checked: Option<Timestamp>,
}

fn land(
    store: &Store,
    writing: &Writing<'_>,
    part: Part,
    received: &[Received],
    when: When,
) -> Result<Landed, UpdateError> {
    let mut draft = writing.draft(part, when.now)?;
    content::admit(part, received, &mut draft, when.now)?;
    let before = store.edition(part, Which::Current).ok().flatten();
    let edition = writing.publish(&draft, when.checked)?;
    let changes = content::changes(before.as_ref(), &edition)?;
    Ok(Landed { edition, changes })
}

/// The piece of an edition that is from a source, where it lies, if it is whole.
fn known(edition: &Edition, source: &Source) -> Option<(PathBuf, Piece)> {
    let Place::Url(url) = &source.place else { return None };
    let piece = edition.manifest().pieces.iter().find(|piece| piece.origin == *url)?;
    // What is damaged is fetched anew, whatever the server would say of what it was.
    edition.read(piece).ok()?;
    Some((edition.folder().join(&piece.file), piece.clone()))
}

fn request<'a>(url: &'a str, token: Option<&'a Token>, known: Option<Piece>) -> Request<'a> {
    let (etag, last_modified) = known.map(|piece| (piece.etag, piece.last_modified)).unwrap_or_default();
    // A bundle is ten times smaller when it is compressed; an archive is already.
    let compressed = url.ends_with(".json");
    Request { url, token, etag, last_modified, compressed }
}

/// What a URL has, and whether it is newer than what is known of it.
fn fetch(
    client: &Client<'_>,
    source: &Source,
    url: &str,
    (folder, known): (&Path, Option<(PathBuf, Piece)>),
) -> Result<(Received, bool), UpdateError> {
    let token = Token::find(&source.token_env, Path::new(ENV_FILE));
    let into = folder.join(&source.name);
    let asked = request(url, token.as_ref(), known.as_ref().map(|(_, piece)| piece.clone()));
    let answer = client.fetch(&asked, &into)?;
    let received = |path: PathBuf, etag: Option<String>, last_modified: Option<String>| Received {
        name: source.name.clone(),
        origin: url.to_owned(),
        path,
        licence: source.licence.clone(),
        etag,
        last_modified,
    };
    match (answer, known) {
        (Answer::New { etag, last_modified }, _) => Ok((received(into, etag, last_modified), true)),
        (Answer::Unchanged, Some((path, piece))) => {
            Ok((received(path, piece.etag, piece.last_modified), false))
        }
        (Answer::Unchanged, None) => {
            let help = "try again later";
            Err(UpdateError::network(url, "it says that nothing changed, and nothing was known", help))
        }
    }
}

fn of_path(name: &str, path: &Path, licence: Option<String>) -> Received {
    Received {
        name: name.to_owned(),
        origin: path.display().to_string(),
        path: path.to_owned(),
        licence,
        etag: None,
        last_modified: None,
    }
}
