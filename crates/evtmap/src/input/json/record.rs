//! One object of a file, taken apart one level deep.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::event::MAX_FIELDS;

/// The members of an object; their values are still JSON.
#[derive(Debug, Default)]
pub(in crate::input) struct Record<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Record<'a> {
    /// An object of which only the names are known: every value is an empty text.
    pub(in crate::input) fn of_names(names: &[&'a str]) -> Self {
        Self { members: names.iter().map(|name| (Cow::Borrowed(*name), "\"\"")).collect() }
    }

    /// Takes an object apart.
    pub(in crate::input) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        let mut record = Self::default();
        record.read(json)?;
        Ok(record)
    }

    /// The members that are whole in an object that was cut off.
    pub(in crate::input) fn parse_start(json: &'a str) -> Self {
        let mut record = Self::default();
        // What was read before the cut is all that is asked for.
        let _ = record.read(json);
        record
    }

    fn read(&mut self, json: &'a str) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer.deserialize_map(Members(&mut self.members))?;
        deserializer.end()
    }

    pub(in crate::input) fn members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members.iter().map(|(key, value)| (&**key, *value))
    }

    pub(in crate::input) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of a member, as JSON.
    pub(in crate::input) fn get(&self, key: &str) -> Option<&'a str> {
        self.members().find(|(other, _)| *other == key).map(|(_, value)| value)
    }

    pub(in crate::input) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(in crate::input) fn has_all(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.has(key))
    }

    pub(in crate::input) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// Whether a member is there and is an object.
    pub(in crate::input) fn has_object(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.starts_with('{'))
    }

    /// The text of a member, if it is one.
    pub(in crate::input) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).map(text)
    }
}

/// The text of a JSON string, or any other value as it is written; nothing for null.
pub(in crate::input) fn text(json: &str) -> Cow<'_, str> {
    match json {
        "null" => Cow::Borrowed(""),
        json if json.starts_with('"') => {
            serde_json::from_str(json).map_or(Cow::Borrowed(json), |Text(text)| text)
        }
        json => Cow::Borrowed(json),
    }
}

/// A text that is copied only when it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Members<'m, 'a>(&'m mut Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = members.next_key()? {
            if self.0.len() >= MAX_FIELDS {
                return Err(A::Error::custom(format_args!("the object has more than {MAX_FIELDS} members")));
            }
            let value: &RawValue = members.next_value()?;
            self.0.push((key, value.get()));
        }
        Ok(())
    }
}
