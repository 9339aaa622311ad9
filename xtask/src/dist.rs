//! What is released: the program for Linux and Windows in archives with checksums, completions and pages of the
//! manual; and whether the libraries fit the systems that nothing can be linked for here.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use crate::root;
use crate::windows::toolchain::{GNU, Toolchain, output};
use crate::windows::{Skipped, build_here};

pub(crate) const ABOUT: &str = "[linux|windows|check]… makes archives of what is released, and checks for systems that are not built for";

/// What links against the oldest C library that is supported, out of the Python registry: a compiler with the
/// headers of every version, and what gives it to cargo.
const ZIG: &[&str] = &["ziglang==0.17.1", "cargo-zigbuild==0.24.0"];
/// Linux since 2012: the C library may be newer.
const LINUX: &str = "x86_64-unknown-linux-gnu";
const C_LIBRARY: &str = "2.17";
/// Systems for which nothing is linked here. The program itself is left out: parts of it are C, for which their
/// compilers would be needed.
const CHECKED: &[&str] = &["x86_64-pc-windows-msvc", "x86_64-apple-darwin", "aarch64-apple-darwin"];
const LIBRARIES: &[&str] = &["evtmap-sigma", "evtmap", "evtmap-live"];
const SHELLS: &[&str] = &["bash", "elvish", "fish", "powershell", "zsh"];
/// What lies beside the program in every archive.
const PAPERS: &[&str] = &["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
const CHECKSUMS: &str = "SHA256SUMS";

/// Makes a part of it and says what that is.
type Make = fn() -> anyhow::Result<String>;

const PARTS: &[(&str, Make)] = &[("linux", linux), ("windows", windows), ("check", check)];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    if let Some(other) = arguments.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        bail!("there is no part `{other}`; it takes linux, windows, check");
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
    let tools = zig(&folder)?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    cargo.env("PATH", env::join_paths([tools].into_iter().chain(path))?);
    cargo.current_dir(root()).args([
        "zigbuild",
        "--locked",
        "--quiet",
        "--release",
        "--package",
        "evtmap-cli",
    ]);
    cargo.args(["--target", &format!("{LINUX}.{C_LIBRARY}")]);
    cargo.env("CARGO_TARGET_DIR", folder.join("build")).env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    ensure!(cargo.status()?.success(), "the program does not build for Linux");
    let program = folder.join("build").join(LINUX).join("release/evtmap");
    let version = output(Command::new(&program).arg("--version"))?;
    let files = files(&program, "evtmap")?;
    let name = format!("{}-x86_64-linux", version.replace(' ', "-"));
    let archive = folder.join(format!("{name}.tar.gz"));
    let gzip = GzBuilder::new().mtime(0).write(File::create(&archive)?, Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (path, content, is_program) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if is_program { 0o755 } else { 0o644 });
        tar.append_data(&mut header, format!("{name}/{path}"), content.as_slice())?;
    }
    tar.into_inner()?.finish()?.flush()?;
    told(&archive, &program)
}

/// The folder of programs with cargo-zigbuild and its compiler.
fn zig(folder: &Path) -> anyhow::Result<PathBuf> {
    let tools = folder.join("tools");
    if !tools.join("bin/cargo-zigbuild").is_file() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&tools).status();
        let mut pip = Command::new(tools.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(ZIG);
        let is_there = made.is_ok_and(|made| made.success()) && pip.status().is_ok_and(|done| done.success());
        if !is_there {
            return Err(Skipped::because(format!(
                "{} come by Python, which does not give them",
                ZIG.join(" and ")
            )));
        }
    }
    Ok(tools.join("bin"))
}

fn windows() -> anyhow::Result<String> {
    let folder = folder()?;
    let toolchain = Toolchain::find()?.with_linker()?;
    let mut cargo = toolchain.cargo("build", GNU);
    cargo
        .args(["--quiet", "--release", "--package", "evtmap-cli"])
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    ensure!(cargo.status()?.success(), "the program does not build for Windows");
    let program = toolchain.built(GNU, "release").join("evtmap.exe");
    let version = output(Command::new(build_here()?).arg("--version"))?;
    let name = format!("{}-x86_64-windows", version.replace(' ', "-"));
    let archive = folder.join(format!("{name}.zip"));
    let mut zip = zip::ZipWriter::new(File::create(&archive)?);
    for (path, content, _) in
        files(&program, "evtmap.exe")?.iter().filter(|(path, ..)| !path.starts_with("man/"))
    {
        zip.start_file(format!("{name}/{path}"), SimpleFileOptions::default())?;
        zip.write_all(content)?;
    }
    zip.finish()?;
    told(&archive, &program)
}

/// What is in an archive: the path of each file, its content, and whether it is a program.
fn files(program: &Path, name: &str) -> anyhow::Result<Vec<(String, Vec<u8>, bool)>> {
    let mut files = vec![(name.to_owned(), fs::read(program)?, true)];
    for paper in PAPERS {
        files.push(((*paper).to_owned(), fs::read(root().join(paper))?, false));
    }
    let here = build_here()?;
    for shell in SHELLS {
        let script = Command::new(&here).args(["completions", shell]).output()?;
        ensure!(script.status.success(), "there are no completions for {shell}");
        files.push((format!("completions/evtmap.{shell}"), script.stdout, false));
    }
    let manual = folder()?.join("man");
    let _ = fs::remove_dir_all(&manual);
    ensure!(Command::new(&here).arg("manual").arg(&manual).output()?.status.success(), "there is no manual");
    let mut pages: Vec<PathBuf> =
        fs::read_dir(&manual)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    pages.sort();
    for page in pages {
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((format!("man/{name}"), fs::read(&page)?, false));
    }
    Ok(files)
}

fn told(archive: &Path, program: &Path) -> anyhow::Result<String> {
    let megabytes = |path: &Path| Ok::<_, io::Error>(fs::metadata(path)?.len() as f64 / 1e6);
    let (packed, bare) = (megabytes(archive)?, megabytes(program)?);
    Ok(format!("{} has {packed:.1} MB, the program in it {bare:.1} MB", archive.display()))
}

/// Do the libraries fit systems whose linkers are not here?
fn check() -> anyhow::Result<String> {
    let toolchain = Toolchain::find()?;
    for target in CHECKED {
        let mut cargo = toolchain.cargo("check", target);
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
        .filter(|name| name.ends_with(".tar.gz") || name.ends_with(".zip"))
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
