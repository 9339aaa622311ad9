//! What stands for itself in a string, and what a backslash says.

use crate::sixteen;

/// How much of a text is put together at a time.
const N_PART_BYTES: usize = 512;

/// Appends the text of a string to `text`. An error is the place of the letter that no escape has, in bytes.
///
/// The strings of logs that have escapes have many: a message has one at the beginning and end of each line, a path
/// before each folder. So sixteen bytes are copied at once, and those from a backslash on written over.
pub(super) fn unescape(raw: &str, text: &mut String) -> Result<(), usize> {
    text.reserve(raw.len());
    let mut parts = Parts { text, part: [0; N_PART_BYTES], n_bytes: 0 };
    let bytes = raw.as_bytes();
    let mut at = 0;
    loop {
        if parts.n_bytes > N_PART_BYTES - sixteen::N_BYTES {
            parts.flush();
        }
        at += match bytes.get(at..).unwrap_or_default() {
            [] => break,
            [b'\\', letter, ..] if simple_escape(*letter) != 0 => {
                parts.push(&[simple_escape(*letter)]);
                2
            }
            [b'\\', ..] => {
                let rest = raw.get(at + 1..).unwrap_or_default();
                let (c, behind) = unescape_unit(rest).ok_or(at + 1)?;
                parts.push(c.encode_utf8(&mut [0; 4]).as_bytes());
                1 + rest.len() - behind.len()
            }
            rest => parts.push_plain(rest),
        };
    }
    parts.flush();
    Ok(())
}

/// A text that grows part by part.
struct Parts<'t> {
    text: &'t mut String,
    part: [u8; N_PART_BYTES],
    n_bytes: usize,
}

impl Parts<'_> {
    /// Appends what comes before the first backslash, or the beginning of it, and gives how much that was.
    #[inline]
    fn push_plain(&mut self, bytes: &[u8]) -> usize {
        let (bytes, n_bytes) = sixteen::first(bytes, 0);
        let n_plain = sixteen::n_before_backslash(bytes).min(n_bytes);
        let room = self.part.get_mut(self.n_bytes..).and_then(<[u8]>::first_chunk_mut);
        if let Some(room) = room {
            *room = bytes;
            self.n_bytes += n_plain;
        }
        n_plain
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.part.get_mut(self.n_bytes..self.n_bytes + bytes.len()) {
            room.copy_from_slice(bytes);
            self.n_bytes += bytes.len();
        }
    }

    /// Appends the part to the text, all but the beginning of a character that is not there as a whole.
    fn flush(&mut self) {
        let part = self.part.get(..self.n_bytes).unwrap_or_default();
        let n_whole = match std::str::from_utf8(part) {
            Ok(text) => {
                self.text.push_str(text);
                self.n_bytes
            }
            Err(error) => {
                let (whole, _) = part.split_at_checked(error.valid_up_to()).unwrap_or_default();
                self.text.push_str(std::str::from_utf8(whole).unwrap_or_default());
                whole.len()
            }
        };
        self.part.copy_within(n_whole..self.n_bytes, 0);
        self.n_bytes -= n_whole;
    }
}

/// The character that a letter stands for behind a backslash; NUL for those that stand for none.
#[inline]
fn simple_escape(letter: u8) -> u8 {
    SIMPLE_ESCAPES.get(usize::from(letter)).copied().unwrap_or_default()
}

#[expect(clippy::indexing_slicing, reason = "a byte is always below 256, and the compiler works this out")]
static SIMPLE_ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes[b'/' as usize] = b'/';
    escapes[b'b' as usize] = 0x08;
    escapes[b'f' as usize] = 0x0c;
    escapes[b'n' as usize] = b'\n';
    escapes[b'r' as usize] = b'\r';
    escapes[b't' as usize] = b'\t';
    escapes
};

/// The character of a `\u` escape or of two, which make up one beyond the first 65,536, and what follows;
/// `text` begins behind the backslash.
fn unescape_unit(text: &str) -> Option<(char, &str)> {
    let (unit, rest) = hex(text.strip_prefix('u')?)?;
    if let Some(c) = char::from_u32(unit) {
        return Some((c, rest));
    }
    let low = rest.strip_prefix("\\u").and_then(hex).filter(|(low, _)| (0xdc00..0xe000).contains(low));
    match low {
        Some((low, rest)) if unit < 0xdc00 => {
            let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, rest)),
    }
}

fn hex(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| Some((u32::from_str_radix(digits, 16).ok()?, rest)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<&str, usize>) {
        let mut text = "x".to_owned();
        let result = unescape(raw, &mut text);
        assert_eq!(result.map(|()| text.strip_prefix('x').unwrap()), expected, "{raw}");
    }

    #[test]
    fn escapes() {
        check("", Ok(""));
        check(r"C:\\Windows\\x.exe", Ok(r"C:\Windows\x.exe"));
        check(r#"a\r\n\t\"b\"\/\b\f"#, Ok("a\r\n\t\"b\"/\u{8}\u{c}"));
        check(r"\u0000\ud83d\ude00\ud83d\u0041", Ok("\0😀\u{fffd}A"));
        check("a\u{1}\n", Ok("a\u{1}\n"));
        check(r"abc\x", Err(4));
        check("abc\\", Err(4));
        check(r"\u00g0", Err(1));
    }

    proptest! {
        /// What serde_json escapes is had back, at every length and with characters of every length.
        #[test]
        fn what_was_escaped(text in r#"([a-c]{0,40}|[\\\r\n\t"\x01]{0,9}|[äß€😀]{0,9}|[ -~]{500,530}){0,9}"#) {
            let json = serde_json::to_string(&text).unwrap();
            let mut found = "x".to_owned();
            let raw = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap();
            unescape(raw, &mut found).unwrap();
            prop_assert_eq!(found, format!("x{text}"));
        }
    }
}
