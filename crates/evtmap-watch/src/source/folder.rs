//! A folder whose files grow, and to which new ones come.
//!
//! A file is known by what the system knows it by and not by its name, so that one that is renamed, as rotation
//! does, is neither read again nor given up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evtmap::input::{self, InputError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::Identity;
use super::tail::{Mark, Readers, Start, Tail};
use super::{Opened, Opening, Round, Source, remembered};
use crate::own::Own;
use crate::wake::Noticed;

/// How often the folder is searched for new files.
const SEARCH_EVERY: Duration = Duration::from_millis(250);
/// How long a search may take, as a share of the time: one hundredth.
const SEARCH_SHARE: u32 = 100;
/// How many files of a folder are followed.
const N_FILES_MAX: usize = 20_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Bookmark {
    files: BTreeMap<PathBuf, Mark>,
}

struct Folder {
    name: String,
    readers: Readers,
    own: Own,
    /// From where on a file is read that the next search finds.
    start: Start,
    tails: BTreeMap<PathBuf, Tail>,
    /// The first file that the next round asks, so that each has its turn.
    turn: PathBuf,
    /// When the next search is due.
    due: Option<Instant>,
    /// Whether a file changed its place since the last search.
    is_changed: bool,
    /// What was told already of paths that cannot be looked up, and of files beyond the number.
    told: BTreeSet<PathBuf>,
}

pub(super) fn open(name: &str, opening: Opening<'_>) -> Opened {
    let bookmark: Option<Bookmark> = remembered(opening.bookmark, Path::new(name))?;
    // Beside what an earlier run knew, everything is new.
    let start = if opening.from_start || bookmark.is_some() { Start::Beginning } else { Start::End };
    let marks = bookmark.unwrap_or_default().files.into_iter();
    let tails = marks.map(|(path, mark)| {
        let tail = Tail::of_mark(&path, mark, Start::Beginning);
        (path, tail)
    });
    Ok(Box::new(Folder {
        name: name.to_owned(),
        readers: Readers::new(opening.options),
        own: opening.own.clone(),
        start,
        tails: tails.collect(),
        turn: PathBuf::new(),
        due: None,
        is_changed: false,
        told: BTreeSet::new(),
    }))
}

impl Source for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin(&mut self, round: &mut Round) {
        self.search(round);
        let mut troubles = Vec::new();
        for (path, tail) in &mut self.tails {
            troubles.extend(Trouble::of(path, read(path, tail, &self.readers, round)));
        }
        troubles.into_iter().for_each(|trouble| self.note(trouble, round));
    }

    fn read(&mut self, round: &mut Round) {
        if self.is_changed || self.due.is_none_or(|due| due <= Instant::now()) {
            self.search(round);
        }
        let begin = std::mem::take(&mut self.turn);
        let mut troubles = Vec::new();
        for share in [(Included(&begin), Unbounded), (Unbounded, Excluded(&begin))] {
            for (path, tail) in self.tails.range_mut::<PathBuf, _>(share) {
                if round.is_full() {
                    self.turn.clone_from(path);
                    break;
                }
                troubles.extend(Trouble::of(path, read(path, tail, &self.readers, round)));
            }
            if round.is_full() {
                break;
            }
        }
        troubles.into_iter().for_each(|trouble| self.note(trouble, round));
    }

    fn bookmark(&self) -> Value {
        let files = self.tails.iter().map(|(path, tail)| (path.clone(), tail.mark.clone()));
        serde_json::to_value(Bookmark { files: files.collect() }).unwrap_or_default()
    }

    fn lag(&self) -> u64 {
        self.tails.values().map(Tail::lag).sum()
    }

    fn noticed(&self) -> Vec<Noticed> {
        vec![Noticed::Tree(PathBuf::from(&self.name))]
    }
}

/// Why nothing came of a file.
enum Trouble {
    /// It is not there any more, or another one is.
    Gone,
    Unreadable(InputError),
}

impl Trouble {
    fn of(path: &Path, read: io::Result<bool>) -> Option<Self> {
        match read {
            Ok(is_here) => (!is_here).then_some(Self::Gone),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Self::Gone),
            Err(error) => Some(Self::Unreadable(InputError::io(path, &error))),
        }
    }
}

/// Reads what has come to a file; says whether it is still the one that lies there.
fn read(path: &Path, tail: &mut Tail, readers: &Readers, round: &mut Round) -> io::Result<bool> {
    let (identity, metadata) = Identity::at(path)?;
    if identity != tail.mark.identity {
        return Ok(false);
    }
    if tail.may_have_more(&metadata) {
        tail.read(&File::open(path)?, false, readers, round)?;
    }
    Ok(true)
}

impl Folder {
    fn note(&mut self, trouble: Trouble, round: &mut Round) {
        match trouble {
            // The next search finds out what became of it.
            Trouble::Gone => self.is_changed = true,
            Trouble::Unreadable(error) => {
                if self.told.len() < N_FILES_MAX && self.told.insert(error.path.clone()) {
                    round.refused.push((error.path.display().to_string(), error));
                }
            }
        }
    }

    /// Finds new files, those that have another name, and those that are gone.
    fn search(&mut self, round: &mut Round) {
        let begun = Instant::now();
        self.is_changed = false;
        let found = input::find([&self.name]);
        let mut known: BTreeMap<Identity, Tail> =
            std::mem::take(&mut self.tails).into_values().map(|tail| (tail.mark.identity, tail)).collect();
        for error in found.problems {
            self.note(Trouble::Unreadable(error), round);
        }
        for file in found.files {
            if self.own.has(&file.path) {
                continue;
            }
            let Ok((identity, _)) = Identity::at(&file.path) else { continue };
            let tail = match known.remove(&identity) {
                Some(mut tail) => {
                    tail.move_to(&file.path);
                    tail
                }
                None if self.tails.len() + known.len() >= N_FILES_MAX => {
                    self.refuse(&file.path, round);
                    continue;
                }
                None => Tail::new(&file.path, identity, self.start),
            };
            self.tails.insert(file.path, tail);
        }
        for gone in known.into_values().filter(|tail| tail.lag() > 0) {
            let reason = format!("{} bytes were not read before the file was removed", gone.lag());
            round.tell(gone.place(), "watch-removed", reason, true);
        }
        self.start = Start::Beginning;
        self.due = Some(Instant::now() + SEARCH_EVERY.max(begun.elapsed() * SEARCH_SHARE));
    }

    fn refuse(&mut self, path: &Path, round: &mut Round) {
        let message = format!("only {N_FILES_MAX} files of a folder are followed");
        let error = InputError::new("watch-too-many", path, message, "watch a folder with fewer files");
        self.note(Trouble::Unreadable(error), round);
    }
}
