//! An event out of the JSON into which the evtx crate renders a record.
//!
//! The shape is `{"Event": {"System": {…}, "EventData": {…}}}`, with an element's attributes under
//! `#attributes` and its text, when it has both, under `#text`; or with the attributes of `X` beside it under
//! `X_attributes`. The text goes straight into the fields: no tree is built.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Event, MAX_DEPTH, MAX_FIELDS, Place, Value};

/// Adds the fields of the event that `json` holds.
///
/// Elements below `EventData` and `UserData` become fields under their own name, however deep they lie;
/// an attribute is `Element_Attribute`, and namespaces are dropped. The rendered message of a forwarded
/// event becomes [`Event::message`].
///
/// # Errors
/// When `json` is not JSON, is not an event, or lies deeper than [`MAX_DEPTH`]. The fields that were read
/// before are then in `event`.
pub fn read(json: &str, event: &mut Event) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Object { event, kind: Kind::Document }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Adds the fields of the event that is the value of `Event`.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_event(json: &str, event: &mut Event) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Object { event, kind: Kind::Event }.deserialize(&mut deserializer)
}

/// Adds the value of one field, which may be a group of fields, an array or a single value.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_field(
    json: &str,
    place: Place,
    name: &str,
    event: &mut Event,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Element { event, place, name: &[name], depth: 1 }.deserialize(&mut deserializer)
}

/// Adds the fields of a payload, the object that is the value of `EventData` or `UserData`.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_payload(json: &str, name: &str, event: &mut Event) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Element { event, place: Place::Data, name: &[name], depth: 0 }.deserialize(&mut deserializer)
}

/// A text that is copied only when it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object around the fields.
struct Object<'e> {
    event: &'e mut Event,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// The outermost object, of which only `Event` matters.
    Document,
    /// `Event`: System, and one or more payloads.
    Event,
    /// The texts that Windows made of the event's numbers. The message alone is of use; the others would
    /// hide the System fields of the same names.
    RenderingInfo,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    // A record that Windows wrote without any content is `{"Event": null}`.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Object { event, kind } = self;
        let mut is_event = !matches!(kind, Kind::Document);
        while let Some(Text(key)) = members.next_key()? {
            match (kind, &*key) {
                (Kind::Document, "Event") => {
                    is_event = true;
                    members.next_value_seed(Object { event, kind: Kind::Event })?;
                }
                (Kind::Event, "RenderingInfo") => {
                    members.next_value_seed(Object { event, kind: Kind::RenderingInfo })?;
                }
                (Kind::RenderingInfo, "Message") => {
                    if let Some(Text(message)) = members.next_value()? {
                        event.set_message(&message);
                    }
                }
                (Kind::Document | Kind::RenderingInfo, _) | (Kind::Event, "#attributes") => {
                    members.next_value::<IgnoredAny>()?;
                }
                (Kind::Event, key) if let Some(owner) = key.strip_suffix("_attributes") => {
                    members.next_value_seed(Attributes { event, place: Place::Data, name: &[owner] })?;
                }
                (Kind::Event, name) => {
                    let place = if name == "System" { Place::System } else { Place::Data };
                    members.next_value_seed(Element { event, place, name: &[name], depth: 0 })?;
                }
            }
        }
        if is_event { Ok(()) } else { Err(A::Error::custom("there is no `Event` in it")) }
    }
}

/// An element, which is a field or a group of fields, or an attribute, which is a field.
struct Element<'e, 'n> {
    event: &'e mut Event,
    place: Place,
    /// The parts that make up the name.
    name: &'n [&'n str],
    depth: u32,
}

impl Element<'_, '_> {
    fn put<E: Error>(self, value: impl Display) -> Result<(), E> {
        self.check()?;
        self.event.push_display(self.place, self.name, value);
        Ok(())
    }

