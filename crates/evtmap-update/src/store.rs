//! The cache folder: editions of rules and of ATT&CK data, of which one is in use and one more is kept.
//!
//! ```text
//! in-use.json                         which editions are in use, which came before, when was looked last
//! lock                                held by the one process that may write
//! editions/rules-20261126T055000-1a2b3c4d/
//!     manifest.json                   what it is made of
//!     sigmahq.tar.gz                  its content
//! editions/.draft-…                   an edition that is not finished
//! ```
//!
//! An edition is written under a name that nobody reads, forced to the disk, and only then given its name;
//! then the one file that says what is in use is replaced as a whole. A process that ends at any point
//! leaves either what was before or what is new, and a draft that the next one removes.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Digesting};
use crate::error::UpdateError;
use crate::manifest::{FORMAT, Manifest, Part, Piece};

const IN_USE: &str = "in-use.json";
const LOCK: &str = "lock";
const EDITIONS: &str = "editions";
const MANIFEST: &str = "manifest.json";
const DRAFT_PREFIX: &str = ".draft-";

/// The largest `in-use.json` and manifest that is read, in bytes.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// A cache folder. Nothing of it need exist.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// What is in use of each part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct InUse {
    format: u32,
    #[serde(default)]
    rules: Choice,
    #[serde(default)]
    attack: Choice,
}

/// What is in use of one part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Choice {
    current: Option<Reference>,
    earlier: Option<Reference>,
    /// When its sources were last asked.
    checked: Option<Timestamp>,
}

/// An edition by its folder, and the digest of its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reference {
    edition: String,
    manifest: Digest,
}

impl InUse {
    fn of(&self, part: Part) -> &Choice {
        match part {
            Part::Rules => &self.rules,
            Part::Attack => &self.attack,
        }
    }

    fn of_mut(&mut self, part: Part) -> &mut Choice {
        match part {
            Part::Rules => &mut self.rules,
            Part::Attack => &mut self.attack,
        }
    }
}

/// Which edition of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one in use.
    Current,
    /// The one that was in use before it.
    Earlier,
}

/// A state of the rules or of the ATT&CK data in the cache.
#[derive(Clone, Debug)]
pub struct Edition {
    folder: PathBuf,
    manifest: Manifest,
    checked: Option<Timestamp>,
}

impl Edition {
    /// What it is made of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// When its sources were last asked whether there is something newer; nothing if they never were.
    #[must_use]
    pub fn checked(&self) -> Option<Timestamp> {
        self.checked
    }

    /// The content of a piece.
    ///
    /// # Errors
    /// When its file cannot be read, or is not what it was when it was put there.
    pub fn read(&self, piece: &Piece) -> Result<Vec<u8>, UpdateError> {
        let path = self.folder.join(&piece.file);
        read_checked(&path, piece.n_bytes, &piece.sha256)
            .map_err(|what| UpdateError::corrupt(self.manifest.part, &path, what))
    }
}

/// Reads a file of known length and digest; otherwise says what is wrong.
fn read_checked(path: &Path, n_bytes: u64, sha256: &Digest) -> Result<Vec<u8>, String> {
    let bytes = read_bounded(path, n_bytes).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "it is missing".to_owned(),
        _ => error.to_string().to_lowercase(),
    })?;
    if bytes.len() as u64 != n_bytes || Digest::of(&bytes) != *sha256 {
        return Err("its content is not what it was".to_owned());
    }
    Ok(bytes)
}

