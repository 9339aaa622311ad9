//! The summary at the end of a run: what was found, and what was not looked at and why.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

use evtmap::alert::Kind;
use evtmap::input::{Dates, DatesFrom};
use evtmap::ranking::{RankedTechnique, Ranking};
use evtmap::report::TimeStyle;
use evtmap::triage::{Counts, Group, Report, RulesAccount};
use evtmap::{FileAccount, Problems, ScanAccount, Severity};
use jiff::Timestamp;

use crate::stock::Age;
use crate::terminal::{FAINT, HEADING, WARNING, counted, fit, number, plain, style};

/// How many of the techniques, and of the most frequent hosts and users, are shown.
const N_TOP: usize = 8;
/// How many hosts there may be for each to have its techniques shown, and how many of these.
const N_HOSTS: usize = 5;
const N_TOP_BY_HOST: usize = 5;
/// How many groups of critical and high alerts are shown.
const N_NOTABLE: usize = 25;
/// How many columns the longest bar has.
const BAR: u64 = 24;

/// The summary as text with styles.
pub(crate) fn render(report: &Report<'_>, times: &TimeStyle) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut out, report, times);
    out
}

fn write_all(out: &mut String, report: &Report<'_>, times: &TimeStyle) -> fmt::Result {
    overview(out, report, times)?;
    if report.summary.n_detections() > 0 {
        tactics(out, report)?;
        techniques(out, &report.summary.ranking)?;
        top(out, "Hosts", &report.summary.hosts)?;
        techniques_by_host(out, report)?;
        top(out, "Users", &report.summary.users)?;
        notable(out, report, times)?;
        derived(out, report)?;
    }
    if report.summary.n_associations() > 0 {
        associations(out, report)?;
    }
    followed_tags(out, report)?;
    not_looked_at(out, report.scan, Some(report.rules))
}

/// The one line that is said when rules or ATT&CK are old.
pub(crate) fn hint(ages: &[Age], now: Timestamp) -> String {
    let old: Vec<String> = (ages.iter().filter(|age| age.is_old(now)))
        .map(|age| format!("{} of {}", age.name, age.date.as_deref().unwrap_or_default()))
        .collect();
    if old.is_empty() {
        return String::new();
    }
    let are =
        if ages.iter().any(|age| age.is_old(now) && age.is_plural) || old.len() > 1 { "are" } else { "is" };
    let text = format!("{} {are} older than 90 days; `evtmap update` fetches newer ones", old.join(" and "));
    format!("\n{FAINT}{}{FAINT:#}\n", plain(&text))
}

fn overview(out: &mut String, report: &Report<'_>, times: &TimeStyle) -> fmt::Result {
    let progress = report.scan.progress();
    let read = report.scan.files.iter().filter(|file| file.kind.is_some());
    writeln!(
        out,
        "{FAINT}evtmap {}, {} from {}, ATT&CK {}{FAINT:#}",
        env!("CARGO_PKG_VERSION"),
        counted(report.rules.n_used as u64, "rule"),
        plain(&report.rules.origins.join(", ")),
        plain(&report.catalogue.label()),
    )?;
    if let Some(origin) = &report.scan.policy.origin {
        let n = report.summary.n_overridden;
        let changed =
            if n > 0 { format!(", {} with another severity", counted(n, "alert")) } else { String::new() };
        writeln!(out, "{FAINT}configured by {}{changed}{FAINT:#}", plain(origin))?;
    }
    write!(out, "\n{HEADING}{}{HEADING:#} in {}", counted(progress.events, "event"), counted_logs(read),)?;
    if let Some((first, last)) = report.scan.span().0 {
        let zone = if *times == TimeStyle::default() { " UTC" } else { "" };
        write!(out, ", {} to {}{zone}", plain(&times.short(first)), plain(&times.short(last)))?;
    }
    recovered(out, report)?;
    zones(out, report)?;
    let n_detections = report.summary.n_detections();
    write!(out, "\n{HEADING}{}{HEADING:#}", counted(n_detections, "detection"))?;
    let mut between = ": ";
    for severity in Severity::WORST_FIRST {
        if let Some(n) = report.summary.severities.get(&severity) {
            let style = style(severity);
            write!(out, "{between}{style}{} {severity}{style:#}", number(*n))?;
            between = ", ";
        }
    }
    writeln!(out)
}

