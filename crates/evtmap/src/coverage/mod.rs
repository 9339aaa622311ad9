//! Which techniques the loaded rules can see, and which of the rules could have fired on given logs.

mod setting;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use setting::Setting;

use crate::attack::{Catalogue, Status, TechniqueId};
use crate::logsource::{LogPlace, Pipelines};
use crate::navigator::{Cell, Layer};
use crate::rules::Rules;

/// The channels and event ids of logs, channels in lower case.
pub type Present = BTreeSet<(String, u32)>;

/// How well rules see a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sight {
    /// A rule could have seen it; without logs, a rule is about it.
    Seen,
    /// Rules are about it, and the logs have none of the events that they need.
    Blind,
    /// No rule is about it.
    Gap,
}

impl Sight {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Blind => "blind",
            Self::Gap => "gap",
        }
    }

    fn color(self) -> &'static str {
        match self {
            Self::Seen => "#74c476",
            Self::Blind => "#fdae6b",
            Self::Gap => "#e6550d",
        }
    }
}

/// How well rules see a technique, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TechniqueCoverage {
    /// The technique.
    pub id: TechniqueId,
    /// Its name.
    pub name: String,
    /// Short names of its tactics.
    pub tactics: Vec<String>,
    /// How many rules are about it.
    pub rules: usize,
    /// How many of them could have fired with the events that the logs have; nothing without logs.
    pub ready: Option<usize>,
    /// What that comes to.
    pub sight: Sight,
}

/// A setting that would bring events which rules look for in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The setting.
    pub setting: Setting,
    /// How many rules could not have fired and look for its events.
    pub rules: usize,
}

/// What rules can see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The techniques in use, in the order of their ids.
    pub techniques: Vec<TechniqueCoverage>,
    /// Settings that would bring what is missing, those first of which most rules have something.
    pub missing: Vec<Missing>,
    /// How many rules could not have fired although no setting is known that would help.
    pub without_setting: usize,
    /// How many rules were looked at, and how many could have fired.
    pub rules: usize,
    /// See [`TechniqueCoverage::ready`].
    pub ready: Option<usize>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// What names techniques.
    pub catalogue: &'a Catalogue,
    /// Where rules look.
    pub pipelines: &'a Pipelines,
    /// The events of logs, if there are logs.
    pub present: Option<&'a Present>,
    /// Only techniques of this platform; all without.
    pub platform: Option<&'a str>,
}

impl Coverage {
    /// What rules can see, and with logs which of them could have fired.
    pub fn new(rules: &Rules, settings: &[Setting], scope: &Scope<'_>) -> Self {
        let mut coverage = Self { ready: scope.present.map(|_| 0), ..Self::default() };
        let mut counts: BTreeMap<TechniqueId, (usize, usize)> = BTreeMap::new();
        let mut by_setting = vec![0; settings.len()];
        for loaded in rules.rules() {
            let places = scope.pipelines.places(&loaded.rule.logsource);
            let is_ready = scope.present.is_none_or(|present| places.iter().any(|place| has(place, present)));
            coverage.rules += 1;
            if let Some(ready) = coverage.ready.as_mut().filter(|_| is_ready) {
                *ready += 1;
            }
            for technique in scope.catalogue.resolve_all(&loaded.rule.metadata.tags).techniques() {
                let (n_rules, n_ready) = counts.entry(technique.id).or_default();
                *n_rules += 1;
                *n_ready += usize::from(is_ready);
            }
            if !is_ready {
                let helping: Vec<usize> = (settings.iter().enumerate())
                    .filter(|(_, setting)| places.iter().any(|place| would_help(setting, place)))
                    .map(|(index, _)| index)
                    .collect();
                coverage.without_setting += usize::from(helping.is_empty());
                for index in helping {
                    if let Some(n) = by_setting.get_mut(index) {
                        *n += 1;
                    }
                }
            }
        }
        let needed = settings.iter().zip(by_setting).filter(|(_, rules)| *rules > 0);
        coverage.missing =
            needed.map(|(setting, rules)| Missing { setting: setting.clone(), rules }).collect();
        coverage.missing.sort_by(|a, b| (b.rules, &a.setting.what).cmp(&(a.rules, &b.setting.what)));
        coverage.techniques = techniques(&counts, scope);
        coverage
    }

