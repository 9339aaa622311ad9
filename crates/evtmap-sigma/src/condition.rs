//! The condition language: how selections are joined.
//!
//! Specification: sigma-rules-specification, "Condition". `not` binds tighter than `and`, `and` tighter
//! than `or`; `1 of`, `all of` and `any of` take a pattern of names or `them`. Names that begin with `_`
//! are not meant by `them`, nor by a pattern that does not begin with `_` itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::Place;

/// The deepest nesting of parentheses and `not`s in a condition.
const MAX_DEPTH: usize = 64;

/// A condition as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// A selection holds.
    Selection(String),
    /// As many of the selections that a selector names hold.
    Of(Quantifier, Selector),
    /// The condition does not hold.
    Not(#[serde(with = "crate::nested")] Box<Condition>),
    /// All hold.
    And(Vec<Condition>),
    /// At least one holds.
    Or(Vec<Condition>),
}

/// How many selections must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantifier {
    /// `all of`
    All,
    /// `1 of` and `any of`, or another number, which is an extension that the specification does not have.
    AtLeast(u32),
}

/// Which selections are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selector {
    /// `them`: all whose names do not begin with `_`.
    Them,
    /// A name with `*` for any number of characters.
    Pattern(String),
}

impl Selector {
    /// Whether a selection of that name is meant.
    pub fn names(&self, name: &str) -> bool {
        match self {
            Self::Them => !name.starts_with('_'),
            Self::Pattern(pattern) => {
                let hidden = name.starts_with('_') && !pattern.starts_with('_');
                !hidden && crate::Pattern::parse(pattern).matches(name, true)
            }
        }
    }
}

impl Condition {
    /// The names that stand in it by themselves, in the order written.
    pub(crate) fn selections(&self) -> Vec<&str> {
        match self {
            Self::Selection(name) => vec![name],
            Self::Of(..) => Vec::new(),
            Self::Not(inner) => inner.selections(),
            Self::And(members) | Self::Or(members) => members.iter().flat_map(Self::selections).collect(),
        }
    }

    /// Whether a part of the condition is negated.
    pub(crate) fn has_not(&self) -> bool {
        match self {
            Self::Not(_) => true,
            Self::And(members) | Self::Or(members) => members.iter().any(Self::has_not),
            Self::Selection(_) | Self::Of(..) => false,
        }
    }

    /// Reads a condition; `place` is where its text begins.
    ///
    /// # Errors
    /// The first word that does not fit, or the limit that the condition exceeds.
    pub fn parse(text: &str, place: Place) -> Result<Self, Diagnostic> {
        Self::parse_about(text, place, &[])
    }

    /// Reads a condition about selections of these names, which words such as `AND` mean before they mean
    /// a keyword.
    pub(crate) fn parse_about(text: &str, place: Place, names: &[&str]) -> Result<Self, Diagnostic> {
        let mut parser = Parser { tokens: tokens(text, place)?, at: 0, place, depth: 0, names };
        let condition = parser.or()?;
        match parser.peek() {
            None => Ok(condition),
            Some(token) => Err(parser.unexpected(token, "`and`, `or` or the end of the condition")),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Token {
    text: String,
    place: Place,
}

fn tokens(text: &str, start: Place) -> Result<Vec<Token>, Diagnostic> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut in_word = false;
    for (i, c) in (0u32..).zip(text.chars()) {
        let place = Place { line: start.line, column: start.column.saturating_add(i) };
        match c {
            '(' | ')' => {
                tokens.push(Token { text: c.to_string(), place });
                in_word = false;
            }
            '|' => {
                let message = "an aggregation behind `|` is not part of Sigma any more";
                return Err(Diagnostic::new(Code::LegacyAggregation, place, message)
                    .help("write a correlation rule, such as `type: event_count`"));
            }
            c if c.is_whitespace() => in_word = false,
            c if c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '.') => {
                match tokens.last_mut() {
                    Some(word) if in_word => word.text.push(c),
                    _ => tokens.push(Token { text: c.to_string(), place }),
                }
                in_word = true;
            }
            other => {
                let message = format!("`{other}` has no meaning in a condition");
                return Err(Diagnostic::new(Code::InvalidCondition, place, message));
            }
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    place: Place,
    depth: usize,
    /// Names of selections.
    names: &'a [&'a str],
}

impl Parser<'_> {
    /// Whether a word is a keyword: as the specification writes it, or in another case if no selection is
    /// called so.
    fn is(&self, token: &Token, keyword: &str) -> bool {
        let text = token.text.as_str();
        text == keyword || (text.eq_ignore_ascii_case(keyword) && !self.names.contains(&text))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| self.is(token, keyword));
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, token: &Token, wanted: &str) -> Diagnostic {
        let message = format!("found `{}` where {wanted} was expected", token.text);
        Diagnostic::new(Code::InvalidCondition, token.place, message)
    }

