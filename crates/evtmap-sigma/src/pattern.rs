//! Sigma strings: literal text with wildcards, and how they match.
//!
//! Specification: sigma-rules-specification, "String Wildcard" and "Escaping". `*` stands for any number
//! of characters, line ends included, `?` for exactly one; a backslash escapes `*`, `?` and itself and is
//! an ordinary character before anything else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fold::{fold, fold_char};

/// The characters that `windash` takes for one another.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// A piece of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Part {
    /// This text.
    Text(String),
    /// `*`: any number of characters.
    Any,
    /// `?`: exactly one character.
    One,
    /// A dash of a command-line flag under `windash`: any of `-`, `/`, en dash, em dash, horizontal bar.
    Dash,
    /// `%name%` under `expand`: to be replaced by values of the user's configuration.
    Placeholder(String),
}

/// A Sigma string. Two texts never stand side by side in it, nor do two `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pattern {
    parts: Vec<Part>,
}

impl Pattern {
    /// Reads a string as it stands in a rule.
    ///
    /// ```
    /// use evtmap_sigma::Pattern;
    /// assert_eq!(Pattern::parse(r"\\*\temp\?").to_string(), r"\\*\temp\?");
    /// assert!(Pattern::parse(r"C:\\*").matches(r"c:\Windows", false));
    /// ```
    pub fn parse(text: &str) -> Self {
        Self::read(text, &['*', '?', '\\'])
    }

    /// Reads a string in which `%name%` is a placeholder and `\%` a percent sign.
    pub(crate) fn parse_expandable(text: &str) -> Self {
        Self::read(text, &['*', '?', '\\', '%'])
    }

    /// Reads a string in which these characters mean something unless a backslash stands before them.
    fn read(text: &str, special: &[char]) -> Self {
        let mut pattern = Self::default();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '*' => pattern.push(Part::Any),
                '?' => pattern.push(Part::One),
                '\\' => {
                    let mut ahead = rest.clone();
                    match ahead.next().filter(|next| special.contains(next)) {
                        Some(escaped) => {
                            pattern.push_char(escaped);
                            rest = ahead;
                        }
                        None => pattern.push_char('\\'),
                    }
                }
                '%' if special.contains(&'%') => match placeholder(rest.as_str()) {
                    Some((name, after)) => {
                        pattern.push(Part::Placeholder(name.to_owned()));
                        rest = after.chars();
                    }
                    None => pattern.push_char('%'),
                },
                other => pattern.push_char(other),
            }
        }
        pattern
    }

    /// A pattern that is this text and nothing else.
    pub fn literal(text: &str) -> Self {
        let mut pattern = Self::default();
        pattern.push(Part::Text(text.to_owned()));
        pattern
    }

    /// Makes a pattern of parts.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut pattern = Self::default();
        for part in parts {
            pattern.push(part);
        }
        pattern
    }

    /// The parts from left to right.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The text, when the pattern is nothing else.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether `*` or `?` occurs.
    pub fn has_wildcards(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Any | Part::One))
    }

    /// Whether it is made of wildcards alone, `*` among them, so that all texts fit but the shortest.
    ///
    /// ```
    /// use evtmap_sigma::Pattern;
    /// assert!(Pattern::parse("?*").fits_everything());
    /// assert!(!Pattern::parse("??").fits_everything());
    /// ```
    pub fn fits_everything(&self) -> bool {
        self.parts.contains(&Part::Any) && self.parts.iter().all(|part| matches!(part, Part::Any | Part::One))
    }

    fn push_char(&mut self, c: char) {
        if let Some(Part::Text(text)) = self.parts.last_mut() {
            text.push(c);
        } else {
            self.parts.push(Part::Text(c.to_string()));
        }
    }

    fn push(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(last)), Part::Text(text)) => last.push_str(&text),
            // Several stars in a row mean what one means.
            (Some(Part::Any), Part::Any) => {}
            (_, part) => self.parts.push(part),
        }
    }

    /// The pattern with `*` in front, as `endswith` makes it.
    #[must_use]
    pub(crate) fn any_before(&self) -> Self {
        Self::from_parts(std::iter::once(Part::Any).chain(self.parts.iter().cloned()))
    }

    /// The pattern with `*` behind, as `startswith` makes it.
    #[must_use]
    pub(crate) fn any_after(&self) -> Self {
        Self::from_parts(self.parts.iter().cloned().chain([Part::Any]))
    }

    /// The pattern with the dashes of flags free: at the start of a word and not inside one.
    ///
    /// The positions are pySigma's `\B[-/]\b`; as the specification's list of dashes asks, every dash of
    /// that list is taken for a flag's dash in the rule too.
    #[must_use]
    pub(crate) fn windash(&self) -> Self {
        let mut pattern = Self::default();
        for part in &self.parts {
            let Part::Text(text) = part else {
                pattern.push(part.clone());
                continue;
            };
            let mut after_word = false;
            let mut rest = text.chars().peekable();
            while let Some(c) = rest.next() {
                let before_word = rest.peek().is_some_and(|next| is_word(*next));
                if DASHES.contains(&c) && !after_word && before_word {
                    pattern.push(Part::Dash);
                } else {
                    pattern.push_char(c);
                }
                after_word = is_word(c);
            }
        }
        pattern
    }

    /// The pattern with `%name%` in its texts as placeholders; `\%` is a percent sign.
    ///
    /// For patterns that another modifier has changed. Their escapes are resolved, so that a backslash right
    /// before a placeholder cannot be told from one that escapes it.
    #[must_use]
    pub(crate) fn placeholders(&self) -> Self {
        let mut pattern = Self::default();
        for part in &self.parts {
            match part {
                Part::Text(text) => split_placeholders(text, &mut pattern),
                other => pattern.push(other.clone()),
            }
        }
        pattern
    }

    /// Whether the whole of a text is as the pattern says.
    ///
    /// This is the plain reading of the specification, character by character.
    pub fn matches(&self, text: &str, cased: bool) -> bool {
        let parts = Unit::of(&self.parts, cased);
        if cased { glob(&parts, text) } else { glob(&parts, &fold(text)) }
    }
}

