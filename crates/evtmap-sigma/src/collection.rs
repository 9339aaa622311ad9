//! Texts of rules, many documents each, to rules and diagnostics.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::rule::{self, Rule};
use crate::yaml;

/// Values for the placeholders of rules, by name: the user's servers, administrators and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders(HashMap<String, Vec<String>>);

impl Placeholders {
    /// The values of a placeholder.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, Vec<V>)> for Placeholders {
    fn from_iter<T: IntoIterator<Item = (N, Vec<V>)>>(placeholders: T) -> Self {
        let texts = |values: Vec<V>| values.into_iter().map(Into::into).collect();
        Self(placeholders.into_iter().map(|(name, values)| (name.into(), texts(values))).collect())
    }
}

/// What a text of rules holds.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// The rules that can be used, in the order written.
    pub rules: Vec<Rule>,
    /// What is wrong or doubtful, in the order found.
    pub diagnostics: Vec<Diagnostic>,
    /// How many documents are not used because of an error.
    pub n_refused: usize,
}

impl Collection {
    /// Reads the documents of a text. It never fails as a whole: what cannot be used is a diagnostic.
    ///
    /// ```
    /// use evtmap_sigma::{Collection, FieldList, Placeholders, Value};
    ///
    /// let text = r"
    /// title: Whoami
    /// logsource: {product: windows, category: process_creation}
    /// detection:
    ///     selection:
    ///         Image|endswith: '\whoami.exe'
    ///     condition: selection
    /// ";
    /// let collection = Collection::parse(text, &Placeholders::default());
    /// let event = FieldList::from([("Image", Value::Text(r"C:\Windows\System32\whoami.exe"))]);
    /// assert!(collection.rules[0].matches(&event));
    /// ```
    pub fn parse(text: &str, placeholders: &Placeholders) -> Self {
        let mut collection = Self::default();
        let read = yaml::read(text);
        for document in read.documents.iter().filter(|document| !document.is_null()) {
            let mut problems = Diagnostics::default();
            let rule = rule::read_document(document, placeholders, &mut problems);
            match rule.filter(|_| !problems.has_errors()) {
                Some(rule) => collection.rules.push(rule),
                None => collection.n_refused += 1,
            }
            collection.diagnostics.extend(problems.into_vec());
        }
        collection.n_refused += read.diagnostics.iter().filter(|problem| problem.is_error()).count();
        collection.diagnostics.extend(read.diagnostics);
        collection
    }
}
