//! The gates of one slot, made ready to be found all at once.

use aho_corasick::{AhoCorasick, packed};
use rustc_hash::FxHashMap;

use super::affix::{Affixes, Side};
use super::gate::{Gate, GateId};
use super::within::Within;
use crate::fold::fold_into;
use crate::scalar::Number;

/// Finds the gates that a value opens: each kind of gate in its own way.
#[derive(Debug)]
pub(super) struct SlotIndex {
    whole: Whole,
    numbers: FxHashMap<i128, GateId>,
    starts: Affixes,
    ends: Affixes,
    /// Texts in ASCII.
    within: Within,
    /// Texts with other characters: looked for only in values that have such.
    within_other: Within,
}

/// The gates of whole values.
#[derive(Debug, Default)]
struct Whole {
    texts: FxHashMap<Box<str>, GateId>,
    /// A bit for each length that a text has; the last is for all longer ones.
    lengths: u64,
}

impl Whole {
    fn length_bit(text: &str) -> u64 {
        1 << text.len().min(63)
    }

    fn insert(&mut self, text: &str, gate: GateId) {
        self.lengths |= Self::length_bit(text);
        self.texts.insert(text.into(), gate);
    }

    fn get(&self, text: &str) -> Option<GateId> {
        // Most values are of a length that no text has.
        if self.lengths & Self::length_bit(text) == 0 { None } else { self.texts.get(text).copied() }
    }
}

impl SlotIndex {
    /// Makes gates ready.
    pub(super) fn new<'a>(gates: impl IntoIterator<Item = (&'a Gate<'a>, GateId)>) -> Self {
        let mut whole = Whole::default();
        let mut numbers = FxHashMap::default();
        let (mut starts, mut ends, mut within) = (Vec::new(), Vec::new(), Vec::new());
        for (gate, id) in gates {
            match gate {
                Gate::Whole(text) => whole.insert(text, id),
                Gate::Number(number) => {
                    numbers.insert(*number, id);
                }
                Gate::Start(text) => starts.push((&**text, id)),
                Gate::End(text) => ends.push((&**text, id)),
                Gate::Anywhere(text) => within.push((&**text, id)),
            }
        }
        let (ascii, other): (Vec<_>, Vec<_>) = within.into_iter().partition(|(text, _)| text.is_ascii());
        Self {
            whole,
            numbers,
            starts: Affixes::new(Side::Start, &starts),
            ends: Affixes::new(Side::End, &ends),
            within: Within::new(&ascii),
            within_other: Within::new(&other),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.whole.texts.is_empty()
            && self.numbers.is_empty()
            && self.starts.is_empty()
            && self.ends.is_empty()
            && self.within.is_empty()
            && self.within_other.is_empty()
    }

    /// Calls `open` with each gate that a value opens, possibly several times. `folded` is working memory.
    pub(super) fn look_up(&self, text: &str, folded: &mut String, open: &mut dyn FnMut(GateId)) {
        fold_into(text, folded);
        if let Some(gate) = self.whole.get(folded) {
            open(gate);
        }
        if !self.numbers.is_empty()
            && let Some(Number::Integer(number)) = Number::parse_event(text).map(whole_number)
            && let Some(gate) = self.numbers.get(&number)
        {
            open(*gate);
        }
        let value = folded.as_bytes();
        if !self.starts.is_empty() {
            self.starts.find(value, open);
        }
        if !self.ends.is_empty() {
            self.ends.find(value, open);
        }
        if !self.within.is_empty() {
            self.within.find(value, open);
        }
        if !self.within_other.is_empty() && !value.is_ascii() {
            self.within_other.find(value, open);
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

/// The gates of keywords, which are looked for in every text of an event.
#[derive(Debug)]
pub(super) struct KeywordIndex {
    index: SlotIndex,
    any: Option<AnyOf>,
}

/// Finds whether any of the texts is anywhere.
#[derive(Debug)]
enum AnyOf {
    /// With vector instructions, where the texts are few.
    Few(packed::Searcher),
    Many(AhoCorasick),
}

impl AnyOf {
    /// Nothing where a gate is no text.
    fn new(gates: &[(&Gate<'_>, GateId)]) -> Option<Self> {
        let texts: Vec<&str> = gates.iter().map(|(gate, _)| gate.text()).collect::<Option<_>>()?;
        let few = packed::Config::new().builder().extend(&texts).build();
        few.map(Self::Few).or_else(|| AhoCorasick::new(&texts).ok().map(Self::Many))
    }

    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Few(searcher) => searcher.find(text).is_some(),
            Self::Many(automaton) => automaton.is_match(text),
        }
    }
}

impl KeywordIndex {
    /// Makes gates ready; nothing where there are none.
    pub(super) fn new<'a>(gates: impl IntoIterator<Item = (&'a Gate<'a>, GateId)>) -> Option<Self> {
        let gates: Vec<_> = gates.into_iter().collect();
        let any = AnyOf::new(&gates);
        let index = SlotIndex::new(gates);
        (!index.is_empty()).then_some(Self { index, any })
    }

    /// Does without looking at the whole of an event first.
    pub(super) fn look_everywhere(&mut self) {
        self.any = None;
    }

    /// Whether a text that holds all texts of an event may open any gate. `folded` is working memory.
    pub(super) fn may_open(&self, everything: &str, folded: &mut String) -> bool {
        let Some(any) = &self.any else { return true };
        fold_into(everything, folded);
        any.is_in(folded)
    }

    pub(super) fn look_up(&self, text: &str, folded: &mut String, open: &mut dyn FnMut(GateId)) {
        self.index.look_up(text, folded, open);
    }
}
