//! Rules: an archive, a folder or a single file, kept as one file and never unpacked to the disk.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Component, Path};

use evtmap::Placeholders;
use evtmap::rules::{self, Pack, RuleFile, RuleSource};
use evtmap::sigma::{Collection, Level, Metadata};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{HELP_WHOLE, Received, is_web_page};
use crate::error::UpdateError;
use crate::licence;
use crate::manifest::Piece;
use crate::store::{Draft, Edition};

const HELP_ARCHIVE: &str =
    "give an archive of rules (.tar.gz or .zip), a folder or a rule; what was in use before still is";

/// What is different in the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleChanges {
    /// How many rules there are now.
    pub n_rules: usize,
    /// How many there were.
    pub n_before: usize,
    /// The titles of those that are new.
    pub new: Vec<String>,
    /// The titles of those that are gone.
    pub gone: Vec<String>,
    /// Those whose level is another.
    pub level: Vec<LevelChange>,
}

/// A rule whose level changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// The rule's title.
    pub title: String,
    /// Its level before.
    pub from: Option<Level>,
    /// Its level now.
    pub to: Option<Level>,
}

pub(super) fn admit(received: &Received, draft: &mut Draft, now: Timestamp) -> Result<(), UpdateError> {
    let (bytes, ending) = if received.path.is_dir() {
        (pack_folder(received)?, "tar.gz")
    } else {
        let bytes = received.bytes()?;
        let ending = ending(&bytes);
        (bytes, ending)
    };
    if is_web_page(&bytes) {
        let help = "a proxy or a login page may have answered in its place; fetch it with a browser and give it with `--from`";
        return Err(received.refuse("it is a web page and not an archive of rules", help));
    }
    let name = format!("{}.{ending}", received.name);
    let pack = rules::unpack(&name, &bytes).map_err(|error| received.refuse(error.reason, HELP_ARCHIVE))?;
    if let Some(file) = pack.files.iter().find(|file| leads_out(&file.path, &name)) {
        let what = format!("it has a member whose path leads out of it: `{}`", file.path);
        return Err(received.refuse(what, HELP_WHOLE));
    }
    if metadata(&pack.files).next().is_none() {
        return Err(received.refuse("it holds no rule that can be used", HELP_ARCHIVE));
    }
    let mut piece = received.piece(name, now);
    piece.date = date(&pack);
    piece.commit = pack.commit;
    piece.licence = piece.licence.or_else(|| pack.licence.as_deref().and_then(licence::name));
    draft.add(piece, &mut Cursor::new(bytes)).map(drop)
}

/// What the content is, by its first bytes.
fn ending(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x1f, 0x8b, ..] => "tar.gz",
        [b'P', b'K', 3, 4, ..] => "zip",
        _ => "yml",
    }
}

/// The rules of a folder as an archive, the same bytes for the same rules.
fn pack_folder(received: &Received) -> Result<Vec<u8>, UpdateError> {
    let files = rules::read(&received.path).map_err(|error| received.refuse(error.reason, HELP_ARCHIVE))?;
    let pack = || {
        let gzip: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
        let mut archive = tar::Builder::new(gzip);
        for file in &files {
            let path = Path::new(&file.path);
            let name = path.strip_prefix(&received.path).unwrap_or(path);
            let mut header = tar::Header::new_gnu();
            header.set_size(file.text.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, file.text.as_bytes())?;
        }
        archive.into_inner()?.finish()
    };
    pack().map_err(UpdateError::file("read", &received.path))
}

/// Whether a member's path climbs out of its archive or does not lie in it at all.
fn leads_out(path: &str, archive: &str) -> bool {
    let inner = path.strip_prefix(archive).and_then(|rest| rest.strip_prefix('!')).unwrap_or(path);
    let is_elsewhere =
        |part| matches!(part, Component::ParentDir | Component::RootDir | Component::Prefix(_));
    // An archive made on Windows may write `\`, which is no separator here.
    Path::new(inner).components().any(is_elsewhere)
        || inner.split(['/', '\\']).any(|part| part == "..")
        || inner.starts_with('\\')
}

