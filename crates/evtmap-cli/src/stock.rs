//! What rules and which ATT&CK are used: the user's, the cache's, or the program's.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use evtmap::Catalogue;
use evtmap::attack::Library;
use evtmap::rules::{RuleCache, RuleFile, RuleSource};
use evtmap_update::{Edition, Part, Store, UpdateError, Which};
use jiff::Timestamp;

use crate::config::Config;
use crate::failure::Failure;
use crate::terminal;

/// From how many days on rules and ATT&CK are called old.
const N_DAYS_OLD: i64 = 90;

/// What is said of content that comes with the program.
const PROGRAM: &str = "the program";

#[derive(Args, Clone, Debug)]
pub(crate) struct CacheArgs {
    /// Where rules and ATT&CK data are kept that `update` brings
    #[arg(long, global = true, value_name = "DIR", help_heading = "Rules and ATT&CK")]
    cache_dir: Option<PathBuf>,

    /// Touch no network, whatever is asked for; only `update`, and outputs of `watch` on the network, would
    #[arg(long, global = true, help_heading = "Rules and ATT&CK")]
    offline: bool,
}

impl CacheArgs {
    /// Whether no network is to be touched.
    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }
}

/// The cache, and what else stands in for it.
pub(crate) struct Cache {
    store: Option<Store>,
    is_named: bool,
    pub(crate) is_offline: bool,
    /// What the configuration has in place of the cache.
    rules: Vec<PathBuf>,
    attack: Option<PathBuf>,
}

/// Rules, and where they are from.
pub(crate) struct RuleStock {
    pub(crate) sources: Vec<RuleSource>,
    /// As people call it.
    pub(crate) origins: Vec<String>,
    /// When it was last asked whether there are newer ones.
    pub(crate) checked: Option<Timestamp>,
}

/// A catalogue, and where it is from.
pub(crate) struct AttackStock {
    pub(crate) catalogue: Catalogue,
    /// As people call it.
    pub(crate) origin: String,
    checked: Option<Timestamp>,
    whole: Whole,
}

/// Where all that a release tells at length is read, should it be asked for.
enum Whole {
    Nowhere,
    Bundle(PathBuf),
    Edition(Box<Edition>),
}

impl Cache {
    /// The cache that the user named, or the one at its usual place. Nothing is read yet.
    pub(crate) fn open(args: &CacheArgs, config: &Config) -> Self {
        let folder = args.cache_dir.clone().or_else(evtmap_update::default_folder);
        let (rules, attack) = (&config.tables.rules.paths, &config.tables.attack.path);
        Self {
            store: folder.map(Store::at),
            is_named: args.cache_dir.is_some(),
            is_offline: args.offline,
            rules: rules.iter().map(|path| config.resolve(path)).collect(),
            attack: attack.as_ref().map(|path| config.resolve(path)),
        }
    }

    /// The cache, to be written to.
    pub(crate) fn store(&self) -> Result<&Store, Failure> {
        self.store.as_ref().ok_or_else(|| Failure::from(UpdateError::NoFolder))
    }

    /// The rules of paths; where none is given, those of the configuration, of the cache, or else of the program.
    pub(crate) fn rules(&self, paths: &[PathBuf]) -> Result<RuleStock, Failure> {
        let paths = if paths.is_empty() { &self.rules } else { paths };
        let by_hand = self.by_hand("rules").filter(|path| path.is_dir());
        if paths.is_empty() {
            if let Some(stock) = self.cached(Part::Rules, RuleStock::of) {
                return Ok(stock);
            }
            if by_hand.is_none() {
                let sources = vec![RuleSource::bundled()];
                return Ok(RuleStock { sources, origins: vec![PROGRAM.to_owned()], checked: None });
            }
        }
        let by_hand = by_hand.filter(|_| paths.is_empty());
        let mut stock = RuleStock { sources: Vec::new(), origins: Vec::new(), checked: None };
        for path in paths.iter().chain(&by_hand) {
            stock.sources.push(RuleSource::open(path)?);
            stock.origins.push(path.display().to_string());
        }
        Ok(stock)
    }

    /// The catalogue of a bundle; where none is given, that of the configuration, of the cache, or else of the
    /// program.
    pub(crate) fn attack(&self, path: Option<&Path>) -> Result<AttackStock, Failure> {
        if let Some(path) = path.or(self.attack.as_deref()) {
            return AttackStock::of_bundle(path);
        }
        if let Some(stock) = self.cached(Part::Attack, AttackStock::of) {
            return Ok(stock);
        }
        let name = "enterprise-attack.json";
        let own = || evtmap_update::predecessor_folder().map(|folder| folder.join(name));
        let by_hand = self.by_hand(name).filter(|path| path.is_file());
        let by_hand = by_hand.or_else(|| own().filter(|path| !self.is_named && path.is_file()));
        if let Some(path) = by_hand {
            return AttackStock::of_bundle(&path);
        }
        let (catalogue, origin) = (Catalogue::bundled(), PROGRAM.to_owned());
        Ok(AttackStock { catalogue, origin, checked: None, whole: Whole::Nowhere })
    }

