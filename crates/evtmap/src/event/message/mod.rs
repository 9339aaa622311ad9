//! The fields of an event out of the message that Windows shows for it.
//!
//! An export of the Event Viewer holds an event's text and not its fields. Which part of the text is which
//! field is known from [`Messages`]: layouts of messages by provider and event id, and what Windows writes in
//! place of some values. What no layout fits stays text, which keywords see.

mod labels;
mod meaning;
mod sentence;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use self::labels::Labels;
use self::meaning::Meanings;
use self::sentence::Sentence;
pub use self::template::Templates;
use super::{Event, Place, Value};

/// The layouts that are part of the program: those learnt from recordings, and those written by hand.
const BUNDLED: [&str; 2] =
    [include_str!("../../../data/messages/learnt.toml"), include_str!("../../../data/messages/written.toml")];

/// How Windows writes the messages of events.
#[derive(Debug, Clone, Default)]
pub struct Messages {
    /// The layouts of each kind of event.
    kinds: Vec<Vec<Layout>>,
    /// The kinds of each provider's events, by event id.
    providers: Vec<FxHashMap<u32, usize>>,
    /// The providers by their names: as they are written, in small letters, with and without
    /// `Microsoft-Windows-`, which the Event Viewer likes to leave out, and by other names that they have.
    names: FxHashMap<String, usize>,
    meanings: Meanings,
}

/// A field of a layout: its name, and how its value is written in the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Field {
    name: String,
    /// Whether the value may have many lines, empty ones among them.
    has_lines: bool,
    reading: Reading,
}

/// How a value is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    AsWritten,
    /// The value is, or holds, constants such as `%%1833`, in place of which stands what they mean. Of
    /// several that mean the same it is the one nearest to this number.
    Constant(u32),
    /// The value is a SID, in place of which may stand the account's name.
    Sid,
}

/// The value of a field in a message.
#[derive(Debug)]
struct Found<'l> {
    field: &'l Field,
    value: Range<usize>,
}

#[derive(Debug, Clone)]
enum Layout {
    Labels(Labels),
    Sentence(Sentence),
    /// The message says nothing but what kind of event it is.
    Fixed,
}

/// What is wrong with a file of layouts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The file is not TOML of the form that the README beside the data describes.
    #[error("not a file of message layouts: {0}")]
    Form(String),
    /// The layout of an event cannot be used.
    #[error("event {id} of `{provider}`: {reason}")]
    Layout {
        /// Whose event it is.
        provider: String,
        /// Which event it is.
        id: u32,
        /// What is wrong with its layout.
        reason: String,
    },
}

/// A file of layouts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    alias: HashMap<String, String>,
    #[serde(default)]
    constant: BTreeMap<String, String>,
    #[serde(default)]
    sid: HashMap<String, Vec<String>>,
    #[serde(default)]
    rid: HashMap<String, Vec<String>>,
    #[serde(default)]
    event: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: String,
    id: u32,
    labels: Option<String>,
    /// How the paragraphs begin that explain the event in general.
    #[serde(default)]
    until: Vec<String>,
    text: Option<String>,
}

impl Messages {
    /// The layouts that are part of the program. Reading them takes time: do it once and hand them down.
    pub fn bundled() -> Self {
        // A test reads them, so that they are never empty in a program that was tested.
        Self::parse(&BUNDLED).unwrap_or_default()
    }

    /// Reads files of layouts, whose form the README beside `data/messages` describes.
    ///
    /// # Errors
    /// When one of them does not have that form.
    pub fn parse(files: &[&str]) -> Result<Self, LayoutError> {
        let mut messages = Self::default();
        let mut aliases = BTreeMap::new();
        let mut providers: BTreeMap<String, FxHashMap<u32, usize>> = BTreeMap::new();
        for text in files {
            let file: File = toml::from_str(text).map_err(|error| LayoutError::Form(error.to_string()))?;
            aliases.extend(file.alias);
            let constants =
                file.constant.into_iter().filter_map(|(key, text)| Some((key.parse().ok()?, text)));
            let rids = file.rid.into_iter().filter_map(|(key, names)| Some((key.parse().ok()?, names)));
            messages.meanings.extend(constants.collect(), file.sid, rids.collect());
            for entry in file.event {
                let (provider, id) = (entry.provider.clone(), entry.id);
                let layout = Layout::compile(entry).map_err(|reason| LayoutError::Layout {
                    provider: provider.clone(),
                    id,
                    reason,
                })?;
                let n_kinds = messages.kinds.len();
                let kind = *providers.entry(provider).or_default().entry(id).or_insert(n_kinds);
                match messages.kinds.get_mut(kind) {
                    Some(layouts) => layouts.push(layout),
                    None => messages.kinds.push(vec![layout]),
                }
            }
        }
        messages.names = names(providers.keys(), &aliases);
        messages.providers = providers.into_values().collect();
        Ok(messages)
    }

    /// Whether there is a layout for this event's message.
    pub fn knows(&self, provider: &str, event_id: u32) -> bool {
        self.kind(provider, event_id).is_some()
    }

