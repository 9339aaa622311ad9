//! Parts of a time.
//!
//! Specification: sigma-appendix-modifiers, "Time Modifiers": the field holds a time, and a part of it, as
//! written and without a change of time zone, is compared with the number.

use super::{Draft, Problem, Spec, Value};
use crate::predicate::{Ordering, TimePart};

pub(super) const MODIFIERS: &[Spec] = &[
    Spec { name: "minute", aliases: &[], apply: |draft| part(draft, "minute", TimePart::Minute) },
    Spec { name: "hour", aliases: &[], apply: |draft| part(draft, "hour", TimePart::Hour) },
    Spec { name: "day", aliases: &[], apply: |draft| part(draft, "day", TimePart::Day) },
    Spec { name: "week", aliases: &[], apply: |draft| part(draft, "week", TimePart::Week) },
    Spec { name: "month", aliases: &[], apply: |draft| part(draft, "month", TimePart::Month) },
    Spec { name: "year", aliases: &[], apply: |draft| part(draft, "year", TimePart::Year) },
];

fn part(draft: &mut Draft<'_>, name: &str, part: TimePart) -> Result<(), Problem> {
    draft.map(|value| match value {
        Value::Compare { ordering, number } => Ok(Value::Time { part, ordering, number }),
        other => match other.as_number() {
            Some(number) => Ok(Value::Time { part, ordering: Ordering::Equal, number }),
            None => Err(Problem::invalid(format!("`{name}` takes a number, not {}", other.kind()))),
        },
    })
}
