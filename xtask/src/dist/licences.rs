//! Under which licences the libraries are that a program is linked with: one text, which goes into its archive.
//!
//! Most of those licences ask for no more than that their text and the names of the authors come along.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::root;
use crate::windows::toolchain::output;

/// How the names of files begin in which a library tells its licence, in small letters.
const NAMES: &[&str] = &["licen", "copying", "copyright", "notice", "unlicense"];
/// The licence whose text is the same in every library, so that one without a text of its own may point to it.
const COMMON: &str = "Apache-2.0";
/// A file of a library that is longer than any licence is none.
const LONGEST: u64 = 256 << 10;

/// What cargo tells of packages, as far as it is asked here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    /// An expression of SPDX.
    license: Option<String>,
    manifest_path: PathBuf,
    /// Nothing for a package of this repository.
    source: Option<String>,
    repository: Option<String>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Nothing where it is linked; `dev` and `build` are not.
    kind: Option<String>,
}

/// The licences of all libraries that `package` of this repository is linked with for `target`.
///
/// # Errors
/// A library tells neither its licence's text nor that it is under one whose text is always the same.
pub(super) fn of(package: &str, target: &str) -> anyhow::Result<String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["metadata", "--locked", "--quiet", "--format-version", "1"]);
    cargo.args(["--filter-platform", target]);
    let metadata: Metadata = serde_json::from_str(&output(&mut cargo)?)?;
    let libraries = linked(&metadata, package)?;
    let mut texts: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut told = format!(
        "{package} for {target} is linked with {} libraries beside Rust's own, which are under MIT OR Apache-2.0.\n\
         Each is listed with its licences as SPDX names them, and with the numbers of the texts below that came\n\
         with it.\n\n",
        libraries.len()
    );
    for library in &libraries {
        let name = format!("{} {}", library.name, library.version);
        let licence = library.license.as_deref().unwrap_or("see its text");
        let found = texts_of(library)?;
        ensure!(
            !found.is_empty() || licence.split([' ', '/']).any(|it| it == COMMON) && !licence.contains("AND"),
            "{name} is under {licence} and has no text of it; write what its authors say to `{}`",
            library.repository.as_deref().unwrap_or("its package")
        );
        for text in found {
            texts.entry(folded(&text)).or_insert_with(|| (text, BTreeSet::new())).1.insert(name.clone());
        }
    }
    let numbered: Vec<_> = texts.into_values().collect();
    for library in &libraries {
        told += &line(library, &numbered);
    }
    for (number, (text, names)) in (1..).zip(&numbered) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let rule = "=".repeat(80);
        told += &format!("\n{rule}\n{number}. {}\n{rule}\n\n{}\n", names.join(", "), text.trim());
    }
    Ok(told)
}

/// The line of a library in the list: who it is, under what, and the numbers of its texts.
fn line(library: &Package, texts: &[(String, BTreeSet<String>)]) -> String {
    let name = format!("{} {}", library.name, library.version);
    let numbers: Vec<String> = (1..)
        .zip(texts)
        .filter(|(_, (_, names))| names.contains(&name))
        .map(|(number, _): (usize, _)| number.to_string())
        .collect();
    let numbers = match numbers.is_empty() {
        true => format!("no text of its own: that of {COMMON}"),
        false => numbers.join(", "),
    };
    let licence = library.license.as_deref().unwrap_or("see its text");
    let place = library.repository.as_deref().map(|place| format!(" <{place}>")).unwrap_or_default();
    format!("{name}: {licence} ({numbers}){place}\n")
}

/// The libraries from elsewhere that a package is linked with, by name. What only runs while it is built is left
/// out, and with it macros.
fn linked<'a>(metadata: &'a Metadata, package: &str) -> anyhow::Result<Vec<&'a Package>> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let first = metadata.packages.iter().find(|it| it.name == package && it.source.is_none());
    let mut open = vec![first.with_context(|| format!("there is no package `{package}`"))?.id.as_str()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let (package, node) =
            packages.get(id).zip(nodes.get(id)).context("cargo names what it does not list")?;
        let is_macro = package.targets.iter().any(|target| target.kind.iter().any(|it| it == "proc-macro"));
        if is_macro || !seen.insert(id) {
            continue;
        }
        let linked = |dependency: &&Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
        open.extend(node.deps.iter().filter(linked).map(|dependency| dependency.pkg.as_str()));
    }
    let seen = seen.into_iter().filter_map(|id| packages.get(id).copied());
    let mut libraries: Vec<&Package> = seen.filter(|package| package.source.is_some()).collect();
    libraries.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    Ok(libraries)
}

/// The texts of a library's licences, those of what it has taken from others included.
fn texts_of(library: &Package) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut open = vec![library.manifest_path.parent().unwrap_or(Path::new("")).to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("`{}`", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().to_lowercase();
            // A folder of that name has licences, a source file of that name has code.
            let is_named = NAMES.iter().any(|start| name.starts_with(start)) && !name.ends_with(".rs");
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if is_named && entry.metadata()?.len() <= LONGEST {
                texts.push(String::from_utf8_lossy(&fs::read(entry.path())?).into_owned());
            }
        }
    }
    texts.sort();
    Ok(texts)
}

/// A text without the breaks of its lines, by which equal licences differ.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
