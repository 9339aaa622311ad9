//! An event out of the JSON into which the evtx crate renders a record.
//!
//! The shape is `{"Event": {"System": {…}, "EventData": {…}}}`, with an element's attributes under
//! `#attributes` and its text, when it has both, under `#text`; or with the attributes of `X` beside it under
//! `X_attributes`. The text goes straight into the fields: no tree is built.

mod escape;
mod lexer;

pub use lexer::JsonError;
pub(crate) use lexer::{Lexer, MAX_SKIPPED_DEPTH, Text, Token};

use super::{Event, MAX_DEPTH, MAX_FIELDS, Place, Value};

type Result = std::result::Result<(), JsonError>;

/// Adds the fields of the event that `json` holds.
///
/// Elements below `EventData` and `UserData` become fields under their own name, however deep they lie;
/// an attribute is `Element_Attribute`, and namespaces are dropped. The rendered message of a forwarded
/// event becomes [`Event::message`].
///
/// # Errors
/// When `json` is not JSON, is not an event, or lies deeper than [`MAX_DEPTH`]. The fields that were read
/// before are then in `event`.
pub fn read(json: &str, event: &mut Event) -> Result {
    let mut reader = Reader { lexer: Lexer::new(json), event };
    reader.document()?;
    reader.lexer.end()
}

/// Adds the fields of the event that is the value of `Event`.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_event(json: &str, event: &mut Event) -> Result {
    Reader { lexer: Lexer::new(json), event }.event()
}

/// Adds the value of one field, which may be a group of fields, an array or a single value.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_field(json: &str, place: Place, name: &str, event: &mut Event) -> Result {
    let mut reader = Reader { lexer: Lexer::new(json), event };
    match Text::plain(json) {
        Some(text) => reader.put(place, &[name], Value::Text(text)),
        None => reader.element(place, &[name], 1),
    }
}

/// Adds one field whose value was found already and is a text.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn put_text(text: Text<'_>, place: Place, name: &str, event: &mut Event) -> Result {
    check(event)?;
    match text.as_written() {
        Some(text) => event.push(place, name, Value::Text(text)),
        None => event.push_with(place, &[name], |value| text.push_to(value))?,
    }
    Ok(())
}

/// Whether there may be one more field.
fn check(event: &Event) -> Result {
    if event.n_fields() < MAX_FIELDS {
        return Ok(());
    }
    Err(JsonError::whole(format_args!("the event has more than {MAX_FIELDS} fields")))
}

/// Adds the fields of a payload, the object that is the value of `EventData` or `UserData`.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_payload(json: &str, name: &str, event: &mut Event) -> Result {
    Reader { lexer: Lexer::new(json), event }.element(Place::Data, &[name], 0)
}

/// A text on its way into an event.
struct Reader<'e, 'j> {
    lexer: Lexer<'j>,
    event: &'e mut Event,
}

impl Reader<'_, '_> {
    /// Passes the bracket of an object; says whether there is one. A record that Windows wrote without any
    /// content is `{"Event": null}`.
    fn object(&mut self, what: &'static str) -> std::result::Result<bool, JsonError> {
        match self.lexer.value()? {
            Token::Object => Ok(true),
            Token::Null => Ok(false),
            _ => Err(self.lexer.error(what)),
        }
    }

    /// The outermost object, of which only `Event` matters.
    fn document(&mut self) -> Result {
        if !self.object("this is no event but a single value or a list")? {
            return Ok(());
        }
        let (mut is_first, mut is_event) = (true, false);
        while let Some(key) = self.lexer.key(&mut is_first)? {
            if &*key.text()? == "Event" {
                is_event = true;
                self.event()?;
            } else {
                self.lexer.skip()?;
            }
        }
        if is_event { Ok(()) } else { Err(self.lexer.error("there is no `Event` in it")) }
    }

    /// System, and one or more payloads.
    fn event(&mut self) -> Result {
        if !self.object("the value of `Event` is no object")? {
            return Ok(());
        }
        let mut is_first = true;
        while let Some(key) = self.lexer.key(&mut is_first)? {
            match &*key.text()? {
                "RenderingInfo" => self.rendering_info()?,
                "#attributes" => {
                    self.lexer.skip()?;
                }
                "System" => self.element(Place::System, &["System"], 0)?,
                name => match name.strip_suffix("_attributes") {
                    Some(owner) => self.attributes(Place::Data, owner)?,
                    None => self.element(Place::Data, &[name], 0)?,
                },
            }
        }
        Ok(())
    }

