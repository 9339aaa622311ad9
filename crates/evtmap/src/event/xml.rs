//! An event out of the XML into which Windows renders a record.
//!
//! The fields are those that [`json`](super::json) makes of the same event: an element is a field under its
//! own name or, for `Data`, under that of its attribute `Name`; an attribute is `Element_Attribute`; prefixes
//! and namespaces are dropped. Declarations of entities are not looked at, so that none is ever resolved but
//! the five that XML itself has.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event as Token};

use super::{Event, MAX_DEPTH, MAX_FIELDS, Place, Value};

/// Why a text is no event.
#[derive(Debug, Clone, thiserror::Error)]
pub enum XmlError {
    /// It is not well-formed.
    #[error("this is not XML: {0}")]
    Syntax(#[from] quick_xml::Error),
    /// There is neither an `Event` nor a payload in it.
    #[error("there is no `Event` in it")]
    NoEvent,
    /// Elements are not closed.
    #[error("the event is not closed")]
    Unclosed,
    /// There is more nesting than [`MAX_DEPTH`].
    #[error("elements lie deeper than {MAX_DEPTH} in each other")]
    Depth,
    /// There are more fields than [`MAX_FIELDS`].
    #[error("the event has more than {MAX_FIELDS} fields")]
    Fields,
}

/// Adds the fields of the event that `xml` holds: an `Event`, or a payload alone (`EventData`, `UserData`).
///
/// The rendered message of a forwarded event becomes [`Event::message`].
///
/// # Errors
/// See [`XmlError`]. The fields that were read before are then in `event`.
pub fn read(xml: &str, event: &mut Event) -> Result<(), XmlError> {
    let mut tokens = Reader::from_str(xml);
    let mut elements =
        Elements { event, open: Vec::new(), names: String::new(), text: String::new(), is_event: false };
    loop {
        match tokens.read_event()? {
            Token::Start(tag) => elements.start(&tag)?,
            Token::Empty(tag) => {
                elements.start(&tag)?;
                elements.end()?;
            }
            Token::End(_) => elements.end()?,
            Token::Text(text) => elements.text.push_str(&text),
            Token::CData(text) => elements.text.push_str(&text),
            Token::GeneralRef(name) => elements.reference(&name)?,
            Token::Eof => break,
            Token::Comment(_) | Token::Decl(_) | Token::PI(_) | Token::DocType(_) => {}
        }
    }
    match elements {
        Elements { open, .. } if !open.is_empty() => Err(XmlError::Unclosed),
        Elements { is_event: false, .. } => Err(XmlError::NoEvent),
        _ => Ok(()),
    }
}

/// What an element belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What is around the parts of an event.
    Around,
    Event,
    In(Place),
    /// The texts that Windows made of the event's numbers, of which the message alone is of use.
    Rendering,
}

/// An element that is not closed.
struct Element {
    part: Part,
    /// Where its name begins in the names of all.
    name: usize,
    /// Whether it is a part of the event itself, such as `System`.
    is_part: bool,
    has_children: bool,
}

struct Elements<'e> {
    event: &'e mut Event,
    open: Vec<Element>,
    /// The names of the open elements, one after the other.
    names: String,
    /// The text of the innermost element.
    text: String,
    is_event: bool,
}

