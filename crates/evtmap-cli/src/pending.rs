//! Files that are being written beside those whose place they will take. They go with the program when a signal ends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

/// How long a signal may wait.
const PAUSE: Duration = Duration::from_millis(50);
/// The number of the signal that a terminal sends which closes.
#[cfg(unix)]
const SIGHUP: i32 = signal_hook::consts::SIGHUP;

static FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static LOOK_OUT: Once = Once::new();

/// Files that are being written. While one holds them the program is not ended by a signal.
pub(crate) struct Pending(MutexGuard<'static, Vec<PathBuf>>);

impl Pending {
    pub(crate) fn lock() -> Self {
        Self(FILES.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has a file removed when a signal ends the program.
    pub(crate) fn add(&mut self, path: &Path) {
        self.0.push(path.to_owned());
        LOOK_OUT.call_once(look_out);
    }

    /// Leaves a file alone that is in its place.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.0.retain(|own| own != path);
    }
}

/// Waits for signals, on a thread of its own: whatever the others are at, nobody has to wait for them. Without the
/// thread none is caught.
fn look_out() {
    let watch = || {
        let caught: Vec<_> =
            signals().into_iter().filter_map(|signal| Some((signal, caught(signal)?))).collect();
        let is_caught = |(_, is_caught): &&(i32, Arc<AtomicBool>)| is_caught.load(Ordering::Relaxed);
        loop {
            thread::sleep(PAUSE);
            if let Some((signal, _)) = caught.iter().find(is_caught) {
                let files = Pending::lock();
                files.0.iter().for_each(|path| drop(fs::remove_file(path)));
                // Who started the program sees that the signal ended it.
                _ = signal_hook::low_level::emulate_default_handler(*signal);
            }
        }
    };
    _ = thread::Builder::new().name("signals".to_owned()).spawn(watch);
}

/// What is set once the signal comes; nothing where it cannot be caught.
fn caught(signal: i32) -> Option<Arc<AtomicBool>> {
    let is_caught = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal, Arc::clone(&is_caught)).ok().map(|_| is_caught)
}

/// The signals that end the program. One that whoever started it has it ignore, as `nohup` does, stays ignored.
#[cfg(unix)]
fn signals() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    // Where nobody tells, only those are caught that are hardly ever ignored.
    let ignored = ignored.unwrap_or(1 << (SIGHUP - 1));
    [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0).collect()
}

#[cfg(not(unix))]
fn signals() -> Vec<i32> {
    vec![SIGINT, SIGTERM]
}
