//! Which files the paths that a user gave stand for.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{InputError, Log};

/// The path that stands for standard input. A file of that name is `./-`.
pub const STANDARD_INPUT: &str = "-";

/// What begins the text that a channel of a running event log has for its path: `live:Security`.
pub const LIVE_PREFIX: &str = "live:";

/// The files that [`find`] came upon.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, in the order of the paths given, those of a folder by name; none twice.
    pub files: Vec<FoundFile>,
    /// Logs that are no files; they come after the files.
    pub logs: Vec<Box<dyn Unopened>>,
    /// The paths and folders that could not be read.
    pub problems: Vec<InputError>,
}

/// A log that is no file, such as that of a running computer, and is opened when its turn comes.
pub trait Unopened: std::fmt::Debug + Send + Sync {
    /// What stands for it where files have their path.
    fn path(&self) -> PathBuf;

    /// Opens it.
    fn open(&self) -> Log;
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether the user named this very file. One that merely lies in a folder may be of any kind, and to
    /// pass it over is no failure.
    pub named: bool,
}

/// Looks up every path and walks through folders and the folders in them. `-` is standard input.
///
/// A link to a folder is followed only when the user named it, so that the walk always ends.
pub fn find<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for path in paths {
        let path = path.as_ref();
        if path == Path::new(STANDARD_INPUT) {
            found.add(path.to_owned(), true, &mut seen);
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, &mut found, &mut seen),
            Ok(_) => found.add(path.to_owned(), true, &mut seen),
            Err(error) => found.problems.push(InputError::io(path, &error)),
        }
    }
    found
}

impl Found {
    fn add(&mut self, path: PathBuf, named: bool, seen: &mut HashSet<PathBuf>) {
        if seen.insert(path.clone()) {
            self.files.push(FoundFile { path, named });
        } else if named && let Some(file) = self.files.iter_mut().find(|file| file.path == path) {
            file.named = true;
        }
    }
}

/// Adds the files in `root` and below. What is neither a file nor a folder is passed over.
fn walk(root: &Path, found: &mut Found, seen: &mut HashSet<PathBuf>) {
    let mut waiting = vec![(root.to_owned(), Entry::Folder)];
    while let Some((path, entry)) = waiting.pop() {
        let is_file = match entry {
            Entry::Folder => match entries(&path) {
                // The last one waiting is the next, so they wait backwards.
                Ok(entries) => {
                    waiting.extend(entries.into_iter().rev());
                    continue;
                }
                Err(error) => Err(error),
            },
            Entry::File => Ok(true),
            Entry::Other => fs::metadata(&path).map(|metadata| metadata.is_file()),
        };
        match is_file {
            Ok(true) => found.add(path, false, seen),
            Ok(false) => {}
            Err(error) => found.problems.push(InputError::io(&path, &error)),
        }
    }
}

/// What something in a folder is, so far as the folder tells: to ask about each file costs as much as to open it.
enum Entry {
    File,
    Folder,
    /// A link, which is looked at but not followed to a folder, or something else.
    Other,
}

/// What lies in a folder, sorted by name.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, Entry)>> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_dir() => Entry::Folder,
            Ok(kind) if kind.is_file() => Entry::File,
            _ => Entry::Other,
        };
        Ok((entry.path(), kind))
    };
    let mut entries: Vec<(PathBuf, Entry)> = fs::read_dir(folder)?.map(entry).collect::<io::Result<_>>()?;
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes the files (`a/b`) and folders (`a/`) in a new folder, and shows what is found for `paths`.
    fn check(name: &str, made: &[&str], paths: &[&str], expected: &[&str]) {
        let root = std::env::temp_dir().join(format!("evtmap-find-{name}-{}", std::process::id()));
        for path in made {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match path.to_str().unwrap().split_once("->") {
                #[cfg(unix)]
                Some((link, target)) => std::os::unix::fs::symlink(root.join(target), link).unwrap(),
                _ => fs::write(path, "").unwrap(),
            }
        }
        let found = find(paths.iter().map(|path| root.join(path)));
        let show = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string().replace('\\', "/");
        let files = found
            .files
            .iter()
            .map(|file| format!("{}{}", show(&file.path), if file.named { " named" } else { "" }));
        let problems = found.problems.iter().map(|error| format!("{} {}", show(&error.path), error.code));
        let found: Vec<String> = files.chain(problems).collect();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn folders_are_walked_in_order() {
        check("order", &["b", "a/z", "a/c/x", "a.evtx"], &["."], &["a/c/x", "a/z", "a.evtx", "b"]);
    }

    #[test]
    fn a_named_file_is_remembered_and_comes_once() {
        check("named", &["a/x", "a/y", "b"], &["b", "a", "a/y"], &["b named", "a/x", "a/y named"]);
    }

    #[test]
    fn a_missing_path_is_a_problem() {
        check("missing", &["a"], &["nothing", "a"], &["a named", "nothing input-missing"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_not_followed() {
        check(
            "links",
            &["a/x", "b/up->.", "b/x->a/x", "b/gone->c"],
            &["b"],
            &["b/x", "b/gone input-missing"],
        );
        check("root", &["a/x", "b->a"], &["b"], &["b/x"]);
    }
}
