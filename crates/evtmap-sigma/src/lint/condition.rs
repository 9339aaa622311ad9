//! Lints on conditions.
//!
//! Specification: sigma-rules-specification, "Condition".

use super::subject::{Kind, Subject, WrittenCondition};
use super::truth::{self, Verdict};
use super::{Edit, Lint, Reporter};
use crate::condition::{Condition, Quantifier, Selector};
use crate::diagnostic::Gravity::{Remark, Warning};

/// The longest condition that is mended, in bytes; each mend writes it anew.
const MAX_MENDED: usize = 4_000;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "never-holds",
        gravity: Warning,
        finds: "a condition that no event can meet",
        why: "The rule never gives an alert, and nobody notices.",
        check: never_holds,
    },
    Lint {
        code: "always-holds",
        gravity: Warning,
        finds: "a condition that every event meets",
        why: "The rule gives an alert for each event of its log source.",
        check: always_holds,
    },
    Lint {
        code: "contrary-selection",
        gravity: Warning,
        finds: "a selection that no event can meet",
        why: "Two of its items exclude each other, such as two values of one field.",
        check: contrary_selection,
    },
    Lint {
        code: "only-negation",
        gravity: Warning,
        finds: "a condition that only says what must not be",
        why: "It holds for nearly every event of the log source.",
        check: only_negation,
    },
    Lint {
        code: "quantifier-of-one",
        gravity: Remark,
        finds: "`1 of`, `all of` or another quantifier that means a single selection",
        why: "Name the selection: the quantifier looks as if others had been forgotten.",
        check: quantifier_of_one,
    },
    Lint {
        code: "quantifier-of-many",
        gravity: Remark,
        finds: "a quantifier with another number than 1",
        why: "The specification has `1 of` and `all of`; other tools refuse the rule.",
        check: quantifier_of_many,
    },
    Lint {
        code: "them-with-filter",
        gravity: Warning,
        finds: "`1 of them` or `all of them` in a rule with selections called `filter…`",
        why: "`them` means the filters too, so that what should be left out is asked for.",
        check: them_with_filter,
    },
    Lint {
        code: "filter-not-negated",
        gravity: Warning,
        finds: "a selection called `filter…` that the condition does not negate",
        why: "By its name it should keep alerts away, and it asks for them.",
        check: filter_not_negated,
    },
    Lint {
        code: "repeated-operand",
        gravity: Remark,
        finds: "an operand that stands twice in the same `and` or `or`",
        why: "It has no effect; perhaps another selection was meant.",
        check: repeated_operand,
    },
    Lint {
        code: "double-negation",
        gravity: Remark,
        finds: "`not not`",
        why: "It says nothing, and one of the two is probably a slip.",
        check: double_negation,
    },
    Lint {
        code: "operator-case",
        gravity: Remark,
        finds: "`AND`, `OR`, `NOT` or `OF` in capital letters",
        why: "The specification writes them small, and pySigma takes them for names of selections.",
        check: operator_case,
    },
    Lint {
        code: "condition-list",
        gravity: Remark,
        finds: "a list of conditions",
        why: "It makes several queries of one rule in other tools; `or` says the same.",
        check: condition_list,
    },
    Lint {
        code: "timeframe",
        gravity: Warning,
        finds: "a `timeframe` in the detection",
        why: "It belonged to aggregations, which correlations have replaced, and has no effect.",
        check: timeframe,
    },
];

/// Calls `visit` with each part of a condition and whether a negation stands before it, however far.
fn walk<'c>(condition: &'c Condition, negated: bool, visit: &mut dyn FnMut(&'c Condition, bool)) {
    visit(condition, negated);
    match condition {
        Condition::Selection(_) | Condition::Of(..) => {}
        Condition::Not(inner) => walk(inner, true, visit),
        Condition::And(members) | Condition::Or(members) => {
            members.iter().for_each(|member| walk(member, negated, visit));
        }
    }
}

/// Each part of each condition and where the condition stands.
fn parts<'s>(subject: &'s Subject<'_>) -> Vec<(&'s WrittenCondition<'s>, &'s Condition, bool)> {
    let mut parts = Vec::new();
    for written in &subject.conditions {
        walk(&written.condition, false, &mut |part, negated| parts.push((written, part, negated)));
    }
    parts
}

fn is_filter(name: &str) -> bool {
    name.trim_start_matches('_').to_ascii_lowercase().starts_with("filter")
}

fn verdict(subject: &Subject<'_>) -> Verdict {
    subject.compiled.as_ref().map_or(Verdict::Depends, truth::of_condition)
}

fn never_holds(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let (Some(written), Verdict::Never) = (subject.conditions.first(), verdict(subject)) {
        out.find(written.node.extent, "no event can meet the condition")
            .help("what it asks for and what it excludes, or two values of one field, leave nothing");
    }
}

fn always_holds(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let (Some(written), Verdict::Always) = (subject.conditions.first(), verdict(subject)) {
        out.find(written.node.extent, "every event meets the condition");
    }
}

fn contrary_selection(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let Some(compiled) = &subject.compiled else { return };
    for (index, selection) in subject.selections.iter().enumerate() {
        if truth::of_selection(compiled, index) == Verdict::Never {
            let message = format!("no event can meet the selection `{}`", selection.name());
            out.find(selection.entry.extent, message).help("its items exclude each other");
        }
    }
}

/// Whether everything that a condition asks for is the absence of something.
fn is_negative(condition: &Condition) -> bool {
    match condition {
        Condition::Not(inner) => !matches!(**inner, Condition::Not(_)),
        Condition::And(members) => members.iter().all(is_negative),
        Condition::Or(members) => members.iter().any(is_negative),
        Condition::Selection(_) | Condition::Of(..) => false,
    }
}

