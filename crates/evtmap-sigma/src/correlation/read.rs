//! Reads the `correlation` section of a document.

use crate::condition::Condition;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::metadata::Metadata;
use crate::scalar::{Kind, Number, Scalar};
use crate::yaml::{Data, Entry, Node, Place};

use super::{
    Alias, Comparison, Correlation, CorrelationCondition, CorrelationKind, MAX_CORRELATED_RULES, Threshold,
    Thresholds, Timespan,
};

/// The keys of the section.
const KNOWN: [&str; 8] =
    ["type", "rules", "group-by", "aliases", "timespan", "timeframe", "condition", "generate"];

impl Correlation {
    /// Reads a correlation from a document; problems are noted, and one with an error is not given.
    pub(crate) fn read(node: &Node, problems: &mut Diagnostics) -> Option<Self> {
        let metadata = Metadata::read(node, problems);
        let section = node.get("correlation")?;
        if section.entries().is_empty() {
            let message =
                format!("`correlation` is a map of type, rules and more, this is {}", section.kind());
            problems.note(Code::InvalidAttribute, section.place, message);
            return None;
        }
        let mut reader = Reader { section, problems };
        reader.unknown_keys();
        let kind = reader.kind();
        let rules = reader.rules();
        let group_by = reader.section.get("group-by").map(|node| reader.texts("group-by", node));
        let aliases = reader.aliases();
        let timespan = reader.timespan();
        let condition = reader.condition(kind?, &rules);
        let mut generate = [node.get("generate"), section.get("generate")].into_iter().flatten();
        let generate = generate.any(|value| reader.boolean(value));
        Some(Self {
            metadata,
            kind: kind?,
            rules,
            group_by: group_by.unwrap_or_default(),
            aliases,
            timespan: timespan?,
            condition: condition?,
            generate,
            is_translated: false,
        })
    }
}

/// Reads a timespan with its unit.
pub(super) fn timespan(node: &Node) -> Result<Timespan, Diagnostic> {
    node.text().and_then(|text| Timespan::parse(text.trim())).ok_or_else(|| {
        let message = format!("`{}` is no timespan", node.text().unwrap_or(node.kind()));
        Diagnostic::new(Code::InvalidTimespan, node.place, message)
            .help("write a number above zero and `s`, `m`, `h` or `d`, such as `90m`")
    })
}

