//! Rules as they lie there, read and not yet unpacked.
//!
//! What a source holds can be told from its bytes alone, so that an archive whose rules are in the cache
//! need not be unpacked.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::files::{self, Failure, MAX_ARCHIVE_BYTES, PACKED, RuleFile, RulesError};

/// Rules that were read and not unpacked: a file, a folder, an archive, or those of the program.
#[derive(Clone, Debug)]
pub struct RuleSource {
    name: String,
    content: RuleContent,
}

/// What a source holds.
#[derive(Clone, Debug)]
pub enum RuleContent {
    /// The rules that come with the program.
    Program,
    /// An archive, or one file.
    Packed(Vec<u8>),
    /// The files of a folder.
    Files(Vec<RuleFile>),
}

/// A digest of all that rules follow from, by which equal ones are known.
pub fn digest(sources: &[RuleSource], placeholders: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    add(&mut digest, placeholders.as_bytes());
    for source in sources {
        match source.content {
            // One program has one set of rules.
            RuleContent::Program => digest.update(b"program"),
            _ => source.add_to(&mut digest),
        }
    }
    digest.finalize().into()
}

impl RuleSource {
    /// The rules that come with the program.
    pub fn bundled() -> Self {
        Self { name: "the program".to_owned(), content: RuleContent::Program }
    }

    /// The rules of a file, a folder and its subfolders, or a `.tar.gz` or `.zip` archive.
    ///
    /// # Errors
    /// When the path cannot be read, or is larger than the limits allow.
    pub fn open(path: &Path) -> Result<Self, RulesError> {
        let name = path.display().to_string();
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            return Ok(Self { name, content: RuleContent::Files(files::read(path)?) });
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_ARCHIVE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| Failure::from(error).at(path))?;
        if bytes.len() as u64 > MAX_ARCHIVE_BYTES {
            return Err(Failure::too_much().at(path));
        }
        Ok(Self::packed(name, bytes))
    }

    /// The rules of an archive or a single file, out of its bytes. `name` stands for it in paths.
    pub fn packed(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), content: RuleContent::Packed(bytes) }
    }

    /// The rules of texts that were read already. `name` stands for all of them.
    pub fn of_files(name: impl Into<String>, files: Vec<RuleFile>) -> Self {
        Self { name: name.into(), content: RuleContent::Files(files) }
    }

    /// What it holds.
    pub fn content(&self) -> &RuleContent {
        &self.content
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The texts of its rules, sorted by path.
    ///
    /// # Errors
    /// When an archive is broken, holds no rule, or holds more than the limits allow.
    pub fn files(&self) -> Result<Vec<RuleFile>, RulesError> {
        match &self.content {
            RuleContent::Program => files::bundled(),
            RuleContent::Packed(bytes) => files::unpack(&self.name, bytes).map(|pack| pack.files),
            RuleContent::Files(files) => Ok(files.clone()),
        }
    }

    /// Adds all that its rules follow from to a digest; no two sources that differ add the same.
    pub(super) fn add_to(&self, digest: &mut Sha256) {
        add(digest, self.name.as_bytes());
        match &self.content {
            RuleContent::Program => {
                digest.update(b"program");
                add(digest, PACKED);
            }
            RuleContent::Packed(bytes) => {
                digest.update(b"packed ");
                add(digest, bytes);
            }
            RuleContent::Files(files) => {
                digest.update(b"files  ");
                digest.update((files.len() as u64).to_le_bytes());
                for file in files {
                    add(digest, file.path.as_bytes());
                    add(digest, file.text.as_bytes());
                }
            }
        }
    }
}

/// Adds bytes with their length before them, so that it is clear where they end.
pub(super) fn add(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_le_bytes());
    digest.update(bytes);
}
