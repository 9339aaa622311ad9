//! The payload of an event as a JSON object.

use std::borrow::Cow;
use std::collections::HashMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Names and values of a payload as a JSON object. A name that comes several times has a list.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [(String, Option<String>)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(self.0.len());
        let mut members: Vec<(&str, Vec<Option<&str>>)> = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let place = *places.entry(name).or_insert(members.len());
            match members.get_mut(place) {
                Some((_, values)) => values.push(value.as_deref()),
                None => members.push((name, vec![value.as_deref()])),
            }
        }
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
