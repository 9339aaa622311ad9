//! Texts with which values begin or end, thousands of them looked up at once.
//!
//! The texts are kept sorted; those for the end of a value are kept from back to front, as if they were read
//! that way. Every text with which a value begins then comes before it in that order, and begins the last one
//! that does. So one binary search and a walk over what each text in turn begins with find them all.

use std::cmp::Ordering;

use super::gate::GateId;

/// From which side texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Texts with which values begin.
    Start,
    /// Texts with which values end.
    End,
}

/// Finds texts at one side of values.
#[derive(Debug)]
pub(super) struct Affixes {
    side: Side,
    /// In the order of their bytes as read from that side.
    texts: Vec<Affix>,
}

#[derive(Debug)]
struct Affix {
    /// As read from the side.
    text: Box<[u8]>,
    gate: GateId,
    /// The longest other text that this one begins with.
    shorter: Option<u32>,
}

impl Affixes {
    /// Makes texts ready, each of which comes once.
    pub(super) fn new(side: Side, texts: &[(&str, GateId)]) -> Self {
        let read = |text: &str| -> Box<[u8]> {
            match side {
                Side::Start => text.bytes().collect(),
                Side::End => text.bytes().rev().collect(),
            }
        };
        let mut affixes: Vec<Affix> =
            texts.iter().map(|(text, gate)| Affix { text: read(text), gate: *gate, shorter: None }).collect();
        affixes.sort_by(|a, b| a.text.cmp(&b.text));
        // Those that the text before begins with, from the shortest to itself.
        let mut open: Vec<u32> = Vec::new();
        for number in 0..affixes.len() {
            let Some((before, [own, ..])) = affixes.split_at_mut_checked(number) else { break };
            let begins = |shorter: &u32| {
                before.get(*shorter as usize).is_some_and(|shorter| own.text.starts_with(&shorter.text))
            };
            while open.last().is_some_and(|last| !begins(last)) {
                open.pop();
            }
            own.shorter = open.last().copied();
            open.extend(u32::try_from(number));
        }
        Self { side, texts: affixes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Calls `open` with the gate of each text with which the value begins, or ends.
    pub(super) fn find(&self, value: &[u8], open: &mut dyn FnMut(GateId)) {
        match self.side {
            Side::Start => self.find_read(|| value.iter().copied(), open),
            Side::End => self.find_read(|| value.iter().rev().copied(), open),
        }
    }

    fn find_read<I: Iterator<Item = u8>>(&self, value: impl Fn() -> I, open: &mut dyn FnMut(GateId)) {
        let n_not_behind =
            self.texts.partition_point(|affix| affix.text.iter().copied().cmp(value()) != Ordering::Greater);
        let Some(last) = n_not_behind.checked_sub(1).and_then(|last| self.texts.get(last)) else { return };
        let n_shared = last.text.iter().copied().zip(value()).take_while(|(own, other)| own == other).count();
        let mut next = Some(last);
        while let Some(affix) = next {
            if affix.text.len() <= n_shared {
                open(affix.gate);
            }
            next = affix.shorter.and_then(|shorter| self.texts.get(shorter as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(side: Side, texts: &[&str], value: &str) -> Vec<u32> {
        let numbered: Vec<(&str, GateId)> = texts.iter().copied().zip((0..).map(GateId)).collect();
        let mut found = Vec::new();
        Affixes::new(side, &numbered).find(value.as_bytes(), &mut |gate| found.push(gate.0));
        found.sort_unstable();
        found
    }

    #[test]
    fn finds_every_text_at_a_side() {
        let texts = [r"\cmd.exe", ".exe", "e", r"c:\", "c", "z"];
        assert_eq!(found(Side::End, &texts, r"c:\windows\cmd.exe"), [0, 1, 2]);
        assert_eq!(found(Side::Start, &texts, r"c:\windows\cmd.exe"), [3, 4]);
        assert_eq!(found(Side::End, &texts, ""), [0; 0]);
        assert_eq!(found(Side::End, &[], "e"), [0; 0]);
    }

    proptest! {
        #[test]
        fn agrees_with_starts_and_ends(
            texts in proptest::collection::btree_set("[ab]{1,6}", 0..30),
            value in "[ab]{0,8}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let of = |holds: &dyn Fn(&str) -> bool| -> Vec<u32> {
                (0..).zip(&texts).filter(|(_, text)| holds(text)).map(|(i, _)| i).collect()
            };
            prop_assert_eq!(found(Side::Start, &texts, &value), of(&|text| value.starts_with(text)));
            prop_assert_eq!(found(Side::End, &texts, &value), of(&|text| value.ends_with(text)));
        }
    }
}
