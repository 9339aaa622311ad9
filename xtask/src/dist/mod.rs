//! What is released: the program for Linux and Windows in archives with checksums, completions and pages of the
//! manual; the Python module as wheels for both; and whether the libraries fit the systems that nothing can be
//! linked for here.

mod licences;
mod wheels;

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, anyhow, bail, ensure};
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use crate::root;
use crate::windows::toolchain::{GNU, Toolchain, downloaded, made_of, output};
use crate::windows::{Skipped, build_here};

pub(crate) const ABOUT: &str = "[linux|windows|linux-wheel|windows-wheel|check]… makes what is released, and checks for systems that are not built for";

/// What links against the oldest C library that is supported, out of the Python registry: a compiler with the
/// headers of every version, and what gives it to cargo; and what makes wheels.
const PROGRAMS: &[&str] = &["ziglang==0.17.1", "cargo-zigbuild==0.24.0", "maturin==1.16.0", "wheel==0.45.1"];
/// Linux since 2012: the C library may be newer.
const LINUX: &str = "x86_64-unknown-linux-gnu";
const C_LIBRARY: &str = "2.17";
/// Systems for which nothing is linked here. The program itself is left out: parts of it are C, for which their
/// compilers would be needed.
const CHECKED: &[&str] = &["x86_64-pc-windows-msvc", "x86_64-apple-darwin", "aarch64-apple-darwin"];
const LIBRARIES: &[&str] = &["evtmap-sigma", "evtmap", "evtmap-live"];
/// Shells, and the names under which they look for completions.
const SHELLS: &[(&str, &str)] = &[
    ("bash", "evtmap.bash"),
    ("elvish", "evtmap.elv"),
    ("fish", "evtmap.fish"),
    ("powershell", "_evtmap.ps1"),
    ("zsh", "_evtmap"),
];
/// What lies beside the program in every archive, at the paths that it has here; of a folder its pages.
const PAPERS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "crates/evtmap/data/attack/NOTICE.md",
    "docs",
];
/// The licences of the libraries in the program, and those of Rust's own library, which the toolchain has.
const LICENCES: &str = "LICENCES-OF-LIBRARIES.txt";
const RUST_LICENCES: &str = "share/doc/rust/COPYRIGHT-library.html";
const CHECKSUMS: &str = "SHA256SUMS";

/// Makes a part of it and says what that is.
type Make = fn() -> anyhow::Result<String>;

const PARTS: &[(&str, Make)] = &[
    ("linux", linux),
    ("windows", windows),
    ("linux-wheel", wheels::linux),
    ("windows-wheel", wheels::windows),
    ("check", check),
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    if let Some(other) = arguments.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        let parts: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        bail!("there is no part `{other}`; it takes {}", parts.join(", "));
    }
    let mut told = Vec::new();
    for (name, make) in
        PARTS.iter().filter(|(part, _)| arguments.is_empty() || arguments.iter().any(|it| it == part))
    {
        match make() {
            Err(error) if error.is::<Skipped>() => told.push(format!("{name}: {error}")),
            made => told.push(format!("{name}: {}", made.with_context(|| (*name).to_owned())?)),
        }
    }
    told.push(checksums()?);
    Ok(told.join("\n"))
}

/// Where everything is put.
fn folder() -> anyhow::Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("dist");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

fn linux() -> anyhow::Result<String> {
    let folder = folder()?;
    let program = build_linux()?;
    let version = output(Command::new(&program).arg("--version"))?;
    let name = format!("{}-x86_64-linux", version.replace(' ', "-"));
    let archive = folder.join(format!("{name}.tar.gz"));
    let changed = changed()?;
    let gzip = GzBuilder::new().mtime(0).write(File::create(&archive)?, Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (path, content, is_program) in files((&program, LINUX), &program)? {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if is_program { 0o755 } else { 0o644 });
        header.set_mtime(changed.as_second().unsigned_abs());
        tar.append_data(&mut header, format!("{name}/{path}"), content.as_slice())?;
    }
    tar.into_inner()?.finish()?.flush()?;
    told(&archive, &program)
}