/// Records that were deleted and found again.
fn recovered(out: &mut String, report: &Report<'_>) -> fmt::Result {
    match report.scan.files.iter().map(|file| file.recovered).sum() {
        0 => Ok(()),
        n => write!(out, "\n{} recovered of those that were deleted", counted(n, "event")),
    }
}

/// How times were read that do not say all about themselves.
fn zones(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let n_local: u64 = report.scan.files.iter().map(|file| file.local_times).sum();
    if n_local > 0 {
        let zone = plain(&report.scan.timezone);
        write!(out, "\n{FAINT}{} without a time zone read as {zone}", counted(n_local, "time"))?;
        let mut dates: BTreeMap<Dates, u64> = BTreeMap::new();
        report
            .scan
            .files
            .iter()
            .filter_map(|file| file.dates)
            .for_each(|it| *dates.entry(it).or_default() += 1);
        for (Dates { order, from }, n) in dates {
            let from = match from {
                DatesFrom::Data => "as their dates show",
                DatesFrom::Option => "as asked for",
                DatesFrom::Assumption => "assumed",
            };
            write!(out, "; {} of {} {from}", order.as_str(), counted(n, "file"))?;
        }
        write!(out, "{FAINT:#}")?;
    }
    Ok(())
}

fn tactics(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let rows = report.summary.tactics_in_order(report.catalogue);
    heading(out, "Tactics", "detections, in the order of the matrix")?;
    let largest = rows.iter().map(|(_, n)| *n).max().unwrap_or(1);
    for (tactic, n) in rows {
        let bar = "━".repeat(usize::try_from((n * BAR).div_ceil(largest)).unwrap_or(0));
        writeln!(out, "  {} {:>9}  {bar}", fit(&tactic.name, 28), number(n))?;
    }
    Ok(())
}

/// What an analyst would name first. What event ids hint at has a place of its own.
fn techniques(out: &mut String, ranking: &Ranking) -> fmt::Result {
    let lines: Vec<_> = found(ranking).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let rest = lines.len().saturating_sub(N_TOP);
    let more = if rest > 0 { format!("; {rest} more") } else { String::new() };
    heading(out, "Techniques", &format!("the most telling first{more}"))?;
    for line in lines.iter().take(N_TOP) {
        let style = style(line.severity);
        writeln!(
            out,
            "  {} {:>9}  {style}{:<13}{style:#} {FAINT}{}{FAINT:#}",
            fit(&format!("{} {}", line.technique.id, line.technique.name), 60),
            number(line.n_alerts),
            line.severity,
            counted(line.n_findings, "rule"),
        )?;
    }
    Ok(())
}

/// The first techniques of each host, where there are so few that they tell one from the other.
fn techniques_by_host(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let hosts = &report.summary.ranking_by_host;
    let hosts: Vec<_> = hosts.iter().filter(|(_, ranking)| found(ranking).next().is_some()).collect();
    if !(2..=N_HOSTS).contains(&hosts.len()) {
        return Ok(());
    }
    heading(out, "Techniques by host", "the most telling first")?;
    for (host, ranking) in hosts {
        let names = found(ranking)
            .take(N_TOP_BY_HOST)
            .map(|line| format!("{} {}", line.technique.id, line.technique.name));
        let names = names.collect::<Vec<_>>().join(", ");
        writeln!(out, "  {HEADING}{}{HEADING:#}\n    {}", plain(host), plain(&names))?;
    }
    Ok(())
}

/// The techniques that rules found, ranked.
fn found(ranking: &Ranking) -> impl Iterator<Item = RankedTechnique> {
    ranking.techniques().into_iter().filter(|line| line.kind == Kind::Detection)
}

fn top(out: &mut String, title: &str, counts: &Counts) -> fmt::Result {
    if counts.n_distinct() == 0 {
        return Ok(());
    }
    let rest = counts.n_distinct().saturating_sub(N_TOP);
    let note = if rest > 0 { format!("the most frequent; {rest} more") } else { String::new() };
    heading(out, title, &note)?;
    for (name, n) in counts.top(N_TOP) {
        writeln!(out, "  {} {:>9}", fit(name, 60), number(n))?;
    }
    Ok(())
}

