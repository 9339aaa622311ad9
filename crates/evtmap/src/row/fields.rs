//! The payload of an event as a JSON object.

use std::borrow::Cow;
use std::collections::HashMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::text::{push_text, push_text_or_null};
use crate::alert::Payload;

/// Names and values of a payload as a JSON object. A name that comes several times has a list.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a Payload);

impl Fields<'_> {
    /// Appends what serde would write.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if self.are_plain() {
            push_list(out, self.0.iter(), |out, (name, value)| push_member(out, name, &[value]));
        } else {
            push_list(out, self.members(), |out, (name, values)| push_member(out, name, &values));
        }
        out.push(b'}');
    }

    /// Each name once, with all its values.
    fn members(&self) -> Vec<(&str, Vec<Option<&str>>)> {
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(self.0.len());
        let mut members: Vec<(&str, Vec<Option<&str>>)> = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let place = *places.entry(name).or_insert(members.len());
            match members.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => members.push((name, vec![value])),
            }
        }
        members
    }

    /// Whether each name stands for one value, as far as can be seen quickly.
    fn are_plain(&self) -> bool {
        self.0.len() <= N_FEW && !has_repeated_names(self.0)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.are_plain() {
            return serializer.collect_map(self.0);
        }
        let members = self.members();
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, values) in &members {
            match values.as_slice() {
                [only] => map.serialize_entry(name, only)?,
                several => map.serialize_entry(name, several)?,
            }
        }
        map.end()
    }
}

/// Appends a name and its values: the one, or a list of them.
fn push_member(out: &mut Vec<u8>, name: &str, values: &[Option<&str>]) {
    push_text(out, name);
    out.push(b':');
    if let [only] = values {
        return push_text_or_null(out, *only);
    }
    out.push(b'[');
    push_list(out, values, |out, value| push_text_or_null(out, *value));
    out.push(b']');
}

/// Appends things with commas between them.
fn push_list<T>(out: &mut Vec<u8>, things: impl IntoIterator<Item = T>, push: impl Fn(&mut Vec<u8>, T)) {
    for (index, thing) in things.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push(out, thing);
    }
}

/// Fields so few that each may be compared with each.
const N_FEW: usize = 100;

/// Whether a name comes twice. Nearly all payloads show at a glance that none does: by a bit for what most names
/// differ in, length and last letter.
fn has_repeated_names(payload: &Payload) -> bool {
    let mut seen: u64 = 0;
    payload.iter().enumerate().any(|(n_before, (name, _))| {
        let last = name.bytes().next_back().unwrap_or_default();
        let bit = 1 << ((name.len() * 7 + usize::from(last)) % 64);
        let may_be_known = seen & bit != 0;
        seen |= bit;
        may_be_known && payload.iter().take(n_before).any(|(own, _)| own == name)
    })
}

impl JsonSchema for Fields<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Fields".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = serde_json::json!({"type": ["string", "null"]});
        json_schema!({
            "description": "The payload by name. A name that comes several times, such as `Data`, has a list.",
            "type": "object",
            "additionalProperties": {"anyOf": [text, {"type": "array", "items": text}]}
        })
    }
}
