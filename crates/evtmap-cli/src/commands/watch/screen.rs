//! Alerts on standard output: a line each for people, or JSON for programs.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evtmap::alert::{Alert, Kind};
use evtmap::report::TimeStyle;
use evtmap_watch::{Health, Sink, Told, WatchError};
use serde_json::Value;

use crate::terminal::{FAINT, plain, style};

/// A line each, for people.
pub(super) struct Screen {
    times: TimeStyle,
    closed: Closed,
    /// Whether associations are shown. On a host at work they would leave one detection in twenty lines.
    has_associations: bool,
    buffer: String,
}

impl Screen {
    pub(super) fn new(times: TimeStyle, closed: Closed, has_associations: bool) -> Self {
        Self { times, closed, has_associations, buffer: String::new() }
    }
}

impl Sink for Screen {
    fn name(&self) -> &'static str {
        "terminal"
    }

    fn take(&mut self, told: &Told<'_>) {
        if self.has_associations || told.alert.finding.kind != Kind::Association {
            // Writing to a string cannot fail.
            let _ = line(&mut self.buffer, told.alert, &self.times);
        }
    }

    fn flush(&mut self) -> Result<(), WatchError> {
        let text = std::mem::take(&mut self.buffer);
        self.closed.print(text.as_bytes(), &mut anstream::stdout().lock());
        Ok(())
    }

    fn commit(&mut self) -> Result<Value, WatchError> {
        Ok(Value::Null)
    }

    fn health(&self) -> Health {
        Health { is_up: true, ..Health::default() }
    }
}

/// JSON lines, for programs.
pub(super) struct Lines {
    closed: Closed,
    buffer: Vec<u8>,
}

impl Lines {
    pub(super) fn new(closed: Closed) -> Self {
        Self { closed, buffer: Vec::new() }
    }
}

impl Sink for Lines {
    fn name(&self) -> &'static str {
        "-"
    }

    fn take(&mut self, told: &Told<'_>) {
        self.buffer.extend_from_slice(told.line.as_bytes());
        self.buffer.push(b'\n');
    }

    fn flush(&mut self) -> Result<(), WatchError> {
        let lines = std::mem::take(&mut self.buffer);
        self.closed.print(&lines, &mut io::stdout().lock());
        Ok(())
    }

    fn commit(&mut self) -> Result<Value, WatchError> {
        Ok(Value::Null)
    }

    fn health(&self) -> Health {
        Health { is_up: true, ..Health::default() }
    }
}

/// What is done when nobody reads standard output any more: other outputs go on, but without any the watch ends.
#[derive(Clone)]
pub(super) struct Closed {
    pub(super) is_stopping: Arc<AtomicBool>,
    pub(super) is_only_output: bool,
}

impl Closed {
    /// Prints at once.
    fn print(&self, bytes: &[u8], out: &mut dyn io::Write) {
        let written = out.write_all(bytes).and_then(|()| out.flush());
        if written.is_err() && self.is_only_output {
            self.is_stopping.store(true, Ordering::Relaxed);
        }
    }
}

/// When, how bad, what, where and who, by which techniques, and whose rule it is.
fn line(out: &mut String, alert: &Alert, times: &TimeStyle) -> std::fmt::Result {
    let (finding, event) = (&alert.finding, &alert.event);
    let time = event.time.map_or_else(|| "no time".to_owned(), |time| times.show(time).to_string());
    write!(out, "{FAINT}{}{FAINT:#}  ", plain(&time))?;
    match finding.severity {
        Some(severity) => {
            let style = style(severity);
            write!(out, "{style}{:13}{style:#}  ", severity.as_str())?;
        }
        None => write!(out, "{:13}  ", "")?,
    }
    write!(out, "{}", plain(finding.title()))?;
    if let Some(correlation) = &alert.correlation {
        write!(out, " ×{}", correlation.events)?;
    }
    if finding.kind == Kind::Association {
        write!(out, " {FAINT}(event id only){FAINT:#}")?;
    }
    for part in [Some(event.said.computer.as_str()), event.said.user.as_deref()].into_iter().flatten() {
        if !part.is_empty() {
            write!(out, "  {}", plain(part))?;
        }
    }
    let techniques: Vec<&str> = finding.techniques.iter().map(|technique| technique.id.as_str()).collect();
    if !techniques.is_empty() {
        write!(out, "  {}", plain(&techniques.join(" ")))?;
    }
    if let Some(rule) = finding.rule.as_ref().filter(|rule| !rule.author.is_empty()) {
        write!(out, "  {FAINT}(rule by {}){FAINT:#}", plain(&rule.author))?;
    }
    writeln!(out)
}
