//! Which setting of Windows brings which events. The data is in `data/settings`.

use serde::{Deserialize, Serialize};

const BUNDLED: &str = include_str!("../../data/settings/settings.toml");

/// A setting that brings events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The channel of the events.
    pub channel: String,
    /// Their ids; none for all of the channel.
    pub events: Vec<u32>,
    /// The setting in words.
    pub what: String,
    /// A command that turns it on; empty where there is no single one.
    pub how: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "setting")]
    settings: Vec<Setting>,
}

impl Setting {
    /// The settings that the program knows.
    ///
    /// # Errors
    /// The first mistake in the data, which a test keeps from happening.
    pub fn bundled() -> Result<Vec<Self>, toml::de::Error> {
        toml::from_str::<File>(BUNDLED).map(|file| file.settings)
    }

    /// Whether it brings an event of a channel; without an id, any event.
    pub(super) fn brings(&self, channel: &str, event_id: Option<u32>) -> bool {
        let has_id = |id: u32| self.events.is_empty() || self.events.contains(&id);
        self.channel.eq_ignore_ascii_case(channel) && event_id.is_none_or(has_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_sound() {
        let settings = Setting::bundled().unwrap();
        assert!(settings.len() > 40);
        for setting in &settings {
            assert!(!setting.channel.is_empty() && !setting.what.is_empty(), "{setting:?}");
            let mut ids = setting.events.clone();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), setting.events.len(), "{setting:?}");
        }
    }
}
