//! Many rules against one event, at little more than the cost of one.
//!
//! Rules share most of what they ask: thousands of them look for texts in the same few fields. An [`Engine`]
//! asks each question once an event and only for rules that can still hold:
//!
//! ```text
//! values of a slot ─▶ index ─▶ gates that are open ─▶ rules all of whose groups are met ─▶ program ─▶ matches
//!                    (hash, automaton)               (candidates)                        (lazy tests)
//! ```
//!
//! - A **slot** is a field of the event, or all its texts for keywords.
//! - A **gate** is something cheap to find in a slot: an exact value, a number, a text that the value begins
//!   with, ends with or contains. For most tests an open gate is the answer; for wildcards, regular
//!   expressions and the like it is a necessary sign, and the test itself is asked later, if at all.
//! - A **group** is a set of gates of which one must be open for the rule to hold. A rule becomes a candidate
//!   when each of its groups has an open gate; a rule without groups always is one.
//! - A **program** is the rule's condition over tests whose answers are remembered for the event.
//!
//! Values that come again are not looked up again ([`Known`]).
//!
//! The plain reading in `reference.rs` is the reference that this is tested against.

mod affix;
mod build;
mod gate;
mod index;
mod known;
mod postings;
mod program;
mod within;

use std::ops::ControlFlow;

pub use build::{EngineBuilder, Shortcut};
use gate::GateId;
use index::{KeywordIndex, SlotIndex};
pub use known::Known;
use postings::Postings;
use program::Program;

use crate::event::Value;
use crate::predicate::Test;

/// An event as an engine sees it: slots by number instead of fields by name.
pub trait SlotEvent {
    /// Calls `visit` with each value of a slot until it breaks. Slots are numbered as [`Engine::slots`] lists
    /// them.
    fn slot<'a>(
        &'a self,
        slot: usize,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()>;

    /// The slots that have values, in any order, if that is known: small events have few of the slots that
    /// rules ask for.
    fn filled(&self) -> Option<&[usize]> {
        None
    }

    /// Calls `visit` with each text that a keyword is looked for in, until it breaks.
    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()>;

    /// One text that holds every one of [`texts`](Self::texts) in itself, and maybe more, if there is such a
    /// one: a keyword that is not in it is in none of them.
    fn everything(&self) -> Option<&str> {
        None
    }
}

/// Rules made ready to be asked together.
#[derive(Debug)]
pub struct Engine {
    slots: Vec<Vec<String>>,
    /// One a slot.
    indices: Vec<SlotIndex>,
    /// If a rule has keywords.
    keywords: Option<KeywordIndex>,
    tests: Vec<AskedTest>,
    programs: Vec<Program>,
    postings: Postings,
    /// Programs without groups.
    always: Vec<u32>,
    /// Whether values that come again are looked up again.
    is_forgetful: bool,
    /// Whether no keyword is in a text that consists of numbers and signs of a time.
    has_only_words: bool,
}

/// Whether a byte is one of those of which numbers and times consist as Windows writes them:
/// `2026-03-02T08:00:00.1234567Z`.
pub fn is_of_time(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b':' | b'.' | b'T' | b'Z')
}

/// A test that the event is asked: no gate is the answer.
#[derive(Debug)]
struct AskedTest {
    /// The slot; none for keywords.
    slot: Option<usize>,
    test: Test,
    /// The slot of the other field, for `fieldref`.
    other: Option<usize>,
}

/// A gate's place in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Posting {
    program: u32,
    bit: u8,
}

/// Working memory of one thread, reused from event to event.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Gates that are open, and which to close again.
    open: Vec<bool>,
    opened: Vec<u32>,
    /// Answers of tests for this event, and which to forget again.
    answers: Vec<Option<bool>>,
    answered: Vec<u32>,
    /// Met groups by program, and which to forget again.
    met: Vec<u8>,
    touched: Vec<u32>,
    folded: String,
    matches: Vec<u32>,
}

