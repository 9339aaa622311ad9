//! What the language sees of an event.

use std::ops::ControlFlow;

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The field is there and has no value.
    Null,
    /// The value as Windows' XML shows it: numbers in decimal or `0x…`, booleans as `true` and `false`.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// The text; `None` for null.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Value::Null => None,
            Value::Text(text) => Some(text),
        }
    }
}

/// An event as rules see it: fields by name, and every text for keywords.
///
/// Where fields come from, how their names map and which of two fields of a name is meant is the
/// implementor's business; the language only asks.
pub trait Event {
    /// Calls `visit` with each value of a field until it breaks; not at all when the field is absent.
    ///
    /// A field can have several values, such as the unnamed `Data` of old providers.
    fn values<'a>(
        &'a self,
        field: &str,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()>;

    /// Calls `visit` with each text that a keyword is looked for in, until it breaks.
    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()>;
}

/// Fields and values in a list: enough for tests and for trying a rule out.
///
/// ```
/// use evtmap_sigma::{FieldList, Value};
/// let event = FieldList::from([("EventID", Value::Text("1")), ("Image", Value::Null)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldList<'a>(Vec<(&'a str, Value<'a>)>);

impl<'a, const N: usize> From<[(&'a str, Value<'a>); N]> for FieldList<'a> {
    fn from(fields: [(&'a str, Value<'a>); N]) -> Self {
        Self(fields.into())
    }
}

impl<'a> FromIterator<(&'a str, Value<'a>)> for FieldList<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a str, Value<'a>)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Event for FieldList<'_> {
    fn values<'a>(
        &'a self,
        field: &str,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.0.iter().filter(|(name, _)| *name == field).try_for_each(|(_, value)| visit(*value))
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        self.0.iter().try_for_each(|(_, value)| match value {
            Value::Text(text) => visit(text),
            Value::Null => ControlFlow::Continue(()),
        })
    }
}
