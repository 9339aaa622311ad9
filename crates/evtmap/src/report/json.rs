//! One JSON document: the alerts, then what they come to and what was not looked at. The latter two are given
//! to others too.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::written::WrittenFindings;
use super::{ReportOptions, TimeStyle, Writer};
use crate::alert::Alert;
use crate::ranking::{RankedTechnique, Ranking};
use crate::risk::{Risk, Risks};
use crate::scan::{FileAccount, ScanAccount};
use crate::severity::Severity;
use crate::triage::{Counts, Report, RulesAccount};

/// How many of the most frequent techniques, hosts and users are listed.
const N_TOP: usize = 50;
/// How many findings are named that speak for the risk of a host or an account.
const N_BECAUSE: usize = 4;
/// How many of the ranked techniques of a host are listed.
const N_TOP_BY_HOST: usize = 10;

struct Json {
    out: Box<dyn Write>,
    options: ReportOptions,
    findings: WrittenFindings,
    line: Vec<u8>,
    n_alerts: u64,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    let (options, findings) = (options.clone(), WrittenFindings::default());
    Ok(Box::new(Json { out, options, findings, line: Vec::new(), n_alerts: 0 }))
}

impl Writer for Json {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(if self.n_alerts == 0 { b"{\"alerts\":[\n" } else { b",\n" });
        self.n_alerts += 1;
        self.findings.write(alert, &self.options, &mut self.line)?;
        self.out.write_all(&self.line)
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        if self.n_alerts == 0 {
            self.out.write_all(b"{\"alerts\":[")?;
        }
        self.out.write_all(b"\n],\n\"summary\":")?;
        serde_json::to_writer(&mut self.out, &summary(report, &self.options.times))?;
        self.out.write_all(b",\n\"not_looked_at\":")?;
        serde_json::to_writer(&mut self.out, &not_looked_at(report.scan, Some(report.rules)))?;
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}

/// What the alerts come to, as in a JSON report: `summary`.
pub fn summary(report: &Report<'_>, times: &TimeStyle) -> Value {
    let summary = report.summary;
    let span = report.scan.span().0;
    json!({
        "events": report.scan.progress().events,
        "first_event": span.map(|(first, _)| times.text(first)),
        "last_event": span.map(|(_, last)| times.text(last)),
        "detections": summary.n_detections(),
        "detections_by_severity": by_severity(&summary.severities),
        "associations": summary.n_associations(),
        "tactics": (summary.tactics_in_order(report.catalogue).into_iter())
            .map(|(tactic, n)| json!({"id": tactic.id, "name": tactic.name, "detections": n}))
            .collect::<Vec<_>>(),
        "techniques": top(&summary.techniques),
        "ranked_techniques": ranked(&summary.ranking, N_TOP),
        "ranked_techniques_by_host": (summary.ranking_by_host.iter())
            .map(|(host, ranking)| json!({"host": host, "techniques": ranked(ranking, N_TOP_BY_HOST)}))
            .collect::<Vec<_>>(),
        "hosts_by_risk": by_risk(&summary.hosts_at_risk, times),
        "accounts_by_risk": by_risk(&summary.accounts_at_risk, times),
        "hosts": top(&summary.hosts),
        "users": top(&summary.users),
        "rules": top(&summary.rules),
        "derived": top(&summary.derived),
        "derived_without_exceptions": summary.n_without_exceptions,
        "configuration": report.scan.policy.origin,
        "severity_overrides": summary.n_overridden,
        "timezone": report.scan.timezone,
        "local_times": report.scan.files.iter().map(|file| file.local_times).sum::<u64>(),
        "dates": dates(report),
        "recovered": report.scan.files.iter().map(|file| file.recovered).sum::<u64>(),
        "rules_used": report.rules.n_used,
        "rules_from": report.rules.origins,
        "rules_newest": report.rules.newest,
        "attack_version": report.catalogue.version(),
        "attack_date": report.catalogue.date(),
        "attack_from": report.catalogue_origin,
        "attack_domain": report.catalogue.domain(),
        "tags_of_other_attack_versions": (report.rules.followed_tags.iter())
            .map(|(followed, n)| json!({"tag": followed.tag, "means": followed.meaning, "rules": n}))
            .collect::<Vec<_>>(),
        "evtmap_version": env!("CARGO_PKG_VERSION"),
    })
}

