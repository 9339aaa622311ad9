//! Text as JSON. It is what alerts consist of, so that it is looked at eight bytes at a time.

/// Bytes of one value in each byte of a word.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Appends a text as JSON: the same bytes as serde_json writes.
///
/// ```text
/// C:\a.exe  →  "C:\\a.exe"
/// ```
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((plain, byte, behind)) = split_at_special(rest) {
        out.extend_from_slice(plain);
        push_escaped(out, byte);
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a text as JSON, or null where there is none.
pub(crate) fn push_text_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// What comes before the first byte that does not stand for itself, that byte, and what comes behind it.
fn split_at_special(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (plain, rest) = bytes.split_at_checked(first_special(bytes)?)?;
    let (byte, behind) = rest.split_first()?;
    Some((plain, *byte, behind))
}

/// Where the first byte is that does not stand for itself: a quotation mark, a backslash, a control character.
fn first_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = special_in(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    place.map(|place| words.len() * 8 + place)
}

/// The high bit of each byte of a word that does not stand for itself. Above the first there may be others.
fn special_in(word: u64) -> u64 {
    let below = |word: u64, bound: u8| word.wrapping_sub(each(bound)) & !word;
    let is = |byte: u8| below(word ^ each(byte), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & each(0x80)
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        b'"' | b'\\' => byte,
        _ => {
            let digit = |number: u8| if number < 10 { b'0' + number } else { b'a' + number - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

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
            for n_before in 0..17 {
                for n_behind in [0, 1, 7, 8] {
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
