//! Lints on what a document says about itself.
//!
//! Specification: sigma-rules-specification, and the schema and validators that SigmaHQ holds its rules to.

use jiff::civil::Date;

use super::subject::{Kind, Subject};
use super::{Lint, Reporter};
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::metadata::KNOWN;
use crate::modifier::distance;
use crate::yaml::Node;

/// The longest title that SigmaHQ accepts, in characters.
const MAX_TITLE: usize = 110;
/// The shortest description that says anything, in characters.
const MIN_DESCRIPTION: usize = 16;
/// What the specification lets a rule be to another.
const RELATIONS: [&str; 5] = ["derived", "obsolete", "merged", "renamed", "similar"];

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "missing-id",
        gravity: Warning,
        finds: "a document without an `id`",
        why: "Filters, correlations and suppressions refer to rules by id, and an alert cannot be traced without one.",
        check: missing_id,
    },
    Lint {
        code: "invalid-id",
        gravity: Warning,
        finds: "an `id` that is not a UUID",
        why: "The specification asks for a UUID, and other tools refuse the rule or treat it as a new one each time.",
        check: invalid_id,
    },
    Lint {
        code: "id-not-random",
        gravity: Remark,
        finds: "an `id` that is a UUID of another version than 4",
        why: "Only random UUIDs are sure not to meet: those made by hand or of names have collided.",
        check: id_not_random,
    },
    Lint {
        code: "duplicate-id",
        gravity: Warning,
        finds: "an `id` that an earlier document has too",
        why: "Only one of the two is used, and which one depends on the order of the files.",
        check: duplicate_id,
    },
    Lint {
        code: "duplicate-title",
        gravity: Remark,
        finds: "a `title` that an earlier document has too",
        why: "An analyst cannot tell the alerts of the two apart.",
        check: duplicate_title,
    },
    Lint {
        code: "long-title",
        gravity: Remark,
        finds: "a `title` of more than 110 characters",
        why: "Lists of alerts cut it; the description is the place for sentences.",
        check: long_title,
    },
    Lint {
        code: "title-stop",
        gravity: Remark,
        finds: "a `title` that ends with a stop",
        why: "A title is no sentence and stands in the middle of others.",
        check: title_stop,
    },
    Lint {
        code: "title-case",
        gravity: Remark,
        finds: "a `title` whose longer words begin with small letters",
        why: "Titles of rules are written in title case everywhere, so that they look alike in a list.",
        check: title_case,
    },
    Lint {
        code: "title-detects",
        gravity: Remark,
        finds: "a `title` that begins with `Detects`",
        why: "Every rule detects something; the title should begin with what.",
        check: title_detects,
    },
    Lint {
        code: "missing-description",
        gravity: Remark,
        finds: "a rule without a `description`",
        why: "Whoever gets the alert has to know what the rule looks for and why it matters.",
        check: missing_description,
    },
    Lint {
        code: "short-description",
        gravity: Remark,
        finds: "a `description` of fewer than 16 characters",
        why: "It cannot say more than the title does.",
        check: short_description,
    },
    Lint {
        code: "missing-status",
        gravity: Remark,
        finds: "a rule without a `status`",
        why: "Users choose by it which rules they trust to alert.",
        check: |subject, out| missing_attribute(subject, out, "status"),
    },
    Lint {
        code: "missing-level",
        gravity: Remark,
        finds: "a rule without a `level`",
        why: "Without one nobody knows what to look at first, and filters by severity pass the rule over.",
        check: |subject, out| missing_attribute(subject, out, "level"),
    },
    Lint {
        code: "missing-author",
        gravity: Remark,
        finds: "a rule without an `author`",
        why: "The Detection Rule License asks that the author be shown with each match.",
        check: |subject, out| missing_attribute(subject, out, "author"),
    },
    Lint {
        code: "missing-date",
        gravity: Remark,
        finds: "a rule without a `date`",
        why: "The age of a rule says how far to trust it.",
        check: |subject, out| missing_attribute(subject, out, "date"),
    },
    Lint {
        code: "word-case",
        gravity: Remark,
        finds: "a `status` or `level` with capital letters",
        why: "The specification writes these words small, and other tools compare them as they are.",
        check: word_case,
    },
    Lint {
        code: "invalid-date",
        gravity: Warning,
        finds: "a `date` or `modified` that is not written `2026-01-31`",
        why: "The specification asks for ISO 8601; other tools refuse the rule.",
        check: invalid_date,
    },
    Lint {
        code: "modified-before-date",
        gravity: Warning,
        finds: "a rule that was modified before it was written",
        why: "One of the two dates is wrong.",
        check: modified_before_date,
    },
    Lint {
        code: "missing-references",
        gravity: Remark,
        finds: "a rule without `references`",
        why: "Whoever judges an alert wants to read where the knowledge comes from.",
        check: missing_references,
    },
    Lint {
        code: "reference-not-url",
        gravity: Remark,
        finds: "a reference that is no URL",
        why: "References are links; what else there is to say belongs in the description.",
        check: reference_not_url,
    },
    Lint {
        code: "duplicate-reference",
        gravity: Remark,
        finds: "a reference that stands in the list twice",
        why: "It is probably a different page that was meant.",
        check: duplicate_reference,
    },
    Lint {
        code: "empty-falsepositive",
        gravity: Remark,
        finds: "a false positive such as `none` or `unknown` beside or instead of others",
        why: "`None` promises what nobody can; leave the attribute out or name who does this in good faith.",
        check: empty_falsepositive,
    },
    Lint {
        code: "empty-attribute",
        gravity: Remark,
        finds: "an attribute without a value",
        why: "It looks as if something had been forgotten.",
        check: empty_attribute,
    },
    Lint {
        code: "misspelt-attribute",
        gravity: Warning,
        finds: "an attribute whose name is nearly one of the specification's",
        why: "It is kept as a custom attribute and has no effect.",
        check: misspelt_attribute,
    },
    Lint {
        code: "invalid-relation",
        gravity: Warning,
        finds: "an entry of `related` without a rule's id, of an unknown type, or about the rule itself",
        why: "The relation is lost.",
        check: invalid_relation,
    },
    Lint {
        code: "file-name",
        gravity: Remark,
        finds: "a file that is not called like `proc_creation_win_whoami.yml`",
        why: "Small letters, digits and underscores with the ending `.yml` work on every system and in every tool.",
        check: file_name,
    },
];

