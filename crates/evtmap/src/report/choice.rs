//! Which columns of tables and which members of JSON lines a user wants: names, and what they stand for.
//!
//! A name is a column of the table (`host`) or a member of the lines (`event.computer`), and either can be
//! asked of both, so that one choice serves several reports.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::csv::{COLUMNS, Column};
use super::{AlertLine, TimeStyle, schema};
use crate::row::Row;

/// The members that name fields of the payload; what follows is one name, dots and spaces included.
const PAYLOAD: &str = "event.fields.";
/// How near a name must be, from 0 to 1, to be thought of as meant.
const NEARNESS_MIN: f64 = 0.7;

/// Columns and members, in the order in which they were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldChoice(Arc<[Chosen]>);

/// A column or a member that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// The name as the user wrote it.
    pub(super) name: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Column(&'static Column),
    /// The names of members, from the outermost on.
    Member(Vec<String>),
}

impl PartialEq for Chosen {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A name that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// The name.
    pub name: String,
    /// What may be meant.
    pub nearest: Option<String>,
}

impl FieldChoice {
    /// The choice of these names.
    ///
    /// # Errors
    /// When one stands for nothing.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownField> {
        let members = Members::new();
        names.into_iter().map(|name| Chosen::new(name.trim(), &members)).collect::<Result<_, _>>().map(Self)
    }

    /// What was chosen.
    pub(super) fn chosen(&self) -> &[Chosen] {
        &self.0
    }

    /// Of an alert in its JSON form, what was chosen.
    pub(super) fn project(&self, row: Row<'_>, times: &TimeStyle) -> Value {
        let mut wanted = Wanted::default();
        let mut texts = Map::new();
        for chosen in &*self.0 {
            match &chosen.what {
                What::Member(path) => wanted.add(path),
                What::Column(column) => match column.member {
                    Some(member) => wanted.add(&path(member)),
                    None => {
                        texts.insert(column.name.to_owned(), Value::from((column.cell)(row, times)));
                    }
                },
            }
        }
        let line = AlertLine::of(row.alert, times).with_evidence(row.alert);
        let line = serde_json::to_value(line).unwrap_or_default();
        match wanted.of(line) {
            Value::Object(mut members) => {
                members.extend(texts);
                Value::Object(members)
            }
            _ => Value::Object(texts),
        }
    }
}

impl Chosen {
    fn new(name: &str, members: &Members) -> Result<Self, UnknownField> {
        let of = |what| Ok(Self { name: name.to_owned(), what });
        if let Some(column) = COLUMNS.iter().find(|column| column.name.eq_ignore_ascii_case(name)) {
            return of(What::Column(column));
        }
        // `fields.Image` is short for `event.fields.Image`.
        let full = if name.starts_with("fields.") { format!("event.{name}") } else { name.to_owned() };
        let is_payload = full.len() > PAYLOAD.len() && full.starts_with(PAYLOAD);
        if is_payload || members.0.contains(&full) {
            return of(What::Member(path(&full)));
        }
        Err(UnknownField { name: name.to_owned(), nearest: members.nearest(name) })
    }

    /// The cell of a table. Lists are joined by commas, what has members is JSON.
    pub(super) fn cell<'a>(&self, row: Row<'a>, line: &Value, times: &TimeStyle) -> Cow<'a, str> {
        match &self.what {
            What::Column(column) => (column.cell)(row, times),
            What::Member(path) => text(&at(line, path)).into(),
        }
    }

    /// Whether a cell needs the alert in its JSON form.
    pub(super) fn needs_line(&self) -> bool {
        matches!(self.what, What::Member(_))
    }
}

/// The names of the members from the outermost on.
fn path(name: &str) -> Vec<String> {
    match name.strip_prefix(PAYLOAD) {
        Some(field) => vec!["event".to_owned(), "fields".to_owned(), field.to_owned()],
        None => name.split('.').map(str::to_owned).collect(),
    }
}

