//! The memory of alerts that were told, for those that come: most of what an alert takes to make is asking for memory,
//! and giving it back.

use std::iter;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::alert::{Alert, AlertEvent, Finding, Said};
use crate::event::{Account, Event};
use crate::input::Position;

/// Of how many events the memory is kept, how much what they say may take together, and how much one of them: what is
/// larger is rare.
const N_EVENTS_MAX: usize = 4_096;
const N_BYTES_MAX: usize = 4 << 20;
const N_BYTES_EACH_MAX: usize = 16 << 10;
/// How many findings are kept at most, those that are kept several times counted as often.
const N_FINDINGS_MAX: usize = 8_192;
/// How many are taken at once of a finding of which none is kept.
const N_FINDINGS_AT_ONCE: usize = 16;

/// Memory that no alert is using. A thread has its own.
#[derive(Debug, Default)]
pub(super) struct Spare {
    events: Vec<Arc<AlertEvent>>,
    saids: Vec<Arc<Said>>,
    /// How much the latter take.
    n_bytes: usize,
    /// What stands in an event whose own was taken out.
    nothing: Arc<Said>,
    /// Findings that alerts had, by their address, which no other has as long as one is here. To count one more who
    /// has a finding, and then one less, is not much for one thread, and much where others do so too.
    findings: FxHashMap<usize, Vec<Arc<Finding>>>,
    n_findings: usize,
    /// The names of the file and of the zone that came last, each with one of this thread's own: alerts of other
    /// threads do not count who has those.
    input: OwnName,
    timezone: OwnName,
}

impl Spare {
    /// Takes alerts apart that nobody needs any more.
    pub(super) fn add(&mut self, alerts: impl Iterator<Item = Alert>) {
        for Alert { mut event, finding, .. } in alerts {
            self.add_finding(finding);
            // Several alerts of an event come one after the other; it is nobody else's with the last of them.
            let Some(own) = Arc::get_mut(&mut event) else { continue };
            self.add_said(std::mem::replace(&mut own.said, Arc::clone(&self.nothing)));
            if self.events.len() < N_EVENTS_MAX {
                self.events.push(event);
            }
        }
    }

    fn add_finding(&mut self, finding: Arc<Finding>) {
        if self.n_findings < N_FINDINGS_MAX {
            self.n_findings += 1;
            self.findings.entry(finding.address()).or_default().push(finding);
        }
    }

    /// A finding, for one more who has it.
    pub(super) fn finding(&mut self, finding: &Arc<Finding>) -> Arc<Finding> {
        let own = self.findings.entry(finding.address()).or_default();
        if let Some(own) = own.pop() {
            self.n_findings -= 1;
            return own;
        }
        // What is slow is to get hold of the count, where another thread had it last.
        let n_more = N_FINDINGS_AT_ONCE.min(N_FINDINGS_MAX - self.n_findings);
        own.extend(iter::repeat_n(finding, n_more).map(Arc::clone));
        self.n_findings += n_more;
        Arc::clone(finding)
    }

    fn add_said(&mut self, mut said: Arc<Said>) {
        let n_bytes = Arc::get_mut(&mut said).map(|own| own.n_bytes_held());
        if let Some(n_bytes) = n_bytes.filter(|n_bytes| *n_bytes <= N_BYTES_EACH_MAX)
            && self.n_bytes + n_bytes <= N_BYTES_MAX
        {
            self.n_bytes += n_bytes;
            self.saids.push(said);
        }
    }

    /// What an event says of which it is known who did it.
    pub(super) fn said(&mut self, user: Option<Account<'_>>, event: &Event) -> Arc<Said> {
        if let Some(mut said) = self.saids.pop()
            && let Some(own) = Arc::get_mut(&mut said)
        {
            self.n_bytes -= own.n_bytes_held();
            own.fill(user, event);
            return said;
        }
        Arc::new(Said::by(user, event))
    }

    /// What an alert keeps of an event that was read from an input, its time in a zone where it names none itself.
    pub(super) fn event(
        &mut self,
        said: Arc<Said>,
        event: &Event,
        (input, timezone): (&Arc<str>, Option<&Arc<str>>),
        position: Position,
    ) -> Arc<AlertEvent> {
        let (input, timezone) = (self.input.of(input), timezone.map(|timezone| self.timezone.of(timezone)));
        if let Some(mut kept) = self.events.pop()
            && let Some(own) = Arc::get_mut(&mut kept)
        {
            own.fill(said, event, (input, timezone), position);
            return kept;
        }
        let timezone = timezone.map(Arc::clone);
        Arc::new(AlertEvent { timezone, ..AlertEvent::saying(said, event, input, position) })
    }
}

/// A name, and another one that says the same.
#[derive(Debug, Default)]
struct OwnName(Option<[Arc<str>; 2]>);

impl OwnName {
    fn of(&mut self, name: &Arc<str>) -> &Arc<str> {
        let known = self.0.take().filter(|[known, _]| Arc::ptr_eq(known, name));
        let [_, own] = self.0.insert(known.unwrap_or_else(|| [Arc::clone(name), Arc::from(&**name)]));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Place, Value};

    fn event(number: usize, user: &str) -> Event {
        let mut event = Event::new();
        event.push(Place::System, "EventRecordID", Value::Text(&number.to_string()));
        event.push(Place::System, "Computer", Value::Text("WS01"));
        event.push(Place::Data, "User", Value::Text(user));
        event
    }

    fn alert(event: &Arc<AlertEvent>) -> Alert {
        let (finding, event) = (Arc::new(Finding::of_event()), Arc::clone(event));
        Alert { finding, event, correlation: None, derived: None, evidence: None }
    }

