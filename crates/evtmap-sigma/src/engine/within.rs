//! Texts that stand anywhere in a value, thousands of them looked for in one pass.
//!
//! Of each text one **gram** is kept: four bytes in a row, the ones that are rarest among all texts. A value
//! is slid over gram by gram; a bit says whether any text has this one, which is seldom true, and only then
//! are the texts that have it compared where they would stand. Texts of fewer than four bytes go by grams of
//! two. Other than with an automaton, the work for a byte is a multiplication and a look at a bit in a table
//! of some ten kilobytes, however many texts there are, and the tables are made in a millisecond.

use super::gate::GateId;

/// How many bits the tables have for each gram, at the least: one gram in so many is compared in vain.
const BITS_A_GRAM: usize = 32;
/// What a gram is multiplied by; the golden ratio's bits, so that what is near comes far apart.
const FACTOR: u32 = 0x9e37_79b1;
/// Fewer bits would be no smaller in the cache.
const MIN_BITS: u32 = 10;

/// Finds texts within values.
#[derive(Debug, Default)]
pub(super) struct Within {
    long: Grams<4>,
    short: Grams<2>,
}

impl Within {
    /// Makes texts ready; none is empty.
    pub(super) fn new(texts: &[(&str, GateId)]) -> Self {
        let frequency = frequency(texts);
        let (long, short): (Vec<_>, Vec<_>) = texts.iter().copied().partition(|(text, _)| text.len() >= 4);
        Self { long: Grams::new(&long, &frequency), short: Grams::new(&short, &frequency) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.long.texts.is_empty() && self.short.texts.is_empty()
    }

    /// Calls `open` with the gate of each text that is in the value, once for each place where it stands.
    pub(super) fn find(&self, value: &[u8], open: &mut dyn FnMut(GateId)) {
        self.long.find(value, open);
        if !self.short.texts.is_empty() {
            self.short.find(value, open);
            self.short.find_last(value, open);
        }
    }
}

/// Texts by a gram of each.
#[derive(Debug, Default)]
struct Grams<const N: usize> {
    /// A bit for each hash of a gram: whether any text has such a one.
    bits: Vec<u64>,
    /// For each hash, coarser, where its texts begin among `texts`; one more marks the end.
    starts: Vec<u32>,
    texts: Vec<GramText<N>>,
}

/// A text and where its gram stands in it.
#[derive(Debug)]
struct GramText<const N: usize> {
    gram: [u8; N],
    at: usize,
    text: Box<[u8]>,
    gate: GateId,
}

impl<const N: usize> Grams<N> {
    fn new(texts: &[(&str, GateId)], frequency: &[u32; 256]) -> Self {
        if texts.is_empty() {
            return Self::default();
        }
        let mut with_grams: Vec<GramText<N>> = Vec::new();
        for (text, gate) in texts {
            let text = text.as_bytes();
            let grams: Vec<(usize, [u8; N])> = match text {
                // One byte is in a gram with any other behind it.
                [only] => (0..=u8::MAX).map(|next| (0, padded(&[*only, next]))).collect(),
                _ => rarest(text, frequency).into_iter().collect(),
            };
            let with_gram = |(at, gram)| GramText { gram, at, text: text.into(), gate: *gate };
            with_grams.extend(grams.into_iter().map(with_gram));
        }
        let n_bits = (with_grams.len() * BITS_A_GRAM).next_power_of_two().max(1 << MIN_BITS);
        let mut grams =
            Self { bits: vec![0; n_bits / 64], starts: vec![0; n_bits / BITS_A_GRAM + 1], texts: Vec::new() };
        for text in &with_grams {
            let hash = grams.hash(text.gram);
            if let Some(bits) = grams.bits.get_mut(hash / 64) {
                *bits |= 1 << (hash % 64);
            }
        }
        with_grams.sort_by_key(|text| grams.hash(text.gram) / BITS_A_GRAM);
        for text in &with_grams {
            let bucket = grams.hash(text.gram) / BITS_A_GRAM;
            if let Some(n) = grams.starts.get_mut(bucket + 1) {
                *n += 1;
            }
        }
        let mut sum = 0;
        for start in &mut grams.starts {
            sum += *start;
            *start = sum;
        }
        grams.texts = with_grams;
        grams
    }

    /// The upper bits of a product are a good hash, as many as there are bits in the table.
    fn hash(&self, gram: [u8; N]) -> usize {
        (number(gram).wrapping_mul(FACTOR) >> self.shift()) as usize
    }

    fn shift(&self) -> u32 {
        32 - (self.bits.len() * 64).trailing_zeros()
    }

