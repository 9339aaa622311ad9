//! Which events tell of logons, and what is in their fields. The data is in `data/logons`.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;

use crate::event::Event;

/// What an event tells of a logon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logon {
    /// When it was.
    pub time: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// The type in words.
    pub kind: String,
    /// The type's number.
    pub logon_type: Option<u32>,
    /// The account; empty when the event does not tell.
    pub user: String,
    /// Its domain.
    pub domain: String,
    /// Who used the account's credentials.
    pub by: Option<String>,
    /// The host that was logged on to.
    pub host: String,
    /// The address it was from.
    pub address: String,
    /// The computer it was from.
    pub workstation: String,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// The number of the session.
    pub session: Option<String>,
    /// Whether it is an account that Windows itself logs on with, and not at a keyboard.
    pub is_service: bool,
}

/// How a logon ended, or what else an event tells of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// The event does not tell.
    Tried,
    /// The session has ended.
    Ended,
    /// The session has rights of an administrator.
    Privileged,
}

/// Which events tell of logons.
#[derive(Debug)]
pub struct LogonKinds {
    types: BTreeMap<String, String>,
    services: Services,
    reasons: HashMap<String, HashMap<u32, String>>,
    by_id: HashMap<u32, Vec<Layout>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    types: BTreeMap<String, String>,
    services: Services,
    reasons: HashMap<String, BTreeMap<String, String>>,
    event: Vec<Layout>,
}

/// Accounts that Windows itself logs on with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Services {
    names: Vec<String>,
    prefixes: Vec<String>,
}

/// Where an event has what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layout {
    channel: String,
    id: u32,
    outcome: LayoutOutcome,
    #[serde(default)]
    way: String,
    #[serde(rename = "type")]
    logon_type: Option<String>,
    #[serde(default)]
    user: Vec<String>,
    #[serde(default)]
    domain: Vec<String>,
    #[serde(default)]
    by: Vec<String>,
    to: Option<String>,
    address: Option<String>,
    workstation: Option<String>,
    #[serde(default)]
    from_here: bool,
    #[serde(default)]
    status: Vec<String>,
    reasons: Option<String>,
    session: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum LayoutOutcome {
    Succeeded,
    Failed,
    Tried,
    Ended,
    Privileged,
    /// What the status says.
    Status,
}

/// The types of logon of somebody who sits at a keyboard, here or elsewhere. No machine does.
const AT_A_KEYBOARD: [u32; 6] = [2, 7, 10, 11, 12, 13];

