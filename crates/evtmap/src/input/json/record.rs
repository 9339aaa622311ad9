//! One object of a file, taken apart one level deep.

use std::borrow::Cow;

use crate::event::MAX_FIELDS;
use crate::event::json::{JsonError, Lexer, Text, Token};

/// The members of an object; their values are still JSON.
#[derive(Debug, Default)]
pub(in crate::input) struct Record<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
    /// A bit for what keys there are, so that most keys that are not there need no search.
    keys: u64,
}

/// The bit of a key, which other keys may share.
fn key_bit(key: &str) -> u64 {
    let [first, .., last] = key.as_bytes() else { return 1 };
    let sum = key.len() * 31 + usize::from(*first) * 7 + usize::from(*last);
    1 << (sum % 64)
}

impl<'a> Record<'a> {
    /// An object of which only the names are known: every value is an empty text.
    pub(in crate::input) fn of_names(names: &[&'a str]) -> Self {
        Self::of(names.iter().map(|name| (*name, "\"\"")))
    }

    /// An object whose members were found already.
    pub(in crate::input) fn of(members: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut record = Self::default();
        members.for_each(|(key, value)| record.push(Cow::Borrowed(key), value));
        record
    }

    fn push(&mut self, key: Cow<'a, str>, value: &'a str) {
        self.keys |= key_bit(&key);
        self.members.push((key, value));
    }

    /// Takes an object apart.
    pub(in crate::input) fn parse(json: &'a str) -> Result<Self, JsonError> {
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

    fn read(&mut self, json: &'a str) -> Result<(), JsonError> {
        let mut lexer = Lexer::new(json);
        if lexer.value()? != Token::Object {
            return Err(lexer.error("this is no object"));
        }
        let mut is_first = true;
        while let Some(key) = lexer.key(&mut is_first)? {
            if self.members.len() >= MAX_FIELDS {
                return Err(lexer.error(format!("the object has more than {MAX_FIELDS} members")));
            }
            let key = key.text()?;
            self.push(key, lexer.skip()?);
        }
        lexer.end()
    }

    pub(in crate::input) fn members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members.iter().map(|(key, value)| (&**key, *value))
    }

    pub(in crate::input) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of a member, as JSON.
    pub(in crate::input) fn get(&self, key: &str) -> Option<&'a str> {
        if self.keys & key_bit(key) == 0 {
            return None;
        }
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
    if let Some(text) = Text::plain(json) {
        return Cow::Borrowed(text);
    }
    match Lexer::new(json).value() {
        Ok(Token::Null) => Cow::Borrowed(""),
        Ok(Token::Text(text)) => text.text().unwrap_or(Cow::Borrowed(json)),
        _ => Cow::Borrowed(json),
    }
}