/// Builds the program for Linux, and gives its path.
fn build_linux() -> anyhow::Result<PathBuf> {
    let folder = folder()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = with_programs(Path::new(&cargo), &programs(&folder)?)?;
    cargo.args(["zigbuild", "--locked", "--quiet", "--release"]);
    cargo.args(["--package", "evtmap-cli", "--target", &format!("{LINUX}.{C_LIBRARY}")]);
    cargo.env("CARGO_TARGET_DIR", folder.join("build")).env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", without_places()?.join("\x1f"));
    ensure!(cargo.status()?.success(), "the program does not build for Linux");
    Ok(folder.join("build").join(LINUX).join("release/evtmap"))
}

/// The folder of [`PROGRAMS`].
fn programs(folder: &Path) -> anyhow::Result<PathBuf> {
    let tools = folder.join("tools");
    made_of(&PROGRAMS.join("\n"), &tools, |tools| {
        let made = Command::new("python3").args(["-m", "venv"]).arg(tools).status();
        let mut pip = Command::new(tools.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PROGRAMS);
        let is_there = made.is_ok_and(|made| made.success()) && pip.status().is_ok_and(|done| done.success());
        if is_there {
            return Ok(());
        }
        Err(Skipped::because(format!("{} come by Python, which does not give them", PROGRAMS.join(", "))))
    })?;
    Ok(tools.join("bin"))
}

/// A program that finds those of a folder, to be started in the root of the repository.
fn with_programs(program: &Path, tools: &Path) -> anyhow::Result<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.env("PATH", env::join_paths([tools.to_owned()].into_iter().chain(env::split_paths(&path)))?);
    command.current_dir(root());
    Ok(command)
}

fn windows() -> anyhow::Result<String> {
    let folder = folder()?;
    let toolchain = Toolchain::find(GNU)?.with_linker()?;
    let mut cargo = toolchain.cargo_with("build", &without_places()?);
    cargo
        .args(["--quiet", "--release", "--package", "evtmap-cli"])
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    ensure!(cargo.status()?.success(), "the program does not build for Windows");
    let program = toolchain.built("release").join("evtmap.exe");
    // What it says of itself is asked of one that runs here.
    let here = match build_linux() {
        Err(error) if error.is::<Skipped>() => build_here()?,
        built => built?,
    };
    let version = output(Command::new(&here).arg("--version"))?;
    let name = format!("{}-x86_64-windows", version.replace(' ', "-"));
    let archive = folder.join(format!("{name}.zip"));
    let mut zip = zip::ZipWriter::new(File::create(&archive)?);
    let options = SimpleFileOptions::default().last_modified_time(zip_time(changed()?)?);
    for (path, content, _) in
        files((&program, GNU), &here)?.iter().filter(|(path, ..)| !path.starts_with("man/"))
    {
        zip.start_file(format!("{name}/{path}"), options)?;
        zip.write_all(content)?;
    }
    zip.finish()?;
    told(&archive, &program)
}

/// When the state that is built was made. Every file in an archive has this time, so that the same state gives
/// the same bytes.
fn changed() -> anyhow::Result<Timestamp> {
    let mut git = Command::new("git");
    let seconds = output(git.current_dir(root()).args(["log", "-1", "--format=%ct"]))?;
    Ok(Timestamp::from_second(seconds.parse().context("git tells no time of the last commit")?)?)
}

/// A time as it is written in an archive for Windows, where it has no zone.
fn zip_time(time: Timestamp) -> anyhow::Result<zip::DateTime> {
    let time = TimeZone::UTC.to_datetime(time);
    let part = |part: i8| part.unsigned_abs();
    let (month, day) = (part(time.month()), part(time.day()));
    let (hour, minute, second) = (part(time.hour()), part(time.minute()), part(time.second()));
    let made =
        zip::DateTime::from_date_and_time(time.year().unsigned_abs(), month, day, hour, minute, second);
    made.map_err(|error| anyhow!("{time} cannot be written in an archive: {error}"))
}

