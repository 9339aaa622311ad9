//! Matching Sigma strings without looking at their parts each time.
//!
//! Nearly every pattern of real rules is a text that the value equals, begins with, ends with or contains,
//! in ASCII. These forms are told apart once, when the rule is compiled; anything else is left to
//! [`Pattern::matches`], which is also what the forms are tested against.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fold::fold;
use crate::pattern::{Part, Pattern};

/// A pattern made ready.
#[derive(Clone, Debug)]
pub struct TextMatcher {
    form: Form,
    cased: bool,
}

/// What a pattern is.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A text, and nothing else but what may stand at either end of it: this has a short way.
    Text(OnlyText, RefPart),
    /// Something else.
    Other(Pattern),
}

/// Where a value must hold a text, or the value of another field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefPart {
    /// They are equal.
    Whole,
    /// Anywhere.
    Anywhere,
    /// At the start.
    Start,
    /// At the end.
    End,
}

/// The text of such a pattern.
#[derive(Clone, Debug)]
pub(crate) struct OnlyText {
    written: String,
    /// As it is compared, where that is another one.
    folded: Option<String>,
}

impl OnlyText {
    fn new(written: String, cased: bool) -> Self {
        let folded = match fold(&written) {
            Cow::Owned(folded) if !cased => Some(folded),
            _ => None,
        };
        Self { written, folded }
    }

    /// As it is compared: folded unless the case matters.
    pub(crate) fn compared(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.written)
    }
}

impl TextMatcher {
    /// Makes a pattern ready.
    pub fn new(pattern: Pattern, cased: bool) -> Self {
        let form = match pattern.parts() {
            [] => Some(("", RefPart::Whole)),
            [Part::Any] => Some(("", RefPart::Anywhere)),
            [Part::Text(text)] => Some((text.as_str(), RefPart::Whole)),
            [Part::Text(text), Part::Any] => Some((text.as_str(), RefPart::Start)),
            [Part::Any, Part::Text(text)] => Some((text.as_str(), RefPart::End)),
            [Part::Any, Part::Text(text), Part::Any] => Some((text.as_str(), RefPart::Anywhere)),
            _ => None,
        };
        match form {
            Some((text, place)) => Self::of_text(text.to_owned(), place, cased),
            None => Self { form: Form::Other(pattern), cased },
        }
    }

    fn of_text(text: String, place: RefPart, cased: bool) -> Self {
        Self { form: Form::Text(OnlyText::new(text, cased), place), cased }
    }

    /// The pattern.
    pub fn pattern(&self) -> Cow<'_, Pattern> {
        match &self.form {
            Form::Other(pattern) => Cow::Borrowed(pattern),
            Form::Text(text, place) => {
                let (before, behind) = is_open(*place);
                let text = Some(Part::Text(text.written.clone())).filter(|_| !text.written.is_empty());
                let any = |is_open: bool| is_open.then_some(Part::Any);
                Cow::Owned(Pattern::from_parts(any(before).into_iter().chain(text).chain(any(behind))))
            }
        }
    }

    /// The form that the pattern has.
    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// Whether case matters.
    pub fn is_cased(&self) -> bool {
        self.cased
    }

    /// Whether the whole of a text is as the pattern says.
    pub fn matches(&self, text: &str) -> bool {
        let (own, place) = match &self.form {
            Form::Other(pattern) => return pattern.matches(text, self.cased),
            Form::Text(own, place) => (own.compared().as_bytes(), *place),
        };
        if self.cased {
            holds_exactly(text.as_bytes(), (own, place))
        } else if text.is_ascii() {
            holds(text.as_bytes(), (own, place), <[u8]>::eq_ignore_ascii_case, contains_ignoring_case)
        } else {
            holds_exactly(fold(text).as_bytes(), (own, place))
        }
    }
}

/// Whether a text holds another one at a place, byte for byte.
pub(crate) fn holds_exactly(text: &[u8], wanted: (&[u8], RefPart)) -> bool {
    holds(text, wanted, <[u8]>::eq, |text, own| memchr::memmem::find(text, own).is_some())
}

