//! The loop: files times rules to alerts.
//!
//! ```text
//! files ─▶ feed ─▶ batches ─▶ threads: decode, match ─▶ in order ─▶ sink
//! ```

mod account;
mod correlation;
mod feed;
mod findings;
mod follow;
mod live;
mod matching;
mod ordered;
mod reading;
mod repeats;
mod spare;
mod visit;

use std::borrow::Cow;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

pub use account::{FileAccount, Problems, ScanAccount, UnreadMessages};
pub use findings::{Findings, UnresolvedTag};
pub use follow::{FollowAccount, Followed, Follower};
pub use live::{KeptMatch, Memory, ToldResult};
pub use matching::Working;
pub use visit::{EventPlace, visit};

use crate::alert::{Alert, Finding};
use crate::alike::BatchCounts;
use crate::event::Event;
use crate::input::{Found, InputOptions, Log};
use crate::policy::{Applied, Policy, Subject};
use crate::rules::Rules;
use crate::severity::Severity;
use correlation::Correlating;
use feed::Feed;
use matching::{Asking, Matcher, Outcome, Worker};
use reading::{Gate, read_all};

/// What to look at and what to tell.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// How many threads decode and match.
    pub threads: NonZero<usize>,
    /// Events before this time are passed over.
    pub since: Option<Timestamp>,
    /// Events at or after this time are passed over.
    pub until: Option<Timestamp>,
    /// Reading ends after so many events.
    pub max_events: Option<u64>,
    /// Findings below this are not told.
    pub min_severity: Severity,
    /// Whether an event that no rule matches is told with what its id may hint at.
    pub associations: bool,
    /// Whether an event without any finding is told too.
    pub all_events: bool,
    /// Whether detections are told with what of their rule's condition held.
    pub evidence: bool,
    /// How files are read.
    pub input: InputOptions,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            threads: NonZero::<usize>::MIN,
            since: None,
            until: None,
            max_events: None,
            min_severity: Severity::Informational,
            associations: true,
            all_events: false,
            evidence: false,
            input: InputOptions::default(),
        }
    }
}

/// How far a scan has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the files.
    pub bytes: u64,
    /// Events.
    pub events: u64,
    /// Detections.
    pub detections: u64,
}

/// Who takes what a scan finds.
pub trait Sink {
    /// Takes an alert. Alerts come in the order of the files and of the records in them.
    ///
    /// # Errors
    /// When no more alerts can be taken; the scan ends.
    fn alert(&mut self, alert: &Alert) -> std::io::Result<()>;

    /// Takes the alerts of a batch, with what was made of them. One who keeps alerts may move them out: the memory of
    /// those that are left is used again.
    ///
    /// # Errors
    /// When no more alerts can be taken; the scan ends.
    fn batch(&mut self, alerts: &mut Vec<Alert>, _: &Prepared) -> std::io::Result<()> {
        alerts.iter().try_for_each(|alert| self.alert(alert))
    }

    /// What the threads that find alerts are to make of them, before they are given to [`batch`](Self::batch) in
    /// order; nothing where they are taken as they are.
    fn preparation(&self) -> Option<Box<dyn Prepare>> {
        None
    }

    /// Learns how far the scan has come, several times a second.
    ///
    /// # Errors
    /// When the scan is to end here.
    fn progress(&mut self, _progress: Progress) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes of the alerts of a batch what a sink would have to make of them otherwise, while others wait.
pub trait Prepare: Send + Sync {
    /// Makes what the sink is given. `prepared` holds what was made of other alerts and given already, of which only
    /// the memory is of use.
    fn prepare(&mut self, alerts: &[Alert], prepared: &mut Prepared);

    /// Whether the sink looks at the alerts beside what was made of them. If not, it is given none, and their memory
    /// is used again at once.
    fn needs_alerts(&self) -> bool {
        true
    }

    /// Another one that makes the same, for another thread.
    fn another(&self) -> Box<dyn Prepare>;
}

/// What was made of the alerts of a batch.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Their lines for each output, or why they could not be made; nothing where it takes the alerts.
    pub lines: Vec<Option<std::io::Result<Vec<u8>>>>,
    /// How many they are, of a [`BatchCounter`](crate::triage::BatchCounter) for a [`Tally`](crate::triage::Tally).
    pub counts: BatchCounts,
}

/// Rules and associations against files.
pub struct Scanner<'a> {
    rules: &'a Rules,
    findings: &'a Findings,
    options: Cow<'a, ScanOptions>,
    policy: Option<&'a Policy>,
}

impl<'a> Scanner<'a> {
    /// A scanner of rules and what they say.
    pub fn new(rules: &'a Rules, findings: &'a Findings, options: ScanOptions) -> Self {
        Self { rules, findings, options: Cow::Owned(options), policy: None }
    }

