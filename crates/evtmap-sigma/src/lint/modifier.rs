//! Lints on modifiers.
//!
//! Specification: sigma-appendix-modifiers.

use super::subject::Subject;
use super::{Edit, Lint, Reporter};
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::{Modifier, Pattern};

/// The fewest bytes of which base64 leaves something to look for that does not occur by chance.
const MIN_ENCODED: usize = 4;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "redundant-all",
        gravity: Warning,
        finds: "`all` with a single value",
        why: "It has no effect, and other tools refuse the rule.",
        check: redundant_all,
    },
    Lint {
        code: "repeated-modifier",
        gravity: Warning,
        finds: "a modifier that an item has twice",
        why: "The second has no effect; perhaps another one was meant.",
        check: repeated_modifier,
    },
    Lint {
        code: "contrary-place",
        gravity: Warning,
        finds: "`contains` together with `startswith` or `endswith`",
        why: "What may stand anywhere need not stand at an end: the narrower modifier has no effect.",
        check: contrary_place,
    },
    Lint {
        code: "both-ends",
        gravity: Warning,
        finds: "`startswith` together with `endswith`",
        why: "Joined they leave both ends open and mean `contains`.",
        check: both_ends,
    },
    Lint {
        code: "modifier-order",
        gravity: Remark,
        finds: "`all` before other modifiers",
        why: "It is about the list and not about the values, wherever it stands; at the end it reads so.",
        check: modifier_order,
    },
    Lint {
        code: "modifier-case",
        gravity: Remark,
        finds: "a modifier with capital letters",
        why: "Other tools know the small spelling only.",
        check: modifier_case,
    },
    Lint {
        code: "wide-without-base64",
        gravity: Warning,
        finds: "`wide` or another UTF-16 modifier without `base64` or `base64offset`",
        why: "Logs hold text and not its bytes, so that nothing is ever found.",
        check: wide_without_base64,
    },
    Lint {
        code: "base64-without-contains",
        gravity: Warning,
        finds: "`base64offset` without `contains`",
        why: "It is made for a text inside a longer encoded one; the whole value never equals it.",
        check: base64_without_contains,
    },
    Lint {
        code: "short-base64",
        gravity: Warning,
        finds: "base64 of a text of fewer than 4 bytes",
        why: "Only a few letters of it are certain, and these occur in any encoded text.",
        check: short_base64,
    },
    Lint {
        code: "windash-without-dash",
        gravity: Remark,
        finds: "`windash` where no value has a dash of a flag",
        why: "It has no effect.",
        check: windash_without_dash,
    },
    Lint {
        code: "dash-without-windash",
        gravity: Remark,
        finds: "a list that spells flags out with `-` and with `/`",
        why: "`windash` does so, and knows the other dashes that Windows takes as well.",
        check: dash_without_windash,
    },
    Lint {
        code: "cased-without-letters",
        gravity: Remark,
        finds: "`cased` where no value has a letter",
        why: "It has no effect.",
        check: cased_without_letters,
    },
    Lint {
        code: "cased-regex",
        gravity: Warning,
        finds: "`cased` with `re`",
        why: "Regular expressions mind the case unless the flag `i` says otherwise.",
        check: |subject, out| without_effect(subject, out, "cased"),
    },
    Lint {
        code: "contains-regex",
        gravity: Remark,
        finds: "`contains` with `re`",
        why: "A regular expression is looked for anywhere in the value as it is.",
        check: |subject, out| without_effect(subject, out, "contains"),
    },
    Lint {
        code: "network-host-bits",
        gravity: Warning,
        finds: "a network whose address has bits behind the prefix",
        why: "They are ignored here and refused elsewhere.",
        check: cidr_host_bits,
    },
    Lint {
        code: "expand-without-placeholder",
        gravity: Warning,
        finds: "`expand` where no value has a placeholder such as `%Servers%`",
        why: "It has no effect; perhaps the percent signs are missing.",
        check: expand_without_placeholder,
    },
    Lint {
        code: "fieldref-to-itself",
        gravity: Warning,
        finds: "a field that is compared with itself",
        why: "It always is what it is.",
        check: fieldref_to_itself,
    },
];

fn redundant_all(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.values.len() < 2 && item.has("all")) {
        let edit = item.without(subject, "all").filter(|_| item.field.is_some());
        out.find(item.extent(), format!("`all` of `{}` is about a single value", item.name()))
            .help("leave `all` out")
            .fix(edit.map(|edit| vec![edit]));
    }
}

fn repeated_modifier(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        let mut seen: Vec<String> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        let mut repeated = None;
        for written in &item.modifiers {
            let name = Modifier::named(written)
                .map_or_else(|| (*written).to_owned(), |modifier| modifier.name().to_owned());
            if seen.contains(&name) {
                repeated = Some(name);
            } else {
                seen.push(name);
                kept.push(written);
            }
        }
        if let Some(name) = repeated {
            // What encodes twice is another thing than what encodes once.
            let is_encoding =
                matches!(name.as_str(), "base64" | "base64offset" | "wide" | "utf16" | "utf16be");
            let edit = item.rewrite_key(subject, &kept).filter(|_| !is_encoding);
            out.find(item.extent(), format!("`{}` has the modifier `{name}` twice", item.name()))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn contrary_place(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has("contains")) {
        if let Some(narrower) = ["startswith", "endswith"].iter().find(|name| item.has(name)) {
            out.find(item.extent(), format!("`contains` makes `{narrower}` of `{}` pointless", item.name()));
        }
    }
}

fn both_ends(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has("startswith") && item.has("endswith")) {
        out.find(item.extent(), format!("`startswith` and `endswith` of `{}` mean `contains`", item.name()));
    }
}

