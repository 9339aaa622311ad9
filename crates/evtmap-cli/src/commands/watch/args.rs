//! What the user says about a watch.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use evtmap::Severity;
use evtmap_watch::sink;

use crate::args::severity;
use crate::commands::reading::zone_name;
use crate::commands::rule_choice::RuleArgs;
use crate::config::{Config, WatchTable};
use crate::failure::Failure;

/// How many files of alerts before the last are kept.
const N_KEPT: u64 = 10;
/// How many bytes may wait for a sink that is down.
const N_BYTES_WAITING_MAX: u64 = 1 << 30;

#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  evtmap watch /var/log/windows -o alerts.jsonl
  evtmap watch forwarded.jsonl -o alerts.jsonl --rotate 100M --keep 5
  evtmap watch logs/ --state /var/lib/evtmap -o https://hooks.example/evtmap -o syslog+tls://siem.example
  evtmap watch --live Security --live System -o alerts.jsonl        (on Windows)
  nc -lk 5140 | evtmap watch - --min-severity high

Exit status:
  0  ended by Ctrl-C or SIGTERM, or standard input ended    2  an error kept something from being done")]
pub(crate) struct WatchArgs {
    /// Event logs (.evtx) and JSON lines that grow, or folders of them; `-` is standard input; without any, and
    /// without --live, what `[watch]` of the configuration says is done
    #[arg(value_name = "PATH")]
    pub(super) inputs: Vec<String>,

    /// On Windows: follow a channel of the running event log, such as Security; `all` is every enabled one;
    /// may be said several times
    #[arg(long = "live", value_name = "CHANNEL", help_heading = "Live log")]
    pub(super) channels: Vec<String>,

    /// Which events Windows is to hand out, as the Event Viewer writes it: '*[System[EventID=4625]]'
    #[arg(long, value_name = "XPATH", help_heading = "Live log")]
    pub(super) xpath: Option<String>,

    /// Follow the event log of another computer, with the rights of whoever runs this
    #[arg(long, value_name = "COMPUTER", help_heading = "Live log")]
    pub(super) remote: Option<String>,

    /// Have Windows make the message of each event too, in which keywords are then found; takes time
    #[arg(long, help_heading = "Live log")]
    pub(super) messages: bool,

    /// Look also at what is there already; by default only at what comes, and at what came since the last run
    #[arg(long, help_heading = "Reading")]
    pub(super) from_start: bool,

    /// Look every so many seconds whether files have grown, and do not wait for the system to tell; for
    /// network drives
    #[arg(long, value_name = "SECONDS", help_heading = "Reading", value_parser = seconds)]
    pub(super) poll: Option<Duration>,

    /// The time zone of times that name none: UTC, local, +02:00, Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Reading", allow_hyphen_values = true, value_parser = zone_name)]
    pub(super) input_timezone: Option<String>,

    /// How many threads match when much comes at once; all processors by default
    #[arg(long, value_name = "N", help_heading = "Reading")]
    pub(super) threads: Option<NonZero<usize>>,

    /// Where alerts go: a file of JSON lines, `-` for JSON lines on standard output, https://…,
    /// syslog://HOST:PORT, syslog+tls://HOST:PORT, on Windows `eventlog:` for its event log and `toast:` for
    /// notifications; a line each on the terminal if nothing is said
    #[arg(short, long, value_name = "WHERE", help_heading = "Alerts")]
    pub(super) output: Vec<String>,

    /// The folder that remembers how far everything was read and written [default: beside the first file of
    /// alerts, FILE.state]
    #[arg(long, value_name = "DIR", help_heading = "Alerts")]
    pub(super) state: Option<PathBuf>,

    /// Begin a new file of alerts when it has so many bytes: 100M, 1G
    #[arg(long, value_name = "SIZE", help_heading = "Alerts", value_parser = size)]
    pub(super) rotate: Option<u64>,

    /// How many of those before are kept [default: 10]
    #[arg(long, value_name = "N", help_heading = "Alerts")]
    pub(super) keep: Option<u64>,

    /// How much may wait on the disk for a webhook or log server that is down; what is more is given up
    /// [default: 1G]
    #[arg(long, value_name = "SIZE", help_heading = "Alerts", value_parser = size)]
    pub(super) max_spool: Option<u64>,

    /// Trust the certificates of this file (PEM) and not those that the system trusts
    #[arg(long, value_name = "FILE", help_heading = "Alerts")]
    pub(super) ca_file: Option<PathBuf>,

    /// What JSON lines tell, parted by commas, as for `map`
    #[arg(long, value_name = "NAMES", help_heading = "Alerts", value_delimiter = ',')]
    pub(super) fields: Vec<String>,

    /// The time zone of times on the terminal and in JSON: UTC, local, +02:00, Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Alerts", allow_hyphen_values = true, value_parser = zone_name)]
    pub(super) timezone: Option<String>,

    /// Show on the terminal too what an event id alone may hint at, which other outputs are told anyway
    #[arg(long, help_heading = "Alerts", conflicts_with = "no_associations")]
    pub(super) associations: bool,

