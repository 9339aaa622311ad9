//! Paths that only Windows has: drives, shares, names of any script, and longer ones than it once allowed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use super::Bench;
use crate::root;

/// The log that is read by all these names.
const LOG: &str = "examples/incident/WS01/Security.evtx";

/// Folders on the drive `C:` in which the log is put.
const FOLDERS: &[&str] =
    &["evidence", "Program Files\\Spaß und Spiel", "ログ\\журнал", "100% & (more) 'quoted'"];

/// Reads a log, and writes a report beside it, by paths of each kind.
pub(super) fn check(bench: &Bench) -> anyhow::Result<String> {
    let expected = alerts(bench, LOG, None)?;
    ensure!(expected > 0, "there is nothing to find in {LOG}");
    // More than 260 characters, and more than 255 a part is not allowed anywhere.
    let long = ["a very long name of a folder "; 7].concat().trim_end().to_owned();
    let long = format!("{long}\\{long}");
    let mut n = 0;
    for folder in FOLDERS.iter().copied().chain([long.as_str()]) {
        let here = bench.wine.drive_c().join(folder.replace('\\', "/"));
        put(&here)?;
        let paths = [
            format!("C:\\{folder}"),
            format!("c:/{}", folder.replace('\\', "/")),
            format!("\\\\?\\C:\\{folder}"),
        ];
        for path in paths {
            let sign = if path.contains('/') { '/' } else { '\\' };
            let log = format!("{path}{sign}Security.evtx");
            let found = alerts(bench, &log, Some(&format!("{path}{sign}alerts.jsonl")))?;
            ensure!(found == expected, "`{log}` gives {found} alerts, not {expected}");
            ensure!(here.join("alerts.jsonl").is_file(), "the report is not beside `{log}`");
            fs::remove_file(here.join("alerts.jsonl"))?;
            n += 1;
        }
    }
    put(&bench.wine.share("server", "share"))?;
    for log in [r"\\server\share\Security.evtx", r"\\server\share", r"\\?\UNC\server\share\Security.evtx"] {
        let found = alerts(bench, log, None)?;
        ensure!(found == expected, "`{log}` gives {found} alerts, not {expected}");
        n += 1;
    }
    Ok(format!("{n} ways to name a file work"))
}

fn put(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    fs::copy(root().join(LOG), folder.join("Security.evtx"))?;
    Ok(())
}

/// How many alerts a log gives, in a report at a path or on standard output.
fn alerts(bench: &Bench, log: &str, report: Option<&str>) -> anyhow::Result<usize> {
    let mut map = bench.wine.evtmap();
    map.args(["--no-config", "map", "--quiet", log, "--output", report.unwrap_or("-"), "--format", "jsonl"]);
    let told = map.output()?;
    ensure!(told.status.success(), "`{log}`: {}", String::from_utf8_lossy(&told.stderr));
    match report {
        None => Ok(told.stdout.iter().filter(|byte| **byte == b'\n').count()),
        Some(report) => {
            let here =
                report.trim_start_matches("\\\\?\\").get(3..).context("a path begins with its drive")?;
            let text = fs::read_to_string(bench.wine.drive_c().join(here.replace('\\', "/")))?;
            Ok(text.lines().count())
        }
    }
}
