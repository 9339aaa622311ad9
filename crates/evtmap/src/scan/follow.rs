//! Batches that come while they are written, and rules that remember what came before.
//!
//! A [`Scanner`] reads files to their end; a [`Follower`] is given what has come since, one round after the
//! other, and keeps between rounds what correlations need.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::account::{FileAccount, ScanAccount};
use super::live::{KeptMatch, Live, Memory, ToldResult};
use super::matching::{Asking, Matcher, Outcome, Worker};
use super::reading::{Gate, Read};
use super::{Scanner, Sink, ordered};
use crate::idle::Idle;
use crate::input::{Batch, InputError, RecordProblem};
use crate::policy::{Applied, PolicyAccount};

/// How many files have an account of their own; what is read of others is counted together.
const N_FILES_MAX: usize = 10_000;
/// What stands for all others.
const OTHERS: &str = "(other files)";

/// Records that have come.
pub struct Followed {
    /// The file or channel that they are of, as alerts name it.
    pub path: Arc<str>,
    /// What it is: `evtx`, `json`.
    pub kind: &'static str,
    /// The records.
    pub batch: Box<dyn Batch>,
}

/// Rules and associations against what comes.
pub struct Follower<'a> {
    scanner: &'a Scanner<'a>,
    applied: Option<Applied<'a>>,
    timezone: Arc<str>,
    is_enough: AtomicBool,
    idle: Idle<Worker>,
    live: Live<'a>,
}

impl<'a> Follower<'a> {
    /// A follower that remembers what another one did, or nothing.
    pub fn new(scanner: &'a Scanner<'a>, memory: Memory) -> Self {
        let Scanner { rules, findings, ref options, policy } = *scanner;
        let applied = policy.map(|policy| findings.apply(policy, rules, options.min_severity));
        Self {
            scanner,
            applied,
            timezone: options.input.timezone_name().into(),
            is_enough: AtomicBool::new(false),
            idle: Idle::default(),
            live: Live::new(rules, findings, memory),
        }
    }

    /// Matches what has come, on as many threads as the options say, and tells what is found in the order in
    /// which it came. `problem` is shown what could not be read, with the file it is of.
    ///
    /// # Errors
    /// The sink's.
    pub fn take(
        &mut self,
        round: Vec<Followed>,
        account: &mut FollowAccount,
        sink: &mut dyn Sink,
        problem: &mut dyn FnMut(&str, &RecordProblem),
    ) -> std::io::Result<()> {
        let options = &*self.scanner.options;
        let matcher = Matcher {
            asking: Asking { policy: self.applied.as_ref(), ..self.scanner.asking() },
            gate: Gate::new(options, &self.is_enough),
            timezone: Arc::clone(&self.timezone),
            preparation: None,
        };
        let threads = if round.len() > 1 { options.threads } else { NonZero::<usize>::MIN };
        let (idle, live) = (&self.idle, &mut self.live);
        ordered::map(
            threads,
            (round.into_iter(), false),
            || {
                let (matcher, mut worker) = (&matcher, idle.lend());
                move |Followed { path, kind, batch }| {
                    let (read, outcome) = matcher.run(batch, &path, &mut worker);
                    (path, kind, read, outcome)
                }
            },
            |(path, kind, read, outcome)| {
                read.problems.iter().for_each(|found| problem(&path, found));
                account.add(&path, kind, read);
                let Outcome { alerts, prepared, kept, home, .. } = outcome;
                live.keep(kept);
                alerts.iter().try_for_each(|alert| sink.alert(alert))?;
                home.put_back((alerts, prepared));
                Ok(())
            },
        )
    }

    /// Tells what correlations have come to. `now` is the time, and `is_caught_up` says that nothing that
    /// happened before is still to be read: then windows close that nothing came to, and what no window can be
    /// about any more is forgotten. Matches that came out of their order cost the most here, so that this is
    /// not to be called for each round.
    ///
    /// # Errors
    /// The sink's.
    pub fn settle(&mut self, now: Timestamp, is_caught_up: bool, sink: &mut dyn Sink) -> std::io::Result<()> {
        self.live.settle(now, is_caught_up);
        self.tell(sink)
    }