/// Reads a file up to one byte more than it may have.
fn read_bounded(path: &Path, n_bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(n_bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Store {
    /// The cache in a folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// An edition of a part; nothing if there is none.
    ///
    /// # Errors
    /// When the cache says that there is one and it cannot be read.
    pub fn edition(&self, part: Part, which: Which) -> Result<Option<Edition>, UpdateError> {
        let in_use = self.in_use(part)?;
        let choice = in_use.of(part);
        let reference = match which {
            Which::Current => &choice.current,
            Which::Earlier => &choice.earlier,
        };
        reference.as_ref().map(|reference| self.open(part, reference, choice.checked)).transpose()
    }

    fn open(
        &self,
        part: Part,
        reference: &Reference,
        checked: Option<Timestamp>,
    ) -> Result<Edition, UpdateError> {
        let folder = self.folder.join(EDITIONS).join(&reference.edition);
        let path = folder.join(MANIFEST);
        let corrupt = |what: String| UpdateError::corrupt(part, &path, what);
        if !is_plain_name(&reference.edition) {
            return Err(corrupt("its name is a path".to_owned()));
        }
        let bytes = read_bounded(&path, MAX_RECORD_BYTES).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => corrupt("it is missing".to_owned()),
            _ => corrupt(error.to_string().to_lowercase()),
        })?;
        if Digest::of(&bytes) != reference.manifest {
            return Err(corrupt("its content is not what it was".to_owned()));
        }
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if manifest.format > FORMAT {
            return Err(corrupt("it is by a later version of the program".to_owned()));
        }
        let files = || manifest.pieces.iter().map(|piece| piece.file.as_str());
        if manifest.part != part || !files().all(is_plain_name) {
            return Err(corrupt("it is of something else".to_owned()));
        }
        Ok(Edition { folder, manifest, checked })
    }

    fn in_use(&self, part: Part) -> Result<InUse, UpdateError> {
        let path = self.folder.join(IN_USE);
        let bytes = match read_bounded(&path, MAX_RECORD_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(InUse::default()),
            Err(error) => return Err(UpdateError::file("read", &path)(error)),
        };
        let in_use: InUse = serde_json::from_slice(&bytes)
            .map_err(|error| UpdateError::corrupt(part, &path, error.to_string()))?;
        if in_use.format > FORMAT {
            let what = "it is by a later version of the program";
            return Err(UpdateError::corrupt(part, &path, what));
        }
        Ok(in_use)
    }

    /// Takes the right to write, which one process has at a time, and removes what others left unfinished.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written to.
    pub fn lock(&self) -> Result<Writing<'_>, UpdateError> {
        let editions = self.folder.join(EDITIONS);
        fs::create_dir_all(&editions).map_err(UpdateError::file("make the folder", &editions))?;
        let path = self.folder.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(UpdateError::file("write", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(UpdateError::Busy(self.folder.clone())),
            Err(TryLockError::Error(error)) => return Err(UpdateError::file("lock", &path)(error)),
        }
        let writing = Writing { store: self, _lock: lock };
        writing.sweep();
        Ok(writing)
    }
}

/// The right to write to a cache; it ends with this value, and with the process.
#[derive(Debug)]
pub struct Writing<'a> {
    store: &'a Store,
    _lock: File,
}

