//! Lints on values.
//!
//! Specification: sigma-rules-specification, "String Wildcard", "Escaping", "Special Field Values".

use std::collections::HashMap;

use super::subject::{Item, Subject};
use super::{Edit, Lint, Reporter};
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::fold::fold;
use crate::modifier::distance;
use crate::scalar;
use crate::{Part, Pattern};

/// The longest value that is not suspected to be a slip, in characters.
const MAX_VALUE: usize = 1_000;
/// The largest list of which every value is compared with every other.
const MAX_COMPARED: usize = 400;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "duplicate-value",
        gravity: Remark,
        finds: "a value that stands in the list twice, capitals aside",
        why: "It has no effect, and it is probably a different one that was meant.",
        check: duplicate_value,
    },
    Lint {
        code: "redundant-value",
        gravity: Remark,
        finds: "a value that another value of the list covers",
        why: "With `contains`, `abc` finds everything that `abcd` does; either the longer one is superfluous or the shorter one too wide.",
        check: redundant_value,
    },
    Lint {
        code: "invisible-character",
        gravity: Warning,
        finds: "control characters, tabs, or characters without width in a value",
        why: "They come along when a value is copied from a web page, and then it is never found.",
        check: invisible_character,
    },
    Lint {
        code: "blank-at-end",
        gravity: Warning,
        finds: "a value with blanks at its ends that the whole field must equal",
        why: "Few fields have blanks there; in a search for a part of a value they have a purpose, here hardly.",
        check: blank_at_end,
    },
    Lint {
        code: "lone-unc",
        gravity: Warning,
        finds: r"a value that begins with `\\name`, which means a single backslash",
        why: r"A backslash escapes the next: a UNC path is written `\\\\server`.",
        check: lone_unc,
    },
    Lint {
        code: "doubled-backslash",
        gravity: Remark,
        finds: r"`\\` inside a value where `\` says the same",
        why: "It is a habit of other languages; here it makes paths hard to read and hides real escapes.",
        check: doubled_backslash,
    },
    Lint {
        code: "useless-escape",
        gravity: Remark,
        finds: "a backslash before a sign that needs none",
        why: r#"Only `*`, `?` and `\` are escaped in Sigma: `\"` means a backslash and a quote."#,
        check: useless_escape,
    },
    Lint {
        code: "null-in-list",
        gravity: Warning,
        finds: "`null` in a list of values",
        why: "The specification allows it alone only, and most tools refuse it or take it for the text.",
        check: null_in_list,
    },
    Lint {
        code: "empty-text-part",
        gravity: Warning,
        finds: "an empty text with `contains`, `startswith` or `endswith`",
        why: "Every value holds it, so that the item says no more than that the field is there.",
        check: empty_text_part,
    },
    Lint {
        code: "single-character",
        gravity: Remark,
        finds: "`contains` with a single letter or digit",
        why: "Almost every value holds it.",
        check: single_character,
    },
    Lint {
        code: "ambiguous-scalar",
        gravity: Remark,
        finds: "a value without quotes that tools with YAML 1.1 read as something else",
        why: "`no` becomes false, `010` becomes 8 and `12:30` becomes 750; quotes keep what is written.",
        check: ambiguous_scalar,
    },
    Lint {
        code: "event-id-text",
        gravity: Warning,
        finds: "an `EventID` with wildcards or searched in parts",
        why: "Event ids are numbers: a part of one is another event.",
        check: event_id_text,
    },
    Lint {
        code: "network-as-text",
        gravity: Warning,
        finds: "a network in CIDR notation without the modifier `cidr`",
        why: "Without it the text itself is looked for.",
        check: network_as_text,
    },
    Lint {
        code: "regex-as-text",
        gravity: Remark,
        finds: "a value that looks like a regular expression without the modifier `re`",
        why: "Without it `[0-9]+` is looked for letter by letter.",
        check: regex_as_text,
    },
    Lint {
        code: "long-value",
        gravity: Remark,
        finds: "a value of more than 1,000 characters",
        why: "Nothing so long is ever the same twice; a few telling parts find more.",
        check: long_value,
    },
    Lint {
        code: "near-boolean",
        gravity: Remark,
        finds: "a value that is nearly `true`, `false` or `null`",
        why: "It is a text as it stands.",
        check: near_boolean,
    },
];

fn duplicate_value(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        let minds_case = item.has_any(&["cased", "re", "base64", "base64offset"]);
        let mut seen = HashMap::new();
        for (node, text) in item.texts() {
            let is_plain = matches!(node.data, crate::yaml::Data::Scalar { plain: true, .. });
            let kind = is_plain && !scalar::is_text(text);
            let key = if minds_case { text.to_owned() } else { fold(text).into_owned() };
            if seen.insert((key, kind), ()).is_some() {
                let edit = subject.remove_line(node);
                out.find(
                    node.extent,
                    format!("the value `{text}` stands in the list of `{}` twice", item.name()),
                )
                .fix(edit.map(|edit| vec![edit]));
            }
        }
    }
}