/// What keeps folders of this machine out of what is built: panics tell where they are in the sources.
fn without_places() -> anyhow::Result<[String; 2]> {
    let [libraries, own] = places()?;
    Ok([(libraries, "crates"), (own, "evtmap")]
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())))
}

/// The folders of this machine in which sources are.
fn places() -> anyhow::Result<[PathBuf; 2]> {
    Ok([downloaded()?, root().canonicalize()?])
}

/// That nothing that was built says in which folders of this machine its sources were.
fn has_no_places(built: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(built)?;
    for place in places()? {
        let place = place.display().to_string();
        let mut starts = bytes.windows(place.len());
        ensure!(!starts.any(|it| it == place.as_bytes()), "`{}` has `{place}` in it", built.display());
    }
    Ok(())
}

/// What is in the archive of a program for a system: the path of each file, its content, and whether it is a
/// program. `here` is the program for this system, which writes completions and the manual.
fn files((program, target): (&Path, &str), here: &Path) -> anyhow::Result<Vec<(String, Vec<u8>, bool)>> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut files = vec![(name, fs::read(program)?, true)];
    files.push((LICENCES.to_owned(), licences::of("evtmap-cli", target)?.into_bytes(), false));
    let rust = Path::new(&output(Command::new("rustc").args(["--print", "sysroot"]))?).join(RUST_LICENCES);
    // A toolchain that was installed without documentation has none; the text above says under what Rust is.
    if let Ok(text) = fs::read(rust) {
        files.push(("LICENCES-OF-RUST.html".to_owned(), text, false));
    }
    for paper in PAPERS {
        for path in pages(&root().join(paper))? {
            let name = path.strip_prefix(root())?.display().to_string();
            files.push((name, fs::read(&path)?, false));
        }
    }
    for (shell, file) in SHELLS {
        let script = Command::new(here).args(["completions", shell]).output()?;
        ensure!(script.status.success(), "there are no completions for {shell}");
        files.push((format!("completions/{file}"), script.stdout, false));
    }
    let manual = folder()?.join("man");
    let _ = fs::remove_dir_all(&manual);
    ensure!(Command::new(here).arg("manual").arg(&manual).output()?.status.success(), "there is no manual");
    for page in pages(&manual)? {
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((format!("man/{name}"), fs::read(&page)?, false));
    }
    Ok(files)
}

/// The files in a folder by name, without the folders in it; a file is itself.
fn pages(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut pages: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    pages.retain(|path| path.is_file());
    pages.sort();
    Ok(pages)
}

fn told(archive: &Path, program: &Path) -> anyhow::Result<String> {
    has_no_places(program)?;
    let megabytes = |path: &Path| Ok::<_, io::Error>(fs::metadata(path)?.len() as f64 / 1e6);
    let (packed, bare) = (megabytes(archive)?, megabytes(program)?);
    Ok(format!("{} has {packed:.1} MB, the program in it {bare:.1} MB", archive.display()))
}

/// Do the libraries fit systems whose linkers are not here?
fn check() -> anyhow::Result<String> {
    for target in CHECKED {
        let mut cargo = Toolchain::find(target)?.cargo("check");
        cargo.arg("--quiet").args(LIBRARIES.iter().flat_map(|library| ["--package", library]));
        ensure!(cargo.status()?.success(), "the libraries do not fit {target}");
    }
    Ok(format!("{} fit {}; nothing was linked", LIBRARIES.join(", "), CHECKED.join(", ")))
}

/// Writes the checksums of all archives.
fn checksums() -> anyhow::Result<String> {
    let folder = folder()?;
    let mut names: Vec<String> = fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| [".tar.gz", ".zip", ".whl"].iter().any(|ending| name.ends_with(ending)))
        .collect();
    names.sort();
    let mut lines = String::new();
    for name in names {
        let digest = Sha256::digest(fs::read(folder.join(&name))?);
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        lines += &format!("{digits}  {name}\n");
    }
    fs::write(folder.join(CHECKSUMS), &lines)?;
    Ok(format!("{}\n{}", folder.join(CHECKSUMS).display(), lines.trim_end()))
}
