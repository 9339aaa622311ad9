//! Texts of rules, many documents each, to rules, correlations, filters and diagnostics.

use std::collections::BTreeMap;

use crate::correlation::Correlation;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::filter::Filter;
use crate::metadata::{Metadata, Status};
use crate::rule::Rule;
use crate::yaml::{self, Data, Documents, Entry, Node};

/// Values for the placeholders of rules, by name: the user's servers, administrators and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders(BTreeMap<String, Vec<String>>);

impl Placeholders {
    /// The values of a placeholder.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

impl Placeholders {
    /// Reads a YAML map of names and values, one or a list each.
    ///
    /// ```
    /// let placeholders = evtmap_sigma::Placeholders::parse("Servers: [SRV01, 'DC*']")?;
    /// assert_eq!(placeholders.get("Servers").map(<[String]>::len), Some(2));
    /// # Ok::<(), evtmap_sigma::Diagnostic>(())
    /// ```
    ///
    /// # Errors
    /// What keeps the text from being such a map.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let read = yaml::read(text);
        if let Some(problem) = read.diagnostics.into_iter().find(Diagnostic::is_error) {
            return Err(problem);
        }
        let mut placeholders = BTreeMap::new();
        for entry in read.documents.iter().flat_map(Node::entries) {
            let nodes = match &entry.value.data {
                Data::Sequence(items) => items.as_slice(),
                Data::Scalar { .. } | Data::Mapping(_) => std::slice::from_ref(&entry.value),
            };
            let texts: Option<Vec<String>> =
                nodes.iter().map(|node| node.text().map(str::to_owned)).collect();
            let Some(texts) = texts else {
                let message =
                    format!("the placeholder `{}` is neither a text nor a list of texts", entry.key);
                return Err(Diagnostic::new(Code::InvalidAttribute, entry.value.place, message));
            };
            placeholders.insert(entry.key.clone(), texts);
        }
        if placeholders.is_empty() {
            let message = "there is no placeholder in it";
            return Err(Diagnostic::new(Code::InvalidAttribute, crate::Place::default(), message)
                .help("write a map such as `Servers: [SRV01, SRV02]`"));
        }
        Ok(Self(placeholders))
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
    /// The correlations that can be used, in the order written; see [`Plan::link`](crate::Plan::link).
    pub correlations: Vec<Correlation>,
    /// The filters that can be used; see [`Filter::apply`].
    pub filters: Vec<Filter>,
    /// The documents that cannot be used.
    pub refused: Vec<Refused>,
    /// What is wrong or doubtful, in the order found.
    pub diagnostics: Vec<Diagnostic>,
}

/// A document that cannot be used, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its title; empty when it has none.
    pub title: String,
    /// How mature it is.
    pub status: Option<Status>,
    /// The product that it is about.
    pub product: Option<String>,
    /// Why.
    pub reason: Diagnostic,
}

/// A rule or a correlation of a collection.
#[derive(Clone, Copy, Debug)]
pub enum AnyRule<'a> {
    /// A rule about single events.
    Rule(&'a Rule),
    /// A rule about several events.
    Correlation(&'a Correlation),
}

impl<'a> AnyRule<'a> {
    /// What it says about itself.
    pub fn metadata(self) -> &'a Metadata {
        match self {
            Self::Rule(rule) => &rule.metadata,
            Self::Correlation(correlation) => &correlation.metadata,
        }
    }
}

/// Why a collection is not about one thing.
#[derive(Clone, Copy, Debug)]
pub enum NotOne<'a> {
    /// It has several correlations, or several rules and no correlation.
    Several,
    /// It has none that can be used, and why the first cannot.
    Nothing(Option<&'a Diagnostic>),
}

impl std::fmt::Display for NotOne<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Several => f.write_str("it holds several rules"),
            Self::Nothing(Some(reason)) => write!(f, "{reason}"),
            Self::Nothing(None) => f.write_str("it holds no rule"),
        }
    }
}