    fn find(&self, value: &[u8], open: &mut dyn FnMut(GateId)) {
        if self.texts.is_empty() {
            return;
        }
        // Kept out of the loop, where they would be asked for at each byte.
        let (bits, shift) = (self.bits.as_slice(), self.shift());
        let is_any = |number: u32| {
            let hash = number.wrapping_mul(FACTOR) >> shift;
            bits.get((hash >> 6) as usize).is_some_and(|bits| bits >> (hash & 63) & 1 != 0)
        };
        // Four places at a time: nearly always there is nothing at any of them.
        let mut at = 0;
        while let Some(block) = value.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let block = u64::from_le_bytes(*block);
            #[expect(clippy::cast_possible_truncation, reason = "the gram is what is left")]
            let any_at = |place: u32| u32::from(is_any((block >> (place * 8)) as u32 & mask::<N>())) << place;
            let mut any = any_at(0) | any_at(1) | any_at(2) | any_at(3);
            while any != 0 {
                self.compare(value, at + any.trailing_zeros() as usize, open);
                any &= any - 1;
            }
            at += 4;
        }
        for at in at..value.len() {
            self.compare(value, at, open);
        }
    }

    /// Looks at the last byte as if a zero stood behind it, for texts of one byte.
    fn find_last(&self, value: &[u8], open: &mut dyn FnMut(GateId)) {
        if let Some(last) = value.len().checked_sub(1) {
            self.compare_gram(value, last, padded(value.get(last..).unwrap_or_default()), open);
        }
    }

    /// Compares the texts that have the gram at a place with what stands around it.
    #[inline(never)]
    fn compare(&self, value: &[u8], at: usize, open: &mut dyn FnMut(GateId)) {
        if let Some(gram) = value.get(at..).and_then(|rest| rest.first_chunk::<N>()) {
            self.compare_gram(value, at, *gram, open);
        }
    }

    fn compare_gram(&self, value: &[u8], at: usize, gram: [u8; N], open: &mut dyn FnMut(GateId)) {
        let hash = self.hash(gram);
        if self.bits.get(hash / 64).is_none_or(|bits| bits >> (hash % 64) & 1 == 0) {
            return;
        }
        let bucket = hash / BITS_A_GRAM;
        let place = |bucket: usize| self.starts.get(bucket).map_or(0, |start| *start as usize);
        for text in self.texts.get(place(bucket)..place(bucket + 1)).unwrap_or_default() {
            if text.gram == gram
                && let Some(rest) = at.checked_sub(text.at).and_then(|start| value.get(start..))
                && rest.starts_with(&text.text)
            {
                open(text.gate);
            }
        }
    }
}

/// How often each byte is in texts: the logarithm in sixteenths, so that a sum says how often bytes come
/// together.
fn frequency(texts: &[(&str, GateId)]) -> [u32; 256] {
    let mut frequency = [0_u32; 256];
    for byte in texts.iter().flat_map(|(text, _)| text.bytes()) {
        if let Some(n) = frequency.get_mut(usize::from(byte)) {
            *n += 1;
        }
    }
    // Between powers of two the logarithm is nearly a straight line.
    frequency.map(|n| match n.checked_ilog2() {
        None => 0,
        Some(log) => (log << 4) + (((n - (1 << log)) << 4) >> log) + 1,
    })
}

/// The gram of a text whose bytes are rarest together, and where it stands.
fn rarest<const N: usize>(text: &[u8], frequency: &[u32; 256]) -> Option<(usize, [u8; N])> {
    let how_often =
        |gram: &[u8; N]| -> u32 { gram.iter().filter_map(|byte| frequency.get(usize::from(*byte))).sum() };
    let grams = text.windows(N).enumerate();
    let grams = grams.filter_map(|(at, window)| Some((at, <[u8; N]>::try_from(window).ok()?)));
    grams.min_by_key(|(_, gram)| how_often(gram))
}

/// The first bytes of a text, zeros behind it.
fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut gram = [0; N];
    gram.iter_mut().zip(text).for_each(|(own, byte)| *own = *byte);
    gram
}

/// The bits of a number that a gram is.
fn mask<const N: usize>() -> u32 {
    number([u8::MAX; N])
}

fn number<const N: usize>(gram: [u8; N]) -> u32 {
    u32::from_le_bytes(padded(&gram))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(texts: &[&str], value: &str) -> Vec<u32> {
        let numbered: Vec<(&str, GateId)> = texts.iter().copied().zip((0..).map(GateId)).collect();
        let mut found = Vec::new();
        Within::new(&numbered).find(value.as_bytes(), &mut |gate| found.push(gate.0));
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn finds_texts_wherever_they_stand() {
        let texts = ["a", " /", "abc", "whoami", "who", "mi", "ärger", "zz"];
        assert_eq!(found(&texts, "whoami"), [0, 3, 4, 5]);
        assert_eq!(found(&texts, "a"), [0]);
        assert_eq!(found(&texts, "xa"), [0]);
        assert_eq!(found(&texts, "ärgerz"), [6]);
        assert_eq!(found(&texts, "abcabc /zz"), [0, 1, 2, 7]);
        assert_eq!(found(&texts, ""), [0; 0]);
        assert_eq!(found(&[], "whoami"), [0; 0]);
    }

    proptest! {
        #[test]
        fn agrees_with_contains(
            texts in proptest::collection::vec("[a-cä]{1,7}", 0..40),
            value in "[a-dä]{0,40}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let expected: Vec<u32> =
                (0..).zip(&texts).filter(|(_, text)| value.contains(**text)).map(|(i, _)| i).collect();
            prop_assert_eq!(found(&texts, &value), expected);
        }
    }
}
