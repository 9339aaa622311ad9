//! Text as JSON. It is what alerts consist of, so that it is looked at many bytes at a time.

use crate::sixteen;

/// Appends a text as JSON: the same bytes as serde_json writes.
///
/// ```text
/// C:\a.exe  →  "C:\\a.exe"
/// ```
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    // In texts that have what does not stand for itself it is about one in eight.
    out.reserve(text.len() + text.len() / 8 + sixteen::N_BYTES);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((bytes, behind)) = rest.split_first_chunk() {
        let n_plain = sixteen::n_before_escaped(*bytes);
        let n_before = out.len();
        // Sixteen bytes are appended at once, and those cut off again that are not wanted: that takes less time
        // than to append as many as there are.
        out.extend_from_slice(bytes);
        rest = if n_plain == sixteen::N_BYTES {
            behind
        } else {
            out.truncate(n_before + n_plain);
            push_escapes(out, rest.get(n_plain..).unwrap_or_default())
        };
    }
    while !rest.is_empty() {
        let n_plain = rest.iter().take_while(|byte| escape(**byte).is_none()).count();
        let (plain, behind) = rest.split_at_checked(n_plain).unwrap_or_default();
        out.extend_from_slice(plain);
        rest = push_escapes(out, behind);
    }
    out.push(b'"');
}

/// Appends the bytes at the beginning of a text that do not stand for themselves, and gives what comes behind them.
#[inline]
fn push_escapes<'t>(out: &mut Vec<u8>, mut text: &'t [u8]) -> &'t [u8] {
    while let Some((byte, behind)) = text.split_first()
        && let Some(letter) = escape(*byte)
    {
        push_escaped(out, *byte, letter);
        text = behind;
    }
    text
}

/// Appends a text as JSON, or null where there is none.
pub(crate) fn push_text_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

#[inline]
fn push_escaped(out: &mut Vec<u8>, byte: u8, letter: u8) {
    if letter != b'u' {
        return out.extend_from_slice(&[b'\\', letter]);
    }
    let digit = |number: u8| if number < 10 { b'0' + number } else { b'a' + number - 10 };
    out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
}

/// What stands behind the backslash for a byte that does not stand for itself: `u` where its number does.
#[inline]
fn escape(byte: u8) -> Option<u8> {
    ESCAPES.get(usize::from(byte)).copied().filter(|letter| *letter != 0)
}

/// The same for each byte; zero for those that stand for themselves.
#[expect(clippy::indexing_slicing, reason = "a byte is always below 256, and the compiler works this out")]
static ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x0c] = b'f';
    escapes[b'\n' as usize] = b'n';
    escapes[b'\r' as usize] = b'r';
    escapes[b'\t' as usize] = b't';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str) {
        let mut out = Vec::new();
        push_text(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(text).unwrap());
    }

    /// Every character that may be special, at every place of a word and behind it, among others that are near.
    #[test]
    fn the_same_as_serde_json_writes() {
        for special in (0u8..=0x80).map(char::from).chain("\u{a2}\u{dc}ü€\u{2028}\u{10ffff}".chars()) {
            for n_before in (0..17).chain(30..35) {
                for n_behind in [0, 1, 7, 8, 33] {
                    let text = format!("{}{special}{}", "!".repeat(n_before), "]".repeat(n_behind));
                    check(&text);
                    check(&format!("{text}{special}"));
                }
            }
        }
    }

    #[test]
    fn texts_of_events() {
        for text in
            ["", r"C:\Windows\System32\cmd.exe", "An account\r\n\tlogged on.", r#""C:\a b.exe" /c "x""#]
        {
            check(text);
        }
    }
}
