//! What Windows writes in a message in place of some values, turned back.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use rustc_hash::FxHashMap;

use super::Reading;

/// What stands between constants.
const BETWEEN: [char; 4] = ['\n', '\t', '\r', ','];
/// What may stand around a constant.
const AROUND: [char; 6] = [' ', '\n', '\t', '\r', ',', ':'];

/// The values by what stands for them in messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Meanings {
    /// `Impersonation` is 1833, which is written `%%1833`. Some texts stand for several constants.
    constants: FxHashMap<String, Vec<u32>>,
    /// `NT AUTHORITY\SYSTEM` is `S-1-5-18`.
    sids: FxHashMap<String, String>,
    /// `Domain Admins` is 512: the last part of its SID in every domain.
    rids: FxHashMap<String, u32>,
}

impl Meanings {
    /// Adds the meanings of constants, and the names of SIDs and of their last parts.
    pub(super) fn extend(
        &mut self,
        constants: BTreeMap<u32, String>,
        sids: HashMap<String, Vec<String>>,
        rids: BTreeMap<u32, Vec<String>>,
    ) {
        for (number, text) in constants {
            let numbers = self.constants.entry(text).or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        for (sid, names) in sids {
            self.sids.extend(names.into_iter().map(|name| (name, sid.clone())));
        }
        for (rid, names) in rids {
            self.rids.extend(names.into_iter().map(|name| (name, rid)));
        }
    }

    /// The value that is written as `text`, where it is another.
    pub(super) fn original(&self, text: &str, reading: Reading) -> Option<Cow<'_, str>> {
        match reading {
            Reading::Sid => {
                let known = self.sids.get(text).map(|sid| Cow::Borrowed(sid.as_str()));
                known.or_else(|| self.sid_of_domain(text).map(Cow::Owned))
            }
            Reading::Constant(near) => self.constants_in(text, near).map(Cow::Owned),
            // `<value not set>` may stand for any value.
            Reading::AsWritten if text.starts_with('<') => {
                self.constant(text, 0).map(|number| Cow::Owned(format!("%%{number}")))
            }
            // Windows puts marks of direction into dates.
            Reading::AsWritten if text.starts_with('\u{200e}') => {
                Some(Cow::Owned(text.replace('\u{200e}', "")))
            }
            Reading::AsWritten => hexadecimal(text).map(Cow::Owned),
        }
    }

    /// The SID of an account or group that every domain has. The domain's own part is not in the name, and
    /// what stands in its place can be taken for nothing else.
    fn sid_of_domain(&self, text: &str) -> Option<String> {
        let (domain, name) = text.split_once('\\')?;
        let rid = self.rids.get(name).filter(|_| !domain.is_empty())?;
        Some(format!("S-1-5-21-?-{rid}"))
    }

    /// The constant that `text` stands for; of several the one that is nearest to `near`.
    fn constant(&self, text: &str, near: u32) -> Option<u32> {
        self.constants.get(text)?.iter().copied().min_by_key(|number| number.abs_diff(near))
    }

    /// The constants that `text` lists, one a line or after commas, or before a colon the reason for one.
    fn constants_in(&self, text: &str, near: u32) -> Option<String> {
        if let Some(number) = self.constant(text, near) {
            return Some(format!("%%{number}"));
        }
        // Most are one word, which was no constant.
        if !text.bytes().any(|byte| AROUND.contains(&char::from(byte))) {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut is_other = false;
        for piece in text.split_inclusive(BETWEEN) {
            let word = piece.trim_matches(AROUND);
            match self.constant(word, near).zip(piece.split_once(word)) {
                Some((number, (before, after))) => {
                    is_other = true;
                    // Writing to a string cannot fail.
                    let _ = write!(out, "{before}%%{number}{after}");
                }
                None => out.push_str(piece),
            }
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
