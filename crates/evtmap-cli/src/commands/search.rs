//! `evtmap search`: events by text, regular expressions and conditions on fields.

mod line;

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use evtmap::Workspace;
use evtmap::view::{EventLine, Hit, Query, Search};
use serde_json::json;

use super::reading::{self, ReadingArgs};
use super::viewer::ZoneArgs;
use super::viewing::{look_at_all, not_looked_at};
use crate::failure::Failure;
use crate::terminal::{self, FAINT, counted, escaped, number, plain};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap search evidence/ --text mimikatz
  evtmap search evidence/ --event-id 4688,1 --where 'CommandLine|contains=-enc' --not 'User=SYSTEM'
  evtmap search evidence/ --category process_creation --where 'Image|endswith=\\certutil.exe' --json
  evtmap search evidence/ --where 'IpAddress=10.0.5.7' --where 'Ip|cidr=10.0.5.0/24' --any --fields IpAddress

A condition is written as in a Sigma rule: a field, modifiers behind bars, `=`, and a value in which `*` and `?`
stand for other text. Fields have the names that `--json` shows, or with --category those of that category.
--where, --text, --regex and --not are called w1, w2, t1, r1, n1 and so on in --condition.")]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    /// Text in any value or in the message, whatever its case; several must all be there
    #[arg(short, long, value_name = "TEXT", help_heading = "Search")]
    text: Vec<String>,

    /// A regular expression that any value or the message has; `(?i)` at its beginning ignores case
    #[arg(short = 'e', long, value_name = "REGEX", help_heading = "Search")]
    regex: Vec<String>,

    /// A condition on a field: 'Image|endswith=\cmd.exe'; several must all hold
    #[arg(short = 'w', long = "where", value_name = "CONDITION", help_heading = "Search")]
    conditions: Vec<String>,

    /// A condition that must not hold
    #[arg(long = "not", value_name = "CONDITION", help_heading = "Search")]
    exceptions: Vec<String>,

    /// One of texts, expressions and conditions is enough
    #[arg(long, help_heading = "Search")]
    any: bool,

    /// How they are joined: '(w1 or w2) and not t1'
    #[arg(long, value_name = "EXPRESSION", help_heading = "Search", conflicts_with = "any")]
    condition: Option<String>,

    /// Only events of this category of Sigma's, such as process_creation, whichever log they are in
    #[arg(long, value_name = "NAME", help_heading = "Search")]
    category: Option<String>,

    /// Only events with one of these ids
    #[arg(long, value_name = "ID", help_heading = "Selection", value_delimiter = ',',
        value_parser = event_id)]
    event_id: Vec<u32>,

    /// Only events of this channel, as it is or as it is shown; `*` stands for any text; may be given several
    /// times
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    channel: Vec<String>,

    /// Only events of this host; `*` stands for any text; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    host: Vec<String>,

    /// Show these fields instead of those by which an event was found
    #[arg(long, value_name = "NAME", help_heading = "Display", value_delimiter = ',')]
    fields: Vec<String>,

    /// Stop after so many events that were found
    #[arg(long, value_name = "N", help_heading = "Display")]
    max: Option<u64>,

    #[command(flatten)]
    zone: ZoneArgs,

    /// Print only how many were found
    #[arg(long, help_heading = "Display")]
    count: bool,

    /// Write each event with all its fields as a line of JSON
    #[arg(long, help_heading = "Display")]
    json: bool,
}

/// What was found in a batch.
#[derive(Default)]
struct Notes {
    workspace: Workspace,
    hits: Vec<Shown>,
    n: u64,
}

/// An event that was found, as it will be shown.
enum Shown {
    Line(Hit),
    Json(String),
}

/// Runs the command.
pub(crate) fn run(args: &SearchArgs) -> Result<ExitCode, Failure> {
    let search = Search::new(&query(args))
        .map_err(|error| Failure::new(format!("cannot search for {error}")).help(error.help))?;
    let n_max = args.max.unwrap_or(u64::MAX);
    let viewer = args.zone.viewer()?;
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    let mut n_found = 0;
    let account = look_at_all(
        &args.reading,
        |notes: &mut Notes, event, place| {
            if !search.finds(event, &mut notes.workspace) {
                return;
            }
            notes.n += 1;
            if args.json && !args.count {
                // All of it is text and numbers, which can always be written.
                let line = EventLine::write(event, place.path, place.position).unwrap_or_default();
                notes.hits.push(Shown::Json(line));
            } else if !args.count {
                notes.hits.push(Shown::Line(search.hit(event, &args.fields)));
            }
        },
        |notes| {
            let n_left = n_max - n_found;
            n_found += notes.n.min(n_left);
            let n_shown = usize::try_from(n_left).unwrap_or(usize::MAX);
            for shown in notes.hits.iter().take(n_shown) {
                let written = match shown {
                    Shown::Json(line) => writeln!(out, "{}", escaped(line)),
                    Shown::Line(hit) => writeln!(out, "{}", line::render(hit, &viewer)),
                };
                written.map_err(|error| Failure::output("standard output", &error))?;
            }
            Ok(if n_found >= n_max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        },
    )?;
    if args.count {
        let line = if args.json { json!({"found": n_found}).to_string() } else { n_found.to_string() };
        writeln!(out, "{line}").map_err(|error| Failure::output("standard output", &error))?;
    }
    out.flush().map_err(|error| Failure::output("standard output", &error))?;
    drop(out);
    if !args.reading.quiet {
        let n_events = account.progress().events;
        let mut text = format!("{FAINT}{} of {}{FAINT:#}\n", number(n_found), counted(n_events, "event"));
        for name in search.unseen_fields().iter().filter(|_| n_found == 0) {
            text += &format!("{FAINT}no event that was looked at has a field `{}`{FAINT:#}\n", plain(name));
        }
        terminal::print_aside(&(text + &not_looked_at(&account)))?;
    }
    Ok(reading::status(&account))
}

fn query(args: &SearchArgs) -> Query {
    Query {
        texts: args.text.clone(),
        regexes: args.regex.clone(),
        conditions: args.conditions.clone(),
        exceptions: args.exceptions.clone(),
        any: args.any,
        condition: args.condition.clone(),
        category: args.category.clone(),
        event_ids: args.event_id.iter().copied().collect::<BTreeSet<u32>>(),
        channels: args.channel.clone(),
        hosts: args.host.clone(),
    }
}

fn event_id(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| "an event id is a number; several are parted by commas".to_owned())
}
