//! What findings say as JSON, written once: of the text of an alert most is its rule's and its techniques', and
//! the same in every alert of the rule. Of the rest most is what the event says, and the same where it comes
//! again.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{AlertLine, ReportOptions};
use crate::alert::{Alert, AlertEvent, Finding, Said};
use crate::row::InputLine;

/// How many findings are remembered. A scan has one for each rule and association; alerts that others make may
/// each have one of their own.
const N_FINDINGS_MAX: usize = 20_000;

/// How many of what events say are remembered, and how much of it together, in bytes.
const N_SAID_MAX: usize = 2_048;
const N_SAID_BYTES_MAX: usize = 8 << 20;

/// The JSON of the findings that were told, and of what events say that come again.
#[derive(Debug, Default)]
pub(super) struct WrittenFindings {
    /// By the address of the finding, which is kept so that no other comes to stand there.
    by_address: FxHashMap<usize, (Arc<Finding>, Written)>,
    said: SaidAgain,
    input: WrittenInput,
}

/// The JSON of what events say that come again.
#[derive(Debug, Default)]
struct SaidAgain {
    /// By the address of what was said, which is kept in the same way.
    by_address: FxHashMap<usize, (Arc<Said>, WrittenSaid)>,
    n_bytes: usize,
}

/// What the alerts of a finding have in common, as parts of an [`AlertLine`] in JSON.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// From its beginning to the kind.
    pub(super) kind: Vec<u8>,
    /// From the severity to the rule or the association.
    pub(super) severity_and_name: Vec<u8>,
    /// What is known of it in ATT&CK.
    pub(super) techniques_and_tactics: Vec<u8>,
}

/// What the alerts about events have in common that say the same, as parts of an [`AlertLine`] in JSON.
#[derive(Debug, Default)]
pub(super) struct WrittenSaid {
    /// What stands before the number of the record.
    pub(super) start: Vec<u8>,
    /// What stands behind it.
    pub(super) end: Vec<u8>,
}

/// The JSON of what the alerts of a file have in common, of the file that was read last.
#[derive(Debug, Default)]
struct WrittenInput {
    input: Option<Arc<str>>,
    path: Vec<u8>,
}

/// What of an alert's JSON was written before.
pub(super) struct WrittenParts<'a> {
    pub(super) finding: &'a Written,
    /// Where the event says what another one said.
    pub(super) said: Option<&'a WrittenSaid>,
    /// From the beginning of the input to its path.
    pub(super) input: &'a [u8],
}

impl WrittenFindings {
    /// Appends the JSON of an alert: what serde_json makes of its [`AlertLine`], with times in the style and the
    /// evidence that the options ask for.
    pub(super) fn write(
        &mut self,
        alert: &Alert,
        options: &ReportOptions,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let (said, input) = (self.said.of(alert)?, self.input.of(&alert.event));
        let address = alert.finding.address();
        if let Some((_, finding)) = self.by_address.get(&address) {
            return AlertLine::write(alert, options, &WrittenParts { finding, said, input }, out);
        }
        let finding = AlertLine::of(alert, &options.times).written()?;
        AlertLine::write(alert, options, &WrittenParts { finding: &finding, said, input }, out)?;
        if self.by_address.len() >= N_FINDINGS_MAX {
            self.by_address.clear();
        }
        self.by_address.insert(address, (Arc::clone(&alert.finding), finding));
        Ok(())
    }
}

impl WrittenInput {
    fn of(&mut self, event: &AlertEvent) -> &[u8] {
        if !self.input.as_ref().is_some_and(|input| Arc::ptr_eq(input, &event.input)) {
            self.path.clear();
            InputLine::of(event).write_path(&mut self.path);
            self.input = Some(Arc::clone(&event.input));
        }
        &self.path
    }
}

impl SaidAgain {
    /// What an event says, if somebody else has it too: then it came again, and is remembered.
    fn of(&mut self, alert: &Alert) -> serde_json::Result<Option<&WrittenSaid>> {
        let said = &alert.event.said;
        if Arc::strong_count(said) == 1 {
            return Ok(None);
        }
        let address = Arc::as_ptr(said).addr();
        if !self.by_address.contains_key(&address) {
            let written = AlertLine::written_said(alert)?;
            let n_bytes = written.start.len() + written.end.len();
            if self.by_address.len() >= N_SAID_MAX || self.n_bytes + n_bytes > N_SAID_BYTES_MAX {
                self.by_address.clear();
                self.n_bytes = 0;
            }
            self.n_bytes += n_bytes;
            self.by_address.insert(address, (Arc::clone(said), written));
        }
        Ok(self.by_address.get(&address).map(|(_, written)| written))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Overridden;
    use crate::alert::tests::{alerts, detection};
    use crate::severity::Severity;

    /// Each alert is written as serde writes its line: when its finding is new, when it is known, and when what its
    /// event says is known.
    #[test]
    fn the_same_as_serde_writes() {
        for evidence in [false, true] {
            let options = ReportOptions { evidence, ..ReportOptions::default() };
            let mut findings = WrittenFindings::default();
            let mut overridden = detection();
            let change = Overridden { from: Severity::Low, because: vec!["a \"reason\"".to_owned()] };
            Arc::make_mut(&mut overridden.finding).overridden = Some(change);
            for alert in alerts().iter().chain([&overridden]) {
                let line = AlertLine::of(alert, &options.times);
                let line = if evidence { line.with_evidence(alert) } else { line };
                let mut check = || {
                    let mut out = Vec::new();
                    findings.write(alert, &options, &mut out).unwrap();
                    assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&line).unwrap());
                };
                check();
                check();
                // What somebody else has too is remembered as well.
                let _other = Arc::clone(&alert.event.said);
                check();
                check();
            }
        }
    }
}
