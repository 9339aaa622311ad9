//! The templates of records, turned into the fields that a record of theirs has.
//!
//! Windows writes the structure of an event once a chunk, as a template with numbered gaps, and for each
//! record the values of the gaps. A template is read once and gives a list of [`Step`]s: which gap is the
//! value of which field. What is not as nearly all templates are gives nothing, and its records are left to
//! the evtx crate.
//!
//! Source: MS-EVEN6 2.2.12 (BinXML).

mod element;
mod form;
mod reader;
mod token;

use std::hash::Hash;
use std::ops::Range;

pub(super) use self::form::{write as write_form, write_element as write_element_form};
pub(super) use self::reader::{read, read_element};
pub(super) use self::token::is_element;

use super::value;
use crate::event::{Label, PassingField};

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
    /// The elements: names, attributes, where each begins and ends, and what is in it. Two templates may have the same
    /// steps and still be told apart by what the evtx crate makes of a name that is in no step.
    structure: Vec<u8>,
    /// Gaps without which steps are left out.
    needs: Vec<u16>,
    /// Which of the steps are [`Action::Inner`].
    inner: Vec<usize>,
    /// Gaps in the order of the values: what is in them says nothing of what a record says.
    pub(super) varying: Vec<Varying>,
}

/// A gap whose value may be another in a record that says the same.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct Varying {
    pub(super) gap: u16,
    /// The field that it is; nothing if it is made by a template, whose values are compared instead.
    pub(super) passing: Option<PassingField>,
}

impl Varying {
    /// Whether a value of a type is one that the field has in nearly every record, and never empty. What is made by a
    /// template may be anything: it is compared as a stream of its own.
    pub(super) fn may_hold(self, kind: u8) -> bool {
        use value::kind::{FILETIME, UINT8, UINT16, UINT32, UINT64};

        match self.passing {
            None => true,
            Some(field) if field.is_time() => kind == FILETIME,
            Some(_) => matches!(kind, UINT8 | UINT16 | UINT32 | UINT64),
        }
    }
}

impl Template {
    /// How much memory it takes, in bytes, about.
    pub(super) fn n_bytes(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + self.steps.capacity() * size_of::<Step>()
            + self.structure.capacity()
            + self.needs.capacity() * size_of::<u16>()
    }

    /// The gaps without which a step is left out.
    pub(super) fn needs(&self, step: &Step) -> &[u16] {
        self.needs.get(step.needs.clone()).unwrap_or_default()
    }

    /// One of the steps that are [`Action::Inner`], by its place among these.
    pub(super) fn inner_step(&self, place: usize) -> Option<&Step> {
        self.steps.get(*self.inner.get(place)?)
    }

    /// Finds the gaps that vary: those in which a template is used, and those of a field that passes. Each must be
    /// the gap of one step only, and the field the only one of its name.
    fn note_varying(&mut self) {
        let passing = |step: &Step| step.action.label().and_then(Label::passing);
        let mut gaps: Vec<u16> = self.steps.iter().filter_map(|step| step.action.gap()).collect();
        let mut fields: Vec<PassingField> = self.steps.iter().filter_map(passing).collect();
        gaps.sort_unstable();
        fields.sort_unstable();
        let varying = self.steps.iter().filter_map(|step| match step.action {
            Action::Inner { gap, .. } => Some(Varying { gap, passing: None }),
            Action::Field { gap, .. } => {
                let field = passing(step).filter(|field| comes_once(&fields, field))?;
                Some(Varying { gap, passing: Some(field) })
            }
            _ => None,
        });
        let mut varying: Vec<Varying> = varying.filter(|varying| comes_once(&gaps, &varying.gap)).collect();
        varying.sort_by_key(|varying| varying.gap);
        self.varying = varying;
    }
}

/// Whether something is once in a sorted list.
fn comes_once<T: Ord>(sorted: &[T], wanted: &T) -> bool {
    let first = sorted.partition_point(|own| own < wanted);
    let from_it = sorted.get(first..).unwrap_or_default();
    from_it.first() == Some(wanted) && from_it.get(1) != Some(wanted)
}

