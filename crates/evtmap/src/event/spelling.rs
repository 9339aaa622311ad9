//! How values and names are written: blanks, braces, case.

/// How many characters a GUID has without braces.
pub(super) const GUID_LENGTH: usize = 36;

/// A text without blanks around it: `str::trim`, quick where they are ASCII.
#[inline]
pub(crate) fn trimmed(text: &str) -> &str {
    let text = text.trim_ascii();
    match text.as_bytes() {
        [] => text,
        [first, ..]
            if first.is_ascii_graphic() && text.as_bytes().last().is_some_and(u8::is_ascii_graphic) =>
        {
            text
        }
        _ => text.trim(),
    }
}

/// Whether a text is a GUID in capitals without braces.
pub(super) fn is_bare_guid(text: &str) -> bool {
    let is_fit = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'A'..=b'F'),
    };
    text.len() == GUID_LENGTH && text.bytes().enumerate().all(is_fit)
}

/// Whether two names may be equal but for ASCII case and for spaces in the first of them: most others begin or end
/// with another letter.
#[inline]
pub(super) fn may_be_equal(own: &[u8], name: &[u8]) -> bool {
    let may_be = |own: u8, other: u8| own.eq_ignore_ascii_case(&other) || own == b' ';
    match (own, name) {
        ([own, .., own_last], [first, .., last]) => may_be(*own, *first) && may_be(*own_last, *last),
        _ => true,
    }
}

/// Whether an event's own field name is `name` but for ASCII case and for its spaces.
pub(super) fn loosely_equal(own: &[u8], name: &[u8]) -> bool {
    if own.len() <= name.len() || memchr::memchr(b' ', own).is_none() {
        return own.eq_ignore_ascii_case(name);
    }
    let bare = own.iter().filter(|byte| **byte != b' ');
    bare.map(u8::to_ascii_lowercase).eq(name.iter().map(u8::to_ascii_lowercase))
}