impl LogonKinds {
    /// The events that the program knows.
    ///
    /// # Errors
    /// A mistake in the data, which a test keeps from happening.
    pub fn bundled() -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(include_str!("../../../data/logons/logons.toml"))?;
        let mut by_id: HashMap<u32, Vec<Layout>> = HashMap::new();
        for layout in file.event {
            by_id.entry(layout.id).or_default().push(layout);
        }
        let by_number = |table: BTreeMap<String, String>| {
            table.into_iter().filter_map(|(code, words)| Some((number(&code)?, words))).collect()
        };
        let reasons = file.reasons.into_iter().map(|(name, table)| (name, by_number(table))).collect();
        Ok(Self { types: file.types, services: file.services, reasons, by_id })
    }

    /// What the types of logon are called, by their numbers.
    pub fn types(&self) -> &BTreeMap<String, String> {
        &self.types
    }

    /// What an event tells of a logon; nothing for an event of another kind.
    pub fn read(&self, event: &Event) -> Option<Logon> {
        let layouts = self.by_id.get(&event.event_id()?)?;
        let layout = layouts.iter().find(|own| own.channel.eq_ignore_ascii_case(event.channel()))?;
        let logon_type = layout.logon_type.as_deref().and_then(|name| field(event, name)?.parse().ok());
        let (domain, user) = account(
            first(event, &layout.domain).unwrap_or_default(),
            first(event, &layout.user).unwrap_or_default(),
        );
        let (is_failure, reason) = self.reason(layout, event);
        let outcome = match layout.outcome {
            LayoutOutcome::Succeeded => Outcome::Succeeded,
            LayoutOutcome::Status if !is_failure => Outcome::Succeeded,
            LayoutOutcome::Failed | LayoutOutcome::Status => Outcome::Failed,
            LayoutOutcome::Tried => Outcome::Tried,
            LayoutOutcome::Ended => Outcome::Ended,
            LayoutOutcome::Privileged => Outcome::Privileged,
        };
        let named = |name: &Option<String>| name.as_deref().and_then(|name| field(event, name));
        let from_here = event.computer().to_owned();
        let to = named(&layout.to).filter(|to| !to.eq_ignore_ascii_case("localhost"));
        Some(Logon {
            time: event.time(),
            outcome,
            kind: self.in_words(layout, logon_type),
            logon_type,
            by: first(event, &layout.by).map(str::to_owned),
            host: to.unwrap_or(event.computer()).to_owned(),
            address: named(&layout.address).map(address).unwrap_or_default(),
            workstation: if layout.from_here {
                from_here
            } else {
                named(&layout.workstation).unwrap_or_default().trim_start_matches('\\').to_owned()
            },
            reason,
            session: named(&layout.session).map(str::to_owned),
            is_service: self.is_service(user, logon_type),
            user: user.to_owned(),
            domain: domain.to_owned(),
        })
    }

    /// The type in words. A number that nobody knows is shown as it is.
    fn in_words(&self, layout: &Layout, logon_type: Option<u32>) -> String {
        match logon_type {
            Some(number) => {
                let number = number.to_string();
                self.types.get(&number).cloned().unwrap_or_else(|| format!("type {number}"))
            }
            None if layout.way.is_empty() => "unknown".to_owned(),
            None => layout.way.clone(),
        }
    }

    /// Whether an event's status tells of a failure, and which in words. A code that nobody knows is shown as
    /// it is.
    fn reason(&self, layout: &Layout, event: &Event) -> (bool, Option<String>) {
        let mut codes = layout.status.iter().filter_map(|name| field(event, name));
        let Some(code) = codes.find(|code| number(code) != Some(0)) else { return (false, None) };
        let table = layout.reasons.as_ref().and_then(|name| self.reasons.get(name));
        let words = table.and_then(|table| table.get(&number(code)?));
        (true, Some(words.cloned().unwrap_or_else(|| format!("status {}", code.to_lowercase()))))
    }

    /// An attacker may give an account the name of a machine, so that one who sits at a keyboard is none.
    fn is_service(&self, user: &str, logon_type: Option<u32>) -> bool {
        let is_name = self.services.names.iter().any(|name| name.eq_ignore_ascii_case(user));
        let begins = |prefix: &String| {
            let begin = user.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
            let end = user.get(prefix.len()..).unwrap_or_default();
            begin && !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_machine = user.ends_with('$') && !logon_type.is_some_and(|it| AT_A_KEYBOARD.contains(&it));
        is_name || is_machine || self.services.prefixes.iter().any(begins)
    }
}

/// The value of a field, when it says something.
fn field<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    event.first(name)?.text().map(str::trim).filter(|text| !matches!(*text, "" | "-"))
}

fn first<'e>(event: &'e Event, names: &[String]) -> Option<&'e str> {
    names.iter().find_map(|name| field(event, name))
}

/// Domain and name of an account. Kerberos writes `ada@CORP.EXAMPLE`, remote desktop `CORP\ada`.
fn account<'e>(domain: &'e str, user: &'e str) -> (&'e str, &'e str) {
    if let Some((domain, user)) = user.split_once('\\') {
        return (domain, user);
    }
    match user.rsplit_once('@') {
        Some((user, realm)) if domain.is_empty() || realm.eq_ignore_ascii_case(domain) => (realm, user),
        _ => (domain, user),
    }
}

/// An address as people know it: an IPv4 address within an IPv6 address is that IPv4 address.
fn address(text: &str) -> String {
    text.strip_prefix("::ffff:").filter(|rest| rest.contains('.')).unwrap_or(text).to_owned()
}

/// A number in decimal or hexadecimal.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
