//! Secrets that a source asks for. They are never shown.

use std::fmt;
use std::path::Path;

/// A secret that says who asks.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token of the first of some variables, from the environment or else from a file of lines
    /// `NAME=VALUE`, as `.env` is.
    #[must_use]
    pub fn find(names: &[String], file: &Path) -> Option<Self> {
        let from_environment = names.iter().find_map(|name| std::env::var(name).ok());
        let text = || std::fs::read_to_string(file).ok();
        let value = from_environment.or_else(|| {
            let text = text()?;
            names.iter().find_map(|name| value_of(&text, name))
        })?;
        // What would break the header is no token.
        let is_fine = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
        is_fine.then_some(Self(value))
    }

    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn value_of(text: &str, wanted: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        (name.trim() == wanted).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_file() {
        let text = "# GITHUB_TOKEN=no\nOTHER=1\nexport GITHUB_TOKEN = \"abc=\"\nGITHUB_PAT='x'\n";
        assert_eq!(value_of(text, "GITHUB_TOKEN").as_deref(), Some("abc="));
        assert_eq!(value_of(text, "GITHUB_PAT").as_deref(), Some("x"));
        assert_eq!(value_of(text, "TOKEN"), None);
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", Token("secret".to_owned())), "Token(…)");
    }
}
