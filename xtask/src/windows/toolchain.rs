//! What it takes to build for Windows here: a standard library, and a linker.
//!
//! The toolchain has no standard library for other systems, and Debian ships none that fits. Cargo builds it from
//! its sources (`-Zbuild-std`), once, into a folder of its own. From then on everything is built by the cargo of
//! every day: the flags of that building would have it build all dependencies anew whenever a command differs,
//! and nothing could be shared with what is built for here.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::Skipped;
use super::sources::{self, RUST_VERSION};
use crate::root;

/// The target that mingw links for.
pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// Another one when the library is built otherwise, so that one that is there already is not used.
const EDITION: usize = 2;

/// A cargo that builds for a system whose standard library is not installed.
pub(crate) struct Toolchain {
    target: &'static str,
    /// The folder that has the standard library, laid out as rustc expects it.
    sysroot: PathBuf,
}

impl Toolchain {
    /// Finds what is needed for a target, and fetches and builds what is missing.
    ///
    /// # Errors
    /// [`Skipped`] when something cannot be had on this machine.
    pub(crate) fn find(target: &'static str) -> anyhow::Result<Self> {
        let version = output(Command::new("rustc").arg("--version"))?;
        if !version.contains(&format!(" {RUST_VERSION} ")) {
            return Err(Skipped::because(format!(
                "the sources are those of Rust {RUST_VERSION}, this is {version}"
            )));
        }
        let folder = folder()?;
        // Libraries fit the very compiler that built them.
        let name: String =
            version.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '-' }).collect();
        let sysroot = folder.join("sysroot").join(format!("{}-{EDITION}", name.trim_end_matches('-')));
        let libraries = sysroot.join("lib/rustlib").join(target).join("lib");
        if !libraries.is_dir() {
            let library = sources::library(&folder)?;
            build_library(&library, target, &libraries)?;
        }
        Ok(Self { target, sysroot })
    }

    /// Finds what links programs for Windows, which checking them does not need.
    pub(crate) fn with_linker(self) -> anyhow::Result<Self> {
        need("x86_64-w64-mingw32-gcc", &["gcc-mingw-w64-x86-64"])?;
        Ok(self)
    }

    /// Cargo for the target.
    pub(crate) fn cargo(&self, task: &str) -> Command {
        self.cargo_with(task, &[])
    }

    /// Cargo for the target, with flags for its compiler.
    pub(crate) fn cargo_with(&self, task: &str, flags: &[String]) -> Command {
        let mut cargo = cargo();
        cargo.current_dir(root()).args([task, "--locked", "--target", self.target]);
        cargo.env_remove("RUSTFLAGS").envs(self.environment(flags));
        cargo
    }

    /// What makes any cargo build for the target, with flags for its compiler.
    pub(crate) fn environment(&self, flags: &[String]) -> [(&'static str, OsString); 2] {
        // What builds and runs on this system is built as ever: for that these flags are not.
        let sysroot = format!("--sysroot={}", self.sysroot.display());
        let flags: Vec<&str> =
            [sysroot.as_str()].into_iter().chain(flags.iter().map(String::as_str)).collect();
        [
            ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f").into()),
            ("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc".into()),
        ]
    }

    /// Where what was built for the target lies.
    pub(crate) fn built(&self, profile: &str) -> PathBuf {
        target_folder().join(self.target).join(profile)
    }
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where everything lies that is fetched and made here.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let folder = target_folder().join("windows");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Where cargo keeps the sources of libraries.
pub(crate) fn downloaded() -> anyhow::Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("cargo has no folder")?;
    Ok(home.join("registry/src"))
}

/// Sees to it that a folder has what a list asks for: it is made anew when it is missing, or of another list.
pub(crate) fn made_of(
    list: &str,
    folder: &Path,
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let stamp = folder.join("made-of.txt");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == list) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder);
    make(folder)?;
    Ok(fs::write(stamp, list)?)
}

/// Builds the standard library from its sources, and puts it where rustc looks for it.
fn build_library(library: &Path, target: &str, libraries: &Path) -> anyhow::Result<()> {
    let folder = folder()?.join("library");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src"))?;
    // Cargo builds it along with a package. This one has nothing in it.
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"none\"\nedition = \"2024\"\n[profile.release]\ndebug = false\n[workspace]\n",
    )?;
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n")?;
    let mut cargo = cargo();
    cargo.current_dir(&folder).args(["build", "--quiet", "--release", "--target", target]);
    cargo.arg("-Zbuild-std=std,panic_unwind,test").env("RUSTC_BOOTSTRAP", "1");
    cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library).env("CARGO_TARGET_DIR", folder.join("build"));
    // Its panics tell where in Rust's sources they are, and not where those lay here.
    let own = format!("--remap-path-prefix={}=/rust/library", library.display());
    let others = format!("--remap-path-prefix={}=crates", downloaded()?.display());
    // A released program is optimised across libraries, which takes them half compiled.
    let flags = [own.as_str(), others.as_str(), "-Cembed-bitcode=yes"];
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    ensure!(cargo.status()?.success(), "the standard library does not build for {target}");
    let part = libraries.with_extension("part");
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part)?;
    for built in fs::read_dir(folder.join("build").join(target).join("release/deps"))? {
        let built = built?.path();
        let is_library = built.extension().is_some_and(|ending| ending == "rlib");
        if let Some(name) = built.file_name().filter(|_| is_library) {
            fs::copy(&built, part.join(name))?;
        }
    }
    // INVARIANT: the folder is there only when all of it is.
    fs::rename(&part, libraries).with_context(|| format!("`{}` cannot be made", libraries.display()))?;
    Ok(fs::remove_dir_all(&folder)?)
}

/// Sees to it that a program is there, by apt where that can be done without asking.
pub(crate) fn need(program: &str, packages: &[&str]) -> anyhow::Result<()> {
    if is_there(program) {
        return Ok(());
    }
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0");
    if is_root && is_there("apt-get") {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive");
        install.args(["install", "--yes", "--quiet=2", "--no-install-recommends"]).args(packages);
        install.stdout(Stdio::null()).stderr(Stdio::null());
        if install.status()?.success() && is_there(program) {
            return Ok(());
        }
    }
    let packages = packages.join(" ");
    Err(Skipped::because(format!("`{program}` is not there; install it: apt-get install {packages}")))
}

/// Whether a program can be started: one by its path, or one of those that the shell finds.
pub(crate) fn is_there(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    Path::new(program).is_absolute() && Path::new(program).is_file()
        || env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// What a program prints.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let told = command.stderr(Stdio::inherit()).output();
    let told = told.with_context(|| format!("`{}` does not start", command.get_program().display()))?;
    anyhow::ensure!(told.status.success(), "`{}` failed", command.get_program().display());
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}