    /// Tells what correlations have come to with matches that came in their order.
    ///
    /// # Errors
    /// The sink's.
    pub fn tell(&mut self, sink: &mut dyn Sink) -> std::io::Result<()> {
        for alert in self.live.take_alerts() {
            if let Some(alert) = self.scanner.judged(alert, self.applied.as_ref()) {
                sink.alert(&alert)?;
            }
        }
        Ok(())
    }

    /// Whether there is something that [`Follower::tell`] would tell.
    pub fn has_results(&self) -> bool {
        self.live.has_alerts()
    }

    /// The matches for correlations that were kept since this was last asked.
    pub fn take_unsaved(&mut self) -> Vec<KeptMatch> {
        self.live.take_unsaved()
    }

    /// All matches that are kept for correlations, in the order of time.
    pub fn kept(&self) -> Vec<KeptMatch> {
        self.live.kept()
    }

    /// How many matches are kept for correlations.
    pub fn n_kept(&self) -> usize {
        self.live.n_kept()
    }

    /// The results of correlations that were told and may still grow.
    pub fn told(&self) -> Vec<ToldResult> {
        self.live.told()
    }

    /// Ends it: what another one is to remember, what is to be said of correlations, and what the policy hid.
    pub fn finish(self) -> (Memory, Vec<String>, PolicyAccount) {
        let remarks = self.live.remarks();
        let memory = Memory { matches: self.live.kept(), told: self.live.told() };
        (memory, remarks, self.applied.map(|applied| applied.account()).unwrap_or_default())
    }
}

/// An account of what was followed.
#[derive(Debug, Default)]
pub struct FollowAccount {
    account: ScanAccount,
    places: HashMap<Arc<str>, usize>,
}

impl FollowAccount {
    /// What became of the files so far.
    pub fn scan(&self) -> &ScanAccount {
        &self.account
    }

    /// Ends the account.
    pub fn into_scan(self) -> ScanAccount {
        self.account
    }

    /// Notes that a file cannot be read.
    pub fn refuse(&mut self, path: &str, error: InputError) {
        let place = self.place(&path.into());
        self.account.failed(place, error);
    }

    /// Adds what is to be said in words.
    pub fn remark(&mut self, remarks: impl IntoIterator<Item = String>) {
        self.account.remarks.extend(remarks);
        self.account.remarks.dedup();
    }

    /// Adds what a policy hid.
    pub fn hide(&mut self, policy: PolicyAccount) {
        self.account.policy.join(policy);
    }

    fn add(&mut self, path: &Arc<str>, kind: &'static str, read: Read) {
        let place = self.place(path);
        if let Some(file) = self.account.files.get_mut(place) {
            file.kind = Some(kind);
            file.error = None;
        }
        self.account.add(place, read);
    }

    fn place(&mut self, path: &Arc<str>) -> usize {
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        let path = if self.places.len() < N_FILES_MAX { Arc::clone(path) } else { OTHERS.into() };
        let next = self.account.files.len();
        let place = *self.places.entry(Arc::clone(&path)).or_insert(next);
        if place == next {
            let path = PathBuf::from(AsRef::<Path>::as_ref(&*path));
            self.account.files.push(FileAccount { path, named: true, ..FileAccount::default() });
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;
    use crate::association::Associations;
    use crate::attack::Catalogue;
    use crate::input::InputOptions;
    use crate::input::growing::JsonLines;
    use crate::logsource::Pipelines;
    use crate::rules::{RuleFile, Rules};
    use crate::scan::{Findings, ScanOptions};
    use evtmap_sigma::Placeholders;

    const RULES: &str = "
title: Failed
name: failed
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}
---
title: Succeeded
name: succeeded
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4624}, condition: selection}
---
title: Many
correlation: {type: event_count, rules: failed, group-by: User, timespan: 5m, condition: {gte: 3}}
---
title: Failed and Stayed Out
correlation:
    type: temporal
    rules: [failed, succeeded]
    group-by: User
    timespan: 5m
    condition: failed and not succeeded
