//! How often rules fire where hardly anything happens: in the OTRF recordings, whose background is a domain at
//! work.
//!
//! Nothing in or beside the recordings tells the minutes of the attack, so that every figure has the alerts in it
//! that the attack deserves: it is an upper bound. What is about the technique that a recording is of can be
//! told from the rest, which is nearer to the truth and still has the attack's other steps in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use anyhow::bail;
use evtmap::alert::{Alert, Kind};
use evtmap::{Severity, Sink};

use crate::labels::{self, Labelled, Loaded, Pack, parent};
use crate::recordings;

pub(crate) const ABOUT: &str = "[own|sigmahq|both] [N] tells how often rules fire in the OTRF recordings";

/// How many rules are listed unless a number is given.
const N_LISTED: usize = 40;

/// How often something fires.
#[derive(Debug, Default)]
struct Tally {
    n: u64,
    /// Of these, alerts about another technique than the recording's.
    n_beside: u64,
    recordings: BTreeSet<usize>,
}

/// What fires in the recordings.
#[derive(Default)]
struct Alarms {
    n_events: u64,
    by_rule: BTreeMap<(Severity, String), Tally>,
    /// The recording that is read, and the parents of its techniques.
    recording: usize,
    labels: BTreeSet<String>,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let (mut pack, mut n_listed) = (Pack::Own, N_LISTED);
    for argument in arguments {
        match (Pack::named(argument), argument.parse()) {
            (Some(named), _) => pack = named,
            (None, Ok(n)) => n_listed = n,
            (None, Err(_)) => bail!("unknown argument `{argument}`"),
        }
    }
    let Some(data) = labels::data() else {
        return Ok("skipped: the recordings are not beside the repository".to_owned());
    };
    let labelled = labels::read(&data)?;
    let loaded = Loaded::new(pack)?;
    let mut alarms = Alarms::default();
    for (number, archive) in recordings::archives()?.iter().enumerate() {
        let label = labelled.iter().find(|recording| archive.ends_with(&recording.path));
        alarms.begin(number, label);
        alarms.n_events += loaded.scan(archive, &mut alarms)?.progress().events;
    }
    alarms.table(n_listed)
}

impl Sink for Alarms {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let finding = &alert.finding;
        if let (Kind::Detection, Some(severity)) = (finding.kind, finding.severity) {
            let is_label = finding.techniques.iter().any(|it| self.labels.contains(parent(&it.id)));
            let tally = self.by_rule.entry((severity, finding.title().to_owned())).or_default();
            tally.n += 1;
            tally.n_beside += u64::from(!is_label);
            tally.recordings.insert(self.recording);
        }
        Ok(())
    }
}

impl Alarms {
    fn begin(&mut self, number: usize, label: Option<&Labelled>) {
        self.recording = number;
        let ids = label.into_iter().flat_map(|recording| &recording.ids);
        self.labels = ids.map(|id| parent(id).to_owned()).collect();
    }

    fn per_10_000(&self, n: u64) -> f64 {
        n as f64 * 10_000.0 / self.n_events.max(1) as f64
    }

    /// Alerts of these severities: all, and those about other techniques than the recordings'.
    fn sum(&self, severities: &[Severity]) -> [u64; 2] {
        let of = self.by_rule.iter().filter(|((severity, _), _)| severities.contains(severity));
        of.fold([0, 0], |[n, n_beside], (_, tally)| [n + tally.n, n_beside + tally.n_beside])
    }

    fn table(&self, n_listed: usize) -> anyhow::Result<String> {
        let mut text = format!("{} events; alerts, and in 10,000 events:\n", self.n_events);
        writeln!(text, "{:<24} {:>8} {:>8} {:>8} {:>8}", "", "all", "", "beside", "")?;
        let severe = [Severity::Critical, Severity::High];
        let singly = Severity::WORST_FIRST.map(|severity| (severity.as_str(), vec![severity]));
        for (name, severities) in [("critical and high", severe.to_vec())].into_iter().chain(singly) {
            let [n, n_beside] = self.sum(&severities);
            let (rate, rate_beside) = (self.per_10_000(n), self.per_10_000(n_beside));
            writeln!(text, "{name:<24} {n:>8} {rate:>8.2} {n_beside:>8} {rate_beside:>8.2}")?;
        }
        writeln!(
            text,
            "\nall: attack included, an upper bound; beside: about other techniques than the recording's\n\n\
             {:>6} {:>6} {:>9} {:>6} {:>10}  {:<13} rule",
            "all", "beside", "in 10,000", "share", "recordings", "level"
        )?;
        let total = self.sum(&Severity::WORST_FIRST)[0].max(1);
        let severe_total = self.sum(&severe)[0].max(1);
        let mut rules: Vec<_> = self.by_rule.iter().collect();
        rules.sort_by_key(|((severity, title), tally)| {
            (Reverse(severe.contains(severity)), Reverse(tally.n), title.clone())
        });
        let n_severe = rules.iter().filter(|((severity, _), _)| severe.contains(severity)).count();
        let (worst, others) = rules.split_at(n_severe);
        for (rules, total) in [(worst, severe_total), (others, total)] {
            for ((severity, title), tally) in rules.iter().take(n_listed) {
                let share = tally.n as f64 * 100.0 / total as f64;
                writeln!(
                    text,
                    "{:>6} {:>6} {:>9.2} {share:>5.1}% {:>10}  {severity:<13} {title}",
                    tally.n,
                    tally.n_beside,
                    self.per_10_000(tally.n),
                    tally.recordings.len()
                )?;
            }
            writeln!(text)?;
        }
        write!(text, "share: of the critical and high alerts above, of all alerts below")?;
        Ok(text)
    }
}
