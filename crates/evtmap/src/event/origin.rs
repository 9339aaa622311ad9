//! Which provider and channel an event comes from, where its input does not say so.
//!
//! Exports of the Event Viewer name neither the channel nor always the provider. A table says which channel a
//! provider writes to, and whose event ids a range is.

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::{Event, Place, Value};

/// The table that is part of the program.
const BUNDLED: &str = include_str!("../../data/channels.toml");

/// What is known about providers, their channels and their event ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Origins {
    #[serde(default)]
    provider: Vec<Provider>,
    #[serde(default)]
    event_ids: Vec<EventIds>,
    #[serde(default)]
    short_channel: Vec<ShortChannel>,
    /// The entries about a provider by its name in lower case and as the table writes it, with and without
    /// `Microsoft-Windows-`.
    #[serde(skip)]
    by_provider: FxHashMap<String, Vec<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortChannel {
    short: String,
    channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    name: String,
    channel: String,
    /// The entry is about these event ids only; an entry without them is about all others.
    first: Option<u32>,
    last: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventIds {
    first: u32,
    last: u32,
    channel: String,
    /// Left out where several providers share the range.
    provider: Option<String>,
}

impl Origins {
    /// The table that is part of the program. Reading it takes time: do it once and hand it down.
    pub fn bundled() -> Self {
        // A test reads the table, so that it is never empty in a program that was tested.
        Self::parse(BUNDLED).unwrap_or_default()
    }

    /// Reads a table in the form of `data/channels.toml`, whose head describes it. Of several entries that
    /// fit, one with a range of event ids counts before one without, and then the first.
    ///
    /// # Errors
    /// When `text` is not TOML or an entry lacks one of these.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut origins: Self = toml::from_str(text)?;
        for (number, entry) in origins.provider.iter().enumerate() {
            origins.by_provider.entry(entry.name.to_ascii_lowercase()).or_default().push(number);
        }
        // `PowerShell` is a provider, and what `Microsoft-Windows-PowerShell` is called for short: a name in
        // full comes first.
        let full = origins.by_provider.clone();
        for (name, numbers) in &full {
            if let Some(short) =
                name.strip_prefix("microsoft-windows-").filter(|short| !full.contains_key(*short))
            {
                origins.by_provider.insert(short.to_owned(), numbers.clone());
            }
        }
        // Most events write names as the table does.
        let names = origins.provider.iter().map(|entry| entry.name.as_str());
        for name in names.flat_map(|name| [Some(name), name.strip_prefix("Microsoft-Windows-")]).flatten() {
            if let Some(numbers) = origins.by_provider.get(&name.to_ascii_lowercase()).cloned() {
                origins.by_provider.insert(name.to_owned(), numbers);
            }
        }
        Ok(origins)
    }

    /// Adds the fields `Provider_Name` and `Channel` where `event` lacks them and they are known: the channel
    /// by the provider, or both by the event id.
    ///
    /// The event id says nothing about a provider that is not in the table, since everybody numbers events
    /// from 1.
    pub fn complete(&self, event: &mut Event) {
        if !event.provider().is_empty() && !event.channel().is_empty() {
            return;
        }
        let (provider, channel) = if event.provider().is_empty() {
            let ids = self.owner(event);
            (ids.and_then(|ids| ids.provider.as_ref()), ids.map(|ids| &ids.channel))
        } else {
            (None, self.channel_of(event))
        };
        if let Some(provider) = provider {
            event.push(Place::System, "Provider_Name", Value::Text(provider));
        }
        if let Some(channel) = channel.filter(|_| event.channel().is_empty()) {
            event.push(Place::System, "Channel", Value::Text(channel));
        }
    }

    /// The name of a channel that may be shortened, as Hayabusa does.
    pub fn long_channel<'a>(&'a self, name: &'a str) -> &'a str {
        let known = self.short_channel.iter().find(|entry| entry.short == name);
        known.map_or(name, |entry| &entry.channel)
    }

    /// The channel that the event's provider writes such events to.
    fn channel_of(&self, event: &Event) -> Option<&String> {
        let (provider, id) = (event.provider(), event.event_id());
        // What the Event Viewer shows may have the name itself in parentheses.
        let inner =
            provider.strip_suffix(')').and_then(|names| names.rsplit_once(" (")).map(|(_, name)| name);
        let named = |name: &str| {
            self.by_provider.get(name).or_else(|| self.by_provider.get(&name.to_ascii_lowercase()))
        };
        let numbers = named(provider).or_else(|| named(inner?));
        let own = || numbers.into_iter().flatten().filter_map(|number| self.provider.get(*number));
        let is_within = |entry: &&Provider| match (entry.first, entry.last, id) {
            (Some(first), Some(last), Some(id)) => (first..=last).contains(&id),
            _ => false,
        };
        let unranged = || own().find(|entry| entry.first.is_none());
        own().find(is_within).or_else(unranged).map(|entry| &entry.channel)
    }

    /// Whose event ids the event's belongs to; in the event's channel, if that is known.
    fn owner(&self, event: &Event) -> Option<&EventIds> {
        let (id, channel) = (event.event_id()?, event.channel());
        let fits_channel = |ids: &EventIds| channel.is_empty() || ids.channel.eq_ignore_ascii_case(channel);
        self.event_ids.iter().find(|ids| (ids.first..=ids.last).contains(&id) && fits_channel(ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        [[provider]]
        name = "Microsoft-Windows-Sysmon"
        channel = "Microsoft-Windows-Sysmon/Operational"

        [[provider]]
        name = "Microsoft-Windows-Eventlog"
        channel = "System"

        [[provider]]
        name = "Microsoft-Windows-Eventlog"
        channel = "Security"
        first = 1100
        last = 1108

        [[provider]]
        name = "Microsoft-Windows-PowerShell"
        channel = "Microsoft-Windows-PowerShell/Operational"

        [[provider]]
        name = "PowerShell"
        channel = "Windows PowerShell"

        [[event_ids]]
        first = 4608
        last = 5200
        channel = "Security"
        provider = "Microsoft-Windows-Security-Auditing"

        [[event_ids]]
        first = 5000
        last = 5000
        channel = "Defender"
        provider = "Windows Defender"
    "#;

    #[track_caller]
    fn check(provider: &str, channel: &str, event_id: &str, expected: [&str; 2]) {
        let mut event = Event::new();
        for (name, text) in [("Provider_Name", provider), ("Channel", channel), ("EventID", event_id)] {
            if !text.is_empty() {
                event.push(Place::System, name, Value::Text(text));
            }
        }
        Origins::parse(TABLE).unwrap().complete(&mut event);
        assert_eq!([event.provider(), event.channel()], expected);
    }

    #[test]
    fn the_channel_follows_from_the_provider() {
        const OPERATIONAL: &str = "Microsoft-Windows-Sysmon/Operational";
        check("Microsoft-Windows-Sysmon", "", "1", ["Microsoft-Windows-Sysmon", OPERATIONAL]);
        check("sysmon", "", "", ["sysmon", OPERATIONAL]);
        check("PowerShell", "", "400", ["PowerShell", "Windows PowerShell"]);
        const SHOWN: &str = "PowerShell (Microsoft-Windows-PowerShell)";
        check(SHOWN, "", "4104", [SHOWN, "Microsoft-Windows-PowerShell/Operational"]);
        check("PowerShell (x)", "", "400", ["PowerShell (x)", ""]);
        check("Sysmon", "ForwardedEvents", "1", ["Sysmon", "ForwardedEvents"]);
        check("Microsoft-Windows-Eventlog", "", "1102", ["Microsoft-Windows-Eventlog", "Security"]);
        check("Microsoft-Windows-Eventlog", "", "104", ["Microsoft-Windows-Eventlog", "System"]);
    }

    #[test]
    fn a_name_in_full_comes_before_one_for_short() {
        let origins = Origins::bundled();
        for (provider, channel) in [
            ("PowerShell", "Windows PowerShell"),
            ("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational"),
            ("Sysmon", "Microsoft-Windows-Sysmon/Operational"),
        ] {
            let mut event = Event::new();
            event.push(Place::System, "Provider_Name", Value::Text(provider));
            origins.complete(&mut event);
            assert_eq!(event.channel(), channel, "{provider}");
        }
    }

    #[test]
    fn both_follow_from_the_event_id() {
        check("", "", "4625", ["Microsoft-Windows-Security-Auditing", "Security"]);
        check("", "", "5000", ["Microsoft-Windows-Security-Auditing", "Security"]);
        check("", "defender", "5000", ["Windows Defender", "defender"]);
    }

    #[test]
    fn nothing_is_made_up() {
        check("MyService", "", "4625", ["MyService", ""]);
        check("", "", "1", ["", ""]);
        check("", "", "", ["", ""]);
        check("", "Application", "4625", ["", "Application"]);
    }

    #[test]
    fn the_bundled_table_can_be_read() {
        assert_ne!(Origins::parse(BUNDLED).unwrap(), Origins::default());
    }
}
