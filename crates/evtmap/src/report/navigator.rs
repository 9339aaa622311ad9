//! A layer for the ATT&CK Navigator: techniques of detections, by number, coloured by the worst severity.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{ReportOptions, Writer};
use crate::alert::{Alert, Kind};
use crate::attack::TechniqueId;
use crate::navigator::{Cell, Layer};
use crate::severity::Severity;
use crate::triage::Report;

struct Navigator {
    out: Box<dyn Write>,
    techniques: BTreeMap<TechniqueId, (u64, Severity)>,
}

pub(super) fn open(out: Box<dyn Write>, _: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(Navigator { out, techniques: BTreeMap::new() }))
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "#7a0177",
        Severity::High => "#e31a1c",
        Severity::Medium => "#fd8d3c",
        Severity::Low => "#fecc5c",
        Severity::Informational => "#9ecae1",
    }
}

impl Writer for Navigator {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        // An association found nothing, and a layer does not show that it is one.
        let finding = &alert.finding;
        let Some(severity) = finding.severity.filter(|_| finding.kind == Kind::Detection) else {
            return Ok(());
        };
        for id in finding.techniques.iter().filter_map(|technique| technique.id.parse().ok()) {
            let (n, worst) = self.techniques.entry(id).or_insert((0, severity));
            *n += 1;
            *worst = severity.max(*worst);
        }
        Ok(())
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        let cell = |n: u64, worst: Severity| Cell {
            score: n,
            color: Some(color(worst)),
            comment: format!("detections: {n}, the worst {worst}"),
        };
        let mut description =
            "Detections in event logs: the score is their number, the colour the worst severity".to_owned();
        for exclusion in &report.scan.policy.exclusions {
            description += &format!("; {} {}", exclusion.counted(), exclusion.told());
        }
        let layer = Layer {
            name: "evtmap detections".to_owned(),
            description,
            cells: self.techniques.iter().map(|(id, (n, worst))| (*id, cell(*n, *worst))).collect(),
            legend: Severity::WORST_FIRST
                .iter()
                .map(|severity| (severity.as_str(), color(*severity)))
                .collect(),
        };
        serde_json::to_writer_pretty(&mut self.out, &layer.to_json(report.catalogue))?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}
