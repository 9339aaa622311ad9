//! The sources of Rust's standard library, as Debian has them.
//!
//! They are fetched with an apt state of their own, so that the system's lists and packages stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::Skipped;
use super::toolchain::{is_there, output};

/// The package in Debian's backports, and the toolchain that it belongs to.
const PACKAGE: &str = "rust-src=1.95.0+dfsg1-2~bpo13+1";
pub(super) const RUST_VERSION: &str = "1.95.0";
const SUITE: &str = "trixie-backports";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The folder of the standard library's sources below `folder`, which are fetched when they are missing.
///
/// # Errors
/// [`Skipped`] when they cannot be had on this machine.
pub(super) fn library(folder: &Path) -> anyhow::Result<PathBuf> {
    let library = folder.join(format!("rust-src/usr/src/rustc-{RUST_VERSION}/library"));
    if !library.join("std/Cargo.toml").is_file() {
        fetch(folder)?;
    }
    Ok(library)
}

/// Downloads and unpacks the sources.
fn fetch(folder: &Path) -> anyhow::Result<()> {
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
    if package().is_none() && !(run(&["update"])? && run(&["download", PACKAGE])?) {
        return Err(Skipped::because(format!("apt has no `{PACKAGE}` in {SUITE} any more, or no network")));
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
