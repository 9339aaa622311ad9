//! A rule made ready to be asked: modifiers applied, names of selections resolved.

use serde::{Deserialize, Serialize};

use crate::Placeholders;
use crate::condition::{Condition, Quantifier};
use crate::detection::{Detection, Item, Selection};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::lazy_regex::{self, LazyRegex};
use crate::modifier::{Draft, Problem, RegexSource, Value};
use crate::predicate::{Predicate, Test};
use crate::scalar::Kind;
use crate::text::TextMatcher;

/// What a rule asks of an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Expr {
    /// All hold; an empty list always does.
    All(Vec<Expr>),
    /// At least one holds; an empty list never does.
    Any(Vec<Expr>),
    /// At least so many hold.
    AtLeast(u32, Vec<Expr>),
    /// It does not hold.
    Not(#[serde(with = "crate::nested")] Box<Expr>),
    /// The item of a selection holds.
    Predicate(Predicate),
    /// The selection with that index among the rule's selections holds.
    Selection(usize),
}

/// A detection made ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Kept")]
pub struct Compiled {
    /// The selections, in the order written.
    pub selections: Vec<Expr>,
    /// The conditions, joined by "or".
    pub condition: Expr,
}

/// A detection made ready, as it comes out of a cache that anybody may have written.
#[derive(Deserialize)]
struct Kept {
    selections: Vec<Expr>,
    condition: Expr,
}

impl TryFrom<Kept> for Compiled {
    type Error = &'static str;

    /// Conditions name selections and selections name nothing, or asking might never come to an end.
    fn try_from(Kept { selections, condition }: Kept) -> Result<Self, Self::Error> {
        if selections.iter().any(Expr::has_names) {
            return Err("a selection names a selection");
        }
        Ok(Self { selections, condition })
    }
}

impl Expr {
    /// Whether a selection is named anywhere in it.
    fn has_names(&self) -> bool {
        match self {
            Self::All(members) | Self::Any(members) | Self::AtLeast(_, members) => {
                members.iter().any(Self::has_names)
            }
            Self::Not(inner) => inner.has_names(),
            Self::Selection(_) => true,
            Self::Predicate(_) => false,
        }
    }
}

/// Makes a detection ready, noting what is wrong with it.
pub(crate) fn compile(
    detection: &Detection,
    placeholders: &Placeholders,
    problems: &mut Diagnostics,
) -> Option<Compiled> {
    let mut compiler = Compiler { placeholders, problems, n_regex_bytes: 0 };
    let selections = detection.selections.iter().map(|named| compiler.selection(&named.selection)).collect();
    let names = Names { detection, problems };
    let condition = names.conditions();
    if problems.has_errors() { None } else { condition.map(|condition| Compiled { selections, condition }) }
}

/// Makes the selections of one rule ready.
struct Compiler<'a> {
    placeholders: &'a Placeholders,
    problems: &'a mut Diagnostics,
    /// The size of the regular expressions so far.
    n_regex_bytes: usize,
}

impl Compiler<'_> {
    fn selection(&mut self, selection: &Selection) -> Expr {
        match selection {
            Selection::All(items) => {
                Expr::All(items.iter().filter_map(|item| self.predicate(item)).collect())
            }
            Selection::Any(members) => {
                Expr::Any(members.iter().map(|member| self.selection(member)).collect())
            }
            Selection::Keywords(item) => self.predicate(item).unwrap_or_else(|| Expr::Any(Vec::new())),
        }
    }

    /// Applies an item's modifiers in the order written and makes a predicate of what comes out.
    fn predicate(&mut self, item: &Item) -> Option<Expr> {
        let mut draft = Draft {
            field: item.field.as_deref(),
            values: item.values.iter().cloned().map(Value::Written).collect(),
            all: false,
            cased: false,
            negated: false,
            anchored: false,
            n_applied: 0,
            placeholders: self.placeholders,
            warnings: Vec::new(),
        };
        for modifier in &item.modifiers {
            let applied = modifier.apply(&mut draft);
            draft.n_applied += 1;
            for warning in draft.warnings.drain(..) {
                self.problems.push(warning.at(item.place));
            }
            if let Err(problem) = applied {
                self.problems.push(problem.at(item.place));
                return None;
            }
        }
        let tests: Result<Vec<Test>, Problem> =
            std::mem::take(&mut draft.values).into_iter().map(|value| self.test(value, &draft)).collect();
        match tests {
            Ok(tests) => Some(Expr::Predicate(Predicate {
                field: item.field.clone(),
                tests,
                all: draft.all,
                negated: draft.negated,
            })),
            Err(problem) => {
                self.problems.push(problem.at(item.place));
                None
            }
        }
    }

    /// Makes a test of a value that all modifiers have passed.
    fn test(&mut self, value: Value, draft: &Draft<'_>) -> Result<Test, Problem> {
        let needs_field = matches!(
            value,
            Value::Exists(_) | Value::FieldRef { .. } | Value::Compare { .. } | Value::Time { .. }
        );
        if draft.field.is_none() && needs_field {
            return Err(Problem::invalid(format!("{} needs the name of a field", value.kind())));
        }
        if draft.n_applied > 1 && matches!(value, Value::Exists(_)) {
            return Err(Problem::invalid("`exists` cannot be joined with other modifiers"));
        }
        Ok(match value {
            Value::Written(scalar) => match scalar.kind {
                Kind::Null if draft.field.is_some() => Test::Null,
                Kind::Null => {
                    return Err(Problem::new(Code::InvalidSelection, "a keyword is a text, this is null"));
                }
                Kind::Number(number) if draft.field.is_some() => {
                    Test::Number { number, spelled: scalar.text }
                }
                Kind::Number(_) | Kind::Text | Kind::Bool(_) => {
                    // The pattern of a value that is not null always exists.
                    let pattern = Value::Written(scalar).into_pattern().unwrap_or_default();
                    text(pattern, draft)
                }
            },
            Value::Text(pattern) => text(pattern, draft),
            Value::Bytes(bytes) => match Value::Bytes(bytes).into_pattern() {
                Ok(pattern) => text(pattern, draft),
                Err(_) => {
                    return Err(Problem::invalid(
                        "the encoded text is no text and can never be found as it is",
                    )
                    .help("write `base64` or `base64offset` behind the encoding"));
                }
            },
            Value::Regex(source) => Test::Regex(self.regex(&source)?),
            Value::Network(network) => Test::Network(network),
            Value::FieldRef { field, part } => Test::FieldRef { field, part, cased: draft.cased },
            Value::Compare { ordering, number } => Test::Compare { ordering, number },
            Value::Time { part, ordering, number } => Test::Time { part, ordering, number },
            Value::Exists(wanted) => Test::Exists(wanted),
            Value::AnyOf(members) => Test::AnyOf(
                members.into_iter().map(|member| self.test(member, draft)).collect::<Result<_, _>>()?,
            ),
        })
    }

    fn regex(&mut self, source: &RegexSource) -> Result<LazyRegex, Problem> {
        let n_bytes_left = lazy_regex::MAX_BYTES.saturating_sub(self.n_regex_bytes);
        let (regex, n_bytes) = LazyRegex::compile(source, n_bytes_left)?;
        self.n_regex_bytes += n_bytes;
        Ok(regex)
    }
}