    fn ended(&self, wanted: &str) -> Diagnostic {
        let place = self.tokens.last().map_or(self.place, |token| token.place);
        Diagnostic::new(
            Code::InvalidCondition,
            place,
            format!("the condition ends where {wanted} was expected"),
        )
    }

    fn or(&mut self) -> Result<Condition, Diagnostic> {
        let mut members = vec![self.and()?];
        while self.take_keyword("or") {
            members.push(self.and()?);
        }
        Ok(joined(members, Condition::Or))
    }

    fn and(&mut self) -> Result<Condition, Diagnostic> {
        let mut members = vec![self.not()?];
        while self.take_keyword("and") {
            members.push(self.not()?);
        }
        Ok(joined(members, Condition::And))
    }

    fn not(&mut self) -> Result<Condition, Diagnostic> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("the condition nests deeper than {MAX_DEPTH} levels");
            return Err(Diagnostic::new(Code::LimitExceeded, self.place, message));
        }
        let result = if self.take_keyword("not") {
            self.not().map(|inner| Condition::Not(Box::new(inner)))
        } else {
            self.primary()
        };
        self.depth -= 1;
        result
    }

    fn primary(&mut self) -> Result<Condition, Diagnostic> {
        let wanted = "the name of a selection, `1 of`, `all of`, `not` or `(`";
        let Some(token) = self.take() else {
            return Err(self.ended(wanted));
        };
        if token.text == "(" {
            let inner = self.or()?;
            return match self.take() {
                Some(close) if close.text == ")" => Ok(inner),
                Some(other) => Err(self.unexpected(&other, "`)`")),
                None => Err(self.ended("`)`")),
            };
        }
        if self.peek().is_some_and(|next| self.is(next, "of"))
            && let Some(quantifier) = quantifier(&token.text)
        {
            self.at += 1;
            return self.selector().map(|selector| Condition::Of(quantifier, selector));
        }
        let is_keyword = ["and", "or", "not", "of"].iter().any(|keyword| self.is(&token, keyword));
        if token.text == ")" || is_keyword || token.text.contains('*') {
            return Err(self.unexpected(&token, wanted));
        }
        Ok(Condition::Selection(token.text))
    }

    fn selector(&mut self) -> Result<Selector, Diagnostic> {
        let wanted = "`them` or a name such as `selection_*`";
        match self.take() {
            None => Err(self.ended(wanted)),
            Some(token) if matches!(token.text.as_str(), "(" | ")") => Err(self.unexpected(&token, wanted)),
            Some(token) if self.is(&token, "them") => Ok(Selector::Them),
            Some(token) => Ok(Selector::Pattern(token.text)),
        }
    }
}

fn quantifier(text: &str) -> Option<Quantifier> {
    if text.eq_ignore_ascii_case("all") {
        return Some(Quantifier::All);
    }
    if text.eq_ignore_ascii_case("any") {
        return Some(Quantifier::AtLeast(1));
    }
    text.parse().ok().filter(|n| *n > 0).map(Quantifier::AtLeast)
}

fn joined(mut members: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match members.pop() {
        Some(only) if members.is_empty() => only,
        Some(last) => {
            members.push(last);
            join(members)
        }
        None => join(members),
    }
}

impl fmt::Display for Quantifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::AtLeast(n) => write!(f, "{n}"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Them => f.write_str("them"),
            Self::Pattern(pattern) => f.write_str(pattern),
        }
    }
}

