//! An event as an engine sees it: which of its fields are the values of which slot.
//!
//! Finding that out means comparing names. Events of one kind have the same names in the same order, so it
//! is found once for each such shape and remembered.

use std::ops::ControlFlow;

use evtmap_sigma::{SlotEvent, Value};
use rustc_hash::FxHashMap;

use crate::event::{Event, Names, Scope};

/// How much memory the shapes of events that a bucket remembers may take, in bytes. That is some hundreds, as Windows'
/// own kinds of events have; an attacker's must not fill the memory.
const N_BYTES_MAX: usize = 512 << 10;

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
    /// The indices of the event's fields, those of each slot behind those of the one before.
    fields: &'a [u32],
    /// By slot: where its fields begin, which is where those of the one before end; and the end of all.
    bounds: &'a [u32],
    /// The slots that have any.
    filled: &'a [usize],
}

impl Slots<'_> {
    /// The places of the fields that are in any slot; one may come several times.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.fields.iter().map(|place| *place as usize)
    }

    /// The places of the fields of a slot.
    fn of(&self, slot: usize) -> &[u32] {
        let Some([start, end]) = self.bounds.get(slot..).and_then(<[u32]>::first_chunk) else { return &[] };
        self.fields.get(*start as usize..*end as usize).unwrap_or_default()
    }
}

impl SlotEvent for SlotView<'_> {
    fn slot<'a>(
        &'a self,
        slot: usize,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut fields = self.slots.of(slot).iter().filter_map(|place| self.event.field(*place as usize));
        fields.try_for_each(|(_, _, value)| visit(value))
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
    /// How much memory they take, in bytes.
    n_bytes: usize,
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
    names: Names,
    fields: Box<[u32]>,
    bounds: Box<[u32]>,
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
            return self.unusual.insert(Shape::new(Names::default(), event, slots)).slots();
        }
        self.last = by_number.unwrap_or_else(|| {
            let known = self.by_names(event, slots);
            if let Some(number) = event.shape().filter(|_| self.by_number.len() < N_NUMBERS_MAX) {
                self.by_number.insert(number, known);
            }
            known
        });
        self.known.get(self.last).map(Shape::slots).unwrap_or_default()
    }

    /// Which of the shapes has the names of the event; where none does, it is added.
    fn by_names(&mut self, event: &Event, slots: &[Vec<String>]) -> usize {
        let is_last = self.known.get(self.last).is_some_and(|shape| event.has_names(&shape.names));
        if is_last {
            return self.last;
        }
        let found = self.known.iter().position(|shape| event.has_names(&shape.names));
        found.unwrap_or_else(|| {
            let shape = Shape::new(event.names(), event, slots);
            if self.n_bytes + shape.n_bytes() > N_BYTES_MAX {
                self.known.clear();
                self.by_number.clear();
                self.n_bytes = 0;
            }
            self.n_bytes += shape.n_bytes();
            self.known.push(shape);
            self.known.len() - 1
        })
    }
}

impl Shape {
    fn new(names: Names, event: &Event, slots: &[Vec<String>]) -> Self {
        let (mut fields, mut bounds, mut filled) = (Vec::new(), vec![0], Vec::new());
        for (slot, names) in slots.iter().enumerate() {
            let n_before = fields.len();
            for (scope, field) in names.iter().map(|name| field_of(name)) {
                fields.extend(event.indices(scope, field).filter_map(|place| u32::try_from(place).ok()));
            }
            filled.extend((fields.len() > n_before).then_some(slot));
            bounds.push(u32::try_from(fields.len()).unwrap_or(u32::MAX));
        }
        Self { names, fields: fields.into(), bounds: bounds.into(), filled: filled.into() }
    }

    /// How much memory it takes, in bytes.
    fn n_bytes(&self) -> usize {
        let Self { names, fields, bounds, filled } = self;
        size_of::<Self>()
            + names.n_bytes()
            + size_of_val(&**fields)
            + size_of_val(&**bounds)
            + size_of_val(&**filled)
    }

    fn slots(&self) -> Slots<'_> {
        let Self { fields, bounds, filled, .. } = self;
        Slots { fields, bounds, filled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Place;

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

    /// Where each event has other names, no more is kept than has room, and each is seen as it is.
    #[test]
    fn what_is_remembered_is_bounded() {
        let mut shapes = Shapes::default();
        for number in 0..2000 {
            let other = format!("{number}{}", "n".repeat(1000));
            check(&mut shapes, &[(&other, "x"), ("User", "a")], [&["a"], &[]]);
            assert!(shapes.n_bytes <= N_BYTES_MAX && shapes.known.len() < N_BYTES_MAX / 1000);
            let n_bytes: usize = shapes.known.iter().map(Shape::n_bytes).sum();
            assert_eq!(shapes.n_bytes, n_bytes);
        }
        assert!(shapes.known.len() > 1);
    }
}
