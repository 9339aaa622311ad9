//! The configuration file `evtmap.toml`: the one of the folder or of a folder above it, or else the user's.

use std::path::{Path, PathBuf};

use evtmap_update::SourcesConfig;

use crate::failure::Failure;

const NAME: &str = "evtmap.toml";
/// The largest configuration that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What is configured.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Where rules and ATT&CK are from.
    pub(crate) update: SourcesConfig,
    /// Where the file lies; paths in it begin there.
    pub(crate) folder: PathBuf,
}

impl Config {
    /// Reads the file that the user named, or the one that is found; without one nothing is configured.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = named.map(Path::to_owned).or_else(find) else { return Ok(Self::default()) };
        let wrong = |what: String| Failure::new(format!("cannot use `{}`: {what}", path.display()));
        let is_large = path.metadata().is_ok_and(|metadata| metadata.len() > MAX_BYTES);
        if is_large {
            return Err(wrong("it is too large for a configuration".to_owned()));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string().to_lowercase()))?;
        let mut table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        let update = table.remove("update").map(toml::Value::try_into).transpose();
        let update: Option<SourcesConfig> = update.map_err(|error| {
            wrong(error.to_string()).help("see docs/updates.md for what `[update]` may say")
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { update: update.unwrap_or_default(), folder })
    }
}

fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let above = here.ancestors().map(|folder| folder.join(NAME));
    let users = evtmap_update::config_folder().map(|folder| folder.join(NAME));
    above.chain(users).find(|path| path.is_file())
}
