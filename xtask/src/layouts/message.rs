//! The labels of a message and what stands after them.

use std::collections::BTreeMap;

/// The longest label that is looked for, in bytes.
const LABEL_BYTES_MAX: usize = 60;

/// A label in its section; equal ones of one section are numbered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The section; empty for what is in none.
    pub(super) section: String,
    pub(super) label: String,
    pub(super) number: usize,
}

/// What stands after a label, and the first line of the paragraphs that close the message.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    pub(super) values: Vec<(Place, String)>,
    pub(super) closing: Option<String>,
}

/// Takes a message apart.
pub(super) fn labelled(message: &str) -> Labelled {
    let mut out = Labelled::default();
    let mut section = String::new();
    let mut numbers: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut after_gap = false;
    let mut is_first = true;
    for line in message.lines() {
        if line.trim().is_empty() {
            after_gap = true;
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        match label(line).filter(|_| !is_first || is_indented) {
            Some((label, value)) => {
                if !is_indented {
                    label.clone_into(&mut section);
                }
                let within = if is_indented { section.as_str() } else { "" };
                let number = numbers.entry((within.to_owned(), label.to_owned())).or_default();
                let place = Place { section: within.to_owned(), label: label.to_owned(), number: *number };
                *number += 1;
                out.values.push((place, value.to_owned()));
            }
            None if after_gap && !is_indented && !out.values.is_empty() => {
                out.closing = Some(line.to_owned());
                break;
            }
            None => {
                if let Some((_, value)) = out.values.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            }
        }
        (after_gap, is_first) = (false, false);
    }
    out
}

/// The label that a line begins with, and what follows it.
fn label(line: &str) -> Option<(&str, &str)> {
    let (label, value) = line.split_once(':')?;
    let label = label.trim();
    let is_word = |c: char| c.is_alphanumeric() || " ()-/'.".contains(c);
    let is_label = label.len() <= LABEL_BYTES_MAX
        && label.starts_with(|c: char| c.is_uppercase())
        && label.chars().all(is_word)
        && (value.is_empty() || value.starts_with([' ', '\t']));
    is_label.then_some((label, value))
}
