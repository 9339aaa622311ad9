//! What Windows writes in a message in place of some values, turned back.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::Reading;

/// The values by what stands for them in messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Meanings {
    /// `Impersonation` is `%%1833`.
    constants: HashMap<String, String>,
    /// `NT AUTHORITY\SYSTEM` is `S-1-5-18`.
    sids: HashMap<String, String>,
}

impl Meanings {
    /// Adds the meanings of constants and the names of SIDs. Of several constants that mean the same the one
    /// with the lowest number counts.
    pub(super) fn extend(&mut self, constants: HashMap<String, String>, sids: HashMap<String, Vec<String>>) {
        let by_number = constants.into_iter().filter_map(|(number, text)| Some((number.parse().ok()?, text)));
        for (number, text) in by_number.collect::<BTreeMap<u32, String>>() {
            self.constants.entry(text).or_insert_with(|| format!("%%{number}"));
        }
        for (sid, names) in sids {
            self.sids.extend(names.into_iter().map(|name| (name, sid.clone())));
        }
    }

    /// The value that is written as `text`, where it is another.
    pub(super) fn original(&self, text: &str, reading: Reading) -> Option<Cow<'_, str>> {
        match reading {
            Reading::Sid => self.sids.get(text).map(|sid| Cow::Borrowed(sid.as_str())),
            Reading::Constant => self.constants_in(text).map(Cow::Owned),
            // `<value not set>` may stand for any value.
            Reading::AsWritten if text.starts_with('<') => self.constant(text).map(Cow::Borrowed),
            Reading::AsWritten => hexadecimal(text).map(Cow::Owned),
        }
    }

    fn constant(&self, text: &str) -> Option<&str> {
        self.constants.get(text).map(String::as_str)
    }

    /// The constants that `text` lists, one a line or after commas, or before a colon the reason for one.
    fn constants_in(&self, text: &str) -> Option<String> {
        if let Some(constant) = self.constant(text) {
            return Some(constant.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut is_other = false;
        for piece in text.split_inclusive(['\n', '\t', '\r', ',']) {
            let blanks = piece.len() - piece.trim_start().len();
            let (before, rest) = piece.split_at_checked(blanks)?;
            let word = rest.trim_end_matches(['\n', '\t', '\r', ',', ':']);
            let after = rest.get(word.len()..)?;
            let constant = self.constant(word);
            is_other |= constant.is_some();
            // Writing to a string cannot fail.
            let _ = write!(out, "{before}{}{after}", constant.unwrap_or(word));
        }
        is_other.then_some(out)
    }
}

/// Messages show some numbers in capitals, `0x3E7`; as values they are in small letters.
fn hexadecimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x")?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_capitals = digits.bytes().any(|byte| byte.is_ascii_uppercase());
    (is_number && has_capitals).then(|| text.to_ascii_lowercase())
}