/// The text of which every value that holds it is found, and the ends that are open.
struct Reach {
    text: String,
    open_start: bool,
    open_end: bool,
}

impl Reach {
    fn of(pattern: &Pattern, item: &Item<'_>) -> Option<Self> {
        let (mut open_start, mut open_end) = (item.field.is_none(), item.field.is_none());
        open_start |= item.has_any(&["contains", "endswith"]);
        open_end |= item.has_any(&["contains", "startswith"]);
        let text = match pattern.parts() {
            [Part::Text(text)] => text,
            [Part::Any, Part::Text(text)] => {
                open_start = true;
                text
            }
            [Part::Text(text), Part::Any] => {
                open_end = true;
                text
            }
            [Part::Any, Part::Text(text), Part::Any] => {
                (open_start, open_end) = (true, true);
                text
            }
            _ => return None,
        };
        Some(Self { text: fold(text).into_owned(), open_start, open_end })
    }

    /// Whether whatever the other finds, this one finds too.
    fn covers(&self, other: &Self) -> bool {
        let is_narrower = !self.open_start && other.open_start || !self.open_end && other.open_end;
        if self.text.is_empty() || is_narrower {
            return false;
        }
        match (self.open_start, self.open_end) {
            (true, true) => other.text.contains(&self.text),
            (true, false) => other.text.ends_with(&self.text),
            (false, true) => other.text.starts_with(&self.text),
            (false, false) => false,
        }
    }
}

fn redundant_value(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    const ENCODED: [&str; 8] =
        ["base64", "base64offset", "wide", "utf16", "utf16be", "cased", "windash", "all"];
    for item in subject.items() {
        let is_simple = item.is_text() && !item.has_any(&ENCODED);
        if !is_simple || !(2..=MAX_COMPARED).contains(&item.values.len()) {
            continue;
        }
        let patterns = item.patterns();
        let reaches: Vec<_> =
            patterns.filter_map(|(node, pattern)| Some((node, Reach::of(&pattern, item)?))).collect();
        for (node, reach) in &reaches {
            let wider = reaches.iter().find(|(_, other)| other.text != reach.text && other.covers(reach));
            if let Some((wider, _)) = wider {
                let text = node.text().unwrap_or_default();
                let wider = wider.text().unwrap_or_default();
                out.find(node.extent, format!("whatever `{text}` finds, `{wider}` finds too"));
            }
        }
    }
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn invisible_character(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        for (node, text) in item.texts() {
            // A rule that looks for such characters on purpose has nothing else in the value.
            let is_purpose = text.trim_matches('*').chars().all(is_invisible);
            // Emoji are joined by characters without width.
            let has_emoji = text.chars().any(|c| c >= '\u{2190}' && !is_invisible(c));
            let is_slip = |c: char| is_invisible(c) && !(has_emoji && matches!(c, '\u{200c}' | '\u{200d}'));
            if let Some(c) = text.chars().find(|c| is_slip(*c)).filter(|_| !is_purpose) {
                let message =
                    format!("a value of `{}` holds an invisible U+{:04X}", item.name(), u32::from(c));
                out.find(node.extent, message);
            }
        }
    }
}

fn blank_at_end(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.field.is_some() && item.modifiers.is_empty()) {
        for (node, text) in item.texts() {
            if text.trim() != text && !text.trim().is_empty() {
                out.find(
                    node.extent,
                    format!("`{text}` begins or ends with a blank, and must be the whole value"),
                );
            }
        }
    }
}

fn lone_unc(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text()) {
        for (node, text) in item.texts() {
            let name = text.strip_prefix(r"\\").filter(|_| !item.has("contains") && !item.has("endswith"));
            if name.is_some_and(|name| name.starts_with(|c: char| c.is_alphanumeric() || c == '.')) {
                out.find(
                    node.extent,
                    format!("`{text}` begins with a single backslash, the first escapes the second"),
                )
                .help(r"write `\\\\` for the two backslashes of a network path");
            }
        }
    }
}

/// The text with each pair of backslashes that stands alone as a single one.
fn single_backslashes(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\\') {
        let (before, run) = rest.split_at(start);
        let behind = run.trim_start_matches('\\');
        let n = run.len() - behind.len();
        // Before a wildcard the pair is what keeps it one.
        let is_pair = n == 2 && !behind.starts_with(['*', '?']);
        short.push_str(before);
        short.push_str(&"\\".repeat(if is_pair { 1 } else { n }));
        rest = behind;
    }
    short.push_str(rest);
    short
}

fn doubled_backslash(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text()) {
        for (node, text) in item.texts() {
            let start = text.len() - text.trim_start_matches('\\').len();
            let (start, inner) = text.split_at(start);
            let meant = format!("{start}{}", single_backslashes(inner));
            if meant != text && Pattern::parse(&meant) == Pattern::parse(text) {
                let edit = subject.rewrite(node.extent, &meant);
                out.find(node.extent, format!("`{text}` has more backslashes than it needs"))
                    .help(format!("write `{meant}`"))
                    .fix(edit.map(|edit| vec![edit]));
            }
        }
    }
}

