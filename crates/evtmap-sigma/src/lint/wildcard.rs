//! Lints on the wildcards of values.
//!
//! Specification: sigma-rules-specification, "String Wildcard".

use super::subject::{Item, Subject};
use super::{Edit, Lint, Reporter};
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::yaml::Node;
use crate::{Part, Pattern};

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "wildcard-contains",
        gravity: Remark,
        finds: "`*value*` where `contains` is meant",
        why: "The modifier says what is meant, and every tool knows a fast way to do it.",
        check: |subject, out| wildcard_for(subject, out, "contains"),
    },
    Lint {
        code: "wildcard-startswith",
        gravity: Remark,
        finds: "`value*` where `startswith` is meant",
        why: "The modifier says what is meant, and every tool knows a fast way to do it.",
        check: |subject, out| wildcard_for(subject, out, "startswith"),
    },
    Lint {
        code: "wildcard-endswith",
        gravity: Remark,
        finds: "`*value` where `endswith` is meant",
        why: "The modifier says what is meant, and every tool knows a fast way to do it.",
        check: |subject, out| wildcard_for(subject, out, "endswith"),
    },
    Lint {
        code: "wildcard-only",
        gravity: Warning,
        finds: "a value that is nothing but `*`",
        why: "It asks whether the field is there, which `exists` says, or was meant for anything at all.",
        check: wildcard_only,
    },
    Lint {
        code: "redundant-wildcard",
        gravity: Remark,
        finds: "a `*` at an end that a modifier leaves open anyway",
        why: "It has no effect and makes the reader look for one.",
        check: redundant_wildcard,
    },
];

/// The value without the wildcards that a modifier stands for; nothing when these are not its only ones.
fn bare<'a>(text: &'a str, modifier: &str) -> Option<&'a str> {
    let bare = match modifier {
        "contains" => text.strip_prefix('*')?.strip_suffix('*')?,
        "startswith" => text.strip_suffix('*')?,
        _ => text.strip_prefix('*')?,
    };
    let pattern = Pattern::parse(bare);
    let widened = match modifier {
        "contains" => pattern.any_before().any_after(),
        "startswith" => pattern.any_after(),
        _ => pattern.any_before(),
    };
    let is_same = widened == Pattern::parse(text);
    (is_same && !bare.is_empty() && !pattern.has_wildcards()).then_some(bare)
}

/// All values of an item have the form, so that the modifier can take the place of the wildcards.
fn wildcard_for(subject: &Subject<'_>, out: &mut Reporter<'_>, modifier: &str) {
    for item in subject.items() {
        let Some(entry) = item.entry.filter(|_| item.field.is_some() && item.modifiers.is_empty()) else {
            continue;
        };
        let texts: Option<Vec<(&Node, &str)>> =
            item.values.iter().map(|node| Some((*node, bare(node.text()?, modifier)?))).collect();
        let Some(texts) = texts.filter(|texts| !texts.is_empty()) else { continue };
        let mut edits: Vec<Option<Edit>> = vec![item.rewrite_key(subject, &[modifier])];
        edits.extend(texts.iter().map(|(node, bare)| subject.rewrite(node.extent, bare)));
        let edits = edits.into_iter().collect::<Option<Vec<Edit>>>();
        let edits = edits.filter(|_| item.has_no_twin(subject, modifier));
        out.find(
            entry.extent,
            format!("the values of `{}` have wildcards where `{modifier}` is meant", item.name()),
        )
        .help(format!("write `{}|{modifier}` and leave the wildcards out", item.name()))
        .fix(edits);
    }
}

impl Item<'_> {
    /// Whether no other item of the rule has the key that this one would get with a modifier: in one map
    /// the second of two would win.
    fn has_no_twin(&self, subject: &Subject<'_>, modifier: &str) -> bool {
        let key = self.key_with(&[modifier]);
        subject.items().all(|item| item.entry.is_none_or(|entry| entry.key != key))
    }
}

fn wildcard_only(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text()) {
        for (node, pattern) in item.patterns() {
            if pattern.parts() == [Part::Any] {
                out.find(node.extent, format!("`*` takes any value of `{}`", item.name()))
                    .help(format!("write `{}|exists: true` if that is meant", item.name()));
            }
        }
    }
}

fn redundant_wildcard(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text()) {
        if item.has_any(&["base64", "base64offset", "wide", "utf16", "utf16be"]) {
            continue;
        }
        let open_start = item.has_any(&["contains", "endswith"]);
        let open_end = item.has_any(&["contains", "startswith"]);
        for (node, text) in item.texts() {
            let stripped = if open_start { text.trim_start_matches('*') } else { text };
            // A star behind an odd number of backslashes is a star and no wildcard.
            let short = stripped.strip_suffix('*').filter(|_| open_end);
            let short = short.filter(|short| Pattern::parse(short).any_after() == Pattern::parse(stripped));
            let meant = short.unwrap_or(stripped);
            if meant != text && !meant.is_empty() {
                let edit = subject.rewrite(node.extent, meant);
                out.find(
                    node.extent,
                    format!("the modifiers of `{}` imply the `*` of `{text}`", item.name()),
                )
                .help(format!("write `{meant}`"))
                .fix(edit.map(|edit| vec![edit]));
            }
        }
    }
}
