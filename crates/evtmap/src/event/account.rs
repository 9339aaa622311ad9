//! Who did it.

use std::fmt::{self, Display};

use rustc_hash::FxHashMap;

use super::{Event, Names, trimmed};

/// How many shapes of events are remembered, by numbers and by names.
const N_NUMBERS_MAX: usize = 4_096;
const N_NAMED_MAX: usize = 512;

/// A Windows account; displayed as `DOMAIN\name`, or as the name alone when the domain is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// The domain or computer that the account belongs to; empty when unknown.
    pub domain: &'a str,
    /// The account's name, or its SID.
    pub name: &'a str,
}

/// The field that names an account, and the one that has its domain.
type Fields = (Option<&'static str>, &'static str);

/// Where accounts are looked for who did something.
const FIELDS: [Fields; 3] = [
    (None, "User"),
    (Some("SubjectDomainName"), "SubjectUserName"),
    (Some("TargetDomainName"), "TargetUserName"),
];

/// The places of these fields in an event: of the domain and of the name.
type Places = [(Option<u32>, Option<u32>); FIELDS.len()];

/// Where in events of one shape, with the same names in the same order, the accounts are: found once for each.
#[derive(Debug, Default)]
pub(crate) struct AccountPlaces {
    /// By the number that the reader has for the shape.
    by_shape: FxHashMap<u64, Places>,
    /// By the names, for readers that have no numbers.
    by_names: FxHashMap<(Option<u32>, usize), Named>,
}

/// The names of an event's fields, and where among them the accounts are.
#[derive(Debug)]
struct Named {
    names: Names,
    places: Places,
}

impl AccountPlaces {
    /// Who did it; the same as [`Event::user`].
    pub(crate) fn user<'e>(&mut self, event: &'e Event) -> Option<Account<'e>> {
        let places = match event.shape() {
            Some(shape) => self.by_shape(shape, event),
            None => self.by_names(event),
        };
        event.user_at(&places)
    }

    fn by_shape(&mut self, shape: u64, event: &Event) -> Places {
        if self.by_shape.len() >= N_NUMBERS_MAX {
            self.by_shape.clear();
        }
        *self.by_shape.entry(shape).or_insert_with(|| event.account_places())
    }

    /// Events with the same id and as many fields nearly always have the same names: the last of them tells.
    fn by_names(&mut self, event: &Event) -> Places {
        let key = (event.event_id(), event.n_fields());
        if let Some(last) = self.by_names.get(&key)
            && event.has_names(&last.names)
        {
            return last.places;
        }
        let places = event.account_places();
        if event.has_usual_names() {
            if self.by_names.len() >= N_NAMED_MAX {
                self.by_names.clear();
            }
            self.by_names.insert(key, Named { names: event.names(), places });
        }
        places
    }
}

impl Account<'_> {
    /// The text that is displayed, in parts.
    pub(crate) fn parts(&self) -> [&str; 3] {
        [self.domain, if self.domain.is_empty() { "" } else { "\\" }, self.name]
    }

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
        self.user_at(&self.account_places())
    }

    fn account_places(&self) -> Places {
        let place = |name| self.first_index(name).and_then(|index| u32::try_from(index).ok());
        FIELDS.map(|(domain, name)| (domain.and_then(place), place(name)))
    }

    fn user_at(&self, places: &Places) -> Option<Account<'_>> {
        let mut anyone = None;
        let accounts = FIELDS.iter().zip(places);
        for account in accounts.filter_map(|((domain, _), places)| self.account(domain.is_some(), *places)) {
            if !account.is_service() {
                return Some(account);
            }
            anyone = anyone.or(Some(account));
        }
        anyone.or_else(|| self.system("Security_UserID").map(|name| Account { domain: "", name }))
    }

    fn account(&self, has_domain: bool, places: (Option<u32>, Option<u32>)) -> Option<Account<'_>> {
        let text = |place: Option<u32>| {
            let (.., value) = self.field(usize::try_from(place?).ok()?)?;
            value.text().map(trimmed).filter(|text| !matches!(*text, "" | "-"))
        };
        let name = text(places.1)?;
        let (domain, name) = match name.split_once('\\') {
            _ if has_domain => (text(places.0).unwrap_or_default(), name),
            Some((domain, name)) => (domain, name),
            None => ("", name),
        };
        Some(match name.rsplit_once('@') {
            // Kerberos gives the domain twice.
            Some((name, realm)) if realm.eq_ignore_ascii_case(domain) => Account { domain, name },
            Some(_) => Account { domain: "", name },
            None => Account { domain, name },
        })
    }
}
