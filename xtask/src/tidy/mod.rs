//! What review should not have to look for: sizes, names, headers, arrows between modules, data with its papers.
//!
//! A check is a function from the repository's files to complaints, and a line in [`CHECKS`]. What is let
//! off stands in `xtask/tidy-allow.txt` with its reason; a line there that is no longer needed is a
//! complaint too, so the list shrinks.

mod arrow;
mod code;
mod house;
mod lint;

use std::fs;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::root;

pub(crate) const ABOUT: &str = "checks what review should not have to look for";

/// Where exceptions are written down: `CHECK PATH: REASON`.
const ALLOWED: &str = "xtask/tidy-allow.txt";

/// A check.
struct Check {
    /// Its name in complaints and in the list of exceptions.
    name: &'static str,
    run: fn(&Tree) -> Vec<Complaint>,
}

const CHECKS: &[Check] = &[
    Check { name: "header", run: house::headers },
    Check { name: "size", run: house::sizes },
    Check { name: "lines", run: house::lines },
    Check { name: "name", run: house::names },
    Check { name: "data", run: house::data },
    Check { name: "changelog", run: house::changelog },
    Check { name: "dependency", run: house::dependencies },
    Check { name: "lints", run: lint::tables },
    Check { name: "unsafe", run: lint::unsafe_code },
    Check { name: "crates", run: arrow::crates },
    Check { name: "modules", run: arrow::modules },
    Check { name: "language", run: arrow::language },
    Check { name: "network", run: arrow::network },
    Check { name: "attack-id", run: arrow::attack_ids },
];

/// The files of the repository.
#[derive(Debug, Default)]
struct Tree {
    files: Vec<TreeFile>,
}

/// A file of the repository.
#[derive(Debug)]
struct TreeFile {
    /// Its path from the root, with `/`.
    path: String,
    n_bytes: u64,
    /// Its text; empty for what is no text.
    text: String,
}

/// What is not as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    path: String,
    about: String,
}

impl Complaint {
    fn new(path: impl Into<String>, about: impl Into<String>) -> Self {
        Self { path: path.into(), about: about.into() }
    }
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    if let Some(other) = arguments.first() {
        bail!("unknown argument `{other}`");
    }
    let tree = Tree::read()?;
    let complaints = complaints(&tree, tree.text(ALLOWED))?;
    if complaints.is_empty() {
        return Ok(format!("{} files are tidy", tree.files.len()));
    }
    bail!("{} complaints\n{}", complaints.len(), complaints.join("\n"))
}

/// All complaints that no line of the list of exceptions answers, and lines that answer none.
fn complaints(tree: &Tree, allowed: &str) -> anyhow::Result<Vec<String>> {
    let mut unused = exceptions(allowed)?;
    let mut told = Vec::new();
    for check in CHECKS {
        for complaint in (check.run)(tree) {
            let answer = (check.name.to_owned(), complaint.path.clone());
            match unused.iter().position(|exception| *exception == answer) {
                Some(place) => drop(unused.swap_remove(place)),
                None => told.push(format!("{}: {} [{}]", complaint.path, complaint.about, check.name)),
            }
        }
    }
    told.extend(unused.iter().map(|(check, path)| format!("{ALLOWED}: `{check} {path}` is not needed")));
    Ok(told)
}

/// The check and the path of each exception.
fn exceptions(allowed: &str) -> anyhow::Result<Vec<(String, String)>> {
    let lines = allowed.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (exception, reason) = line.split_once(": ").unwrap_or_default();
            let (check, path) = exception.split_once(' ').unwrap_or_default();
            if path.is_empty() || reason.trim().is_empty() {
                bail!("{ALLOWED}: `{line}` is not `CHECK PATH: REASON`");
            }
            Ok((check.to_owned(), path.to_owned()))
        })
        .collect()
}

impl Tree {
    /// The files that Git has or would take.
    fn read() -> anyhow::Result<Self> {
        let mut git = Command::new("git");
        git.current_dir(root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = git.output().context("git is needed to list the files")?;
        if !listed.status.success() {
            bail!("git lists no files: {}", String::from_utf8_lossy(&listed.stderr).trim());
        }
        let mut files = Vec::new();
        for path in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            // A file that was deleted but is still in the index is on its way out.
            let Ok(bytes) = fs::read(root().join(path)) else { continue };
            let n_bytes = bytes.len() as u64;
            let text = String::from_utf8(bytes).unwrap_or_default();
            files.push(TreeFile { path: path.to_owned(), n_bytes, text });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self { files })
    }

    /// The text of a file; empty when there is none.
    fn text(&self, path: &str) -> &str {
        self.files.iter().find(|file| file.path == path).map_or("", |file| &file.text)
    }

    /// The Rust files.
    fn rust(&self) -> impl Iterator<Item = &TreeFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }
}

impl TreeFile {
    /// Whether all of it is tests.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.contains("/benches/") || self.path.ends_with("/tests.rs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs one check over files given as path and text, and shows its complaints.
    pub(super) fn check(run: fn(&Tree) -> Vec<Complaint>, files: &[(&str, &str)], expected: &[&str]) {
        let complaints = run(&tree(files));
        let complaints =
            complaints.iter().map(|complaint| format!("{}: {}", complaint.path, complaint.about));
        assert_eq!(complaints.collect::<Vec<_>>(), expected);
    }

    fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| TreeFile {
            path: (*path).to_owned(),
            n_bytes: text.len() as u64,
            text: (*text).to_owned(),
        });
        Tree { files: files.collect() }
    }

    #[test]
    fn the_repository_is_tidy() {
        if let Err(error) = run(&[]) {
            panic!("{error}");
        }
    }

    #[test]
    fn checks_are_unique() {
        for (place, check) in CHECKS.iter().enumerate() {
            assert!(CHECKS[..place].iter().all(|other| other.name != check.name), "{}", check.name);
        }
    }

    #[test]
    fn exceptions_answer_complaints_and_must_be_needed() {
        let tree = tree(&[("CHANGELOG.md", "## [Unreleased]"), ("a.rs", "fn a() {}")]);
        let complaint = "a.rs: does not open with `//!` and what it is for [header]";
        assert_eq!(complaints(&tree, "").unwrap(), [complaint]);
        assert!(complaints(&tree, "# Why.\n\nheader a.rs: it is made by a tool\n").unwrap().is_empty());
        let unused = complaints(&tree, "header a.rs: made by a tool\nheader b.rs: gone").unwrap();
        assert_eq!(unused, ["xtask/tidy-allow.txt: `header b.rs` is not needed"]);
        complaints(&tree, "header a.rs:").unwrap_err();
    }
}
