//! Files as such: headers, sizes, names, and the papers of data.

use std::collections::BTreeSet;

use super::{Complaint, Tree};

/// The largest file in bytes: everybody who clones pays for each version of it.
const N_BYTES_MAX: u64 = 1 << 20;
/// The lines of a source file from which on a reason is wanted.
const N_LINES: usize = 500;
/// The lines of a source file at most, for whatever reason.
const N_LINES_MAX: usize = 1000;
/// Files that only help if people read them to the end, and their lines at most.
const SHORT: &[(&str, usize)] = &[("ARCHITECTURE.md", 300), ("README.md", 120)];
/// What is written by hand in the way of code.
const SOURCES: &[&str] = &["css", "html", "js", "py", "rs", "sh", "ts"];
/// Names that fit anything attract everything.
const VAGUE: &[&str] = &["common", "helper", "helpers", "manager", "misc", "util", "utils"];

/// Each Rust file opens with what it is for.
pub(super) fn headers(tree: &Tree) -> Vec<Complaint> {
    let without = tree.rust().filter(|file| !file.text.starts_with("//! "));
    without.map(|file| Complaint::new(&file.path, "does not open with `//!` and what it is for")).collect()
}

/// No file is large.
pub(super) fn sizes(tree: &Tree) -> Vec<Complaint> {
    let large = tree.files.iter().filter(|file| file.n_bytes > N_BYTES_MAX);
    large.map(|file| Complaint::new(&file.path, format!("has {} bytes", file.n_bytes))).collect()
}

/// No source file is long.
pub(super) fn lines(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let n_lines = file.text.lines().count();
        let is_source = SOURCES.iter().any(|ending| file.path.rsplit('.').next() == Some(ending));
        let limit = SHORT.iter().find(|(path, _)| *path == file.path).map(|(_, limit)| *limit);
        let limit = limit.or(is_source.then_some(N_LINES));
        if let Some(limit) = limit.filter(|limit| n_lines > *limit) {
            complaints.push(Complaint::new(&file.path, format!("has {n_lines} lines, over {limit}")));
        }
        // The second complaint about one file, so that one exception does not answer it.
        if is_source && n_lines > N_LINES_MAX {
            complaints.push(Complaint::new(&file.path, format!("has {n_lines} lines, over {N_LINES_MAX}")));
        }
    }
    complaints
}

/// No file and no module has a name that says nothing.
pub(super) fn names(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let is_source = SOURCES.iter().any(|ending| file.path.rsplit('.').next() == Some(ending));
        if !is_source {
            continue;
        }
        let parts = file.path.split(['/', '.']);
        let modules = file.text.lines().filter_map(|line| {
            let (before, name) = line.trim_start().split_once("mod ")?;
            let is_item = before.is_empty() || before.starts_with("pub");
            is_item.then_some(name.trim_end_matches([' ', '{', ';']))
        });
        let vague: BTreeSet<&str> = parts.chain(modules).filter(|name| VAGUE.contains(name)).collect();
        complaints.extend(
            vague.iter().map(|name| {
                Complaint::new(&file.path, format!("`{name}` says nothing; name what it is about"))
            }),
        );
    }
    complaints
}

/// Data says what it is; data from elsewhere also whose and which version it is.
pub(super) fn data(tree: &Tree) -> Vec<Complaint> {
    let prefix = "crates/evtmap/data/";
    let below = tree.files.iter().filter_map(|file| file.path.strip_prefix(prefix));
    let folders: BTreeSet<&str> = below.filter_map(|path| Some(path.split_once('/')?.0)).collect();
    let mut complaints = Vec::new();
    for folder in folders {
        let has = |name: &str| tree.files.iter().any(|file| file.path == format!("{prefix}{folder}/{name}"));
        let path = format!("{prefix}{folder}");
        if !has("README.md") && !has("NOTICE.md") {
            complaints.push(Complaint::new(&path, "has neither README.md nor NOTICE.md"));
        }
        if has("NOTICE.md") && !has("VERSION") {
            complaints.push(Complaint::new(&path, "is from elsewhere (NOTICE.md) and has no VERSION"));
        }
    }
    complaints
}

