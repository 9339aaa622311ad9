//! Comparisons with numbers.
//!
//! Specification: sigma-appendix-modifiers, "Numeric Modifiers".

use super::{Draft, Problem, Spec, Value};
use crate::predicate::Ordering;

pub(super) const MODIFIERS: &[Spec] = &[
    Spec { name: "lt", aliases: &[], apply: |draft| compare(draft, "lt", Ordering::Less) },
    Spec { name: "lte", aliases: &[], apply: |draft| compare(draft, "lte", Ordering::LessOrEqual) },
    Spec { name: "gt", aliases: &[], apply: |draft| compare(draft, "gt", Ordering::Greater) },
    Spec { name: "gte", aliases: &[], apply: |draft| compare(draft, "gte", Ordering::GreaterOrEqual) },
];

fn compare(draft: &mut Draft<'_>, name: &str, ordering: Ordering) -> Result<(), Problem> {
    draft.map(|value| match value {
        Value::Time { part, number, .. } => Ok(Value::Time { part, ordering, number }),
        other => match other.as_number() {
            Some(number) => Ok(Value::Compare { ordering, number }),
            None => Err(Problem::invalid(format!("`{name}` takes a number, not {}", other.kind()))),
        },
    })
}
