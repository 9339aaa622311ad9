//! Texts of rules from files, folders, archives and the program itself.
//!
//! An archive may be anybody's: the number and size of its members are limited, paths in it are only shown
//! and never written to.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use evtmap_sigma::EXAMPLES_ENDING;
use flate2::read::GzDecoder;

/// The largest rule file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// The largest number of bytes read out of an archive, packed or not.
pub(super) const MAX_ARCHIVE_BYTES: u64 = 512 << 20;
/// The largest number of rule files of one run.
const MAX_FILES: usize = 100_000;
/// The deepest nesting of folders that is followed.
const MAX_DEPTH: usize = 32;
/// The most that is read of a licence, or of a note in an archive, in bytes.
const MAX_LICENCE_BYTES: u64 = 64 << 10;

const TOO_MUCH: &str = "there are more or larger rules than the limits allow";

/// The rules that come with the program.
pub(super) const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.tar.gz"));

/// The text of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Where it is from: a path, or `archive!path` for a member of an archive.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Why rules could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read rules from `{}`: {reason}", path.display())]
pub struct RulesError {
    /// What the user named.
    pub path: PathBuf,
    /// Why, in plain words.
    pub reason: String,
}

/// The rules that come with the program.
///
/// They are stored compressed, also so that no virus scanner takes their texts for what they describe.
///
/// # Errors
/// When the embedded archive cannot be read, which a test keeps from happening.
pub fn bundled() -> Result<Vec<RuleFile>, RulesError> {
    let mut reader = Reader::default();
    reader.tar(PACKED, "").map_err(|error| error.at(Path::new("the program")))?;
    Ok(reader.files)
}

/// Reads the rules of a file, a folder and its subfolders, or a `.tar.gz` or `.zip` archive.
///
/// The kind of a file is told by its first bytes. Files are given sorted by path. In folders and archives
/// only `.yml` and `.yaml` files are taken for rules, and hidden folders, tests and the folders in which
/// SigmaHQ keeps retired rules are left to [`crate::rules::SkipReason`] and not to this function.
///
/// # Errors
/// When nothing could be read: a missing path, a broken archive, more than the limits allow.
pub fn read(path: &Path) -> Result<Vec<RuleFile>, RulesError> {
    let mut reader = Reader::default();
    let result = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => reader.folder(path, 0),
        Ok(_) => File::open(path)
            .map_err(Failure::from)
            .and_then(|file| reader.file_or_archive(file, &path.display().to_string())),
        Err(error) => Err(error.into()),
    };
    result.and_then(|()| reader.finish()).map(|pack| pack.files).map_err(|error| error.at(path))
}

/// Rules, and what an archive says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pack {
    /// The rules, sorted by path.
    pub files: Vec<RuleFile>,
    /// The commit that the archive was made of, where it says so as Git does.
    pub commit: Option<String>,
    /// When its newest member was changed, in seconds since 1970.
    pub changed: Option<i64>,
    /// The text of its licence, where it has one.
    pub licence: Option<String>,
}

/// Reads the rules of an archive or of one file as [`read`] does, out of its bytes. `name` stands for the
/// file in paths.
///
/// # Errors
/// As those of [`read`].
pub fn unpack(name: &str, bytes: &[u8]) -> Result<Pack, RulesError> {
    let mut reader = Reader::default();
    let result = reader.file_or_archive(io::Cursor::new(bytes), name);
    result.and_then(|()| reader.finish()).map_err(|error| error.at(Path::new(name)))
}

/// Why reading ended.
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn too_much() -> Self {
        Self(TOO_MUCH.to_owned())
    }

    pub(super) fn at(self, path: &Path) -> RulesError {
        RulesError { path: path.to_owned(), reason: self.0 }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                "the archive is broken or not complete".to_owned()
            }
            io::ErrorKind::FileTooLarge => TOO_MUCH.to_owned(),
            _ => error.to_string().to_lowercase(),
        };
        Self(reason)
    }
}

impl From<zip::result::ZipError> for Failure {
    fn from(error: zip::result::ZipError) -> Self {
        match error {
            zip::result::ZipError::Io(error) => error.into(),
            other => Self(format!("the archive is broken: {}", other.to_string().to_lowercase())),
        }
    }
}

#[derive(Default)]
struct Reader {
    files: Vec<RuleFile>,
    n_bytes: u64,
    commit: Option<String>,
    changed: Option<i64>,
    licence: Option<String>,
}

