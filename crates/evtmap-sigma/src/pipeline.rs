//! Processing pipelines: how log sources and field names of rules become those of real logs.
//!
//! The format is pySigma's. Only what changes the meaning of a rule for an event is read: `add_condition`
//! and `field_name_mapping`, both restricted by `rule_conditions` of type `logsource`.

use crate::diagnostic::{Code, Diagnostic};
use crate::logsource::LogSource;
use crate::yaml::{self, Data, Node, Place};

/// A pipeline: transformations that are applied to the rules they are meant for.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// What it is called.
    pub name: String,
    /// Variables: names with a value or several.
    pub vars: Vec<(String, Vec<String>)>,
    /// Its steps, in the order written.
    pub transformations: Vec<Transformation>,
}

/// A step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformation {
    /// Its identifier, empty when it has none.
    pub id: String,
    /// What it does.
    pub change: Change,
    /// The log sources it is meant for; one of them suffices. None means every rule.
    pub logsources: Vec<LogSource>,
}

/// What a transformation does to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The event must also have these fields, each with one of these values.
    AddCondition(Vec<(String, Vec<String>)>),
    /// Fields have other names in the event; with several, any of them.
    FieldNameMapping(Vec<(String, Vec<String>)>),
}

impl Transformation {
    /// Whether the step is meant for rules of a log source.
    pub fn is_for(&self, logsource: &LogSource) -> bool {
        self.logsources.is_empty() || self.logsources.iter().any(|own| own.covers(logsource))
    }
}

impl Pipeline {
    /// Reads a pipeline.
    ///
    /// # Errors
    /// What keeps the text from being used as a pipeline. A step that is not known is an error and not left
    /// out: without it rules would match other events than the author of the pipeline meant.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let read = yaml::read(text);
        if let Some(problem) = read.diagnostics.into_iter().find(Diagnostic::is_error) {
            return Err(problem);
        }
        let [document] = read.documents.as_slice() else {
            return Err(invalid(Place::default(), "a pipeline is one document"));
        };
        let name = document.get("name").and_then(Node::text).unwrap_or_default().to_owned();
        let steps = match document.get("transformations").map(|node| &node.data) {
            Some(Data::Sequence(steps)) => steps.as_slice(),
            _ => {
                return Err(invalid(document.place, "a pipeline has a list of `transformations`"));
            }
        };
        let transformations = steps.iter().map(Transformation::read).collect::<Result<_, _>>()?;
        let vars = document.get("vars").map(read_table).unwrap_or_default();
        Ok(Self { name, vars, transformations })
    }
}

impl Transformation {
    fn read(node: &Node) -> Result<Self, Diagnostic> {
        let text = |key: &str| node.get(key).and_then(Node::text);
        let section = |key: &str| {
            let section = node.get(key).filter(|section| !section.entries().is_empty());
            section.ok_or_else(|| invalid(node.place, format!("the transformation has no `{key}`")))
        };
        let change = match text("type") {
            Some("add_condition") => Change::AddCondition(read_table(section("conditions")?)),
            Some("field_name_mapping") => Change::FieldNameMapping(read_table(section("mapping")?)),
            Some(other) => {
                return Err(invalid(node.place, format!("the transformation `{other}` is not known"))
                    .help("`add_condition` and `field_name_mapping` are"));
            }
            None => return Err(invalid(node.place, "the transformation has no `type`")),
        };
        let logsources = match node.get("rule_conditions").map(|conditions| &conditions.data) {
            Some(Data::Sequence(conditions)) => {
                conditions.iter().map(read_logsource).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        Ok(Self { id: text("id").unwrap_or_default().to_owned(), change, logsources })
    }
}

fn read_logsource(node: &Node) -> Result<LogSource, Diagnostic> {
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    match text("type").as_deref() {
        Some("logsource") => {
            Ok(LogSource { category: text("category"), product: text("product"), service: text("service") })
        }
        _ => Err(invalid(node.place, "only rule conditions of the type `logsource` are known")),
    }
}

/// Keys with a value or a list of values each.
fn read_table(node: &Node) -> Vec<(String, Vec<String>)> {
    let values = |node: &Node| match &node.data {
        Data::Scalar { text, .. } => vec![text.clone()],
        Data::Sequence(items) => items.iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
        Data::Mapping(_) => Vec::new(),
    };
    node.entries().iter().map(|entry| (entry.key.clone(), values(&entry.value))).collect()
}

fn invalid(place: Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::InvalidAttribute, place, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_steps() {
        let pipeline = Pipeline::parse(
            "name: audit
transformations:
  - id: a
    type: add_condition
    conditions: {Channel: Security, EventID: [4688, 4689]}
    rule_conditions:
      - {type: logsource, category: process_creation, product: windows}
  - type: field_name_mapping
    mapping: {Image: NewProcessName}
",
        )
        .unwrap();
        let [add, map] = pipeline.transformations.as_slice() else { panic!("{pipeline:?}") };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            add.change,
            Change::AddCondition(vec![
                ("Channel".to_owned(), texts(&["Security"])),
                ("EventID".to_owned(), texts(&["4688", "4689"])),
            ])
        );
        let windows = |category: &str| LogSource {
            category: Some(category.to_owned()),
            product: Some("windows".to_owned()),
            service: None,
        };
        assert!(add.is_for(&windows("process_creation")));
        assert!(!add.is_for(&windows("file_event")));
        assert!(map.is_for(&windows("file_event")));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (text, problem) in [
            ("name: x", "1:1: a pipeline has a list of `transformations` [invalid-attribute]"),
            (
                "transformations: [{type: drop}]",
                "1:19: the transformation `drop` is not known [invalid-attribute] (help: `add_condition` and `field_name_mapping` are)",
            ),
            (
                "transformations: [{type: add_condition}]",
                "1:19: the transformation has no `conditions` [invalid-attribute]",
            ),
            ("a: [", "2:1: while parsing a node, did not find expected node content [invalid-yaml]"),
        ] {
            assert_eq!(Pipeline::parse(text).unwrap_err().to_string(), problem, "{text}");
        }
    }
}
