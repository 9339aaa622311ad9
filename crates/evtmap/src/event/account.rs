//! Who did it.

use std::fmt::{self, Display};

/// A Windows account; displayed as `DOMAIN\name`, or as the name alone when the domain is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// The domain or computer that the account belongs to; empty when unknown.
    pub domain: &'a str,
    /// The account's name, or its SID.
    pub name: &'a str,
}

impl Account<'_> {
    /// Whether this is the computer itself or one of the service accounts that every Windows has.
    pub fn is_service(&self) -> bool {
        const SERVICES: [&str; 4] = ["SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE", "ANONYMOUS LOGON"];
        let (name, _) = self.name.split_once('@').unwrap_or((self.name, ""));
        name.ends_with('$') || SERVICES.iter().any(|service| self.name.eq_ignore_ascii_case(service))
    }
}

impl Display for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.domain.is_empty() {
            write!(f, "{}\\", self.domain)?;
        }
        f.write_str(self.name)
    }
}
