//! An alert as it is stored: the event as it is, and the number of what was found in it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use evtmap_sigma::Evidence;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertEvent, CorrelationDetail, Derived, Finding};

/// What rules and associations say, each once. A scan shares them among alerts.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Arc<Finding>>,
    /// By where it is in memory: what is in the list stays there, so no other can come to lie there.
    places: HashMap<usize, usize>,
}

impl Findings {
    fn place(&mut self, finding: &Arc<Finding>) -> usize {
        let n_known = self.list.len();
        let place = *self.places.entry(finding.address()).or_insert(n_known);
        if place == n_known {
            self.list.push(Arc::clone(finding));
        }
        place
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    finding: usize,
    event: Cow<'a, AlertEvent>,
    correlation: Option<Cow<'a, CorrelationDetail>>,
    derived: Option<Cow<'a, Derived>>,
    evidence: Option<Cow<'a, Evidence>>,
}

impl Stored<'_> {
    /// Appends an alert.
    pub(super) fn write(alert: &Alert, findings: &mut Findings, bytes: &mut Vec<u8>) -> io::Result<()> {
        let stored = Stored {
            finding: findings.place(&alert.finding),
            event: Cow::Borrowed(&*alert.event),
            correlation: alert.correlation.as_deref().map(Cow::Borrowed),
            derived: alert.derived.as_deref().map(Cow::Borrowed),
            evidence: alert.evidence.as_deref().map(Cow::Borrowed),
        };
        rmp_serde::encode::write(bytes, &stored).map_err(io::Error::other)
    }

    /// The alert that was written.
    pub(super) fn read(bytes: &[u8], findings: &Findings) -> io::Result<Alert> {
        let stored: Self = rmp_serde::from_slice(bytes).map_err(io::Error::other)?;
        let finding = findings.list.get(stored.finding).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Alert {
            finding: Arc::clone(finding),
            event: Arc::new(stored.event.into_owned()),
            correlation: stored.correlation.map(|detail| Arc::new(detail.into_owned())),
            derived: stored.derived.map(|derived| Arc::new(derived.into_owned())),
            evidence: stored.evidence.map(|evidence| Arc::new(evidence.into_owned())),
        })
    }
}
