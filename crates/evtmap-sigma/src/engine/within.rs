//! Texts that stand anywhere in a value, thousands of them looked for in one pass.
//!
//! Of each text some **grams** are kept: four bytes in a row, four times, each a place further, the ones that are
//! rarest among all texts. Wherever the text stands, one of them begins at every fourth place, so that only these are
//! looked at: a bit says whether any text has the gram there, which is seldom true, and only then are the texts that
//! have it compared where they would stand. Other than with an automaton, the work for a place is a multiplication and
//! a look at a bit in a table of some ten kilobytes, however many texts there are, and the tables are made in a
//! millisecond.
//!
//! Texts of fewer than seven bytes have shorter grams, and more places are looked at for them. Where they are few and
//! the value is long, each of them is sought by itself.

use memchr::memmem::Finder;

use super::gate::GateId;

/// How many bits the tables have for each gram, at the least: one gram in so many is compared in vain.
const BITS_A_GRAM: usize = 32;
/// What a gram is multiplied by; the golden ratio's bits, so that what is near comes far apart.
const FACTOR: u32 = 0x9e37_79b1;
/// Fewer bits would be no smaller in the cache.
const MIN_BITS: u32 = 10;
/// How many places are looked at together: nearly always there is nothing at any of them.
const N_TOGETHER: usize = 4;
/// From how many bytes on a value is long.
const N_BYTES_LONG: usize = 128;

/// Finds texts within values.
#[derive(Debug, Default)]
pub(super) struct Within {
    long: Grams<4, 4>,
    middle: Sought<3, 2>,
    short: Sought<2, 1>,
}

impl Within {
    /// Makes texts ready; none is empty.
    pub(super) fn new(texts: &[(&str, GateId)]) -> Self {
        let frequency = frequency(texts);
        let (long, others): (Vec<_>, Vec<_>) = texts.iter().copied().partition(|(text, _)| text.len() >= 7);
        let (middle, short): (Vec<_>, Vec<_>) = others.into_iter().partition(|(text, _)| text.len() >= 4);
        Self {
            long: Grams::new(&long, &frequency),
            middle: Sought::new(&middle, &frequency),
            short: Sought::new(&short, &frequency),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.long.texts.is_empty() && self.middle.grams.texts.is_empty() && self.short.grams.texts.is_empty()
    }

    /// Calls `open` with the gate of each text that is in the value, at least once.
    pub(super) fn find(&self, value: &[u8], open: &mut dyn FnMut(GateId)) {
        self.long.find(value, open);
        self.middle.find(value, open);
        self.short.find(value, open);
    }
}

/// Texts that are looked for by their grams, or each by itself.
#[derive(Debug, Default)]
struct Sought<const N: usize, const STRIDE: usize> {
    grams: Grams<N, STRIDE>,
    /// Those of the texts, if they are few; else none.
    finders: Vec<Finder<'static>>,
}

impl<const N: usize, const STRIDE: usize> Sought<N, STRIDE> {
    /// So many texts are few: to seek one takes a fortieth of what it takes to look at every place.
    const N_FEW: usize = 24 / STRIDE;

    fn new(texts: &[(&str, GateId)], frequency: &[u32; 256]) -> Self {
        let few = if texts.len() <= Self::N_FEW { texts } else { &[] };
        let finders = few.iter().map(|(text, _)| Finder::new(text).into_owned()).collect();
        Self { grams: Grams::new(texts, frequency), finders }
    }

