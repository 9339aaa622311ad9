//! The configuration file `evtmap.toml`: the one of the folder or of a folder above it, or else the user's.

mod place;
mod policy;
mod profile;
mod table;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;
use evtmap_update::SourcesConfig;
use jiff::Timestamp;

use crate::failure::Failure;
use place::Source;
pub(crate) use place::nearest;

pub(crate) use profile::Profile;
pub(crate) use table::{InputTable, Tables};
pub(crate) use watch::WatchTable;

pub(crate) const NAME: &str = "evtmap.toml";
/// What `config init` writes: every setting with what it does, commented out.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");
/// The largest configuration that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// The configuration; by default `evtmap.toml` of this folder or one above it, or else the user's
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Use no configuration, even if there is one
    #[arg(long, global = true, conflicts_with = "config")]
    no_config: bool,
}

impl ConfigArgs {
    /// The file that the user named, or the one that is found.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| if self.no_config { None } else { find() })
    }
}

/// What is configured.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// What the file says.
    pub(crate) tables: Tables,
    /// Where the file lies; paths in it begin there.
    pub(crate) folder: PathBuf,
    /// The file; none without a configuration.
    source: Option<Source>,
}

impl Config {
    /// Reads the file that the user named, or the one that is found; without one nothing is configured.
    pub(crate) fn read(args: &ConfigArgs) -> Result<Self, Failure> {
        let Some(path) = args.path() else { return Ok(Self::default()) };
        let wrong = |what: &str| Failure::new(format!("cannot use `{}`: {what}", path.display()));
        if path.metadata().is_ok_and(|metadata| metadata.len() > MAX_BYTES) {
            return Err(wrong("it is too large for a configuration"));
        }
        let text =
            std::fs::read_to_string(&path).map_err(|error| wrong(&error.to_string().to_lowercase()))?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let source = Source { path, text };
        let tables = toml::from_str(&source.text).map_err(|error| source.failure_of(&error))?;
        Ok(Self { tables, folder, source: Some(source) })
    }

    /// The file; none without a configuration.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.source.as_ref().map(|source| source.path.as_path())
    }

    /// Where rules and ATT&CK are from.
    pub(crate) fn update(&self) -> &SourcesConfig {
        &self.tables.update
    }

    /// Paths of the file as they are for who runs the program.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// What is said about alerts; none if it is nothing.
    pub(crate) fn policy(&self, now: Timestamp) -> Result<Option<evtmap::policy::Policy>, Failure> {
        let Some(source) = &self.source else { return Ok(None) };
        policy::Reading { tables: &self.tables, source, folder: &self.folder }.policy(now)
    }

    /// Whether the files are there that it names.
    pub(crate) fn check_files(&self) -> Result<(), Failure> {
        let rules = &self.tables.rules;
        let paths = (rules.paths.iter().chain(&rules.pipelines))
            .chain(&rules.placeholders)
            .chain(&self.tables.attack.path)
            .chain(&self.tables.watch.ca_file);
        match paths.map(|path| self.resolve(path)).find(|path| !path.exists()) {
            Some(missing) => Err(Failure::new(format!("there is no `{}`", missing.display()))
                .help("paths in the configuration begin in its own folder")),
            None => Ok(()),
        }
    }

    /// A profile by its name.
    pub(crate) fn profile(&self, name: &str) -> Result<&Profile, Failure> {
        self.tables.profiles.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.tables.profiles.keys().map(String::as_str).collect();
            let help = nearest(name, names.iter().copied()).map_or_else(
                || match names.as_slice() {
                    [] => format!("profiles are in `[profiles.NAME]` of {NAME}; there is none"),
                    _ => format!("there are {}", names.join(", ")),
                },
                |nearest| format!("did you mean `{nearest}`?"),
            );
            Failure::new(format!("there is no profile `{name}`")).help(help)
        })
    }
}

fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let above = here.ancestors().map(|folder| folder.join(NAME));
    let users = evtmap_update::config_folder().map(|folder| folder.join(NAME));
    above.chain(users).find(|path| path.is_file())
}

#[cfg(test)]
mod tests;