    fn check<E: Error>(&self) -> Result<(), E> {
        if self.event.n_fields() < MAX_FIELDS {
            return Ok(());
        }
        Err(E::custom(format_args!("the event has more than {MAX_FIELDS} fields")))
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or an element")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.check()?;
        self.event.push_joined(self.place, self.name, Value::Text(text));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.put(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.put(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.put(number)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.put(truth)
    }

    // Empty sections and empty System elements (`<Correlation/>`) say nothing.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.depth > 0 && self.place == Place::Data {
            self.check()?;
            self.event.push_joined(self.place, self.name, Value::Null);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Element { event, place, name, depth } = self;
        let depth = deeper(depth)?;
        while items.next_element_seed(Element { event, place, name, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Element { event, place, name, depth } = self;
        let depth = deeper(depth)?;
        while let Some(Text(key)) = members.next_key()? {
            match &*key {
                "#attributes" => members.next_value_seed(Attributes { event, place, name })?,
                "#text" => members.next_value_seed(Element { event, place, name, depth })?,
                key if let Some(owner) = key.strip_suffix("_attributes") => {
                    let raw: &RawValue = members.next_value()?;
                    let mut value = serde_json::Deserializer::from_str(raw.get());
                    let read = if raw.get().starts_with('{') {
                        Attributes { event, place, name: &[owner] }.deserialize(&mut value)
                    } else {
                        Element { event, place, name: &[key], depth }.deserialize(&mut value)
                    };
                    read.map_err(A::Error::custom)?;
                }
                key => members.next_value_seed(Element { event, place, name: &[key], depth })?,
            }
        }
        Ok(())
    }
}

fn deeper<E: Error>(depth: u32) -> Result<u32, E> {
    let too_deep = || E::custom(format_args!("elements lie deeper than {MAX_DEPTH} in each other"));
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(too_deep()) }
}

/// The attributes of the element `name`.
struct Attributes<'e, 'n> {
    event: &'e mut Event,
    place: Place,
    name: &'n [&'n str],
}

impl<'de> DeserializeSeed<'de> for Attributes<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Attributes<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Attributes { event, place, name } = self;
        let element = name.first().copied().unwrap_or_default();
        while let Some(Text(key)) = members.next_key()? {
            if key == "xmlns" || key.starts_with("xmlns:") {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let name: &[&str] = &[element, "_", &key];
            members.next_value_seed(Element { event, place, name, depth: MAX_DEPTH })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let mut event = Event::new();
        let found = match read(json, &mut event) {
            Ok(()) => event.to_string(),
            Err(error) => {
                let error = error.to_string();
                let (reason, _) = error.split_once(" at line ").unwrap();
                format!("{event}error: {reason}\n")
            }
        };
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{json}");
    }

    #[test]
    fn system() {
        check(
            r##"{"Event": {
                "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
                "System": {
                    "Provider": {"#attributes": {"Name": "Service Control Manager", "Guid": "{5}"}},
                    "EventID": {"#attributes": {"Qualifiers": 16384}, "#text": 7045},
                    "Keywords": "0x8080000000000000",
                    "TimeCreated": {"#attributes": {"SystemTime": "2026-01-02T03:04:05.6000000Z"}},
                    "Correlation": null,
                    "Computer": "b\u00fcro",
                    "Security": {"#attributes": {"UserID": "S-1-5-18"}}
                }
            }}"##,
            r#"
            System Provider_Name "Service Control Manager"
            System Provider_Guid "{5}"
            System EventID_Qualifiers "16384"
            System EventID "7045"
            System Keywords "0x8080000000000000"
            System TimeCreated_SystemTime "2026-01-02T03:04:05.6000000Z"
            System Computer "büro"
            System Security_UserID "S-1-5-18"
            "#,
        );
    }

    #[test]
    fn attributes_may_stand_beside_their_element() {
        check(
            r#"{"Event": {"Event_attributes": {"xmlns": "x"}, "EventData_attributes": {"Name": "Kind"},
                "System": {"EventID_attributes": {"Qualifiers": 1}, "EventID": 7045,
                    "Provider_attributes": {"Name": "p"}, "Provider": null},
                "EventData": {"my_attributes": "a"}}}"#,
            r#"
            Data EventData_Name "Kind"
            System EventID_Qualifiers "1"
            System EventID "7045"
            System Provider_Name "p"
            Data my_attributes "a"
            "#,
        );
    }

    #[test]
    fn fields_are_bounded() {
        let json = format!(r#"{{"Event": {{"EventData": {{"a": [0{}]}}}}}}"#, ",0".repeat(10_000));
        let error = read(&json, &mut Event::new()).unwrap_err().to_string();
        assert!(error.starts_with("the event has more than 10000 fields"), "{error}");
    }

    #[test]
    fn values_are_text_as_windows_renders_them() {
        check(
            r#"{"Event": {"EventData": {"a": -1, "b": 18446744073709551615, "c": true, "d": 0.5,
                "e": "C:\\x \"y\"\n", "f": "", "g": null}}}"#,
            r#"
            Data a "-1"
            Data b "18446744073709551615"
            Data c "true"
            Data d "0.5"
            Data e "C:\\x \"y\"\n"
            Data f ""
            Data g null
            "#,
        );
    }

    #[test]
    fn unnamed_and_repeated_values_are_all_kept() {
        check(
            r##"{"Event": {"EventData": {"#attributes": {"Name": "Kind"},
                "Data": {"#text": ["a", "b"]}, "Binary": null, "x": 1, "x": {"#text": 2}}}}"##,
            r#"
            Data EventData_Name "Kind"
            Data Data "a"
            Data Data "b"
            Data Binary null
            Data x "1"
            Data x "2"
            "#,
        );
    }

    #[test]
    fn elements_at_any_depth_become_fields() {
        check(
            r##"{"Event": {"UserData": {"LogFileCleared": {
                "#attributes": {"xmlns": "http://manifests.microsoft.com/x", "xmlns:auto-ns2": "y"},
                "SubjectUserName": "alice", "Rows": [{"Row": {"#attributes": {"Id": 1}, "Name": "a"}}, [2]]
            }}}}"##,
            r#"
            Data SubjectUserName "alice"
            Data Row_Id "1"
            Data Name "a"
            Data Rows "2"
            "#,
        );
    }

    #[test]
    fn the_rendered_message_is_no_field() {
        check(
            r##"{"Event": {"System": {"Level": 4}, "RenderingInfo": {"#attributes": {"Culture": "en-US"},
                "Level": "Information", "Message": "It \"works\"."}}}"##,
            r#"
            System Level "4"
            message "It \"works\"."
            "#,
        );
    }

    #[test]
    fn a_record_may_be_empty() {
        check(r#"{"Event": null}"#, "");
        check(r#"{"Event": {"System": null, "EventData": null}, "recovered": true}"#, "");
    }

    #[test]
    fn what_is_no_event() {
        check("", "error: EOF while parsing a value");
        check("[]", "error: invalid type: sequence, expected an event");
        check("{}", "error: there is no `Event` in it");
        check(
            r#"{"Event": {"System": {"EventID": 1, "Level""#,
            "System EventID \"1\"\nerror: EOF while parsing an object",
        );
        check(
            r##"{"Event": {"System": {"Provider": {"#attributes": {"Name": [1]}}}}}"##,
            "error: elements lie deeper than 64 in each other",
        );
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| {
            format!(r#"{{"Event": {{"EventData": {}1{}}}}}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth))
        };
        check(&nested(64), "Data a \"1\"");
        check(&nested(65), "error: elements lie deeper than 64 in each other");
        check(&nested(100_000), "error: elements lie deeper than 64 in each other");
    }
}