impl Elements<'_> {
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.open.len() > MAX_DEPTH as usize {
            return Err(XmlError::Depth);
        }
        self.text.clear();
        let name = local_name(tag);
        let around = self.open.last_mut().map_or(Part::Around, |parent| {
            parent.has_children = true;
            parent.part
        });
        let part = match (around, name) {
            (Part::Around, "Event") => Part::Event,
            (Part::Event, "System") => Part::In(Place::System),
            (Part::Event, "RenderingInfo") => Part::Rendering,
            (Part::Around, "EventData" | "UserData") | (Part::Event, _) => Part::In(Place::Data),
            (part, _) => part,
        };
        self.is_event |= part != Part::Around;
        let is_part = part != around;
        self.open.push(Element { part, name: self.names.len(), is_part, has_children: false });
        self.names.push_str(name);
        match part {
            Part::In(place) => self.attributes(tag, place),
            _ => Ok(()),
        }
    }

    /// Adds the attributes of the innermost element. That of a `Data` element is its name.
    fn attributes(&mut self, tag: &BytesStart<'_>, place: Place) -> Result<(), XmlError> {
        let element = local_name(tag);
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(quick_xml::Error::from)?;
            let key: &str = attribute.key.as_ref();
            if key == "xmlns" || key.starts_with("xmlns:") || key.starts_with("xml:") {
                continue;
            }
            // What has none of these is its own value.
            let is_plain = |byte: u8| !matches!(byte, b'&' | b'<' | b'\t' | b'\r' | b'\n');
            let value = if attribute.value.bytes().all(is_plain) {
                attribute.value
            } else {
                attribute
                    .normalized_value_with(XmlVersion::Implicit1_0, 1, resolve_predefined_entity)
                    .unwrap_or_else(|_| attribute.value.clone())
            };
            let key = key.rsplit_once(':').map_or(key, |(_, key)| key);
            match self.open.last() {
                Some(own) if !own.is_part && place == Place::Data && (element, key) == ("Data", "Name") => {
                    self.names.truncate(own.name);
                    self.names.push_str(&value);
                }
                _ => put(self.event, place, &[element, "_", key], &value)?,
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlError> {
        let Some(element) = self.open.pop() else { return Ok(()) };
        if !element.has_children {
            let name = self.names.get(element.name..).unwrap_or_default();
            match element.part {
                Part::Rendering if name == "Message" => self.event.set_message(&self.text),
                // Empty sections and empty System elements (`<Correlation/>`) say nothing.
                Part::In(Place::System) if self.text.is_empty() => {}
                Part::In(_) if element.is_part && self.text.trim_ascii().is_empty() => {}
                Part::In(place) => {
                    put(self.event, place, &[name], &self.text)?;
                }
                Part::Around | Part::Event | Part::Rendering => {}
            }
        }
        self.names.truncate(element.name);
        self.text.clear();
        Ok(())
    }

    /// A character by its number, or one of the five that XML has names for. Any other name stays as it is.
    fn reference(&mut self, name: &BytesRef<'_>) -> Result<(), XmlError> {
        if let Some(char) = name.resolve_char_ref().ok().flatten() {
            self.text.push(char);
        } else if let Some(text) = resolve_predefined_entity(name) {
            self.text.push_str(text);
        } else {
            self.text.extend(["&", name, ";"]);
        }
        Ok(())
    }
}

fn put(event: &mut Event, place: Place, name: &[&str], value: &str) -> Result<(), XmlError> {
    if event.n_fields() >= MAX_FIELDS {
        return Err(XmlError::Fields);
    }
    event.push_joined(place, name, Value::Text(value));
    Ok(())
}

/// The name of an element without its prefix.
fn local_name<'t>(tag: &'t BytesStart<'_>) -> &'t str {
    let name: &str = tag.name().into_inner();
    let prefix = name.bytes().position(|byte| byte == b':');
    prefix.and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(xml: &str, expected: &str) {
        let mut event = Event::new();
        let found = match read(xml, &mut event) {
            Ok(()) => event.to_string(),
            Err(error) => format!("{event}error: {error}\n"),
        };
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{xml}");
    }

    #[test]
    fn system() {
        check(
            "<?xml version='1.0'?><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
                <Provider Name='Service Control Manager' Guid='{5}' EventSourceName=\"a &amp; b\"/>
                <EventID Qualifiers='16384'>7045</EventID><Level></Level>
                <TimeCreated SystemTime='2026-01-02T03:04:05.6000000Z'/><Correlation/>
                <Computer>b&#xFC;ro</Computer><Security UserID='S-1-5-18' /></System></Event>",
            r#"
            System Provider_Name "Service Control Manager"
            System Provider_Guid "{5}"
            System Provider_EventSourceName "a & b"
            System EventID_Qualifiers "16384"
            System EventID "7045"
            System TimeCreated_SystemTime "2026-01-02T03:04:05.6000000Z"
            System Computer "büro"
            System Security_UserID "S-1-5-18"
            "#,
        );
    }

    #[test]
    fn payload() {
        check(
            "<Event><EventData Name='Kind'>\n  <Data Name='a'> x&lt;y&#13;\r\n</Data><Data Name='b'/>\
             <Data>1</Data><Data>2</Data><Binary>00FF</Binary><Data Name='c'><![CDATA[<z>]]></Data>\n</EventData></Event>",
            r#"
            Data EventData_Name "Kind"
            Data a " x<y\r\r\n"
            Data b ""
            Data Data "1"
            Data Data "2"
            Data Binary "00FF"
            Data c "<z>"
            "#,
        );
        check(
            "<Event><UserData><LogFileCleared xmlns='http://manifests.microsoft.com/x' xmlns:auto-ns2='y'>\
             <SubjectUserName>alice</SubjectUserName><n:Rows><n:Row Id='1'><Name>a</Name></n:Row></n:Rows>\
             </LogFileCleared></UserData><EventData/></Event>",
            r#"
            Data SubjectUserName "alice"
            Data Row_Id "1"
            Data Name "a"
            "#,
        );
        check("<EventData><Data Name='a'>b</Data></EventData>", "Data a \"b\"");
        check("<DataItem type='x'><EventData><Data Name='a'>b</Data></EventData></DataItem>", "Data a \"b\"");
    }

    #[test]
    fn the_rendered_message_is_no_field() {
        check(
            "<Event><System><Level>4</Level></System><RenderingInfo Culture='en-US'>\
             <Message>It \"works\".&#xD;&#xA;Yes.</Message><Level>Information</Level>\
             <Keywords><Keyword>Classic</Keyword></Keywords></RenderingInfo></Event>",
            r#"
            System Level "4"
            message "It \"works\".\r\nYes."
            "#,
        );
    }

    #[test]
    fn entities_are_not_resolved() {
        check(
            "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'><!ENTITY b '&a;&a;'>]>\
             <Event><EventData><Data Name='x'>&a;&b;&amp;</Data><Data Name='&b;'>y</Data></EventData></Event>",
            r#"
            Data x "&a;&b;&"
            Data &b; "y"
            "#,
        );
    }

    #[test]
    fn what_is_no_event() {
        check("", "error: there is no `Event` in it");
        check("<a><System/></a>", "error: there is no `Event` in it");
        check("<Event><System><EventID>1</EventID>", "System EventID \"1\"\nerror: the event is not closed");
        check(
            "<Event><System></Event>",
            "error: this is not XML: ill-formed document: expected `</System>`, but `</Event>` was found",
        );
    }

    #[test]
    fn everything_is_bounded() {
        let nested = |depth: usize| {
            format!("<Event><EventData>{}1{}</EventData></Event>", "<a>".repeat(depth), "</a>".repeat(depth))
        };
        check(&nested(63), "Data a \"1\"");
        check(&nested(100_000), "error: elements lie deeper than 64 in each other");
        let many = format!("<EventData>{}</EventData>", "<a/>".repeat(10_001));
        assert!(matches!(read(&many, &mut Event::new()), Err(XmlError::Fields)));
    }
}