/// The changelog has a place for the next entry.
pub(super) fn changelog(tree: &Tree) -> Vec<Complaint> {
    let path = "CHANGELOG.md";
    let has_place = tree.text(path).lines().any(|line| line.starts_with("## [Unreleased]"));
    if has_place { Vec::new() } else { vec![Complaint::new(path, "has no section `## [Unreleased]`")] }
}

/// Every crate that the workspace names has a row that says why, and no other has one.
pub(super) fn dependencies(tree: &Tree) -> Vec<Complaint> {
    let path = "docs/dependencies.md";
    let manifest: toml::Table = tree.text("Cargo.toml").parse().unwrap_or_default();
    let workspace = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let named = workspace.and_then(toml::Value::as_table).into_iter().flatten();
    let named: BTreeSet<&str> =
        named.filter(|(_, how)| how.get("path").is_none()).map(|(name, _)| name.as_str()).collect();
    let rows = tree.text(path).lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let rows: BTreeSet<&str> = rows.map(|(name, _)| name).collect();
    let missing = named.difference(&rows).map(|name| format!("has no row for `{name}`"));
    let left_over = rows.difference(&named).map(|name| format!("has a row for `{name}`, which is not used"));
    missing.chain(left_over).map(|about| Complaint::new(path, about)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn files_open_with_what_they_are_for() {
        check(
            headers,
            &[("a.rs", "//! What.\n"), ("b.rs", "// What.\n"), ("c.py", "")],
            &["b.rs: does not open with `//!` and what it is for"],
        );
    }

    #[test]
    fn files_are_small() {
        check(
            sizes,
            &[("a", &"x".repeat(1 << 20)), ("b", &"x".repeat((1 << 20) + 1))],
            &["b: has 1048577 bytes"],
        );
        check(
            lines,
            &[
                ("a.rs", &"\n".repeat(500)),
                ("b.rs", &"\n".repeat(1001)),
                ("c.toml", &"\n".repeat(2000)),
                ("ARCHITECTURE.md", &"\n".repeat(301)),
            ],
            &[
                "b.rs: has 1001 lines, over 500",
                "b.rs: has 1001 lines, over 1000",
                "ARCHITECTURE.md: has 301 lines, over 300",
            ],
        );
    }

    #[test]
    fn names_say_something() {
        check(
            names,
            &[
                ("src/utils/a.rs", ""),
                ("src/b.rs", "pub(crate) mod misc;\n// mod common\nmod c {}"),
                ("utils.yml", ""),
            ],
            &[
                "src/utils/a.rs: `utils` says nothing; name what it is about",
                "src/b.rs: `misc` says nothing; name what it is about",
            ],
        );
    }

    #[test]
    fn data_has_its_papers() {
        check(
            data,
            &[
                ("crates/evtmap/data/channels.toml", ""),
                ("crates/evtmap/data/a/a.toml", ""),
                ("crates/evtmap/data/b/NOTICE.md", ""),
                ("crates/evtmap/data/c/README.md", ""),
            ],
            &[
                "crates/evtmap/data/a: has neither README.md nor NOTICE.md",
                "crates/evtmap/data/b: is from elsewhere (NOTICE.md) and has no VERSION",
            ],
        );
    }

    #[test]
    fn the_changelog_has_a_place() {
        check(changelog, &[("CHANGELOG.md", "## [Unreleased]\n")], &[]);
        check(
            changelog,
            &[("CHANGELOG.md", "## [0.1.0]\n")],
            &["CHANGELOG.md: has no section `## [Unreleased]`"],
        );
    }

    #[test]
    fn dependencies_say_why() {
        let manifest = "[workspace.dependencies]\nours = { path = \"ours\" }\nserde = \"1\"\ntar = { version = \"1\" }\n";
        let page = "| crate | for |\n|---|---|\n| `serde` | data |\n| `gone` | nothing |\n";
        check(
            dependencies,
            &[("Cargo.toml", manifest), ("docs/dependencies.md", page)],
            &[
                "docs/dependencies.md: has no row for `tar`",
                "docs/dependencies.md: has a row for `gone`, which is not used",
            ],
        );
    }
}
