//! Lints on tags.
//!
//! Specification: sigma-appendix-tags. Whether ATT&CK has what a tag names is asked of the caller.

use super::subject::{Kind, Subject};
use super::{Lint, Reporter, TagMeaning, metadata};
use crate::diagnostic::Gravity::{Remark, Warning};

/// The namespaces of the specification's appendix; `stp` was one of the first version.
const NAMESPACES: [&str; 8] = ["attack", "car", "cve", "d3fend", "detection", "stp", "threat-intel", "tlp"];

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "missing-tags",
        gravity: Remark,
        finds: "a rule without `tags`",
        why: "Its alerts name no technique and are missing from every matrix.",
        check: missing_tags,
    },
    Lint {
        code: "tag-form",
        gravity: Warning,
        finds: "a tag that is not `namespace.value`, or whose value its namespace does not allow",
        why: "Nothing can be made of it, such as of `tlp.pink`.",
        check: tag_form,
    },
    Lint {
        code: "tag-namespace",
        gravity: Warning,
        finds: "a tag in a namespace that the specification does not know",
        why: "It is often a slip such as `attck.execution`, and then what it names is lost.",
        check: tag_namespace,
    },
    Lint {
        code: "tag-case",
        gravity: Remark,
        finds: "a tag with capital letters",
        why: "Tags are written small, and other tools compare them as they are.",
        check: tag_case,
    },
    Lint {
        code: "tag-underscore",
        gravity: Remark,
        finds: "a tactic with underscores, as the first version of the specification wrote it",
        why: "Version 2 writes `attack.initial-access`, and tools of today look for that.",
        check: tag_underscore,
    },
    Lint {
        code: "duplicate-tag",
        gravity: Remark,
        finds: "a tag that stands in the list twice",
        why: "It is probably a different one that was meant.",
        check: |subject, out| metadata::repeated(subject, out, "tags", "the tag"),
    },
    Lint {
        code: "tactic-without-technique",
        gravity: Remark,
        finds: "a rule that names tactics of ATT&CK and no technique",
        why: "The technique says what happened; a tactic says only what for.",
        check: tactic_without_technique,
    },
    Lint {
        code: "technique-without-tactic",
        gravity: Remark,
        finds: "a rule that names techniques of ATT&CK and no tactic",
        why: "A technique may serve several tactics, and the author knows which one is meant.",
        check: technique_without_tactic,
    },
    Lint {
        code: "unknown-attack-tag",
        gravity: Warning,
        finds: "a tag that names nothing in the loaded release of ATT&CK",
        why: "The alert would say nothing of it.",
        check: unknown_attack_tag,
    },
    Lint {
        code: "replaced-attack-tag",
        gravity: Remark,
        finds: "a tag whose technique or tactic has another id or name in the loaded release of ATT&CK",
        why: "It is followed to its successor; tools that do not follow show nothing.",
        check: replaced_attack_tag,
    },
];

/// What a value of the namespace `attack` looks like.
#[derive(PartialEq, Eq)]
enum Form {
    Technique,
    Tactic,
    Object,
}

/// The form of what follows `attack.`, in small letters.
fn form(value: &str) -> Option<Form> {
    let letters = value.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = value.get(letters.len()..).unwrap_or_default();
    let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    if number.is_empty() {
        let is_word = |word: &str| word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase());
        return value.split(['-', '_']).all(|word| word == "and" || is_word(word)).then_some(Form::Tactic);
    }
    let has_digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    match (letters, part) {
        ("t", None) => has_digits(whole, 4).then_some(Form::Technique),
        ("t", Some(part)) => (has_digits(whole, 4) && has_digits(part, 3)).then_some(Form::Technique),
        ("ta", None) => has_digits(whole, 4).then_some(Form::Tactic),
        ("g" | "s" | "m" | "c" | "ds" | "dc" | "det" | "an" | "a", None) => {
            has_digits(whole, 4).then_some(Form::Object)
        }
        _ => None,
    }
}

/// The values of the tags of ATT&CK, in small letters.
fn attack_values(subject: &Subject<'_>) -> Vec<String> {
    let lower = subject.texts("tags").into_iter().map(|(_, tag)| tag.trim().to_ascii_lowercase());
    lower.filter_map(|tag| tag.strip_prefix("attack.").map(str::to_owned)).collect()
}