    fn keep(spare: &mut Spare, event: &Event, line: u64, input: &Arc<str>) -> Arc<AlertEvent> {
        let said = spare.said(event.user(), event);
        spare.event(said, event, (input, None), Position::Line(line))
    }

    /// Whatever was in the memory before, what is kept is what would be kept without it.
    #[test]
    fn what_was_there_before_is_gone() {
        let (mut spare, inputs) = (Spare::default(), [Arc::from("a.evtx"), Arc::from("b.evtx")]);
        let users = ["CORP\\alice", "", "bob", "SYSTEM", "a much longer name than any of the others"];
        for (line, (user, input)) in (1..).zip(users.iter().zip(inputs.iter().cycle())) {
            let event = event(line, user);
            let kept = keep(&mut spare, &event, line as u64, input);
            assert_eq!(*kept, AlertEvent::of(&event, input, Position::Line(line as u64)));
            let told = [alert(&kept), alert(&kept)];
            drop(kept);
            spare.add(told.into_iter());
            assert_eq!((spare.events.len(), spare.saids.len()), (1, 1), "the same memory again");
        }
    }

    #[test]
    fn what_somebody_has_is_left_alone() {
        let (mut spare, input) = (Spare::default(), Arc::from("a.evtx"));
        let (first, second) = (event(1, "alice"), event(2, "bob"));
        let kept = keep(&mut spare, &first, 1, &input);
        spare.add([alert(&kept)].into_iter());
        assert!(spare.events.is_empty() && spare.saids.is_empty());
        let said = Arc::clone(&kept.said);
        let told = [alert(&kept)];
        drop(kept);
        spare.add(told.into_iter());
        assert_eq!((spare.events.len(), spare.saids.len()), (1, 0), "only what it says is somebody's");
        keep(&mut spare, &second, 2, &input);
        assert_eq!(*said, Said::by(first.user(), &first));
    }

    /// Who asks for a finding has that one, and it is not counted anew.
    #[test]
    fn findings_are_had_again() {
        let (mut spare, input) = (Spare::default(), Arc::from("a.evtx"));
        let kept = keep(&mut spare, &event(1, "alice"), 1, &input);
        let told = [alert(&kept), alert(&kept)];
        let findings = told.each_ref().map(|alert| Arc::clone(&alert.finding));
        spare.add(told.into_iter());
        for _ in 0..2 {
            for finding in &findings {
                assert_eq!((Arc::strong_count(finding), spare.n_findings), (2, 2));
                let again = spare.finding(finding);
                assert!(Arc::ptr_eq(finding, &again));
                assert_eq!((Arc::strong_count(finding), spare.n_findings), (2, 1));
                spare.add_finding(again);
            }
        }
    }

    /// Where none is kept, more than one are taken, as long as there is room.
    #[test]
    fn findings_are_taken_several_at_once() {
        let (mut spare, finding) = (Spare::default(), Arc::new(Finding::of_event()));
        let had: Vec<_> = (0..=N_FINDINGS_AT_ONCE).map(|_| spare.finding(&finding)).collect();
        assert_eq!((Arc::strong_count(&finding), spare.n_findings), (1 + had.len(), 0));
        let another = spare.finding(&finding);
        assert!(Arc::ptr_eq(&another, &finding));
        assert_eq!(Arc::strong_count(&finding), 1 + had.len() + 1 + N_FINDINGS_AT_ONCE);
        spare.n_findings = N_FINDINGS_MAX;
        let other = Arc::new(Finding::of_event());
        spare.finding(&other);
        assert_eq!((Arc::strong_count(&other), spare.n_findings), (1, N_FINDINGS_MAX));
    }

    /// The names of files and zones are a thread's own.
    #[test]
    fn names_are_not_shared_between_threads() {
        let (mut spare, mut other) = (Spare::default(), Spare::default());
        let (input, zone, event) = (Arc::from("a.csv"), Arc::from("UTC"), event(1, "alice"));
        let keep = |spare: &mut Spare| {
            let said = spare.said(None, &event);
            spare.event(said, &event, (&input, Some(&zone)), Position::Line(1))
        };
        let kept = [keep(&mut spare), keep(&mut spare), keep(&mut other)];
        let [first, second, third] =
            kept.each_ref().map(|kept| (&kept.input, kept.timezone.as_ref().unwrap()));
        assert_eq!(first, third);
        assert!(Arc::ptr_eq(first.0, second.0) && Arc::ptr_eq(first.1, second.1));
        assert!(!Arc::ptr_eq(first.0, third.0) && !Arc::ptr_eq(first.1, third.1));
    }

    #[test]
    fn there_are_bounds() {
        let (mut spare, input) = (Spare::default(), Arc::from("a.evtx"));
        for (user, n_saids) in [("x".repeat(N_BYTES_EACH_MAX), 0), ("x".repeat(4_000), 1)] {
            let told = [alert(&keep(&mut spare, &event(1, &user), 1, &input))];
            spare.add(told.into_iter());
            assert_eq!(spare.saids.len(), n_saids);
        }
        let long = event(1, &"x".repeat(4_000));
        let told: Vec<_> =
            (0..N_FINDINGS_MAX + 1).map(|_| alert(&keep(&mut spare, &long, 1, &input))).collect();
        spare.add(told.into_iter());
        assert_eq!((spare.events.len(), spare.n_findings), (N_EVENTS_MAX, N_FINDINGS_MAX));
        assert!(spare.n_bytes <= N_BYTES_MAX && spare.n_bytes > N_BYTES_MAX / 2);
    }
}
