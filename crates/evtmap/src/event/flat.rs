//! An event out of a JSON object of fields, as users write one to try a rule out.
//!
//! `{"Channel": "Security", "EventID": 4688, "CommandLine": "whoami"}`: names that System has go there, all
//! others into the payload. A list is a field with several values; an object in it is flattened, its members
//! under their own names joined by dots.

use serde_json::Value as Json;

use super::{Event, Place, SYSTEM_FIELDS, Value, json};

/// The largest number of values of one event.
const MAX_VALUES: usize = 10_000;

/// Why a text is not an event.
#[derive(Debug, thiserror::Error)]
pub enum FlatError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Syntax(String),
    /// It is something else than an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// It has too many values.
    #[error("it has more than {MAX_VALUES} values")]
    TooMany,
}

/// Reads an event in either shape: `{"Event": {"System": …}}`, as a record is rendered, or a flat object of
/// fields.
///
/// # Errors
/// When the text is in neither shape.
pub fn read(text: &str) -> Result<Event, FlatError> {
    let mut event = Event::new();
    let syntax = |error: serde_json::Error| FlatError::Syntax(error.to_string());
    let document: Json = serde_json::from_str(text).map_err(syntax)?;
    let Json::Object(members) = &document else { return Err(FlatError::NotAnObject) };
    if matches!(members.get("Event"), Some(Json::Object(_) | Json::Null)) {
        json::read(text, &mut event).map_err(|error| FlatError::Syntax(error.to_string()))?;
        return Ok(event);
    }
    let mut n_values = 0;
    for (name, value) in members {
        add(&mut event, name, value, &mut n_values)?;
    }
    Ok(event)
}

fn add(event: &mut Event, name: &str, value: &Json, n_values: &mut usize) -> Result<(), FlatError> {
    *n_values += 1;
    if *n_values > MAX_VALUES {
        return Err(FlatError::TooMany);
    }
    match value {
        Json::Array(items) => items.iter().try_for_each(|item| add(event, name, item, n_values)),
        Json::Object(members) => {
            members.iter().try_for_each(|(key, value)| add(event, &format!("{name}.{key}"), value, n_values))
        }
        Json::Null => {
            push(event, name, None);
            Ok(())
        }
        Json::String(text) => {
            push(event, name, Some(text));
            Ok(())
        }
        Json::Bool(_) | Json::Number(_) => {
            push(event, name, Some(&value.to_string()));
            Ok(())
        }
    }
}

/// Adds a field where its name belongs.
pub(crate) fn push(event: &mut Event, name: &str, text: Option<&str>) {
    let place = if SYSTEM_FIELDS.contains(&name) { Place::System } else { Place::Data };
    event.push(place, name, text.map_or(Value::Null, Value::Text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes() {
        let flat =
            read(r#"{"EventID": 1, "Image": "a", "Data": ["b", null, true], "x": {"y": 1.5}}"#).unwrap();
        let lines = "System EventID \"1\"\nData Image \"a\"\nData Data \"b\"\nData Data null\nData Data \"true\"\nData x.y \"1.5\"\n";
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&flat.to_string()), sorted(lines));
        let nested = read(r#"{"Event": {"System": {"EventID": 1}, "EventData": {"Image": "a"}}}"#).unwrap();
        assert_eq!(nested.to_string(), "System EventID \"1\"\nData Image \"a\"\n");
    }

    #[test]
    fn what_is_no_event() {
        assert_eq!(read("[1]").unwrap_err().to_string(), "it is not a JSON object");
        assert!(read("{").unwrap_err().to_string().starts_with("it is not JSON"));
        let many = format!("{{\"a\": [{}1]}}", "1,".repeat(MAX_VALUES));
        assert!(matches!(read(&many), Err(FlatError::TooMany)));
    }
}
