//! The Python module in a Python for Windows, and its own tests there: also those of the live log, which elsewhere
//! have nothing to read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use flate2::read::GzDecoder;

use super::toolchain::{folder, is_there, made_of};
use super::{Bench, Skipped, live};
use crate::root;

/// What pip is to fetch: Python for Windows, and what the tests need beside it.
const INTERPRETER: &str = "xtask/windows/python.txt";
const LIBRARIES: &str = "xtask/windows/requirements.txt";
/// What is in the package of Python for Windows.
const ARCHIVE: &str = "data.zip";
/// How the name ends of a list of folders in which alone Python would look for modules.
const PATHS: &str = "_pth";
/// The module as it is in the repository, and its tests.
const MODULE: &str = "crates/evtmap-py";
/// Tests that cannot hold here, and why.
const LEFT_OUT: &[(&str, &str)] =
    &[("test_notebooks.py", "Jupyter, whose notebooks are the same on every system")];

/// Runs the tests of the module, and says how they ended.
pub(super) fn check(bench: &Bench) -> anyhow::Result<String> {
    let python = interpreter()?;
    let libraries = libraries()?;
    let site = site(&bench.wine.built("_native.dll"))?;
    bench.wine.stand_beside(&python)?;
    fs::write(python.join("events.table"), live::table()?.to_bytes()?)?;
    let mut tests = bench.wine.start(&python.join("python.exe"));
    tests.current_dir(root().join(MODULE)).args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]);
    for (file, _) in LEFT_OUT {
        ensure!(root().join(MODULE).join("tests").join(file).is_file(), "`{file}` is not there any more");
        tests.arg(format!("--ignore=tests/{file}"));
    }
    let paths = [site, libraries].map(|path| bench.wine.name_of(&path));
    tests.env("PYTHONPATH", paths.join(";")).env("PYTHONDONTWRITEBYTECODE", "1").env("EVTMAP_STAND_IN", "1");
    // Wine has no handle for whatever this task itself writes its complaints to.
    let ran = tests.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    let told = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "tests of the Python module fail\n{told}{complained}");
    let last = told.lines().next_back().context("pytest says nothing")?;
    let left_out: Vec<String> =
        LEFT_OUT.iter().map(|(file, reason)| format!("\n  left out {file}: {reason}")).collect();
    Ok(format!("{last}{}", left_out.concat()))
}

/// The folder of Python for Windows.
fn interpreter() -> anyhow::Result<PathBuf> {
    let python = folder()?.join("python");
    made_of(&fs::read_to_string(root().join(INTERPRETER))?, &python, fetch_interpreter)?;
    Ok(python)
}

fn fetch_interpreter(python: &Path) -> anyhow::Result<()> {
    let fetched = folder()?.join("fetched");
    let _ = fs::remove_dir_all(&fetched);
    fetch("download", &["--require-hashes", "--dest"], &fetched, INTERPRETER)?;
    let packages: Vec<_> = fs::read_dir(&fetched)?.collect::<Result<_, _>>()?;
    let package = packages.first().context("pip said that it fetched Python")?.path();
    let archive = fetched.join(ARCHIVE);
    let mut members = tar::Archive::new(GzDecoder::new(File::open(&package)?));
    for member in members.entries()? {
        let mut member = member?;
        if member.path()?.ends_with(ARCHIVE) {
            member.unpack(&archive)?;
        }
    }
    zip::ZipArchive::new(File::open(&archive)?)?.extract(fetched.join("all"))?;
    // They lie in a folder that is named for the version.
    let inner = fs::read_dir(fetched.join("all"))?.next().context("there is nothing in the archive")??.path();
    for file in fs::read_dir(&inner)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == PATHS) {
            fs::remove_file(path)?;
        }
    }
    fs::rename(inner, python)?;
    Ok(fs::remove_dir_all(&fetched)?)
}

/// The folder of what the tests need.
fn libraries() -> anyhow::Result<PathBuf> {
    let libraries = folder()?.join("python-libraries");
    let options = [
        "--platform=win_amd64",
        "--python-version=3.10",
        "--implementation=cp",
        "--only-binary=:all:",
        "--no-compile",
        "--ignore-requires-python",
        "--target",
    ];
    made_of(&fs::read_to_string(root().join(LIBRARIES))?, &libraries, |libraries| {
        fetch("install", &options, libraries, LIBRARIES)
    })?;
    Ok(libraries)
}

/// Has pip put into a folder what a list asks for; `options` end with the one that names the folder.
///
/// # Errors
/// [`Skipped`] without Python or network; another where what is fetched is not what it was.
fn fetch(task: &str, options: &[&str], into: &Path, list: &str) -> anyhow::Result<()> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !is_there(&python) {
        return Err(Skipped::because("there is no Python here that could fetch one for Windows".to_owned()));
    }
    let mut pip = Command::new(python);
    pip.current_dir(root()).args(["-m", "pip", "--quiet", "--disable-pip-version-check", task, "--no-deps"]);
    pip.args(options).arg(into).arg("--requirement").arg(list).env("PIP_ROOT_USER_ACTION", "ignore");
    let done = pip.output()?;
    if done.status.success() {
        return Ok(());
    }
    let complained = String::from_utf8_lossy(&done.stderr);
    // What is not what it was is no matter of the network.
    ensure!(!complained.contains("DO NOT MATCH THE HASHES"), "what `{list}` lists is another: {complained}");
    let last = complained.trim_end().lines().next_back().unwrap_or_default();
    Err(Skipped::because(format!("pip cannot have what `{list}` lists: {last}")))
}

/// The module as a wheel would lay it out: its folders, with the library in them that was built for Windows.
fn site(library: &Path) -> anyhow::Result<PathBuf> {
    let site = folder()?.join("python-site");
    let _ = fs::remove_dir_all(&site);
    for package in fs::read_dir(root().join(MODULE).join("python"))? {
        let package = package?;
        let into = site.join(package.file_name());
        fs::create_dir_all(&into)?;
        for file in fs::read_dir(package.path())? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::copy(file.path(), into.join(file.file_name()))?;
            }
        }
    }
    fs::copy(library, site.join("evtmap/_native.pyd"))?;
    Ok(site)
}
