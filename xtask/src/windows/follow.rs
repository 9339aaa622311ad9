//! Subscriptions, served by the stand-in: interrupted and taken up again, each event comes once.

use std::fs;

use anyhow::{Context as _, ensure};

use super::Bench;
use super::live::{BARE_CHANNEL, DENIED_CHANNEL};
use super::table::Table;

/// How many batches are taken before each interruption.
const N_BATCHES: &str = "2";

/// Follows a channel in several runs, by the example of the library.
pub(super) fn check(bench: &Bench, table: &Table) -> anyhow::Result<()> {
    let bookmark = bench.wine.drive_c().join("bookmark.xml");
    let follow = |channel: &str| -> anyhow::Result<(bool, String)> {
        let mut follow = bench.wine.program("follow.exe");
        let output = follow.args([channel, "C:\\bookmark.xml", N_BATCHES]).output()?;
        let told = String::from_utf8(output.stdout)? + &String::from_utf8_lossy(&output.stderr);
        Ok((output.status.success(), told))
    };
    let _ = fs::remove_file(&bookmark);
    let (mut ids, mut n_runs) = (Vec::new(), 0);
    loop {
        let (is_done, told) = follow(BARE_CHANNEL)?;
        ensure!(is_done, "following ends with {told}");
        if told.is_empty() {
            break;
        }
        n_runs += 1;
        let new: Result<Vec<usize>, _> = told.lines().map(str::parse).collect();
        ids.extend(new.with_context(|| format!("following prints {told}"))?);
    }
    let expected: Vec<usize> = (0..table.n_events(BARE_CHANNEL)).collect();
    ensure!(n_runs > 2, "it was never interrupted");
    ensure!(
        ids == expected,
        "{} events came in {n_runs} runs, not each of {} once",
        ids.len(),
        expected.len()
    );
    // The event of the bookmark is gone, as after the log was cleared.
    fs::write(&bookmark, fs::read_to_string(&bookmark)?.replace("RecordId='", "RecordId='9"))?;
    let (is_done, told) = follow(BARE_CHANNEL)?;
    ensure!(!is_done && told.contains("live-cleared"), "behind an event that is gone it says {told}");
    fs::remove_file(&bookmark)?;
    let (is_done, told) = follow(DENIED_CHANNEL)?;
    ensure!(!is_done && told.contains("live-denied"), "without rights it says {told}");
    Ok(())
}
