//! Profiles: outputs and how they are written, under a name.

use std::path::PathBuf;

use evtmap::Severity;
use serde::Deserialize;

use crate::args::SortOrder;

/// What `--profile NAME` stands for. What the command line says as well takes the profile's place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Profile {
    pub(crate) outputs: Vec<PathBuf>,
    pub(crate) format: Option<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) timezone: Option<String>,
    pub(crate) time_format: Option<String>,
    pub(crate) min_severity: Option<Severity>,
    pub(crate) sort: Option<SortOrder>,
}
