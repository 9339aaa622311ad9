//! Regular expressions and their flags.
//!
//! Specification: sigma-appendix-modifiers, "Regular Expression Modifiers": a search anywhere in the value
//! that minds the case, in the subset of PCRE without look-around and back-references.

use serde::{Deserialize, Serialize};

use super::{Draft, Problem, Spec, Value};
use crate::scalar::{Kind, Scalar};
use crate::text::RefPart;

pub(super) const MODIFIERS: &[Spec] = &[
    Spec { name: "re", aliases: &[], apply: re },
    Spec { name: "i", aliases: &["ignorecase"], apply: |draft| flag(draft, "i") },
    Spec { name: "m", aliases: &["multiline"], apply: |draft| flag(draft, "m") },
    Spec { name: "s", aliases: &["dotall"], apply: |draft| flag(draft, "s") },
];

/// A regular expression with its flags, not yet compiled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RegexSource {
    /// The expression as written.
    pub(crate) pattern: String,
    /// The flags as letters.
    pub(crate) flags: String,
}

impl RegexSource {
    /// Whether upper and lower case are one.
    pub(crate) fn ignores_case(&self) -> bool {
        self.flags.contains('i')
    }

    /// Whether `^` and `$` stand for the ends of lines too.
    pub(crate) fn is_multi_line(&self) -> bool {
        self.flags.contains('m')
    }

    /// Whether `.` stands for the end of a line too.
    pub(crate) fn dot_matches_new_line(&self) -> bool {
        self.flags.contains('s')
    }

    /// A search is unanchored anyway, so `contains` changes nothing; the others anchor one end of the value,
    /// which `^` and `$` would not do under the flag `m`.
    pub(super) fn within(self, part: RefPart) -> Self {
        let Self { pattern, flags } = self;
        let pattern = match part {
            RefPart::Start => format!(r"\A(?:{pattern})"),
            RefPart::End => format!(r"(?:{pattern})\z"),
            RefPart::Anywhere | RefPart::Whole => pattern,
        };
        Self { pattern, flags }
    }
}

fn re(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.map(|value| match value {
        Value::Written(Scalar { kind: Kind::Text | Kind::Number(_), text, .. }) => {
            Ok(Value::Regex(RegexSource { pattern: plain_angles(&text), flags: String::new() }))
        }
        other => Err(Problem::invalid(format!("`re` takes a text as it is written, not {}", other.kind()))
            .help("`re` must be the first modifier")),
    })
}

/// `\<` and `\>` are the characters in PCRE, but the ends of a word in the library that searches here.
fn plain_angles(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        let escaped = if c == '\\' { rest.next() } else { None };
        if !matches!(escaped, Some('<' | '>')) {
            plain.push(c);
        }
        plain.extend(escaped);
    }
    plain
}

fn flag(draft: &mut Draft<'_>, letter: &str) -> Result<(), Problem> {
    draft.map(|value| match value {
        Value::Regex(mut source) => {
            source.flags.push_str(letter);
            Ok(Value::Regex(source))
        }
        _ => Err(Problem::invalid(format!("the flag `{letter}` goes with `re`"))
            .help(format!("write `re|{letter}`"))),
    })
}
