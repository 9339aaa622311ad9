//! The `detection` section: named selections, and the conditions that join them.
//!
//! Specification: sigma-rules-specification, "Detection", "Lists", "Maps", "Keywords search".

use crate::condition::Condition;
use crate::correlation::Aggregation;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::modifier::Modifier;
use crate::scalar::Scalar;
use crate::yaml::{Data, Entry, Extent, Node, Place};

/// The keys of the section that are not selections.
const RESERVED: [&str; 2] = ["condition", "timeframe"];
/// How many modifiers an item may have. Values nest one deeper with some of them, and what nests deep takes the stack.
const MAX_MODIFIERS: usize = 16;

/// The section as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The selections in the order written.
    pub selections: Vec<NamedSelection>,
    /// The conditions; the rule holds when one of them does.
    pub conditions: Vec<Condition>,
    /// Where the conditions stand.
    pub condition_place: Place,
    /// What an old condition has behind its pipe; the detection is then about the single events.
    pub aggregation: Option<Aggregation>,
}

/// A selection and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSelection {
    /// The name that conditions use.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it asks.
    pub selection: Selection,
}

/// What a selection asks of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// A map: all of its items.
    All(Vec<Item>),
    /// A list: any of its members.
    Any(Vec<Selection>),
    /// Values without a field: keywords.
    Keywords(Item),
}

/// A field, its modifiers and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The field; none for keywords.
    pub field: Option<String>,
    /// The modifiers in the order written, which is the order in which they are applied.
    pub modifiers: Vec<Modifier>,
    /// The values; one of them suffices unless `all` is among the modifiers.
    pub values: Vec<Scalar>,
    /// Where the field stands.
    pub place: Place,
}

impl Detection {
    /// Reads the section; problems are noted, and what could be read is given.
    pub(crate) fn read(node: &Node, problems: &mut Diagnostics) -> Self {
        Self::read_without(node, &[], problems)
    }

    /// Reads a section that has other keys beside selections and condition.
    pub(crate) fn read_without(node: &Node, others: &[&str], problems: &mut Diagnostics) -> Self {
        let mut selections = Vec::new();
        let mut conditions = Vec::new();
        let mut condition_place = node.place;
        let names: Vec<&str> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
        let mut aggregation = None;
        for entry in node.entries() {
            if entry.key == "condition" {
                condition_place = entry.value.place;
                if let Some((condition, piped)) = split_aggregation(&entry.value) {
                    aggregation = read_aggregation(&piped, node, problems);
                    conditions = read_conditions(&condition, &names, problems);
                } else {
                    conditions = read_conditions(&entry.value, &names, problems);
                }
            } else if !RESERVED.contains(&entry.key.as_str()) && !others.contains(&entry.key.as_str()) {
                let selection = Selection::read(&entry.value, problems);
                selections.push(NamedSelection { name: entry.key.clone(), place: entry.place, selection });
            }
        }
        if node.get("condition").is_none() {
            problems.push(
                Diagnostic::new(Code::MissingAttribute, node.place, "the detection has no condition")
                    .help("add a line such as `condition: selection`"),
            );
        }
        if selections.is_empty() {
            problems.note(Code::MissingAttribute, node.place, "the detection has no selection");
        }
        Self { selections, conditions, condition_place, aggregation }
    }
}

/// A condition of the first Sigma in two: what holds for an event, and what is asked of the events together.
fn split_aggregation(condition: &Node) -> Option<(Node, Node)> {
    let (text, piped) = condition.text()?.split_once('|')?;
    let n_blank = piped.len() - piped.trim_start().len();
    let offset = u32::try_from(text.chars().count() + 1 + n_blank).unwrap_or(u32::MAX);
    let place = Place { column: condition.place.column.saturating_add(offset), ..condition.place };
    let part = |place, text: &str| Node {
        place,
        extent: Extent::default(),
        data: Data::Scalar { text: text.to_owned(), plain: true },
    };
    Some((part(condition.place, text), part(place, piped)))
}

fn read_aggregation(piped: &Node, detection: &Node, problems: &mut Diagnostics) -> Option<Aggregation> {
    Aggregation::read(piped.text()?, piped.place, detection.get("timeframe"))
        .map_err(|problem| problems.push(problem))
        .ok()
}

