//! Learns from recordings which part of an event's message is which field.
//!
//! A recording has the message and the fields beside it. Lines of the message that begin with a label are put
//! side by side with the fields over all records of a kind; where the value after a label is the field's in
//! (nearly) all of them, the two belong together. Written are labels, names of fields, and what Windows
//! writes for its constants; no recorded value is.

mod bind;
mod message;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, bail};
use evtmap::event::message::Messages;

use self::bind::Kind;
use crate::recordings::{self, Record};
use crate::root;

pub(crate) const ABOUT: &str = "[--check] learns crates/evtmap/data/messages/learnt.toml from recordings";

/// The records of a kind that are learnt from, and how many of them an archive may give.
const N_RECORDS_MAX: usize = 3000;
const N_RECORDS_OF_ARCHIVE_MAX: usize = 300;

const WRITTEN: &str = "crates/evtmap/data/messages/written.toml";
const LEARNT: &str = "crates/evtmap/data/messages/learnt.toml";

/// Provider and event id.
type Key = (String, u32);

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let path = root().join(LEARNT);
    let text = learn()?;
    Messages::parse(&[&text]).context("what was learnt cannot be read")?;
    match arguments {
        [] => {
            fs::write(&path, &text).with_context(|| format!("cannot write {LEARNT}"))?;
            Ok(format!("wrote {} layouts to {LEARNT}", text.matches("[[event]]").count()))
        }
        [check] if check == "--check" => {
            if fs::read_to_string(&path).unwrap_or_default() != text {
                bail!("{LEARNT} is stale; run `cargo xtask layouts`");
            }
            Ok(format!("{LEARNT} is up to date"))
        }
        [other, ..] => bail!("unknown argument `{other}`"),
    }
}

/// The text of the data file.
fn learn() -> anyhow::Result<String> {
    let written =
        fs::read_to_string(root().join(WRITTEN)).with_context(|| format!("cannot read {WRITTEN}"))?;
    let written = Messages::parse(&[&written]).context(WRITTEN)?;
    let mut constants = BTreeMap::new();
    let mut events = String::new();
    for ((provider, id), records) in collect(&written)? {
        let kind = Kind::learn(&records);
        if kind.n_fields() == 0 {
            continue;
        }
        writeln!(events, "\n[[event]]\nprovider = {provider:?}\nid = {id}")?;
        if let Some(opening) = kind.closing() {
            writeln!(events, "until = [{opening:?}]")?;
        }
        writeln!(events, "labels = '''\n{kind}'''")?;
        for (number, meaning) in kind.constants() {
            // Of two meanings the first that was learnt stays; there is none in the recordings.
            constants.entry(*number).or_insert_with(|| meaning.clone());
        }
    }
    let mut text = HEAD.to_owned();
    text.push_str("[constant]\n");
    for (number, meaning) in constants {
        writeln!(text, "{number} = {meaning:?}")?;
    }
    text.push_str(&events);
    Ok(text)
}

const HEAD: &str = "\
# Which part of an event's message is which field, learnt from recordings by `cargo xtask layouts`: do not edit.
# README.md beside this file describes the form and says what it was learnt from.

# What Windows writes for `%%N`.
";

/// Some records of each kind that has no written layout.
fn collect(written: &Messages) -> anyhow::Result<BTreeMap<Key, Vec<Record>>> {
    let mut kinds: BTreeMap<Key, Vec<Record>> = BTreeMap::new();
    for archive in recordings::archives()? {
        let mut n_taken: BTreeMap<Key, usize> = BTreeMap::new();
        recordings::read(&archive, &mut |record| {
            let key = (record.provider.clone(), record.event_id);
            let n_taken = n_taken.entry(key.clone()).or_default();
            if *n_taken < N_RECORDS_OF_ARCHIVE_MAX
                && !written.knows(&key.0, key.1)
                && !record.fields.is_empty()
            {
                let records = kinds.entry(key).or_default();
                if records.len() < N_RECORDS_MAX {
                    *n_taken += 1;
                    records.push(record);
                }
            }
        })?;
    }
    Ok(kinds)
}

/// The words of a name: `SubjectUserName`, `Account Name`.
fn words(name: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    let mut was_lower = false;
    for char in name.chars() {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_lower) {
            words.insert(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            word.extend(char.to_lowercase());
        }
        was_lower = char.is_lowercase();
    }
    words.insert(word);
    words.remove("");
    words
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn layouts_are_up_to_date() {
        if root().join("../shared/data/otrf").exists() {
            run(&["--check".to_owned()]).unwrap();
        } else {
            // Not by `println`, which is shown of failing tests only.
            let _ = writeln!(std::io::stderr(), "skipped: the recordings are not beside the repository");
        }
    }

    #[test]
    fn words_of_names() {
        let check = |name: &str, expected: &[&str]| {
            assert_eq!(words(name).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{name}");
        };
        check("SubjectUserSid", &["sid", "subject", "user"]);
        check("Account Name", &["account", "name"]);
        check("OldUacValue", &["old", "uac", "value"]);
    }
}
