//! Lints on regular expressions.
//!
//! Specification: sigma-appendix-modifiers, "Regular Expression Modifiers".

use super::subject::{Item, Subject};
use super::{Lint, Reporter};
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::yaml::Node;

/// Endings of file names before which a dot is meant as a dot.
const FILE_ENDINGS: [&str; 14] =
    ["exe", "dll", "ps1", "bat", "cmd", "vbs", "js", "hta", "sys", "msi", "txt", "zip", "docx", "lnk"];

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "regex-without-need",
        gravity: Remark,
        finds: "a regular expression that a text with `contains`, `startswith` or `endswith` could replace",
        why: "The text is easier to read, does not mind the case, and every tool finds it faster.",
        check: regex_without_need,
    },
    Lint {
        code: "regex-open-ends",
        gravity: Remark,
        finds: "a regular expression with `.*` at an end",
        why: "A search looks anywhere in the value as it is; the `.*` only costs time.",
        check: regex_open_ends,
    },
    Lint {
        code: "regex-matches-all",
        gravity: Warning,
        finds: "a regular expression that every value meets",
        why: "It is found in the empty text, and therefore in any.",
        check: regex_matches_all,
    },
    Lint {
        code: "regex-bare-dot",
        gravity: Remark,
        finds: r"an unescaped dot before the ending of a file name, such as `cmd.exe` for `cmd\.exe`",
        why: "In a regular expression the dot stands for any character.",
        check: regex_bare_dot,
    },
    Lint {
        code: "regex-case",
        gravity: Remark,
        finds: "a regular expression with words all in small or all in capital letters and without the flag `i`",
        why: "Regular expressions mind the case and Windows does not: `powershell` misses `PowerShell`.",
        check: regex_case,
    },
    Lint {
        code: "regex-inline-flag",
        gravity: Remark,
        finds: "flags such as `(?i)` inside a regular expression",
        why: "The modifiers `re|i`, `re|m` and `re|s` say the same in a way that every tool reads.",
        check: regex_inline_flag,
    },
];

fn regexes<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = (&'s Item<'s>, &'s Node, &'s str)> {
    let items = subject.items().filter(|item| item.has("re"));
    items.flat_map(|item| item.texts().map(move |(node, text)| (item, node, text)))
}

/// The text that an expression stands for when it is nothing but a text.
fn literal(expression: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = expression.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.push(rest.next().filter(|next| !next.is_alphanumeric())?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            other => text.push(other),
        }
    }
    (!text.is_empty()).then_some(text)
}

fn regex_without_need(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (item, node, text) in regexes(subject) {
        let (start, inner) = text.strip_prefix('^').map_or((false, text), |inner| (true, inner));
        let without_end = inner.strip_suffix('$').filter(|inner| !inner.ends_with('\\'));
        let (end, inner) = without_end.map_or((false, inner), |inner| (true, inner));
        let (start, inner) = inner.strip_prefix(".*").map_or((start, inner), |inner| (false, inner));
        let open = inner.strip_suffix(".*").filter(|inner| !inner.ends_with('\\'));
        let (end, inner) = open.map_or((end, inner), |inner| (false, inner));
        if let Some(literal) = literal(inner) {
            let modifier = match (start, end) {
                (true, true) => "",
                (true, false) => "|startswith",
                (false, true) => "|endswith",
                (false, false) => "|contains",
            };
            out.find(node.extent, format!("the regular expression `{text}` is a plain text"))
                .help(format!("write `{}{modifier}: {literal}`, if the case does not matter", item.name()));
        }
    }
}

fn regex_open_ends(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (item, node, text) in regexes(subject) {
        // Beside an alternative the `.*` belongs to one of its sides only.
        let is_simple = !text.contains('|') && !item.has_any(&["startswith", "endswith"]);
        let inner = text.strip_prefix(".*").filter(|_| is_simple).unwrap_or(text);
        let shorter = inner.strip_suffix(".*").filter(|inner| is_simple && !inner.ends_with('\\'));
        let meant = shorter.unwrap_or(inner);
        let goes_on = meant.starts_with(['?', '*', '+', '{']);
        if meant != text && !meant.is_empty() && !goes_on {
            let edit = subject.rewrite(node.extent, meant);
            out.find(node.extent, "the `.*` at the ends of the regular expression changes nothing")
                .help(format!("write `{meant}`"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn regex_matches_all(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (_, node, text) in regexes(subject) {
        // Anchors and boundaries may be met in the empty text and not in others.
        let has_anchor = text.contains(['^', '$']) || text.contains(r"\b") || text.contains(r"\B");
        let built = ::regex::RegexBuilder::new(text).size_limit(1 << 20).build();
        if !has_anchor && built.is_ok_and(|regex| regex.is_match("")) {
            out.find(node.extent, format!("every value meets the regular expression `{text}`"));
        }
    }
}

fn regex_bare_dot(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (_, node, text) in regexes(subject) {
        let mut pieces = text.split('.').peekable();
        while let Some(before) = pieces.next() {
            let Some(behind) = pieces.peek() else { break };
            let word: String = behind.chars().take_while(char::is_ascii_alphanumeric).collect();
            let is_name = before.ends_with(|c: char| c.is_ascii_alphanumeric());
            if is_name && FILE_ENDINGS.contains(&word.to_ascii_lowercase().as_str()) {
                out.find(node.extent, format!("the dot before `{word}` stands for any character"))
                    .help(format!("write `\\.{word}`"));
                break;
            }
        }
    }
}

fn regex_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (item, node, text) in regexes(subject) {
        if item.has("i") || text.contains("(?i") || item.has("cased") {
            continue;
        }
        // Escapes such as `\w` and classes such as `[a-z]` are no words.
        let bare = text.replace("\\\\", " ").replace(r"\w", " ").replace(r"\s", " ").replace(r"\d", " ");
        let words = bare.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 3);
        let is_uniform = |word: &&str| {
            word.bytes().all(|b| b.is_ascii_lowercase()) || word.bytes().all(|b| b.is_ascii_uppercase())
        };
        if let Some(word) = words.clone().find(is_uniform) {
            out.find(node.extent, format!("`{word}` is found in this case only"))
                .help(format!("write `{}|re|i` if the case does not matter", item.name()));
        }
    }
}

fn regex_inline_flag(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (item, node, text) in regexes(subject) {
        let flags = text.strip_prefix("(?").and_then(|rest| rest.split_once(')')).map(|(flags, _)| flags);
        if let Some(flags) =
            flags.filter(|flags| !flags.is_empty() && flags.chars().all(|c| "ims".contains(c)))
        {
            let letters: Vec<String> = flags.chars().map(|c| c.to_string()).collect();
            out.find(node.extent, format!("the flags `{flags}` stand inside the regular expression"))
                .help(format!("write `{}|re|{}`", item.name(), letters.join("|")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn literals() {
        for (expression, text) in [
            (r"cmd\.exe", Some("cmd.exe")),
            (r"a\\b", Some(r"a\b")),
            (r"a\d", None),
            ("a.b", None),
            ("", None),
        ] {
            assert_eq!(literal(expression).as_deref(), text, "{expression}");
        }
    }
}
