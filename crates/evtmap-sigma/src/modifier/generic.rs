//! Generic modifiers: where in the value, how many of the values, presence, negation.
//!
//! Specification: sigma-appendix-modifiers, "Generic Modifiers" and "Specific Modifiers".

use super::{Draft, Problem, Spec, Value};
use crate::diagnostic::Code;
use crate::pattern::Pattern;
use crate::scalar::{Kind, Scalar};
use crate::text::RefPart;

pub(super) const MODIFIERS: &[Spec] = &[
    Spec { name: "contains", aliases: &[], apply: contains },
    Spec { name: "startswith", aliases: &[], apply: startswith },
    Spec { name: "endswith", aliases: &[], apply: endswith },
    Spec { name: "all", aliases: &[], apply: all },
    Spec { name: "cased", aliases: &[], apply: cased },
    Spec { name: "exists", aliases: &[], apply: exists },
    Spec { name: "neq", aliases: &[], apply: neq },
    Spec { name: "fieldref", aliases: &[], apply: fieldref },
];

fn contains(draft: &mut Draft<'_>) -> Result<(), Problem> {
    place_within(draft, "contains", RefPart::Anywhere, |pattern| pattern.any_before().any_after())
}

fn startswith(draft: &mut Draft<'_>) -> Result<(), Problem> {
    place_within(draft, "startswith", RefPart::Start, |pattern| pattern.any_after())
}

fn endswith(draft: &mut Draft<'_>) -> Result<(), Problem> {
    place_within(draft, "endswith", RefPart::End, |pattern| pattern.any_before())
}

fn place_within(
    draft: &mut Draft<'_>,
    name: &str,
    part: RefPart,
    widen: impl Fn(Pattern) -> Pattern,
) -> Result<(), Problem> {
    draft.anchored = true;
    draft.map(|value| match value {
        Value::FieldRef { field, .. } => Ok(Value::FieldRef { field, part }),
        Value::Regex(source) => Ok(Value::Regex(source.within(part))),
        other => match other.into_pattern() {
            Ok(pattern) => Ok(Value::Text(widen(pattern))),
            Err(other) => Err(Problem::invalid(format!("`{name}` takes a text, not {}", other.kind()))),
        },
    })
}

fn all(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.all = true;
    if draft.values.len() < 2 {
        let message = "`all` asks for several values, but there is only one";
        draft.warnings.push(Problem::new(Code::IneffectiveModifier, message).help("leave `all` out"));
    }
    Ok(())
}

fn cased(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.cased = true;
    if draft.values.iter().any(|value| matches!(value, Value::Regex(_))) {
        let message = "regular expressions mind the case anyway";
        draft.warnings.push(Problem::new(Code::IneffectiveModifier, message).help("leave `cased` out"));
    }
    Ok(())
}

fn exists(draft: &mut Draft<'_>) -> Result<(), Problem> {
    if draft.n_applied > 0 {
        return Err(Problem::invalid("`exists` cannot be joined with other modifiers"));
    }
    if draft.values.len() != 1 {
        return Err(Problem::invalid("`exists` takes one value, `true` or `false`"));
    }
    draft.map(|value| match &value {
        Value::Written(Scalar { kind: Kind::Bool(wanted), .. }) => Ok(Value::Exists(*wanted)),
        Value::Written(Scalar { text, .. }) if text.eq_ignore_ascii_case("true") => Ok(Value::Exists(true)),
        Value::Written(Scalar { text, .. }) if text.eq_ignore_ascii_case("false") => Ok(Value::Exists(false)),
        other => Err(Problem::invalid(format!("`exists` takes `true` or `false`, not {}", other.kind()))),
    })
}

/// `neq` negates the item as a whole: `neq: [a, b]` is neither of them, and an absent field is not equal.
fn neq(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.negated = true;
    Ok(())
}

fn fieldref(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.map(|value| match value {
        Value::Written(Scalar { kind: Kind::Text, text, .. }) => match Pattern::parse(&text).as_literal() {
            Some(field) => Ok(Value::FieldRef { field: field.to_owned(), part: RefPart::Whole }),
            None => Err(Problem::invalid("`fieldref` takes the name of one field, without wildcards")),
        },
        other => Err(Problem::invalid(format!("`fieldref` takes the name of a field, not {}", other.kind()))
            .help("it stands before `contains`, `startswith` or `endswith`")),
    })
}