/// The day that rules are of: when the newest member of the archive was changed, or else the newest rule.
fn date(pack: &Pack) -> Option<String> {
    let changed = pack.changed.filter(|seconds| *seconds > 0);
    let time = changed.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let of_archive = time.map(|time| TimeZone::UTC.to_datetime(time).date().to_string());
    of_archive
        .or_else(|| metadata(&pack.files).filter_map(|metadata| metadata.newest().map(str::to_owned)).max())
}

/// What the rules of files say of themselves, those that cannot be used left out.
fn metadata(files: &[RuleFile]) -> impl Iterator<Item = Metadata> {
    files.iter().flat_map(|file| {
        let collection = Collection::parse(&file.text, &Placeholders::default());
        let rules = collection.rules.into_iter().map(|rule| rule.metadata);
        rules.chain(collection.correlations.into_iter().map(|correlation| correlation.metadata))
    })
}

pub(super) fn changes(before: Option<&Edition>, after: &Edition) -> Result<RuleChanges, UpdateError> {
    // What was there before need not be whole, which is perhaps why there is an update.
    let before = before.and_then(|edition| known(edition).ok()).unwrap_or_default();
    let after = known(after)?;
    let missing_in = |from: &Known, other: &Known| -> Vec<String> {
        let missing = from.iter().filter(|(id, _)| !other.contains_key(*id));
        let mut titles: Vec<String> = missing.map(|(_, (title, _))| title.clone()).collect();
        titles.sort();
        titles
    };
    let mut level: Vec<LevelChange> = after
        .iter()
        .filter_map(|(id, (title, to))| {
            let (_, from) = before.get(id).filter(|(_, from)| from != to)?;
            Some(LevelChange { title: title.clone(), from: *from, to: *to })
        })
        .collect();
    level.sort_by(|a, b| (b.to, &a.title).cmp(&(a.to, &b.title)));
    Ok(RuleChanges {
        n_rules: after.len(),
        n_before: before.len(),
        new: missing_in(&after, &before),
        gone: missing_in(&before, &after),
        level,
    })
}

/// Titles and levels of rules by what tells them apart.
type Known = BTreeMap<String, (String, Option<Level>)>;

fn known(edition: &Edition) -> Result<Known, UpdateError> {
    let mut known = Known::new();
    for file in edition.rule_files()? {
        for metadata in metadata(std::slice::from_ref(&file)) {
            let key = metadata.id.map_or_else(|| metadata.title.clone(), |id| id.to_lowercase());
            known.insert(key, (metadata.title, metadata.level));
        }
    }
    Ok(known)
}

impl Edition {
    /// The texts of its rules. Paths begin with the name of the source that they are from.
    ///
    /// # Errors
    /// When a piece cannot be read or is not what it was.
    pub fn rule_files(&self) -> Result<Vec<RuleFile>, UpdateError> {
        let mut files = Vec::new();
        for (piece, source) in self.manifest().pieces.iter().zip(self.rule_sources()?) {
            files.extend(source.files().map_err(|error| {
                UpdateError::corrupt(self.manifest().part, &self.folder().join(&piece.file), error.reason)
            })?);
        }
        Ok(files)
    }

    /// Its rules, read and not unpacked.
    ///
    /// # Errors
    /// When a piece cannot be read or is not what it was.
    pub fn rule_sources(&self) -> Result<Vec<RuleSource>, UpdateError> {
        let source = |piece: &Piece| Ok(RuleSource::packed(&piece.name, self.read(piece)?));
        self.manifest().pieces.iter().map(source).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out() {
        for path in ["a!../b.yml", "a!x/../../b.yml", "a!/etc/b.yml", "a!..\\b.yml", "a!\\b.yml"] {
            assert!(leads_out(path, "a"), "{path}");
        }
        for path in ["a!b.yml", "a!x/b..yml", "a!x/...yml", "a"] {
            assert!(!leads_out(path, "a"), "{path}");
        }
    }
}
