//! The same inputs on both systems: what is written and printed has to be the same, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use evtmap::input;
use evtmap::report::FORMATS;

use super::Bench;
use super::toolchain::folder;
use crate::root;

/// The events that are read, relative to the root of the repository.
pub(super) const EXAMPLE: &str = "examples/incident";

/// Every report whose bytes follow from its input.
pub(super) fn reports(bench: &Bench) -> anyhow::Result<String> {
    let names: Vec<String> = FORMATS
        .iter()
        .map(|format| format!("{}.{}", format.name, format.endings.first().unwrap_or(&"")))
        .collect();
    let folder = folder()?.join("reports");
    let (ours, theirs) = (folder.join("here"), folder.join("windows"));
    for (folder, command) in [(&ours, Command::new(&bench.here)), (&theirs, bench.wine.evtmap())] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        map(command, folder, &names)?;
    }
    for name in &names {
        let read = |folder: &Path| fs::read(folder.join(name)).with_context(|| format!("no report {name}"));
        let (ours, theirs) = (read(&ours)?, read(&theirs)?);
        ensure!(
            ours == theirs,
            "{name} has {} bytes here and {} there, not the same",
            ours.len(),
            theirs.len()
        );
    }
    Ok(format!("{} formats are the same byte for byte", names.len()))
}

/// Writes reports of the example's files under these names in a folder. Pages tell how they were asked for, and
/// when: so that is the same.
fn map(mut command: Command, folder: &Path, names: &[String]) -> anyhow::Result<()> {
    command.current_dir(folder).env("EVTMAP_NOW", "2026-08-10T12:00:00Z");
    command.args(["--no-config", "map", "--quiet"]);
    for file in files()? {
        let copy = folder.join(&file);
        fs::create_dir_all(copy.parent().unwrap_or(folder))?;
        fs::copy(root().join(&file), copy)?;
        command.arg(file);
    }
    command.args(names.iter().flat_map(|name| ["--output", name]));
    let status = command.status()?;
    ensure!(status.success(), "mapping ends with {status}");
    Ok(())
}

/// The files of the example, so written that both systems have the same names for them.
pub(super) fn files() -> anyhow::Result<Vec<PathBuf>> {
    let found = input::find([root().join(EXAMPLE)]);
    let logs = found.files.into_iter().filter(|file| file.path.extension().is_some_and(|it| it == "evtx"));
    let files: Result<Vec<_>, _> =
        logs.map(|file| file.path.strip_prefix(root()).map(Path::to_owned)).collect();
    let files = files?;
    ensure!(!files.is_empty(), "there are no logs in {EXAMPLE}");
    Ok(files)
}

/// Commands that are given the example's files.
const VIEWS: &[&[&str]] =
    &[&["summary"], &["timeline"], &["logons"], &["stats"], &["search", "--text", "certutil"]];
/// Commands that are not.
const OTHERS: &[&[&str]] = &[&["map", "examples/incident-json/WS01"], &["attack", "search", "credential"]];

/// What is printed, as UTF-8, to whatever is not a terminal.
pub(super) fn views(bench: &Bench) -> anyhow::Result<String> {
    let files = files()?;
    let given = VIEWS.iter().map(|view| (view, files.as_slice()));
    for (view, files) in given.chain(OTHERS.iter().map(|view| (view, &[][..]))) {
        let print = |mut command: Command| -> anyhow::Result<String> {
            command.current_dir(root()).arg("--no-config").args(*view).args(files);
            let told = command.output()?;
            ensure!(told.status.success(), "`{}`: {}", view.join(" "), String::from_utf8_lossy(&told.stderr));
            // A folder's files are named there with that system's sign between folder and file.
            Ok(String::from_utf8(told.stdout)?.replace('\\', "/"))
        };
        let (ours, theirs) = (print(Command::new(&bench.here))?, print(bench.wine.evtmap())?);
        let differing = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        if let Some((ours, theirs)) = differing {
            anyhow::bail!("`{}` prints\n{theirs}\nand not\n{ours}", view.join(" "));
        }
        ensure!(ours == theirs, "`{}` prints more or less", view.join(" "));
    }
    Ok(format!("{} commands print the same", VIEWS.len() + OTHERS.len()))
}
