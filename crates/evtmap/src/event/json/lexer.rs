//! JSON taken apart token by token, without a tree and without a copy.
//!
//! Logs are read far more often than anything else is done with them, and nearly all of their text is strings
//! that are only passed on: what is worth a lexer of our own is that a string's end is found many bytes at a
//! time, and that its escapes are undone where its text is kept. It is lenient where being strict would cost
//! an event: control characters in strings are taken as they are, and half of a surrogate pair becomes
//! U+FFFD.
//!
//! Source: RFC 8259.

use std::borrow::Cow;
use std::fmt;

use super::escape::unescape;
use crate::sixteen;

/// How deep arrays and objects may lie in each other in a value that is passed over.
pub(crate) const MAX_SKIPPED_DEPTH: usize = u128::BITS as usize;

/// What is wrong with a text that should be JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Where, in bytes from the start of the text.
    pub at: usize,
    /// What, in words.
    pub reason: Cow<'static, str>,
}

impl JsonError {
    /// The error for a text as a whole.
    pub(crate) fn whole(reason: impl fmt::Display) -> Self {
        Self { at: 0, reason: reason.to_string().into() }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for JsonError {}

type Result<T> = std::result::Result<T, JsonError>;

/// The beginning of a value; all of it where it has no members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'j> {
    /// `{`; its members are read with [`Lexer::key`].
    Object,
    /// `[`; its items are read with [`Lexer::has_item`].
    Array,
    Text(Text<'j>),
    /// As it is written.
    Number(&'j str),
    Bool(bool),
    Null,
}

/// A string between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text<'j> {
    /// As it is written.
    raw: &'j str,
    has_escapes: bool,
    /// Where it begins, for errors.
    at: usize,
}

impl<'j> Text<'j> {
    /// The string that a text is as a whole, where that is seen at once: it has no escapes.
    pub(crate) fn plain(json: &'j str) -> Option<&'j str> {
        let raw = json.strip_prefix('"')?.strip_suffix('"')?;
        memchr::memchr2(b'"', b'\\', raw.as_bytes()).is_none().then_some(raw)
    }

    /// The string that a text is as a whole, of which it is known already whether it has escapes.
    pub(crate) fn between_quotes(json: &'j str, has_escapes: bool) -> Option<Self> {
        let raw = json.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self { raw, has_escapes, at: 1 })
    }

    pub(crate) fn has_escapes(self) -> bool {
        self.has_escapes
    }

    pub(crate) fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// The text, where it has no escapes.
    pub(crate) fn as_written(self) -> Option<&'j str> {
        (!self.has_escapes).then_some(self.raw)
    }

    /// The text; copied only where it has escapes.
    pub(crate) fn text(self) -> Result<Cow<'j, str>> {
        if !self.has_escapes {
            return Ok(Cow::Borrowed(self.raw));
        }
        let mut text = String::with_capacity(self.raw.len());
        self.push_to(&mut text)?;
        Ok(Cow::Owned(text))
    }

    /// Appends the text.
    pub(crate) fn push_to(self, text: &mut String) -> Result<()> {
        if !self.has_escapes {
            text.push_str(self.raw);
            return Ok(());
        }
        unescape(self.raw, text).map_err(|at| error(self.at + at, "there is no such escape"))
    }
}

fn error(at: usize, reason: impl Into<Cow<'static, str>>) -> JsonError {
    JsonError { at, reason: reason.into() }
}

/// A place in a JSON text.
#[derive(Debug)]
pub(crate) struct Lexer<'j> {
    text: &'j str,
    at: usize,
}

impl<'j> Lexer<'j> {
    /// The start of a text.
    pub(crate) fn new(text: &'j str) -> Self {
        Self { text, at: 0 }
    }

    /// An error at this place.
    pub(crate) fn error(&self, reason: impl Into<Cow<'static, str>>) -> JsonError {
        error(self.at, reason)
    }

    /// Where this is, in bytes from the start of the text.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What comes from here on.
    pub(crate) fn rest(&self) -> &'j str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes so many bytes of what [`rest`](Self::rest) gave.
    pub(crate) fn pass(&mut self, n_bytes: usize) {
        self.at += n_bytes;
    }

    /// Passes what stands behind a member of an object; says whether there is another one.
    pub(crate) fn has_more(&mut self) -> Result<bool> {
        self.goes_on(b'}', &mut false)
    }

    /// The first byte that is not blank, if there is any; it is not passed.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Whether an object follows; it is not passed.
    pub(crate) fn is_at_object(&mut self) -> bool {
        self.peek() == Some(b'{')
    }

