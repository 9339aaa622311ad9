//! Development tasks: `cargo xtask TASK`.

mod alarms;
mod attack;
mod bench;
mod conformance;
mod dist;
mod incident;
mod instructions;
mod labels;
mod layouts;
mod lints;
mod recall;
mod recordings;
mod roundtrip;
mod schema;
mod soak;
mod tidy;
mod windows;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A task of the table below.
struct Task {
    name: &'static str,
    /// Its arguments and what it does, in a line.
    about: &'static str,
    /// Does it with the arguments after its name, and returns what is to be told.
    run: fn(&[String]) -> anyhow::Result<String>,
}

const TASKS: &[Task] = &[
    Task { name: "alarms", about: alarms::ABOUT, run: alarms::run },
    Task { name: "attack", about: attack::ABOUT, run: attack::run },
    Task { name: "bench", about: bench::ABOUT, run: bench::run },
    Task { name: "conformance", about: conformance::ABOUT, run: conformance::run },
    Task { name: "dist", about: dist::ABOUT, run: dist::run },
    Task { name: "incident", about: incident::ABOUT, run: incident::run },
    Task { name: "instructions", about: instructions::ABOUT, run: instructions::run },
    Task { name: "layouts", about: layouts::ABOUT, run: layouts::run },
    Task { name: "lints", about: lints::ABOUT, run: lints::run },
    Task { name: "recall", about: recall::ABOUT, run: recall::run },
    Task { name: "roundtrip", about: roundtrip::ABOUT, run: roundtrip::run },
    Task { name: "schema", about: schema::ABOUT, run: schema::run },
    Task { name: "soak", about: soak::ABOUT, run: soak::run },
    Task { name: "tidy", about: tidy::ABOUT, run: tidy::run },
    Task { name: "windows", about: windows::ABOUT, run: windows::run },
];

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program; its tasks do not print")]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, arguments) =
        arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("usage: cargo xtask TASK");
        for Task { name, about, .. } in TASKS {
            eprintln!("  {name:12} {about}");
        }
        return ExitCode::from(2);
    };
    match (task.run)(arguments) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the program as it is released, and gives its path.
fn build_release() -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(root()).args(["build", "--locked", "--quiet", "--release", "--package", "evtmap-cli"]);
    anyhow::ensure!(build.status()?.success(), "the program does not build");
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(folder.join("release").join(format!("evtmap{}", env::consts::EXE_SUFFIX)).canonicalize()?)
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