/// The version of a UUID, if the text is one.
fn uuid_version(text: &str) -> Option<char> {
    let groups: Vec<&str> = text.split('-').collect();
    let has_form = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()));
    has_form.then(|| groups.get(2).and_then(|group| group.chars().next()))?
}

fn missing_id(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if subject.id().is_none() {
        out.find(subject.head(), "the document has no `id`").help("add a random UUID, version 4");
    }
}

fn invalid_id(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, id)) = subject.text("id")
        && uuid_version(id).is_none()
    {
        out.find(node.extent, format!("the id `{id}` is not a UUID"))
            .help("give it a random UUID, version 4");
    }
}

fn id_not_random(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, id)) = subject.text("id")
        && let Some(version) = uuid_version(id)
        && version != '4'
    {
        out.find(node.extent, format!("the id is a UUID of version {version} and not of version 4"));
    }
}

fn duplicate_id(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let (Some((node, id)), Some(path)) = (subject.text("id"), &subject.earlier_id) {
        out.find(node.extent, format!("the id `{id}` is also that of a rule in {path}"));
    }
}

fn duplicate_title(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let (Some((node, _)), Some(path)) = (subject.text("title"), &subject.earlier_title) {
        out.find(node.extent, format!("the title is also that of a rule in {path}"));
    }
}

fn long_title(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, title)) = subject.text("title") {
        let length = title.chars().count();
        if length > MAX_TITLE {
            out.find(node.extent, format!("the title has {length} characters, more than {MAX_TITLE}"));
        }
    }
}

fn title_stop(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, title)) = subject.text("title")
        && title.ends_with('.')
        && !title.ends_with("...")
    {
        let edit = subject.rewrite(node.extent, title.trim_end_matches('.'));
        out.find(node.extent, "the title ends with a stop").fix(edit.map(|edit| vec![edit]));
    }
}

/// Words that stay small in a title.
const SMALL: [&str; 18] = [
    "a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "into", "of", "on", "or", "the", "to",
    "via", "with",
];

fn title_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let Some((node, title)) = subject.text("title") else { return };
    // What holds a dot, a digit or a sign is a name and written as its owner writes it.
    let is_word = |word: &str| word.len() > 4 && word.chars().all(|c| c.is_ascii_lowercase());
    let small = title.split_whitespace().find(|word| is_word(word) && !SMALL.contains(word));
    if let Some(word) = small {
        out.find(node.extent, format!("the word `{word}` of the title begins with a small letter"));
    }
}

fn title_detects(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, title)) = subject.text("title") {
        let first = title.split_whitespace().next().unwrap_or_default();
        if ["detect", "detects", "detection"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
            out.find(node.extent, format!("the title begins with `{first}`"))
                .help("begin with what happens, such as `Whoami Run by SYSTEM`");
        }
    }
}

fn missing_description(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    missing_attribute(subject, out, "description");
}

fn short_description(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, description)) = subject.text("description") {
        let length = description.chars().count();
        if (1..MIN_DESCRIPTION).contains(&length) {
            out.find(node.extent, format!("the description has {length} characters"));
        }
    }
}

/// Filters are no detections: nobody is told of them.
fn missing_attribute(subject: &Subject<'_>, out: &mut Reporter<'_>, key: &str) {
    if subject.kind != Kind::Filter && subject.entry(key).is_none() {
        out.find(subject.head(), format!("the rule has no `{key}`"));
    }
}

