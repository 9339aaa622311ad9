//! What is asked, and the Sigma rule that it becomes.

use std::collections::BTreeSet;

use evtmap_sigma::{Collection, Condition, Diagnostic, Pattern, Place, Placeholders};
use serde_json::{Map, Value, json};

/// The modifiers behind which a value is what it looks like, a number or a truth; behind others it is a text.
const OF_NUMBERS: [&str; 12] =
    ["lt", "lte", "gt", "gte", "exists", "neq", "minute", "hour", "day", "week", "month", "year"];

/// What is asked of events. All of it must hold, unless `any` or `condition` says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Texts of which each is in a value or in the message, without regard to case.
    pub texts: Vec<String>,
    /// Regular expressions that are found in a value or in the message.
    pub regexes: Vec<String>,
    /// Conditions on fields, as in a rule: `Image|endswith=\cmd.exe`.
    pub conditions: Vec<String>,
    /// Conditions that must not hold.
    pub exceptions: Vec<String>,
    /// Whether one of texts, regular expressions and conditions is enough.
    pub any: bool,
    /// How all of these are joined, in Sigma's words: conditions are called `w1`, `w2` and so on, texts `t1`,
    /// regular expressions `r1`, exceptions `n1`.
    pub condition: Option<String>,
    /// The category of events, as in a rule: then fields have the names of that category.
    pub category: Option<String>,
    /// The ids of events; none for all.
    pub event_ids: BTreeSet<u32>,
    /// The channels, as they are or [shortened](crate::view::short_channel); none for all. `*` stands for any text.
    pub channels: Vec<String>,
    /// The hosts; none for all. `*` stands for any text, and the first part of the name is enough.
    pub hosts: Vec<String>,
}

/// Why a query cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{part}`: {message}")]
pub struct SearchError {
    /// The part of the query that is wrong, as it was written.
    pub part: String,
    /// What is wrong, in words.
    pub message: String,
    /// What can be done about it; may be empty.
    pub help: String,
}

impl SearchError {
    pub(super) fn of(part: &str, problem: &Diagnostic) -> Self {
        Self { part: part.to_owned(), message: problem.message.clone(), help: problem.help.clone() }
    }
}

impl Query {
    /// The rule that the query becomes; nothing when ids, channels and hosts are all that is asked.
    pub(super) fn rule(&self) -> Result<Option<String>, SearchError> {
        let mut selections = Map::new();
        let mut add = |prefix: char, number: usize, part: &str, selection: Value| {
            check(part, &selection)?;
            selections.insert(format!("{prefix}{}", number + 1), selection);
            Ok(())
        };
        for (number, text) in self.texts.iter().enumerate() {
            add('t', number, text, json!([Pattern::literal(text).to_string()]))?;
        }
        for (number, regex) in self.regexes.iter().enumerate() {
            add('r', number, regex, json!({"|re": regex}))?;
        }
        for (number, text) in self.conditions.iter().enumerate() {
            add('w', number, text, selection(text)?)?;
        }
        for (number, text) in self.exceptions.iter().enumerate() {
            add('n', number, text, selection(text)?)?;
        }
        let Some(condition) = self.joined(&selections)? else {
            return Ok(self.category.as_ref().map(|_| {
                self.document(&json!({
                    "any": {"EventID|exists": true}, "condition": "any"
                }))
            }));
        };
        selections.insert("condition".to_owned(), json!(condition));
        Ok(Some(self.document(&Value::Object(selections))))
    }

    fn document(&self, detection: &Value) -> String {
        let mut logsource = json!({"product": "windows"});
        if let (Some(category), Some(members)) = (&self.category, logsource.as_object_mut()) {
            members.insert("category".to_owned(), json!(category));
        }
        // JSON is YAML too.
        json!({"title": "query", "logsource": logsource, "detection": detection}).to_string()
    }

    /// How the selections are joined; nothing when there are none.
    fn joined(&self, selections: &Map<String, Value>) -> Result<Option<String>, SearchError> {
        if let Some(text) = &self.condition {
            return self.given(text, selections).map(Some);
        }
        let (exceptions, wanted): (Vec<&String>, Vec<&String>) =
            selections.keys().partition(|name| name.starts_with('n'));
        let joined = |names: &[&String], word: &str| {
            names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(word)
        };
        let wanted = joined(&wanted, if self.any { " or " } else { " and " });
        let exceptions = joined(&exceptions, " or ");
        Ok(match (wanted.is_empty(), exceptions.is_empty()) {
            (true, true) => None,
            (false, true) => Some(wanted),
            (true, false) => Some(format!("not ({exceptions})")),
            (false, false) => Some(format!("({wanted}) and not ({exceptions})")),
        })
    }