struct Reader<'a> {
    section: &'a Node,
    problems: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn refuse(&mut self, place: Place, message: impl Into<String>, help: &str) {
        self.problems.push(Diagnostic::new(Code::InvalidCorrelation, place, message).help(help));
    }

    fn missing(&mut self, key: &str, help: &str) {
        let message = format!("the correlation has no `{key}`");
        self.problems.push(Diagnostic::new(Code::MissingAttribute, self.section.place, message).help(help));
    }

    fn unknown_keys(&mut self) {
        for entry in self.section.entries() {
            if !KNOWN.contains(&entry.key.as_str()) {
                let message = format!("`{}` is no part of a correlation", entry.key);
                self.problems.push(
                    Diagnostic::new(Code::UnknownValue, entry.place, message)
                        .help(format!("its parts are {}", listed(KNOWN.iter().copied()))),
                );
            }
        }
    }

    fn kind(&mut self) -> Option<CorrelationKind> {
        let help = format!("the types are {}", listed(CorrelationKind::ALL.iter().map(|kind| kind.as_str())));
        let Some(node) = self.section.get("type") else {
            self.missing("type", &help);
            return None;
        };
        let text = node.text().unwrap_or(node.kind());
        // pySigma's names for temporal correlations whose condition is a sentence.
        let kind = CorrelationKind::parse(text.strip_suffix("_extended").unwrap_or(text))
            .filter(|kind| kind.is_temporal() || !text.ends_with("_extended"));
        if kind.is_none() {
            self.refuse(node.place, format!("the correlation type `{text}` is unknown"), &help);
        }
        kind
    }

    fn rules(&mut self) -> Vec<String> {
        let Some(node) = self.section.get("rules") else {
            return Vec::new();
        };
        let rules = self.texts("rules", node);
        if rules.len() > MAX_CORRELATED_RULES {
            let message = format!("a correlation of more than {MAX_CORRELATED_RULES} rules");
            self.problems.push(
                Diagnostic::new(Code::LimitExceeded, node.place, message)
                    .help("correlate parts of them, and then those correlations"),
            );
        }
        rules
    }

    /// A list of texts; a single text counts as a list of one.
    fn texts(&mut self, key: &str, node: &Node) -> Vec<String> {
        let nodes = match &node.data {
            Data::Sequence(items) => items.as_slice(),
            Data::Scalar { .. } if node.is_null() => &[],
            Data::Scalar { .. } | Data::Mapping(_) => std::slice::from_ref(node),
        };
        let mut texts = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.text() {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let message = format!("`{key}` is a text or a list of texts, this is {}", node.kind());
                    self.problems.note(Code::InvalidAttribute, node.place, message);
                }
            }
        }
        texts
    }

    fn aliases(&mut self) -> Vec<Alias> {
        let Some(node) = self.section.get("aliases").filter(|node| !node.is_null()) else {
            return Vec::new();
        };
        let mut aliases = Vec::new();
        for Entry { key, value, .. } in node.entries() {
            let fields: Option<Vec<_>> = value
                .entries()
                .iter()
                .map(|entry| entry.value.text().map(|field| (entry.key.clone(), field.to_owned())))
                .collect();
            match fields {
                Some(fields) if !fields.is_empty() => aliases.push(Alias { name: key.clone(), fields }),
                _ => self.invalid_alias(value.place),
            }
        }
        if node.entries().is_empty() {
            self.invalid_alias(node.place);
        }
        aliases
    }

    fn invalid_alias(&mut self, place: Place) {
        let message = "an alias is a map from the names of rules to fields";
        self.refuse(place, message, "write for example `source: {logon: IpAddress, share: ClientAddress}`");
    }

    fn timespan(&mut self) -> Option<Timespan> {
        let (correct, other) = (self.section.get("timespan"), self.section.get("timeframe"));
        if let (None, Some(node)) = (correct, other) {
            self.problems.push(
                Diagnostic::new(Code::UnknownValue, node.place, "`timeframe` is read as `timespan`")
                    .help("write `timespan`"),
            );
        }
        let Some(node) = correct.or(other) else {
            self.missing("timespan", "add a line such as `timespan: 10m`");
            return None;
        };
        timespan(node).map_err(|problem| self.problems.push(problem)).ok()
    }

    fn boolean(&mut self, node: &Node) -> bool {
        match Scalar::of(node).map(|scalar| scalar.kind) {
            Some(Kind::Bool(value)) => value,
            _ => {
                let message = "`generate` is `true` or `false`; anything else counts as `false`";
                self.problems.note(Code::UnknownValue, node.place, message);
                false
            }
        }
    }

    fn condition(&mut self, kind: CorrelationKind, rules: &[String]) -> Option<CorrelationCondition> {
        let node = self.section.get("condition").filter(|node| !node.is_null());
        let names_rules = matches!(node.map(|node| &node.data), Some(Data::Scalar { .. }));
        if rules.is_empty() && !(names_rules && kind.is_temporal()) {
            self.missing("rules", "list the ids or names of the rules that it is about");
        }
        let Some(node) = node else {
            if kind.is_temporal() {
                return Some(CorrelationCondition::AllRules);
            }
            self.missing("condition", "add a line such as `condition: {gte: 10}`");
            return None;
        };
        match &node.data {
            Data::Mapping(entries) => {
                let thresholds = self.thresholds(kind, entries, node.place);
                Some(CorrelationCondition::Thresholds(thresholds))
            }
            Data::Scalar { text, .. } if kind.is_temporal() => match Condition::parse(text, node.place) {
                Ok(condition) => Some(CorrelationCondition::Rules(condition)),
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            },
            Data::Scalar { .. } | Data::Sequence(_) => {
                let message = format!("the condition of `{kind}` is a map, this is {}", node.kind());
                self.refuse(node.place, message, "write for example `condition: {gte: 10}`");
                None
            }
        }
    }

    fn thresholds(&mut self, kind: CorrelationKind, entries: &[Entry], place: Place) -> Thresholds {
        let mut read = Thresholds::default();
        for Entry { key, value, place, .. } in entries {
            let number = value.text().and_then(|text| Number::parse(text.trim()));
            match (key.as_str(), Comparison::parse(key), number) {
                ("field", ..) => read.fields = self.texts("field", value),
                ("percentile", _, Some(number)) => read.percentile = Some(number.as_f64()),
                (_, Some(comparison), Some(number)) => read.thresholds.push(Threshold { comparison, number }),
                ("percentile", ..) | (_, Some(_), None) => {
                    let message = format!("`{key}` needs a number");
                    self.refuse(value.place, message, "write for example `gte: 10`");
                }
                (_, None, _) => {
                    let known = Comparison::ALL.iter().map(|comparison| comparison.as_str());
                    let help = format!("its parts are {}", listed(known.chain(["field", "percentile"])));
                    self.refuse(*place, format!("`{key}` is no part of a condition"), &help);
                }
            }
        }
        self.check_thresholds(kind, &read, place);
        read
    }

    fn check_thresholds(&mut self, kind: CorrelationKind, read: &Thresholds, place: Place) {
        if read.thresholds.is_empty() {
            let known = listed(Comparison::ALL.iter().map(|comparison| comparison.as_str()));
            self.refuse(place, "the condition compares with nothing", &format!("add one of {known}"));
        }
        match (kind.needs_field(), read.fields.len()) {
            (true, 0) => self.refuse(place, format!("`{kind}` needs a `field`"), "add the name of the field"),
            (true, 2..) if kind != CorrelationKind::ValueCount => {
                self.refuse(place, format!("`{kind}` measures one field"), "leave one field in `field`");
            }
            (false, 1..) => self.ineffective(place, &format!("`field` means nothing to `{kind}`")),
            (true, _) | (false, 0) => {}
        }
        match read.percentile {
            Some(_) if kind != CorrelationKind::ValuePercentile => {
                self.ineffective(place, &format!("`percentile` means nothing to `{kind}`"));
            }
            Some(percentile) if !(0.0..=100.0).contains(&percentile) => {
                self.refuse(place, format!("there is no percentile `{percentile}`"), "it is from 0 to 100");
            }
            Some(_) | None => {}
        }
    }

    fn ineffective(&mut self, place: Place, message: &str) {
        self.problems.push(Diagnostic::new(Code::IneffectiveAttribute, place, message).help("remove it"));
    }
}

/// Words in backticks for a message.
fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
