//! What a detection may still say when only one field of an event is known.

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
        self.known(&self.condition, &Known { field, value }) != Some(false)
    }

    /// Whether it holds as far as is known: `None` when that depends on what is not.
    fn known(&self, expr: &Expr, known: &Known<'_>) -> Option<bool> {
        match expr {
            Expr::All(members) => self.at_least(members.len(), members, known),
            Expr::Any(members) => self.at_least(1, members, known),
            Expr::AtLeast(n, members) => {
                self.at_least(usize::try_from(*n).unwrap_or(usize::MAX), members, known)
            }
            Expr::Not(inner) => self.known(inner, known).map(|holds| !holds),
            Expr::Predicate(predicate) => known.holds(predicate),
            Expr::Selection(index) => match self.selections.get(*index) {
                Some(selection) => self.known(selection, known),
                None => Some(false),
            },
        }
    }

    fn at_least(&self, n: usize, members: &[Expr], known: &Known<'_>) -> Option<bool> {
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
}
