//! Profiles: outputs and how they are written, under a name.

use std::path::PathBuf;

use evtmap::Severity;
use evtmap::report::{FORMATS, Format};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::args::SortOrder;

/// What `--profile NAME` stands for. What the command line says as well takes the profile's place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Profile {
    pub(crate) outputs: Vec<PathBuf>,
    #[serde(deserialize_with = "format")]
    pub(crate) format: Option<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) timezone: Option<String>,
    pub(crate) time_format: Option<String>,
    pub(crate) min_severity: Option<Severity>,
    pub(crate) sort: Option<SortOrder>,
}

/// The name of a format. One that is none is refused in serde's words for it, so that it is told as other words are
/// that are not known.
fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if Format::named(&name).is_none() {
        let known: Vec<String> = FORMATS.iter().map(|format| format!("`{}`", format.name)).collect();
        return Err(D::Error::custom(format!(
            "unknown variant `{name}`, expected one of {}",
            known.join(", ")
        )));
    }
    Ok(Some(name))
}
