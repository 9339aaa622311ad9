//! The templates of records, turned into the fields that a record of theirs has.
//!
//! Windows writes the structure of an event once a chunk, as a template with numbered gaps, and for each
//! record the values of the gaps. A template is read once and gives a list of [`Step`]s: which gap is the
//! value of which field. What is not as nearly all templates are gives nothing, and its records are left to
//! the evtx crate.
//!
//! Source: MS-EVEN6 2.2.12 (BinXML).

use std::ops::Range;

use super::cursor::Cursor;
use super::value::{self, Unusual};
use crate::event::{Label, MAX_DEPTH, Place};

/// How deep elements may lie in each other.
const MAX_ELEMENT_DEPTH: u32 = MAX_DEPTH;
/// How many fields a template may have.
const MAX_STEPS: usize = 1_000;
/// How much text a template may have: as much as a chunk has room for. Fields may share a name, so that a forged
/// template could have a thousand times that, which every record of it would take over.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// The element that an event's System fields are in.
const SYSTEM: &str = "System";
/// The element of a payload whose fields are named by an attribute.
const EVENT_DATA: &str = "EventData";
/// The element of a payload whose fields are elements.
const USER_DATA: &str = "UserData";
/// The element of one field of `EventData`.
const DATA: &str = "Data";
/// The element of what else a provider put into `EventData`.
const BINARY: &str = "Binary";

mod token {
    pub(super) const END_OF_STREAM: u8 = 0x00;
    pub(super) const OPEN: u8 = 0x01;
    pub(super) const CLOSE_START: u8 = 0x02;
    pub(super) const CLOSE_EMPTY: u8 = 0x03;
    pub(super) const END: u8 = 0x04;
    pub(super) const TEXT: u8 = 0x05;
    pub(super) const ATTRIBUTE: u8 = 0x06;
    pub(super) const GAP: u8 = 0x0d;
    pub(super) const OPTIONAL_GAP: u8 = 0x0e;
    /// A bit that says that more of the same follows.
    pub(super) const MORE: u8 = 0x40;
}

/// What a template is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// A whole event.
    #[default]
    Event,
    /// `EventData` or `UserData`.
    Payload,
    /// What is in `UserData`.
    Member,
}

/// What a template says.
#[derive(Debug, Default, Hash)]
pub(super) struct Template {
    pub(super) role: Role,
    /// The gap without which there is nothing at all.
    pub(super) need: Option<u16>,
    /// The names of the fields, and the values that are the same in every record, one after the other: an event
    /// takes them over in one copy.
    pub(super) text: String,
    pub(super) steps: Vec<Step>,
}

/// One thing to do for a record.
#[derive(Debug, Hash)]
pub(super) struct Step {
    pub(super) action: Action,
    /// Gaps without which the element is left out.
    pub(super) needs: Box<[u16]>,
}

#[derive(Debug, Hash)]
pub(super) enum Action {
    /// A field whose value is in the template.
    Constant { label: Label, value: Range<usize> },
    /// A field whose value is a gap's.
    Field { label: Label, gap: u16, empty: Empty },
    /// A nameless field of `EventData`; if it is the only one, an array in it is several.
    Nameless { gap: u16, is_only: bool },
    /// What the gap holds is itself made by a template.
    Inner { gap: u16, role: Role },
}

/// What becomes of a field when its gap is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Empty {
    /// It is left out.
    LeftOut,
    /// It is there and has no value.
    Null,
    /// It is there and is an empty text.
    Text,
}

/// Reads the template whose tokens begin at an offset of the chunk.
pub(super) fn read(chunk: &[u8], start: usize, n_bytes: usize) -> Result<Template, Unusual> {
    let end = start.checked_add(n_bytes).filter(|end| *end <= chunk.len()).ok_or(Unusual)?;
    let mut reader =
        Reader { cursor: Cursor { chunk, at: start, end }, template: Template::default(), needs: Vec::new() };
    reader.cursor.fragment_header()?;
    reader.root()?;
    match reader.cursor.token()? {
        token::END_OF_STREAM => Ok(reader.template),
        _ => Err(Unusual),
    }
}

/// A template that is being read.
struct Reader<'c> {
    cursor: Cursor<'c>,
    template: Template,
    /// Gaps without which the elements around this place are left out.
    needs: Vec<u16>,
}

/// A value in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Constant(String),
    Gap(u16),
}

/// The start of an element.
struct Start {
    name: String,
    attributes: Vec<(String, Part)>,
    is_empty: bool,
    /// Whether the element is left out without a gap, which is then the last of the needs.
    has_need: bool,
}

/// What stands in an element before its end.
enum Content {
    Element(Start),
    Part(Part),
    End,
}