    /// A scanner with options that are somebody else's, which is made in no time.
    pub fn borrowing(rules: &'a Rules, findings: &'a Findings, options: &'a ScanOptions) -> Self {
        Self { rules, findings, options: Cow::Borrowed(options), policy: None }
    }

    /// The same with a policy, if there is one: other severities, and what is not to be told.
    pub fn with_policy(self, policy: impl Into<Option<&'a Policy>>) -> Self {
        Self { policy: policy.into(), ..self }
    }

    /// Reads files and tells what is found. One bad record never stops a file, one bad file never stops the
    /// others: both are in the account that is given at the end.
    ///
    /// # Errors
    /// The sink's.
    pub fn scan(&self, found: &Found, sink: &mut dyn Sink) -> std::io::Result<ScanAccount> {
        let is_enough = AtomicBool::new(self.options.max_events == Some(0));
        let feed = Feed::new(found, &self.options.input, &is_enough);
        self.run(feed, found, sink)
    }

    /// Reads one log that is open already, such as one of events in memory ([`input::memory`]), and tells what
    /// is found.
    ///
    /// [`input::memory`]: crate::input::memory
    ///
    /// # Errors
    /// The sink's.
    pub fn scan_log(&self, log: Log, sink: &mut dyn Sink) -> std::io::Result<ScanAccount> {
        let is_enough = AtomicBool::new(self.options.max_events == Some(0));
        let feed = Feed::of_log(log, &self.options.input, &is_enough);
        self.run(feed, &Found::default(), sink)
    }

    /// Tells what rules find in one event, or what its id may hint at when none matches. Correlations, which
    /// are about several events, are not among it. What the options say of times and numbers of events does not
    /// count here; what they say of severities does. A policy is not asked.
    pub fn ask(&self, event: &Event, working: &mut Working, visit: &mut dyn FnMut(&Arc<Finding>)) {
        self.asking().ask(event, working, visit);
    }

    /// Whether [`ask`](Self::ask) tells the same of every event that differs from this one in nothing but its time,
    /// its number in the log, and the process and thread that wrote it. It was asked about this one before, with
    /// the same working memory.
    pub fn ignores_what_passes(&self, event: &Event, working: &mut Working) -> bool {
        self.asking().ignores_what_passes(event, working)
    }

    fn asking(&self) -> Asking<'_> {
        Asking { rules: self.rules, findings: self.findings, options: &self.options, policy: None }
    }

    fn run(&self, feed: Feed<'_>, found: &Found, sink: &mut dyn Sink) -> std::io::Result<ScanAccount> {
        let is_enough = feed.is_enough();
        let applied =
            self.policy.map(|policy| self.findings.apply(policy, self.rules, self.options.min_severity));
        let matcher = Matcher {
            asking: Asking { policy: applied.as_ref(), ..self.asking() },
            gate: Gate::new(&self.options, is_enough),
            timezone: self.options.input.timezone_name().into(),
            preparation: sink.preparation(),
        };
        let mut account = ScanAccount::default();
        account.timezone = self.options.input.timezone_name();
        let mut correlating = Correlating::default();
        read_all(
            feed,
            &self.options,
            &mut account,
            || {
                let (matcher, mut worker) = (&matcher, Worker::default());
                move |batch, path| matcher.run(batch, path, &mut worker)
            },
            |outcome, progress| -> std::io::Result<_> {
                let Outcome { mut alerts, prepared, kept, home, .. } = outcome;
                correlating.keep(kept);
                sink.batch(&mut alerts, &prepared)?;
                home.put_back((alerts, prepared));
                sink.progress(progress)?;
                Ok(ControlFlow::Continue(()))
            },
        )?;
        account.is_cut_short = is_enough.load(Ordering::Relaxed);
        account.end(found);
        let (alerts, remarks) = correlating.finish(self.rules, self.findings);
        account.remarks = remarks;
        for alert in alerts.into_iter().filter_map(|alert| self.judged(alert, applied.as_ref())) {
            sink.alert(&alert)?;
        }
        account.policy = applied.map(|applied| applied.account()).unwrap_or_default();
        Ok(account)
    }

    /// The alert of a correlation as a policy has it; nothing if it is not to be told.
    fn judged(&self, mut alert: Alert, policy: Option<&Applied<'_>>) -> Option<Alert> {
        if let Some(policy) = policy {
            let subject = Subject::Kept(&alert.event);
            if policy.hides(&alert.finding, &subject, None) {
                return None;
            }
            let told = Arc::clone(policy.told(&alert.finding, &subject));
            alert.finding = told;
        }
        (alert.finding.severity >= Some(self.options.min_severity)).then_some(alert)
    }
}
