//! A regular expression for texts in ASCII, of which nothing is asked but whether it is found.
//!
//! What the regex crate makes of an expression is made for everything that one may ask: where it is found, which
//! groups, from the end, in any text. An expression of a rule is asked about a handful of texts in most scans, so that
//! most of the work was to make it. Here a letter of either case is one byte and not one of several sequences, no group
//! is noted, and of the automaton only that is made which the texts reach. An expression that is asked about much text
//! is made whole after all: it has ways to pass over what cannot match.

use std::sync::{Mutex, OnceLock, PoisonError};

use regex::bytes::{Regex, RegexBuilder};
use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use thread_local::ThreadLocal;

use crate::modifier::RegexSource;

/// How often an automaton may forget its states, and for how many bytes each must have served, before it gives up: some
/// expressions reach a new state with every byte, and are better off with an engine that has none. The numbers are
/// those of the regex crate.
const N_CLEARED_MAX: usize = 3;
const N_BYTES_A_STATE: usize = 10;

/// From how many bytes of text on, each time that it is asked being worth so many as well, an expression is made whole:
/// to make it takes about as long as to go through so much.
const N_BYTES_WORTH: usize = 512 << 10;
const N_BYTES_A_TIME: usize = 64;

/// The expression.
#[derive(Debug)]
pub(crate) struct AsciiRegex {
    automaton: DFA,
    part: Mutex<Part>,
    source: RegexSource,
    n_bytes: usize,
    /// The expression made whole, once that is worth it.
    whole: OnceLock<Option<Regex>>,
    /// The same with each thread's own working memory: it is asked so often that they would wait for each other's.
    own: ThreadLocal<Regex>,
}

/// What of an automaton is made, for all threads: to make a state takes longer than to wait for one who makes it.
#[derive(Debug, Default)]
struct Part {
    /// None where it was not asked yet.
    cache: Option<Cache>,
    /// About how much it was asked, in bytes.
    n_asked: usize,
    /// Whether somebody has set about making the whole.
    is_outgrown: bool,
}

impl AsciiRegex {
    /// Compiles an expression, which may have so many bytes. What names characters beyond ASCII may stand for one in it
    /// where the case does not matter, as the Kelvin sign for `k`, and is left to an engine that knows all of them.
    pub(crate) fn compile(source: &RegexSource, n_bytes: usize) -> Option<Self> {
        let names_others = |pair: &[u8]| matches!(pair, [b'\\', b'x' | b'u' | b'U' | b'p' | b'P']);
        if !source.pattern.is_ascii() || source.pattern.as_bytes().windows(2).any(names_others) {
            return None;
        }
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(source.ignores_case())
            .multi_line(source.is_multi_line())
            .dot_matches_new_line(source.dot_matches_new_line());
        let states = thompson::Config::new()
            .utf8(false)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(n_bytes));
        let limits = DFA::config()
            .minimum_cache_clear_count(Some(N_CLEARED_MAX))
            .minimum_bytes_per_state(Some(N_BYTES_A_STATE));
        let automaton =
            DFA::builder().syntax(syntax).thompson(states).configure(limits).build(&source.pattern).ok()?;
        let (part, whole, own) = Default::default();
        Some(Self { automaton, part, source: source.clone(), n_bytes, whole, own })
    }

    /// Whether the expression is found in a text in ASCII; nothing where the automaton gives up.
    pub(crate) fn is_match(&self, text: &str) -> Option<bool> {
        match self.whole.get() {
            Some(Some(whole)) => Some(self.own.get_or(|| whole.clone()).is_match(text.as_bytes())),
            _ => self.ask_part(text),
        }
    }

    fn ask_part(&self, text: &str) -> Option<bool> {
        let mut part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
        part.n_asked += text.len() + N_BYTES_A_TIME;
        if part.n_asked > N_BYTES_WORTH && !part.is_outgrown {
            part.is_outgrown = true;
            drop(part);
            // Others go on meanwhile as they did, and do not wait.
            let whole = self.whole.get_or_init(|| self.make_whole()).as_ref()?;
            return Some(whole.is_match(text.as_bytes()));
        }
        let cache = part.cache.get_or_insert_with(|| self.automaton.create_cache());
        let found = self.automaton.try_search_fwd(cache, &Input::new(text).earliest(true));
        found.ok().map(|found| found.is_some())
    }

    fn make_whole(&self) -> Option<Regex> {
        RegexBuilder::new(&self.source.pattern)
            .unicode(false)
            .case_insensitive(self.source.ignores_case())
            .multi_line(self.source.is_multi_line())
            .dot_matches_new_line(self.source.dot_matches_new_line())
            .size_limit(self.n_bytes)
            .build()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lazy_regex::build;
    use proptest::prelude::*;

    const N_BYTES: usize = 64 << 10;

    fn source(pattern: &str, flags: &str) -> RegexSource {
        RegexSource { pattern: pattern.to_owned(), flags: flags.to_owned() }
    }

    #[test]
    fn what_names_others_than_ascii_is_left_alone() {
        for pattern in
            ["ſ", r"\x{17f}", r"\u017f", r"\U0000017f", r"\p{L}", r"\PN", r"(?u:\b)", "(", "a{1000}{1000}"]
        {
            assert!(AsciiRegex::compile(&source(pattern, "i"), N_BYTES).is_none(), "{pattern}");
        }
    }

    proptest! {
        /// In texts in ASCII the same is found as in all others.
        #[test]
        fn both_find_the_same(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "a", "K", "s", "-", " ", ".", r"\w", r"\W", r"\s", r"\S", r"\d", r"\D", r"\b", r"\B", "[^a]", "[a-k]",
                "[[:^alpha:]]", "(a|ks)", "(?i:k)", "(?-i)", "(?s:.)", "(?u:[^k])", "+", "*", "?", "{2}", "^", "$", "|",
            ]), 1..8),
            flags in "i?m?s?",
            text in r"([aAkKsS_ 0\-\n\t\x0b\x1c\x7f]{0,6}|[\x00-\x7f]{0,6})",
        ) {
            let source = source(&parts.concat(), &flags);
            if let Ok(regex) = build(&source, N_BYTES) {
                let ascii = AsciiRegex::compile(&source, N_BYTES).unwrap();
                prop_assert_eq!(ascii.is_match(&text), Some(regex.is_match(&text)));
                // And so once it was asked much.
                ascii.part.lock().unwrap().n_asked = N_BYTES_WORTH;
                prop_assert_eq!(ascii.is_match(&text), Some(regex.is_match(&text)));
                prop_assert!(ascii.whole.get().is_some_and(Option::is_some));
            }
        }
    }

    /// What one thread has made is the others' too.
    #[test]
    fn threads_answer_alike() {
        let ascii = AsciiRegex::compile(&source("^who.*i$", "i"), N_BYTES).unwrap();
        let long = format!("WHO{}I", "a".repeat(N_BYTES_WORTH));
        std::thread::scope(|scope| {
            for texts in [["whoami", &long, "whoami"], ["whoami", "who", "whoami"], [&long, "whom", "WhoI"]] {
                let ascii = &ascii;
                scope.spawn(move || {
                    for text in texts {
                        let expected = text.ends_with(['i', 'I']);
                        assert_eq!(ascii.is_match(text), Some(expected));
                    }
                });
            }
        });
        assert!(ascii.whole.get().is_some_and(Option::is_some));
    }
}