/// A word character of the regular expressions that `windash` is defined by.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn split_placeholders(text: &str, pattern: &mut Pattern) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        rest = after;
        if let Some(before) = before.strip_suffix('\\') {
            pattern.push(Part::Text(format!("{before}%")));
            continue;
        }
        pattern.push(Part::Text(before.to_owned()));
        if let Some((name, after)) = placeholder(after) {
            pattern.push(Part::Placeholder(name.to_owned()));
            rest = after;
        } else {
            pattern.push_char('%');
        }
    }
    pattern.push(Part::Text(rest.to_owned()));
}

/// The name of a placeholder whose first `%` stands before the text, and what follows its second one.
///
/// Any name will do, as in pySigma: one that nobody gave values for refuses the rule, where a text that
/// only looks like a placeholder would never be found and nobody would know.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    text.split_once('%').filter(|(name, _)| !name.is_empty() && !name.contains(['\\', '*', '?']))
}

/// What one step of matching compares with.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Char(char),
    Any,
    One,
    Dash,
    /// Matches nothing: a placeholder that was never filled.
    Never,
}

impl Unit {
    fn of(parts: &[Part], cased: bool) -> Vec<Self> {
        let mut units = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) if cased => units.extend(text.chars().map(Self::Char)),
                Part::Text(text) => units.extend(text.chars().map(|c| Self::Char(fold_char(c)))),
                Part::Any => units.push(Self::Any),
                Part::One => units.push(Self::One),
                Part::Dash => units.push(Self::Dash),
                Part::Placeholder(_) => units.push(Self::Never),
            }
        }
        units
    }

    fn accepts(self, c: char) -> bool {
        match self {
            Self::Char(own) => own == c,
            Self::One => true,
            Self::Dash => DASHES.contains(&c),
            Self::Any | Self::Never => false,
        }
    }
}

/// Matches with one point of return: only the last `*` passed can still grow, for whatever an earlier one
/// could give, the later one can too. So the cost is at most the product of the two lengths.
fn glob(units: &[Unit], text: &str) -> bool {
    let (mut unit, mut rest) = (0, text.chars());
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let mut ahead = rest.clone();
        match (units.get(unit), ahead.next()) {
            (Some(Unit::Any), _) => {
                unit += 1;
                retry = Some((unit, rest.clone()));
                continue;
            }
            (Some(step), Some(c)) if step.accepts(c) => {
                unit += 1;
                rest = ahead;
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after_star, from)) = &mut retry else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        unit = *after_star;
        rest = from.clone();
    }
}