    /// Where rules are kept that were made ready.
    pub(crate) fn compiled(&self) -> Option<RuleCache> {
        Some(RuleCache::at(self.store.as_ref()?.folder().join("compiled")))
    }

    /// What a change of the rules or of ATT&CK shows in, beside what the user names.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        let store = self.store.iter().map(|store| store.folder().join("in-use.json"));
        let by_hand = ["rules", "enterprise-attack.json"].into_iter().filter_map(|name| self.by_hand(name));
        store.chain(by_hand).chain(self.rules.iter().cloned()).chain(self.attack.clone()).collect()
    }

    /// What somebody put into the cache folder by hand.
    fn by_hand(&self, name: &str) -> Option<PathBuf> {
        Some(self.store.as_ref()?.folder().join(name))
    }

    /// What the cache has of a part. What cannot be used is told of, and what was in use before takes its
    /// place.
    fn cached<T>(&self, part: Part, read: fn(&Edition) -> Result<T, UpdateError>) -> Option<T> {
        let store = self.store.as_ref()?;
        let try_one =
            |which| store.edition(part, which).and_then(|edition| edition.as_ref().map(read).transpose());
        let problem = match try_one(Which::Current) {
            Ok(found) => return found,
            Err(problem) => problem,
        };
        let earlier = try_one(Which::Earlier).ok().flatten();
        let instead = if earlier.is_some() { "those before them" } else { "the program's own" };
        terminal::warning(&format!("{problem}; {instead} are used"), &problem.help());
        earlier
    }
}

impl RuleStock {
    /// The texts of all rules.
    pub(crate) fn files(&self) -> Result<Vec<RuleFile>, Failure> {
        let mut files = Vec::new();
        for source in &self.sources {
            files.extend(source.files()?);
        }
        Ok(files)
    }

    fn of(edition: &Edition) -> Result<Self, UpdateError> {
        let origins = edition.manifest().pieces.iter().map(evtmap_update::Piece::label).collect();
        Ok(Self { sources: edition.rule_sources()?, origins, checked: edition.checked() })
    }
}

impl AttackStock {
    fn of(edition: &Edition) -> Result<Self, UpdateError> {
        let (catalogue, origin) = (edition.catalogue()?, "the cache".to_owned());
        let whole = Whole::Edition(Box::new(edition.clone()));
        Ok(Self { catalogue, origin, checked: edition.checked(), whole })
    }

    fn of_bundle(path: &Path) -> Result<Self, Failure> {
        let (catalogue, _) = read_bundle(path)?;
        let (origin, whole) = (path.display().to_string(), Whole::Bundle(path.to_owned()));
        Ok(Self { catalogue, origin, checked: None, whole })
    }

    /// What the release tells at length.
    pub(crate) fn library(&self) -> Result<Library, Failure> {
        match &self.whole {
            Whole::Edition(edition) => Ok(edition.library()?),
            Whole::Bundle(path) => Ok(read_bundle(path)?.1),
            Whole::Nowhere => {
                Err(Failure::new("the ATT&CK of the program has names and short descriptions only")
                    .help("`evtmap update attack` brings groups, mitigations, detections and MITRE's texts"))
            }
        }
    }

    /// Domain, release and its day, as `enterprise-attack 19.2 of 2026-08-05`.
    pub(crate) fn label(&self) -> String {
        self.catalogue.label()
    }

    /// How old it is.
    pub(crate) fn age(&self) -> Age {
        let name = ["ATT&CK", self.catalogue.version().unwrap_or_default()].join(" ").trim_end().to_owned();
        Age { name, is_plural: false, date: self.catalogue.date().map(str::to_owned), checked: self.checked }
    }
}

fn read_bundle(path: &Path) -> Result<(Catalogue, Library), Failure> {
    let file = File::open(path).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string().to_lowercase(),
        };
        Failure::new(format!("cannot read `{}`: {reason}", path.display()))
    })?;
    Catalogue::from_stix_whole(file).map_err(|error| {
        Failure::new(format!("cannot use `{}` as ATT&CK: {error}", path.display())).help(error.help())
    })
}

/// Of when something is, and when it was last asked whether there is something newer.
pub(crate) struct Age {
    pub(crate) name: String,
    /// Whether the name is of several things.
    pub(crate) is_plural: bool,
    /// `YYYY-MM-DD`.
    pub(crate) date: Option<String>,
    checked: Option<Timestamp>,
}

impl Age {
    /// The age of rules, of which the newest is of a day.
    pub(crate) fn of_rules(date: Option<&str>, checked: Option<Timestamp>) -> Self {
        Self { name: "the rules".to_owned(), is_plural: true, date: date.map(str::to_owned), checked }
    }

    /// Whether it is older than 90 days, and nobody has asked since for something newer.
    pub(crate) fn is_old(&self, now: Timestamp) -> bool {
        let day = |text: &String| format!("{}T00:00:00Z", text.replace('/', "-")).parse::<Timestamp>().ok();
        let latest = self.date.as_ref().and_then(day).max(self.checked);
        latest.is_some_and(|latest| now.as_second() - latest.as_second() > N_DAYS_OLD * 24 * 60 * 60)
    }
}
