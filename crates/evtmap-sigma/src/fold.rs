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
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(fold_char).collect())
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
        }
    }
}