/// How day and month were told apart, and in how many files.
fn dates(report: &Report<'_>) -> Vec<Value> {
    let mut files: BTreeMap<_, u64> = BTreeMap::new();
    for dates in report.scan.files.iter().filter_map(|file| file.dates) {
        *files.entry((dates.order.as_str(), dates.from.as_str())).or_default() += 1;
    }
    files.into_iter().map(|((order, from), n)| json!({"order": order, "from": from, "files": n})).collect()
}

fn by_severity(counts: &BTreeMap<Severity, u64>) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(severity, n)| (severity.as_str(), *n)).collect()
}

fn top(counts: &Counts) -> Vec<Value> {
    counts.top(N_TOP).into_iter().map(|(name, n)| json!({"name": name, "detections": n})).collect()
}

/// The riskiest hosts or accounts and what speaks for each.
fn by_risk(risks: &Risks, times: &TimeStyle) -> Vec<Value> {
    let line = |risk: Risk| {
        let because = risk.findings.iter().take(N_BECAUSE).map(|finding| finding.title().to_owned());
        json!({
            "name": risk.name, "risk": risk.score, "detections_by_severity": by_severity(&risk.severities),
            "tactics": risk.tactics.keys().map(|tactic| tactic.id.as_str()).collect::<Vec<_>>(),
            "first": risk.span.0.map(|(first, _)| times.text(first)),
            "last": risk.span.0.map(|(_, last)| times.text(last)),
            "because": because.collect::<Vec<_>>(),
        })
    };
    risks.ranked(&str::to_owned).into_iter().take(N_TOP).map(line).collect()
}

/// The first techniques of a ranking and what speaks for each.
fn ranked(ranking: &Ranking, n: usize) -> Vec<Value> {
    let line = |line: RankedTechnique| {
        json!({
            "id": line.technique.id, "name": line.technique.name, "kind": line.kind,
            "severity": line.severity, "alerts": line.n_alerts, "findings": line.n_findings,
            "because": line.titles,
        })
    };
    ranking.techniques().into_iter().take(n).map(line).collect()
}

/// What was not looked at, as in a JSON report: `not_looked_at`. Without rules, what is about these is not in it.
pub fn not_looked_at(scan: &ScanAccount, rules: Option<&RulesAccount>) -> Value {
    let mut account = not_read(scan);
    if let Some(rules) = rules {
        let skipped = rules.skipped.iter().map(|(reason, skipped)| {
            json!({"reason": reason.as_str(), "rules": skipped.n, "examples": skipped.examples})
        });
        account.insert("correlations".to_owned(), json!(scan.remarks));
        account.insert("excluded".to_owned(), excluded(scan));
        account.insert("rules".to_owned(), skipped.collect());
        account.insert("unresolved_tags".to_owned(), json!(rules.unresolved_tags));
    }
    Value::Object(account)
}

/// What exclusions hid, and those that hide nothing any more.
fn excluded(scan: &ScanAccount) -> Value {
    let exclusions = scan.policy.exclusions.iter().map(|own| {
        json!({
            "name": own.name, "reason": own.reason,
            "expires": own.expires.map(|day| day.to_string()), "expired": own.is_expired,
            "matches": own.n_hidden,
        })
    });
    exclusions.collect()
}

/// The files and records that were not looked at.
fn not_read(scan: &ScanAccount) -> Map<String, Value> {
    let files = scan.files.iter().filter_map(|file| {
        let error = file.error.as_ref()?;
        Some(json!({"path": file.path.to_string_lossy(), "code": error.code, "reason": error.message}))
    });
    let records = scan.files.iter().flat_map(|file| {
        file.problems.iter().map(|(code, problems)| {
            json!({
                "path": file.path.to_string_lossy(), "code": code, "problems": problems.n,
                "lost": problems.n_lost,
                "examples": problems.examples.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
    });
    let unread = scan.unread_messages();
    let unread =
        unread.iter().map(|(provider, id, n)| json!({"provider": provider, "event_id": id, "events": n}));
    let sum = |of: fn(&FileAccount) -> u64| json!(scan.files.iter().map(of).sum::<u64>());
    let members = [
        ("files", files.collect()),
        ("records", records.collect()),
        ("events_out_of_range", sum(|file| file.out_of_range)),
        ("events_without_time", sum(|file| file.without_time + file.timeless)),
        ("unread_messages", unread.collect()),
        ("cut_short", json!(scan.is_cut_short)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
