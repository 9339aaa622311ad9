//! Rules and configuration, read at the start and whenever they change.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::thread;

use evtmap::input::{self, InputOptions};
use evtmap::{ScanOptions, Severity};
use evtmap_watch::{Loader, RuleSet};

use super::WatchArgs;
use crate::clock;
use crate::commands::reading::time_zone;
use crate::commands::rule_choice::Choice;
use crate::config::{Config, ConfigArgs};
use crate::failure::Failure;
use crate::stock::{Cache, CacheArgs};

/// What the user said about rules and configuration.
pub(super) struct Choosing {
    pub(super) args: WatchArgs,
    pub(super) cache: CacheArgs,
    pub(super) config: ConfigArgs,
}

impl Choosing {
    /// Reads the configuration, and what it and the user name.
    pub(super) fn choose(&self) -> Result<RuleSet, Failure> {
        let (config, args, cache) = self.read()?;
        let policy = config.policy(clock::now()?)?;
        let zone = args.input_timezone.as_deref().or(config.tables.input.timezone.as_deref());
        let input = InputOptions {
            timezone: time_zone("--input-timezone", zone.unwrap_or("UTC"))?,
            ..InputOptions::default()
        };
        let threads = args.threads.or_else(|| thread::available_parallelism().ok());
        let defaults = ScanOptions::default();
        let options = ScanOptions {
            threads: threads.unwrap_or(defaults.threads),
            min_severity: args.min_severity.unwrap_or(Severity::Informational),
            associations: !args.no_associations,
            input,
            ..defaults
        };
        let Choice { rules, findings, .. } = Choice::load(&args.rules, &cache)?;
        Ok(RuleSet { rules, findings, options, policy })
    }

    fn read(&self) -> Result<(Config, WatchArgs, Cache), Failure> {
        let config = Config::read(&self.config)?;
        let mut args = self.args.clone();
        args.rules.fill(&config);
        let cache = Cache::open(&self.cache, &config);
        Ok((config, args, cache))
    }
}

impl Loader for Choosing {
    fn load(&self) -> Result<RuleSet, String> {
        self.choose().map_err(|failure| match failure.help_text() {
            "" => failure.to_string(),
            help => format!("{failure}; {help}"),
        })
    }

    /// Of names, sizes and times of all files that they are read from.
    fn stamp(&self) -> u64 {
        let mut stamp = DefaultHasher::new();
        let Ok((config, args, cache)) = self.read() else {
            // A configuration that is wrong is worth a try, which then tells why.
            self.config.path().iter().for_each(|path| add(path, &mut stamp));
            return stamp.finish();
        };
        let filters =
            config.tables.exclusion.iter().filter_map(|exclusion| exclusion.as_ref().filter_file.as_ref());
        let filters = filters.map(|path| config.resolve(path.as_ref()));
        let named = args.rules.paths().cloned().chain(cache.watched()).chain(filters);
        for path in config.path().map(Path::to_owned).into_iter().chain(named) {
            if path.is_dir() {
                input::find([&path]).files.iter().for_each(|file| add(&file.path, &mut stamp));
            } else {
                add(&path, &mut stamp);
            }
        }
        stamp.finish()
    }
}

fn add(path: &Path, stamp: &mut DefaultHasher) {
    path.hash(stamp);
    let metadata = fs::metadata(path).ok();
    metadata.map(|metadata| (metadata.len(), metadata.modified().ok())).hash(stamp);
}
