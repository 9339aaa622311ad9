//! Lints on selections and their fields.
//!
//! Specification: sigma-rules-specification, "Detection", "Field Usage", "Keywords search".

use std::collections::HashMap;

use super::subject::{Selection, Subject};
use super::{Lint, Reporter};
use crate::condition::Condition;
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::yaml::{Data, Node};

/// The shortest keyword that does not occur by chance, in characters.
const MIN_KEYWORD: usize = 4;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "unused-selection",
        gravity: Warning,
        finds: "a selection that no condition names",
        why: "What it says has no effect: a filter that was forgotten gives false alarms, a selection less or more.",
        check: unused_selection,
    },
    Lint {
        code: "duplicate-selection",
        gravity: Warning,
        finds: "two selections that ask for the same",
        why: "One of them was probably copied and not changed.",
        check: duplicate_selection,
    },
    Lint {
        code: "duplicate-member",
        gravity: Warning,
        finds: "two members of a selection's list that ask for the same",
        why: "One of them was probably copied and not changed.",
        check: duplicate_member,
    },
    Lint {
        code: "selection-name",
        gravity: Warning,
        finds: "a selection whose name a condition cannot hold, or reads as something else",
        why: "Conditions know letters, digits, `_` and `-`; `and`, `or`, `not`, `of`, `them`, `all` and numbers have a meaning of their own.",
        check: selection_name,
    },
    Lint {
        code: "list-of-one",
        gravity: Remark,
        finds: "a selection that is a list of a single map",
        why: "The dash says that something else may follow, and reads as if `or` were meant.",
        check: list_of_one,
    },
    Lint {
        code: "field-case",
        gravity: Warning,
        finds: "a field that is spelled with other capitals elsewhere in the rule",
        why: "Many tools mind the case of field names, so that one of the two is never found.",
        check: field_case,
    },
    Lint {
        code: "field-blank",
        gravity: Warning,
        finds: "a field name with blanks in it or around it",
        why: "Sigma writes the names of fields without their blanks; those at the ends are slips.",
        check: field_blank,
    },
    Lint {
        code: "field-letter",
        gravity: Warning,
        finds: "a field name with letters that are not ASCII",
        why: "A Cyrillic `а` looks like a Latin one and names another field, one that no event has.",
        check: field_letter,
    },
    Lint {
        code: "short-keyword",
        gravity: Warning,
        finds: "a keyword of fewer than 4 characters",
        why: "Keywords are looked for in every value of an event, where anything so short is found by chance.",
        check: short_keyword,
    },
    Lint {
        code: "empty-list",
        gravity: Warning,
        finds: "a field with an empty list",
        why: "It asks for a field without a value, which is hardly what was meant.",
        check: empty_list,
    },
];

/// Whether a condition names a selection.
fn names(condition: &Condition, selection: &str) -> bool {
    match condition {
        Condition::Selection(name) => name == selection,
        Condition::Of(_, selector) => selector.names(selection),
        Condition::Not(inner) => names(inner, selection),
        Condition::And(members) | Condition::Or(members) => members.iter().any(|m| names(m, selection)),
    }
}

fn unused_selection(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    // Without a condition that can be read, nothing is known of its names.
    if subject.conditions.is_empty() {
        return;
    }
    for selection in &subject.selections {
        let is_named = subject.conditions.iter().any(|written| names(&written.condition, selection.name()));
        if !is_named {
            let help = if selection.name().starts_with('_') {
                "name it in the condition: names that begin with `_` are not meant by `them` or `1 of …*`"
            } else {
                "name it in the condition, or remove it"
            };
            let message = format!("no condition names the selection `{}`", selection.name());
            out.find(selection.entry.extent, message).help(help);
        }
    }
}

/// What a node says, without where it says so.
fn content(node: &Node) -> String {
    match &node.data {
        Data::Scalar { text, plain } => format!("{plain} {}", text.to_lowercase()),
        Data::Sequence(items) => {
            let mut members: Vec<String> = items.iter().map(content).collect();
            members.sort();
            format!("{members:?}")
        }
        Data::Mapping(entries) => {
            let entry = |entry: &crate::yaml::Entry| format!("{}: {}", entry.key, content(&entry.value));
            let mut members: Vec<String> = entries.iter().map(entry).collect();
            members.sort();
            format!("{members:?}")
        }
    }
}

fn duplicate_selection(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for selection in &subject.selections {
        let name = selection.name();
        if let Some(earlier) = seen.insert(content(&selection.entry.value), name) {
            out.find(
                selection.entry.extent,
                format!("the selection `{name}` asks for the same as `{earlier}`"),
            );
        }
    }
}

fn duplicate_member(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for selection in &subject.selections {
        let Data::Sequence(members) = &selection.entry.value.data else { continue };
        let mut seen = HashMap::new();
        for member in members.iter().filter(|member| member.text().is_none()) {
            if seen.insert(content(member), ()).is_some() {
                let message = format!("the selection `{}` asks for this twice", selection.name());
                out.find(member.extent, message);
            }
        }
    }
}

fn selection_name(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    const WORDS: [&str; 7] = ["and", "or", "not", "of", "them", "all", "any"];
    for selection in &subject.selections {
        let name = selection.name();
        let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(name));
        let has_form = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let is_number = name.bytes().all(|b| b.is_ascii_digit());
        if is_word || !has_form || is_number {
            out.find(selection.entry.extent, format!("`{name}` cannot well be named in a condition"))
                .help("use letters, digits, `_` and `-`, such as `selection_image`");
        }
    }
}

fn list_of_one(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let is_alone = |selection: &&Selection<'_>| {
        matches!(&selection.entry.value.data, Data::Sequence(members)
            if matches!(members.as_slice(), [only] if only.text().is_none()))
    };
    for selection in subject.selections.iter().filter(is_alone) {
        let message = format!("the selection `{}` is a list of a single map", selection.name());
        out.find(selection.entry.extent, message).help("leave the dash out");
    }
}

fn field_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let mut spellings: HashMap<String, &str> = HashMap::new();
    for item in subject.items() {
        let Some(field) = item.field else { continue };
        let first = *spellings.entry(field.to_lowercase()).or_insert(field);
        if first != field {
            out.find(
                item.extent(),
                format!("the field `{field}` is written `{first}` elsewhere in the rule"),
            );
        }
    }
}

fn field_blank(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        if let Some(field) = item.field.filter(|field| field.contains(char::is_whitespace)) {
            let meant: String = field.split_whitespace().collect();
            out.find(item.extent(), format!("the field name `{field}` holds blanks"))
                .help(format!("write `{meant}`"));
        }
    }
}

fn field_letter(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        let foreign = item.field.and_then(|field| field.chars().find(|c| !c.is_ascii()));
        if let Some(c) = foreign {
            let message = format!("the field name `{}` holds `{c}` (U+{:04X})", item.name(), u32::from(c));
            out.find(item.extent(), message);
        }
    }
}

fn short_keyword(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.field.is_none() && item.is_text()) {
        for (node, text) in item.texts() {
            let length = text.trim_matches('*').chars().count();
            if length < MIN_KEYWORD {
                out.find(node.extent, format!("the keyword `{text}` is found in almost any event"));
            }
        }
    }
}

fn empty_list(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        if item.entry.is_some() && item.values.is_empty() {
            out.find(item.extent(), format!("the list of `{}` is empty", item.name()))
                .help("write `null` for a field without a value, or add values");
        }
    }
}