impl fmt::Display for Pattern {
    /// Writes the pattern as a rule would, with as few backslashes as possible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => write_text(f, text, self.parts.get(i + 1))?,
                Part::Any => f.write_str("*")?,
                Part::One => f.write_str("?")?,
                Part::Dash => f.write_str("-")?,
                Part::Placeholder(name) => write!(f, "%{name}%")?,
            }
        }
        Ok(())
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str, next: Option<&Part>) -> fmt::Result {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let special_follows = match rest.peek() {
            Some(following) => matches!(following, '\\' | '*' | '?'),
            None => matches!(next, Some(Part::Any | Part::One)),
        };
        match c {
            '*' | '?' => write!(f, "\\{c}")?,
            // A backslash before something that could be escaped must be doubled, and a pair of them always.
            '\\' if special_follows => f.write_str("\\\\")?,
            other => write!(f, "{other}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(pattern: &Pattern) -> String {
        pattern
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("[{text}]"),
                Part::Any => "*".to_owned(),
                Part::One => "?".to_owned(),
                Part::Dash => "~".to_owned(),
                Part::Placeholder(name) => format!("%{name}%"),
            })
            .collect()
    }

    #[test]
    fn escapes() {
        for (written, parts) in [
            (r"", ""),
            (r"cmd.exe", "[cmd.exe]"),
            (r"*\cmd.exe", r"*[\cmd.exe]"),
            (r"\*", "[*]"),
            (r"\?", "[?]"),
            (r"\\", r"[\]"),
            (r"\\*", r"[\]*"),
            (r"\\\*", r"[\*]"),
            (r"\\\", r"[\\]"),
            (r"\\\\", r"[\\]"),
            (r"\\\\srv\\x", r"[\\srv\x]"),
            (r"\\\\\\", r"[\\\]"),
            (r"\a\", r"[\a\]"),
            (r"a**b", "[a]*[b]"),
            (r"a*?*b", "[a]*?*[b]"),
            (r"\\\\\*\\ADMIN$", r"[\\*\ADMIN$]"),
        ] {
            let pattern = Pattern::parse(written);
            assert_eq!(show(&pattern), parts, "{written}");
            assert_eq!(Pattern::parse(&pattern.to_string()), pattern, "{written} printed as {pattern}");
        }
    }

    #[test]
    fn windash_frees_flags_only() {
        for (written, parts) in [
            (" -enc", "[ ]~[enc]"),
            ("/enc", "~[enc]"),
            (" /c-d -x", "[ ]~[c-d ]~[x]"),
            (" - x", "[ - x]"),
            ("a/b", "[a/b]"),
            (" –enc", "[ ]~[enc]"),
            ("--x", "[-]~[x]"),
            ("*-x*", "*~[x]*"),
        ] {
            assert_eq!(show(&Pattern::parse(written).windash()), parts, "{written}");
        }
    }

    #[test]
    fn placeholders() {
        for (written, parts) in [
            ("%Servers%", "%Servers%"),
            ("a%x_1%b%", "[a]%x_1%[b%]"),
            (r"\%x%", "[%x%]"),
            ("100%", "[100%]"),
            ("%a b.c%", "%a b.c%"),
            ("%%", "[%%]"),
            (r"%a\%", "[%a%]"),
            ("%a*%", "[%a]*[%]"),
            (r"\%plain%name%", "[%plain]%name%"),
        ] {
            assert_eq!(show(&Pattern::parse(written).placeholders()), parts, "{written}");
            assert_eq!(show(&Pattern::parse_expandable(written)), parts, "{written}");
        }
        assert_eq!(show(&Pattern::parse_expandable(r"\\%name%")), r"[\]%name%");
    }

    #[test]
    fn matches_whole_texts() {
        for (written, text, expected) in [
            ("cmd.exe", "CMD.EXE", true),
            ("cmd.exe", "cmd.exe ", false),
            ("*a?b", "axaxb", true),
            ("*", "", true),
            ("?", "", false),
            ("?", "ä", true),
            ("?", "\u{1f600}", true),
            ("a*b", "a\r\nb", true),
            ("*ab", "aab", true),
            ("*aab*", "aaab", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("", "", true),
            ("", " ", false),
            ("STRASSE", "straße", false),
            ("Ä*", "ä", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
        ] {
            assert_eq!(Pattern::parse(written).matches(text, false), expected, "{written} on {text}");
        }
        assert!(!Pattern::parse("cmd").matches("CMD", true));
        assert!(Pattern::parse(" -enc").windash().matches(" —ENC", false));
    }

    /// Many stars on a long text stay within the product of the lengths.
    #[test]
    fn stars_do_not_explode() {
        let pattern = Pattern::parse(&"*a".repeat(40));
        let text = "a".repeat(20_000) + "b";
        assert!(!pattern.matches(&text, false));
    }
}
