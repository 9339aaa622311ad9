//! What a watch itself writes: it may lie in a folder that is watched, and is no log.

use std::path::{Path, PathBuf};

/// Files and folders of the watch's own.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Folders with all that is in them.
    folders: Vec<PathBuf>,
    /// Outputs: their folder, how their names begin, and how they end. Rotated ones have a number between.
    outputs: Vec<(PathBuf, String, String)>,
}

impl Own {
    /// Adds a folder.
    pub fn add_folder(&mut self, path: &Path) {
        self.folders.extend(path.canonicalize().ok());
    }

    /// Adds an output, with what it is rotated to.
    pub fn add_output(&mut self, path: &Path) {
        let Some((folder, name)) = place_of(path) else { return };
        let (stem, ending) = split(&name);
        self.outputs.push((folder, stem.to_owned(), ending.to_owned()));
    }

    /// Whether a file is one of them.
    pub fn has(&self, path: &Path) -> bool {
        if self.folders.is_empty() && self.outputs.is_empty() {
            return false;
        }
        let Some((folder, name)) = place_of(path) else { return false };
        self.folders.iter().any(|own| folder.starts_with(own))
            || self.outputs.iter().any(|(own, stem, ending)| {
                let between =
                    name.strip_prefix(stem.as_str()).and_then(|rest| rest.strip_suffix(ending.as_str()));
                let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
                *own == folder
                    && between
                        .is_some_and(|text| text.strip_prefix('.').is_some_and(is_number) || text.is_empty())
            })
    }
}

/// A name in two: `alerts` and `.jsonl`.
pub(crate) fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at_checked(at).unwrap_or((name, "")),
        _ => (name, ""),
    }
}

fn place_of(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((folder.canonicalize().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_and_what_they_are_rotated_to() {
        let folder = tempfile::tempdir().unwrap();
        let mut own = Own::default();
        own.add_output(&folder.path().join("alerts.jsonl"));
        std::fs::create_dir(folder.path().join("state")).unwrap();
        own.add_folder(&folder.path().join("state"));
        let has = |name: &str| own.has(&folder.path().join(name));
        assert!(has("alerts.jsonl") && has("alerts.7.jsonl") && has("state/watch.json"));
        assert!(!has("alerts.old.jsonl") && !has("alerts2.jsonl") && !has("log.jsonl"));
    }
}