/// Whether a text holds another one at a place.
fn holds(
    text: &[u8],
    (own, place): (&[u8], RefPart),
    equal: impl Fn(&[u8], &[u8]) -> bool,
    contains: impl Fn(&[u8], &[u8]) -> bool,
) -> bool {
    match place {
        RefPart::Whole => equal(text, own),
        RefPart::Start => text.get(..own.len()).is_some_and(|start| equal(start, own)),
        RefPart::End => {
            let start = text.len().checked_sub(own.len());
            start.and_then(|start| text.get(start..)).is_some_and(|end| equal(end, own))
        }
        RefPart::Anywhere => contains(text, own),
    }
}

/// What is kept of a matcher: its only text and whether anything may stand before and behind it, else its pattern; and
/// whether case matters. Rules have thousands of them, and what else there is to know is found again in no time.
#[derive(Serialize, Deserialize)]
struct Kept<'p> {
    text: Cow<'p, str>,
    is_open_before: bool,
    is_open_behind: bool,
    pattern: Option<Cow<'p, Pattern>>,
    cased: bool,
}

impl Serialize for TextMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (text, place, pattern) = match &self.form {
            Form::Text(text, place) => (text.written.as_str(), *place, None),
            Form::Other(pattern) => ("", RefPart::Whole, Some(Cow::Borrowed(pattern))),
        };
        let (is_open_before, is_open_behind) = is_open(place);
        let kept = Kept { text: text.into(), is_open_before, is_open_behind, pattern, cased: self.cased };
        kept.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TextMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = Kept::deserialize(deserializer)?;
        // One that is only a text after all is told so, whoever wrote it.
        if let Some(pattern) = kept.pattern {
            return Ok(Self::new(pattern.into_owned(), kept.cased));
        }
        let place = match (kept.is_open_before, kept.is_open_behind) {
            (false, false) => RefPart::Whole,
            (false, true) => RefPart::Start,
            (true, false) => RefPart::End,
            (true, true) => RefPart::Anywhere,
        };
        Ok(Self::of_text(kept.text.into_owned(), place, kept.cased))
    }
}

/// Whether anything may stand before a text that is looked for there, and behind it.
fn is_open(place: RefPart) -> (bool, bool) {
    (matches!(place, RefPart::End | RefPart::Anywhere), matches!(place, RefPart::Start | RefPart::Anywhere))
}

/// Whether an ASCII text contains another that is in lower case.
fn contains_ignoring_case(text: &[u8], own: &[u8]) -> bool {
    let Some((first, rest)) = own.split_first() else {
        return true;
    };
    let Some(last_start) = text.len().checked_sub(own.len()) else {
        return false;
    };
    let Some(starts) = text.get(..=last_start) else {
        return false;
    };
    let found = |at: usize| {
        text.get(at + 1..at + own.len()).is_some_and(|candidate| candidate.eq_ignore_ascii_case(rest))
    };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), starts).any(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short ways say what the plain reading says.
    #[test]
    fn forms_agree_with_patterns() {
        let texts =
            ["", "a", "A", "ab", "Ba", "aab", "äB", "ÄB", "xÄbx", "K", "k", "\u{212a}", "ſ", "a*b", "-a"];
        for own in ["", "a", "ab", "b", "äb", "k", "s", "A", "*", "?"] {
            for written in [own.to_owned(), format!("{own}*"), format!("*{own}"), format!("*{own}*")] {
                for cased in [false, true] {
                    let pattern = Pattern::parse(&written);
                    let matcher = TextMatcher::new(pattern.clone(), cased);
                    for text in texts {
                        assert_eq!(
                            matcher.matches(text),
                            pattern.matches(text, cased),
                            "{written} on {text}, cased: {cased}"
                        );
                    }
                }
            }
        }
    }

    /// What is kept of a matcher is all of it.
    #[test]
    fn what_is_kept_comes_back() {
        for written in ["", "*", "?", "a", "a*", "*a", "*a*", "a*b", "*a?b*", "Äb", "a\\*"] {
            for (pattern, cased) in [(Pattern::parse(written), false), (Pattern::parse(written), true)] {
                let matcher = TextMatcher::new(pattern, cased);
                let kept = serde_json::to_string(&matcher).unwrap();
                let back: TextMatcher = serde_json::from_str(&kept).unwrap();
                assert_eq!(format!("{back:?}"), format!("{matcher:?}"), "{kept}");
            }
        }
    }
}