    fn find(&self, value: &[u8], open: &mut dyn FnMut(GateId)) {
        if self.finders.is_empty() || value.len() < N_BYTES_LONG {
            return self.grams.find(value, open);
        }
        for (finder, (_, gate)) in self.finders.iter().zip(&self.grams.texts) {
            if finder.find(value).is_some() {
                open(*gate);
            }
        }
    }
}

/// Texts by grams of each, of which one begins at a place that is a multiple of the stride, wherever the text stands.
#[derive(Debug, Default)]
struct Grams<const N: usize, const STRIDE: usize> {
    texts: Vec<(Box<[u8]>, GateId)>,
    /// A bit for each hash of a gram: whether any text has such a one.
    bits: Vec<u64>,
    /// For each hash, coarser, where its grams begin among `grams`; one more marks the end.
    starts: Vec<u32>,
    grams: Vec<Gram<N>>,
}

/// A gram, and in which text it stands and where.
#[derive(Clone, Copy, Debug)]
struct Gram<const N: usize> {
    bytes: [u8; N],
    text: u32,
    at: u32,
}

impl<const N: usize, const STRIDE: usize> Grams<N, STRIDE> {
    fn new(texts: &[(&str, GateId)], frequency: &[u32; 256]) -> Self {
        if texts.is_empty() {
            return Self::default();
        }
        let mut grams: Vec<Gram<N>> = Vec::with_capacity(texts.len() * STRIDE);
        for (number, (text, _)) in (0..).zip(texts) {
            let gram = |at, bytes| Gram { bytes, text: number, at };
            match text.as_bytes() {
                // One byte is in a gram with any other behind it.
                [only] => grams.extend((0..=u8::MAX).map(|next| gram(0, padded(&[*only, next])))),
                text => grams.extend(rarest::<N, STRIDE>(text, frequency).map(|(at, bytes)| gram(at, bytes))),
            }
        }
        let n_bits = (grams.len() * BITS_A_GRAM).next_power_of_two().max(1 << MIN_BITS);
        let mut made = Self {
            texts: texts.iter().map(|(text, gate)| (text.as_bytes().into(), *gate)).collect(),
            bits: vec![0; n_bits / 64],
            starts: vec![0; n_bits / BITS_A_GRAM + 1],
            grams: Vec::new(),
        };
        for gram in &grams {
            let hash = made.hash(gram.bytes);
            if let Some(bits) = made.bits.get_mut(hash / 64) {
                *bits |= 1 << (hash % 64);
            }
            if let Some(n) = made.starts.get_mut(hash / BITS_A_GRAM + 1) {
                *n += 1;
            }
        }
        let mut sum = 0;
        for start in &mut made.starts {
            sum += *start;
            *start = sum;
        }
        made.grams = in_buckets(&grams, &made.starts, |gram| made.hash(gram.bytes) / BITS_A_GRAM);
        made
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
        // Kept out of the loop, where they would be asked for at each place.
        let (bits, shift) = (self.bits.as_slice(), self.shift());
        let is_any = |number: u32| {
            let hash = number.wrapping_mul(FACTOR) >> shift;
            bits.get((hash >> 6) as usize).is_some_and(|bits| bits >> (hash & 63) & 1 != 0)
        };
        let mut at = 0;
        while let Some(block) = value.get(at..at + (N_TOGETHER - 1) * STRIDE + 4) {
            let mut any = 0_u32;
            for place in 0..N_TOGETHER {
                let gram = block.get(place * STRIDE..).and_then(|rest| rest.first_chunk::<4>());
                let gram = gram.map_or(0, |gram| u32::from_le_bytes(*gram) & mask::<N>());
                any |= u32::from(is_any(gram)) << place;
            }
            while any != 0 {
                self.compare(value, at + any.trailing_zeros() as usize * STRIDE, open);
                any &= any - 1;
            }
            at += N_TOGETHER * STRIDE;
        }
        while at < value.len() {
            self.compare(value, at, open);
            at += STRIDE;
        }
    }

    /// Compares the texts that have the gram at a place with what stands around it. The last byte is looked at as if
    /// a zero stood behind it, for texts of one byte.
    #[inline(never)]
    fn compare(&self, value: &[u8], at: usize, open: &mut dyn FnMut(GateId)) {
        let rest = value.get(at..).unwrap_or_default();
        let gram = match (rest.first_chunk::<N>(), N) {
            (Some(gram), _) => *gram,
            (None, 2) => padded(rest),
            (None, _) => return,
        };
        let hash = self.hash(gram);
        if self.bits.get(hash / 64).is_none_or(|bits| bits >> (hash % 64) & 1 == 0) {
            return;
        }
        let bucket = hash / BITS_A_GRAM;
        let place = |bucket: usize| self.starts.get(bucket).map_or(0, |start| *start as usize);
        for Gram { bytes, text, at: before } in
            self.grams.get(place(bucket)..place(bucket + 1)).unwrap_or_default()
        {
            if *bytes == gram
                && let Some((text, gate)) = self.texts.get(*text as usize)
                && let Some(rest) = at.checked_sub(*before as usize).and_then(|start| value.get(start..))
                && rest.starts_with(text)
            {
                open(*gate);
            }
        }
    }
}

/// Items in the order of their buckets, of which each begins where `starts` says.
fn in_buckets<T: Copy>(items: &[T], starts: &[u32], bucket: impl Fn(&T) -> usize) -> Vec<T> {
    let mut sorted = items.to_vec();
    let mut next = starts.to_vec();
    for item in items {
        if let Some(next) = next.get_mut(bucket(item)) {
            if let Some(place) = sorted.get_mut(*next as usize) {
                *place = *item;
            }
            *next += 1;
        }
    }
    sorted
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

/// The grams of a text, as many as the stride and each a place further, whose bytes are rarest together, and where they
/// stand.
fn rarest<const N: usize, const STRIDE: usize>(
    text: &[u8],
    frequency: &[u32; 256],
) -> impl Iterator<Item = (u32, [u8; N])> {
    let how_often = |byte: &u8| frequency.get(usize::from(*byte)).copied().unwrap_or(0);
    let n_bytes = N + STRIDE - 1;
    // How often the bytes of a window are together is what those of the one before are, but for the first and the last.
    let mut sum: u32 = text.iter().take(n_bytes - 1).map(how_often).sum();
    let windows = text.windows(n_bytes).enumerate().map(|(start, window)| {
        let own = sum + window.last().map_or(0, how_often);
        sum = own - window.first().map_or(0, how_often);
        (own, start, window)
    });
    let rarest = windows.min_by_key(|(how_often, ..)| *how_often);
    rarest.into_iter().flat_map(|(_, start, window)| {
        (start..)
            .zip(window.windows(N))
            .filter_map(|(at, gram)| Some((u32::try_from(at).ok()?, gram.try_into().ok()?)))
    })
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
            texts in proptest::collection::vec("[a-cä]{1,7}|[a-cä]{6,12}", 0..40),
            value in "[a-dä]{0,40}|[a-dä]{100,200}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let expected: Vec<u32> =
                (0..).zip(&texts).filter(|(_, text)| value.contains(**text)).map(|(i, _)| i).collect();
            prop_assert_eq!(found(&texts, &value), expected);
        }
    }
}
