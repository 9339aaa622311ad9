//! The project's own tests, built for Windows.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::toolchain::{Toolchain, folder};
use super::wine::Wine;
use super::{PACKAGES, PROFILE};

/// Tests that cannot hold under Wine, or whole modules of them, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("commands::task::systemd::", "units of systemd, which Windows does not have"),
    ("hostile::names_of_files_steer_no_terminal", "names that no file of Windows can have"),
    ("recordings::", "recordings beside the checkout take long; the same code reads the example"),
    (
        "sink::spool::tests::segments_come_and_go",
        "a file is removed while it is open, which Wine 8 does once it is closed",
    ),
];

/// Builds and runs them. Examples in the documentation are left to this system: they would be linked one by one.
pub(super) fn run(toolchain: &Toolchain, wine: &Wine) -> anyhow::Result<String> {
    let starter = folder()?.join("start");
    fs::write(&starter, format!("#!/bin/sh\nexec {} \"$@\"\n", wine.starter().display()))?;
    ensure!(Command::new("chmod").arg("+x").arg(&starter).status()?.success(), "it cannot be made a program");
    // Tests start the program themselves, from where it was built.
    let built = toolchain.built(PROFILE);
    for folder in [built.clone(), built.join("deps")] {
        fs::create_dir_all(&folder)?;
        wine.stand_beside(&folder)?;
    }
    let mut cargo = super::cargo(toolchain, "test");
    // What the Python module has of the library, so that less is built anew.
    cargo.args(["--features", "evtmap/arrow,evtmap/parquet"]);
    cargo.args(["--quiet", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    cargo.arg("--").args(LEFT_OUT.iter().flat_map(|(test, _)| ["--skip", test]));
    cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &starter).envs(wine.environment());
    let ran = cargo.stderr(Stdio::inherit()).output()?;
    let told = String::from_utf8_lossy(&ran.stdout);
    if !ran.status.success() {
        bail!("some fail\n{told}");
    }
    let [n_passed, n_left_out] = ["passed", "filtered out"].map(|what| sum(&told, what));
    let (n_passed, n_left_out) = (n_passed?, n_left_out?);
    ensure!(
        n_left_out >= LEFT_OUT.len(),
        "only {n_left_out} are left out, so that some are not there any more"
    );
    let mut lines = format!("{n_passed} of {} crates pass, {n_left_out} are left out", PACKAGES.len());
    for (test, reason) in LEFT_OUT {
        lines += &format!("\n  {test}: {reason}");
    }
    Ok(lines)
}

/// Adds up what the closing lines of test programs say: `test result: ok. 7 passed; 0 failed; …`.
fn sum(told: &str, what: &str) -> anyhow::Result<usize> {
    let mut n = 0;
    for line in told.lines().filter(|line| line.starts_with("test result: ")) {
        let part = line.split(['.', ';']).find(|part| part.trim_end().ends_with(what));
        let number = part.and_then(|part| part.split_whitespace().next()).context("a test says no number")?;
        n += number.parse::<usize>()?;
    }
    Ok(n)
}