impl Reader {
    fn finish(mut self) -> Result<Pack, Failure> {
        if self.files.is_empty() {
            return Err(Failure("it holds no rule file (`.yml` or `.yaml`)".to_owned()));
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let Self { files, commit, changed, licence, .. } = self;
        Ok(Pack { files, commit, changed, licence })
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Failure> {
        if depth > MAX_DEPTH {
            return Err(Failure(format!("folders nest deeper than {MAX_DEPTH} levels")));
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            // The type of the entry itself: links to folders are not followed, they could lead in circles.
            if entry.file_type()?.is_dir() {
                if !entry.file_name().to_string_lossy().starts_with('.') {
                    self.folder(&path, depth + 1)?;
                }
            } else if is_rule_file(Path::new(&entry.file_name())) {
                // Only its name: that the folder lies below a hidden one is what the user wants.
                let file = File::open(&path)?;
                self.add(path.display().to_string(), file)?;
            }
        }
        Ok(())
    }

    fn file_or_archive(&mut self, mut file: impl Read + Seek, name: &str) -> Result<(), Failure> {
        let mut start = [0; 4];
        let n_read = file.read(&mut start)?;
        file.rewind()?;
        match start.get(..n_read) {
            Some([0x1f, 0x8b, ..]) => self.tar(file, &format!("{name}!")),
            Some([b'P', b'K', 3, 4]) => self.zip(file, &format!("{name}!")),
            _ => self.add(name.to_owned(), file),
        }
    }

    fn tar(&mut self, packed: impl Read, prefix: &str) -> Result<(), Failure> {
        // The limit counts what is unpacked, skipped members included: a bomb need not be a rule file.
        let mut archive =
            tar::Archive::new(Limited { inner: GzDecoder::new(packed), n_left: MAX_ARCHIVE_BYTES });
        for entry in archive.entries()? {
            let mut entry = entry?;
            if entry.header().entry_type().is_pax_global_extensions() {
                self.commit = commit(&mut entry).or(self.commit.take());
                continue;
            }
            let path = entry.path()?.into_owned();
            let name = format!("{prefix}{}", path.display());
            let changed = entry.header().mtime().ok().and_then(|time| i64::try_from(time).ok());
            if entry.header().entry_type().is_file() {
                self.member(&path, name, changed, entry)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, file: impl Read + Seek, prefix: &str) -> Result<(), Failure> {
        let mut archive = zip::ZipArchive::new(file)?;
        let comment = String::from_utf8_lossy(archive.comment()).into_owned();
        self.commit = Some(comment).filter(|comment| is_commit(comment));
        for index in 0..archive.len() {
            let member = archive.by_index(index)?;
            let path = member.name()?.into_owned();
            if member.is_file() {
                self.member(Path::new(&path), format!("{prefix}{path}"), None, member)?;
            }
        }
        Ok(())
    }

    /// Takes a member of an archive if it is a rule, or says something of the rules.
    fn member(
        &mut self,
        path: &Path,
        name: String,
        changed: Option<i64>,
        content: impl Read,
    ) -> Result<(), Failure> {
        if is_rule_file(path) {
            self.changed = self.changed.max(changed);
            return self.add(name, content);
        }
        if self.licence.is_none() && is_licence(path) {
            let mut bytes = Vec::new();
            content.take(MAX_LICENCE_BYTES).read_to_end(&mut bytes)?;
            self.licence = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(())
    }

    fn add(&mut self, path: String, source: impl Read) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let n_read = source.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        self.n_bytes = self.n_bytes.saturating_add(u64::try_from(n_read).unwrap_or(u64::MAX));
        if self.n_bytes > MAX_ARCHIVE_BYTES || self.files.len() >= MAX_FILES {
            return Err(Failure::too_much());
        }
        // What is not UTF-8 or too large is no rule; the reader of rules says so with the file's name.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.files.push(RuleFile { path, text });
        Ok(())
    }
}

/// What is unpacked, up to a limit; more is an error and not an end.
struct Limited<R> {
    inner: R,
    n_left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        self.n_left = (self.n_left.checked_sub(n_read as u64)).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(n_read)
    }
}

/// The commit in the note that Git puts before an archive: `52 comment=<40 hexadecimal digits>`.
fn commit(note: &mut impl Read) -> Option<String> {
    let mut text = String::new();
    note.take(MAX_LICENCE_BYTES).read_to_string(&mut text).ok()?;
    let commits = text.lines().filter_map(|line| line.split_once(" comment=").map(|(_, commit)| commit));
    commits.map(str::to_owned).find(|commit| is_commit(commit))
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a member is the licence of the whole archive: one that lies deeper may be of something in it.
fn is_licence(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_ascii_lowercase();
    path.components().count() <= 2 && (stem == "license" || stem == "licence")
}

/// Whether a file holds examples by its name.
pub(crate) fn is_examples(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(EXAMPLES_ENDING))
}

fn is_rule_file(path: &Path) -> bool {
    if is_examples(path) {
        return false;
    }
    let is_hidden = path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.starts_with('.') && part != "." && part != ".."
    });
    let extension = path.extension().and_then(|extension| extension.to_str());
    !is_hidden && extension.is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
}
