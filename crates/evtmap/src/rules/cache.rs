//! Rules made ready, kept on disk from one run to the next.
//!
//! ```text
//! magic │ key: what the rules were made of, and by which program │ digest of the rest │ parts
//! part: its length, 8 bytes, the lowest first │ what is in it
//! parts: rules but for their detections, in several │ the detections, one after the other │ what there is beside
//! ```
//!
//! The rules are in several parts so that several threads can read them: it is most of what a short run does. Their
//! detections, which are most of the file, are read when the first event comes that a rule is about.
//!
//! The file is named after its key. Whatever is not as it should be (another program, other rules, a byte that
//! changed, an end too early) is no cache, and the rules are read afresh: nobody is told, since nothing is
//! lost but a part of a second. A file that somebody made on purpose has limits like any other input; a folder
//! in which others may write is not read at all, since rules that were never checked would come of it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{mem, thread};

use evtmap_sigma::{Compiled, CompiledRule, Diagnostic, Expr, Placeholders, RuleHead};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::{self, RuleSource};
use super::{LoadedCorrelation, LoadedRule, Rules, SkippedRule};
use crate::logsource::Pipelines;

const MAGIC: &[u8; 16] = b"evtmap compiled\n";
/// What the form of the rules follows from beside the version: the sources that make them, so that a program
/// that is being worked on never takes what an earlier one made.
const FORM: &str = env!("EVTMAP_COMPILED_FORM");
const ENDING: &str = "rules";
const DRAFT_PREFIX: &str = ".draft-";

/// The largest file that is read or written, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// How deep the parts of rules may nest, in lists within lists: more than the limits of the language allow.
const MAX_DEPTH: usize = 400;
/// How many files are kept; each is for one choice of rules and settings.
const N_KEPT: usize = 8;
/// After how long a file that was never finished is removed.
const DRAFT_AGE: Duration = Duration::from_secs(60 * 60);

type Hash = [u8; 32];

/// A folder in which rules are kept that were made ready. It need not exist, and need not be writable.
#[derive(Clone, Debug)]
pub struct RuleCache {
    folder: PathBuf,
}

/// Into how many parts the rules are cut. With more the memory of the threads grows for longer than they save: each
/// asks the system for its own, page by page.
const N_PARTS: usize = 2;

/// A rule as it is kept, and how long its detection is, which stands elsewhere.
#[derive(Serialize, Deserialize)]
struct KeptRule {
    head: RuleHead,
    path: String,
    n_bytes: usize,
}

/// What is kept beside rules: all but what is made in no time of these.
#[derive(Serialize)]
struct Kept<'a> {
    correlations: &'a [LoadedCorrelation],
    skipped: &'a [SkippedRule],
    diagnostics: &'a [(String, Diagnostic)],
}

/// What is kept beside rules, as it is read.
#[derive(Deserialize)]
struct Found {
    correlations: Vec<LoadedCorrelation>,
    skipped: Vec<SkippedRule>,
    diagnostics: Vec<(String, Diagnostic)>,
}

/// What rules were made of, and by which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(Hash);

impl Key {
    pub(super) fn new(sources: &[RuleSource], pipelines: &Pipelines, placeholders: &Placeholders) -> Self {
        let mut digest = Sha256::new();
        source::add(&mut digest, env!("CARGO_PKG_VERSION").as_bytes());
        source::add(&mut digest, FORM.as_bytes());
        // What is printed of them is all there is to them.
        source::add(&mut digest, pipelines.printed().as_bytes());
        source::add(&mut digest, format!("{placeholders:?}").as_bytes());
        for source in sources {
            source.add_to(&mut digest);
        }
        Self(digest.finalize().into())
    }

    fn file_name(self) -> String {
        let digits: String = self.0.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("{digits}.{ENDING}")
    }
}

impl RuleCache {
    /// The cache in a folder. Nothing is read yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The rules of a key, if they are there and whole.
    pub(super) fn read(&self, key: Key, pipelines: &Pipelines) -> Option<Rules> {
        let path = self.folder.join(key.file_name());
        let is_trusted = |path: &Path| fs::metadata(path).is_ok_and(|found| is_private(&found));
        if !is_trusted(&self.folder) || !is_trusted(&path) {
            return None;
        }
        let bytes = Arc::new(read_bounded(&path).ok()?);
        let (rules, Found { correlations, skipped, diagnostics }) = unpack(&bytes, key)?;
        Rules::prepare(rules, correlations, pipelines).map(|rules| Rules { skipped, diagnostics, ..rules })
    }

    /// Keeps the rules of a key. That this may fail, as on a disk that is full or must not be written to, is
    /// part of being a cache.
    pub(super) fn write(&self, key: Key, rules: &Rules) {
        if self.try_write(key, rules).is_ok() {
            self.tidy();
        }
    }

    fn try_write(&self, key: Key, rules: &Rules) -> io::Result<()> {
        let bytes = pack(key, rules)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        make_folder(&self.folder)?;
        // Readers see the old file or the new one and never a part; of two writers the last one wins, and
        // both have written the same.
        let mut draft = tempfile::Builder::new().prefix(DRAFT_PREFIX).tempfile_in(&self.folder)?;
        draft.write_all(&bytes)?;
        draft.persist(self.folder.join(key.file_name())).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes what was used longest ago, and what was never finished.
    fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in entries.flatten() {
            let Ok(changed) = entry.metadata().and_then(|found| found.modified()) else { continue };
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                kept.push((changed, path));
            } else if entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX)
                && changed.elapsed().is_ok_and(|age| age > DRAFT_AGE)
            {
                let _ = fs::remove_file(path);
            }
        }
        kept.sort_unstable_by(|a, b| b.cmp(a));
        for (_, path) in kept.into_iter().skip(N_KEPT) {
            let _ = fs::remove_file(path);
        }
    }
}