fn missing_tags(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if subject.kind == Kind::Rule && subject.texts("tags").is_empty() {
        out.find(subject.head(), "the rule has no `tags`");
    }
}

/// Whether a namespace allows a value, in small letters.
fn is_allowed(namespace: &str, value: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let numbers: Vec<&str> = value.split(['-', '.']).collect();
    match namespace {
        "attack" => form(value).is_some(),
        "cve" => {
            matches!(numbers.as_slice(), [year, number] if year.len() == 4 && is_number(year) && is_number(number))
        }
        "car" => matches!(numbers.as_slice(), [year, month, number]
            if year.len() == 4 && [year, month, number].iter().all(|text| is_number(text))),
        "detection" => matches!(value, "dfir" | "emerging-threats" | "threat-hunting"),
        "tlp" => matches!(value, "red" | "amber" | "amber-strict" | "green" | "clear" | "white"),
        _ => !value.is_empty(),
    }
}

fn tag_form(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, tag) in subject.texts("tags") {
        let lower = tag.trim().to_ascii_lowercase();
        match lower.split_once('.') {
            None => {
                out.find(node.extent, format!("the tag `{tag}` has no namespace"))
                    .help("a tag is a namespace such as `attack`, a dot and a value");
            }
            Some((namespace, value))
                if !is_allowed(namespace, value) || tag.contains(char::is_whitespace) =>
            {
                out.find(node.extent, format!("`{value}` cannot stand in the namespace `{namespace}`"));
            }
            Some(_) => {}
        }
    }
}

fn tag_namespace(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, tag) in subject.texts("tags") {
        let Some((namespace, _)) = tag.split_once('.') else { continue };
        if !NAMESPACES.iter().any(|known| known.eq_ignore_ascii_case(namespace)) {
            out.find(node.extent, format!("the namespace `{namespace}` is unknown"))
                .help(format!("the namespaces are {}", NAMESPACES.join(", ")));
        }
    }
}

fn tag_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, tag) in subject.texts("tags") {
        if tag.chars().any(|c| c.is_ascii_uppercase()) {
            let edit = subject.rewrite(node.extent, &tag.to_ascii_lowercase());
            out.find(node.extent, format!("the tag `{tag}` has capital letters"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn tag_underscore(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, tag) in subject.texts("tags") {
        let is_attack = tag.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("attack."));
        if is_attack && tag.contains('_') {
            let meant = tag.replace('_', "-");
            let edit = subject.rewrite(node.extent, &meant);
            out.find(node.extent, format!("the tag `{tag}` has underscores"))
                .help(format!("write `{meant}`"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn tactic_without_technique(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    one_without_the_other(
        subject,
        out,
        [&Form::Tactic, &Form::Technique],
        "the tags name a tactic and no technique",
    );
}

fn technique_without_tactic(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    one_without_the_other(
        subject,
        out,
        [&Form::Technique, &Form::Tactic],
        "the tags name a technique and no tactic",
    );
}

fn one_without_the_other(
    subject: &Subject<'_>,
    out: &mut Reporter<'_>,
    [there, missing]: [&Form; 2],
    message: &str,
) {
    let forms: Vec<Form> = attack_values(subject).iter().filter_map(|value| form(value)).collect();
    if let Some(entry) = subject.entry("tags")
        && forms.contains(there)
        && !forms.contains(missing)
    {
        out.find(entry.extent, message);
    }
}

fn unknown_attack_tag(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, tag) in subject.texts("tags") {
        let value = tag.trim().to_ascii_lowercase();
        let has_form = value.strip_prefix("attack.").and_then(form).is_some();
        if has_form && subject.knowledge.attack_tag(tag) == TagMeaning::Unknown {
            out.find(node.extent, format!("ATT&CK has nothing for the tag `{tag}`"));
        }
    }
}

fn replaced_attack_tag(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, tag) in subject.texts("tags") {
        if let TagMeaning::Replaced(successor) = subject.knowledge.attack_tag(tag) {
            out.find(node.extent, format!("what `{tag}` names has been replaced in ATT&CK"))
                .help(format!("write {successor}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (value, expected) in [
            ("t1059", true),
            ("t1059.001", true),
            ("t105", false),
            ("t1059.1", false),
            ("ta0002", true),
            ("g0049", true),
            ("credential-access", true),
            ("command_and_control", true),
            ("", false),
            ("x1", false),
        ] {
            assert_eq!(form(value).is_some(), expected, "{value}");
        }
    }
}
