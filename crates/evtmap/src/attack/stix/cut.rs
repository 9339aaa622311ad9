//! Cuts a bundle into its objects without reading what is in them.
//!
//! A bundle has 50 MB, and of most of its objects a few properties are wanted. So the objects are found by
//! their braces alone, one at a time in a buffer that the next one reuses, and each is then read as a slice.

use std::io::Read;

use memchr::{memchr2, memchr3};

use crate::attack::AttackError;

/// The largest object that is read, in bytes. ATT&CK's largest has 3 million: a list of all others.
const N_OBJECT_MAX: usize = 64 << 20;
/// The name of the list of objects.
const OBJECTS: &[u8] = b"objects";

/// Finds the objects of a bundle in what a reader gives.
pub(super) struct Cutter<R> {
    reader: R,
    /// How much is read at once, in bytes.
    n_read: usize,
    buffer: Vec<u8>,
    /// Up to where the buffer was looked at.
    at: usize,
    /// How many bytes there were before the buffer.
    n_before: u64,
    place: Place,
    has_objects: bool,
}

/// Where in the bundle the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the bundle's brace.
    Before,
    /// Among the bundle's own properties.
    Bundle,
    /// In the list of objects.
    List,
    /// After the bundle's closing brace.
    After,
}

impl<R: Read> Cutter<R> {
    /// Reads so many bytes at once.
    pub(super) fn new(reader: R, n_read: usize) -> Self {
        Self {
            reader,
            n_read,
            buffer: Vec::new(),
            at: 0,
            n_before: 0,
            place: Place::Before,
            has_objects: false,
        }
    }

    /// The next object; nothing at the end of the bundle.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, AttackError> {
        self.forget();
        loop {
            let Some(byte) = self.skip_blank()? else { return self.end() };
            match (self.place, byte) {
                (Place::Before, b'{') | (Place::List, b']') => self.step(Place::Bundle),
                (Place::Before, b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => {
                    return Err(AttackError::NotBundle("it holds something else".to_owned()));
                }
                (Place::Bundle, b'"') => self.property()?,
                (Place::Bundle, b'}') => self.step(Place::After),
                (Place::List, b'{') => {
                    let start = self.at;
                    self.value()?;
                    return Ok(self.buffer.get(start..self.at));
                }
                (Place::Bundle | Place::List, b',') => self.at += 1,
                (Place::List, _) => {
                    return Err(AttackError::NotBundle("its list holds what is no object".to_owned()));
                }
                _ => return Err(self.broken("there is something that does not belong there")),
            }
        }
    }

    fn step(&mut self, place: Place) {
        self.place = place;
        self.at += 1;
    }

    /// A property of the bundle: the list of objects, or one that is passed over.
    fn property(&mut self) -> Result<(), AttackError> {
        let start = self.at;
        self.value()?;
        let is_list = self.buffer.get(start + 1..self.at - 1) == Some(OBJECTS);
        if self.skip_blank()? != Some(b':') {
            return Err(self.broken("a property has no value"));
        }
        self.at += 1;
        match (is_list, self.skip_blank()?) {
            (true, Some(b'[')) => {
                self.has_objects = true;
                self.step(Place::List);
                Ok(())
            }
            (true, Some(_)) => Err(AttackError::NotBundle("its objects are no list".to_owned())),
            _ => self.value(),
        }
    }

    fn end(&self) -> Result<Option<&[u8]>, AttackError> {
        match self.place {
            Place::After if self.has_objects => Ok(None),
            Place::After => Err(AttackError::NotBundle("it has no objects".to_owned())),
            _ => Err(self.broken("it ends too early")),
        }
    }

    /// Passes over a value and leaves it in the buffer.
    fn value(&mut self) -> Result<(), AttackError> {
        let start = self.at;
        let (mut depth, mut is_text) = (0u32, false);
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let found = if is_text {
                memchr2(b'"', b'\\', rest)
            } else if depth > 0 {
                next_mark(rest)
            } else {
                // A value of its own may be a number or a word, which ends where something else begins.
                rest.iter().position(|byte| !is_of_word(*byte))
            };
            let Some(found) = found else {
                self.at = self.buffer.len();
                if !self.fill()? {
                    return Err(self.broken("it ends too early"));
                }
                continue;
            };
            let byte = rest.get(found).copied().unwrap_or_default();
            self.at += found + 1;
            match (byte, is_text) {
                // What follows a backslash is not looked at.
                (b'\\', true) => {
                    while self.at >= self.buffer.len() {
                        if !self.fill()? {
                            return Err(self.broken("it ends too early"));
                        }
                    }
                    self.at += 1;
                }
                (b'"', _) => is_text = !is_text,
                (b'{' | b'[', false) => depth += 1,
                (b'}' | b']', false) if depth > 0 => depth -= 1,
                (_, true) => {}
                (_, false) if depth == 0 && self.at - 1 > start => {
                    self.at -= 1;
                    return Ok(());
                }
                (_, false) => return Err(self.broken("there is something that does not belong there")),
            }
            if depth == 0 && !is_text && matches!(byte, b'"' | b'}' | b']') {
                return Ok(());
            }
        }
    }

    /// Passes over blanks and gives the byte behind them; nothing at the end of the input.
    fn skip_blank(&mut self) -> Result<Option<u8>, AttackError> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            match rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(found) => {
                    self.at += found;
                    return Ok(self.buffer.get(self.at).copied());
                }
                None => {
                    self.at = self.buffer.len();
                    if !self.fill()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Drops what was looked at, when it is much: each byte is moved once and not with every object.
    fn forget(&mut self) {
        if self.at >= self.n_read {
            self.buffer.drain(..self.at);
            self.n_before += self.at as u64;
            self.at = 0;
        }
    }

    /// Reads more; says whether there was any.
    fn fill(&mut self) -> Result<bool, AttackError> {
        if self.buffer.len() > N_OBJECT_MAX {
            return Err(AttackError::TooLarge(N_OBJECT_MAX as u64));
        }
        let mut next = (&mut self.reader).take(self.n_read as u64);
        Ok(next.read_to_end(&mut self.buffer).map_err(AttackError::Read)? > 0)
    }

    fn broken(&self, what: &str) -> AttackError {
        AttackError::Broken(format!("{what}, at byte {}", self.n_before + self.at as u64))
    }
}

/// The next byte that opens or closes something, or begins a text.
fn next_mark(bytes: &[u8]) -> Option<usize> {
    // The second search is bounded by what the first found, which is near.
    let first = memchr3(b'"', b'{', b'}', bytes);
    let before = bytes.get(..first.unwrap_or(bytes.len())).unwrap_or_default();
    memchr2(b'[', b']', before).or(first)
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}