fn notable(out: &mut String, report: &Report<'_>, times: &TimeStyle) -> fmt::Result {
    let groups = report.summary.notable();
    if groups.is_empty() {
        return Ok(());
    }
    let rest = groups.len().saturating_sub(N_NOTABLE);
    let note = if rest > 0 { format!("the first {N_NOTABLE} of {}", groups.len()) } else { String::new() };
    heading(out, "Critical and high", &note)?;
    groups.iter().take(N_NOTABLE).try_for_each(|group| notable_group(out, group, times))
}

fn notable_group(out: &mut String, group: &Group, times: &TimeStyle) -> fmt::Result {
    let style = style(group.severity);
    let shown = |time| plain(&times.short(time)).to_string();
    let times = match group.span.0.map(|(first, last)| (shown(first), shown(last))) {
        None => "no time".to_owned(),
        Some((first, last)) if first == last => first,
        Some((first, last)) => format!("{first} to {last}"),
    };
    let repeated = if group.n > 1 { format!(" ×{}", number(group.n)) } else { String::new() };
    let severity = group.severity;
    let derived = if group.n_derived == group.n { "; derived" } else { "" };
    writeln!(out, "  {style}{severity:<8}{style:#}  {HEADING}{}{HEADING:#}{repeated}", plain(&group.title))?;
    let computer = if group.computer.is_empty() { "unknown host" } else { &group.computer };
    writeln!(
        out,
        "            {}, {times}, {} {FAINT}(rule by {}{derived}){FAINT:#}",
        plain(computer),
        plain(&group.techniques.join(" ")),
        plain(if group.author.is_empty() { "unknown" } else { &group.author }),
    )
}

/// Detections in what Windows itself logs in place of Sysmon.
fn derived(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let summary = report.summary;
    let kinds = summary.derived.top(N_TOP);
    if kinds.is_empty() {
        return Ok(());
    }
    heading(out, "Derived", "detections in events that stand for those that the rules are about")?;
    let named = |counts: Vec<(&str, u64)>| {
        let names = counts.into_iter().map(|(name, n)| format!("{} ({})", plain(name), number(n)));
        names.collect::<Vec<_>>().join(", ")
    };
    writeln!(out, "  {}", named(kinds))?;
    if summary.n_without_exceptions > 0 {
        let n = counted(summary.n_without_exceptions, "detection");
        writeln!(
            out,
            "  {n} may be an exception of the rule: the event lacks {}",
            named(summary.missing_fields.top(5)),
        )?;
    }
    Ok(())
}

fn associations(out: &mut String, report: &Report<'_>) -> fmt::Result {
    heading(out, "Associations", "what kinds of events may hint at; context, nothing was found")?;
    let counts = &report.summary.hinted_techniques;
    writeln!(out, "  {} without a detection", counted(report.summary.n_associations(), "event"))?;
    let names: Vec<String> =
        counts.top(5).into_iter().map(|(name, n)| format!("{} ({})", plain(name), number(n))).collect();
    writeln!(
        out,
        "  {FAINT}{}{}{FAINT:#}",
        names.join(", "),
        if counts.n_distinct() > 5 { ", …" } else { "" }
    )
}

