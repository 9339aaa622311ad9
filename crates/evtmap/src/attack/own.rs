//! What techniques are in a sentence of the project's own, for when no bundle with MITRE's texts is loaded.

use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use super::technique::TechniqueId;

/// `data/attack/descriptions.tsv`, compressed by the build script.
static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptions.tsv.gz"));

/// Unpacked when the first description is asked for.
#[expect(clippy::expect_used, reason = "the data is part of the program, and tests load it")]
static TEXT: LazyLock<String> =
    LazyLock::new(|| io::read_to_string(GzDecoder::new(PACK)).expect("the embedded descriptions are whole"));

static DESCRIPTIONS: LazyLock<BTreeMap<TechniqueId, &str>> = LazyLock::new(|| lines(&TEXT).collect());

/// What a technique is, in one sentence by the project's contributors; nothing for a technique that the
/// newest embedded release does not have or no longer uses.
#[must_use]
pub fn own_description(id: TechniqueId) -> Option<&'static str> {
    DESCRIPTIONS.get(&id).copied()
}

/// Ids and sentences. Lines that begin with `#` tell of the file.
fn lines(text: &str) -> impl Iterator<Item = (TechniqueId, &str)> {
    let entries = text.lines().filter(|line| !line.starts_with('#'));
    entries.filter_map(|line| line.split_once('\t').and_then(|(id, text)| Some((id.parse().ok()?, text))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Catalogue, Status};
    use super::*;

    #[test]
    fn every_technique_in_use_has_one_sentence() {
        let catalogue = Catalogue::bundled();
        let active = catalogue.techniques().iter().filter(|technique| technique.status == Status::Active);
        let active: Vec<String> = active.map(|technique| technique.id.to_string()).collect();
        let entries = TEXT.lines().filter(|line| !line.starts_with('#'));
        let told: Vec<&str> = entries.map(|line| line.split_once('\t').unwrap_or((line, "")).0).collect();
        // Both are in the order of their ids, so that an id too many, too few or twice is seen.
        assert_eq!(told, active);
        assert_eq!(DESCRIPTIONS.len(), active.len());
        let version = catalogue.version().unwrap();
        assert!(TEXT.lines().take_while(|line| line.starts_with('#')).any(|line| line.contains(version)));
    }

    #[test]
    fn sentences_are_of_one_make() {
        let mut seen = BTreeSet::new();
        for (id, text) in lines(&TEXT) {
            let n_words = text.split(' ').count();
            assert!((12..=25).contains(&n_words), "{id} has {n_words} words: {text}");
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{id}: {text}");
            assert!(text.split(' ').all(|word| !word.is_empty()), "{id}: {text}");
            assert_eq!(super::super::plain_text(text), text, "{id} is plain text");
            assert!(seen.insert(text), "{id} says what another says: {text}");
        }
    }
}