";

    struct Told(Vec<String>);

    impl Sink for Told {
        fn alert(&mut self, alert: &Alert) -> std::io::Result<()> {
            let correlation = alert.correlation.as_ref().unwrap();
            let first = correlation.first.strftime("%H:%M");
            self.0.push(format!("{} {first} {}", alert.finding.title(), correlation.events));
            Ok(())
        }
    }

    fn time(text: &str) -> Timestamp {
        format!("2026-03-02T{text}:00Z").parse().unwrap()
    }

    /// Shows a follower what is said line by line: `EVENT_ID TIME USER` is an event, `now TIME` settles and says
    /// what time it is, `restart` goes on with another follower that remembers what this one did.
    #[track_caller]
    fn check(script: &str, expected: &[&str]) {
        let files = [RuleFile { path: "rules.yml".to_owned(), text: RULES.to_owned() }];
        let rules = Rules::load(&files, &Pipelines::bundled().unwrap(), &Placeholders::default());
        let findings = Findings::new(&rules, Associations::default(), &Catalogue::bundled());
        let options = ScanOptions { associations: false, ..ScanOptions::default() };
        let scanner = Scanner::new(&rules, &findings, options);
        let lines = JsonLines::new(&InputOptions::default());
        let mut follower = Follower::new(&scanner, Memory::default());
        let (mut account, mut told) = (FollowAccount::default(), Told(Vec::new()));
        let mut remarks = Vec::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["restart"] => {
                    let (memory, said, _) = follower.finish();
                    remarks.extend(said);
                    follower = Follower::new(&scanner, memory);
                }
                ["now", now] => follower.settle(time(now), true, &mut told).unwrap(),
                [id, at, user] => {
                    let json = format!(
                        "{{\"EventID\":{id},\"Channel\":\"Security\",\"TimeCreated\":\"{}\",\"User\":\"{user}\"}}\n",
                        time(at)
                    );
                    let batch = lines.batch(json.into_bytes(), 1);
                    let round = vec![Followed { path: "log".into(), kind: "json", batch }];
                    follower
                        .take(round, &mut account, &mut told, &mut |_, problem| panic!("{problem}"))
                        .unwrap();
                    follower.tell(&mut told).unwrap();
                }
                _ => panic!("{line}"),
            }
        }
        remarks.extend(follower.finish().1);
        told.0.append(&mut remarks);
        assert_eq!(told.0, expected, "{script}");
    }

    const THREE: &str = "4625 08:00 eve\n4625 08:01 eve\n4625 08:02 eve\n";

    #[test]
    fn a_correlation_is_told_as_soon_as_it_holds_and_once() {
        check(THREE, &["Many 08:00 3"]);
        check(&format!("{THREE}4625 08:03 eve\nrestart\n4625 08:04 EVE"), &["Many 08:00 3"]);
        check("4625 08:00 eve\n4625 08:01 ada\n4625 08:02 eve\n", &[]);
    }

    #[test]
    fn what_comes_late_is_put_in_its_place() {
        check("4625 08:00 eve\n4625 08:02 eve\n4625 08:01 eve\nnow 08:02", &["Many 08:00 3"]);
        let spread = "4625 08:00 eve\n4625 08:30 eve\n4625 08:15 eve\nnow 08:30";
        check(spread, &["Failed and Stayed Out 08:00 1", "Failed and Stayed Out 08:15 1"]);
        let late = "4625 08:00 eve\n4625 12:00 ada\nnow 12:00\n4625 08:01 eve\nnow 12:00";
        let remark = "1 matches that came after the windows they belong in are in no correlation";
        check(late, &["Failed and Stayed Out 08:00 1", remark]);
    }

    #[test]
    fn what_is_decided_at_the_close_needs_time_to_pass() {
        check("4625 08:00 eve\nnow 08:01\nnow 08:05", &[]);
        check("4625 08:00 eve\nnow 08:01\nnow 08:07", &["Failed and Stayed Out 08:00 1"]);
        check("4625 08:00 eve\nnow 08:01\n4624 08:03 eve\nnow 08:07", &[]);
        // Events of a log that is forwarded an hour late are an hour behind.
        check("4625 08:00 eve\nnow 09:01\nnow 09:04\n4624 08:03 eve\nnow 09:05", &[]);
    }

    #[test]
    fn an_event_of_the_future_does_not_make_others_late() {
        let script = format!("now 08:00\n4625 23:00 mallory\nnow 08:00\n{THREE}now 08:02");
        let remark = "1 matches of more than ten minutes in the future are in no correlation";
        check(&script, &["Many 08:00 3", remark]);
    }
}
