//! The loop: what has come, to alerts, to where they go, and what is remembered of it.
//!
//! ```text
//! sources ─▶ round ─▶ follower ─▶ sinks        every round
//! sinks, matches ─▶ disk, then state ─▶ disk   several times a second
//! ```
//!
//! A round is dealt with before the next one is begun: whatever a source has given is in every sink. So sources
//! wait for rules and sinks, and what is remembered between two rounds is of one moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use evtmap::report::ReportOptions;
use evtmap::{FollowAccount, Follower, KeptMatch, Memory, ScanAccount, Scanner};
use jiff::Timestamp;

use crate::control::{Control, Notice, Observer};
use crate::error::WatchError;
use crate::journal::Journal;
use crate::meters::{Shown, Status};
use crate::metrics::{self, MetricsAddress};
use crate::outlets::Outlets;
use crate::reload::{self, Loaded, Loader, RuleSet};
use crate::sink::Sink;
use crate::source::{Round, Source};
use crate::state::Memories;
use crate::wake::{Notices, Noticing};

/// How long files are left alone that may have grown without notice.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a round waits for more when one has just come: many small rounds cost more than one.
const GATHER: Duration = Duration::from_millis(10);
/// How often outputs and state are made safe, and at most so often that it takes a tenth of the time.
const COMMIT_EVERY: Duration = Duration::from_millis(200);
const COMMIT_SHARE: u32 = 10;
/// How often correlations are settled, and at most so often that it takes a tenth of the time.
const SETTLE_EVERY: Duration = Duration::from_millis(200);
const SETTLE_SHARE: u32 = 10;
/// How long to wait before something is written again that could not be.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// How a watch is to work.
pub struct WatchOptions {
    /// How changes of files are noticed.
    pub noticing: Noticing,
    /// Where metrics are served.
    pub metrics: Option<MetricsAddress>,
    /// What time it is.
    pub clock: fn() -> Timestamp,
    /// What alerts tell as JSON.
    pub report: ReportOptions,
}

/// What came of a watch.
#[derive(Debug)]
pub struct WatchEnd {
    /// What became of the files.
    pub account: ScanAccount,
    /// What it counted.
    pub status: Status,
    /// Whether all that was read is where it should be, and remembered.
    pub is_safe: bool,
}

/// A watch that is ready to begin.
pub struct Watch {
    /// What is watched.
    pub sources: Vec<Box<dyn Source>>,
    /// Where alerts go.
    pub sinks: Vec<Box<dyn Sink>>,
    /// What is remembered.
    pub memories: Memories,
    /// How it is to work.
    pub options: WatchOptions,
    /// What others ask of it.
    pub control: Control,
}

/// Why a rule set is no longer in use.
enum Turn {
    Reload(Box<RuleSet>),
    Stop,
}

impl Watch {
    /// Watches until it is told to stop, or until no source can give any more.
    ///
    /// # Errors
    /// When it cannot begin.
    pub fn run(
        self,
        rules: RuleSet,
        loader: Arc<dyn Loader>,
        observer: &mut dyn Observer,
    ) -> Result<WatchEnd, WatchError> {
        let Self { sources, sinks, mut memories, options, control } = self;
        let shown = Arc::new(Shown::default());
        if let Some(at) = options.metrics {
            observer.notice(&Notice::Metrics(metrics::serve(at, Arc::clone(&shown))?));
        }
        let noticed: Vec<_> = sources.iter().flat_map(|source| source.noticed()).collect();
        let (_notices, problems) = Notices::begin(&noticed, options.noticing, &control.waker);
        for problem in problems {
            observer.notice(&Notice::Warning(problem.message, problem.help.to_owned()));
        }
        let folder = memories.folder().unwrap_or_default();
        let (journal, matches, problem) = Journal::open(&folder, memories.state.matches.take());
        if let Some(problem) = problem {
            observer.notice(&Notice::Warning(problem.message, problem.help.to_owned()));
        }
        let reloads = reload::watch(loader, Arc::clone(&control.is_reloading), control.waker.clone());
        let mut memory = Memory { matches, told: std::mem::take(&mut memories.state.told) };
        let mut desk = Desk {
            sources,
            outlets: Outlets::new(sinks, &options.report)?,
            memories,
            journal,
            unsaved: Vec::new(),
            account: FollowAccount::default(),
            status: Status::default(),
            begun: Instant::now(),
            pace: Pace::new(options.noticing),
            clock: options.clock,
            has_begun: false,
            control,
            shown,
            observer,
        };
        let mut rules = rules;
        loop {
            let scanner = Scanner::borrowing(&rules.rules, &rules.findings, &rules.options)
                .with_policy(rules.policy.as_ref());
            let mut follower = Follower::new(&scanner, memory);
            let turn = desk.follow(&mut follower, &reloads);
            let (kept, remarks, policy) = follower.finish();
            memory = kept;
            desk.account.remark(remarks);
            desk.account.hide(policy);
            match turn {
                Turn::Reload(new) => rules = *new,
                Turn::Stop => return Ok(desk.end()),
            }
        }
    }
}