/// A document that can be used.
enum Document {
    Rule(Box<Rule>),
    Correlation(Box<Correlation>),
    Filter(Box<Filter>),
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
        let mut read = yaml::read(text);
        for node in with_actions(&mut read, &mut collection.diagnostics) {
            collection.add(&node, placeholders);
        }
        for problem in &read.diagnostics {
            if problem.is_error() {
                let reason = problem.clone();
                collection.refused.push(Refused {
                    title: String::new(),
                    status: None,
                    product: None,
                    reason,
                });
            }
        }
        collection.diagnostics.extend(read.diagnostics);
        collection
    }

    /// The rule or correlation with an id, name or title. An aggregation that was translated is found as the
    /// correlation that it became.
    pub fn find(&self, name: &str) -> Option<AnyRule<'_>> {
        let mut all = self.any_rules();
        all.find(|any| {
            let metadata = any.metadata();
            metadata.is_called(name) || metadata.title.eq_ignore_ascii_case(name)
        })
    }

    /// What the collection is about: its only correlation, whose parts the rules beside it are, or its only
    /// rule.
    ///
    /// # Errors
    /// When it is about several things or nothing.
    pub fn only(&self) -> Result<AnyRule<'_>, NotOne<'_>> {
        match (self.correlations.as_slice(), self.rules.as_slice()) {
            ([only], _) => Ok(AnyRule::Correlation(only)),
            ([], [only]) => Ok(AnyRule::Rule(only)),
            ([], []) => Err(NotOne::Nothing(self.refused.first().map(|refused| &refused.reason))),
            _ => Err(NotOne::Several),
        }
    }

    /// Correlations, and rules that are no correlation by translation.
    pub fn any_rules(&self) -> impl Iterator<Item = AnyRule<'_>> {
        let rules = self.rules.iter().filter(|rule| !rule.is_aggregated());
        self.correlations.iter().map(AnyRule::Correlation).chain(rules.map(AnyRule::Rule))
    }

    fn add(&mut self, node: &Node, placeholders: &Placeholders) {
        let mut problems = Diagnostics::default();
        let mut document = read_document(node, placeholders, &mut problems);
        let translated = match &mut document {
            Some(Document::Rule(rule)) => Correlation::translate(rule, &mut problems),
            _ => None,
        };
        let problems = problems.into_vec();
        match (document, problems.iter().find(|problem| problem.is_error())) {
            (Some(Document::Rule(rule)), None) => {
                self.rules.push(*rule);
                self.correlations.extend(translated);
            }
            (Some(Document::Correlation(correlation)), None) => self.correlations.push(*correlation),
            (Some(Document::Filter(filter)), None) => self.filters.push(*filter),
            (_, reason) => self.refuse(node, reason.cloned()),
        }
        self.diagnostics.extend(problems);
    }

    fn refuse(&mut self, node: &Node, reason: Option<Diagnostic>) {
        let Metadata { title, status, .. } = Metadata::read(node, &mut Diagnostics::default());
        let product = node.get("logsource").and_then(|section| section.get("product")).and_then(Node::text);
        let reason = reason
            .unwrap_or_else(|| Diagnostic::new(Code::NotARule, node.place, "the document cannot be used"));
        self.refused.push(Refused { title, status, product: product.map(str::to_owned), reason });
    }
}

/// The documents of a text with what the actions among them ask for.
pub(crate) fn with_actions(read: &mut Documents, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut actions = Actions::default();
    let documents = std::mem::take(&mut read.documents).into_iter();
    documents
        .filter(|document| !document.is_null())
        .filter_map(|node| actions.apply(node, diagnostics))
        .collect()
}

/// What kind of document a node is follows from the section that only this kind has.
fn read_document(node: &Node, placeholders: &Placeholders, problems: &mut Diagnostics) -> Option<Document> {
    if node.get("filter").is_some() {
        return Filter::read(node, placeholders, problems).map(|filter| Document::Filter(Box::new(filter)));
    }
    if node.get("correlation").is_some() {
        return Correlation::read(node, problems)
            .map(|correlation| Document::Correlation(Box::new(correlation)));
    }
    if node.get("detection").is_some() || node.get("logsource").is_some() {
        return Rule::read(node, placeholders, problems).map(|rule| Document::Rule(Box::new(rule)));
    }
    let message = "the document is neither a rule nor a correlation nor a filter";
    problems.push(
        Diagnostic::new(Code::NotARule, node.place, message)
            .help("a rule has `title`, `logsource` and `detection`"),
    );
    None
}

/// The `action` of old collections: `global` attributes for the documents behind, `reset` to end that, and
/// `repeat` to take the document before once more. Gone from the specification, alive in pySigma, whose
/// meaning this is: what is global wins over a rule's own, what is repeated is changed by what is new, and
/// correlations and filters stay as they are.
#[derive(Default)]
struct Actions {
    global: Option<Node>,
    previous: Option<Node>,
}

impl Actions {
    /// The document with what its action and those before add to it; nothing for one that only says so.
    fn apply(&mut self, mut node: Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
        let action = node.get("action").and_then(Node::text).map(str::to_owned);
        match action.as_deref() {
            None => {}
            Some("global") => {
                node.remove("action");
                self.previous = Some(node.clone());
                self.global = Some(node);
                return None;
            }
            Some("reset") => {
                self.global = None;
                return None;
            }
            Some("repeat") => {
                node.remove("action");
                let mut repeated = self.previous.clone().unwrap_or_else(|| node.clone());
                repeated.merge(&node);
                self.previous = Some(repeated.clone());
                return Some(repeated);
            }
            Some(other) => {
                let message = format!("the action `{other}` is unknown");
                diagnostics.push(
                    Diagnostic::new(Code::UnknownValue, node.place, message)
                        .help("the actions are `global`, `reset` and `repeat`"),
                );
            }
        }
        if node.get("correlation").is_some() || node.get("filter").is_some() {
            return Some(node);
        }
        if let Some(global) = &self.global {
            node.merge(global);
        }
        self.previous = Some(node.clone());
        Some(node)
    }
}

impl Node {
    fn remove(&mut self, key: &str) {
        if let Data::Mapping(entries) = &mut self.data {
            entries.retain(|entry| entry.key != key);
        }
    }

    /// Takes over another node's entries; what both have as maps is merged in turn.
    fn merge(&mut self, other: &Self) {
        let (Data::Mapping(own), Data::Mapping(theirs)) = (&mut self.data, &other.data) else {
            self.data = other.data.clone();
            return;
        };
        for entry in theirs {
            match own.iter_mut().find(|known| known.key == entry.key) {
                Some(Entry { value, .. }) if !value.entries().is_empty() => value.merge(&entry.value),
                Some(known) => *known = entry.clone(),
                None => own.push(entry.clone()),
            }
        }
    }
}
