//! Names of hosts and accounts as people write them: `*` for any characters, `?` for one, in any case.

use std::fmt;

use evtmap_sigma::{Part, Pattern};

/// The name of hosts. One without a dot is also the first part of a longer one: `DC*` is `DC01.corp.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostGlob {
    text: String,
    pattern: Pattern,
    has_dot: bool,
}

/// The name of accounts. One without a backslash is that of any domain: `admin*` is `CORP\admin.ada`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountGlob {
    text: String,
    pattern: Pattern,
    has_domain: bool,
}

impl HostGlob {
    /// Reads a name; everything but `*` and `?` is itself.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: pattern(text), has_dot: text.contains('.') }
    }

    /// Whether it is made of wildcards alone, `*` among them, and so is the name of all hosts.
    pub fn fits_everything(&self) -> bool {
        self.pattern.fits_everything()
    }

    /// Whether a host is called so. One whose name is unknown is not.
    pub fn matches(&self, host: &str) -> bool {
        let short = host.split('.').next().unwrap_or(host);
        !host.is_empty()
            && (self.pattern.matches(host, false) || !self.has_dot && self.pattern.matches(short, false))
    }
}

impl AccountGlob {
    /// Reads a name; everything but `*` and `?` is itself.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: pattern(text), has_domain: text.contains('\\') }
    }

    /// Whether it is made of wildcards alone, `*` among them, and so is the name of all accounts.
    pub fn fits_everything(&self) -> bool {
        self.pattern.fits_everything()
    }

    /// Whether an account is called so: a name, or domain and name as `DOMAIN\name`.
    pub fn matches(&self, account: &str) -> bool {
        let name = account.rsplit('\\').next().unwrap_or(account);
        !name.is_empty() && self.pattern.matches(if self.has_domain { account } else { name }, false)
    }
}

impl fmt::Display for HostGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for AccountGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Sigma's own patterns take a backslash before a wildcard as one that makes it plain; in `CORP\*` it is the end
/// of the domain.
fn pattern(text: &str) -> Pattern {
    let mut parts = Vec::new();
    let mut plain = String::new();
    for c in text.chars() {
        let wildcard = match c {
            '*' => Part::Any,
            '?' => Part::One,
            c => {
                plain.push(c);
                continue;
            }
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(wildcard);
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Pattern::from_parts(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (glob, host, expected) in [
            ("DC01", "dc01", true),
            ("DC01", "DC01.corp.example", true),
            ("DC*", "DC01.corp.example", true),
            ("*.corp.example", "DC01.corp.example", true),
            ("*.corp.example", "DC01", false),
            ("dc01.corp.example", "DC01", false),
            ("DC0?", "DC010", false),
            ("*", "", false),
        ] {
            assert_eq!(HostGlob::new(glob).matches(host), expected, "{glob} {host}");
        }
    }

    #[test]
    fn accounts() {
        for (glob, account, expected) in [
            ("admin*", r"CORP\Admin.Ada", true),
            ("admin*", "administrator", true),
            (r"CORP\*", r"corp\ada", true),
            (r"CORP\*", r"OTHER\ada", false),
            (r"CORP\*", "ada", false),
            ("CORP*", r"CORP\ada", false),
            ("*", r"CORP\", false),
        ] {
            assert_eq!(AccountGlob::new(glob).matches(account), expected, "{glob} {account}");
        }
    }
}
