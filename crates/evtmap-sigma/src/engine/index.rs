//! The gates of one slot, made ready to be found all at once.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::gate::{Gate, GateId};
use crate::fold::fold_char;
use crate::scalar::Number;

/// Finds the gates that a value opens.
#[derive(Debug, Default)]
pub(super) struct SlotIndex {
    whole: HashMap<String, GateId>,
    numbers: HashMap<i128, GateId>,
    /// Texts in ASCII.
    ascii: Option<Needles>,
    /// Texts with other characters: looked for only in values that have such.
    other: Option<Needles>,
}

/// Texts that are looked for in one pass, and where each must stand.
#[derive(Debug)]
struct Needles {
    automaton: AhoCorasick,
    /// By needle.
    places: Vec<NeedleGates>,
}

/// The gates of one text.
#[derive(Clone, Copy, Debug, Default)]
struct NeedleGates {
    start: Option<GateId>,
    end: Option<GateId>,
    anywhere: Option<GateId>,
}

impl SlotIndex {
    /// Makes gates ready.
    pub(super) fn new<'a>(gates: impl IntoIterator<Item = (&'a Gate, GateId)>) -> Self {
        let mut index = Self::default();
        let mut needles: HashMap<&str, NeedleGates> = HashMap::new();
        for (gate, id) in gates {
            match gate {
                Gate::Whole(text) => {
                    index.whole.insert(text.clone(), id);
                }
                Gate::Number(number) => {
                    index.numbers.insert(*number, id);
                }
                Gate::Start(text) => needles.entry(text).or_default().start = Some(id),
                Gate::End(text) => needles.entry(text).or_default().end = Some(id),
                Gate::Anywhere(text) => needles.entry(text).or_default().anywhere = Some(id),
            }
        }
        let mut needles: Vec<(&str, NeedleGates)> = needles.into_iter().collect();
        needles.sort_unstable_by_key(|(text, _)| *text);
        let (ascii, other): (Vec<_>, Vec<_>) = needles.into_iter().partition(|(text, _)| text.is_ascii());
        index.ascii = Needles::new(&ascii);
        index.other = Needles::new(&other);
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.numbers.is_empty() && self.ascii.is_none() && self.other.is_none()
    }

    /// Calls `open` with each gate that a value opens, possibly several times. `folded` is working memory.
    pub(super) fn look_up(&self, text: &str, folded: &mut String, open: &mut dyn FnMut(GateId)) {
        fold_into(text, folded);
        if let Some(gate) = self.whole.get(folded.as_str()) {
            open(*gate);
        }
        if !self.numbers.is_empty()
            && let Some(Number::Integer(number)) = Number::parse_event(text).map(whole_number)
            && let Some(gate) = self.numbers.get(&number)
        {
            open(*gate);
        }
        if let Some(needles) = &self.ascii {
            needles.find(folded, open);
        }
        if let Some(needles) = self.other.as_ref().filter(|_| !folded.is_ascii()) {
            needles.find(folded, open);
        }
    }
}

/// A number without a fraction as a whole number, which it is compared with as such.
#[expect(clippy::cast_possible_truncation, reason = "only numbers that are exact in f64 are converted")]
fn whole_number(number: Number) -> Number {
    match number {
        Number::Float(float) if float.fract() == 0.0 && float.abs() < 9.0e15 => {
            Number::Integer(float as i128)
        }
        other => other,
    }
}

impl Needles {
    fn new(needles: &[(&str, NeedleGates)]) -> Option<Self> {
        if needles.is_empty() {
            return None;
        }
        // The automaton is only refused when it needs more states than can be numbered; the limits on rules
        // keep them far below that.
        let automaton = AhoCorasick::new(needles.iter().map(|(text, _)| text)).ok()?;
        Some(Self { automaton, places: needles.iter().map(|(_, gates)| *gates).collect() })
    }

    fn find(&self, text: &str, open: &mut dyn FnMut(GateId)) {
        for found in self.automaton.find_overlapping_iter(text) {
            let Some(gates) = self.places.get(found.pattern().as_usize()) else { continue };
            gates.anywhere.into_iter().for_each(&mut *open);
            if found.start() == 0 {
                gates.start.into_iter().for_each(&mut *open);
            }
            if found.end() == text.len() {
                gates.end.into_iter().for_each(&mut *open);
            }
        }
    }
}

/// Folds a text into working memory.
fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    if text.is_ascii() {
        folded.push_str(text);
        folded.make_ascii_lowercase();
    } else {
        folded.extend(text.chars().map(fold_char));
    }
}