fn pack(key: Key, rules: &Rules) -> io::Result<Vec<u8>> {
    let mut detections = Vec::new();
    let kept_rules = rules.rules.iter().map(|LoadedRule { rule, path }| {
        let start = detections.len();
        rmp_serde::encode::write(&mut detections, rule.compiled()).map_err(io::Error::other)?;
        // What is nested deeper than may be read is no reason for a rule to be another one in the next run.
        detections.get(start..).and_then(decode::<Compiled>).ok_or(io::ErrorKind::InvalidData)?;
        Ok(KeptRule { head: rule.head(), path: path.clone(), n_bytes: detections.len() - start })
    });
    let kept_rules = kept_rules.collect::<io::Result<Vec<_>>>()?;
    let kept =
        Kept { correlations: &rules.correlations, skipped: &rules.skipped, diagnostics: &rules.diagnostics };
    let n_rules = kept_rules.len().div_ceil(N_PARTS).max(1);
    let heads = kept_rules.chunks(n_rules).map(|part| rmp_serde::to_vec(part).map_err(io::Error::other));
    let mut parts = heads.collect::<io::Result<Vec<_>>>()?;
    parts.push(detections);
    parts.push(rmp_serde::to_vec(&kept).map_err(io::Error::other)?);
    let mut body = Vec::new();
    for part in parts {
        body.extend((part.len() as u64).to_le_bytes());
        body.extend(part);
    }
    let digest: Hash = Sha256::digest(&body).into();
    Ok([MAGIC.as_slice(), &key.0, &digest, &body].concat())
}

fn unpack(bytes: &Arc<Vec<u8>>, key: Key) -> Option<(Vec<LoadedRule>, Found)> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&key.0)?;
    let (digest, body) = rest.split_first_chunk::<32>()?;
    let parts = cut(bytes, bytes.len() - body.len())?;
    let [heads @ .., detections, last] = parts.as_slice() else { return None };
    let (heads, found) = thread::scope(|scope| {
        let read = |part: &Range<usize>| decode::<Vec<KeptRule>>(bytes.get(part.clone())?);
        let spawn = |part| (part, thread::Builder::new().spawn_scoped(scope, move || read(part)));
        let readers: Vec<_> = heads.iter().skip(1).map(spawn).collect();
        // What is made in the meantime of bytes that are not what was written is thrown away.
        let is_whole = Hash::from(Sha256::digest(body)) == *digest;
        let found: Option<Found> = bytes.get(last.clone()).and_then(decode);
        let first = heads.first().map_or(Some(Vec::new()), read);
        // Where the system has no thread to give, this one does it.
        let others: Vec<_> = readers
            .into_iter()
            .map(|(part, reader)| reader.map_or_else(|_| read(part), |reader| reader.join().ok().flatten()))
            .collect();
        let mut rules = first.filter(|_| is_whole)?;
        for part in others {
            rules.append(&mut part?);
        }
        Some((rules, found?))
    })?;
    Some((join(heads, bytes, detections)?, found))
}

/// The parts of a file from `start` to its end; nothing when that does not consist of them, or has too many.
fn cut(bytes: &[u8], mut start: usize) -> Option<Vec<Range<usize>>> {
    let mut parts = Vec::new();
    while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
        // A made-up file may consist of lengths alone.
        if parts.len() == N_PARTS + 2 {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length =
            usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= rest.len())?;
        start = bytes.len() - rest.len() + length;
        parts.push(start - length..start);
    }
    Some(parts)
}

/// The rules of heads and of the detections that stand in a part of a file; nothing when these do not fill it.
fn join(heads: Vec<KeptRule>, bytes: &Arc<Vec<u8>>, part: &Range<usize>) -> Option<Vec<LoadedRule>> {
    let mut at = part.start;
    let rules = heads.into_iter().map(|KeptRule { head, path, n_bytes }| {
        let end = at.checked_add(n_bytes).filter(|end| *end <= part.end)?;
        let (own, bytes) = (mem::replace(&mut at, end)..end, Arc::clone(bytes));
        let rule = CompiledRule::from_parts(head, move || detection(bytes.get(own)));
        Some(LoadedRule { rule, path })
    });
    let rules = rules.collect::<Option<Vec<_>>>()?;
    (at == part.end).then_some(rules)
}

/// The detection that is kept in some bytes. Only what can be read is written, and all bytes were compared with their
/// digest, so that those that make none were put there on purpose, by somebody who might have written a detection that
/// never holds: they are one.
fn detection(bytes: Option<&[u8]>) -> Compiled {
    let never = || Compiled { selections: Vec::new(), condition: Expr::Any(Vec::new()) };
    bytes.and_then(decode).unwrap_or_else(never)
}

fn decode<T: DeserializeOwned>(part: &[u8]) -> Option<T> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(part);
    reader.set_max_depth(MAX_DEPTH);
    T::deserialize(&mut reader).ok()
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Not a device or a pipe, which might never end.
    let found = file.metadata()?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether nobody but its owner may write to it.
#[cfg(unix)]
fn is_private(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (found.is_dir() || found.is_file()) && found.mode() & 0o022 == 0
}

/// Elsewhere this is left to the rights of the folder, which a user's own has.
#[cfg(not(unix))]
fn is_private(found: &Metadata) -> bool {
    found.is_dir() || found.is_file()
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests;