    /// A condition of the user's, which must be about all that was given, and about nothing else.
    fn given(&self, text: &str, selections: &Map<String, Value>) -> Result<String, SearchError> {
        let names = selections.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let parsed = Condition::parse(text, Place { line: 1, column: 1 }).map_err(|problem| {
            let mut error = SearchError::of(text, &problem);
            error.message = format!("{} at character {}", error.message, problem.place.column);
            if error.help.is_empty() {
                error.help = format!("join {names} by `and`, `or`, `not` and parentheses");
            }
            error
        })?;
        let mut used = BTreeSet::new();
        let mut unknown = None;
        walk(&parsed, selections, &mut used, &mut unknown);
        let unused = selections.keys().find(|name| !used.contains(name.as_str()));
        let message = match (unknown, unused) {
            (Some(name), _) => format!("there is no `{name}`"),
            (None, Some(name)) => format!("`{name}` is not in it"),
            (None, None) => return Ok(text.to_owned()),
        };
        Err(SearchError {
            part: text.to_owned(),
            message,
            help: format!(
                "what is given is called {}: conditions w1, w2 and so on, texts t1, expressions r1, exceptions n1",
                if names.is_empty() { "w1, w2" } else { &names }
            ),
        })
    }

    /// The fields that conditions ask about. Those of a category have names that events need not have.
    pub(super) fn fields(&self) -> Result<BTreeSet<String>, SearchError> {
        if self.category.is_some() {
            return Ok(BTreeSet::new());
        }
        let parts = self.conditions.iter().chain(&self.exceptions);
        let field = |text: &String| Ok(parted(text)?.0.split('|').next().unwrap_or_default().to_owned());
        parts.map(field).collect()
    }
}

/// Collects the names of selections that a condition uses, and the first that there is not.
fn walk(
    condition: &Condition,
    selections: &Map<String, Value>,
    used: &mut BTreeSet<String>,
    unknown: &mut Option<String>,
) {
    match condition {
        Condition::Selection(name) if selections.contains_key(name) => {
            used.insert(name.clone());
        }
        Condition::Selection(name) => *unknown = unknown.take().or_else(|| Some(name.clone())),
        Condition::Of(_, selector) => {
            let before = used.len();
            used.extend(selections.keys().filter(|name| selector.names(name)).cloned());
            if used.len() == before && !selections.keys().any(|name| selector.names(name)) {
                *unknown = unknown.take().or_else(|| Some(selector.to_string()));
            }
        }
        Condition::Not(inner) => walk(inner, selections, used, unknown),
        Condition::And(members) | Condition::Or(members) => {
            members.iter().for_each(|member| walk(member, selections, used, unknown));
        }
    }
}

/// Key and value of a condition.
fn parted(text: &str) -> Result<(&str, &str), SearchError> {
    let error = |message: &str| SearchError {
        part: text.to_owned(),
        message: message.to_owned(),
        help: r"write a field, modifiers if need be, and a value: `Image|endswith=\cmd.exe`".to_owned(),
    };
    let (key, value) = text.split_once('=').ok_or_else(|| error("there is no `=` in it"))?;
    let key = key.trim();
    if key.split('|').next().unwrap_or_default().is_empty() {
        return Err(error("there is no field before the `=`"));
    }
    Ok((key, value))
}

/// A condition on a field as a selection of a rule.
fn selection(text: &str) -> Result<Value, SearchError> {
    let (key, value) = parted(text)?;
    let mut modifiers = key.split('|').skip(1);
    let is_plain = modifiers.all(|modifier| OF_NUMBERS.contains(&modifier));
    let is_number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    let value = match value {
        "null" if is_plain => Value::Null,
        "true" if is_plain => json!(true),
        "false" if is_plain => json!(false),
        _ if is_plain && is_number => json!(value.parse::<i64>().unwrap_or_default()),
        _ => json!(value),
    };
    Ok(json!({ key: value }))
}

/// Whether a selection can be used; `part` is how the user wrote it.
fn check(part: &str, selection: &Value) -> Result<(), SearchError> {
    let text = json!({
        "title": "query",
        "logsource": {"product": "windows"},
        "detection": {"part": selection, "condition": "part"},
    });
    let collection = Collection::parse(&text.to_string(), &Placeholders::default());
    let problem = collection.diagnostics.iter().find(|problem| problem.is_error());
    problem.map_or(Ok(()), |problem| Err(SearchError::of(part, problem)))
}
