//! The Python module as wheels, for Linux and Windows: what pip installs where there is no compiler.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::{
    LICENCES, LINUX, changed, folder, has_no_places, licences, pages, programs, with_programs, without_places,
};
use crate::root;
use crate::windows::toolchain::{GNU, Toolchain, output};

/// The package whose library the wheel has in it.
const PACKAGE: &str = "evtmap-py";
/// What wheels for Linux are called that fit [`super::C_LIBRARY`].
const LINUX_TAG: &str = "manylinux2014";
/// What lies beside the list of licences in every wheel.
const PAPERS: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "crates/evtmap/data/attack/NOTICE.md"];

pub(super) fn linux() -> anyhow::Result<String> {
    let folder = folder()?;
    let tools = programs(&folder)?;
    let environment = [
        ("CARGO_ENCODED_RUSTFLAGS", without_places()?.join("\x1f").into()),
        ("CARGO_TARGET_DIR", folder.join("build").into()),
    ];
    let options = ["--zig", "--compatibility", LINUX_TAG];
    make(&tools, LINUX, &options, &environment)
}

pub(super) fn windows() -> anyhow::Result<String> {
    let toolchain = Toolchain::find(GNU)?.with_linker()?;
    let tools = programs(&folder()?)?;
    make(&tools, GNU, &[], &toolchain.environment(&without_places()?))
}

/// Builds the wheel for a target, puts the licences into it, and says where it is.
fn make(
    tools: &Path,
    target: &str,
    options: &[&str],
    environment: &[(&str, OsString)],
) -> anyhow::Result<String> {
    let folder = folder()?;
    let built = fresh(&folder.join("wheel"))?;
    let mut maturin = with_programs(&tools.join("maturin"), tools)?;
    maturin.args(["build", "--quiet", "--release", "--locked", "--target", target]).args(options);
    maturin.args(["--manifest-path", &format!("crates/{PACKAGE}/Cargo.toml"), "--out"]).arg(&built);
    maturin.env_remove("RUSTFLAGS").envs(environment.iter().map(|(name, value)| (name, value)));
    ensure!(maturin.status()?.success(), "the wheel for {target} does not build");
    let opened = fresh(&folder.join("wheel-opened"))?;
    let mut unpack = with_programs(&tools.join("wheel"), tools)?;
    output(unpack.args(["unpack", "--dest"]).arg(&opened).arg(only(&built)?))?;
    let wheel = only(&opened)?;
    let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let about = wheel.join(format!("{name}.dist-info"));
    without_own_place(&about.join("sboms"))?;
    for folder in [&wheel.join("evtmap"), &about.join("sboms"), &about] {
        pages(folder)?.iter().try_for_each(|file| has_no_places(file))?;
    }
    let papers = about.join("licenses");
    fs::create_dir_all(&papers)?;
    fs::write(papers.join(LICENCES), licences::of(PACKAGE, target)?)?;
    for paper in PAPERS {
        let from = root().join(paper);
        fs::copy(&from, papers.join(from.file_name().unwrap_or_default()))?;
    }
    let mut pack = with_programs(&tools.join("wheel"), tools)?;
    pack.args(["pack", "--dest-dir"]).arg(&built).arg(&wheel);
    output(pack.env("SOURCE_DATE_EPOCH", changed()?.as_second().to_string()))?;
    let made = only(&built)?;
    let placed = folder.join(made.file_name().unwrap_or_default());
    fs::rename(&made, &placed)?;
    for done in [&built, &opened] {
        fs::remove_dir_all(done)?;
    }
    Ok(format!("{} has {:.1} MB", placed.display(), fs::metadata(&placed)?.len() as f64 / 1e6))
}

/// Lists of what is in the library name its packages by the folder in which they were built.
fn without_own_place(lists: &Path) -> anyhow::Result<()> {
    let own = root().canonicalize()?.display().to_string();
    for list in pages(lists)? {
        fs::write(&list, fs::read_to_string(&list)?.replace(&own, "/evtmap"))?;
    }
    Ok(())
}

/// A folder with nothing in it.
fn fresh(folder: &Path) -> anyhow::Result<PathBuf> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

/// The one thing that is in a folder.
fn only(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut paths = fs::read_dir(folder)?;
    let path = paths.next().with_context(|| format!("there is nothing in `{}`", folder.display()))??.path();
    ensure!(paths.next().is_none(), "there is more than one thing in `{}`", folder.display());
    Ok(path)
}