    /// How many techniques are seen so.
    pub fn n(&self, sight: Sight) -> usize {
        self.techniques.iter().filter(|technique| technique.sight == sight).count()
    }

    /// A layer with the techniques that rules are about, by the number of rules.
    pub fn layer(&self) -> Layer {
        let legend =
            [("seen by a rule", Sight::Seen.color()), ("a rule, but no such events", Sight::Blind.color())];
        self.layer_of("evtmap coverage", "Techniques that the loaded rules are about", &legend, |it| {
            it.sight != Sight::Gap
        })
    }

    /// A layer with the techniques that are not seen.
    pub fn gap_layer(&self) -> Layer {
        let legend = [("no rule", Sight::Gap.color()), ("a rule, but no such events", Sight::Blind.color())];
        self.layer_of("evtmap gaps", "Techniques that the loaded rules cannot see", &legend, |it| {
            it.sight != Sight::Seen
        })
    }

    fn layer_of(
        &self,
        name: &str,
        description: &str,
        legend: &[(&'static str, &'static str)],
        is_wanted: fn(&TechniqueCoverage) -> bool,
    ) -> Layer {
        let wanted = self.techniques.iter().filter(|technique| is_wanted(technique));
        let cell = |technique: &TechniqueCoverage| {
            let ready = technique.ready.map(|n| format!(", {n} of them with events")).unwrap_or_default();
            Cell {
                score: technique.rules as u64,
                color: Some(technique.sight.color()),
                comment: format!("rules: {}{ready}", technique.rules),
            }
        };
        Layer {
            name: name.to_owned(),
            description: description.to_owned(),
            cells: wanted.map(|technique| (technique.id, cell(technique))).collect(),
            legend: legend.to_vec(),
        }
    }
}

fn techniques(counts: &BTreeMap<TechniqueId, (usize, usize)>, scope: &Scope<'_>) -> Vec<TechniqueCoverage> {
    let catalogue = scope.catalogue;
    let is_wanted = |platforms: &[String]| {
        scope.platform.is_none_or(|wanted| platforms.iter().any(|own| own.eq_ignore_ascii_case(wanted)))
    };
    let active = catalogue.techniques().iter().filter(|technique| technique.status == Status::Active);
    active
        .filter(|technique| is_wanted(&technique.platforms))
        .map(|technique| {
            let (rules, n_ready) = counts.get(&technique.id).copied().unwrap_or_default();
            let tactics = technique.tactics.iter().filter_map(|id| catalogue.tactic(*id));
            TechniqueCoverage {
                id: technique.id,
                name: technique.name.clone(),
                tactics: tactics.map(|tactic| tactic.short_name.clone()).collect(),
                rules,
                ready: scope.present.map(|_| n_ready),
                sight: match (rules, n_ready) {
                    (0, _) => Sight::Gap,
                    (_, 0) => Sight::Blind,
                    _ => Sight::Seen,
                },
            }
        })
        .collect()
}

/// Whether logs have an event of a place.
fn has(place: &LogPlace, present: &Present) -> bool {
    present.iter().any(|(channel, id)| {
        let is_channel =
            place.channels.is_empty() || place.channels.iter().any(|own| own.to_lowercase() == *channel);
        is_channel && (place.event_ids.is_empty() || place.event_ids.contains(id))
    })
}

fn would_help(setting: &Setting, place: &LogPlace) -> bool {
    place.channels.iter().any(|channel| {
        if place.event_ids.is_empty() {
            return setting.brings(channel, None);
        }
        place.event_ids.iter().any(|id| setting.brings(channel, Some(*id)))
    })
}