fn word_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for key in ["status", "level"] {
        if let Some((node, word)) = subject.text(key)
            && word.chars().any(|c| c.is_ascii_uppercase())
        {
            let edit = subject.rewrite(node.extent, &word.to_ascii_lowercase());
            out.find(node.extent, format!("the {key} `{word}` has capital letters"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

/// A date as the specification writes it.
fn date(text: &str) -> Option<Date> {
    let has_form = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    has_form.then(|| text.parse().ok())?
}

/// The date that was probably meant: with other signs between its parts, year first.
fn meant_date(text: &str) -> Option<Date> {
    let mut parts = text.split(['/', '.', '-']).map(|part| part.parse::<i16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let is_whole = parts.next().is_none() && (1990..2200).contains(&year);
    is_whole.then(|| Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok())?
}

fn invalid_date(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for key in ["date", "modified"] {
        let Some((node, text)) = subject.text(key) else { continue };
        if date(text).is_none() {
            let meant = meant_date(text).map(|date| date.to_string());
            let edit = meant.as_ref().and_then(|date| subject.rewrite(node.extent, date));
            let help = meant.unwrap_or_else(|| "year, month and day, such as 2026-01-31".to_owned());
            out.find(node.extent, format!("the {key} `{text}` is not an ISO 8601 date"))
                .help(format!("write {help}"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn modified_before_date(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let day = |key| subject.text(key).and_then(|(node, text)| Some((node, date(text)?)));
    if let (Some((_, written)), Some((node, modified))) = (day("date"), day("modified"))
        && modified < written
    {
        out.find(
            node.extent,
            format!("the rule was modified on {modified}, before it was written on {written}"),
        );
    }
}

fn missing_references(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if subject.kind == Kind::Rule && subject.texts("references").is_empty() {
        out.find(subject.head(), "the rule has no `references`");
    }
}

fn reference_not_url(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (node, text) in subject.texts("references") {
        let rest = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        let is_url = rest.is_some_and(|(_, rest)| !rest.is_empty() && !text.contains(char::is_whitespace));
        if !is_url && !text.is_empty() {
            out.find(node.extent, format!("the reference `{text}` is not a URL"));
        }
    }
}

fn duplicate_reference(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    repeated(subject, out, "references", "the reference");
}

/// Finds and removes what stands in a list of texts twice.
pub(super) fn repeated(subject: &Subject<'_>, out: &mut Reporter<'_>, key: &str, what: &str) {
    let mut seen = std::collections::HashSet::new();
    for (node, text) in subject.texts(key) {
        if !seen.insert(text.to_lowercase()) {
            let edit = subject.remove_line(node);
            out.find(node.extent, format!("{what} `{text}` stands in the list twice"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn empty_falsepositive(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    const EMPTY: [&str; 7] =
        ["none", "no", "n/a", "unknown", "pentest", "penetration test", "penetration testing"];
    for (node, text) in subject.texts("falsepositives") {
        let bare = text.trim().trim_end_matches('.');
        if bare.is_empty() || EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(bare)) {
            out.find(node.extent, format!("the false positive `{bare}` tells nothing"))
                .help("name who does this in good faith, or leave `falsepositives` out");
        }
    }
}

fn empty_attribute(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let is_empty = |value: &Node| value.text().is_some_and(|text| value.is_null() || text.trim().is_empty());
    for entry in subject.node.entries() {
        if is_empty(&entry.value) && entry.key != "title" {
            out.find(entry.extent, format!("the attribute `{}` has no value", entry.key))
                .help("give it one, or leave it out");
        }
    }
}

fn misspelt_attribute(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for entry in subject.node.entries().iter().filter(|entry| !KNOWN.contains(&entry.key.as_str())) {
        let name = entry.key.to_lowercase().replace([' ', '-', '_'], "");
        let near = KNOWN.iter().find(|known| name.len() > 3 && distance(&name, known) <= 1);
        if let Some(near) = near {
            out.find(
                entry.extent,
                format!("the attribute `{}` is not one of the specification's", entry.key),
            )
            .help(format!("did you mean `{near}`?"));
        }
    }
}

fn invalid_relation(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let Some(related) = subject.entry("related") else { return };
    let crate::yaml::Data::Sequence(relations) = &related.value.data else {
        out.find(related.extent, "`related` is not a list").help("write entries with `id` and `type`");
        return;
    };
    for relation in relations {
        let text = |key: &str| relation.get(key).and_then(Node::text).unwrap_or_default();
        let (id, kind) = (text("id"), text("type"));
        if uuid_version(id).is_none() {
            out.find(relation.extent, format!("`{id}` is not the id of a rule"));
        } else if !RELATIONS.contains(&kind) {
            out.find(relation.extent, format!("`{kind}` is not what a rule can be to another"))
                .help(format!("the types are {}", RELATIONS.join(", ")));
        } else if subject.id().is_some_and(|own| own.eq_ignore_ascii_case(id)) {
            out.find(relation.extent, "the rule is related to itself");
        }
    }
}

fn file_name(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let name = subject.path.rsplit(['/', '\\', '!']).next().unwrap_or_default();
    let Some((stem, extension)) = name.rsplit_once('.') else { return };
    let is_well_named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if extension != "yml" || !stem.chars().all(is_well_named) {
        out.find(subject.head(), format!("the file is called `{name}`"))
            .help("use small letters, digits and underscores, and the ending `.yml`");
    }
}