impl Reader<'_> {
    /// The outermost element.
    fn root(&mut self) -> Result<(), Unusual> {
        let opening = self.cursor.token()?;
        let start = self.start(opening)?;
        self.template.need = self.needs.pop();
        if start.name == "Event" {
            self.template.role = Role::Event;
            return if start.is_empty { Err(Unusual) } else { self.event() };
        }
        if start.name == EVENT_DATA || start.name == USER_DATA {
            self.template.role = Role::Payload;
            return self.payload(&start);
        }
        self.template.role = Role::Member;
        self.member(&start, 0)
    }

    fn start(&mut self, opening: u8) -> Result<Start, Unusual> {
        if opening & !token::MORE != token::OPEN {
            return Err(Unusual);
        }
        let need = self.cursor.u16()?;
        let _n_bytes = self.cursor.u32()?;
        let name = self.cursor.name()?;
        let mut attributes: Vec<(String, Part)> = Vec::new();
        let mut next;
        if opening & token::MORE != 0 {
            let _n_bytes = self.cursor.u32()?;
            next = self.cursor.token()?;
            while next & !token::MORE == token::ATTRIBUTE {
                let name = self.cursor.name()?;
                next = self.cursor.token()?;
                let value = self.part(next)?.ok_or(Unusual)?;
                next = self.cursor.token()?;
                if attributes.iter().any(|(known, _)| *known == name) {
                    return Err(Unusual);
                }
                attributes.push((name, value));
            }
        } else {
            next = self.cursor.token()?;
        }
        let is_empty = match next {
            token::CLOSE_START => false,
            token::CLOSE_EMPTY => true,
            _ => return Err(Unusual),
        };
        let has_need = need != u16::MAX;
        if has_need {
            self.needs.push(need);
        }
        Ok(Start { name, attributes, is_empty, has_need })
    }

    fn end(&mut self, start: &Start) {
        if start.has_need {
            self.needs.pop();
        }
    }

    /// A value, if a token begins one.
    fn part(&mut self, token: u8) -> Result<Option<Part>, Unusual> {
        match token & !token::MORE {
            token::TEXT => {
                if self.cursor.token()? != value::kind::STRING {
                    return Err(Unusual);
                }
                self.cursor.text().map(|text| Some(Part::Constant(text)))
            }
            token::GAP | token::OPTIONAL_GAP => {
                let gap = self.cursor.u16()?;
                let _kind = self.cursor.token()?;
                Ok(Some(Part::Gap(gap)))
            }
            _ => Ok(None),
        }
    }

    fn content(&mut self) -> Result<Content, Unusual> {
        let token = self.cursor.token()?;
        if token == token::END {
            return Ok(Content::End);
        }
        match self.part(token)? {
            Some(part) => Ok(Content::Part(part)),
            None => self.start(token).map(Content::Element),
        }
    }

    /// The start of the next element, or none at the end of the one around it.
    fn element(&mut self) -> Result<Option<Start>, Unusual> {
        match self.content()? {
            Content::End => Ok(None),
            Content::Part(_) => Err(Unusual),
            Content::Element(start) => Ok(Some(start)),
        }
    }

    /// The one value in an element, or none.
    fn only_part(&mut self, start: &Start) -> Result<Option<Part>, Unusual> {
        if start.is_empty {
            return Ok(None);
        }
        let part = match self.content()? {
            Content::End => return Ok(None),
            Content::Part(part) => part,
            Content::Element(_) => return Err(Unusual),
        };
        match self.content()? {
            Content::End => Ok(Some(part)),
            _ => Err(Unusual),
        }
    }

    fn push(&mut self, action: Action) -> Result<(), Unusual> {
        if self.template.steps.len() >= MAX_STEPS {
            return Err(Unusual);
        }
        self.template.steps.push(Step { action, needs: self.needs.as_slice().into() });
        Ok(())
    }

    fn field(&mut self, place: Place, name: &str, value: Part, empty: Empty) -> Result<(), Unusual> {
        let label = Label::new(place, name, self.store(name)?);
        match value {
            Part::Gap(gap) => self.push(Action::Field { label, gap, empty }),
            Part::Constant(value) if value.is_empty() => Err(Unusual),
            Part::Constant(value) => {
                let value = self.store(&value)?;
                self.push(Action::Constant { label, value })
            }
        }
    }

    /// Keeps a text with those of the template.
    fn store(&mut self, text: &str) -> Result<Range<usize>, Unusual> {
        let start = self.template.text.len();
        if start + text.len() > MAX_TEXT_BYTES {
            return Err(Unusual);
        }
        self.template.text.push_str(text);
        Ok(start..self.template.text.len())
    }

    /// The attributes of a group of fields, which must not be gaps. Namespaces say nothing.
    fn constants(&mut self, start: &Start) -> Result<(), Unusual> {
        for (attribute, value) in &start.attributes {
            if is_namespace(attribute) {
                continue;
            }
            if matches!(value, Part::Gap(_)) {
                return Err(Unusual);
            }
            self.field(Place::Data, &format!("{}_{attribute}", start.name), value.clone(), Empty::LeftOut)?;
        }
        Ok(())
    }

    /// The members of `Event`: System, and the payload or the gap that it is in.
    fn event(&mut self) -> Result<(), Unusual> {
        loop {
            match self.content()? {
                Content::End => return Ok(()),
                Content::Part(Part::Gap(gap)) => self.push(Action::Inner { gap, role: Role::Payload })?,
                Content::Part(Part::Constant(_)) => return Err(Unusual),
                Content::Element(start) => {
                    match start.name.as_str() {
                        SYSTEM if start.attributes.is_empty() && !start.is_empty => self.system()?,
                        EVENT_DATA | USER_DATA => self.payload(&start)?,
                        _ => return Err(Unusual),
                    }
                    self.end(&start);
                }
            }
        }
    }

    fn payload(&mut self, start: &Start) -> Result<(), Unusual> {
        self.constants(start)?;
        match start.name.as_str() {
            _ if start.is_empty => Err(Unusual),
            EVENT_DATA => self.event_data(),
            _ => self.user_data(),
        }
    }

    fn system(&mut self) -> Result<(), Unusual> {
        let mut names = Vec::new();
        while let Some(start) = self.element()? {
            if names.contains(&start.name) {
                return Err(Unusual);
            }
            for (attribute, value) in &start.attributes {
                let name = format!("{}_{attribute}", start.name);
                self.field(Place::System, &name, value.clone(), Empty::LeftOut)?;
            }
            if let Some(part) = self.only_part(&start)? {
                self.field(Place::System, &start.name, part, Empty::LeftOut)?;
            }
            self.end(&start);
            names.push(start.name);
        }
        Ok(())
    }

    /// Fields that are `<Data Name="…">`, or nameless ones, and `<Binary>`.
    fn event_data(&mut self) -> Result<(), Unusual> {
        let mut names: Vec<String> = Vec::new();
        let mut n_nameless = 0;
        let mut may_miss = false;
        while let Some(start) = self.element()? {
            let part = self.only_part(&start)?.ok_or(Unusual)?;
            match (start.name.as_str(), start.attributes.as_slice(), part) {
                (DATA, [(attribute, Part::Constant(name))], part)
                    if attribute == "Name" && !name.is_empty() =>
                {
                    self.field(Place::Data, name, part, Empty::Text)?;
                    names.push(name.clone());
                }
                (DATA, [], Part::Gap(gap)) if names.is_empty() => {
                    self.push(Action::Nameless { gap, is_only: true })?;
                    n_nameless += 1;
                    may_miss |= start.has_need;
                }
                (BINARY, [], part) => {
                    self.field(Place::Data, BINARY, part, Empty::Null)?;
                    names.push(BINARY.to_owned());
                }
                _ => return Err(Unusual),
            }
            self.end(&start);
        }
        // Names that come twice, nameless fields beside others, and several of which one may be left out, are
        // put together in ways of their own.
        let is_plain = match n_nameless {
            0 => all_differ(&mut names),
            1 => names.len() <= 1 && names.iter().all(|name| name == BINARY),
            _ => !may_miss && names.len() <= 1 && names.iter().all(|name| name == BINARY),
        };
        if n_nameless > 1 {
            self.note_several();
        }
        if is_plain { Ok(()) } else { Err(Unusual) }
    }

    /// Notes that no nameless field is the only one.
    fn note_several(&mut self) {
        for step in &mut self.template.steps {
            if let Action::Nameless { is_only, .. } = &mut step.action {
                *is_only = false;
            }
        }
    }

    /// Elements at any depth, those without members being fields; or a gap with such an element in it.
    fn user_data(&mut self) -> Result<(), Unusual> {
        let mut ahead = self.cursor;
        if matches!(ahead.token()? & !token::MORE, token::GAP | token::OPTIONAL_GAP) {
            let (Content::Part(Part::Gap(gap)), Content::End) = (self.content()?, self.content()?) else {
                return Err(Unusual);
            };
            return self.push(Action::Inner { gap, role: Role::Member });
        }
        self.group(0)
    }

    fn group(&mut self, depth: u32) -> Result<(), Unusual> {
        let mut names = Vec::new();
        while let Some(start) = self.element()? {
            if start.name == DATA || names.contains(&start.name) || depth >= MAX_ELEMENT_DEPTH {
                return Err(Unusual);
            }
            self.member(&start, depth)?;
            self.end(&start);
            names.push(start.name);
        }
        Ok(())
    }

    fn member(&mut self, start: &Start, depth: u32) -> Result<(), Unusual> {
        self.constants(start)?;
        if start.is_empty {
            return Err(Unusual);
        }
        let has_members = {
            let mut ahead = self.cursor;
            matches!(ahead.token()? & !token::MORE, token::OPEN)
        };
        if has_members {
            return self.group(depth + 1);
        }
        match self.only_part(start)? {
            Some(part) if start.attributes.is_empty() => {
                self.field(Place::Data, &start.name, part, Empty::Null)
            }
            _ => Err(Unusual),
        }
    }
}

fn all_differ(names: &mut [String]) -> bool {
    names.sort_unstable();
    names.windows(2).all(|pair| matches!(pair, [a, b] if a != b))
}

fn is_namespace(attribute: &str) -> bool {
    attribute == "xmlns" || attribute.starts_with("xmlns:")
}
