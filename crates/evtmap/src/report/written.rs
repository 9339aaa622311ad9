//! What findings say as JSON, written once: of the text of an alert most is its rule's and its techniques', and
//! the same in every alert of the rule.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::line::RuleLine;
use super::{AlertLine, TimeStyle};
use crate::alert::{Alert, Finding};

/// How many findings are remembered. A scan has one for each rule and association; alerts that others make may
/// each have one of their own.
const N_FINDINGS_MAX: usize = 20_000;

/// The JSON of the findings that were told.
#[derive(Default)]
pub(super) struct WrittenFindings {
    /// By the address of the finding, which is kept so that no other comes to stand there.
    by_address: FxHashMap<usize, (Arc<Finding>, Written)>,
    /// Whether alerts are told with their evidence.
    with_evidence: bool,
}

/// What a finding says, in JSON.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) rule: Option<Box<RawValue>>,
    pub(super) association: Option<Box<RawValue>>,
    pub(super) techniques: Box<RawValue>,
    pub(super) tactics: Box<RawValue>,
}

/// A part of an alert: as it is, or as it was written before.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a, T> {
    Written(&'a RawValue),
    Value(T),
}

impl WrittenFindings {
    /// Nothing is remembered yet.
    pub(super) fn new(with_evidence: bool) -> Self {
        Self { with_evidence, ..Self::default() }
    }

    /// Appends the JSON of an alert, with times in a style.
    pub(super) fn write(
        &mut self,
        alert: &Alert,
        times: &TimeStyle,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let address = Arc::as_ptr(&alert.finding) as usize;
        if !self.by_address.contains_key(&address) {
            if self.by_address.len() >= N_FINDINGS_MAX {
                self.by_address.clear();
            }
            let written = Written::of(&alert.finding)?;
            self.by_address.insert(address, (Arc::clone(&alert.finding), written));
        }
        let line = AlertLine::of(alert, times);
        let line = if self.with_evidence { line.with_evidence(alert) } else { line };
        match self.by_address.get(&address) {
            Some((_, written)) => serde_json::to_writer(out, &line.with(written)),
            None => serde_json::to_writer(out, &line),
        }
    }
}

impl Written {
    fn of(finding: &Finding) -> serde_json::Result<Self> {
        Ok(Self {
            rule: finding.rule.as_ref().map(|rule| to_raw_value(&RuleLine::of(rule))).transpose()?,
            association: finding.association.as_ref().map(to_raw_value).transpose()?,
            techniques: to_raw_value(&finding.techniques)?,
            tactics: to_raw_value(&finding.tactics)?,
        })
    }
}