/// Tags of rules that another release of ATT&CK has, and what they are shown as.
fn followed_tags(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let mut followed: Vec<_> = report.rules.followed_tags.iter().collect();
    if followed.is_empty() {
        return Ok(());
    }
    followed.sort_by_key(|(_, n)| Reverse(**n));
    let version = report.catalogue.version().unwrap_or("this release");
    heading(out, "Tags of other ATT&CK releases", &format!("shown as {version} names them"))?;
    let lines = followed.into_iter().map(|(followed, n)| {
        format!("{} → {} ({})", followed.tag, followed.meaning, counted(*n as u64, "rule"))
    });
    examples(lines).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Files, records, events and rules that were left out, each with its reason.
pub(crate) fn not_looked_at(
    out: &mut String,
    scan: &ScanAccount,
    rules: Option<&RulesAccount>,
) -> fmt::Result {
    let mut lines = Vec::new();
    files(&mut lines, scan);
    records(&mut lines, scan);
    events(&mut lines, scan);
    excluded(&mut lines, scan);
    if let Some(rules) = rules {
        of_rules(&mut lines, rules);
    }
    heading(out, "Not looked at", if lines.is_empty() { "nothing: all of it was" } else { "" })?;
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// Files that could not be read, those of the same reason together.
fn files(lines: &mut Vec<String>, scan: &ScanAccount) {
    let mut by_reason: Vec<(&str, Vec<&FileAccount>)> = Vec::new();
    for file in &scan.files {
        let reason = match (&file.error, file.kind) {
            (Some(error), _) => error.message.as_str(),
            (None, None) => "not reached",
            (None, Some(_)) => continue,
        };
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, files)) => files.push(file),
            None => by_reason.push((reason, vec![file])),
        }
    }
    for (reason, files) in by_reason {
        lines.push(format!("{}: {}", counted_logs(files.iter().copied()), plain(reason)));
        lines.extend(examples(files.iter().map(|file| file.path.display().to_string())));
    }
}

/// How many files there are, and how many channels of a running event log.
pub(crate) fn counted_logs<'a>(logs: impl IntoIterator<Item = &'a FileAccount>) -> String {
    let (channels, files): (Vec<_>, Vec<_>) = logs.into_iter().partition(|log| log.is_channel());
    match (files.len() as u64, channels.len() as u64) {
        (n, 0) => counted(n, "file"),
        (0, n) => counted(n, "channel"),
        (n_files, n_channels) => {
            format!("{} and {}", counted(n_files, "file"), counted(n_channels, "channel"))
        }
    }
}

/// Records that could not be read, and remarks on some that could, those of one kind together.
fn records(lines: &mut Vec<String>, scan: &ScanAccount) {
    let mut by_code: BTreeMap<&str, Vec<(&FileAccount, &Problems)>> = BTreeMap::new();
    for file in &scan.files {
        for (code, problems) in &file.problems {
            by_code.entry(code).or_default().push((file, problems));
        }
    }
    for (code, found) in by_code {
        let sum = |of: fn(&Problems) -> u64| found.iter().map(|(_, problems)| of(problems)).sum::<u64>();
        let (n, n_lost) = (sum(|problems| problems.n), sum(|problems| problems.n_lost));
        let what = if n_lost > 0 {
            format!("{} with records lost", counted(n, "problem"))
        } else {
            format!("{}, no record lost", counted(n, "remark"))
        };
        lines.push(format!("{what} `{code}` in {}", counted_logs(found.iter().map(|(file, _)| *file))));
        lines.extend(examples(found.iter().map(|(file, problems)| {
            let first = problems.examples.first().map(ToString::to_string).unwrap_or_default();
            let more =
                if problems.n > 1 { format!(" ({} in all)", number(problems.n)) } else { String::new() };
            format!("{}, {first}{more}", file.path.display())
        })));
    }
}

fn events(lines: &mut Vec<String>, scan: &ScanAccount) {
    let sum = |of: fn(&FileAccount) -> u64| scan.files.iter().map(of).sum::<u64>();
    let (out_of_range, without_time) = (sum(|file| file.out_of_range), sum(|file| file.without_time));
    if out_of_range > 0 {
        lines.push(format!("{} outside the times asked for", counted(out_of_range, "event")));
    }
    if without_time > 0 {
        lines.push(format!("{} without a time", counted(without_time, "event")));
    }
    timeless(lines, scan);
    unread_messages(lines, scan);
    if scan.is_cut_short {
        lines.push("what comes after the number of events asked for".to_owned());
    }
    lines.extend(scan.remarks.iter().map(|remark| plain(remark).into_owned()));
}

