//! The tokens of a template to its steps.

mod texts;

use std::ops::Range;

use super::super::cursor::Cursor;
use super::super::value::{self, Unusual};
use super::element::{Attribute, Content, DATA, Members, NAME, Part, Start, is_literal};
use super::token::{self, is_element};
use super::{Action, Empty, Role, Step, Template};
use crate::event::{Label, MAX_DEPTH, Place};

/// How deep elements may lie in each other.
const MAX_ELEMENT_DEPTH: u32 = MAX_DEPTH;
/// How many fields a template may have, and how many elements.
const MAX_STEPS: usize = 1_000;
const MAX_ELEMENTS: usize = 2 * MAX_STEPS;
/// As much as nearly all templates have: room for it is made at once.
const N_USUAL_STEPS: usize = 32;
const N_USUAL_TEXT_BYTES: usize = 1_024;

/// The element that an event's System fields are in.
const SYSTEM: &str = "System";
/// The element of a payload whose fields are named by an attribute.
const EVENT_DATA: &str = "EventData";
/// The element of a payload whose fields are elements.
const USER_DATA: &str = "UserData";
/// The element of what else a provider put into `EventData`.
const BINARY: &str = "Binary";

/// Reads a template, whose tokens begin and end where the cursor does.
pub(in super::super) fn read(cursor: Cursor<'_>) -> Result<Template, Unusual> {
    let mut reader = Reader::new(cursor, true);
    reader.cursor.fragment_header()?;
    reader.root()?;
    if reader.cursor.token()? != token::END_OF_STREAM {
        return Err(Unusual);
    }
    Ok(reader.finish())
}

/// Reads the element at the cursor, which stands in a record itself: its texts are the gaps of the template, in their
/// order, but those that name fields.
pub(in super::super) fn read_element(cursor: Cursor<'_>) -> Result<Template, Unusual> {
    let mut reader = Reader::new(cursor, false);
    reader.root()?;
    Ok(reader.finish())
}

/// A template that is being read.
struct Reader<'c> {
    cursor: Cursor<'c>,
    /// Whether it has gaps of its own: then each element names the one without which it is left out. Otherwise it stands
    /// in a record itself.
    has_gaps: bool,
    /// How many texts were taken for gaps.
    n_texts: u16,
    template: Template,
    /// The attributes of the elements around this place, those of inner ones behind those of outer ones.
    attributes: Vec<Attribute<'c>>,
    /// Gaps without which the elements around this place are left out.
    needs: Vec<u16>,
    n_elements: usize,
}

impl<'c> Reader<'c> {
    fn new(cursor: Cursor<'c>, has_gaps: bool) -> Self {
        let mut template = Template::default();
        template.steps.reserve(N_USUAL_STEPS);
        template.text.reserve(N_USUAL_TEXT_BYTES);
        Self {
            cursor,
            has_gaps,
            n_texts: 0,
            template,
            attributes: Vec::new(),
            needs: Vec::new(),
            n_elements: 0,
        }
    }

    fn finish(mut self) -> Template {
        self.template.note_varying();
        self.template
    }

    /// The outermost element.
    fn root(&mut self) -> Result<(), Unusual> {
        let opening = self.cursor.token()?;
        let start = self.start(opening)?;
        self.template.need = self.needs.pop();
        if start.name.is("Event") {
            self.template.role = Role::Event;
            return if start.is_empty { Err(Unusual) } else { self.event() };
        }
        if start.name.is(EVENT_DATA) || start.name.is(USER_DATA) {
            self.template.role = Role::Payload;
            return self.payload(&start);
        }
        self.template.role = Role::Member;
        self.member(&start, 0)
    }

