//! What was not looked at, in words.

use std::collections::BTreeMap;

use super::document::{Account, AccountLine};
use super::limit;
use crate::triage::Report;

/// The largest number of examples of a line.
const N_EXAMPLES_MAX: usize = 20;
/// The longest example, in bytes, and the largest number of reasons why files could not be read: both follow
/// from what the files hold.
const EXAMPLE_MAX: usize = 300;
const N_REASONS_MAX: usize = 50;
const OTHER_REASONS: &str = "for other reasons, of which there are too many to tell";

/// What was not looked at; `n_unconnected` connections and the conditions of `n_without_condition` rules had
/// no room in the page.
pub(super) fn account(report: &Report<'_>, n_unconnected: u64, n_without_condition: u64) -> Account {
    let mut lines = files(report);
    lines.extend(records(report));
    lines.extend(events(report));
    lines.extend(rules(report));
    lines.extend(policy(report));
    lines.extend(left_out(report, n_unconnected, n_without_condition));
    for example in lines.iter_mut().flat_map(|line| &mut line.examples) {
        *example = limit::name(example, EXAMPLE_MAX);
    }
    Account { lines }
}

fn line(about: &'static str, n: u64, reason: impl Into<String>) -> AccountLine {
    AccountLine { about, n, reason: reason.into(), examples: Vec::new(), grave: false }
}

/// Files that could not be read, those of one reason together.
fn files(report: &Report<'_>) -> Vec<AccountLine> {
    let mut by_reason: BTreeMap<String, AccountLine> = BTreeMap::new();
    for file in &report.scan.files {
        let mut reason = match (&file.error, file.kind) {
            (Some(error), _) => limit::name(&error.message, EXAMPLE_MAX),
            (None, None) => "not reached".to_owned(),
            (None, Some(_)) => continue,
        };
        if by_reason.len() >= N_REASONS_MAX && !by_reason.contains_key(&reason) {
            reason = OTHER_REASONS.to_owned();
        }
        let line = by_reason.entry(reason).or_insert_with_key(|reason| line("files", 0, reason.clone()));
        line.n += 1;
        // What merely lies in a folder may be anything.
        line.grave |= file.named || file.kind.is_some();
        if line.examples.len() < N_EXAMPLES_MAX {
            line.examples.push(file.path.display().to_string());
        }
    }
    by_reason.into_values().collect()
}

/// Records that could not be read, and remarks on some that could.
fn records(report: &Report<'_>) -> Vec<AccountLine> {
    let mut by_code: BTreeMap<&str, AccountLine> = BTreeMap::new();
    for file in &report.scan.files {
        for (code, problems) in &file.problems {
            let line = by_code.entry(code).or_insert_with(|| line("records", 0, *code));
            line.n += problems.n;
            line.grave |= problems.n_lost > 0;
            let room = N_EXAMPLES_MAX.saturating_sub(line.examples.len());
            let examples = problems.examples.iter().take(room);
            line.examples.extend(examples.map(|problem| format!("{}, {problem}", file.path.display())));
        }
    }
    let told = by_code.into_values().map(|line| {
        let lost = if line.grave { "records lost" } else { "a remark, no record lost" };
        AccountLine { reason: format!("{} ({lost})", line.reason), ..line }
    });
    told.collect()
}

fn events(report: &Report<'_>) -> Vec<AccountLine> {
    let mut lines = Vec::new();
    let scan = report.scan;
    let mut add = |about, n: u64, reason: &str, grave: bool| {
        if n > 0 {
            lines.push(AccountLine { grave, ..line(about, n, reason) });
        }
    };
    let out_of_range = scan.files.iter().map(|file| file.out_of_range).sum();
    add("events", out_of_range, "outside the times asked for", false);
    add("events", scan.files.iter().map(|file| file.without_time).sum(), "without a time", true);
    let timeless = scan.files.iter().map(|file| file.timeless).sum();
    add("events", timeless, "looked at without a time: in no correlation, and in no order", true);
    if scan.is_cut_short {
        add("run", 1, "what comes after the number of events asked for", true);
    }
    for remark in &scan.remarks {
        add("run", 1, remark, true);
    }
    let unread = scan.unread_messages();
    let mut kinds: Vec<(&str, u32, u64)> = unread.iter().collect();
    kinds.sort_by(|a, b| b.2.cmp(&a.2).then(a.cmp(b)));
    if !kinds.is_empty() {
        let reason = "the message has no known layout, and only keywords see it";
        let n = kinds.iter().map(|kind| kind.2).sum();
        let examples = kinds.iter().take(N_EXAMPLES_MAX);
        let examples = examples.map(|(provider, id, n)| format!("{provider} {id} ({n})")).collect();
        lines.push(AccountLine { examples, grave: true, ..line("messages", n, reason) });
    }
    lines
}

fn rules(report: &Report<'_>) -> Vec<AccountLine> {
    let mut lines = Vec::new();
    for (reason, skipped) in &report.rules.skipped {
        let examples = skipped.examples.iter().take(N_EXAMPLES_MAX).cloned().collect();
        let n = skipped.n as u64;
        lines.push(AccountLine {
            examples,
            grave: reason.is_worth_a_look(),
            ..line("rules", n, reason.as_str())
        });
    }
    let tags = &report.rules.unresolved_tags;
    if !tags.is_empty() {
        let examples = tags.keys().take(N_EXAMPLES_MAX).cloned().collect();
        let reason = "this ATT&CK does not know them";
        lines.push(AccountLine { examples, ..line("tags", tags.len() as u64, reason) });
    }
    lines
}

/// What the organisation's configuration hid or told otherwise.
fn policy(report: &Report<'_>) -> Vec<AccountLine> {
    let shown = report.scan.policy.exclusions.iter().filter(|own| own.n_hidden > 0 || own.is_expired);
    let mut lines: Vec<AccountLine> = shown
        .map(|own| AccountLine { grave: own.n_hidden > 0, ..line("matches", own.n_hidden, own.told()) })
        .collect();
    let n_overridden = report.summary.n_overridden;
    if n_overridden > 0 {
        lines.push(line("alerts", n_overridden, "another severity than the rule's, by the configuration"));
    }
    lines
}

/// What the page itself had no room for, beside alerts.
fn left_out(report: &Report<'_>, n_unconnected: u64, n_without_condition: u64) -> Vec<AccountLine> {
    let summary = report.summary;
    let without_score = summary.hosts_at_risk.n_left_out() + summary.accounts_at_risk.n_left_out();
    let lines = [
        (without_score, "detections are in no risk score: too many hosts or accounts"),
        (n_unconnected, "connections between hosts are not shown: too many, or of hosts that are not shown"),
        (n_without_condition, "rules are shown without their condition, which is too long"),
    ];
    let told = lines.into_iter().filter(|(n, _)| *n > 0);
    told.map(|(n, what)| line("run", n, format!("{n} {what}"))).collect()
}
