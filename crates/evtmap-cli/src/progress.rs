//! The progress bar: on standard error, and only when a terminal is there.

use std::io::IsTerminal;
use std::time::Duration;

use evtmap::Progress;
use evtmap::input::Found;
use evtmap_update::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{number, plain};

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

const ASKING: &str = "{spinner}  {msg}";

/// A bar for what is asked of a server, of which it may not be known how much it is.
pub(crate) fn download(is_quiet: bool) -> ProgressBar {
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Shows how asking for something goes on: it may take half a minute to find out that there is no network.
pub(crate) fn show_step(bar: &ProgressBar, name: &str, step: Step<'_>) {
    if bar.is_hidden() {
        return;
    }
    let show = |template: &str, message: String| {
        // The template is ours; should it ever be wrong, the bar looks plain.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_message(message);
    };
    match step {
        Step::Asked { url } => {
            bar.unset_length();
            show(ASKING, format!("{name}: asking {}", plain(url)));
        }
        Step::Received { n_bytes, n_whole } => {
            if bar.message() != name {
                show(if n_whole.is_some() { DOWNLOAD } else { DOWNLOAD_OF_UNKNOWN_SIZE }, name.to_owned());
                n_whole.into_iter().for_each(|n_whole| bar.set_length(n_whole));
            }
            bar.set_position(n_bytes);
        }
        Step::Failed { error, wait } => {
            let wait = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            show(ASKING, format!("{name}: {}; the next try is in {wait} s", plain(&error.to_string())));
        }
        _ => {}
    }
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
