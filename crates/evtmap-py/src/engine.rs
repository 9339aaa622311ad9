//! Rules and ATT&CK made ready once a process, and shared by all that use them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use evtmap::input::InputOptions;
use evtmap::rules::{RuleCache, RuleSource, RulesError};
use evtmap::{Associations, Catalogue, Findings, Pipelines, Placeholders, Rules};
use pyo3::prelude::*;

use crate::error;

/// How many choices of rules and ATT&CK are kept beside those in use. Each batch that a worker of a cluster is
/// given may come with the same choice anew.
const N_KEPT: usize = 8;

/// What tells one choice of rules, or of ATT&CK, from another.
pub(crate) type Digest = Vec<u8>;

/// What rules were made of.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) sources: Vec<RuleSource>,
    pub(crate) placeholders: String,
    pub(crate) digest: Digest,
}

/// Rules, and what they were made of.
pub(crate) struct LoadedRules {
    pub(crate) recipe: Recipe,
    pub(crate) rules: Rules,
}

/// ATT&CK, and where it is from.
pub(crate) struct LoadedAttack {
    pub(crate) catalogue: Catalogue,
    pub(crate) origin: String,
    pub(crate) digest: Digest,
}

/// Rules and what they say in the words of a catalogue.
pub(crate) struct Engine {
    pub(crate) rules: Arc<LoadedRules>,
    pub(crate) attack: Arc<LoadedAttack>,
    pub(crate) findings: Findings,
    /// Tables that all readers share.
    pub(crate) input: InputOptions,
}

/// What was made of late, the newest last.
struct Kept<T>(Mutex<VecDeque<(Vec<Digest>, Arc<T>)>>);

static RULES: Kept<LoadedRules> = Kept::new();
static ATTACK: Kept<LoadedAttack> = Kept::new();
static ENGINES: Kept<Engine> = Kept::new();

impl<T> Kept<T> {
    const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// What was made for a key, or what `make` makes. Two threads may both make it; one of the two is kept.
    fn get_or_make<E>(&self, key: &[Digest], make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((key.to_vec(), Arc::clone(&made)));
        if kept.len() > N_KEPT {
            kept.pop_front();
        }
        Ok(made)
    }

    fn find(&self, key: &[Digest]) -> Option<Arc<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(own, _)| own == key)?;
        let found = kept.remove(at)?;
        let value = Arc::clone(&found.1);
        kept.push_back(found);
        Some(value)
    }
}

impl LoadedRules {
    /// The rules of a recipe.
    pub(crate) fn of(recipe: &Recipe) -> PyResult<Arc<Self>> {
        RULES.get_or_make(std::slice::from_ref(&recipe.digest), || {
            let pipelines = Pipelines::bundled()
                .map_err(|problem| error::option(problem.to_string(), "this is a fault of evtmap"))?;
            let placeholders = placeholders(&recipe.placeholders)?;
            let rules = load(recipe, &pipelines, &placeholders).map_err(|error| error::rules(&error))?;
            Ok(Self { recipe: recipe.clone(), rules })
        })
    }
}

/// The values of placeholders; without a text there are none.
fn placeholders(text: &str) -> PyResult<Placeholders> {
    if text.is_empty() {
        return Ok(Placeholders::default());
    }
    Placeholders::parse(text).map_err(|problem| {
        let message = format!("these are no placeholders: {}", problem.message);
        error::option(message, &problem.help)
    })
}

fn load(recipe: &Recipe, pipelines: &Pipelines, values: &Placeholders) -> Result<Rules, RulesError> {
    // The one of the program: what one of them made ready, the other has ready as well.
    let cache = evtmap_update::default_folder().map(|folder| RuleCache::at(folder.join("compiled")));
    Rules::load_cached(&recipe.sources, pipelines, values, cache.as_ref())
}

impl LoadedAttack {
    /// The release that comes with the module.
    pub(crate) fn bundled() -> PyResult<Arc<Self>> {
        let digest = Digest::new();
        let origin = "the program".to_owned();
        ATTACK.get_or_make(&[Digest::new()], || Ok(Self { catalogue: Catalogue::bundled(), origin, digest }))
    }

    /// A release with a digest that tells it from others.
    pub(crate) fn of(
        digest: Digest,
        origin: String,
        read: impl FnOnce() -> PyResult<Catalogue>,
    ) -> PyResult<Arc<Self>> {
        let key = [digest];
        ATTACK.get_or_make(&key, || {
            let [digest] = key.clone();
            Ok(Self { catalogue: read()?, origin, digest })
        })
    }
}

impl Engine {
    /// The engine of rules and ATT&CK.
    pub(crate) fn of(rules: &Arc<LoadedRules>, attack: &Arc<LoadedAttack>) -> PyResult<Arc<Self>> {
        ENGINES.get_or_make(&[rules.recipe.digest.clone(), attack.digest.clone()], || {
            let associations = Associations::bundled()
                .map_err(|problem| error::option(problem.to_string(), "this is a fault of evtmap"))?;
            let findings = Findings::new(&rules.rules, associations, &attack.catalogue);
            let (rules, attack) = (Arc::clone(rules), Arc::clone(attack));
            Ok(Self { rules, attack, findings, input: InputOptions::default() })
        })
    }
}
