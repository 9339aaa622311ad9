//! What a licence is called, by its text.

use serde::Deserialize;

const TABLE: &str = include_str!("../data/licences.toml");

/// The most characters that are kept of what a licence calls itself.
const N_CHARS: usize = 80;

#[derive(Deserialize)]
struct Table {
    licence: Vec<Licence>,
}

#[derive(Deserialize)]
struct Licence {
    says: String,
    name: String,
}

/// What a licence is called: the name of one that is known, or else its first line that says something.
pub(crate) fn name(text: &str) -> Option<String> {
    let table: Option<Table> = toml::from_str(TABLE).ok();
    let known =
        table.into_iter().flat_map(|table| table.licence).find(|licence| text.contains(&licence.says));
    known.map(|licence| licence.name).or_else(|| {
        let lines = text.lines().map(|line| line.trim().trim_start_matches('#').trim());
        let line = lines.into_iter().find(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).take(N_CHARS).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(name(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn names_of_licences() {
        assert!(toml::from_str::<Table>(TABLE).unwrap().licence.len() > 3);
        check(
            "# Licences\n\n- rules: [Detection Rule License (DRL) 1.1]",
            Some("Detection Rule License (DRL) 1.1"),
        );
        check("\n  Apache License\n Version 2.0", Some("Apache License 2.0"));
        check("\n# Do what you like\n\ntext", Some("Do what you like"));
        check(" \n", None);
    }
}
