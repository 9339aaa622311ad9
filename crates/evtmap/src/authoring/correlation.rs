//! What a correlation makes of events, and how near it came where it does not hold.

use std::collections::BTreeMap;

use evtmap_sigma::{
    CompiledRule, Correlated, Correlation, CorrelationCondition, Correlator, Limits, Matched, Number,
    Placeholders, Plan, Threshold, Thresholds, Values,
};
use jiff::Timestamp;

use crate::event::Event;
use crate::logsource::{Pipelines, Seen, View, Workspace};
use crate::rules::{RuleFile, Rules};

/// The largest number of matches that are kept.
const MAX_MATCHES: usize = 1_000_000;
/// How many groups are told that came near.
const MAX_NEAREST: usize = 3;

/// Why a correlation does or does not hold for events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationExplanation {
    /// Whether it holds at least once.
    pub holds: bool,
    /// The rules that it is about, and how many events each matches.
    pub rules: Vec<RuleMatches>,
    /// Where it holds, in the order of time.
    pub results: Vec<CorrelationResult>,
    /// The groups that came nearest, the greatest number first; only where it does not hold.
    pub nearest: Vec<CorrelationResult>,
    /// What was left out: matches without a time, and beyond what is kept.
    pub remarks: Vec<String>,
}

/// A rule of a correlation and how often it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMatches {
    /// The rule's title.
    pub title: String,
    /// How many events it matches.
    pub n_events: u64,
}

/// A group of events that a correlation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationResult {
    /// The fields of `group-by` and the values that the events share.
    pub group: Vec<(String, Option<String>)>,
    /// The number that is compared with the condition's; of several windows the greatest.
    pub value: String,
    /// How many events there are.
    pub n_events: u64,
    /// When the first happened.
    pub first: Timestamp,
    /// When the last happened.
    pub last: Timestamp,
}

/// Shows events to one correlation.
pub struct CorrelationTrial<'a> {
    rules: &'a Rules,
    correlation: &'a Correlation,
    /// The correlation and those that it names; it is the last.
    plan: Plan,
    /// The same with a condition that every group meets, which tells how near one came.
    relaxed: Plan,
    target: usize,
    workspace: Workspace,
    /// A match for each of the two plans.
    matches: Vec<[Matched; 2]>,
    n_matches: BTreeMap<usize, u64>,
    n_events: u64,
    n_without_time: u64,
    n_too_many: u64,
}

impl<'a> CorrelationTrial<'a> {
    /// A trial of the correlation with an id, name or title.
    ///
    /// # Errors
    /// When there is none, or it refers to something that is not among the rules.
    pub fn new(rules: &'a Rules, name: &str) -> Result<Self, String> {
        let is_meant = |correlation: &Correlation| {
            let metadata = &correlation.metadata;
            metadata.is_called(name) || metadata.title.eq_ignore_ascii_case(name)
        };
        let mut correlations = rules.correlations().iter().map(|loaded| &loaded.correlation);
        let correlation = correlations.find(|correlation| is_meant(correlation)).ok_or_else(|| {
            let skipped = rules.skipped().iter().find(|skipped| skipped.title.eq_ignore_ascii_case(name));
            skipped.map_or_else(
                || format!("there is no correlation `{name}`"),
                |skipped| {
                    format!("the correlation is not used: {} {}", skipped.reason.as_str(), skipped.detail)
                },
            )
        })?;
        let mut chain = rules.chain_of(correlation);
        let target = chain.len();
        chain.push(correlation);
        let rule_list: Vec<&CompiledRule> = rules.rules().iter().map(|loaded| &loaded.rule).collect();
        let (plan, problems) = Plan::link(&rule_list, &chain);
        if let Some(problem) = problems.iter().find(|problem| problem.diagnostic.is_error()) {
            return Err(problem.diagnostic.message.clone());
        }
        let easy = relaxed(correlation);
        chain.pop();
        chain.push(&easy);
        let (relaxed, _) = Plan::link(&rule_list, &chain);
        Ok(Self {
            rules,
            correlation,
            plan,
            relaxed,
            target,
            workspace: Workspace::default(),
            matches: Vec::new(),
            n_matches: BTreeMap::new(),
            n_events: 0,
            n_without_time: 0,
            n_too_many: 0,
        })
    }

