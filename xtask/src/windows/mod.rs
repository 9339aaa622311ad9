//! Builds the program for Windows and runs it under Wine: does it do there what it does here?
//!
//! What cannot be had on this machine is told as skipped, and is no failure.

mod compare;
mod follow;
mod live;
mod path;
mod python;
mod sources;
mod table;
mod tests;
pub(crate) mod toolchain;
mod watch;
mod wine;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::root;
use toolchain::{GNU, Toolchain, output};
use wine::Wine;

pub(crate) const ABOUT: &str =
    "[--tests] builds for Windows, runs it under Wine, and compares with here; --tests: the test suites too";

/// The profile of the workspace that is quick to build.
const PROFILE: &str = "wine";
/// The crates that make sense on Windows, with their tests. The development tasks run here alone.
const PACKAGES: &[&str] =
    &["evtmap-sigma", "evtx-fixture", "evtmap", "evtmap-live", "evtmap-update", "evtmap-watch", "evtmap-cli"];
/// The Python module, whose tests are in Python.
const PYTHON: &str = "evtmap-py";

/// Why something is not done that cannot be done on this machine.
#[derive(Debug)]
pub(crate) struct Skipped(String);

impl Skipped {
    /// The error that says so.
    pub(crate) fn because(reason: String) -> anyhow::Error {
        anyhow::Error::new(Self(reason))
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

/// The program for both systems.
struct Bench {
    /// The one for this system.
    here: PathBuf,
    /// What runs the other.
    wine: Wine,
}

/// Checks something, and says what it saw.
type Check = fn(&Bench) -> anyhow::Result<String>;

/// What is checked, and the function that does it and says what it saw.
const CHECKS: &[(&str, Check)] = &[
    ("reports", compare::reports),
    ("views", compare::views),
    ("paths", path::check),
    ("live log", live::check),
    ("watch", watch::check),
    ("python", python::check),
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let has_tests = match arguments {
        [] => false,
        [only] if only == "--tests" => true,
        _ => bail!("unknown arguments; it takes `--tests`"),
    };
    match check(has_tests) {
        Err(error) if error.is::<Skipped>() => Ok(error.to_string()),
        checked => checked,
    }
}

fn check(has_tests: bool) -> anyhow::Result<String> {
    let toolchain = Toolchain::find(GNU)?.with_linker()?;
    build(&toolchain)?;
    let bench = Bench { here: build_here()?, wine: Wine::prepare(&toolchain.built(PROFILE))? };
    let mut told = Vec::new();
    for (name, check) in CHECKS {
        match check(&bench) {
            Err(error) if error.is::<Skipped>() => told.push(format!("{name}: {error}")),
            checked => {
                let seen = checked.with_context(|| format!("{name} differ from what they are to be"))?;
                told.push(format!("{name}: {seen}"));
            }
        }
    }
    if has_tests {
        told.push(format!("tests: {}", tests::run(&toolchain, &bench.wine)?));
    }
    Ok(told.join("\n"))
}

/// Cargo for all that is run under Wine. It is always told of the same crates, and the Python module or what that
/// asks of them: what they need of libraries is added up, and for others the libraries would be built anew.
fn cargo(toolchain: &Toolchain, task: &str) -> Command {
    let mut cargo = toolchain.cargo(task);
    cargo.args(["--profile", PROFILE]).args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    cargo
}

/// Builds for Windows the program, the example that follows a channel, and the Python module.
fn build(toolchain: &Toolchain) -> anyhow::Result<()> {
    let mut cargo = cargo(toolchain, "build");
    cargo.args(["--package", PYTHON, "--quiet", "--bin", "evtmap", "--example", "follow", "--lib"]);
    ensure!(cargo.status()?.success(), "the program does not build for {GNU}");
    Ok(())
}

/// Builds the program for this system, and gives its path.
pub(crate) fn build_here() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--locked", "--quiet", "--package", "evtmap-cli"]);
    cargo.arg("--message-format=json-render-diagnostics");
    let messages = output(&mut cargo)?;
    let built = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = built.filter_map(|message| Some(message.get("executable")?.as_str()?.to_owned()));
    let program = programs.next_back();
    program.map(PathBuf::from).context("cargo does not say where the program is")
}
