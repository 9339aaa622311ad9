//! Mends: edits of a rule file's text that leave the meaning of its rules as it is.

use std::collections::BTreeMap;

use crate::compile::{Compiled, Expr};
use crate::fold::fold;
use crate::predicate::{Predicate, Test};
use crate::{Collection, Part, Placeholders};

/// Edits that belong together: all of them are made or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// The edits, none of which overlaps another.
    pub edits: Vec<Edit>,
}

/// A part of a text and what is to stand there instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The first byte that is replaced.
    pub start: usize,
    /// The byte behind the last one that is replaced.
    pub end: usize,
    /// What is written there.
    pub replacement: String,
}

/// Makes the edits of fixes in a text. A fix that touches what an earlier one changes is left out: it may be
/// found again in the new text.
pub fn apply<'a>(text: &str, fixes: impl IntoIterator<Item = &'a Fix>) -> String {
    let mut accepted = BTreeMap::new();
    for fix in fixes {
        if fix.edits.iter().all(|edit| is_free(&accepted, edit)) {
            accepted.extend(fix.edits.iter().map(|edit| (edit.start, edit)));
        }
    }
    let mut mended = String::with_capacity(text.len());
    let mut done = 0;
    for edit in accepted.into_values() {
        mended.push_str(text.get(done..edit.start).unwrap_or_default());
        mended.push_str(&edit.replacement);
        done = edit.end;
    }
    mended.push_str(text.get(done..).unwrap_or_default());
    mended
}

/// Whether an edit touches none of those accepted, which do not touch each other.
fn is_free(accepted: &BTreeMap<usize, &Edit>, edit: &Edit) -> bool {
    let before = accepted.range(..=edit.start).next_back();
    let behind = accepted.range(edit.start..).next();
    before.is_none_or(|(start, before)| before.end <= edit.start && *start < edit.start)
        && behind.is_none_or(|(start, _)| edit.end <= *start && edit.start < *start)
}

/// Whether two texts hold rules that hold for the same events, as far as that can be seen from their form.
pub(crate) fn same_meaning(before: &str, after: &str, placeholders: &Placeholders) -> bool {
    meaning(before, placeholders) == meaning(after, placeholders)
}

/// The rules of a text in a form that is the same for rules which differ only in what mends change.
fn meaning(text: &str, placeholders: &Placeholders) -> Vec<String> {
    let collection = Collection::parse(text, placeholders);
    let rules = collection.rules.iter().map(|rule| (&rule.logsource, rule.compiled()));
    let filters = collection.filters.iter().map(|filter| (&filter.logsource, filter.compiled()));
    let all = rules.chain(filters);
    let mut found: Vec<String> = all
        .map(|(logsource, compiled)| format!("{logsource} {}", normal(compiled, &compiled.condition)))
        .collect();
    found.push(format!(
        "{} correlations, {} refused",
        collection.correlations.len(),
        collection.refused.len()
    ));
    found
}

fn normal(compiled: &Compiled, expr: &Expr) -> String {
    let joined = |members: &[Expr], word: &str| match members {
        [only] => normal(compiled, only),
        _ => {
            let members: Vec<String> = members.iter().map(|member| normal(compiled, member)).collect();
            format!("{word}({})", members.join(", "))
        }
    };
    match expr {
        Expr::All(members) => joined(members, "all"),
        Expr::Any(members) => joined(members, "any"),
        Expr::AtLeast(n, members) => joined(members, &format!("{n} of")),
        Expr::Not(inner) => format!("not({})", normal(compiled, inner)),
        Expr::Selection(index) => {
            compiled.selections.get(*index).map_or_else(String::new, |inner| normal(compiled, inner))
        }
        Expr::Predicate(predicate) => normal_predicate(predicate),
    }
}

fn normal_predicate(predicate: &Predicate) -> String {
    let mut tests: Vec<String> = predicate.tests.iter().map(normal_test).collect();
    tests.sort();
    tests.dedup();
    let all = predicate.all && tests.len() > 1;
    format!("{:?} all: {all} negated: {} {tests:?}", predicate.field, predicate.negated)
}

fn normal_test(test: &Test) -> String {
    match test {
        Test::Text(matcher) if matcher.is_cased() => format!("cased {:?}", matcher.pattern().parts()),
        Test::Text(matcher) => {
            let pattern = matcher.pattern();
            let folded = pattern.parts().iter().map(|part| match part {
                Part::Text(text) => Part::Text(fold(text).into_owned()),
                other => other.clone(),
            });
            format!("text {:?}", folded.collect::<Vec<_>>())
        }
        // A search needs no `.*` at its ends.
        Test::Regex(regex) => {
            let bare = regex.pattern().trim_start_matches(".*");
            let is_escaped = bare.ends_with(r"\.*");
            let bare = if is_escaped { bare } else { bare.strip_suffix(".*").unwrap_or(bare) };
            format!("regex {bare}")
        }
        Test::AnyOf(tests) => {
            let mut tests: Vec<String> = tests.iter().map(normal_test).collect();
            tests.sort();
            tests.dedup();
            format!("any of {tests:?}")
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, replacement: &str) -> Edit {
        Edit { start, end, replacement: replacement.to_owned() }
    }

    #[test]
    fn fixes_that_touch_wait_for_the_next_round() {
        let fixes = [
            Fix { edits: vec![edit(0, 1, "X"), edit(4, 5, "Z")] },
            Fix { edits: vec![edit(2, 3, "Y"), edit(4, 5, "?")] },
            Fix { edits: vec![edit(1, 2, "")] },
        ];
        assert_eq!(apply("abcdef", &fixes), "XcdZf");
    }
}