/// Everything of a watch but its rules.
struct Desk<'o> {
    sources: Vec<Box<dyn Source>>,
    outlets: Outlets,
    memories: Memories,
    journal: Journal,
    /// Matches that the journal could not take yet.
    unsaved: Vec<KeptMatch>,
    account: FollowAccount,
    status: Status,
    begun: Instant,
    pace: Pace,
    clock: fn() -> Timestamp,
    /// Whether it is known from where on sources are read.
    has_begun: bool,
    control: Control,
    shown: Arc<Shown>,
    observer: &'o mut dyn Observer,
}

/// When what is due.
struct Pace {
    look_every: Duration,
    commit_due: Instant,
    /// Whether something came since.
    is_changed: bool,
    settle_due: Instant,
    behind_since: Option<Instant>,
    is_safe: bool,
}

impl Pace {
    fn new(noticing: Noticing) -> Self {
        let look_every = match noticing {
            Noticing::System => LOOK_EVERY,
            Noticing::Polling(every) => every,
        };
        let now = Instant::now();
        Self {
            look_every,
            commit_due: now,
            is_changed: true,
            settle_due: now,
            behind_since: None,
            is_safe: true,
        }
    }
}

impl Desk<'_> {
    /// Follows the sources with one set of rules.
    fn follow(&mut self, follower: &mut Follower<'_>, reloads: &Receiver<Loaded>) -> Turn {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.begin(follower);
        }
        loop {
            let is_stopping = self.control.is_stopping.load(Ordering::Relaxed);
            let round = if is_stopping { Round::default() } else { self.read() };
            let has_come = !round.followed.is_empty();
            self.take(round, follower);
            let is_over = self.sources.iter().all(|source| source.is_over());
            self.settle(follower, is_stopping || is_over);
            let new = self.reloaded(reloads);
            let is_last = is_stopping || is_over;
            if is_last || new.is_some() || self.is_commit_due() {
                self.commit(follower);
            }
            self.tell_status(follower);
            if is_last {
                return Turn::Stop;
            }
            if let Some(new) = new {
                return Turn::Reload(new);
            }
            if !has_come {
                self.control.wait(self.pace.look_every);
            } else if self.status.n_bytes_behind == 0 {
                thread::sleep(GATHER);
            }
        }
    }

    /// Remembers from where on is read and written, before anything is: a kill after the first alert must not
    /// have it told twice.
    fn begin(&mut self, follower: &mut Follower<'_>) {
        let mut round = Round::default();
        self.sources.iter_mut().for_each(|source| source.begin(&mut round));
        self.take(round, follower);
        self.commit(follower);
        self.observer.notice(&Notice::Begun);
    }

    /// Asks every source for what has come.
    fn read(&mut self) -> Round {
        let mut round = Round::default();
        let n_sources = self.sources.len();
        for source in &mut self.sources {
            round.next_source(n_sources);
            source.read(&mut round);
        }
        round
    }

    /// Looks at what has come, and gives alerts to the sinks.
    fn take(&mut self, round: Round, follower: &mut Follower<'_>) {
        for (path, error) in round.refused {
            self.status.n_refused += 1;
            self.observer.notice(&Notice::Warning(error.to_string(), error.help.to_owned()));
            self.account.refuse(&path, error);
        }
        if !round.followed.is_empty() {
            self.pace.is_changed = true;
            let Self { outlets, account, status, observer, .. } = self;
            let taken = follower.take(round.followed, account, outlets, &mut |path, problem| {
                *status.problems.entry(problem.code).or_default() += 1;
                if problem.code.starts_with("watch-") {
                    observer.notice(&Notice::Warning(format!("`{path}`: {}", problem.reason), String::new()));
                }
            });
            // Sinks take every alert; it is when they give them on that something may fail.
            debug_assert!(taken.is_ok());
        }
        self.flush();
    }

    fn settle(&mut self, follower: &mut Follower<'_>, is_last: bool) {
        let begun = Instant::now();
        let is_caught_up = self.sources.iter().all(|source| source.lag() == 0);
        if begun >= self.pace.settle_due || is_last {
            // An alert of it is taken by every sink, as all are.
            let _ = follower.settle((self.clock)(), is_caught_up, &mut self.outlets);
            self.pace.settle_due = Instant::now() + SETTLE_EVERY.max(begun.elapsed() * SETTLE_SHARE);
        } else if follower.has_results() {
            let _ = follower.tell(&mut self.outlets);
        }
        self.pace.is_changed |= self.outlets.has_taken;
        self.flush();
    }

    /// Gives on what sinks took. One that cannot is tried until it can: nothing more is read meanwhile, so that
    /// nothing is lost.
    fn flush(&mut self) {
        if std::mem::take(&mut self.outlets.has_taken) {
            self.insist(|desk| desk.outlets.sinks.iter_mut().try_for_each(|sink| sink.flush()));
        }
    }

    /// Tries until it works, or until the watch is told to stop; says whether it worked.
    fn insist(&mut self, mut work: impl FnMut(&mut Self) -> Result<(), WatchError>) -> bool {
        let mut has_told = false;
        loop {
            let Err(error) = work(self) else { return true };
            self.status.n_write_errors += 1;
            if !has_told {
                has_told = true;
                let message = format!("{}; it is tried again every second", error.message);
                self.observer.notice(&Notice::Warning(message, error.help.to_owned()));
            }
            if self.control.is_stopping.load(Ordering::Relaxed) {
                self.pace.is_safe = false;
                return false;
            }
            self.show_status();
            thread::sleep(RETRY_EVERY);
        }
    }

    fn is_commit_due(&self) -> bool {
        self.pace.is_changed && self.pace.commit_due <= Instant::now()
    }

    /// Makes outputs safe, and then remembers how far they and the sources are.
    fn commit(&mut self, follower: &mut Follower<'_>) {
        if !self.pace.is_safe {
            return;
        }
        let begun = Instant::now();
        self.unsaved.append(&mut follower.take_unsaved());
        let (kept, told) = (follower.n_kept(), follower.told());
        let renewed = self.journal.is_worn(kept).then(|| follower.kept());
        let done = self.insist(|desk| desk.try_commit(renewed.as_deref(), &told));
        if done {
            self.status.n_commits += 1;
            self.pace.commit_due = Instant::now() + COMMIT_EVERY.max(begun.elapsed() * COMMIT_SHARE);
            self.pace.is_changed = false;
        }
    }

    fn try_commit(
        &mut self,
        renewed: Option<&[KeptMatch]>,
        told: &[evtmap::ToldResult],
    ) -> Result<(), WatchError> {
        for sink in &mut self.outlets.sinks {
            let mark = sink.commit()?;
            self.memories.state.sinks.insert(sink.name().to_owned(), mark);
        }
        for source in &self.sources {
            self.memories.state.sources.insert(source.name().to_owned(), source.bookmark());
        }
        if let Some(folder) = &self.memories.folder {
            match renewed {
                Some(matches) => self.journal.renew(matches)?,
                None => self.journal.append(&self.unsaved)?,
            }
            self.unsaved.clear();
            self.memories.state.matches = self.journal.mark();
            self.memories.state.told = told.to_vec();
            folder.write(&self.memories.state)?;
            self.journal.is_stored();
        }
        self.unsaved.clear();
        self.outlets.sinks.iter_mut().try_for_each(|sink| sink.is_stored())
    }

    /// New rules, if there are any.
    fn reloaded(&mut self, reloads: &Receiver<Loaded>) -> Option<Box<RuleSet>> {
        match reloads.try_iter().last()? {
            Ok(new) => {
                self.status.n_reloads += 1;
                self.observer.notice(&Notice::Reloaded(new.rules.rules().len()));
                Some(new)
            }
            Err(reason) => {
                self.status.n_reloads_failed += 1;
                self.observer.notice(&Notice::ReloadFailed(reason));
                None
            }
        }
    }

    fn tell_status(&mut self, follower: &Follower<'_>) {
        self.status.n_kept = follower.n_kept() as u64;
        self.show_status();
    }

    fn show_status(&mut self) {
        let progress = self.account.scan().progress();
        let behind = self.sources.iter().map(|source| source.lag()).sum();
        let since =
            if behind == 0 { None } else { Some(self.pace.behind_since.unwrap_or_else(Instant::now)) };
        self.pace.behind_since = since;
        let status = &mut self.status;
        status.n_events = progress.events;
        status.n_bytes = progress.bytes;
        status.n_sources = self.sources.len() as u64;
        status.n_bytes_behind = behind;
        status.behind_for = since.map_or(Duration::ZERO, |since| since.elapsed());
        status.uptime = self.begun.elapsed();
        status.alerts.clone_from(&self.outlets.counts);
        let before = std::mem::take(&mut status.sinks);
        let health = self.outlets.sinks.iter().map(|sink| (sink.name().to_owned(), sink.health()));
        status.sinks = health.collect();
        for (place, (name, health)) in status.sinks.iter().enumerate() {
            let was_up = before.get(place).is_none_or(|(_, before)| before.is_up);
            let trouble = health.trouble.clone().unwrap_or_default();
            let when_down = self.outlets.sinks.get(place).map_or("", |sink| sink.when_down());
            match (was_up, health.is_up) {
                (true, false) => {
                    self.observer.notice(&Notice::SinkDown(name.clone(), trouble, when_down));
                }
                (false, true) => self.observer.notice(&Notice::SinkUp(name.clone())),
                _ => {}
            }
        }
        self.shown.set(status.clone());
        self.observer.status(status);
    }

    /// Ends the sinks and remembers how far they came.
    fn end(mut self) -> WatchEnd {
        self.outlets.sinks.iter_mut().for_each(|sink| sink.end());
        if self.pace.is_safe {
            let told = std::mem::take(&mut self.memories.state.told);
            self.insist(|desk| desk.try_commit(None, &told));
        }
        self.show_status();
        WatchEnd { account: self.account.into_scan(), status: self.status, is_safe: self.pace.is_safe }
    }
}
