//! Markdown for tickets and wikis: what to look at first, by host, technique and rule, and the worst detections.
//!
//! What comes from logs and rules is text and nothing else: no markup, no link, no control character.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;

use super::{ReportOptions, TimeStyle, Writer};
use crate::alert::{Alert, Kind};
use crate::row::{Row, known};
use crate::severity::Severity;
use crate::triage::{Counts, Report};

/// How many detections are listed one by one, the worst first.
const N_DETECTIONS_MAX: usize = 200;
/// How many lines the other lists have.
const N_LINES_MAX: usize = 50;
/// The longest text in a cell, in characters.
const N_CHARS_MAX: usize = 300;

/// The worst first, then the earliest, then in the order in which they came.
type Key = (std::cmp::Reverse<Severity>, Timestamp, u64);

struct Markdown {
    out: Box<dyn Write>,
    times: TimeStyle,
    /// The lines of the worst detections; a better one makes the last go.
    worst: BTreeMap<Key, String>,
    n_detections: u64,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let times = options.times.clone();
    Ok(Box::new(Markdown { out, times, worst: BTreeMap::new(), n_detections: 0 }))
}

impl Writer for Markdown {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let Some(severity) = alert.finding.severity.filter(|_| alert.finding.kind == Kind::Detection) else {
            return Ok(());
        };
        self.n_detections += 1;
        let time = alert.event.time.unwrap_or(Timestamp::MAX);
        let key = (std::cmp::Reverse(severity), time, self.n_detections);
        let is_full = self.worst.len() >= N_DETECTIONS_MAX;
        if is_full && self.worst.last_key_value().is_some_and(|(last, _)| *last < key) {
            return Ok(());
        }
        self.worst.insert(key, detection(Row::of(alert), &self.times));
        if is_full {
            self.worst.pop_last();
        }
        Ok(())
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        let mut text = overview(report, &self.times);
        text.push_str(&techniques(report));
        text.push_str(&notable(report, &self.times));
        text.push_str(&self.detections());
        text.push_str(&counts("Hosts", "host", &report.summary.hosts));
        text.push_str(&counts("Users", "user", &report.summary.users));
        text.push_str(&not_looked_at(report));
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl Markdown {
    fn detections(&self) -> String {
        let mut text = String::from("\n## Detections, the worst first\n\n");
        if self.worst.is_empty() {
            return text + "None.\n";
        }
        text.push_str("| time | severity | what | rule by | techniques | host | user | event |\n");
        text.push_str("|---|---|---|---|---|---|---|---|\n");
        self.worst.values().for_each(|line| text.push_str(line));
        let n_left = self.n_detections.saturating_sub(self.worst.len() as u64);
        if n_left > 0 {
            let _ = writeln!(text, "\n{n_left} more are not listed here; other formats have all.");
        }
        text
    }
}

fn detection(row: Row<'_>, times: &TimeStyle) -> String {
    let event = row.event;
    line(&[
        &event.time.map(|time| times.text(time)).unwrap_or_default(),
        row.severity().unwrap_or_default(),
        row.finding.title(),
        row.rule().map(|rule| rule.author.as_str()).unwrap_or_default(),
        &row.technique_ids().collect::<Vec<_>>().join(", "),
        &event.said.computer,
        event.said.user.as_deref().unwrap_or_default(),
        &row.place(),
    ])
}

fn overview(report: &Report<'_>, times: &TimeStyle) -> String {
    let summary = report.summary;
    let mut text = String::from("# Windows event logs in ATT&CK\n\n");
    let severities = summary.severities.iter().rev().map(|(severity, n)| format!("{n} {severity}"));
    let severities = severities.collect::<Vec<_>>().join(", ");
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "- {name}: {}", safe(value));
        }
    };
    let by_severity = if severities.is_empty() { String::new() } else { format!(" ({severities})") };
    fact("Detections", &format!("{}{by_severity}", summary.n_detections()));
    fact("Events that may hint at something, by their id alone", &summary.n_associations().to_string());
    fact("Events", &report.scan.progress().events.to_string());
    if let Some((first, last)) = report.scan.span().0 {
        fact("From", &times.text(first));
        fact("To", &times.text(last));
    }
    fact("Rules", &format!("{} of {}", report.rules.n_used, report.rules.origins.join(", ")));
    let version = report.catalogue.version().unwrap_or("of an unknown version");
    fact("ATT&CK", &format!("{version}, from {}", report.catalogue_origin));
    fact("evtmap", env!("CARGO_PKG_VERSION"));
    text
}

fn techniques(report: &Report<'_>) -> String {
    let mut text = String::from("\n## Techniques, in the order in which to look\n\n");
    let ranked = report.summary.ranking.techniques();
    if ranked.is_empty() {
        return text + "None.\n";
    }
    text.push_str("| technique | name | kind | severity | alerts | because |\n|---|---|---|---|---|---|\n");
    for it in ranked.iter().take(N_LINES_MAX) {
        let because = it.titles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        text.push_str(&line(&[
            &it.technique.id,
            &it.technique.name,
            it.kind.as_str(),
            it.severity.as_str(),
            &it.n_alerts.to_string(),
            &because,
        ]));
    }
    text + &left(ranked.len())
}

