//! How reports are written: the options about columns, times and order.

use evtmap::report::{FieldChoice, Format, ReportOptions, TimeStyle};
use evtmap::sort::SortBy;

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
pub(super) fn options(args: &MapArgs) -> Result<Reporting, Failure> {
    let formats = output::formats_of(&args.output, args.format.as_deref())?;
    let fields = fields(&args.fields)?;
    if fields.is_some() && !formats.iter().any(|format| format.takes_fields()) {
        return Err(Failure::new("no report takes `--fields`").help("those in csv and jsonl do"));
    }
    let options = ReportOptions { neutralise_formulas: !args.raw_csv, fields, times: times(args)? };
    Ok(Reporting { formats, options, sort: args.sort.map(Into::into) })
}

fn fields(names: &[String]) -> Result<Option<FieldChoice>, Failure> {
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

fn times(args: &MapArgs) -> Result<TimeStyle, Failure> {
    let zone = time_zone("--timezone", &args.timezone)?;
    TimeStyle::new(zone, &args.time_format).map_err(|problem| {
        Failure::new(format!("`--time-format {}` is not a form of times: {problem}", args.time_format))
            .help("write rfc3339, epoch, epoch-ms, or a pattern such as '%d.%m.%Y %H:%M:%S'")
    })
}
