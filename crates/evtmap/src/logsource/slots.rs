//! An event as an engine sees it: which of its fields are the values of which slot.
//!
//! Finding that out means comparing names. Events of one kind have the same names in the same order, so it
//! is found once for each such shape and remembered.

use std::ops::ControlFlow;

use evtmap_sigma::{SlotEvent, Value};
use rustc_hash::FxHashMap;

use crate::event::{Event, Place, Scope};

/// How many shapes of events are remembered for a bucket. Windows' own kinds of events have a handful of
/// versions; an attacker's must not fill the memory.
const N_SHAPES_MAX: usize = 64;

/// How many numbers of shapes are remembered for a bucket.
const N_NUMBERS_MAX: usize = 1024;

/// Before the name of a slot that is looked for among derived fields.
const DERIVED: &str = "derived ";

/// The name of the slot for a field.
pub(super) fn slot_name(scope: Scope, field: &str) -> String {
    match scope {
        Scope::Own => field.to_owned(),
        Scope::Derived => format!("{DERIVED}{field}"),
    }
}

/// The field that a slot is for.
fn field_of(slot: &str) -> (Scope, &str) {
    slot.strip_prefix(DERIVED).map_or((Scope::Own, slot), |field| (Scope::Derived, field))
}

/// An event and the fields of each slot.
pub(super) struct SlotView<'a> {
    pub(super) event: &'a Event,
    pub(super) slots: Slots<'a>,
}

/// Which fields of an event are in which slot.
#[derive(Clone, Copy, Default)]
pub(super) struct Slots<'a> {
    /// By slot: the indices of the event's fields.
    fields: &'a [Box<[usize]>],
    /// The slots that have any.
    filled: &'a [usize],
}

impl Slots<'_> {
    /// The places of the fields that are in any slot; one may come several times.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.filled.iter().filter_map(|slot| self.fields.get(*slot)).flatten().copied()
    }
}

impl SlotEvent for SlotView<'_> {
    fn slot<'a>(
        &'a self,
        slot: usize,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let fields = self.slots.fields.get(slot).map(AsRef::as_ref).unwrap_or_default();
        fields.iter().filter_map(|field| self.event.field(*field)).try_for_each(|(_, _, value)| visit(value))
    }

    fn filled(&self) -> Option<&[usize]> {
        Some(self.slots.filled)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        self.event.texts().try_for_each(visit)
    }

    fn everything(&self) -> Option<&str> {
        Some(self.event.everything())
    }
}

/// The shapes of events that a bucket has seen, for one thread.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: Vec<Shape>,
    /// Which of them it is by the number that the reader has for it; several numbers may be of one shape.
    by_number: FxHashMap<u64, usize>,
    /// The one that was used last, which is probably the next.
    last: usize,
    /// That of an event whose names are too long to be remembered.
    unusual: Option<Shape>,
}

/// A sequence of names, and the fields of each slot in it.
#[derive(Debug)]
struct Shape {
    names: Vec<(Place, Box<str>)>,
    fields: Box<[Box<[usize]>]>,
    /// The slots that have fields.
    filled: Box<[usize]>,
}

impl Shapes {
    /// The fields of each slot in an event of this shape.
    pub(super) fn of(&mut self, event: &Event, slots: &[Vec<String>]) -> Slots<'_> {
        if slots.is_empty() {
            return Slots::default();
        }
        let by_number = event.shape().and_then(|number| self.by_number.get(&number).copied());
        if by_number.is_none() && !event.has_usual_names() {
            let shape = self.unusual.insert(Shape { names: Vec::new(), ..Shape::new(event, slots) });
            return Slots { fields: &shape.fields, filled: &shape.filled };
        }
        self.last = by_number.unwrap_or_else(|| {
            let known = self.by_names(event, slots);
            if let Some(number) = event.shape().filter(|_| self.by_number.len() < N_NUMBERS_MAX) {
                self.by_number.insert(number, known);
            }
            known
        });
        let known = self.known.get(self.last);
        known.map(|shape| Slots { fields: &shape.fields, filled: &shape.filled }).unwrap_or_default()
    }

    /// Which of the shapes has the names of the event; where none does, it is added.
    fn by_names(&mut self, event: &Event, slots: &[Vec<String>]) -> usize {
        let is_last = self.known.get(self.last).is_some_and(|shape| event.has_names(&shape.names));
        if is_last {
            return self.last;
        }
        let found = self.known.iter().position(|shape| event.has_names(&shape.names));
        found.unwrap_or_else(|| {
            if self.known.len() >= N_SHAPES_MAX {
                self.known.clear();
                self.by_number.clear();
            }
            self.known.push(Shape::new(event, slots));
            self.known.len() - 1
        })
    }
}

impl Shape {
    fn new(event: &Event, slots: &[Vec<String>]) -> Self {
        let names = event.fields().map(|(place, name, _)| (place, name.into())).collect();
        let indices = |names: &Vec<String>| {
            let fields = names.iter().map(|name| field_of(name));
            fields.flat_map(|(scope, field)| event.indices(scope, field)).collect()
        };
        let fields: Box<[Box<[usize]>]> = slots.iter().map(indices).collect();
        let filled = fields.iter().enumerate().filter(|(_, fields)| !fields.is_empty());
        let filled = filled.map(|(slot, _)| slot).collect();
        Self { names, fields, filled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the slots `User` and `Image` in events, each of which is asked about twice.
    fn check(shapes: &mut Shapes, fields: &[(&str, &str)], expected: [&[&str]; 2]) {
        let slots = ["User", "Image"].map(|name| vec![name.to_owned()]);
        let mut event = Event::new();
        fields.iter().for_each(|(name, value)| event.push(Place::Data, name, Value::Text(value)));
        for _ in 0..2 {
            let view = SlotView { event: &event, slots: shapes.of(&event, &slots) };
            for (slot, expected) in expected.iter().enumerate() {
                let mut found = Vec::new();
                let _ = view.slot(slot, &mut |value| {
                    found.extend(value.text());
                    ControlFlow::Continue(())
                });
                assert_eq!(&found, expected);
            }
        }
    }

    #[test]
    fn shapes_are_told_apart_and_none_is_remembered_that_is_made_of_names() {
        let mut shapes = Shapes::default();
        check(&mut shapes, &[("User", "a"), ("Image", "b")], [&["a"], &["b"]]);
        check(&mut shapes, &[("Image", "b"), ("User", "a"), ("User", "c")], [&["a", "c"], &["b"]]);
        let long = "n".repeat(5000);
        check(&mut shapes, &[(&long, "x"), ("User", "a")], [&["a"], &[]]);
        check(&mut shapes, &[("User", "a"), (&long, "x")], [&["a"], &[]]);
        assert_eq!(shapes.known.len(), 2);
    }
}
