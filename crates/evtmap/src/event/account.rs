//! Who did it.

use std::fmt::{self, Display};

use super::Event;

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

impl Event {
    /// Who did it, as far as the event says.
    ///
    /// The first of these that is a person: the field `User`; `SubjectUserName` with its domain;
    /// `TargetUserName` with its domain. When all are services or machines, the first that is anything at
    /// all; when there is none, the SID in `Security_UserID`. Empty names and `-` count as nothing.
    pub fn user(&self) -> Option<Account<'_>> {
        const NAMES: [(Option<&str>, &str); 3] = [
            (None, "User"),
            (Some("SubjectDomainName"), "SubjectUserName"),
            (Some("TargetDomainName"), "TargetUserName"),
        ];
        let mut anyone = None;
        for account in NAMES.into_iter().filter_map(|(domain, name)| self.account(domain, name)) {
            if !account.is_service() {
                return Some(account);
            }
            anyone = anyone.or(Some(account));
        }
        anyone.or_else(|| self.system("Security_UserID").map(|name| Account { domain: "", name }))
    }

    fn account(&self, domain: Option<&str>, name: &str) -> Option<Account<'_>> {
        let text = |field| self.first(field)?.text().map(str::trim).filter(|text| !matches!(*text, "" | "-"));
        let name = text(name)?;
        let (domain, name) =
            match (domain.map(|field| text(field).unwrap_or_default()), name.split_once('\\')) {
                (Some(domain), _) => (domain, name),
                (None, Some((domain, name))) => (domain, name),
                (None, None) => ("", name),
            };
        Some(match name.rsplit_once('@') {
            // Kerberos gives the domain twice.
            Some((name, realm)) if realm.eq_ignore_ascii_case(domain) => Account { domain, name },
            Some(_) => Account { domain: "", name },
            None => Account { domain, name },
        })
    }
}
