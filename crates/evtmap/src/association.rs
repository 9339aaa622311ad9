//! What an event id alone may hint at.
//!
//! An association is context and no detection: nothing but the event's channel, provider and id was looked
//! at, and its severity is what the bare event deserves. The data is in `data/associations`.

use std::collections::HashMap;

use serde::Deserialize;

use crate::event::Event;
use crate::severity::Severity;

/// What an event may hint at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Association {
    /// The event's id.
    pub id: u32,
    /// What the event is.
    pub title: String,
    /// Techniques of ATT&CK that it may be evidence of, the most specific first.
    pub techniques: Vec<String>,
    /// What the bare event deserves.
    pub severity: Severity,
    /// Why it may be evidence of them.
    pub why: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    provider: Option<String>,
}

/// A file of associations: a channel's events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    channel: String,
    provider: String,
    #[serde(rename = "event")]
    events: Vec<Association>,
}

/// Associations by channel and event id.
#[derive(Debug, Default)]
pub struct Associations {
    list: Vec<Association>,
    /// Indices of the list, by channel in lower case and event id.
    index: HashMap<String, HashMap<u32, Vec<usize>>>,
}

// `BUNDLED`: the texts of the files in `data/associations`, listed by the build script.
include!(concat!(env!("OUT_DIR"), "/associations.rs"));

impl Associations {
    /// The associations that come with the program.
    ///
    /// # Errors
    /// The first mistake in one of the files, which a test keeps from happening.
    pub fn bundled() -> Result<Self, toml::de::Error> {
        let mut associations = Self::default();
        for text in BUNDLED {
            associations.add(toml::from_str(text)?);
        }
        Ok(associations)
    }

    fn add(&mut self, file: File) {
        for mut event in file.events {
            let channel = event.channel.get_or_insert_with(|| file.channel.clone()).to_lowercase();
            event.provider.get_or_insert_with(|| file.provider.clone());
            self.index.entry(channel).or_default().entry(event.id).or_default().push(self.list.len());
            self.list.push(event);
        }
    }

    /// Every association, in the order of the files.
    pub fn all(&self) -> &[Association] {
        &self.list
    }

    /// The index of what an event may hint at. An event of another provider in the same channel with the
    /// same id is another event.
    pub fn of(&self, event: &Event) -> Option<usize> {
        let by_id =
            self.index.get(event.channel()).or_else(|| self.index.get(&event.channel().to_lowercase()))?;
        let provider = event.provider();
        let is_of = |own: &Association| {
            let own = own.provider.as_deref().unwrap_or_default();
            provider.is_empty() || own.eq_ignore_ascii_case(provider)
        };
        by_id.get(&event.event_id()?)?.iter().copied().find(|index| self.list.get(*index).is_some_and(is_of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_associations_name_active_techniques() {
        let catalogue = crate::attack::Catalogue::bundled();
        let associations = Associations::bundled().unwrap();
        assert!(associations.all().len() >= 60);
        for association in associations.all() {
            for id in &association.techniques {
                let technique = catalogue.technique(id.parse().unwrap());
                let status = technique.map(|technique| technique.status);
                assert_eq!(status, Some(crate::attack::Status::Active), "{id}");
            }
        }
    }
}
