//! Case folding: how Sigma's case-insensitive comparison sees a text.
//!
//! The specification says "case-insensitive" and no more. Here it is Unicode's *simple* folding, one
//! character to one character, the same that the regular expressions' `i` flag uses: a comparison means the
//! same in a literal, a wildcard pattern and a regular expression, and `?` stays one character.

use std::borrow::Cow;

/// Folds one character.
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // Unicode's simple folding leaves the dotless i alone although its upper case is `I`.
    if c == 'ı' {
        return c;
    }
    single(single(c, c.to_uppercase()), single(c, c.to_uppercase()).to_lowercase())
}

/// The one character of a case mapping, or the original where the mapping has several.
fn single(original: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(c), None) => c,
        _ => original,
    }
}

/// Folds a text; borrowed when it is folded already.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        // It does not stop at the first, so that the compiler can look at many at once.
        if text.bytes().fold(false, |is_any, byte| is_any | byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(fold_char).collect())
}

/// Folds a text into working memory, whose content before is forgotten.
pub(crate) fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    let mut rest = text;
    // Nearly all of nearly every text is ASCII, which is copied and lowered many bytes at once.
    while !rest.is_empty() {
        let n_ascii = ascii_prefix(rest.as_bytes());
        let (ascii, other) = rest.split_at_checked(n_ascii).unwrap_or((rest, ""));
        let start = folded.len();
        folded.push_str(ascii);
        if let Some(added) = folded.get_mut(start..) {
            added.make_ascii_lowercase();
        }
        let mut chars = other.chars();
        while let Some(c) = chars.as_str().chars().next().filter(|c| !c.is_ascii()) {
            folded.push(fold_char(c));
            chars.next();
        }
        rest = chars.as_str();
    }
}

/// How many bytes at the start of a text are ASCII.
fn ascii_prefix(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let (blocks, _) = bytes.as_chunks::<32>();
    let n_blocks = blocks.iter().take_while(|block| block.is_ascii()).count();
    let rest = bytes.get(n_blocks * 32..).unwrap_or_default();
    n_blocks * 32 + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folding is the regular expressions' for every character that their tables know.
    #[test]
    fn agrees_with_regex() {
        let known = regex::Regex::new(r"\A\P{Cn}\z").unwrap();
        for c in '\u{80}'..=char::MAX {
            let folded = fold_char(c);
            if folded != c && known.is_match(&c.to_string()) {
                let pattern = format!("(?i)^\\x{{{:x}}}$", u32::from(c));
                let regex = regex::Regex::new(&pattern).unwrap();
                assert!(regex.is_match(&folded.to_string()), "{c:?} folds to {folded:?}");
            }
        }
    }

    #[test]
    fn folds_texts() {
        for (text, folded) in [
            ("CMD.exe", "cmd.exe"),
            ("ÄÖÜẞ", "äöüß"),
            ("Straße", "straße"),
            ("ſK", "sk"),
            ("ΣΑΣς", "σασσ"),
            ("İı", "İı"),
            ("\u{1f600}", "\u{1f600}"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            for text in [text.to_owned(), format!("A{}{text}B{text}", "x".repeat(70))] {
                let mut memory = "before".to_owned();
                fold_into(&text, &mut memory);
                assert_eq!(memory, fold(&text), "{text}");
            }
        }
    }
}
