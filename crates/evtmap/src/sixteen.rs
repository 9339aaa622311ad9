//! Sixteen bytes at a time: how many come before the first of a kind, and where those of a kind are.
//!
//! Texts of logs go through JSON twice, in and out. What they are full of there are short runs of plain characters
//! between line ends, tabs and backslashes, and to find the ends of such runs is most of the work. Tables are full of
//! quotes in the same way.

use wide::u8x16;

/// How many bytes are looked at together.
pub(crate) const N_BYTES: usize = 16;

/// How many come before the first backslash; all where there is none.
#[inline]
pub(crate) fn n_before_backslash(bytes: [u8; N_BYTES]) -> usize {
    n_before(u8x16::new(bytes).simd_eq(u8x16::splat(b'\\')))
}

/// How many come before the first quotation mark or backslash; all where there is neither.
#[inline]
pub(crate) fn n_before_quote_or_backslash(bytes: [u8; N_BYTES]) -> usize {
    n_before(are_quotes_or_backslashes(u8x16::new(bytes)))
}

/// How many come before the first that does not stand for itself in a string of JSON: a quotation mark, a backslash,
/// a control character.
#[inline]
pub(crate) fn n_before_escaped(bytes: [u8; N_BYTES]) -> usize {
    let bytes = u8x16::new(bytes);
    n_before(bytes.simd_lt(u8x16::splat(0x20)) | are_quotes_or_backslashes(bytes))
}

#[inline]
fn are_quotes_or_backslashes(bytes: u8x16) -> u8x16 {
    bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'))
}

/// Where a byte is among sixty-four: a bit for each place, the lowest for the first.
#[inline]
pub(crate) fn places_of(byte: u8, bytes: &[u8; 64]) -> u64 {
    let (blocks, _) = bytes.as_chunks();
    let places =
        |block: &[u8; N_BYTES]| u64::from(u8x16::new(*block).simd_eq(u8x16::splat(byte)).to_bitmask());
    blocks.iter().rev().fold(0, |found, block| found << N_BYTES | places(block))
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

/// How many bytes come before the first whose bits `found` has set.
#[inline]
fn n_before(found: u8x16) -> usize {
    (found.to_bitmask() | 1 << N_BYTES).trailing_zeros() as usize
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
    fn places_of_a_byte() {
        let mut bytes = [b'a'; 64];
        for place in [0, 1, 15, 16, 40, 63] {
            bytes[place] = b'"';
        }
        let expected = 1 | 1 << 1 | 1 << 15 | 1 << 16 | 1 << 40 | 1 << 63;
        assert_eq!((places_of(b'"', &bytes), places_of(b'b', &bytes)), (expected, 0));
    }

    #[test]
    fn what_is_short_is_filled() {
        assert_eq!(first(b"ab", b'-'), (*b"ab--------------", 2));
        assert_eq!(first(b"abcdefghijklmnopq", b'-'), (*b"abcdefghijklmnop", 16));
    }
}