    /// Leave out everywhere what an event id alone may hint at
    #[arg(long, help_heading = "Alerts")]
    pub(super) no_associations: bool,

    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// Tell only what is at least so bad
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection", value_parser = severity)]
    pub(super) min_severity: Option<Severity>,

    /// Serve figures for Prometheus at http://ADDRESS/metrics, such as 127.0.0.1:9400
    #[arg(long, value_name = "ADDRESS", help_heading = "Health")]
    pub(super) metrics: Option<SocketAddr>,

    /// Serve them to other machines too, if ADDRESS is one that they reach
    #[arg(long, help_heading = "Health")]
    pub(super) metrics_open: bool,

    /// Tell on standard error every so many seconds how it is going [default: 60 on a terminal]
    #[arg(long, value_name = "SECONDS", help_heading = "Health", value_parser = seconds)]
    pub(super) status: Option<Duration>,

    /// Print neither how it is going nor what was not looked at, only warnings and errors
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl WatchArgs {
    /// Takes from the configuration what was not said, if what is watched was not. Who names something looks at
    /// that, and does not want it where the alerts of a service go.
    pub(super) fn fill(&mut self, config: &Config) {
        if !self.inputs.is_empty() || !self.channels.is_empty() {
            return;
        }
        let WatchTable { inputs, live, xpath, remote, messages, outputs, fields, .. } = &config.tables.watch;
        let table = &config.tables.watch;
        let place = |name: &String| config.resolve(name.as_ref()).display().to_string();
        let resolved = |name: &String, is_path: bool| if is_path { place(name) } else { name.clone() };
        self.inputs = inputs.iter().map(|name| resolved(name, name != "-")).collect();
        self.channels.clone_from(live);
        self.xpath = self.xpath.take().or_else(|| xpath.clone());
        self.remote = self.remote.take().or_else(|| remote.clone());
        self.messages |= messages;
        self.from_start |= table.from_start;
        self.poll = self.poll.or(table.poll.map(|poll| poll.0));
        if self.output.is_empty() {
            self.output = outputs.iter().map(|name| resolved(name, is_file(name))).collect();
        }
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| config.resolve(path));
        self.state = self.state.take().or_else(|| path(&table.state));
        self.ca_file = self.ca_file.take().or_else(|| path(&table.ca_file));
        self.rotate = self.rotate.or(table.rotate.map(|size| size.0));
        self.keep = self.keep.or(table.keep);
        self.max_spool = self.max_spool.or(table.max_spool.map(|size| size.0));
        if self.fields.is_empty() {
            self.fields.clone_from(fields);
        }
        self.timezone = self.timezone.take().or_else(|| table.timezone.clone());
        if !self.associations && !self.no_associations {
            self.associations = table.associations == Some(true);
            self.no_associations = table.associations == Some(false);
        }
        self.min_severity = self.min_severity.or(table.min_severity);
        self.metrics = self.metrics.or(table.metrics);
        self.metrics_open |= table.metrics_open;
        self.status = self.status.or(table.status.map(|every| every.0));
    }

    /// Refuses what is said about something that is not asked for.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let has_channels = !self.channels.is_empty();
        let needs = [
            ("--xpath", self.xpath.is_some(), "--live", has_channels),
            ("--remote", self.remote.is_some(), "--live", has_channels),
            ("--messages", self.messages, "--live", has_channels),
            ("--keep", self.keep.is_some(), "--rotate", self.rotate.is_some()),
            ("--metrics-open", self.metrics_open, "--metrics", self.metrics.is_some()),
        ];
        match needs.into_iter().find(|(_, is_said, _, is_met)| *is_said && !is_met) {
            None => Ok(()),
            Some((option, _, needed, _)) => {
                Err(Failure::new(format!("`{option}` is for `{needed}`")).help("give both, or leave it out"))
            }
        }
    }

    /// How many files of alerts before the last are kept.
    pub(super) fn keep(&self) -> u64 {
        self.keep.unwrap_or(N_KEPT)
    }

    /// How many bytes may wait for a sink that is down.
    pub(super) fn max_spool(&self) -> u64 {
        self.max_spool.unwrap_or(N_BYTES_WAITING_MAX)
    }

    /// The files that alerts are written to.
    pub(super) fn files(&self) -> impl Iterator<Item = &String> {
        self.output.iter().filter(|name| is_file(name))
    }
}

/// Whether an output is a file.
fn is_file(name: &str) -> bool {
    name != "-" && sink::is_file(name)
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds < 1e6);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it is a number of seconds".to_owned())
}

/// A number of bytes, as people write it.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a number of bytes such as 500K, 100M or 1G".to_owned();
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at_checked(at).ok_or_else(wrong)?,
        None => (text, ""),
    };
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(wrong()),
    };
    let n: u64 = digits.parse().map_err(|_| wrong())?;
    n.checked_mul(1 << shift).filter(|n| *n > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in
            [("7", 7), ("500K", 500 << 10), ("100m", 100 << 20), ("1GiB", 1 << 30), ("2gb", 2 << 30)]
        {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "M", "-1", "1X", "99999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
