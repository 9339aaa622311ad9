//! What the commands have in common that show every event in some way.

use std::ops::ControlFlow;

use evtmap::event::Event;
use evtmap::{EventPlace, ScanAccount, ScanOptions, report, visit};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::reading::ReadingArgs;
use super::viewer::Viewer;
use crate::failure::Failure;
use crate::terminal::{FAINT, HEADING, counted};
use crate::{clock, progress, summary};

/// Shows every event of the inputs to `look`, on several threads, and gives `each` what it noted, in order.
pub(super) fn look_at_all<N: Default + Send>(
    args: &ReadingArgs,
    look: impl Fn(&mut N, &Event, EventPlace<'_>) + Sync,
    mut each: impl FnMut(N) -> Result<ControlFlow<()>, Failure>,
) -> Result<ScanAccount, Failure> {
    let options: ScanOptions = args.options(clock::now()?)?;
    let found = args.found(&options)?;
    let bar = progress::bar(&found, args.quiet);
    let account = visit(&found, &options, look, |notes, progress| {
        let next = each(notes);
        progress::show(&bar, progress);
        next
    });
    bar.finish_and_clear();
    account
}

/// The line that says what was read.
pub(super) fn overview(account: &ScanAccount, viewer: &Viewer) -> String {
    let read = account.files.iter().filter(|file| file.kind.is_some());
    let events = counted(account.progress().events, "event");
    let mut line = format!("{HEADING}{events}{HEADING:#} in {}", summary::counted_logs(read));
    if let Some((first, last)) = account.span().0 {
        line += &format!(", {} to {}", viewer.minute(first), viewer.minute(last));
        line += if viewer.is_in_utc() { " UTC" } else { "" };
    }
    line + "\n"
}

/// What was not looked at, as the last part of a text.
pub(super) fn not_looked_at(account: &ScanAccount) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = summary::not_looked_at(&mut out, account, None);
    out
}

/// The parts of a JSON document, and what was read and what was not, unless a part says that.
pub(super) fn document(
    account: &ScanAccount,
    parts: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut document: Map<String, Value> =
        parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    document.insert("events".to_owned(), account.progress().events.into());
    document.entry("not_looked_at").or_insert_with(|| report::not_looked_at(account, None));
    Value::Object(document)
}

/// Below so many columns there is no room for the domains of hosts.
const NARROW: usize = 130;

/// A host as there is room for: on a narrow terminal without its domain.
pub(super) fn host(name: &str, width: Option<usize>) -> &str {
    let is_address = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match name.split_once('.') {
        Some((host, _)) if !is_address && width.is_some_and(|width| width < NARROW) => host,
        _ => name,
    }
}

/// A length of time as people say it: `3 h 12 min`.
pub(super) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: u64, unit: &str, small: u64, of: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {of}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => two(minutes, "min", seconds % 60, "s"),
        (0, _, _) => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// The line below a list of which not all is shown.
pub(super) fn more(n_all: usize, n_shown: usize, noun: &str, help: &str) -> String {
    match n_all.saturating_sub(n_shown) {
        0 => String::new(),
        n => format!("{FAINT}and {} more; {help}{FAINT:#}\n", counted(n as u64, noun)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        assert_eq!(host("FS01.corp.example", Some(100)), "FS01");
        assert_eq!(host("FS01.corp.example", None), "FS01.corp.example");
        assert_eq!(host("10.0.0.5", Some(100)), "10.0.0.5");
    }

    #[test]
    fn lengths() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3700, "1 h 1 min"),
            (86_400, "1 d"),
            (-90_000, "1 d 1 h"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), expected);
        }
    }
}