fn read_conditions(node: &Node, names: &[&str], problems: &mut Diagnostics) -> Vec<Condition> {
    let nodes = match &node.data {
        Data::Sequence(items) => items.as_slice(),
        Data::Scalar { .. } | Data::Mapping(_) => std::slice::from_ref(node),
    };
    let mut conditions = Vec::new();
    if nodes.is_empty() {
        problems.note(Code::InvalidCondition, node.place, "the list of conditions is empty");
    }
    for node in nodes {
        match node.text().map(|text| Condition::parse_about(text, node.place, names)) {
            Some(Ok(condition)) => conditions.push(condition),
            Some(Err(problem)) => problems.push(problem),
            None => {
                let message = format!("a condition is a text, this is {}", node.kind());
                problems.note(Code::InvalidCondition, node.place, message);
            }
        }
    }
    conditions
}

impl Selection {
    /// The items, those of a list's members too.
    pub(crate) fn items(&self) -> Box<dyn Iterator<Item = &Item> + '_> {
        match self {
            Self::All(items) => Box::new(items.iter()),
            Self::Any(members) => Box::new(members.iter().flat_map(Self::items)),
            Self::Keywords(item) => Box::new(std::iter::once(item)),
        }
    }

    fn read(node: &Node, problems: &mut Diagnostics) -> Self {
        match &node.data {
            Data::Mapping(entries) if entries.is_empty() => {
                problems.note(Code::InvalidSelection, node.place, "the selection is empty");
                Self::All(Vec::new())
            }
            Data::Mapping(entries) => {
                Self::All(entries.iter().map(|entry| Item::read(entry, problems)).collect())
            }
            Data::Sequence(items) if items.is_empty() => {
                problems.note(Code::InvalidSelection, node.place, "the selection is empty");
                Self::Any(Vec::new())
            }
            Data::Sequence(items) => Self::read_list(node.place, items, problems),
            Data::Scalar { .. } => Self::Keywords(Item::keywords(node.place, std::slice::from_ref(node))),
        }
    }

    /// A list of values is one set of keywords; with maps or lists among them, any of the members.
    fn read_list(place: Place, items: &[Node], problems: &mut Diagnostics) -> Self {
        if items.iter().all(|item| item.text().is_some()) {
            return Self::Keywords(Item::keywords(place, items));
        }
        Self::Any(items.iter().map(|item| Self::read(item, problems)).collect())
    }
}

impl Item {
    fn keywords(place: Place, nodes: &[Node]) -> Self {
        let values = nodes.iter().filter_map(Scalar::of).collect();
        Self { field: None, modifiers: Vec::new(), values, place }
    }

    fn read(entry: &Entry, problems: &mut Diagnostics) -> Self {
        let mut parts = entry.key.split('|');
        let field = parts.next().filter(|field| !field.is_empty()).map(str::to_owned);
        let mut modifiers = Vec::new();
        if parts.clone().count() > MAX_MODIFIERS {
            let message = format!("a field has more than {MAX_MODIFIERS} modifiers");
            problems.push(Diagnostic::new(Code::LimitExceeded, entry.place, message));
        }
        for name in parts.take(MAX_MODIFIERS) {
            match Modifier::named(name) {
                Some(modifier) => modifiers.push(modifier),
                None => problems.push(unknown_modifier(name, entry.place)),
            }
        }
        Self { field, modifiers, values: read_values(&entry.value, problems), place: entry.place }
    }
}

fn unknown_modifier(name: &str, place: Place) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::UnknownModifier, place, format!("the modifier `{name}` is unknown"));
    match Modifier::nearest(name) {
        Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
        None => diagnostic.help("see the appendix on modifiers of the Sigma specification"),
    }
}

fn read_values(node: &Node, problems: &mut Diagnostics) -> Vec<Scalar> {
    let nodes = match &node.data {
        // An empty list asks for an empty field, as in pySigma.
        Data::Sequence(items) if items.is_empty() => {
            return vec![Scalar { text: String::new(), kind: crate::scalar::Kind::Null, place: node.place }];
        }
        Data::Sequence(items) => items.as_slice(),
        Data::Scalar { .. } | Data::Mapping(_) => std::slice::from_ref(node),
    };
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        match Scalar::of(node) {
            Some(scalar) => values.push(scalar),
            None => {
                let message = format!("a field has a value or a list of values, this is {}", node.kind());
                problems.note(Code::InvalidSelection, node.place, message);
            }
        }
    }
    values
}
