//! Where alerts go: counted, and written to every report that was asked for.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use evtmap::alert::Alert;
use evtmap::input::{self, Found, FoundFile, InputOptions};
use evtmap::report::Pen;
use evtmap::sort::Sorter;
use evtmap::triage::{BatchCounter, Report, Summary, Tally};
use evtmap::{Prepare, Prepared, Progress, ScanAccount, Sink};
use indicatif::ProgressBar;

use crate::args::MapArgs;
use crate::commands::reporting::Reporting;
use crate::failure::Failure;
use crate::output::Output;
use crate::{progress, terminal};

/// Takes the alerts of a scan.
pub(crate) struct Desk {
    pub(crate) reports: Reports,
    tally: Tally,
    bar: ProgressBar,
}

impl Desk {
    /// Begins the reports that the user asked for.
    pub(crate) fn open(args: &MapArgs, found: &Found, reporting: Reporting) -> Result<Self, Failure> {
        refuse_inputs(&args.output, found)?;
        let reports = Reports::open(&args.output, reporting)?;
        Ok(Self { reports, tally: Tally::default(), bar: progress::bar(found, args.reading.quiet) })
    }

    /// What became of the files, unless no report was left to write.
    pub(crate) fn account(&mut self, scanned: io::Result<ScanAccount>) -> Result<ScanAccount, Failure> {
        self.bar.finish_and_clear();
        scanned.map_err(|error| {
            self.reports.last_failure.take().unwrap_or_else(|| Failure::new(error.to_string()))
        })
    }

    /// What the alerts came to.
    pub(crate) fn summary(&mut self) -> Summary {
        std::mem::take(&mut self.tally).finish()
    }

    /// Whether a report goes to standard output, so that nothing else may.
    pub(crate) fn has_stdout(&self) -> bool {
        self.reports.has_stdout
    }
}

impl Sink for Desk {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.tally.add(alert);
        self.reports.alert(alert)
    }

    fn batch(&mut self, alerts: &mut Vec<Alert>, prepared: &Prepared) -> io::Result<()> {
        self.tally.add_batch(&prepared.counts);
        self.reports.batch(alerts, prepared)
    }

    fn preparation(&self) -> Option<Box<dyn Prepare>> {
        Some(Box::new(self.reports.preparation()))
    }

    fn progress(&mut self, progress: Progress) -> io::Result<()> {
        progress::show(&self.bar, progress);
        Ok(())
    }
}

/// The reports that are being written. One that cannot be written is told of and given up; the others go on.
pub(crate) struct Reports {
    outputs: Vec<Output>,
    has_stdout: bool,
    has_failed: bool,
    /// Why the last one that was left was given up.
    last_failure: Option<Failure>,
    /// Keeps the alerts until all are there, where they are to be written in another order.
    sorter: Option<Sorter>,
}

