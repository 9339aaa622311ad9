//! Regular expressions that are compiled when they are first asked.
//!
//! Whether an expression compiles is found out when its rule is read, and then it is ready too. One that comes
//! out of a cache was found to compile before; most of those are never asked, since no event of a scan is
//! theirs, so the work waits until one is.
//!
//! Nearly all texts of events are ASCII, and for those there is a form that takes a fraction of the time to compile
//! ([`AsciiRegex`]).

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::ascii_regex::AsciiRegex;
use crate::diagnostic::Code;
use crate::modifier::{Problem, RegexSource};

/// Sizes in bytes that a compiled expression may have. Most fit the first; how large one is can only be
/// learnt by trying.
const SIZES: [usize; 3] = [64 << 10, 1 << 20, 10 << 20];
/// The largest size in bytes of all regular expressions of a rule, in one form. That for texts in ASCII takes as much at
/// the very most, and a small part of it nearly always.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// A regular expression of a rule. Clones share what was compiled.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LazyRegex(Arc<Shared>);

#[derive(Serialize, Deserialize)]
struct Shared {
    source: RegexSource,
    /// The size that it is known to fit, by its place among [`SIZES`].
    size: u8,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
    /// The same for texts in ASCII; nothing where it cannot be had.
    #[serde(skip)]
    ascii: OnceLock<Option<AsciiRegex>>,
}

impl LazyRegex {
    /// Compiles an expression that may have so many bytes, and gives it with the bytes that it may need.
    pub(crate) fn compile(source: &RegexSource, n_bytes_left: usize) -> Result<(Self, usize), Problem> {
        for (size, n_bytes) in (0..).zip(SIZES).filter(|(_, n_bytes)| *n_bytes <= n_bytes_left) {
            match build(source, n_bytes) {
                Ok(regex) => {
                    let (source, regex) = (source.clone(), OnceLock::from(Some(regex)));
                    let shared = Shared { source, size, regex, ascii: OnceLock::new() };
                    return Ok((Self(Arc::new(shared)), n_bytes));
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    return Err(invalid(reason));
                }
            }
        }
        Err(invalid("it needs too much memory"))
    }

    /// The expression as written, without flags.
    pub fn pattern(&self) -> &str {
        &self.0.source.pattern
    }

    /// The flags as letters: `i`, `m`, `s`.
    pub fn flags(&self) -> &str {
        &self.0.source.flags
    }

    /// Whether the expression is found in a text.
    pub fn is_match(&self, text: &str) -> bool {
        if text.is_ascii()
            && let Some(answer) = self.ascii().and_then(|ascii| ascii.is_match(text))
        {
            return answer;
        }
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// Nothing only where a cache gave what no rule has: an expression that does not compile, or not in this form.
    fn regex(&self) -> Option<&Regex> {
        let compile = || build(&self.0.source, self.n_bytes()?).ok();
        self.0.regex.get_or_init(compile).as_ref()
    }

    fn ascii(&self) -> Option<&AsciiRegex> {
        let compile = || AsciiRegex::compile(&self.0.source, self.n_bytes()?);
        self.0.ascii.get_or_init(compile).as_ref()
    }

    fn n_bytes(&self) -> Option<usize> {
        SIZES.get(usize::from(self.0.size)).copied()
    }
}

pub(crate) fn build(source: &RegexSource, n_bytes: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&source.pattern)
        .case_insensitive(source.ignores_case())
        .multi_line(source.is_multi_line())
        .dot_matches_new_line(source.dot_matches_new_line())
        .size_limit(n_bytes)
        .build()
}

fn invalid(reason: &str) -> Problem {
    Problem::new(Code::InvalidRegex, format!("the regular expression does not compile: {reason}"))
        .help("look-around and back-references are not part of Sigma; large repetitions are refused")
}

/// What is printed tells expressions apart, flags included, whether or not they are compiled.
impl fmt::Debug for LazyRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LazyRegex({:?}, {:?})", self.pattern(), self.flags())
    }
}

impl fmt::Display for LazyRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(pattern: &str, flags: &str) -> RegexSource {
        RegexSource { pattern: pattern.to_owned(), flags: flags.to_owned() }
    }

    #[test]
    fn compiles_anew_what_was_kept_as_text() {
        let (regex, n_bytes) = LazyRegex::compile(&source("^who.*i$", "is"), MAX_BYTES).ok().unwrap();
        assert_eq!(n_bytes, SIZES[0]);
        let kept: LazyRegex = serde_json::from_str(&serde_json::to_string(&regex).unwrap()).unwrap();
        for (text, expected) in [("WHO\nAMI", true), ("whoami.exe", false)] {
            assert_eq!(regex.is_match(text), expected);
            assert_eq!(kept.is_match(text), expected);
        }
        assert_eq!(format!("{kept:?}"), format!("{regex:?}"));
    }

    #[test]
    fn what_no_rule_has_never_matches() {
        for kept in [
            r#"{"source": {"pattern": "(", "flags": ""}, "size": 0}"#,
            r#"{"source": {"pattern": "a", "flags": ""}, "size": 200}"#,
        ] {
            assert!(!serde_json::from_str::<LazyRegex>(kept).unwrap().is_match("a("));
        }
    }

    #[test]
    fn a_character_beyond_ascii_may_stand_for_one_in_it() {
        let (regex, _) = LazyRegex::compile(&source("^\u{212a}$", "i"), MAX_BYTES).ok().unwrap();
        assert!(regex.is_match("k") && regex.is_match("\u{212a}"));
        let (regex, _) = LazyRegex::compile(&source("^k.$", "i"), MAX_BYTES).ok().unwrap();
        assert!(regex.is_match("ka") && regex.is_match("\u{212a}ä") && !regex.is_match("\u{212a}"));
    }
}