/// The value of a member; of a list, those of its entries.
fn at(value: &Value, path: &[String]) -> Value {
    match (value, path) {
        (_, []) => value.clone(),
        (Value::Array(values), _) => values.iter().map(|value| at(value, path)).collect(),
        (Value::Object(members), [first, rest @ ..]) => {
            let named = members.get(first).or_else(|| {
                members.iter().find(|(name, _)| name.eq_ignore_ascii_case(first)).map(|(_, value)| value)
            });
            named.map_or(Value::Null, |value| at(value, rest))
        }
        _ => Value::Null,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if !values.iter().any(|value| value.is_object() || value.is_array()) => {
            values.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Members that are wanted, with those within.
#[derive(Debug, Default)]
struct Wanted {
    is_whole: bool,
    within: BTreeMap<String, Wanted>,
}

impl Wanted {
    fn add(&mut self, path: &[String]) {
        match path {
            [] => self.is_whole = true,
            [first, rest @ ..] => self.within.entry(first.to_ascii_lowercase()).or_default().add(rest),
        }
    }

    fn of(&self, value: Value) -> Value {
        match value {
            value if self.is_whole => value,
            Value::Array(values) => values.into_iter().map(|value| self.of(value)).collect(),
            Value::Object(members) => {
                let kept = members.into_iter().filter_map(|(name, value)| {
                    let within = self.within.get(&name.to_ascii_lowercase())?;
                    Some((name, within.of(value)))
                });
                Value::Object(kept.collect())
            }
            other => other,
        }
    }
}

/// The names of all members, as the schema of the lines has them.
struct Members(Vec<String>);

impl Members {
    fn new() -> Self {
        let schema = schema();
        let mut names = Vec::new();
        gather(&schema, &schema, "", &mut Gathered { names: &mut names, within: Vec::new() });
        Self(names)
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let columns = COLUMNS.iter().map(|column| column.name);
        let names = self.0.iter().map(String::as_str).chain(columns);
        let scored = names.map(|known| (strsim::jaro_winkler(known, &name.to_lowercase()), known));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
        best.filter(|(nearness, _)| *nearness >= NEARNESS_MIN).map(|(_, known)| known.to_owned())
    }
}

/// The names that were gathered, and the definitions within which more are looked for.
struct Gathered<'a> {
    names: &'a mut Vec<String>,
    within: Vec<&'a str>,
}

/// Gathers the names of the members that a part of a schema knows. Of what is made of its own kind, such as the
/// parts of a condition, the members have names once.
fn gather<'a>(schema: &'a Value, part: &'a Value, before: &str, names: &mut Gathered<'a>) {
    if let Some(place) = part.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#')) {
        if let Some(part) = schema.pointer(place).filter(|_| !names.within.contains(&place)) {
            names.within.push(place);
            gather(schema, part, before, names);
            names.within.pop();
        }
        return;
    }
    for either in part.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        gather(schema, either, before, names);
    }
    if let Some(items) = part.get("items") {
        gather(schema, items, before, names);
    }
    for (name, part) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let name = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
        gather(schema, part, &name, names);
        names.names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::tests::detection;

    #[track_caller]
    fn check(names: &str, cells: &[&str], line: &str) {
        let choice = FieldChoice::new(names.split(',')).unwrap();
        let (alert, times) = (detection(), TimeStyle::default());
        let row = Row::of(&alert);
        let json = serde_json::to_value(AlertLine::of(&alert, &times)).unwrap();
        let found: Vec<_> = choice.chosen().iter().map(|chosen| chosen.cell(row, &json, &times)).collect();
        assert_eq!(found, cells);
        assert_eq!(choice.project(row, &times).to_string(), line);
    }

    #[test]
    fn columns_and_members_in_either_report() {
        check(
            "host,event.event_id,severity",
            &["WS01.corp.example", "4688", "high"],
            r#"{"severity":"high","event":{"computer":"WS01.corp.example","event_id":4688}}"#,
        );
        check(
            "techniques.id,rule.author",
            &["T1059.001, T1105", "Ada Example"],
            r#"{"rule":{"author":"Ada Example"},"techniques":[{"id":"T1059.001"},{"id":"T1105"}]}"#,
        );
        check("source", &["windows_security"], r#"{"source":"windows_security"}"#);
    }

    #[test]
    fn fields_of_the_payload() {
        check(
            "fields.commandline,event.fields.Data,fields.No.Such",
            &["bad.exe /x \"1, 2\"", "one, ", ""],
            r#"{"event":{"fields":{"CommandLine":"bad.exe /x \"1, 2\"","Data":["one",null]}}}"#,
        );
    }

    #[test]
    fn unknown_names_tell_what_may_be_meant() {
        for (name, nearest) in [
            ("hots", Some("host")),
            ("rule.titel", Some("rule.title")),
            ("timestmap", Some("timestamp")),
            ("event.feilds", Some("event.fields")),
            ("xyzzy", None),
            ("", None),
        ] {
            let error = FieldChoice::new([name]).unwrap_err();
            assert_eq!((error.name.as_str(), error.nearest.as_deref()), (name, nearest));
        }
    }
}
