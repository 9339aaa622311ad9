//! A batch of records to alerts.

use std::sync::Arc;

use evtmap_sigma::{Evidence, Values};

use super::correlation::Kept;
use super::findings::Findings;
use super::reading::{Gate, Read};
use super::repeats::{Repeats, Told};
use super::spare::Spare;
use super::{Prepare, Prepared, ScanOptions};
use crate::alert::{Alert, AlertEvent, Derived, Finding, Kind, Said};
use crate::event::{AccountPlaces, Event};
use crate::idle::Idle;
use crate::input::{Batch, Position};
use crate::logsource::{Seen, Workspace, missing_exceptions};
use crate::policy::{Applied, Subject};
use crate::recurring::Met;
use crate::rules::Rules;

/// What came of a batch.
pub(super) struct Outcome {
    pub(super) detections: u64,
    pub(super) alerts: Vec<Alert>,
    /// What was made of the alerts.
    pub(super) prepared: Prepared,
    /// Matches for correlations.
    pub(super) kept: Vec<Kept>,
    /// Where the alerts, and what was made of them, are to go once they were told.
    pub(super) home: Home,
}

/// Alerts that were told, and what was made of them, of which the memory is of use. The threads that make alerts clear
/// them away too, each its own: to free what another thread allocated takes both of them time, and so does new memory
/// for each batch.
pub(super) type Home = Arc<Idle<(Vec<Alert>, Prepared)>>;

/// What is asked about events.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) rules: &'a Rules,
    pub(super) findings: &'a Findings,
    pub(super) options: &'a ScanOptions,
    /// What is not to be told, or told with another severity.
    pub(super) policy: Option<&'a Applied<'a>>,
}

/// All that is needed to make alerts of records; shared by the threads.
pub(super) struct Matcher<'a> {
    pub(super) asking: Asking<'a>,
    pub(super) gate: Gate<'a>,
    /// The zone of times that name none.
    pub(super) timezone: Arc<str>,
    /// What is made of alerts at once.
    pub(super) preparation: Option<Box<dyn Prepare>>,
}

/// What a thread that is at work has of its own.
#[derive(Default)]
pub(super) struct Worker {
    working: Working,
    home: Home,
    /// Its own of what the matcher has.
    preparation: Option<Box<dyn Prepare>>,
}

/// A rule that matches.
#[derive(Debug)]
struct Matched {
    /// Its index.
    rule: usize,
    /// What is to be said when the event stands for one of another kind.
    derived: Option<Arc<Derived>>,
    /// What of it held, where that is asked for.
    evidence: Option<Arc<Evidence>>,
}

/// A rule that matches and that correlations ask about.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its index.
    rule: usize,
    /// The values that they ask for.
    values: Values,
    /// Whether these are the same in every event that says the same.
    is_lasting: bool,
}

impl Member {
    /// How much memory it takes, in bytes, about.
    pub(super) fn n_bytes(&self) -> usize {
        size_of::<Self>()
            + self.values.iter().map(|value| value.as_ref().map_or(16, |text| text.len() + 16)).sum::<usize>()
    }
}

/// What an alert says beside its event.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    finding: Arc<Finding>,
    derived: Option<Arc<Derived>>,
    evidence: Option<Arc<Evidence>>,
}

impl Telling {
    /// A finding, and nothing beside it.
    fn of(finding: &Arc<Finding>, spare: &mut Spare) -> Self {
        Self { finding: spare.finding(finding), derived: None, evidence: None }
    }

    /// The same once more.
    fn again(&self, spare: &mut Spare) -> Self {
        let Self { finding, derived, evidence } = self;
        Self { finding: spare.finding(finding), derived: derived.clone(), evidence: evidence.clone() }
    }
}

/// What matching needs while it is at work, reused for what comes next.
#[derive(Debug, Default)]
pub struct Working {
    event: Event,
    asked: Asked,
}

/// What asking the rules needs.
#[derive(Debug, Default)]
struct Asked {
    workspace: Workspace,
    accounts: AccountPlaces,
    rules: Vec<Matched>,
    members: Vec<Member>,
    tellings: Vec<Telling>,
    repeats: Repeats,
    spare: Spare,
}

