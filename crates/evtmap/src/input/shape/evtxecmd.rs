//! What EvtxECmd writes, as CSV or JSON: the payload is JSON in which the names of fields are attributes.

use serde_json::Value as Json;

use super::{Others, Shape, Target};
use crate::event::json::JsonError;
use crate::event::{Event, MAX_FIELDS, Place, Value};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_all(&["EventId", "Payload"]),
    members: &[
        ("Channel", Target::System("Channel")),
        ("Computer", Target::System("Computer")),
        ("EventId", Target::System("EventID")),
        ("EventRecordId", Target::System("EventRecordID")),
        ("Keywords", Target::Keywords),
        ("Level", Target::System("Level")),
        ("Payload", Target::NamedData),
        ("ProcessId", Target::System("Execution_ProcessID")),
        ("Provider", Target::System("Provider_Name")),
        ("ThreadId", Target::System("Execution_ThreadID")),
        ("TimeCreated", Target::UtcTime),
        ("UserId", Target::System("Security_UserID")),
    ],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};

/// Adds the fields of a payload such as `{"EventData":{"Data":[{"@Name":"Image","#text":"x"}]}}`.
pub(in crate::input) fn push_named_data(text: &str, event: &mut Event) -> Result<(), JsonError> {
    if text.trim().is_empty() {
        return Ok(());
    }
    add(&serde_json::from_str(text).map_err(JsonError::whole)?, "", event)
}

fn add(value: &Json, name: &str, event: &mut Event) -> Result<(), JsonError> {
    let mut push = |name: &str, value| {
        if event.n_fields() >= MAX_FIELDS {
            return Err(JsonError::whole(format_args!("the event has more than {MAX_FIELDS} fields")));
        }
        event.push(Place::Data, name, value);
        Ok(())
    };
    match value {
        Json::Object(members) => {
            if let Some(name) = members.get("@Name").and_then(Json::as_str) {
                return match members.get("#text") {
                    Some(value) => add(value, name, event),
                    None => push(name, Value::Text("")),
                };
            }
            for (key, value) in members.iter().filter(|(key, _)| !key.starts_with('@')) {
                add(value, if key == "#text" { name } else { key }, event)?;
            }
            Ok(())
        }
        Json::Array(items) => items.iter().try_for_each(|item| add(item, name, event)),
        Json::Null if matches!(name, "" | "EventData" | "UserData") => Ok(()),
        Json::Null => push(name, Value::Null),
        Json::String(text) => push(name, Value::Text(text)),
        Json::Bool(_) | Json::Number(_) => push(name, Value::Text(&value.to_string())),
    }
}
