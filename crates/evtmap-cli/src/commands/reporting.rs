//! How reports are written: the options about columns, times and order.

use std::path::PathBuf;

use evtmap::report::{FieldChoice, Format, ReportOptions, RunNote, TimeStyle};
use evtmap::sort::SortBy;
use jiff::Timestamp;

use super::reading::time_zone;
use crate::args::MapArgs;
use crate::failure::Failure;
use crate::output;

/// What was asked for: every report, and how it is written.
pub(crate) struct Reporting {
    /// Where each report goes, and its format.
    pub(crate) formats: Vec<&'static Format>,
    pub(crate) options: ReportOptions,
    pub(crate) sort: Option<SortBy>,
}

/// Options as the library takes them.
pub(super) fn options(args: &MapArgs, now: Timestamp) -> Result<Reporting, Failure> {
    if let Some(format) = args.format.as_ref().filter(|_| args.output.is_empty()) {
        return Err(Failure::new(format!("`--format {format}` is for a report, and none is asked for"))
            .help("`-o FILE` writes one to a file, `-o -` to standard output"));
    }
    let formats = output::formats_of(&args.output, args.format.as_deref())?;
    let fields = fields(&args.fields)?;
    if fields.is_some() && !formats.iter().any(|format| format.takes_fields()) {
        return Err(Failure::new("no report takes `--fields`").help("those in csv and jsonl do"));
    }
    let options = ReportOptions {
        neutralise_formulas: !args.raw_csv,
        fields,
        times: times(args.timezone.as_deref(), args.time_format.as_deref())?,
        evidence: args.evidence,
        run: run_note(args, &formats, now),
    };
    Ok(Reporting { formats, options, sort: args.sort.map(Into::into) })
}

/// What reports for people tell of the run.
fn run_note(args: &MapArgs, formats: &[&Format], now: Timestamp) -> RunNote {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    RunNote {
        command: std::iter::once("evtmap".to_owned()).chain(arguments).collect(),
        begun: Some(now),
        other_reports: with_every_alert(&args.output, formats),
    }
}

/// The reports in which all is that a page leaves out: not another page, nor a summary, nor what was written to
/// standard output and has no name.
fn with_every_alert(paths: &[PathBuf], formats: &[&Format]) -> Vec<String> {
    let named = paths.iter().zip(formats).filter(|(path, _)| path.as_os_str() != "-");
    let whole = named.filter(|(_, format)| format.holds_every_alert);
    whole.map(|(path, _)| path.display().to_string()).collect()
}

/// Which fields JSON lines have.
pub(super) fn fields(names: &[String]) -> Result<Option<FieldChoice>, Failure> {
    if names.is_empty() {
        return Ok(None);
    }
    let choice = FieldChoice::new(names.iter().map(String::as_str));
    choice.map(Some).map_err(|unknown| {
        let help = unknown.nearest.map_or_else(
            || "names are those of the CSV's columns and of members of JSON lines; docs/reports.md lists them".to_owned(),
            |nearest| format!("did you mean `{nearest}`? Fields of events are written `fields.NAME`"),
        );
        Failure::new(format!("`--fields {}` names no column", unknown.name)).help(help)
    })
}

/// How times are written for people.
pub(super) fn times(zone: Option<&str>, format: Option<&str>) -> Result<TimeStyle, Failure> {
    let zone = time_zone("--timezone", zone.unwrap_or("UTC"))?;
    let format = format.unwrap_or("rfc3339");
    TimeStyle::new(zone, format).map_err(|problem| {
        Failure::new(format!("`--time-format {format}` is not a form of times: {problem}"))
            .help("write rfc3339, epoch, epoch-ms, or a pattern such as '%d.%m.%Y %H:%M:%S'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reports_that_hold_every_alert_are_named() {
        let paths =
            ["a.html", "b.navigator.json", "c.md", "d.csv", "-", "e.json", "f.htm"].map(PathBuf::from);
        let formats = output::formats_of(&paths, Some("jsonl")).unwrap();
        assert_eq!(with_every_alert(&paths, &formats), ["d.csv", "e.json"]);
        assert!(with_every_alert(&paths[..3], &formats[..3]).is_empty());
    }
}