/// A keyword is found anywhere in a value unless its place was given.
fn text(pattern: crate::Pattern, draft: &Draft<'_>) -> Test {
    let unanchored = draft.field.is_none() && !draft.anchored;
    let pattern = if unanchored { pattern.any_before().any_after() } else { pattern };
    Test::Text(TextMatcher::new(pattern, draft.cased))
}

/// Resolves the names in the conditions of a detection.
struct Names<'a> {
    detection: &'a Detection,
    problems: &'a mut Diagnostics,
}

impl Names<'_> {
    fn conditions(mut self) -> Option<Expr> {
        let detection = self.detection;
        let mut members: Vec<Expr> =
            detection.conditions.iter().filter_map(|condition| self.condition(condition)).collect();
        if members.is_empty() && !detection.conditions.is_empty() && !self.problems.has_errors() {
            let place = detection.condition_place;
            self.problems.note(Code::InvalidCondition, place, "the condition selects nothing");
        }
        match members.pop() {
            Some(only) if members.is_empty() => Some(only),
            Some(last) => {
                members.push(last);
                Some(Expr::Any(members))
            }
            None => None,
        }
    }

    /// Nothing for a part that asks about no selection at all: as in pySigma it vanishes from what it is in.
    fn condition(&mut self, condition: &Condition) -> Option<Expr> {
        match condition {
            Condition::Selection(name) => self.selection(name),
            Condition::Of(quantifier, selector) => self.quantified(*quantifier, selector),
            Condition::Not(inner) => self.condition(inner).map(|inner| Expr::Not(Box::new(inner))),
            Condition::And(members) => self.joined(members, Expr::All),
            Condition::Or(members) => self.joined(members, Expr::Any),
        }
    }

    fn joined(&mut self, members: &[Condition], join: fn(Vec<Expr>) -> Expr) -> Option<Expr> {
        let members: Vec<Expr> = members.iter().filter_map(|member| self.condition(member)).collect();
        (!members.is_empty()).then(|| join(members))
    }

    fn selection(&mut self, name: &str) -> Option<Expr> {
        let index = self.detection.selections.iter().position(|selection| selection.name == name);
        if index.is_none() {
            let message = format!("the condition names `{name}`, but there is no such selection");
            self.problems.push(Diagnostic::new(
                Code::UnknownSelection,
                self.detection.condition_place,
                message,
            ));
        }
        index.map(Expr::Selection)
    }

    fn quantified(&mut self, quantifier: Quantifier, selector: &crate::condition::Selector) -> Option<Expr> {
        let selections = self.detection.selections.iter().enumerate();
        let members: Vec<Expr> = selections
            .filter(|(_, selection)| selector.names(&selection.name))
            .map(|(index, _)| Expr::Selection(index))
            .collect();
        if members.is_empty() {
            let message = format!("`{quantifier} of {selector}` means no selection and is left out");
            self.problems.note(Code::EmptySelector, self.detection.condition_place, message);
            return None;
        }
        Some(match quantifier {
            Quantifier::All => Expr::All(members),
            Quantifier::AtLeast(1) => Expr::Any(members),
            Quantifier::AtLeast(n) => Expr::AtLeast(n, members),
        })
    }
}
