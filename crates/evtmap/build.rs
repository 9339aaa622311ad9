//! Compresses the data files that the library embeds.
//!
//! A pack is a file, or a folder whose files are put into a tar archive in the order of their names, so
//! that the same data always gives the same bytes.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder, write::GzEncoder};

/// What is packed: a path from this crate's folder, and the name under which `include_bytes!` finds it in `OUT_DIR`.
const PACKS: &[(&str, &str)] = &[
    ("data/attack/enterprise.json", "attack.json.gz"),
    ("data/attack/objects.json", "objects.json.gz"),
    ("data/attack/descriptions.tsv", "descriptions.tsv.gz"),
    ("../../rules", "rules.tar.gz"),
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    for (source, pack) in PACKS {
        let source = root.join(source);
        println!("cargo::rerun-if-changed={}", source.display());
        let gzip = GzBuilder::new().mtime(0).write(File::create(out.join(pack))?, Compression::best());
        compress(&source, gzip)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", source.display())))?;
    }
    println!("cargo::rustc-env=EVTMAP_COMPILED_FORM={:016x}", form(&root)?);
    list_associations(&root.join("data/associations"), &out.join("associations.rs"))
}

/// A number for the sources that rules are made ready by: while the program is worked on, its version stays
/// what it is, and a cache of rules must not outlive a change of these. A crate from a registry stands alone,
/// and there its version says enough.
fn form(root: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for source in ["src/rules", "src/logsource", "../evtmap-sigma/src", "../../Cargo.lock"] {
        let source = root.join(source);
        let mut files = Vec::new();
        if source.is_dir() {
            list(&source, &mut files)?;
        } else if source.is_file() {
            files.push(source.clone());
        } else {
            continue;
        }
        println!("cargo::rerun-if-changed={}", source.display());
        files.sort();
        for file in &files {
            fs::read(file)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

/// Writes the list of the files of associations, so that a new one needs no line of code.
fn list_associations(folder: &Path, out: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let texts: String = files.iter().map(|file| format!("    include_str!({file:?}),\n")).collect();
    fs::write(out, format!("const BUNDLED: &[&str] = &[\n{texts}];\n"))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

fn compress(source: &Path, mut gzip: GzEncoder<File>) -> io::Result<()> {
    if source.is_file() {
        io::copy(&mut File::open(source)?, &mut gzip)?;
        gzip.finish()?;
        return Ok(());
    }
    let mut files = Vec::new();
    list(source, &mut files)?;
    // Examples beside the rules are for their authors.
    files.retain(|file| !file.to_string_lossy().ends_with(".test.yml"));
    files.sort();
    let mut archive = tar::Builder::new(gzip);
    archive.mode(tar::HeaderMode::Deterministic);
    for file in &files {
        let name = file.strip_prefix(source).map_err(io::Error::other)?;
        archive.append_path_with_name(file, name)?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
