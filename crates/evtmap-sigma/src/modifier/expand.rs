//! Placeholders: `%Servers%` stands for values that only the user knows.
//!
//! Specification: sigma-rules-specification, "Placeholders". A rule with a placeholder that nothing is
//! known for is refused: run without it, it would match too much or nothing.

use super::{Draft, Problem, Spec, Value};
use crate::Placeholders;
use crate::diagnostic::Code;
use crate::pattern::{Part, Pattern};
use crate::scalar::{Kind, Scalar};

pub(super) const MODIFIERS: &[Spec] = &[Spec { name: "expand", aliases: &[], apply: expand }];

/// The largest number of texts that one value may become.
const MAX_TEXTS: usize = 10_000;

fn expand(draft: &mut Draft<'_>) -> Result<(), Problem> {
    let placeholders = draft.placeholders;
    draft.map(|value| match value {
        Value::Written(Scalar { kind: Kind::Text, text, .. }) => {
            fill(&Pattern::parse_expandable(&text), placeholders)
        }
        other => match other.into_pattern() {
            Ok(pattern) => fill(&pattern.placeholders(), placeholders),
            Err(other) => Err(Problem::invalid(format!("`expand` takes a text, not {}", other.kind()))),
        },
    })
}

/// Every combination of the placeholders' values.
fn fill(pattern: &Pattern, placeholders: &Placeholders) -> Result<Value, Problem> {
    let mut filled = vec![Vec::new()];
    for part in pattern.parts() {
        let choices: Vec<Vec<Part>> = match part {
            Part::Placeholder(name) => {
                let Some(values) = placeholders.get(name) else {
                    return Err(Problem::new(
                        Code::UnresolvedPlaceholder,
                        format!("the placeholder `%{name}%` has no values"),
                    )
                    .help("give its values in the configuration"));
                };
                values.iter().map(|value| Pattern::parse(value).parts().to_vec()).collect()
            }
            other => vec![vec![other.clone()]],
        };
        if filled.len().saturating_mul(choices.len()) > MAX_TEXTS {
            let message = format!("the placeholders make more than {MAX_TEXTS} texts of `{pattern}`");
            return Err(Problem::new(Code::LimitExceeded, message));
        }
        filled = filled
            .iter()
            .flat_map(|done| choices.iter().map(|choice| [done.as_slice(), choice.as_slice()].concat()))
            .collect();
    }
    Ok(Value::AnyOf(filled.into_iter().map(|parts| Value::Text(Pattern::from_parts(parts))).collect()))
}