    /// The rules that the correlation `name` of a file needs: those of its own file, or else of all files.
    ///
    /// # Errors
    /// When it cannot be tried with either.
    pub fn rules(
        name: &str,
        own: &RuleFile,
        others: &[RuleFile],
        pipelines: &Pipelines,
        placeholders: &Placeholders,
    ) -> Result<Rules, String> {
        let alone = Rules::load(std::slice::from_ref(own), pipelines, placeholders);
        if CorrelationTrial::new(&alone, name).is_ok() {
            return Ok(alone);
        }
        let files: Vec<RuleFile> =
            [own].into_iter().chain(others.iter().filter(|file| file.path != own.path)).cloned().collect();
        let all = Rules::load(&files, pipelines, placeholders);
        CorrelationTrial::new(&all, name)?;
        Ok(all)
    }

    /// Shows an event as a scan would, log source included.
    pub fn show(&mut self, event: &Event, time: Option<Timestamp>) {
        let rule = |index: usize| self.rules.rules().get(index).map(|loaded| &loaded.rule);
        let mut found = Vec::new();
        let (plan, relaxed) = (&self.plan, &self.relaxed);
        self.rules.router().matches(event, &rule, &mut self.workspace, &mut |index, seen| {
            if plan.is_correlated(index) {
                found.push((index, [plan.values_of(index, seen), relaxed.values_of(index, seen)]));
            }
        });
        self.note(found, time);
    }

    /// Shows an event that is taken to be of every rule's log source and to have the rules' field names.
    pub fn show_fields(&mut self, event: &Event, time: Option<Timestamp>) {
        let (plan, relaxed) = (&self.plan, &self.relaxed);
        let view = View::default();
        let event = Seen { event, view: &view };
        let rules = self.rules.rules().iter().enumerate();
        let found = rules
            .filter(|(index, loaded)| plan.is_correlated(*index) && loaded.rule.matches(&event))
            .map(|(index, _)| (index, [plan.values_of(index, &event), relaxed.values_of(index, &event)]))
            .collect();
        self.note(found, time);
    }

    fn note(&mut self, found: Vec<(usize, [Values; 2])>, time: Option<Timestamp>) {
        // An event that several rules match keeps its number and is counted once.
        let handle = self.n_events;
        self.n_events += 1;
        for (rule, values) in found {
            *self.n_matches.entry(rule).or_default() += 1;
            match time {
                None => self.n_without_time += 1,
                Some(_) if self.matches.len() >= MAX_MATCHES => self.n_too_many += 1,
                Some(time) => {
                    self.matches.push(values.map(|values| Matched { rule, time, values, handle }));
                }
            }
        }
    }

    /// Says what came of the events.
    pub fn finish(mut self) -> CorrelationExplanation {
        self.matches.sort_by_key(|[matched, _]| matched.time);
        let results = self.results(&self.plan, 0);
        let mut nearest = Vec::new();
        if results.is_empty() {
            nearest = self.results(&self.relaxed, 1);
            nearest.sort_by(|a, b| b.value.compare(a.value).unwrap_or(std::cmp::Ordering::Equal));
            nearest.truncate(MAX_NEAREST);
        }
        let in_words = |results: Vec<Correlated>| results.into_iter().map(|one| self.in_words(one)).collect();
        let rules = self.rules.rules().iter().enumerate();
        let of_it = rules.filter(|(index, _)| self.plan.is_correlated(*index));
        let counted = of_it.map(|(index, loaded)| RuleMatches {
            title: loaded.rule.metadata.title.clone(),
            n_events: self.n_matches.get(&index).copied().unwrap_or_default(),
        });
        CorrelationExplanation {
            holds: !results.is_empty(),
            rules: counted.collect(),
            results: in_words(results),
            nearest: in_words(nearest),
            remarks: self.remarks(),
        }
    }