    fn start(&mut self, opening: u8) -> Result<Start<'c>, Unusual> {
        self.n_elements += 1;
        if !is_element(opening) || self.n_elements > MAX_ELEMENTS {
            return Err(Unusual);
        }
        let need = if self.has_gaps { self.cursor.u16()? } else { u16::MAX };
        let _n_bytes = self.cursor.u32()?;
        let name = self.cursor.name()?;
        self.note(token::OPEN, name.utf16());
        let first = self.attributes.len();
        let mut next;
        if opening & token::MORE != 0 {
            let _n_bytes = self.cursor.u32()?;
            next = self.cursor.token()?;
            while next & !token::MORE == token::ATTRIBUTE {
                let own = self.cursor.name()?;
                next = self.cursor.token()?;
                let value = self.part(next, is_literal(name, own))?.ok_or(Unusual)?;
                next = self.cursor.token()?;
                if self.attributes.iter().skip(first).any(|known| known.name == own) {
                    return Err(Unusual);
                }
                self.note(token::ATTRIBUTE, own.utf16());
                self.note(value.token(), &[]);
                self.attributes.push(Attribute { name: own, value });
            }
        } else {
            next = self.cursor.token()?;
        }
        let is_empty = match next {
            token::CLOSE_START => false,
            token::CLOSE_EMPTY => true,
            _ => return Err(Unusual),
        };
        self.note(next, &[]);
        let has_need = need != u16::MAX;
        if has_need {
            self.needs.push(need);
        }
        Ok(Start { name, n_before: 0, attributes: first..self.attributes.len(), is_empty, has_need })
    }

    /// Notes what is at this place, and its name.
    fn note(&mut self, token: u8, name: &[u8]) {
        let structure = &mut self.template.structure;
        structure.push(token);
        structure.extend_from_slice(&name.len().to_le_bytes());
        structure.extend_from_slice(name);
    }

    fn end(&mut self, start: &Start<'_>) {
        self.attributes.truncate(start.attributes.start);
        if start.has_need {
            self.needs.pop();
        }
    }

    /// A value, if a token begins one. A text of the record itself is a gap, unless it is literal.
    fn part(&mut self, token: u8, is_literal: bool) -> Result<Option<Part<'c>>, Unusual> {
        match token & !token::MORE {
            token::TEXT => {
                if self.cursor.token()? != value::kind::STRING {
                    return Err(Unusual);
                }
                let text = self.cursor.text()?;
                if self.has_gaps || is_literal {
                    return Ok(Some(Part::Constant(text)));
                }
                let gap = self.n_texts;
                self.n_texts = gap.checked_add(1).ok_or(Unusual)?;
                Ok(Some(Part::Gap(gap)))
            }
            token::GAP | token::OPTIONAL_GAP if self.has_gaps => {
                let gap = self.cursor.u16()?;
                let _kind = self.cursor.token()?;
                Ok(Some(Part::Gap(gap)))
            }
            _ => Ok(None),
        }
    }

    fn content(&mut self) -> Result<Content<'c>, Unusual> {
        let token = self.cursor.token()?;
        if token == token::END {
            self.note(token, &[]);
            return Ok(Content::End);
        }
        match self.part(token, false)? {
            Some(part) => {
                self.note(part.token(), &[]);
                Ok(Content::Part(part))
            }
            None => self.start(token).map(Content::Element),
        }
    }

    /// The start of the next element, or none at the end of the one around it.
    fn element(&mut self) -> Result<Option<Start<'c>>, Unusual> {
        match self.content()? {
            Content::End => Ok(None),
            Content::Part(_) => Err(Unusual),
            Content::Element(start) => Ok(Some(start)),
        }
    }

    /// The one value in an element, or none.
    fn only_part(&mut self, start: &Start<'_>) -> Result<Option<Part<'c>>, Unusual> {
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
        let Template { steps, needs, inner, .. } = &mut self.template;
        if matches!(action, Action::Inner { .. }) {
            inner.push(steps.len());
        }
        let first = needs.len();
        needs.extend_from_slice(&self.needs);
        steps.push(Step { action, needs: first..needs.len() });
        Ok(())
    }

    /// Adds a field whose name is kept with the texts of the template.
    fn field(
        &mut self,
        place: Place,
        name: Range<usize>,
        value: Part<'_>,
        empty: Empty,
    ) -> Result<(), Unusual> {
        let label = Label::new(place, self.text(&name), name);
        match value {
            Part::Gap(gap) => self.push(Action::Field { label, gap, empty }),
            Part::Constant(value) => match self.store(value)? {
                value if value.is_empty() => Err(Unusual),
                value => self.push(Action::Constant { label, value }),
            },
        }
    }

    /// Adds a field that has no value.
    fn missing(&mut self, place: Place, name: Range<usize>, empty: Empty) -> Result<(), Unusual> {
        let label = Label::new(place, self.text(&name), name);
        self.push(Action::Missing { label, empty })
    }

    /// Makes each attribute of an element a field.
    fn attributes(
        &mut self,
        start: &Start<'_>,
        place: Place,
        is_wanted: impl Fn(Attribute<'c>) -> Result<bool, Unusual>,
    ) -> Result<(), Unusual> {
        for index in start.attributes.clone() {
            let attribute = *self.attributes.get(index).ok_or(Unusual)?;
            if is_wanted(attribute)? {
                let name = self.store_joined(start, attribute.name)?;
                self.field(place, name, attribute.value, Empty::LeftOut)?;
            }
        }
        Ok(())
    }

    /// The attributes of a group of fields, which must not be gaps of a template. Namespaces say nothing.
    fn constants(&mut self, start: &Start<'_>) -> Result<(), Unusual> {
        let has_gaps = self.has_gaps;
        self.attributes(start, Place::Data, |Attribute { name, value }| match value {
            _ if name.is_namespace() => Ok(false),
            Part::Gap(_) if has_gaps => Err(Unusual),
            Part::Gap(_) | Part::Constant(_) => Ok(true),
        })
    }

    /// The members of `Event`: System, and the payload or the gap that it is in.
    fn event(&mut self) -> Result<(), Unusual> {
        loop {
            match self.content()? {
                Content::End => return Ok(()),
                Content::Part(Part::Gap(gap)) if self.has_gaps => {
                    self.push(Action::Inner { gap, role: Role::Payload })?;
                }
                Content::Part(_) => return Err(Unusual),
                Content::Element(start) => {
                    if start.name.is(SYSTEM) && start.attributes.is_empty() && !start.is_empty {
                        self.system()?;
                    } else if start.name.is(EVENT_DATA) || start.name.is(USER_DATA) {
                        self.payload(&start)?;
                    } else {
                        return Err(Unusual);
                    }
                    self.end(&start);
                }
            }
        }
    }

    fn payload(&mut self, start: &Start<'_>) -> Result<(), Unusual> {
        self.constants(start)?;
        if start.is_empty {
            return Err(Unusual);
        }
        if start.name.is(EVENT_DATA) { self.event_data() } else { self.user_data() }
    }

    fn system(&mut self) -> Result<(), Unusual> {
        let mut names = Vec::new();
        while let Some(start) = self.element()? {
            if names.contains(&start.name) {
                return Err(Unusual);
            }
            self.attributes(&start, Place::System, |_| Ok(true))?;
            if let Some(part) = self.only_part(&start)? {
                let name = self.store(start.name.utf16())?;
                self.field(Place::System, name, part, Empty::LeftOut)?;
            }
            self.end(&start);
            names.push(start.name);
        }
        Ok(())
    }

    /// Fields that are `<Data Name="…">`, or nameless ones, and `<Binary>`.
    fn event_data(&mut self) -> Result<(), Unusual> {
        let mut names: Vec<Range<usize>> = Vec::with_capacity(N_USUAL_STEPS);
        let mut members = Members::default();
        let (mut n_nameless, mut n_binary) = (0, 0);
        let mut may_miss = false;
        while let Some(start) = self.element()? {
            let part = self.only_part(&start)?;
            let attributes = self.attributes.get(start.attributes.clone()).unwrap_or_default();
            match (attributes, part) {
                ([Attribute { name, value: Part::Constant(own) }], part)
                    if start.name.is(DATA) && name.is(NAME) =>
                {
                    let own = self.store_name(own, members.add(own))?;
                    if own.is_empty() {
                        return Err(Unusual);
                    }
                    match part {
                        Some(part) => self.field(Place::Data, own.clone(), part, Empty::Text)?,
                        None => self.missing(Place::Data, own.clone(), Empty::Text)?,
                    }
                    names.push(own);
                }
                ([], Some(Part::Gap(gap))) if self.has_gaps && start.name.is(DATA) && names.is_empty() => {
                    self.push(Action::Nameless { gap, is_only: true })?;
                    n_nameless += 1;
                    may_miss |= start.has_need;
                }
                ([], Some(part)) if start.name.is(BINARY) => {
                    let own = self.store_str(BINARY)?;
                    self.field(Place::Data, own.clone(), part, Empty::Null)?;
                    names.push(own);
                    n_binary += 1;
                }
                _ => return Err(Unusual),
            }
            self.end(&start);
        }
        // A name that is one with a number of another, nameless fields beside others, and several of which one may be left out, are
        // put together in ways of their own.
        let is_binary_at_most = names.len() <= 1 && n_binary == names.len();
        let is_plain = match n_nameless {
            0 => self.all_differ(&names),
            1 => is_binary_at_most,
            _ => !may_miss && is_binary_at_most,
        };
        if n_nameless > 1 {
            self.note_several();
        }
        if is_plain { Ok(()) } else { Err(Unusual) }
    }

    /// Whether none of these names comes twice.
    fn all_differ(&self, names: &[Range<usize>]) -> bool {
        let mut members = Members::default();
        names.iter().all(|name| members.add(self.text(name).as_bytes()) == 0)
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
        let mut members = Members::default();
        while let Some(mut start) = self.element()? {
            if start.name.is(DATA) || depth >= MAX_ELEMENT_DEPTH {
                return Err(Unusual);
            }
            start.n_before = members.add(start.name.utf16());
            self.member(&start, depth)?;
            self.end(&start);
        }
        Ok(())
    }

    fn member(&mut self, start: &Start<'_>, depth: u32) -> Result<(), Unusual> {
        self.constants(start)?;
        let has_members = !start.is_empty && {
            let mut ahead = self.cursor;
            is_element(ahead.token()?)
        };
        if has_members {
            return self.group(depth + 1);
        }
        let part = self.only_part(start)?;
        // Attributes are fields of their own, beside which an element may do without.
        if part.is_none() && !start.attributes.is_empty() {
            return Ok(());
        }
        let name = self.store_name(start.name.utf16(), start.n_before)?;
        match part {
            Some(part) => self.field(Place::Data, name, part, Empty::Null),
            None => self.missing(Place::Data, name, Empty::Null),
        }
    }
}

#[cfg(test)]
mod tests;
