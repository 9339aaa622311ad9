//! Correlations over the matches of all files.
//!
//! Files and threads give matches in any order of time, so they are kept until the end, sorted, and only
//! then correlated. Only matches of rules that a correlation names are kept, without their payload.

use std::sync::Arc;

use evtmap_sigma::{Correlated, Correlator, Limits, Matched, Values};
use jiff::Timestamp;

use super::Findings;
use crate::alert::{Alert, AlertEvent, CorrelationDetail, MemberEvent};
use crate::rules::Rules;

/// The largest number of matches that are kept. Each takes some 500 bytes.
const N_KEPT_MAX: usize = 1_000_000;

/// A match of a rule that a correlation names.
#[derive(Debug)]
pub(super) struct Kept {
    /// The rule's index.
    pub(super) rule: usize,
    /// The values that the plan asks for.
    pub(super) values: Values,
    /// The event without its payload.
    pub(super) event: Arc<AlertEvent>,
}

/// The matches of a scan that correlations are about.
#[derive(Debug, Default)]
pub(super) struct Correlating {
    /// Each with its time, so that to bring them into order looks at no event.
    kept: Vec<(Timestamp, Kept)>,
    n_without_time: u64,
    n_too_many: u64,
}

impl Correlating {
    /// Keeps matches, as many as there is room for.
    pub(super) fn keep(&mut self, matches: Vec<Kept>) {
        for matched in matches {
            match matched.event.time {
                None => self.n_without_time += 1,
                Some(_) if self.kept.len() >= N_KEPT_MAX => self.n_too_many += 1,
                Some(time) => self.kept.push((time, matched)),
            }
        }
    }

    /// The alerts of correlations in the order of time, and what is to be said about what was left out.
    pub(super) fn finish(mut self, rules: &Rules, findings: &Findings) -> (Vec<Alert>, Vec<String>) {
        // Stable: what happened at once stays in the order of the input.
        self.kept.sort_by_key(|(time, _)| *time);
        let mut correlator = Correlator::new(rules.plan(), Limits::default());
        let mut before: Option<(&Arc<AlertEvent>, u64)> = None;
        for ((time, kept), number) in self.kept.iter().zip(0..) {
            // Several rules that match one event stand side by side and have one handle: it is one event.
            let same = before.filter(|(event, _)| Arc::ptr_eq(event, &kept.event));
            let handle = same.map_or(number, |(_, handle)| handle);
            before = Some((&kept.event, handle));
            let values = Arc::clone(&kept.values);
            correlator.push(Matched { rule: kept.rule, time: *time, values, handle });
        }
        let mut results = correlator.finish();
        results.sort_by_key(|result| (result.first, result.last, result.correlation));
        let alerts = results.iter().filter_map(|result| self.alert(result, rules, findings)).collect();
        let mut remarks = bounds(&correlator, rules);
        if self.n_without_time > 0 {
            let (n, are) = (self.n_without_time, if self.n_without_time == 1 { "match" } else { "matches" });
            remarks.push(format!("in no correlation: {n} {are} without a time"));
        }
        if self.n_too_many > 0 {
            remarks.push(format!(
                "{} matches beyond the first {N_KEPT_MAX} are in no correlation",
                self.n_too_many
            ));
        }
        (alerts, remarks)
    }

    fn alert(&self, result: &Correlated, rules: &Rules, findings: &Findings) -> Option<Alert> {
        let kept = |handle: &u64| Some(&self.kept.get(usize::try_from(*handle).ok()?)?.1);
        let members: Vec<&Kept> = result.handles.iter().filter_map(kept).collect();
        alert(result, &members, rules, findings)
    }
}

/// The alert of a result that is about some matches.
pub(super) fn alert(
    result: &Correlated,
    members: &[&Kept],
    rules: &Rules,
    findings: &Findings,
) -> Option<Alert> {
    let loaded = rules.correlations().get(result.correlation)?;
    let finding = Arc::clone(findings.of_correlation(result.correlation)?);
    let mut event = AlertEvent::clone(&members.first()?.event);
    // What the members do not share is not the result's.
    if members.iter().any(|member| member.event.said.computer != event.said.computer) {
        event.said_mut().computer = String::new();
    }
    if members.iter().any(|member| member.event.said.user != event.said.user) {
        event.said_mut().user = None;
    }
    let group = loaded.correlation.group_by.iter().zip(&result.group);
    event.said_mut().fields = group.map(|(name, value)| (name, value.as_deref())).collect();
    let detail = CorrelationDetail {
        kind: loaded.correlation.kind.as_str().to_owned(),
        first: result.first,
        last: result.last,
        events: result.n_matches,
        examples: members.iter().map(|member| MemberEvent::of(&member.event)).collect(),
    };
    Some(Alert {
        finding,
        event: Arc::new(event),
        correlation: Some(Arc::new(detail)),
        derived: None,
        evidence: None,
    })
}

/// What is to be said where a correlation came to a limit.
pub(super) fn bounds(correlator: &Correlator<'_>, rules: &Rules) -> Vec<String> {
    let reached = correlator.bounds();
    let told = reached.iter().map(|bound| {
        let loaded = rules.correlations().get(bound.correlation);
        let title = loaded.map_or("", |loaded| loaded.correlation.metadata.title.as_str());
        format!("correlation `{title}`: {bound}")
    });
    told.collect()
}