impl Engine {
    /// The event's names of each slot: the values of all of them are the slot's values.
    pub fn slots(&self) -> &[Vec<String>] {
        &self.slots
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Whether no keyword of a rule can be found in a text of which every byte [is of a time](is_of_time). What
    /// rules say of an event does then not depend on the texts of that kind that are in no slot.
    pub fn has_only_words(&self) -> bool {
        self.has_only_words
    }

    /// Calls `visit` with the number of each rule that holds for an event, in the order in which the rules
    /// were added. `known` is what is remembered of the values of this engine's events before.
    pub fn matches(
        &self,
        event: &dyn SlotEvent,
        scratch: &mut Scratch,
        known: &mut Known,
        visit: &mut dyn FnMut(u32),
    ) {
        scratch.begin(self);
        self.open_gates(event, scratch, known);
        self.candidates(scratch);
        let mut matches = std::mem::take(&mut scratch.matches);
        matches.retain(|program| {
            self.programs.get(*program as usize).is_some_and(|program| self.holds(program, event, scratch))
        });
        matches.sort_unstable();
        for program in &matches {
            if let Some(program) = self.programs.get(*program as usize) {
                visit(program.rule);
            }
        }
        scratch.matches = matches;
        scratch.end();
    }

    fn open_gates(&self, event: &dyn SlotEvent, scratch: &mut Scratch, known: &mut Known) {
        let mut folded = std::mem::take(&mut scratch.folded);
        let mut look_up = |slot: usize| {
            let Some(index) = self.indices.get(slot).filter(|index| !index.is_empty()) else { return };
            let _ = event.slot(slot, &mut |value| {
                let Value::Text(text) = value else { return ControlFlow::Continue(()) };
                if self.is_forgetful {
                    index.look_up(text, &mut folded, &mut |gate| self.open(gate, scratch));
                } else {
                    known.open((slot, text), |open| index.look_up(text, &mut folded, open), &mut |gate| {
                        self.open(gate, scratch);
                    });
                }
                ControlFlow::Continue(())
            });
        };
        match event.filled() {
            Some(slots) => slots.iter().for_each(|slot| look_up(*slot)),
            None => (0..self.indices.len()).for_each(look_up),
        }
        if let Some(index) = &self.keywords
            && event.everything().is_none_or(|everything| index.may_open(everything, &mut folded))
        {
            let _ = event.texts(&mut |text| {
                index.look_up(text, &mut folded, &mut |gate| self.open(gate, scratch));
                ControlFlow::Continue(())
            });
        }
        scratch.folded = folded;
    }

    fn open(&self, gate: GateId, scratch: &mut Scratch) {
        match scratch.open.get_mut(gate.index()) {
            Some(is_open) if !*is_open => *is_open = true,
            _ => return,
        }
        scratch.opened.push(gate.0);
        for posting in self.postings.of(gate) {
            if let Some(met) = scratch.met.get_mut(posting.program as usize) {
                if *met == 0 {
                    scratch.touched.push(posting.program);
                }
                *met |= posting.bit;
            }
        }
    }

    /// The programs that can still hold.
    fn candidates(&self, scratch: &mut Scratch) {
        scratch.matches.clear();
        scratch.matches.extend_from_slice(&self.always);
        for number in &scratch.touched {
            let met = scratch.met.get(*number as usize).copied().unwrap_or(0);
            if self.programs.get(*number as usize).is_some_and(|program| program.groups == met) {
                scratch.matches.push(*number);
            }
        }
    }
}

impl Scratch {
    /// Makes room for an engine; what the last event left was forgotten in `end`.
    fn begin(&mut self, engine: &Engine) {
        grow(&mut self.open, engine.postings.n_gates(), false);
        grow(&mut self.answers, engine.tests.len(), None);
        grow(&mut self.met, engine.programs.len(), 0);
    }

    fn end(&mut self) {
        for gate in self.opened.drain(..) {
            if let Some(is_open) = self.open.get_mut(gate as usize) {
                *is_open = false;
            }
        }
        for test in self.answered.drain(..) {
            if let Some(answer) = self.answers.get_mut(test as usize) {
                *answer = None;
            }
        }
        for program in self.touched.drain(..) {
            if let Some(met) = self.met.get_mut(program as usize) {
                *met = 0;
            }
        }
    }
}

fn grow<T: Clone>(list: &mut Vec<T>, len: usize, value: T) {
    if list.len() < len {
        list.resize(len, value);
    }
}

#[cfg(test)]
mod tests;