fn only_negation(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let negative = |written: &&WrittenCondition<'_>| is_negative(&written.condition);
    if subject.kind == Kind::Rule
        && let Some(written) = subject.conditions.iter().find(negative)
    {
        out.find(written.node.extent, "the condition only says what must not be");
    }
}

/// The edit of a condition that is written in one piece, by a change of its words.
fn edit(
    subject: &Subject<'_>,
    written: &WrittenCondition<'_>,
    change: impl Fn(&str) -> String,
) -> Option<Vec<Edit>> {
    let text = written.node.text().filter(|text| text.len() <= MAX_MENDED)?;
    subject.rewrite(written.node.extent, &change(text)).map(|edit| vec![edit])
}

fn quantifier_of_one(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (written, part, _) in parts(subject) {
        let Condition::Of(quantifier, selector) = part else { continue };
        let mut named = subject.selections.iter().filter(|selection| selector.names(selection.name()));
        let (Some(only), None) = (named.next(), named.next()) else { continue };
        // `not 1 of filter_*` is how a rule is kept open for more filters.
        let is_open =
            matches!(selector, Selector::Pattern(pattern) if is_filter(pattern) && pattern.contains('*'));
        if is_open || matches!(quantifier, Quantifier::AtLeast(n) if *n > 1) {
            continue;
        }
        let words = format!("{quantifier} of {selector}");
        let edits = edit(subject, written, |text| text.replacen(&words, only.name(), 1));
        let edits = edits.filter(|_| written.node.text().is_some_and(|text| occurs_once(text, &words)));
        out.find(written.node.extent, format!("`{words}` means the selection `{}` alone", only.name()))
            .help(format!("write `{}`", only.name()))
            .fix(edits);
    }
}

/// Whether words stand in a text exactly once, and not as a part of longer ones.
fn occurs_once(text: &str, words: &str) -> bool {
    let mut pieces = text.split(words);
    let (Some(before), Some(behind), None) = (pieces.next(), pieces.next(), pieces.next()) else {
        return false;
    };
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
    (before.is_empty() || before.ends_with(ends)) && (behind.is_empty() || behind.starts_with(ends))
}

fn quantifier_of_many(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (written, part, _) in parts(subject) {
        if let Condition::Of(Quantifier::AtLeast(n), selector) = part
            && *n > 1
        {
            out.find(written.node.extent, format!("`{n} of {selector}` is not part of the specification"));
        }
    }
}

fn them_with_filter(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let filter = subject.selections.iter().find(|selection| selection.name().starts_with("filter"));
    let Some(filter) = filter.filter(|_| subject.kind == Kind::Rule) else { return };
    for (written, part, negated) in parts(subject) {
        if let Condition::Of(quantifier, Selector::Them) = part
            && !negated
        {
            out.find(written.node.extent, format!("`{quantifier} of them` means `{}` too", filter.name()))
                .help("name the selections that are meant, such as `all of selection_*`");
        }
    }
}

fn filter_not_negated(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if subject.kind != Kind::Rule {
        return;
    }
    for (written, part, negated) in parts(subject) {
        let name = match part {
            Condition::Selection(name) => name,
            Condition::Of(_, Selector::Pattern(pattern)) => pattern,
            _ => continue,
        };
        if is_filter(name) && !negated {
            out.find(written.node.extent, format!("`{name}` is not negated"))
                .help(format!("write `not {name}`, or give it a name that says what it selects"));
        }
    }
}

fn repeated_operand(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (written, part, _) in parts(subject) {
        let (Condition::And(members) | Condition::Or(members)) = part else { continue };
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = members.iter().find(|member| !seen.insert(member.to_string())) {
            out.find(written.node.extent, format!("`{twice}` stands in the condition twice"));
        }
    }
}

fn double_negation(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for (written, part, _) in parts(subject) {
        if matches!(part, Condition::Not(inner) if matches!(**inner, Condition::Not(_))) {
            out.find(written.node.extent, "two negations take each other away");
        }
    }
}

fn operator_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    const WORDS: [&str; 7] = ["and", "or", "not", "of", "all", "any", "them"];
    let is_loud = |word: &str| {
        let bare = word.trim_matches(['(', ')']);
        WORDS.iter().any(|known| known.eq_ignore_ascii_case(bare) && *known != bare)
    };
    for written in &subject.conditions {
        let text = written.node.text().unwrap_or_default();
        let Some(word) = text.split(' ').find(|word| is_loud(word)) else { continue };
        let lower = |text: &str| {
            let words =
                text.split(' ').map(|word| if is_loud(word) { word.to_lowercase() } else { word.to_owned() });
            words.collect::<Vec<_>>().join(" ")
        };
        let edits = edit(subject, written, lower);
        out.find(written.node.extent, format!("`{word}` is written with capital letters")).fix(edits);
    }
}

fn condition_list(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let [first, .., last] = subject.conditions.as_slice() {
        let extent = crate::yaml::Extent { start: first.node.extent.start, end: last.node.extent.end };
        let joined: Vec<String> =
            subject.conditions.iter().map(|written| format!("({})", written.condition)).collect();
        out.find(extent, "the detection has several conditions")
            .help(format!("write `{}`", joined.join(" or ")));
    }
}

fn timeframe(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    let section = subject.node.get("detection").map_or(&[][..], crate::yaml::Node::entries);
    // A condition that cannot be read here may hold an aggregation, to which the time belongs.
    if subject.conditions.is_empty() {
        return;
    }
    if let Some(entry) = section.iter().find(|entry| entry.key == "timeframe") {
        out.find(entry.extent, "the `timeframe` has no effect")
            .help("write a correlation with `timespan`, such as `type: event_count`");
    }
}
