//! The project's own tests, built for Windows.

use std::fs;

use anyhow::ensure;

use super::toolchain::{GNU, Toolchain, folder};
use super::wine::Wine;

/// The crates whose tests make sense there.
const PACKAGES: &[&str] =
    &["evtmap-sigma", "evtx-fixture", "evtmap", "evtmap-live", "evtmap-update", "evtmap-cli"];

/// Builds and runs them; what fails is told by the tests themselves.
pub(super) fn run(toolchain: &Toolchain, wine: &Wine) -> anyhow::Result<String> {
    let starter = folder()?.join("start");
    fs::write(&starter, format!("#!/bin/sh\nexec {} \"$@\"\n", wine.starter().display()))?;
    make_executable(&starter)?;
    for package in PACKAGES {
        let mut cargo = toolchain.cargo("test", GNU);
        cargo.args(["--no-fail-fast", "--package", package]);
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &starter).envs(wine.environment());
        ensure!(cargo.status()?.success(), "tests of {package} fail");
    }
    Ok(format!("those of {} crates pass", PACKAGES.len()))
}

fn make_executable(path: &std::path::Path) -> anyhow::Result<()> {
    let status = std::process::Command::new("chmod").arg("+x").arg(path).status()?;
    ensure!(status.success(), "`{}` cannot be made a program", path.display());
    Ok(())
}