    /// Passes a value that has no members, or the bracket with which one begins that has.
    pub(crate) fn value(&mut self) -> Result<Token<'j>> {
        let Some(byte) = self.peek() else { return Err(self.error("the text ends before a value")) };
        match byte {
            b'"' => self.string().map(Token::Text),
            b'{' => {
                self.at += 1;
                Ok(Token::Object)
            }
            b'[' => {
                self.at += 1;
                Ok(Token::Array)
            }
            b'-' | b'0'..=b'9' => self.number().map(Token::Number),
            b't' => self.word("true", Token::Bool(true)),
            b'f' => self.word("false", Token::Bool(false)),
            b'n' => self.word("null", Token::Null),
            _ => Err(self.error("this is not the beginning of a value")),
        }
    }

    /// Passes the key of an object's next member, or the object's end. `is_first` says whether the object has
    /// just begun, and is kept up.
    pub(crate) fn key(&mut self, is_first: &mut bool) -> Result<Option<Text<'j>>> {
        if !self.goes_on(b'}', is_first)? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.error("the key of a member is missing"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.error("there is no `:` behind the key of a member"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Passes what stands between an array's items, or its end; says whether an item follows. `is_first` is
    /// as for [`key`](Self::key).
    pub(crate) fn has_item(&mut self, is_first: &mut bool) -> Result<bool> {
        self.goes_on(b']', is_first)
    }

    fn goes_on(&mut self, end: u8, is_first: &mut bool) -> Result<bool> {
        let is_first = std::mem::take(is_first);
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if is_first => Ok(true),
            Some(_) => Err(self.error("there is no `,` between two members")),
            None => Err(self.error("the text ends within an object or array")),
        }
    }

    /// Passes a value whatever it is, and gives it as it is written.
    pub(crate) fn skip(&mut self) -> Result<&'j str> {
        self.peek();
        let start = self.at;
        self.skip_to_end()?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Passes a value whatever it is, and gives its beginning.
    pub(crate) fn skip_to_end(&mut self) -> Result<Token<'j>> {
        let first = self.value()?;
        if matches!(first, Token::Object | Token::Array) {
            self.skip_members(first)?;
        }
        Ok(first)
    }

    /// Passes what follows the bracket of an object or array, up to its end.
    fn skip_members(&mut self, bracket: Token<'j>) -> Result<()> {
        // A bit for each object or array around this place, the innermost the lowest: whether it is an object.
        let mut around = u128::from(bracket == Token::Object);
        let (mut depth, mut is_first) = (1, true);
        while depth > 0 {
            let goes_on = if around & 1 == 1 {
                self.key(&mut is_first)?.is_some()
            } else {
                self.has_item(&mut is_first)?
            };
            if !goes_on {
                around >>= 1;
                depth -= 1;
                continue;
            }
            let value = self.value()?;
            is_first = matches!(value, Token::Object | Token::Array);
            if is_first {
                if depth == MAX_SKIPPED_DEPTH {
                    return Err(self.error(format!("values lie deeper than {depth} in each other")));
                }
                around = around << 1 | u128::from(value == Token::Object);
                depth += 1;
            }
        }
        Ok(())
    }

    /// Makes sure that nothing but blanks is left.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("there is more behind the value")),
        }
    }

    fn string(&mut self) -> Result<Text<'j>> {
        let start = self.at + 1;
        let Some((end, has_escapes)) = string_end(self.text.as_bytes(), start) else {
            return Err(self.error("a string is not closed"));
        };
        self.at = end + 1;
        // Quotes and backslashes are never a part of another character.
        Ok(Text { raw: self.text.get(start..end).unwrap_or_default(), has_escapes, at: start })
    }

    fn number(&mut self) -> Result<&'j str> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default().as_bytes();
        let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(is_part).count();
        let number = self.text.get(start..start + length).unwrap_or_default();
        if !is_number(number.as_bytes()) {
            return Err(self.error("this is no number"));
        }
        self.at += length;
        Ok(number)
    }

    fn word(&mut self, word: &str, token: Token<'j>) -> Result<Token<'j>> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.error("this is not the beginning of a value"));
        }
        self.at += word.len();
        Ok(token)
    }
}

/// Whether a text is a number in full.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let n = digits(rest);
    if n == 0 || n > 1 && rest.starts_with(b"0") {
        return false;
    }
    let mut rest = rest.get(n..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = fraction.get(n..).unwrap_or_default();
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent =
            exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let n = digits(exponent);
        return n > 0 && n == exponent.len();
    }
    rest.is_empty()
}

/// Where the quote stands that ends a string, and whether there are escapes before it.
fn string_end(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let at = start + quote_or_backslash(bytes.get(start..)?)?;
    if bytes.get(at) == Some(&b'"') {
        return Some((at, false));
    }
    // Where there is one escape there are many, as in a message of many lines; quotes among them are few.
    let mut from = at + 2;
    loop {
        let quote = from + memchr::memchr(b'"', bytes.get(from..)?)?;
        let before = bytes.get(from..quote).unwrap_or_default();
        let n_backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        if n_backslashes % 2 == 0 {
            return Some((quote, true));
        }
        from = quote + 1;
    }
}

/// The first quote or backslash.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let (bytes, n_bytes) = sixteen::first(rest, b' ');
        let n_before = sixteen::n_before_quote_or_backslash(bytes);
        if n_before < n_bytes {
            return Some(at + n_before);
        }
        at += n_bytes;
    }
}

#[cfg(test)]
mod tests;
