//! What is watched, and where alerts go, when the command line names nothing to watch.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use evtmap::Severity;
use serde::Deserialize;

use crate::commands::watch::{seconds, size};

/// `[watch]`: the options of `evtmap watch`, by their names. What the command line says as well takes the place
/// of what stands here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WatchTable {
    pub(crate) inputs: Vec<String>,
    pub(crate) live: Vec<String>,
    pub(crate) xpath: Option<String>,
    pub(crate) remote: Option<String>,
    pub(crate) messages: bool,
    pub(crate) from_start: bool,
    pub(crate) poll: Option<Seconds>,
    pub(crate) outputs: Vec<String>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) rotate: Option<Size>,
    pub(crate) keep: Option<u64>,
    pub(crate) max_spool: Option<Size>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) fields: Vec<String>,
    pub(crate) timezone: Option<String>,
    /// Whether associations are told on the terminal too, or nowhere.
    pub(crate) associations: Option<bool>,
    pub(crate) min_severity: Option<Severity>,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) metrics_open: bool,
    pub(crate) status: Option<Seconds>,
}

/// A number of bytes, written `100M`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub(crate) u64);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        size(&text).map(Self)
    }
}

/// A number of seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Seconds(pub(crate) Duration);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        seconds(&number.to_string()).map(Self)
    }
}
