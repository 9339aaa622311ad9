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
    pattern: Pattern,
    cased: bool,
    form: Form,
}

/// The forms that have a short way; their texts are folded unless the case matters.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Always,
    Whole(String),
    Start(String),
    End(String),
    Anywhere(String),
    Other,
}

impl TextMatcher {
    /// Makes a pattern ready.
    pub fn new(pattern: Pattern, cased: bool) -> Self {
        let ready = |text: &str| {
            if cased { text.to_owned() } else { fold(text).into_owned() }
        };
        let form = match pattern.parts() {
            [] => Form::Whole(String::new()),
            [Part::Any] => Form::Always,
            [Part::Text(text)] => Form::Whole(ready(text)),
            [Part::Text(text), Part::Any] => Form::Start(ready(text)),
            [Part::Any, Part::Text(text)] => Form::End(ready(text)),
            [Part::Any, Part::Text(text), Part::Any] => Form::Anywhere(ready(text)),
            _ => Form::Other,
        };
        Self { pattern, cased, form }
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
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
        if matches!(self.form, Form::Other) {
            return self.pattern.matches(text, self.cased);
        }
        if self.cased {
            return self.matches_bytes(text.as_bytes(), <[u8]>::eq, |text, own| {
                memchr::memmem::find(text, own).is_some()
            });
        }
        if text.is_ascii() {
            return self.matches_bytes(text.as_bytes(), <[u8]>::eq_ignore_ascii_case, contains_ignoring_case);
        }
        self.matches_bytes(fold(text).as_bytes(), <[u8]>::eq, |text, own| {
            memchr::memmem::find(text, own).is_some()
        })
    }

    fn matches_bytes(
        &self,
        text: &[u8],
        equal: impl Fn(&[u8], &[u8]) -> bool,
        contains: impl Fn(&[u8], &[u8]) -> bool,
    ) -> bool {
        match &self.form {
            Form::Always => true,
            Form::Whole(own) => equal(text, own.as_bytes()),
            Form::Start(own) => text.get(..own.len()).is_some_and(|start| equal(start, own.as_bytes())),
            Form::End(own) => {
                let start = text.len().checked_sub(own.len());
                start.and_then(|start| text.get(start..)).is_some_and(|end| equal(end, own.as_bytes()))
            }
            Form::Anywhere(own) => contains(text, own.as_bytes()),
            Form::Other => false,
        }
    }
}

/// What is kept of a matcher: its only text, and whether anything may stand before and behind it, as nearly all have it;
/// else the pattern; and whether case matters. The form is found again in no time, and then fits whatever was kept.
type Kept<'t> = (Option<(bool, Cow<'t, str>, bool)>, Option<Cow<'t, Pattern>>, bool);

impl Serialize for TextMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = match self.pattern.parts() {
            [Part::Text(text)] => Some((false, text, false)),
            [Part::Text(text), Part::Any] => Some((false, text, true)),
            [Part::Any, Part::Text(text)] => Some((true, text, false)),
            [Part::Any, Part::Text(text), Part::Any] => Some((true, text, true)),
            _ => None,
        };
        let text = text.map(|(before, text, behind)| (before, Cow::Borrowed(text.as_str()), behind));
        let pattern = text.is_none().then_some(Cow::Borrowed(&self.pattern));
        let kept: Kept<'_> = (text, pattern, self.cased);
        kept.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TextMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, pattern, cased): Kept<'_> = Deserialize::deserialize(deserializer)?;
        let any = |is_open: bool| is_open.then_some(Part::Any);
        let pattern = match text {
            Some((before, text, behind)) => {
                let parts = any(before).into_iter().chain([Part::Text(text.into_owned())]);
                Pattern::from_parts(parts.chain(any(behind)))
            }
            None => pattern.map(Cow::into_owned).unwrap_or_default(),
        };
        Ok(Self::new(pattern, cased))
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
}