fn modifier_order(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        let is_last = item.modifiers.last().is_some_and(|name| name.eq_ignore_ascii_case("all"));
        if item.has("all") && !is_last {
            let others = item.modifiers.iter().copied().filter(|name| !name.eq_ignore_ascii_case("all"));
            let mut ordered: Vec<&str> = others.collect();
            ordered.push("all");
            let edit = item.rewrite_key(subject, &ordered);
            out.find(item.extent(), format!("`all` of `{}` stands before other modifiers", item.name()))
                .help(format!("write `{}`", item.key_with(&ordered)))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn modifier_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items() {
        let has_capitals = |name: &&str| name.chars().any(|c| c.is_ascii_uppercase());
        if let Some(name) = item.modifiers.iter().copied().find(|name| has_capitals(name)) {
            let lower: Vec<String> = item.modifiers.iter().map(|name| name.to_ascii_lowercase()).collect();
            let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
            let edit = item.rewrite_key(subject, &lower);
            out.find(item.extent(), format!("the modifier `{name}` has capital letters"))
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn wide_without_base64(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has_any(&["wide", "utf16", "utf16be"])) {
        if !item.has_any(&["base64", "base64offset"]) {
            out.find(item.extent(), format!("the UTF-16 of `{}` is never found in a log", item.name()))
                .help("write `wide|base64offset|contains`");
        }
    }
}

fn base64_without_contains(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.field.is_some() && item.has("base64offset")) {
        if !item.has_any(&["contains", "startswith", "endswith"]) {
            out.find(
                item.extent(),
                format!("no value of `{}` equals a part of an encoded text", item.name()),
            )
            .help("write `base64offset|contains`");
        }
    }
}

fn short_base64(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has_any(&["base64", "base64offset"])) {
        let width = if item.has_any(&["wide", "utf16", "utf16be"]) { 2 } else { 1 };
        for (node, text) in item.texts() {
            if text.len() * width < MIN_ENCODED {
                out.find(node.extent, format!("`{text}` is too short to be told from other encoded texts"));
            }
        }
    }
}

fn windash_without_dash(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has("windash")) {
        let has_dash = item.patterns().any(|(_, pattern)| pattern.windash() != pattern);
        if !has_dash {
            let edit = item.without(subject, "windash").filter(|_| item.field.is_some());
            out.find(item.extent(), format!("no value of `{}` has a dash before a word", item.name()))
                .help("leave `windash` out")
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn dash_without_windash(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text() && !item.has_any(&["windash", "all"])) {
        let texts: std::collections::HashSet<String> =
            item.texts().map(|(_, text)| text.to_lowercase()).collect();
        let has_twin = |text: &String| {
            let free: Pattern = Pattern::parse(text).windash();
            let is_dashed = text.contains('-') && free != Pattern::parse(text);
            is_dashed && texts.contains(&text.replacen('-', "/", 1))
        };
        if let Some(text) = item.texts().map(|(_, text)| text.to_lowercase()).find(has_twin) {
            let modifiers: Vec<&str> = item.modifiers.iter().copied().chain(["windash"]).collect();
            out.find(item.extent(), format!("`{text}` is listed with `-` and with `/`"))
                .help(format!("write `{}` and one of them", item.key_with(&modifiers)));
        }
    }
}

fn cased_without_letters(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.is_text() && item.has("cased")) {
        // Encoded texts have letters whatever they were made of.
        let is_encoded = item.has_any(&["base64", "base64offset"]);
        let has_letter = |text: &str| text.chars().any(|c| c.is_lowercase() || c.is_uppercase());
        if !is_encoded && !item.texts().any(|(_, text)| has_letter(text)) {
            let edit = item.without(subject, "cased").filter(|_| item.field.is_some());
            out.find(item.extent(), format!("no value of `{}` has a letter", item.name()))
                .help("leave `cased` out")
                .fix(edit.map(|edit| vec![edit]));
        }
    }
}

fn without_effect(subject: &Subject<'_>, out: &mut Reporter<'_>, name: &str) {
    for item in subject.items().filter(|item| item.has("re") && item.has(name)) {
        let edit = item.without(subject, name).filter(|_| item.field.is_some());
        out.find(
            item.extent(),
            format!("`{name}` has no effect on the regular expressions of `{}`", item.name()),
        )
        .help(format!("leave `{name}` out"))
        .fix(edit.map(|edit| vec![edit]));
    }
}

fn cidr_host_bits(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has("cidr")) {
        for (node, text) in item.texts() {
            let Ok(network) = text.parse::<ipnet::IpNet>() else { continue };
            if network.trunc() != network {
                let meant = network.trunc().to_string();
                let edit: Option<Edit> = subject.rewrite(node.extent, &meant);
                out.find(node.extent, format!("the network `{text}` has bits behind the prefix"))
                    .help(format!("write `{meant}`"))
                    .fix(edit.map(|edit| vec![edit]));
            }
        }
    }
}

fn expand_without_placeholder(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has("expand")) {
        let has_placeholder = item.patterns().any(|(_, pattern)| pattern.placeholders() != pattern);
        if !has_placeholder {
            out.find(item.extent(), format!("no value of `{}` has a placeholder", item.name()))
                .help("a placeholder is written `%name%`");
        }
    }
}

fn fieldref_to_itself(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for item in subject.items().filter(|item| item.has("fieldref")) {
        if let Some((node, text)) = item.texts().find(|(_, text)| item.field == Some(*text)) {
            out.find(node.extent, format!("the field `{text}` is compared with itself"));
        }
    }
}
