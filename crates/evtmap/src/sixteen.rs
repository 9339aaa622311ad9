//! Sixteen bytes at a time: how many come before the first of a kind.
//!
//! Texts of logs go through JSON twice, in and out. What they are full of there are short runs of plain characters
//! between line ends, tabs and backslashes, and to find the ends of such runs is most of the work.

/// How many bytes are looked at together.
pub(crate) const N_BYTES: usize = 16;

/// How many come before the first backslash; all where there is none.
#[inline]
pub(crate) fn n_before_backslash(bytes: [u8; N_BYTES]) -> usize {
    n_before(bytes, |word| below(word ^ each(b'\\'), 1))
}

/// How many come before the first quotation mark or backslash; all where there is neither.
#[inline]
pub(crate) fn n_before_quote_or_backslash(bytes: [u8; N_BYTES]) -> usize {
    n_before(bytes, |word| below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1))
}

/// How many come before the first that does not stand for itself in a string of JSON: a quotation mark, a backslash,
/// a control character.
#[inline]
pub(crate) fn n_before_escaped(bytes: [u8; N_BYTES]) -> usize {
    n_before(bytes, |word| below(word, 0x20) | below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1))
}

/// The first bytes of a text, and how many there are: where it has fewer than sixteen, the others are `fill`.
#[inline]
pub(crate) fn first(text: &[u8], fill: u8) -> ([u8; N_BYTES], usize) {
    match text.first_chunk() {
        Some(bytes) => (*bytes, N_BYTES),
        None => {
            let mut bytes = [fill; N_BYTES];
            if let Some(own) = bytes.get_mut(..text.len()) {
                own.copy_from_slice(text);
            }
            (bytes, text.len())
        }
    }
}

/// How many bytes come before the first whose high bit `find` sets in its word.
#[inline]
fn n_before(bytes: [u8; N_BYTES], find: impl Fn(u64) -> u64) -> usize {
    let mut n_before = 0;
    for word in bytes.as_chunks::<8>().0 {
        let found = find(u64::from_le_bytes(*word)) & each(0x80);
        n_before += found.trailing_zeros() as usize / 8;
        if found != 0 {
            break;
        }
    }
    n_before
}

/// Bytes of one value in each byte of a word.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// A word in which the high bit is set of each byte that is below a bound, which is at most 0x80. Above the first such
/// byte it may be set of others too, and other bits are set anywhere.
#[inline]
fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(each(bound)) & !word
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place, among others that are near it.
    #[test]
    fn the_first_of_a_kind() {
        for byte in 0..=u8::MAX {
            for place in 0..N_BYTES {
                for other in [byte.wrapping_add(1), byte.wrapping_sub(1), b'!', 0xff, b'\\'] {
                    let mut bytes = [other; N_BYTES];
                    bytes[place] = byte;
                    let expected =
                        |is_it: fn(u8) -> bool| bytes.iter().position(|byte| is_it(*byte)).unwrap_or(N_BYTES);
                    assert_eq!(n_before_backslash(bytes), expected(|byte| byte == b'\\'), "{bytes:?}");
                    let is_either = |byte: u8| byte == b'"' || byte == b'\\';
                    assert_eq!(n_before_quote_or_backslash(bytes), expected(is_either), "{bytes:?}");
                    let is_escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(n_before_escaped(bytes), expected(is_escaped), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_short_is_filled() {
        assert_eq!(first(b"ab", b'-'), (*b"ab--------------", 2));
        assert_eq!(first(b"abcdefghijklmnopq", b'-'), (*b"abcdefghijklmnop", 16));
    }
}
