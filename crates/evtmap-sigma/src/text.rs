//! Matching Sigma strings without looking at their parts each time.
//!
//! Nearly every pattern of real rules is a text that the value equals, begins with, ends with or contains,
//! in ASCII. These forms are told apart once, when the rule is compiled; anything else is left to
//! [`Pattern::matches`], which is also what the forms are tested against.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
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
    Text(OnlyText, Place),
    /// Something else.
    Other(Pattern),
}

/// Where in a value a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
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

impl Place {
    const ALL: [Self; 4] = [Self::Whole, Self::Start, Self::End, Self::Anywhere];

    /// Whether anything may stand before the text, and behind it.
    fn is_open(self) -> (bool, bool) {
        (matches!(self, Self::End | Self::Anywhere), matches!(self, Self::Start | Self::Anywhere))
    }
}

impl TextMatcher {
    /// Makes a pattern ready.
    pub fn new(pattern: Pattern, cased: bool) -> Self {
        let form = match pattern.parts() {
            [] => Some(("", Place::Whole)),
            [Part::Any] => Some(("", Place::Anywhere)),
            [Part::Text(text)] => Some((text.as_str(), Place::Whole)),
            [Part::Text(text), Part::Any] => Some((text.as_str(), Place::Start)),
            [Part::Any, Part::Text(text)] => Some((text.as_str(), Place::End)),
            [Part::Any, Part::Text(text), Part::Any] => Some((text.as_str(), Place::Anywhere)),
            _ => None,
        };
        match form {
            Some((text, place)) => Self::of_text(text.to_owned(), place, cased),
            None => Self { form: Form::Other(pattern), cased },
        }
    }

    fn of_text(text: String, place: Place, cased: bool) -> Self {
        Self { form: Form::Text(OnlyText::new(text, cased), place), cased }
    }

    /// The pattern.
    pub fn pattern(&self) -> Cow<'_, Pattern> {
        match &self.form {
            Form::Other(pattern) => Cow::Borrowed(pattern),
            Form::Text(text, place) => {
                let (before, behind) = place.is_open();
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
        let plainly = |text: &[u8]| {
            holds(text, (own, place), <[u8]>::eq, |text, own| memchr::memmem::find(text, own).is_some())
        };
        if self.cased {
            plainly(text.as_bytes())
        } else if text.is_ascii() {
            holds(text.as_bytes(), (own, place), <[u8]>::eq_ignore_ascii_case, contains_ignoring_case)
        } else {
            plainly(fold(text).as_bytes())
        }
    }
}

/// Whether a text holds another one at a place.
fn holds(
    text: &[u8],
    (own, place): (&[u8], Place),
    equal: impl Fn(&[u8], &[u8]) -> bool,
    contains: impl Fn(&[u8], &[u8]) -> bool,
) -> bool {
    match place {
        Place::Whole => equal(text, own),
        Place::Start => text.get(..own.len()).is_some_and(|start| equal(start, own)),
        Place::End => {
            let start = text.len().checked_sub(own.len());
            start.and_then(|start| text.get(start..)).is_some_and(|end| equal(end, own))
        }
        Place::Anywhere => contains(text, own),
    }
}

/// What stands for the place of a pattern's only text where it has none.
const NO_PLACE: u8 = Place::ALL.len() as u8;

/// What is kept of a matcher: whether case matters and the place of its only text, in one number, and the text; or else
/// the pattern. Rules have thousands of them, and what else there is to know is found again in no time.
impl Serialize for TextMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut kept = serializer.serialize_tuple(2)?;
        let kind = |place: u8| place << 1 | u8::from(self.cased);
        match &self.form {
            Form::Text(text, place) => {
                kept.serialize_element(&kind(*place as u8))?;
                kept.serialize_element(&text.written)?;
            }
            Form::Other(pattern) => {
                kept.serialize_element(&kind(NO_PLACE))?;
                kept.serialize_element(pattern)?;
            }
        }
        kept.end()
    }
}

impl<'de> Deserialize<'de> for TextMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, Kept)
    }
}

/// Reads what was kept of a matcher.
struct Kept;

impl<'de> Visitor<'de> for Kept {
    type Value = TextMatcher;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind and a text or pattern")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut kept: A) -> Result<TextMatcher, A::Error> {
        let missing = || A::Error::invalid_length(0, &self);
        let kind: u8 = kept.next_element()?.ok_or_else(missing)?;
        let (place, cased) = (kind >> 1, kind & 1 != 0);
        if let Some(place) = Place::ALL.get(usize::from(place)) {
            return Ok(TextMatcher::of_text(kept.next_element()?.ok_or_else(missing)?, *place, cased));
        }
        // A pattern that is only a text after all is one, whoever wrote it.
        Ok(TextMatcher::new(kept.next_element()?.ok_or_else(missing)?, cased))
    }
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
