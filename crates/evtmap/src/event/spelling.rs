//! How values and names are written: blanks, braces, case.

/// How many characters a GUID has without braces.
const GUID_LENGTH: usize = 36;

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
pub(super) fn may_be_equal(own: &str, name: &str) -> bool {
    let may_be = |own: Option<&u8>, other: Option<&u8>| match (own, other) {
        (Some(own), Some(other)) => own.eq_ignore_ascii_case(other) || *own == b' ',
        _ => true,
    };
    let (own, name) = (own.as_bytes(), name.as_bytes());
    may_be(own.first(), name.first()) && may_be(own.last(), name.last())
}

/// Whether an event's own field name is `name` but for ASCII case and for its spaces.
pub(super) fn loosely_equal(own: &str, name: &str) -> bool {
    if own.len() <= name.len() || memchr::memchr(b' ', own.as_bytes()).is_none() {
        return own.eq_ignore_ascii_case(name);
    }
    let fold = |byte: u8| byte.to_ascii_lowercase();
    own.bytes().filter(|byte| *byte != b' ').map(fold).eq(name.bytes().map(fold))
}