/// Events that have no time, or none that could be read, by file.
fn timeless(lines: &mut Vec<String>, scan: &ScanAccount) {
    let files: Vec<&FileAccount> = scan.files.iter().filter(|file| file.timeless > 0).collect();
    if files.is_empty() {
        return;
    }
    let n_events = counted(files.iter().map(|file| file.timeless).sum(), "event");
    // Other kinds write times in one way only: what cannot be read there was never set.
    let is_table = files.iter().any(|file| file.kind == Some("csv"));
    let hint = if is_table { " (`--date-format` says how dates are written)" } else { "" };
    lines.push(format!(
        "when {n_events} happened: there is no time that can be read, so that no correlation has them{hint}"
    ));
    lines.extend(examples(
        files.iter().map(|file| format!("{} ({})", file.path.display(), number(file.timeless))),
    ));
}

/// Events of which only the text is there, and which text nobody can take apart, the most frequent first.
fn unread_messages(lines: &mut Vec<String>, scan: &ScanAccount) {
    let unread = scan.unread_messages();
    let mut kinds: Vec<(&str, u32, u64)> = unread.iter().collect();
    if kinds.is_empty() {
        return;
    }
    kinds.sort_by_key(|(.., n)| Reverse(*n));
    let n_events = counted(kinds.iter().map(|(.., n)| n).sum(), "event");
    lines
        .push(format!("the fields of {n_events}: the message has no known layout, and only keywords see it"));
    lines.extend(examples(kinds.into_iter().map(|(provider, id, n)| {
        let provider = if provider.is_empty() { "unknown provider" } else { provider };
        format!("{provider} {id} ({})", number(n))
    })));
}

/// What the exclusions of a configuration hid, and those that hide nothing any more.
fn excluded(lines: &mut Vec<String>, scan: &ScanAccount) {
    for own in &scan.policy.exclusions {
        if own.is_expired {
            lines.push(plain(&own.told()).into_owned());
        } else {
            let n = match own.n_hidden {
                1 => "1 match".to_owned(),
                n => format!("{} matches", number(n)),
            };
            lines.push(format!("{n} {}", plain(&own.told())));
        }
    }
}

fn of_rules(lines: &mut Vec<String>, rules: &RulesAccount) {
    for (reason, skipped) in &rules.skipped {
        lines.push(format!("{}: {}", counted(skipped.n as u64, "rule"), reason.as_str()));
        if reason.is_worth_a_look() {
            lines.extend(examples_of(skipped.n, skipped.examples.iter().cloned()));
        }
    }
    let tags = &rules.unresolved_tags;
    if !tags.is_empty() {
        let names: Vec<&str> = tags.keys().take(5).map(String::as_str).collect();
        let more = if tags.len() > names.len() { ", …" } else { "" };
        let n_tags = counted(tags.len() as u64, "tag");
        lines.push(format!("{n_tags} that this ATT&CK does not know: {}{more}", plain(&names.join(", "))));
    }
}

/// The first few of a list, each on a line of its own.
fn examples(list: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    examples_of(list.len(), list)
}

/// The first few of so many, each on a line of its own.
fn examples_of(n_all: usize, list: impl Iterator<Item = String>) -> Vec<String> {
    let n_more = n_all.saturating_sub(3);
    let mut lines: Vec<String> =
        list.take(3).map(|text| format!("  {FAINT}{}{FAINT:#}", plain(&text))).collect();
    if n_more > 0 {
        lines.push(format!("  {FAINT}and {}{FAINT:#}", counted(n_more as u64, "other")));
    }
    lines
}

fn heading(out: &mut String, title: &str, note: &str) -> fmt::Result {
    let style = if title == "Not looked at" { WARNING } else { HEADING };
    write!(out, "\n{style}{title}{style:#}")?;
    if !note.is_empty() {
        write!(out, "  {FAINT}{}{FAINT:#}", plain(note))?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_logs(paths: &[&str], expected: &str) {
        let logs: Vec<FileAccount> =
            paths.iter().map(|path| FileAccount { path: path.into(), ..FileAccount::default() }).collect();
        assert_eq!(counted_logs(&logs), expected);
    }

    #[test]
    fn channels_are_not_called_files() {
        check_logs(&[], "0 files");
        check_logs(&["Security.evtx", "live.evtx"], "2 files");
        check_logs(&["live:Security"], "1 channel");
        check_logs(&["live:Security", r"live:\\DC01\System", "a.evtx"], "1 file and 2 channels");
    }
}