impl Reports {
    fn open(paths: &[PathBuf], reporting: Reporting) -> Result<Self, Failure> {
        if paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(Failure::new("only one report can go to standard output"));
        }
        let mut reports = Self {
            outputs: Vec::new(),
            has_stdout: false,
            has_failed: false,
            last_failure: None,
            sorter: reporting.sort.map(Sorter::new),
        };
        for (number, (path, format)) in paths.iter().zip(reporting.formats).enumerate() {
            match Output::open(number, path, format, &reporting.options) {
                Ok(output) => reports.outputs.push(output),
                Err(failure) => reports.give_up(failure),
            }
        }
        reports.has_stdout = reports.outputs.iter().any(Output::is_stdout);
        // Reading logs for an hour to write nothing of what was asked for helps nobody.
        match reports.last_failure.take() {
            Some(failure) if reports.outputs.is_empty() => Err(failure),
            Some(failure) => {
                terminal::error(&failure);
                Ok(reports)
            }
            None => Ok(reports),
        }
    }

    /// Notes a failure; the one before is told.
    fn give_up(&mut self, failure: Failure) {
        self.has_failed |= !failure.is_closed_pipe();
        if let Some(earlier) = self.last_failure.replace(failure)
            && !earlier.is_closed_pipe()
        {
            terminal::error(&earlier);
        }
    }

    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        let Some(sorter) = self.sorter.as_mut().filter(|_| !self.outputs.is_empty()) else {
            return self.write(alert);
        };
        sorter.push(alert).inspect_err(|error| self.last_failure = Some(Failure::sorting(error)))
    }

    /// Takes the alerts of a batch, of which lines were made for the outputs that have pens.
    fn batch(&mut self, alerts: &[Alert], prepared: &Prepared) -> io::Result<()> {
        if self.sorter.is_some() {
            return alerts.iter().try_for_each(|alert| self.alert(alert));
        }
        self.write_to_all(|output| output.batch(alerts, prepared))
    }

    /// What counts alerts and makes the lines of the outputs. Alerts that are to be sorted are not written yet.
    fn preparation(&self) -> Preparation {
        if self.sorter.is_some() {
            return Preparation { counter: BatchCounter::default(), pens: Vec::new(), needs_alerts: true };
        }
        let (mut pens, mut needs_alerts) = (Vec::new(), false);
        for (number, pen) in self.outputs.iter().map(Output::pen) {
            needs_alerts |= pen.is_none();
            pens.resize_with(number, || None);
            pens.push(pen);
        }
        Preparation { counter: BatchCounter::default(), pens, needs_alerts }
    }

    fn write(&mut self, alert: &Alert) -> io::Result<()> {
        self.write_to_all(|output| output.alert(alert))
    }

    fn write_to_all(&mut self, mut write: impl FnMut(&mut Output) -> Result<(), Failure>) -> io::Result<()> {
        let n_before = self.outputs.len();
        let mut failures = Vec::new();
        self.outputs.retain_mut(|output| match write(output) {
            Ok(()) => true,
            Err(failure) => {
                failures.push(failure);
                false
            }
        });
        failures.into_iter().for_each(|failure| self.give_up(failure));
        if self.outputs.is_empty() && n_before > 0 {
            return Err(io::Error::other("no report is left to write"));
        }
        Ok(())
    }

    /// Writes what stands at the end of each report and puts the files in their places. Gives whether one of
    /// the reports could not be written; it was told of then.
    ///
    /// # Errors
    /// When the reader of the only report went away: then nobody wants the rest either.
    pub(crate) fn finish(mut self, report: &Report<'_>) -> Result<bool, Failure> {
        let is_only_one = self.outputs.len() == 1;
        if let Some(sorter) = self.sorter.take() {
            // No report is put in its place that lacks what could not be read back.
            if let Err(error) = sorter.finish(|alert| self.write(alert))
                && !self.outputs.is_empty()
            {
                return Err(Failure::sorting(&error));
            }
        }
        for output in std::mem::take(&mut self.outputs) {
            if let Err(failure) = output.finish(report) {
                self.give_up(failure);
            }
        }
        match self.last_failure {
            Some(failure) if failure.is_closed_pipe() && is_only_one => return Err(failure),
            Some(failure) if !failure.is_closed_pipe() => terminal::error(&failure),
            _ => {}
        }
        Ok(self.has_failed)
    }
}

/// Counts alerts and makes lines of them, on any thread.
struct Preparation {
    counter: BatchCounter,
    /// What makes the lines of outputs, by their numbers.
    pens: Vec<Option<Box<dyn Pen>>>,
    /// Whether an output is written without.
    needs_alerts: bool,
}

impl Prepare for Preparation {
    fn prepare(&mut self, alerts: &[Alert], prepared: &mut Prepared) {
        self.counter.count(alerts, &mut prepared.counts);
        prepared.lines.resize_with(self.pens.len(), || None);
        for (pen, made) in self.pens.iter_mut().zip(&mut prepared.lines) {
            let mut lines = made.take().and_then(Result::ok).unwrap_or_default();
            lines.clear();
            *made = pen.as_mut().map(|pen| pen.write(alerts, &mut lines).map(|()| lines));
        }
    }

    fn another(&self) -> Box<dyn Prepare> {
        let pens = self.pens.iter().map(|pen| pen.as_ref().map(|pen| pen.another()));
        let pens = pens.collect();
        Box::new(Self { counter: BatchCounter::default(), pens, needs_alerts: self.needs_alerts })
    }

    fn needs_alerts(&self) -> bool {
        self.needs_alerts
    }
}

/// A report that is put in the place of a log would cost the evidence. One that replaces the report of an
/// earlier run, which lies in a folder of logs, does not.
fn refuse_inputs(outputs: &[PathBuf], found: &Found) -> Result<(), Failure> {
    for output in outputs {
        let Ok(output_file) = output.canonicalize() else { continue };
        let Some(n_bytes) = output_file.metadata().ok().filter(Metadata::is_file).map(|file| file.len())
        else {
            continue;
        };
        // There may be thousands of inputs, and to find out their sizes takes a tenth of the time.
        let is_output = |path: &Path| {
            path.metadata().is_ok_and(|input| input.len() == n_bytes)
                && path.canonicalize().is_ok_and(|path| path == output_file)
        };
        let is_log =
            |file: &FoundFile| file.named || input::open(&file.path, &InputOptions::default()).is_ok();
        if found.files.iter().any(|file| is_output(&file.path) && is_log(file)) {
            let help = "choose another name for the report, or name the inputs one by one";
            return Err(Failure::new(format!("`{}` is an input", output.display())).help(help));
        }
    }
    Ok(())
}
