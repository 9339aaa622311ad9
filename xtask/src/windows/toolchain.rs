//! What it takes to build for Windows here: the sources of the standard library, and a linker.
//!
//! The toolchain has no standard library for Windows, and Debian ships none that fits. Its `rust-src` of the
//! same version has the sources, and cargo builds them along (`-Zbuild-std`). They are fetched with an apt
//! state of their own, so that the system's lists and packages stay as they are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::Skipped;
use crate::root;

/// The target that mingw links for.
pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// The sources of the standard library as Debian's backports have them: the package, and the toolchain that
/// they belong to.
const SOURCES: &str = "rust-src=1.95.0+dfsg1-2~bpo13+1";
const RUST_VERSION: &str = "1.95.0";
const SUITE: &str = "trixie-backports";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A cargo that builds for systems whose standard library is not installed.
pub(crate) struct Toolchain {
    /// The sources of the standard library.
    library: PathBuf,
    /// Where it builds, apart from all else: its flags would have everything built anew.
    target: PathBuf,
}

impl Toolchain {
    /// Finds what is needed, and fetches what is missing.
    ///
    /// # Errors
    /// [`Skipped`] when something cannot be had on this machine.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let version = output(Command::new("rustc").arg("--version"))?;
        if !version.contains(&format!(" {RUST_VERSION} ")) {
            return Err(Skipped::because(format!(
                "the sources are those of Rust {RUST_VERSION}, this is {version}"
            )));
        }
        let folder = folder()?;
        let library = folder.join(format!("rust-src/usr/src/rustc-{RUST_VERSION}/library"));
        if !library.join("std/Cargo.toml").is_file() {
            fetch_sources(&folder)?;
        }
        Ok(Self { library, target: folder.join("build") })
    }

    /// Finds what links programs for Windows, which checking them does not need.
    pub(crate) fn with_linker(self) -> anyhow::Result<Self> {
        need("x86_64-w64-mingw32-gcc", &["gcc-mingw-w64-x86-64"])?;
        Ok(self)
    }

    /// Cargo for a target, with what it builds the standard library from.
    pub(crate) fn cargo(&self, task: &str, target: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(root()).args([task, "--locked", "--target", target]);
        cargo.arg("-Zbuild-std=std,panic_unwind,test");
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", &self.library);
        cargo.env("CARGO_TARGET_DIR", &self.target);
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc");
        cargo
    }

    /// Where what was built for a target lies.
    pub(crate) fn built(&self, target: &str, profile: &str) -> PathBuf {
        self.target.join(target).join(profile)
    }
}

/// Where everything lies that is fetched and built here.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("windows");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Downloads and unpacks the sources.
fn fetch_sources(folder: &Path) -> anyhow::Result<()> {
    for tool in ["apt-get", "dpkg-deb"] {
        if !is_there(tool) {
            return Err(Skipped::because(format!(
                "the sources of the standard library come by `{tool}`, which is not there"
            )));
        }
    }
    let apt = own_apt(folder)?;
    let run = |arguments: &[&str]| -> anyhow::Result<bool> {
        let mut command = Command::new("apt-get");
        command.current_dir(folder).env("APT_CONFIG", &apt).arg("--quiet=2").args(arguments);
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    };
    // What was downloaded before is not asked for again.
    let package =
        || fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find(|path| is_package(path));
    if package().is_none() && !(run(&["update"])? && run(&["download", SOURCES])?) {
        return Err(Skipped::because(format!("apt has no `{SOURCES}` in {SUITE} any more, or no network")));
    }
    let package = package().context("apt said that it downloaded the sources")?;
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("--extract").arg(&package).arg(folder.join("rust-src"));
    if !unpack.status()?.success() {
        fs::remove_file(&package)?;
        bail!("`{}` cannot be unpacked and was removed; run this again", package.display());
    }
    Ok(())
}

fn is_package(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.starts_with("rust-src_") && name.ends_with(".deb")
}

/// An apt that knows one suite and writes into a folder of ours. Gives its configuration.
fn own_apt(folder: &Path) -> anyhow::Result<PathBuf> {
    let apt = folder.join("apt");
    for part in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(apt.join(part))?;
    }
    let apt_text = apt.display();
    let settings = format!(
        "Dir::Etc::SourceList \"{apt_text}/sources.list\";\nDir::Etc::SourceParts \"-\";\n\
         Dir::State \"{apt_text}\";\nDir::State::status \"/dev/null\";\nDir::Cache \"{apt_text}\";\n"
    );
    fs::write(apt.join("sources.list"), format!("deb [signed-by={KEYRING}] {} {SUITE} main\n", mirror()?))?;
    fs::write(apt.join("apt.conf"), settings)?;
    Ok(apt.join("apt.conf"))
}

/// The Debian mirror that apt uses here.
fn mirror() -> anyhow::Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]);
    let mirrors = output(&mut targets)?;
    let mirror = mirrors.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    mirror.map(str::to_owned).ok_or_else(|| Skipped::because("apt knows no Debian mirror here".to_owned()))
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