/// One thing to do for a record.
#[derive(Debug, Hash)]
pub(super) struct Step {
    pub(super) action: Action,
    /// Which of the template's needs are its own.
    needs: Range<usize>,
}

#[derive(Debug, Hash)]
pub(super) enum Action {
    /// A field whose value is in the template.
    Constant { label: Label, value: Range<usize> },
    /// A field that has no value in the template.
    Missing { label: Label, empty: Empty },
    /// A field whose value is a gap's.
    Field { label: Label, gap: u16, empty: Empty },
    /// A nameless field of `EventData`; if it is the only one, an array in it is several.
    Nameless { gap: u16, is_only: bool },
    /// What the gap holds is itself made by a template.
    Inner { gap: u16, role: Role },
}

impl Action {
    /// The label of the field that it makes, if that has one of its own.
    fn label(&self) -> Option<&Label> {
        match self {
            Self::Constant { label, .. } | Self::Missing { label, .. } | Self::Field { label, .. } => {
                Some(label)
            }
            Self::Nameless { .. } | Self::Inner { .. } => None,
        }
    }

    /// The gap that it is about.
    fn gap(&self) -> Option<u16> {
        match self {
            Self::Constant { .. } | Self::Missing { .. } => None,
            Self::Field { gap, .. } | Self::Nameless { gap, .. } | Self::Inner { gap, .. } => Some(*gap),
        }
    }
}

/// What becomes of a field when its gap is empty, or when it has no value in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Empty {
    /// It is left out.
    LeftOut,
    /// It is there and has no value.
    Null,
    /// It is there and is an empty text.
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Place;

    /// Which gaps vary in a template of these steps.
    #[track_caller]
    fn check(actions: Vec<Action>, expected: &[u16]) {
        let mut template = Template::default();
        for (index, action) in actions.into_iter().enumerate() {
            template.inner.extend(matches!(action, Action::Inner { .. }).then_some(index));
            template.steps.push(Step { action, needs: 0..0 });
        }
        template.note_varying();
        assert_eq!(template.varying.iter().map(|varying| varying.gap).collect::<Vec<_>>(), expected);
    }

    fn field(place: Place, name: &str, gap: u16) -> Action {
        Action::Field { label: Label::new(place, name, 0..0), gap, empty: Empty::LeftOut }
    }

    #[test]
    fn gaps_that_vary() {
        use Place::{Data, System};

        let number = |gap| field(System, "EventRecordID", gap);
        let time = |gap| field(System, "TimeCreated_SystemTime", gap);
        let payload = |gap| Action::Inner { gap, role: Role::Payload };
        check(vec![number(7), field(System, "Level", 2), time(3), payload(5)], &[3, 5, 7]);
        // A payload may call a field of its own so.
        check(vec![number(1), field(Data, "EventRecordID", 2)], &[1]);
        // Which of two counts is not for this to say, and a gap of two fields is not one that only passes.
        check(vec![number(1), number(2), time(3)], &[3]);
        let constant = Action::Constant { label: Label::new(System, "EventRecordID", 0..0), value: 0..0 };
        check(vec![constant, number(2)], &[]);
        check(vec![number(1), field(Data, "Number", 1)], &[]);
        check(vec![payload(1), Action::Nameless { gap: 1, is_only: true }], &[]);
    }

    #[test]
    fn what_a_gap_that_varies_may_hold() {
        use value::kind::{BINXML, FILETIME, HEX_INT32, STRING, UINT16, UINT64};

        let varying = |name| Varying { gap: 0, passing: Label::new(Place::System, name, 0..0).passing() };
        let (time, number) = (varying("TimeCreated_SystemTime"), varying("Execution_ThreadID"));
        let check = |varying: Varying, expected: &[u8]| {
            let kinds = [STRING, UINT16, UINT64, HEX_INT32, FILETIME];
            let held: Vec<u8> = kinds.into_iter().filter(|kind| varying.may_hold(*kind)).collect();
            assert_eq!(held, expected);
        };
        check(time, &[FILETIME]);
        check(number, &[UINT16, UINT64]);
        assert!(Varying { gap: 0, passing: None }.may_hold(BINXML));
    }
}
