//! Running a command and learning what it cost.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use evtmap::input;
use wait4::Wait4 as _;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Seconds of the processors, those of the system for it included.
    pub(super) cpu: f64,
    /// Seconds on the clock.
    pub(super) wall: f64,
    /// The most memory it had at once, in bytes.
    pub(super) peak: u64,
}

/// Reads the files that a command names, so that it finds them in memory: in a round so much is read that the system may
/// have given up what the command before it does not use.
pub(super) fn warm(command: &[String]) -> io::Result<()> {
    let paths =
        command.iter().map(|word| Path::new(word.trim_start_matches('@'))).filter(|path| path.exists());
    for file in input::find(paths).files {
        io::copy(&mut File::open(&file.path)?, &mut io::sink())?;
    }
    Ok(())
}

/// Runs a command so many times at once, throwing away what it prints. What it costs is that of all together, but for
/// memory, which is the most that one had.
pub(super) fn run(command: &[String], n_at_once: usize) -> anyhow::Result<Cost> {
    let begun = Instant::now();
    let children = (0..n_at_once).map(|_| start(command)).collect::<Result<Vec<_>, _>>()?;
    let mut cost = Cost { cpu: 0.0, wall: 0.0, peak: 0 };
    for child in children {
        let used = child.wait4()?;
        if !used.status.success() {
            bail!("`{}` ended with {}", command.join(" "), used.status);
        }
        cost.cpu += (used.rusage.utime + used.rusage.stime).as_secs_f64();
        cost.peak = cost.peak.max(used.rusage.maxrss);
    }
    cost.wall = begun.elapsed().as_secs_f64();
    Ok(cost)
}

fn start(command: &[String]) -> anyhow::Result<Child> {
    let [program, arguments @ ..] = command else { bail!("there is no command") };
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run `{program}`"))
}
