//! What messages of one kind have in common, learnt from one and tried on the next.
//!
//! Windows writes the messages of an event out of one template, so that nearly all of them differ in their values
//! only. Where all between the values is as it was in a message that was read before, the values stand where they
//! stood there: only the ends of their lines are sought. Any other message is read by its layout.

use memchr::memchr;
use rustc_hash::FxHashMap;

use super::labels::Labels;
use super::{Found, Layout};

/// How many templates a kind of message has at the most. Windows has a handful of versions of one; a kind whose
/// messages have nothing in common is read by its layout for good.
const N_TEMPLATES_MAX: usize = 4;

/// The templates of the messages that were read, by kind. One such memory serves records that are read in turn.
#[derive(Debug, Default)]
pub struct Templates {
    /// The one that fitted last comes first.
    by_kind: FxHashMap<usize, Vec<Template>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Template {
    steps: Vec<Step>,
    /// What stands after the last value.
    end: Box<str>,
}

#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// What stands before the value, after the one before it: the value's label is in it.
    before: Box<str>,
    /// The number of the label.
    label: usize,
}

impl Templates {
    /// Finds the values in a message by what is known of its kind; `false`, and nothing, when it differs.
    pub(super) fn read<'l>(
        &mut self,
        kind: usize,
        layout: &'l Layout,
        message: &str,
        found: &mut Vec<Found<'l>>,
    ) -> bool {
        let (Some(templates), Layout::Labels(labels)) = (self.by_kind.get_mut(&kind), layout) else {
            return false;
        };
        let fitting = templates.iter().position(|template| {
            found.clear();
            template.read(labels, message, found).is_some()
        });
        match fitting {
            Some(place) => templates.swap(0, place),
            None => found.clear(),
        }
        fitting.is_some()
    }

    /// Learns from a message in which a layout found these values.
    pub(super) fn learn(&mut self, kind: usize, layout: &Layout, message: &str, found: &[Found<'_>]) {
        let Layout::Labels(labels) = layout else { return };
        let templates = self.by_kind.entry(kind).or_default();
        if templates.len() < N_TEMPLATES_MAX {
            templates.extend(Template::of(labels, message, found));
        }
    }
}

impl Template {
    /// The template of a message in which each value is the rest of its label's line.
    fn of(labels: &Labels, message: &str, found: &[Found<'_>]) -> Option<Self> {
        let mut steps = Vec::with_capacity(found.len());
        let mut at = 0;
        for Found { field, value } in found {
            let before = message.get(at..value.start)?;
            let label_line = before.rsplit('\n').next()?;
            let after = message.get(value.end..)?;
            let is_rest_of_line = after.is_empty() || after.starts_with('\n') || after.starts_with("\r\n");
            let is_one_line = !message.get(value.clone())?.contains('\n');
            if !label_line.contains(':') || !is_rest_of_line || !is_one_line {
                return None;
            }
            steps.push(Step { before: before.into(), label: labels.number_of(field)? });
            at = value.end;
        }
        Some(Self { steps, end: message.get(at..)?.into() })
    }

    /// Finds the values. All that decides which line is which label is compared, so that they are those which
    /// [`Labels::read`] finds.
    fn read<'l>(&self, labels: &'l Labels, message: &str, found: &mut Vec<Found<'l>>) -> Option<()> {
        let mut at = 0;
        for Step { before, label } in &self.steps {
            let rest = message.get(at..)?.strip_prefix(&**before)?;
            let line = rest.get(..memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len()))?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            // Blanks before the value do not belong to it.
            if line.bytes().next().is_some_and(|first| !first.is_ascii_graphic()) {
                return None;
            }
            at += before.len();
            found.push(Found { field: labels.field(*label)?, value: at..at + line.len() });
            at += line.len();
        }
        (message.get(at..)? == &*self.end).then_some(())
    }
}