impl Writing<'_> {
    /// A folder for what is being fetched; it is removed with the value, or by the next one who writes.
    pub(crate) fn downloads(&self) -> Result<Downloads, UpdateError> {
        let folder = self.store.folder.join(EDITIONS).join(format!("{DRAFT_PREFIX}downloads"));
        fs::create_dir_all(&folder).map_err(UpdateError::file("make the folder", &folder))?;
        Ok(Downloads(folder))
    }

    /// Begins an edition.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn draft(&self, part: Part, now: Timestamp) -> Result<Draft, UpdateError> {
        let name = format!("{DRAFT_PREFIX}{part}-{}", std::process::id());
        let folder = self.store.folder.join(EDITIONS).join(name);
        fs::create_dir_all(&folder).map_err(UpdateError::file("make the folder", &folder))?;
        let manifest = Manifest {
            format: FORMAT,
            part,
            landed: now,
            evtmap: env!("CARGO_PKG_VERSION").to_owned(),
            pieces: Vec::new(),
        };
        Ok(Draft { folder, manifest })
    }

    /// Puts an edition in use; the one that was in use before is kept, what was before that is removed.
    /// `checked` is when its sources were asked for it, if they were.
    ///
    /// # Errors
    /// When something cannot be written; then what was in use before still is.
    pub fn publish(&self, draft: &Draft, checked: Option<Timestamp>) -> Result<Edition, UpdateError> {
        let (part, landed) = (draft.manifest.part, draft.manifest.landed);
        let text = serde_json::to_vec_pretty(&draft.manifest)
            .map_err(|error| UpdateError::file("write", &draft.folder)(error.into()))?;
        let digest = Digest::of(&text);
        write_synced(&draft.folder.join(MANIFEST), &text)?;
        sync_folder(&draft.folder)?;
        let editions = self.store.folder.join(EDITIONS);
        let name = format!("{part}-{}-{}", landed.strftime("%Y%m%dT%H%M%S"), digest.short());
        let name = free_name(&editions, &name);
        let folder = editions.join(&name);
        fs::rename(&draft.folder, &folder).map_err(UpdateError::file("write", &folder))?;
        sync_folder(&editions)?;
        let reference = Reference { edition: name, manifest: digest };
        // A cache that cannot be read is no reason not to mend it.
        let mut in_use = self.store.in_use(part).unwrap_or_default();
        let choice = in_use.of_mut(part);
        choice.earlier = choice.current.replace(reference.clone());
        choice.checked = checked;
        self.switch(&in_use)?;
        self.sweep();
        self.store.open(part, &reference, checked)
    }

    /// Returns to the edition that was in use before. What is in use now is kept in its place.
    ///
    /// # Errors
    /// When there is none, when it cannot be read, or when nothing can be written.
    pub fn roll_back(&self, part: Part) -> Result<Edition, UpdateError> {
        let mut in_use = self.store.in_use(part)?;
        let choice = in_use.of_mut(part);
        let Some(earlier) = choice.earlier.clone() else { return Err(UpdateError::NothingEarlier(part)) };
        let edition = self.store.open(part, &earlier, choice.checked)?;
        for piece in &edition.manifest.pieces {
            edition.read(piece)?;
        }
        choice.earlier = choice.current.replace(earlier);
        self.switch(&in_use)?;
        Ok(edition)
    }

    /// Returns to what comes with the program. What is in use now is kept as the earlier edition.
    ///
    /// # Errors
    /// When nothing else is in use, or nothing can be written.
    pub fn reset(&self, part: Part) -> Result<(), UpdateError> {
        // A cache that cannot be read is no reason not to leave it.
        let mut in_use = self.store.in_use(part).unwrap_or_default();
        let choice = in_use.of_mut(part);
        let Some(current) = choice.current.take() else { return Err(UpdateError::NothingElse(part)) };
        choice.earlier = Some(current);
        self.switch(&in_use)
    }

    /// Notes that the sources of a part were asked and have nothing newer.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn note_checked(&self, part: Part, now: Timestamp) -> Result<(), UpdateError> {
        let mut in_use = self.store.in_use(part)?;
        in_use.of_mut(part).checked = Some(now);
        self.switch(&in_use)
    }

    /// Replaces the file that says what is in use.
    fn switch(&self, in_use: &InUse) -> Result<(), UpdateError> {
        let path = self.store.folder.join(IN_USE);
        let in_use = InUse { format: FORMAT, ..in_use.clone() };
        let text = serde_json::to_vec_pretty(&in_use)
            .map_err(|error| UpdateError::file("write", &path)(error.into()))?;
        let partial = self.store.folder.join(".in-use.partial");
        write_synced(&partial, &text)?;
        fs::rename(&partial, &path).map_err(UpdateError::file("write", &path))?;
        sync_folder(&self.store.folder)
    }

    /// Removes drafts and editions that nothing refers to. What cannot be removed now, because somebody reads
    /// it, is removed the next time. Where the cache cannot be read, nothing of it is removed.
    fn sweep(&self) {
        let Ok(in_use) = self.store.in_use(Part::Rules) else { return };
        let choices = [&in_use.rules, &in_use.attack];
        let references = choices.iter().flat_map(|choice| choice.current.iter().chain(&choice.earlier));
        let kept: Vec<&str> = references.map(|reference| reference.edition.as_str()).collect();
        let Ok(entries) = fs::read_dir(self.store.folder.join(EDITIONS)) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            if !kept.iter().any(|kept| name == *kept) {
                // What is still there is met again the next time.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// A folder for what is being fetched.
#[derive(Debug)]
pub(crate) struct Downloads(PathBuf);

impl Downloads {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        // What cannot be removed now is swept up later.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An edition that is being written. It is removed with this value unless it is published.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    manifest: Manifest,
}

impl Draft {
    /// Writes a file that is made of a piece, and can be made of it again.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), UpdateError> {
        write_synced(&self.folder.join(name), content)
    }

    /// Writes the file of a piece, and gives the piece with its length and digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, piece: Piece, content: &mut dyn Read) -> Result<Piece, UpdateError> {
        let path = self.folder.join(&piece.file);
        let failed = || UpdateError::file("write", &path);
        let mut out = Digesting::new(File::create(&path).map_err(failed())?);
        io::copy(content, &mut out).map_err(failed())?;
        let Digesting { inner: file, hasher } = out;
        file.sync_all().map_err(failed())?;
        let n_bytes = hasher.n_bytes();
        let piece = Piece { n_bytes, sha256: hasher.finish(), ..piece };
        self.manifest.pieces.push(piece.clone());
        Ok(piece)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After it was published there is nothing here; what cannot be removed now is swept up later.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A name that no edition has: what has it may be damaged, and is not to be mended but replaced.
fn free_name(editions: &Path, name: &str) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while editions.join(&free).exists() {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), UpdateError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(UpdateError::file("write", path))
}

/// Forces the names in a folder to the disk. Windows has no such call and needs none.
fn sync_folder(path: &Path) -> Result<(), UpdateError> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path).and_then(|folder| folder.sync_all()).map_err(UpdateError::file("write", path))
}

/// Whether a file is not there, for whatever reason: then there is no cache, which is no error.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether a name is one of a file and leads nowhere else.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !name.starts_with('.')
}