    /// The texts that Windows made of the event's numbers. The message alone is of use; the others would hide
    /// the System fields of the same names.
    fn rendering_info(&mut self) -> Result {
        if !self.object("the value of `RenderingInfo` is no object")? {
            return Ok(());
        }
        let mut is_first = true;
        while let Some(key) = self.lexer.key(&mut is_first)? {
            if &*key.text()? != "Message" {
                self.lexer.skip()?;
                continue;
            }
            match self.lexer.value()? {
                Token::Text(message) => self.event.set_message(&message.text()?),
                Token::Null => {}
                _ => return Err(self.lexer.error("the message is no text")),
            }
        }
        Ok(())
    }

    /// An element, which is a field or a group of fields, or an attribute, which is a field. `name` is the
    /// parts that make up its name.
    fn element(&mut self, place: Place, name: &[&str], depth: u32) -> Result {
        match self.lexer.value()? {
            Token::Text(text) => self.text(place, name, text),
            Token::Number(number) => self.number(place, name, number),
            Token::Bool(truth) => self.put(place, name, Value::Text(if truth { "true" } else { "false" })),
            // Empty sections and empty System elements (`<Correlation/>`) say nothing.
            Token::Null if depth > 0 && place == Place::Data => self.put(place, name, Value::Null),
            Token::Null => Ok(()),
            Token::Array => {
                let depth = self.deeper(depth)?;
                let mut is_first = true;
                while self.lexer.has_item(&mut is_first)? {
                    self.element(place, name, depth)?;
                }
                Ok(())
            }
            Token::Object => self.group(place, name, depth),
        }
    }

    /// The members of an element whose bracket was passed.
    fn group(&mut self, place: Place, name: &[&str], depth: u32) -> Result {
        let depth = self.deeper(depth)?;
        let mut is_first = true;
        while let Some(key) = self.lexer.key(&mut is_first)? {
            match &*key.text()? {
                "#attributes" => self.attributes(place, name.first().copied().unwrap_or_default())?,
                "#text" => self.element(place, name, depth)?,
                key => match key.strip_suffix("_attributes") {
                    // A field may be called so, too.
                    Some(owner) if self.lexer.is_at_object() => self.attributes(place, owner)?,
                    _ => self.element(place, &[key], depth)?,
                },
            }
        }
        Ok(())
    }

    /// The attributes of an element.
    fn attributes(&mut self, place: Place, owner: &str) -> Result {
        if !self.object("attributes are an object")? {
            return Ok(());
        }
        let mut is_first = true;
        while let Some(key) = self.lexer.key(&mut is_first)? {
            let key = key.text()?;
            if key == "xmlns" || key.starts_with("xmlns:") {
                self.lexer.skip()?;
            } else {
                self.element(place, &[owner, "_", &key], MAX_DEPTH)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, place: Place, name: &[&str], text: Text<'_>) -> Result {
        check(self.event)?;
        self.event.push_with(place, name, |value| text.push_to(value))
    }

    /// A whole number is kept as it is written; another in its shortest form.
    fn number(&mut self, place: Place, name: &[&str], number: &str) -> Result {
        if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return self.put(place, name, Value::Text(number));
        }
        check(self.event)?;
        match number.parse::<f64>() {
            Ok(float) if float.is_finite() => self.event.push_display(place, name, float),
            _ => self.event.push_joined(place, name, Value::Text(number)),
        }
        Ok(())
    }

    fn put(&mut self, place: Place, name: &[&str], value: Value<'_>) -> Result {
        check(self.event)?;
        self.event.push_joined(place, name, value);
        Ok(())
    }

    fn deeper(&self, depth: u32) -> std::result::Result<u32, JsonError> {
        if depth < MAX_DEPTH {
            return Ok(depth + 1);
        }
        Err(self.lexer.error(format!("elements lie deeper than {MAX_DEPTH} in each other")))
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
            Err(error) => format!("{event}error: {error}\n"),
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
        check("", "error: the text ends before a value");
        check("[]", "error: this is no event but a single value or a list");
        check("{}", "error: there is no `Event` in it");
        check(
            r#"{"Event": {"System": {"EventID": 1, "Level""#,
            "System EventID \"1\"\nerror: there is no `:` behind the key of a member",
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
