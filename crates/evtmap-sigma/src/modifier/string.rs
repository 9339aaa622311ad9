//! String modifiers: the dashes of Windows' command lines.
//!
//! Specification: sigma-appendix-modifiers, "String modifiers".

use super::{Draft, Problem, Spec, Value};

pub(super) const MODIFIERS: &[Spec] = &[Spec { name: "windash", aliases: &[], apply: windash }];

fn windash(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.map_text("windash", |pattern| Ok(Value::Text(pattern.windash())))
}