    fn results(&self, plan: &Plan, which: usize) -> Vec<Correlated> {
        let mut correlator = Correlator::new(plan, Limits::default());
        for matched in self.matches.iter().filter_map(|pair| pair.get(which)) {
            correlator.push(matched.clone());
        }
        let mut results = correlator.finish();
        results.retain(|result| result.correlation == self.target);
        results.sort_by_key(|result| (result.first, result.last));
        results
    }

    fn in_words(&self, result: Correlated) -> CorrelationResult {
        let names = self.correlation.group_by.iter().cloned();
        CorrelationResult {
            group: names.zip(result.group.into_iter().map(|value| value.map(String::from))).collect(),
            value: result.value.to_string(),
            n_events: result.n_matches,
            first: result.first,
            last: result.last,
        }
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.n_without_time > 0 {
            remarks.push(format!("{} matches have no time and are left out", self.n_without_time));
        }
        if self.n_too_many > 0 {
            remarks.push(format!("{} matches beyond the first {MAX_MATCHES} are left out", self.n_too_many));
        }
        remarks
    }
}

/// The correlation with a condition that whatever it measures meets.
fn relaxed(correlation: &Correlation) -> Correlation {
    let mut relaxed = correlation.clone();
    let least = Number::Integer(if correlation.kind.needs_field() { i128::from(i64::MIN) } else { 1 });
    let threshold = Threshold { comparison: evtmap_sigma::Comparison::Gte, number: least };
    relaxed.rules = correlation.names().map(str::to_owned).collect();
    relaxed.rules.dedup();
    let mut thresholds = match &correlation.condition {
        CorrelationCondition::Thresholds(thresholds) => thresholds.clone(),
        CorrelationCondition::AllRules | CorrelationCondition::Rules(_) => Thresholds::default(),
    };
    thresholds.thresholds = vec![threshold];
    relaxed.condition = CorrelationCondition::Thresholds(thresholds);
    relaxed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::flat;

    const RULES: &str = "\
title: Failed logon
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Guessing
correlation:
    type: event_count
    rules: failed
    group-by: TargetUserName
    timespan: 1m
    condition: {gte: 3}
---
title: Guessing Twice
correlation: {type: event_count, rules: missing, timespan: 1h, condition: {gte: 2}}
";

    fn rules() -> Rules {
        let files = [RuleFile { path: "x.yml".to_owned(), text: RULES.to_owned() }];
        Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default())
    }

    fn check(seconds: &[i64], users: &[&str], expected: &str) {
        let rules = rules();
        let mut trial = CorrelationTrial::new(&rules, "guessing").unwrap();
        for (second, user) in seconds.iter().zip(users.iter().cycle()) {
            let text = format!(r#"{{"Channel": "Security", "EventID": 4625, "TargetUserName": "{user}"}}"#);
            let time = Timestamp::from_second(*second).unwrap();
            trial.show(&flat::read(&text).unwrap(), Some(time));
        }
        let found = trial.finish();
        let shown = |result: &CorrelationResult| format!("{:?} {}", result.group[0].1, result.value);
        let lines: Vec<String> = found.results.iter().map(shown).collect();
        let near: Vec<String> = found.nearest.iter().map(shown).collect();
        let count = &found.rules[0];
        assert_eq!(format!("{}: {}; {lines:?} {near:?}", count.title, count.n_events), expected);
    }

    #[test]
    fn results_and_what_came_near() {
        check(&[0, 1, 2], &["a"], r#"Failed logon: 3; ["Some(\"a\") 3"] []"#);
        check(&[0, 1, 90], &["a"], r#"Failed logon: 3; [] ["Some(\"a\") 2", "Some(\"a\") 1"]"#);
        check(&[0, 1, 2], &["a", "b"], r#"Failed logon: 3; [] ["Some(\"a\") 2", "Some(\"b\") 1"]"#);
        check(&[], &["a"], "Failed logon: 0; [] []");
    }

    #[test]
    fn what_cannot_be_tried() {
        let rules = rules();
        let why = |name: &str| CorrelationTrial::new(&rules, name).err().unwrap();
        assert_eq!(why("nothing"), "there is no correlation `nothing`");
        assert_eq!(why("guessing twice"), "no rule has the id or name `missing`");
    }
}