/// Critical and high detections by rule and host.
fn notable(report: &Report<'_>, times: &TimeStyle) -> String {
    let groups = report.summary.notable();
    if groups.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n## Critical and high, by rule and host\n\n");
    text.push_str("| severity | rule | by | techniques | host | alerts | first | last |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for group in groups.iter().take(N_LINES_MAX) {
        let span = group.span.0.map(|(first, last)| (times.text(first), times.text(last)));
        let (first, last) = span.unwrap_or_default();
        text.push_str(&line(&[
            group.severity.as_str(),
            &group.title,
            &group.author,
            &group.techniques.join(", "),
            &group.computer,
            &group.n.to_string(),
            &first,
            &last,
        ]));
    }
    text + &left(groups.len())
}

fn counts(title: &str, what: &str, counts: &Counts) -> String {
    let top = counts.top(N_LINES_MAX);
    if top.is_empty() {
        return String::new();
    }
    let lines: String = top.iter().map(|(name, n)| line(&[name, &n.to_string()])).collect();
    format!("\n## {title}\n\n| {what} | detections |\n|---|---|\n{lines}{}", left(counts.n_distinct()))
}

fn not_looked_at(report: &Report<'_>) -> String {
    let mut lines = String::new();
    let mut n_lines = 0;
    let mut add = |what: &str, reason: &str| {
        n_lines += 1;
        if n_lines <= N_LINES_MAX {
            lines.push_str(&line(&[what, reason]));
        }
    };
    for file in &report.scan.files {
        let path = file.path.to_string_lossy();
        if let Some(error) = &file.error {
            add(&path, &error.message);
        }
        for (code, problems) in &file.problems {
            add(&path, &format!("{} records ({code}), {} of them lost", problems.n, problems.n_lost));
        }
    }
    for (reason, skipped) in &report.rules.skipped {
        add(&format!("{} rules", skipped.n), reason.as_str());
    }
    for own in &report.scan.policy.exclusions {
        add(&own.counted(), &own.told());
    }
    if report.scan.is_cut_short {
        add("events", "reading ended early, as was asked for");
    }
    if lines.is_empty() {
        return String::new();
    }
    format!("\n## Not looked at\n\n| what | why |\n|---|---|\n{lines}{}", left(n_lines))
}

fn left(n: usize) -> String {
    match n.saturating_sub(N_LINES_MAX) {
        0 => String::new(),
        n_left => format!("\n{n_left} more are not listed here.\n"),
    }
}

/// A line of a table.
fn line(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| safe(cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A text that is shown as it is and does nothing: what means something in Markdown or HTML is escaped, what
/// begins a link is taken apart, what steers a terminal or the direction of reading is replaced, a long text cut.
fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * N_CHARS_MAX));
    for (place, c) in text.chars().enumerate() {
        if place == N_CHARS_MAX {
            shown.push('…');
            break;
        }
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // Addresses become links by themselves: `https://`, `www.`, `a@b`.
            ':' if text.chars().nth(place + 1) == Some('/') => shown.push_str("&#58;"),
            '@' => shown.push_str("&#64;"),
            '.' if is_www(text, place) => shown.push_str("&#46;"),
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => shown.push(' '),
            c if is_steering(c) => shown.push('\u{fffd}'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '|' | '~' | '$' => {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
    }
    known(shown.trim()).map(str::to_owned).unwrap_or_default()
}

fn is_www(text: &str, place: usize) -> bool {
    place >= 3 && text.chars().skip(place - 3).take(3).all(|c| c.eq_ignore_ascii_case(&'w'))
}

fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        for (text, expected) in [
            ("plain text, 1.5 - ok", "plain text, 1.5 - ok"),
            ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
            ("[x](javascript:1)", "\\[x\\](javascript:1)"),
            ("a|b", "a\\|b"),
            ("`x` **b** __u__ ~~s~~ $m$", "\\`x\\` \\*\\*b\\*\\* \\_\\_u\\_\\_ \\~\\~s\\~\\~ \\$m\\$"),
            ("https://evil.example", "https&#58;//evil.example"),
            ("www.evil.example a@b.example", "www&#46;evil.example a&#64;b.example"),
            ("a\nb\u{1b}[31m\u{202e}c", "a b\u{fffd}\\[31m\u{fffd}c"),
            ("&lt;", "&amp;lt;"),
            ("CORP\\ada", "CORP\\\\ada"),
        ] {
            assert_eq!(safe(text), expected);
        }
        assert_eq!(safe(&"x".repeat(1 << 20)).chars().count(), N_CHARS_MAX + 1);
    }
}
