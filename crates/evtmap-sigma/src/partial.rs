//! What a detection may still say when little is known of an event.

use crate::compile::{Compiled, Expr};
use crate::event::{FieldList, Value};
use crate::predicate::{Predicate, Test};

impl Compiled {
    /// Whether the detection can hold for an event of which it is known only that a field has this value.
    ///
    /// ```
    /// use evtmap_sigma::{Collection, Placeholders};
    /// let text = "title: t\nlogsource: {product: windows}\n\
    ///     detection: {a: {EventID: 4625, User: bob}, condition: a}\nlevel: low\n";
    /// let collection = Collection::parse(text, &Placeholders::default());
    /// let compiled = collection.rules[0].compiled();
    /// assert!(compiled.can_hold("EventID", "4625"));
    /// assert!(!compiled.can_hold("EventID", "4624"));
    /// ```
    pub fn can_hold(&self, field: &str, value: &str) -> bool {
        let known = Known { field, value };
        self.known(&self.condition, &|predicate| known.holds(predicate)) != Some(false)
    }

    /// Whether the detection can hold for an event of which it is known only that each field fits the patterns that
    /// everything fits: those of wildcards alone, such as `*`.
    ///
    /// ```
    /// use evtmap_sigma::{Collection, Placeholders};
    /// let text = "title: t\nfilter: {rules: any, a: {Image: '*'}, b: {User: bob}, condition: not a or b}\n";
    /// let filters = Collection::parse(text, &Placeholders::default()).filters;
    /// assert!(filters[0].compiled().can_hold_despite_wildcards());
    /// let text = text.replace("not a or b", "not a and b");
    /// let filters = Collection::parse(&text, &Placeholders::default()).filters;
    /// assert!(!filters[0].compiled().can_hold_despite_wildcards());
    /// ```
    pub fn can_hold_despite_wildcards(&self) -> bool {
        self.known(&self.condition, &holds_by_wildcards) != Some(false)
    }

    /// Whether it holds as far as is known: `None` when that depends on what is not.
    fn known(&self, expr: &Expr, known: &dyn Fn(&Predicate) -> Option<bool>) -> Option<bool> {
        match expr {
            Expr::All(members) => self.at_least(members.len(), members, known),
            Expr::Any(members) => self.at_least(1, members, known),
            Expr::AtLeast(n, members) => {
                self.at_least(usize::try_from(*n).unwrap_or(usize::MAX), members, known)
            }
            Expr::Not(inner) => self.known(inner, known).map(|holds| !holds),
            Expr::Predicate(predicate) => known(predicate),
            Expr::Selection(index) => match self.selections.get(*index) {
                Some(selection) => self.known(selection, known),
                None => Some(false),
            },
        }
    }

    fn at_least(
        &self,
        n: usize,
        members: &[Expr],
        known: &dyn Fn(&Predicate) -> Option<bool>,
    ) -> Option<bool> {
        let answers: Vec<Option<bool>> = members.iter().map(|member| self.known(member, known)).collect();
        let n_sure = answers.iter().filter(|answer| **answer == Some(true)).count();
        let n_possible = answers.iter().filter(|answer| **answer != Some(false)).count();
        if n_sure >= n {
            return Some(true);
        }
        (n_possible < n).then_some(false)
    }
}

/// The field that is known.
struct Known<'a> {
    field: &'a str,
    value: &'a str,
}

impl Known<'_> {
    fn holds(&self, predicate: &Predicate) -> Option<bool> {
        let is_about = predicate.field.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(self.field));
        let asks_others = predicate.tests.iter().any(asks_others);
        let own = predicate.field.as_deref().filter(|_| is_about && !asks_others)?;
        Some(predicate.holds(&FieldList::from([(own, Value::Text(self.value))])))
    }
}

/// Whether a predicate holds because everything fits its patterns, or does not hold for that reason.
fn holds_by_wildcards(predicate: &Predicate) -> Option<bool> {
    let mut tests = predicate.tests.iter();
    let is_met = if predicate.all {
        !predicate.tests.is_empty() && tests.all(fits_everything)
    } else {
        tests.any(fits_everything)
    };
    is_met.then_some(!predicate.negated)
}

/// Whether a test is one for a text, and every text meets it.
fn fits_everything(test: &Test) -> bool {
    match test {
        Test::Text(text) => text.pattern().fits_everything(),
        Test::AnyOf(tests) => tests.iter().any(fits_everything),
        _ => false,
    }
}

/// Whether a test is about another field as well.
fn asks_others(test: &Test) -> bool {
    match test {
        Test::FieldRef { .. } => true,
        Test::AnyOf(tests) => tests.iter().any(asks_others),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Collection, Placeholders};

    /// Which of the numbers 1 to 4 a field `N` may have.
    #[track_caller]
    fn check(detection: &str, expected: &str) {
        let text = format!(
            "title: t\nlogsource: {{product: windows}}\ndetection:\n  a: {{N: 1}}\n  b: {{N: [1, 2], X: y}}\n  \
             c: {{X: z}}\n  d: {{N|gt: 2}}\n  e: {{N|fieldref: X}}\n  condition: {detection}\nlevel: low\n"
        );
        let collection = Collection::parse(&text, &Placeholders::default());
        let compiled = collection.rules[0].compiled();
        let can = |n: &u32| compiled.can_hold("N", &n.to_string());
        let found: Vec<String> = (1..=4).filter(can).map(|n: u32| n.to_string()).collect();
        assert_eq!(found.join(""), expected, "{detection}");
    }

    #[test]
    fn what_one_field_decides() {
        check("a", "1");
        check("b", "12");
        check("a or b", "12");
        check("c", "1234");
        check("c and not b", "1234");
        check("c and not a", "234");
        check("a or c", "1234");
        check("not a and b", "2");
        check("d and not c", "34");
        check("e", "1234");
        check("all of them", "");
    }

    #[track_caller]
    fn check_wildcards(detection: &str, expected: bool) {
        let text = format!(
            "title: t\nlogsource: {{product: windows}}\ndetection:\n  all: {{N: '*'}}\n  one: {{N: ['*', x], M|contains: '?*'}}\n  \
             some: {{N: '*', M: x}}\n  lists: [{{N: '*'}}, {{M: x}}]\n  odd: {{N: '??'}}\n  both: {{N|contains|all: ['*', x]}}\n  \
             other: {{N|neq: '*'}}\n  condition: {detection}\nlevel: low\n"
        );
        let collection = Collection::parse(&text, &Placeholders::default());
        let found = collection.rules[0].compiled().can_hold_despite_wildcards();
        assert_eq!(found, expected, "{detection}");
    }

    #[test]
    fn what_wildcards_decide() {
        for name in ["all", "one", "lists"] {
            check_wildcards(&format!("not {name}"), false);
        }
        for name in ["some", "odd", "both"] {
            check_wildcards(&format!("not {name}"), true);
            check_wildcards(name, true);
        }
        check_wildcards("other", false);
        check_wildcards("not (all and some)", true);
        check_wildcards("not (all or some)", false);
    }
}