    /// Adds the fields that the event's message holds, as far as the event does not have them. `templates` is
    /// what was learnt from messages before; nothing but time depends on it.
    ///
    /// A message that no layout fits is kept as it is, and the event says so
    /// ([`Event::is_message_unread`]).
    pub fn fill(&self, event: &mut Event, templates: &mut Templates) {
        let (Some(message), Some(id)) = (event.message(), event.event_id()) else { return };
        let mut found = Vec::with_capacity(32);
        if !self.read((event.provider(), id), message, templates, &mut found) {
            event.set_message_unread();
            return;
        }
        // What is there already is what the event itself says, not what Windows makes of it.
        if event.data().next().is_some() {
            // A column `User` is about who wrote the event; what the message says of a user is another matter.
            if found.iter().any(|Found { field, .. }| field.name == "User") {
                event.remove_own("User");
            }
            found.retain(|Found { field, .. }| !event.has_own(&field.name));
        }
        for Found { field, value } in found {
            self.push(event, field, value);
        }
    }

    fn push(&self, event: &mut Event, field: &Field, value: Range<usize>) {
        let text = event.message().and_then(|message| message.get(value.clone())).unwrap_or_default();
        match self.meanings.original(text, field.reading) {
            Some(original) => event.push(Place::Data, &field.name, Value::Text(&original)),
            None => event.push_part_of_message(&field.name, value),
        }
    }

    /// Finds the values in a message of a provider's event; `false` when no layout fits.
    fn read<'l>(
        &'l self,
        (provider, id): (&str, u32),
        message: &str,
        templates: &mut Templates,
        found: &mut Vec<Found<'l>>,
    ) -> bool {
        let Some(kind) = self.kind(provider, id) else { return false };
        let Some((first, others)) = self.kinds.get(kind).and_then(|layouts| layouts.split_first()) else {
            return false;
        };
        if templates.read(kind, first, message, found) {
            return true;
        }
        if first.read(message, found) {
            templates.learn(kind, first, message, found);
            return true;
        }
        others.iter().any(|layout| layout.read(message, found))
    }

    /// The number of a kind of event.
    fn kind(&self, provider: &str, event_id: u32) -> Option<usize> {
        let number = self.names.get(provider);
        let number = number.or_else(|| self.names.get(&provider.to_ascii_lowercase()))?;
        self.providers.get(*number)?.get(&event_id).copied()
    }
}

/// The numbers of providers by all their names; a name in full comes before one for short.
fn names<'p>(
    providers: impl Iterator<Item = &'p String>,
    aliases: &BTreeMap<String, String>,
) -> FxHashMap<String, usize> {
    let fold = |name: &str| name.to_ascii_lowercase();
    let providers: Vec<(usize, &str)> = providers.map(String::as_str).enumerate().collect();
    let mut names: FxHashMap<String, usize> =
        providers.iter().map(|(number, name)| (fold(name), *number)).collect();
    for (number, name) in &providers {
        if let Some(short) = name.strip_prefix("Microsoft-Windows-") {
            names.entry(fold(short)).or_insert(*number);
        }
    }
    names.extend(providers.iter().map(|(number, name)| ((*name).to_owned(), *number)));
    for (alias, name) in aliases {
        if let Some(number) = names.get(name).or_else(|| names.get(&fold(name))).copied() {
            names.insert(alias.clone(), number);
        }
    }
    names
}

impl Layout {
    fn compile(entry: Entry) -> Result<Self, String> {
        match (entry.labels, entry.text) {
            (Some(labels), None) => Ok(Self::Labels(Labels::compile(&labels, entry.until)?)),
            (None, Some(text)) => Ok(Self::Sentence(Sentence::compile(&text)?)),
            (None, None) => Ok(Self::Fixed),
            (Some(_), Some(_)) => Err("it has both `labels` and `text`".to_owned()),
        }
    }

    /// Finds the values in `message`; `false` when it does not have this layout.
    fn read<'l>(&'l self, message: &str, found: &mut Vec<Found<'l>>) -> bool {
        found.clear();
        match self {
            Self::Labels(labels) => labels.read(message, found),
            Self::Sentence(sentence) => sentence.read(message, found),
            Self::Fixed => true,
        }
    }
}

impl Field {
    /// Reads `Name` or `Name | HOW`, where `HOW` is any of `lines`, `constant`, `constant 1833` and `sid`.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, how) = text.split_once('|').unwrap_or((text, ""));
        let mut field = Self { name: name.trim().to_owned(), ..Self::default() };
        for word in how.split_whitespace() {
            match word {
                "lines" => field.has_lines = true,
                "constant" => field.reading = Reading::Constant(0),
                "sid" => field.reading = Reading::Sid,
                _ if let (Reading::Constant(near), Ok(number)) = (&mut field.reading, word.parse()) => {
                    *near = number;
                }
                _ => return Err(format!("`{word}` says nothing about a field")),
            }
        }
        if field.name.is_empty() { Err("a field has no name".to_owned()) } else { Ok(field) }
    }
}

#[cfg(test)]
mod tests;