impl Matcher<'_> {
    /// Decodes the records of a batch and matches them.
    pub(super) fn run(&self, batch: Box<dyn Batch>, path: &Arc<str>, worker: &mut Worker) -> (Read, Outcome) {
        let Worker { working: Working { event, asked }, home, preparation } = worker;
        let (mut alerts, prepared) = home.take();
        asked.spare.add(alerts.drain(..));
        let mut outcome =
            Outcome { detections: 0, alerts, prepared, kept: Vec::new(), home: Arc::clone(home) };
        let (mut read, is_whole) = self.gate.decode(batch, event, &mut |event, position| {
            self.look(event, (path, position), asked, &mut outcome);
        });
        if let Some(general) = &self.preparation {
            let own = preparation.get_or_insert_with(|| general.another());
            own.prepare(&outcome.alerts, &mut outcome.prepared);
            if !own.needs_alerts() {
                asked.spare.add(outcome.alerts.drain(..));
            }
        }
        // What a reader was at when it failed nobody knows.
        if !is_whole {
            *worker = Worker::default();
        }
        read.detections = outcome.detections;
        (read, outcome)
    }

    /// Asks about an event, or remembers what was told of it.
    fn look(&self, event: &Event, place: (&Arc<str>, Position), asked: &mut Asked, outcome: &mut Outcome) {
        let Asked { workspace, accounts, rules, members, tellings, repeats, spare } = asked;
        // What a policy hides is counted, so that each event is shown to it; and evidence is too large to remember.
        let is_remembered = self.asking.policy.is_none() && !self.asking.options.evidence;
        let met = if is_remembered { repeats.meet(event) } else { Met::First };
        if let Some(Told { tellings, said, members, bare }) = repeats.told(met) {
            if let Some(bare) = bare {
                keep(members.iter().cloned(), (Arc::clone(bare), event), place, outcome);
            }
            if let Some(said) = said {
                let kept = self.kept(Arc::clone(said), event, place, spare);
                tell(tellings.iter().map(|telling| telling.again(spare)), &kept, outcome);
            }
            return;
        }
        self.asking.match_rules(event, workspace, rules, members);
        self.asking.tell_of(event, rules, tellings, spare);
        let bare = (!members.is_empty()).then(|| Arc::new(Said::bare(accounts.user(event), event)));
        let said = (!tellings.is_empty()).then(|| match met {
            // What is remembered takes no more memory than it has to.
            Met::Again(_) => Arc::new(Said::by(accounts.user(event), event)),
            Met::First | Met::Known(_) => spare.said(accounts.user(event), event),
        });
        if let Met::Again(hash) = met {
            let is_lasting = members.iter().all(|member| member.is_lasting)
                && self.asking.rules.router().ignores_what_passes(event, workspace);
            let told = is_lasting.then(|| Told {
                tellings: tellings.clone(),
                said: said.clone(),
                members: members.clone(),
                bare: bare.clone(),
            });
            repeats.keep(hash, event, told);
        }
        if let Some(bare) = bare {
            keep(members.drain(..), (bare, event), place, outcome);
        }
        if let Some(said) = said {
            tell(tellings.drain(..), &self.kept(said, event, place, spare), outcome);
        }
    }

    /// What alerts keep of an event.
    fn kept(
        &self,
        said: Arc<Said>,
        event: &Event,
        (path, position): (&Arc<str>, Position),
        spare: &mut Spare,
    ) -> Arc<AlertEvent> {
        let timezone = event.is_time_local().then_some(&self.timezone);
        spare.event(said, event, (path, timezone), position)
    }
}

/// Makes alerts of what there is to tell of an event.
fn tell(tellings: impl Iterator<Item = Telling>, event: &Arc<AlertEvent>, outcome: &mut Outcome) {
    for Telling { finding, derived, evidence } in tellings {
        outcome.detections += u64::from(finding.kind == Kind::Detection);
        let event = Arc::clone(event);
        outcome.alerts.push(Alert { finding, event, correlation: None, derived, evidence });
    }
}

/// Keeps an event for correlations.
fn keep(
    members: impl Iterator<Item = Member>,
    (bare, event): (Arc<Said>, &Event),
    (path, position): (&Arc<str>, Position),
    outcome: &mut Outcome,
) {
    let event = Arc::new(AlertEvent::saying(bare, event, path, position));
    let kept = members.map(|Member { rule, values, .. }| Kept { rule, values, event: Arc::clone(&event) });
    outcome.kept.extend(kept);
}