fn useless_escape(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text()) {
        for (node, text) in item.texts() {
            let mut rest = text.chars().peekable();
            let mut escaped = None;
            while let Some(c) = rest.next() {
                // What a backslash escapes is taken with it.
                if c == '\\' && rest.next_if(|next| matches!(next, '\\' | '*' | '?')).is_none() {
                    escaped =
                        escaped.or_else(|| rest.peek().copied().filter(|next| "\"'|+^".contains(*next)));
                }
            }
            if let Some(c) = escaped {
                let message =
                    format!("`\\{c}` means a backslash and `{c}`: only `*`, `?` and `\\` are escaped");
                out.find(node.extent, message);
            }
        }
    }
}

fn null_in_list(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.values.len() > 1) {
        if let Some(null) = item.values.iter().find(|node| node.is_null()) {
            out.find(null.extent, format!("`null` stands in the list of `{}`", item.name()))
                .help("give it a selection of its own, such as `filter_null: {Field: null}`");
        }
    }
}

fn empty_text_part(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has_any(&["contains", "startswith", "endswith"])) {
        if let Some((node, _)) = item.texts().find(|(_, text)| text.is_empty()).filter(|_| item.is_text()) {
            out.find(node.extent, format!("every value of `{}` holds the empty text", item.name()));
        }
    }
}

fn single_character(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text() && item.has("contains")) {
        if item.has_any(&["all", "cased"]) {
            continue;
        }
        for (node, text) in item.texts() {
            let mut characters = text.chars();
            let is_single = characters.next().is_some_and(|c| c.is_ascii_alphanumeric());
            if is_single && characters.next().is_none() {
                out.find(node.extent, format!("almost every value of `{}` holds `{text}`", item.name()));
            }
        }
    }
}

/// Whether YAML 1.1 reads a plain scalar as something that YAML 1.2 takes for a text.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 6] = ["yes", "no", "on", "off", "y", "n"];
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let is_octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    let sixties: Vec<&str> = text.split(':').collect();
    let is_sixties = sixties.len() > 1
        && sixties
            .iter()
            .all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    let is_date = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    is_word || is_octal || is_sixties || is_date
}

fn ambiguous_scalar(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        for (node, text) in item.texts() {
            let is_plain = matches!(node.data, crate::yaml::Data::Scalar { plain: true, .. });
            if is_plain && is_ambiguous(text) && scalar::is_text(text) {
                let (start, end) =
                    (subject.source.byte(node.extent.start), subject.source.byte(node.extent.end));
                let replacement = super::source::single_quoted(text);
                out.find(node.extent, format!("`{text}` is not a text in YAML 1.1"))
                    .help(format!("write `{replacement}`"))
                    .fix(Some(vec![Edit { start, end, replacement }]));
            }
        }
    }
}

fn event_id_text(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let is_event_id =
        |item: &&Item<'_>| item.field.is_some_and(|field| field.eq_ignore_ascii_case("EventID"));
    for item in subject.items().filter(is_event_id) {
        let has_wildcards = item.is_text() && item.patterns().any(|(_, pattern)| pattern.has_wildcards());
        if has_wildcards || item.has_any(&["contains", "startswith", "endswith", "re"]) {
            out.find(item.extent(), "parts of an event id are searched").help("list the event ids");
        }
    }
}

fn network_as_text(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.field.is_some() && item.is_text()) {
        for (node, text) in item.texts() {
            let is_network = text.contains('/') && text.parse::<ipnet::IpNet>().is_ok();
            if is_network {
                out.find(node.extent, format!("`{text}` is looked for as it stands"))
                    .help(format!("write `{}|cidr`", item.name()));
            }
        }
    }
}

fn regex_as_text(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    const MARKS: [&str; 8] = ["(?i)", "(?:", "[a-z", "[A-Z", "[0-9]", r"\d{", r"\d+", "]{"];
    for item in subject.items().filter(|item| item.is_text()) {
        for (node, text) in item.texts() {
            let is_anchored = text.starts_with('^') && text.ends_with('$');
            let mark = MARKS.iter().find(|mark| text.contains(**mark)).copied();
            if let Some(mark) = mark.or(is_anchored.then_some("^…$")) {
                out.find(node.extent, format!("`{mark}` looks like a regular expression"))
                    .help(format!("write `{}|re` if it is one", item.name()));
            }
        }
    }
}

fn long_value(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        for (node, text) in item.texts() {
            let length = text.chars().count();
            if length > MAX_VALUE {
                out.find(node.extent, format!("a value of `{}` has {length} characters", item.name()));
            }
        }
    }
}

fn near_boolean(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.field.is_some() && item.modifiers.is_empty()) {
        for (node, text) in item.texts() {
            let lower = text.to_ascii_lowercase();
            let is_near = |word: &&&str| lower != **word && lower.len() > 3 && distance(&lower, word) == 1;
            if let Some(word) = ["true", "false", "null"].iter().find(is_near) {
                out.find(node.extent, format!("`{text}` is a text")).help(format!("did you mean `{word}`?"));
            }
        }
    }
}