impl fmt::Display for Condition {
    /// Writes the condition with as few parentheses as its meaning needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selection(name) => f.write_str(name),
            Self::Of(quantifier, selector) => write!(f, "{quantifier} of {selector}"),
            Self::Not(inner) => {
                f.write_str("not ")?;
                write_within(f, inner, matches!(**inner, Self::And(_) | Self::Or(_)))
            }
            Self::And(members) => {
                write_joined(f, members, " and ", |m| matches!(m, Self::Or(_) | Self::And(_)))
            }
            Self::Or(members) => write_joined(f, members, " or ", |m| matches!(m, Self::Or(_))),
        }
    }
}

fn write_joined(
    f: &mut fmt::Formatter<'_>,
    members: &[Condition],
    word: &str,
    needs_parentheses: fn(&Condition) -> bool,
) -> fmt::Result {
    for (i, member) in members.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        write_within(f, member, needs_parentheses(member))?;
    }
    Ok(())
}

fn write_within(f: &mut fmt::Formatter<'_>, condition: &Condition, parentheses: bool) -> fmt::Result {
    if parentheses { write!(f, "({condition})") } else { write!(f, "{condition}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let start = Place { line: 1, column: 1 };
        let shown = match Condition::parse(text, start) {
            Ok(condition) => {
                let printed = condition.to_string();
                assert_eq!(Condition::parse(&printed, start).as_ref(), Ok(&condition), "{printed}");
                printed
            }
            Err(problem) => problem.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn sentences() {
        check("selection", "selection");
        check("a or b and not c", "a or b and not c");
        check("(a or b) and not (c or d)", "(a or b) and not (c or d)");
        check("((a))", "a");
        check("1 of sel_* and not any of filter_*", "1 of sel_* and not 1 of filter_*");
        check("ALL of Them OR x", "all of them or x");
        check("2 of them", "2 of them");
        check("and_x or not-y", "and_x or not-y");
        check("not not a", "not not a");
        check("all", "all");
        check("a\nand b", "a and b");
    }

    /// A word in another case than the keyword's is a selection if there is one of that name.
    #[test]
    fn names_before_keywords() {
        let start = Place { line: 1, column: 1 };
        let shown = |names: &[&str]| Condition::parse_about("Not AND x", start, names).map(|c| c.to_string());
        assert_eq!(shown(&["Not", "x"]), Ok("Not and x".to_owned()));
        assert!(shown(&["x"]).is_err());
    }

    #[test]
    fn mistakes() {
        check(
            "",
            "1:1: the condition ends where the name of a selection, `1 of`, `all of`, `not` or `(` was expected [invalid-condition]",
        );
        check(
            "a and",
            "1:3: the condition ends where the name of a selection, `1 of`, `all of`, `not` or `(` was expected [invalid-condition]",
        );
        check(
            "a b",
            "1:3: found `b` where `and`, `or` or the end of the condition was expected [invalid-condition]",
        );
        check("(a", "1:2: the condition ends where `)` was expected [invalid-condition]");
        check("1 of a?", "1:7: `?` has no meaning in a condition [invalid-condition]");
        check("a, b", "1:2: `,` has no meaning in a condition [invalid-condition]");
        check(
            "1 of",
            "1:3: the condition ends where `them` or a name such as `selection_*` was expected [invalid-condition]",
        );
        check(
            "a | count() > 5",
            "1:3: an aggregation behind `|` is not part of Sigma any more [legacy-aggregation] (help: write a correlation rule, such as `type: event_count`)",
        );
        let deep = "(".repeat(10_000) + "a" + &")".repeat(10_000);
        check(&deep, "1:1: the condition nests deeper than 64 levels [limit-exceeded]");
    }

    #[test]
    fn selectors() {
        for (selector, name, expected) in [
            ("them", "a", true),
            ("them", "_a", false),
            ("sel*", "selection", true),
            ("*_x", "_x", false),
            ("_*", "_x", true),
            ("*a*b", "xaxb", true),
            ("sel", "sel", true),
            ("sel", "Sel", false),
        ] {
            let selector = match selector {
                "them" => Selector::Them,
                pattern => Selector::Pattern(pattern.to_owned()),
            };
            assert_eq!(selector.names(name), expected, "{selector} and {name}");
        }
    }
}