impl<'a> Asking<'a> {
    /// Tells what there is to tell of an event.
    pub(super) fn ask(&self, event: &Event, working: &mut Working, visit: &mut dyn FnMut(&Arc<Finding>)) {
        let Asked { workspace, rules, members, tellings, spare, .. } = &mut working.asked;
        self.match_rules(event, workspace, rules, members);
        self.tell_of(event, rules, tellings, spare);
        tellings.iter().for_each(|telling| visit(&telling.finding));
    }

    /// Whether what there is to tell of an event does not depend on what passes in it.
    pub(super) fn ignores_what_passes(&self, event: &Event, working: &mut Working) -> bool {
        self.rules.router().ignores_what_passes(event, &mut working.asked.workspace)
    }

    /// Finds the rules that an event matches: those that are told, and those that correlations ask about
    /// with the values that these need.
    fn match_rules(
        &self,
        event: &Event,
        workspace: &mut Workspace,
        told: &mut Vec<Matched>,
        members: &mut Vec<Member>,
    ) {
        let (rules, plan) = (self.rules.rules(), self.rules.plan());
        let rule = |index: usize| rules.get(index).map(|loaded| &loaded.rule);
        told.clear();
        members.clear();
        self.rules.router().matches(event, &rule, workspace, &mut |index, seen| {
            if self.hides(index, event, seen) {
                return;
            }
            if plan.rule_fires_alone(index) {
                let derived = rule(index).filter(|_| seen.is_derived()).map(|rule| {
                    let category = rule.logsource.category.clone().unwrap_or_default();
                    Arc::new(Derived { category, missing_fields: missing_exceptions(rule, seen) })
                });
                let evidence = rule(index).filter(|_| self.options.evidence);
                let evidence = evidence.map(|rule| Arc::new(rule.evidence(seen)));
                told.push(Matched { rule: index, derived, evidence });
            }
            if plan.is_correlated(index) {
                let (values, fields) = (plan.values_of(index, seen), plan.fields_of(index));
                members.push(Member { rule: index, values, is_lasting: !seen.asks_what_passes(fields) });
            }
        });
    }

    /// Whether the policy has it that a match is neither told nor correlated.
    fn hides(&self, index: usize, event: &Event, seen: &Seen<'_>) -> bool {
        self.policy.is_some_and(|policy| {
            let finding = self.findings.of_rule(self.rules, index);
            finding.is_some_and(|finding| policy.hides(finding, &Subject::Event(event), Some(seen)))
        })
    }

    /// Finds what is to be told of an event: the detections of the rules that match, which are taken, and what its id
    /// hints at otherwise.
    fn tell_of(
        &self,
        event: &Event,
        rules: &mut Vec<Matched>,
        tellings: &mut Vec<Telling>,
        spare: &mut Spare,
    ) {
        let of_rule = |Matched { rule, derived, evidence }| {
            let finding = spare.finding(self.findings.of_rule(self.rules, rule)?);
            Some(Telling { finding, derived, evidence })
        };
        tellings.clear();
        tellings.extend(rules.drain(..).filter_map(of_rule));
        if tellings.is_empty() && self.options.associations {
            let hinted = self.findings.associations().of(event);
            let finding = hinted.and_then(|index| self.findings.of_association(index));
            let finding = finding.filter(|finding| {
                !self.policy.is_some_and(|policy| policy.hides(finding, &Subject::Event(event), None))
            });
            tellings.extend(finding.map(|finding| Telling::of(finding, spare)));
        }
        if let Some(policy) = self.policy {
            for telling in &mut *tellings {
                let told = policy.told(&telling.finding, &Subject::Event(event));
                if !Arc::ptr_eq(told, &telling.finding) {
                    telling.finding = spare.finding(told);
                }
            }
        }
        tellings.retain(|telling| telling.finding.severity >= Some(self.options.min_severity));
        if tellings.is_empty() && self.options.all_events {
            tellings.push(Telling::of(self.findings.of_event(), spare));
        }
    }
}
