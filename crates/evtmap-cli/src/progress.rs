//! The progress bar: on standard error, and only when a terminal is there.

use std::io::IsTerminal;
use std::time::Duration;

use evtmap::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::number;

const TEMPLATE: &str = "{bar:30.cyan/dim} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta_precise} left";

/// A bar for so many bytes.
pub(crate) fn bar(bytes: u64, is_quiet: bool) -> ProgressBar {
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(10));
    // The template is ours; should it ever be wrong, the bar looks plain.
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Shows how far a scan has come.
pub(crate) fn show(bar: &ProgressBar, progress: Progress) {
    if !bar.is_hidden() {
        bar.set_position(progress.bytes);
        bar.set_message(format!(
            "{} events, {} detections",
            number(progress.events),
            number(progress.detections)
        ));
    }
}
