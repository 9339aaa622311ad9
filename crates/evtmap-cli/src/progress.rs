//! The progress bar: on standard error, and only when a terminal is there.

use std::io::IsTerminal;
use std::time::Duration;

use evtmap::Progress;
use evtmap::input::Found;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::number;

const TEMPLATE: &str = "{bar:30.cyan/dim} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta_precise} left";

/// A bar for the reading of files.
pub(crate) fn bar(found: &Found, is_quiet: bool) -> ProgressBar {
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let sizes = found.files.iter().filter_map(|file| file.path.metadata().ok());
    let bytes = sizes.map(|metadata| metadata.len()).sum();
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(10));
    // The template is ours; should it ever be wrong, the bar looks plain.
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

const DOWNLOAD: &str =
    "{msg}  {bar:30.cyan/dim}  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}";
const DOWNLOAD_OF_UNKNOWN_SIZE: &str = "{msg}  {spinner}  {binary_bytes}  {binary_bytes_per_sec}";

/// A bar for a download, of which it may not be known how long it is.
pub(crate) fn download(name: &str, is_quiet: bool) -> ProgressBar {
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template(DOWNLOAD_OF_UNKNOWN_SIZE) {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    bar
}

/// Shows how far a download has come.
pub(crate) fn show_download(bar: &ProgressBar, n_bytes: u64, n_whole: Option<u64>) {
    if let Some(n_whole) = n_whole.filter(|_| !bar.is_hidden() && bar.length().is_none()) {
        bar.set_length(n_whole);
        if let Ok(style) = ProgressStyle::with_template(DOWNLOAD) {
            bar.set_style(style.progress_chars("━━─"));
        }
    }
    bar.set_position(n_bytes);
}

/// Shows how far a scan has come.
pub(crate) fn show(bar: &ProgressBar, progress: Progress) {
    if !bar.is_hidden() {
        let detections = match progress.detections {
            0 => String::new(),
            n => format!(", {} detections", number(n)),
        };
        bar.set_position(progress.bytes);
        bar.set_message(format!("{} events{detections}", number(progress.events)));
    }
}
