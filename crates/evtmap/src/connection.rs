//! What connected to what: logons over the network and shares, as the hosts that were reached logged them.
//!
//! Which events tell it is data (`data/connections.toml`). They come as alerts like any other; what an address
//! means is only known when all of them were seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::alert::{Alert, AlertEvent};

/// The table that is part of the program.
const BUNDLED: &str = include_str!("../data/connections.toml");

/// Connections of one way that come within this time are one.
const APART: SignedDuration = SignedDuration::from_mins(10);
/// The largest numbers of ways, of connections, of sessions and of addresses that are kept; the log is an
/// attacker's.
const N_WAYS_MAX: usize = 20_000;
const N_CONNECTIONS_MAX: usize = 5_000;
const N_SESSIONS_MAX: usize = 50_000;
const N_ADDRESSES_MAX: usize = 50_000;
/// The longest name of a host, an account or a share that is kept, in bytes.
const NAME_MAX: usize = 300;

/// Fields in which an event names the logon session that it belongs to, the first that has one.
const SESSION_FIELDS: [&str; 3] = ["LogonId", "SubjectLogonId", "TargetLogonId"];
/// Sessions that every Windows has: of nobody, of the system and of its services. What is done in them has
/// nothing in common.
const COMMON_SESSIONS: [&str; 4] = ["0x0", "0x3e7", "0x3e4", "0x3e5"];

/// Which events tell what.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    event: Vec<Sign>,
    address: Vec<AddressSign>,
}

/// An event that tells that something connected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    channel: String,
    event_id: u32,
    #[serde(default, rename = "where")]
    wanted: BTreeMap<String, String>,
    how: String,
    detail: Option<String>,
    #[serde(default)]
    from: Vec<String>,
    to: Option<String>,
    account: String,
    session: Option<String>,
    #[serde(default)]
    failed: bool,
}

/// An event that tells which address a host has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressSign {
    channel: String,
    event_id: u32,
    #[serde(default, rename = "where")]
    wanted: BTreeMap<String, String>,
    host: Option<String>,
    address: String,
}

/// Collects what connected to what.
#[derive(Debug)]
pub struct Connections {
    table: Table,
    /// The connections of each way, in the order in which they came.
    ways: HashMap<Way, Vec<Times>>,
    n_connections: usize,
    n_left_out: u64,
    /// By host and id, what opened a session.
    sessions: HashMap<(String, String), Opening>,
    /// By address, the short names of hosts that had it.
    addresses: HashMap<String, BTreeSet<String>>,
}

/// What connections have in common that are told as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Way {
    from: String,
    to: String,
    account: String,
    how: String,
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first: Timestamp,
    last: Timestamp,
    n: u64,
}

/// What opened a logon session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The address or name that it was opened from.
    pub from: String,
    /// How, in words.
    pub how: String,
    /// The account.
    pub account: String,
}

/// A connection, or several of the same that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The address or name that it comes from, as the event writes it.
    pub from: String,
    /// The host or name that it goes to.
    pub to: String,
    /// The account, as the event spells it.
    pub account: String,
    /// What it is, in words.
    pub how: String,
    /// Whether it was refused.
    pub failed: bool,
    /// How many.
    pub n: u64,
    /// When the first was.
    pub first: Timestamp,
    /// When the last was.
    pub last: Timestamp,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            // A test reads the table, so that it is never empty in a program that was tested.
            table: toml::from_str(BUNDLED).unwrap_or_default(),
            ways: HashMap::new(),
            n_connections: 0,
            n_left_out: 0,
            sessions: HashMap::new(),
            addresses: HashMap::new(),
        }
    }
}

impl Connections {
    /// Takes an alert into account.
    pub fn add(&mut self, alert: &Alert) {
        let event = &alert.event;
        if alert.correlation.is_some() {
            return;
        }
        let table = std::mem::take(&mut self.table);
        for sign in table.address.iter().filter(|it| is_of(event, &it.channel, it.event_id, &it.wanted)) {
            self.note_address(event, sign);
        }
        let sign = table.event.iter().find(|it| is_of(event, &it.channel, it.event_id, &it.wanted));
        if let (Some(sign), Some(time)) = (sign, event.time) {
            self.note(event, time, sign);
        }
        self.table = table;
    }

    /// How many connections there was no room for.
    pub fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// All of them in the order of time.
    pub fn in_order(&self) -> Vec<Connection> {
        let mut all: Vec<Connection> = (self.ways.iter())
            .flat_map(|(way, times)| times.iter().map(|times| Connection::of(way, *times)))
            .collect();
        all.sort_by(|a, b| {
            let key = |one: &Connection| (one.first, one.last);
            let names = |one: &'_ Connection| {
                (one.from.clone(), one.to.clone(), one.account.clone(), one.how.clone())
            };
            key(a).cmp(&key(b)).then_with(|| names(a).cmp(&names(b)))
        });
        all
    }

    /// What opened a session, if it was seen.
    pub fn opening(&self, host: &str, session: &str) -> Option<&Opening> {
        self.sessions.get(&(host.to_owned(), session.to_owned()))
    }

    /// The addresses of hosts by their short names in lower case, of those that only one host had.
    pub fn hosts_by_address(&self) -> BTreeMap<&str, &str> {
        let known = self.addresses.iter().filter(|(_, hosts)| hosts.len() == 1);
        known.filter_map(|(address, hosts)| Some((address.as_str(), hosts.first()?.as_str()))).collect()
    }

    fn note_address(&mut self, event: &AlertEvent, sign: &AddressSign) {
        let host = match &sign.host {
            Some(name) => field(event, name),
            None => Some(event.said.computer.as_str()),
        };
        let (Some(host), Some(address)) = (host, field(event, &sign.address)) else { return };
        let address = plain_address(address);
        if is_own_address(address) || host.is_empty() || address.len() > NAME_MAX || host.len() > NAME_MAX {
            return;
        }
        if let Some(hosts) = self.addresses.get_mut(address) {
            // Two are as good as twenty: the address then tells nothing.
            if hosts.len() < 2 {
                hosts.insert(short_name(host));
            }
        } else if self.addresses.len() < N_ADDRESSES_MAX {
            self.addresses.insert(address.to_owned(), BTreeSet::from([short_name(host)]));
        }
    }

    fn note(&mut self, event: &AlertEvent, time: Timestamp, sign: &Sign) {
        let Some(account) = account(event, &sign.account) else { return };
        let (from, to) = match &sign.to {
            Some(to) => (Some(event.said.computer.as_str()), field(event, to)),
            None => {
                let named = sign.from.iter().filter_map(|name| field(event, name)).map(plain_address);
                let from = named.into_iter().find(|from| !is_own_address(from));
                (from, Some(event.said.computer.as_str()))
            }
        };
        let (Some(from), Some(to)) = (from, to) else { return };
        if to.is_empty() || to.eq_ignore_ascii_case("localhost") || short_name(from) == short_name(to) {
            return;
        }
        let detail = sign.detail.as_ref().and_then(|name| field(event, name)).map(share_name);
        let how = detail.map_or_else(|| sign.how.clone(), |detail| format!("{} {detail}", sign.how));
        if let Some(id) = sign.session.as_ref().and_then(|name| session_id(field(event, name)?)) {
            self.note_session(
                event,
                id,
                Opening { from: cut(from), how: cut(&how), account: account.clone() },
            );
        }
        let way = Way { from: cut(from), to: cut(to), account, how: cut(&how), failed: sign.failed };
        self.note_way(way, time);
    }

    /// The first that is seen of a session opened it.
    fn note_session(&mut self, event: &AlertEvent, id: String, opening: Opening) {
        if self.sessions.len() < N_SESSIONS_MAX && event.said.computer.len() <= NAME_MAX {
            self.sessions.entry((event.said.computer.clone(), id)).or_insert(opening);
        }
    }

    fn note_way(&mut self, way: Way, time: Timestamp) {
        let n_ways = self.ways.len();
        if let Some(times) = self.ways.get_mut(&way) {
            let is_near = |times: &&mut Times| {
                time >= times.first.saturating_sub(APART).unwrap_or(times.first)
                    && time <= times.last.saturating_add(APART).unwrap_or(times.last)
            };
            if let Some(times) = times.last_mut().filter(is_near) {
                *times = Times { first: times.first.min(time), last: times.last.max(time), n: times.n + 1 };
                return;
            }
        }
        if n_ways >= N_WAYS_MAX || self.n_connections >= N_CONNECTIONS_MAX {
            self.n_left_out += 1;
            return;
        }
        self.n_connections += 1;
        self.ways.entry(way).or_default().push(Times { first: time, last: time, n: 1 });
    }
}

impl Connection {
    fn of(way: &Way, times: Times) -> Self {
        let Way { from, to, account, how, failed } = way.clone();
        let Times { first, last, n } = times;
        Self { from, to, account, how, failed, n, first, last }
    }
}

/// The logon session that an event belongs to: its id in lower case. None for those that every Windows has.
pub fn session_of(event: &AlertEvent) -> Option<String> {
    SESSION_FIELDS.iter().find_map(|name| session_id(field(event, name)?))
}

/// A host's name without its domain, in lower case; an address is left as it is.
pub fn short_name(host: &str) -> String {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let name = if is_address { host } else { host.split('.').next().unwrap_or(host) };
    name.to_lowercase()
}

fn session_id(text: &str) -> Option<String> {
    let id = text.to_ascii_lowercase();
    (id.len() <= 40 && !COMMON_SESSIONS.contains(&id.as_str())).then_some(id)
}

fn is_of(event: &AlertEvent, channel: &str, event_id: u32, wanted: &BTreeMap<String, String>) -> bool {
    event.said.event_id == Some(event_id)
        && event.said.channel.eq_ignore_ascii_case(channel)
        && wanted
            .iter()
            .all(|(name, value)| field(event, name).is_some_and(|it| it.eq_ignore_ascii_case(value)))
}

fn field<'e>(event: &'e AlertEvent, name: &str) -> Option<&'e str> {
    event.said.fields.get(name).flatten().map(str::trim).filter(|value| !matches!(*value, "" | "-"))
}

/// `DOMAIN\name`, of an account that is no computer's and not nobody's.
fn account(event: &AlertEvent, named: &str) -> Option<String> {
    let account = match field(event, named) {
        Some(whole) => whole.to_owned(),
        None => {
            let name = field(event, &format!("{named}UserName"))?;
            let name = name.split_once('@').map_or(name, |(name, _)| name);
            match field(event, &format!("{named}DomainName")) {
                Some(domain) => format!(r"{domain}\{name}"),
                None => name.to_owned(),
            }
        }
    };
    let is_somebody = !account.ends_with('$') && !account.to_uppercase().ends_with("ANONYMOUS LOGON");
    is_somebody.then(|| cut(&account))
}

/// An address of version 4 that is written as one of version 6 as it is usually written; `WS01` for `\\WS01`.
fn plain_address(text: &str) -> &str {
    let text = text.trim_start_matches('\\');
    let short = text.get(..7).filter(|start| start.eq_ignore_ascii_case("::ffff:"));
    short.and_then(|_| text.get(7..)).unwrap_or(text)
}

/// Whether an address is that of the host itself, or of none.
fn is_own_address(text: &str) -> bool {
    let address: Option<std::net::IpAddr> = text.parse().ok();
    text.eq_ignore_ascii_case("local") || address.is_some_and(|it| it.is_loopback() || it.is_unspecified())
}

/// `ADMIN$` for `\\*\ADMIN$`.
fn share_name(text: &str) -> &str {
    text.trim_start_matches(['\\', '*'])
}

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(NAME_MAX)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::tests::detection;

    /// An alert of an event: minute, host, channel and id, and fields as `name=value`.
    fn alert(minute: i64, host: &str, id: u32, fields: &str) -> Alert {
        let mut alert = detection();
        let event = Arc::make_mut(&mut alert.event);
        event.time = Some(Timestamp::from_second(minute * 60).unwrap());
        event.said_mut().computer = host.to_owned();
        event.said_mut().channel =
            if id == 3 { "Microsoft-Windows-Sysmon/Operational" } else { "Security" }.to_owned();
        event.said_mut().event_id = Some(id);
        let pair =
            |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        event.said_mut().fields = fields.split(' ').filter_map(pair).collect();
        alert
    }

    #[track_caller]
    fn check(alerts: &[Alert], expected: &[&str]) {
        let mut connections = Connections::default();
        alerts.iter().for_each(|alert| connections.add(alert));
        let lines: Vec<String> = (connections.in_order().iter())
            .map(|one| {
                let refused = if one.failed { " refused" } else { "" };
                let minute = |time: Timestamp| time.as_second() / 60;
                let times = format!("{}-{} ×{}", minute(one.first), minute(one.last), one.n);
                format!("{} {} {} by {} ({}){refused}", times, one.from, one.to, one.account, one.how)
            })
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_table_is_read() {
        let table: Table = toml::from_str(BUNDLED).unwrap();
        assert!(table.event.iter().all(|sign| sign.to.is_some() == sign.from.is_empty()));
    }

    #[test]
    fn logons_and_shares() {
        let logon = "TargetUserName=ann TargetDomainName=CORP IpAddress=::ffff:10.0.0.5 TargetLogonId=0xAB";
        check(
            &[
                alert(1, "FS01", 4624, &format!("LogonType=3 {logon}")),
                alert(5, "FS01", 4624, &format!("LogonType=3 {logon}")),
                alert(20, "FS01", 4624, &format!("LogonType=10 {logon}")),
                alert(
                    21,
                    "FS01",
                    5140,
                    r"SubjectUserName=ann SubjectDomainName=CORP IpAddress=10.0.0.5 ShareName=\\*\ADMIN$",
                ),
                alert(
                    22,
                    "WS01",
                    4648,
                    "TargetUserName=adm TargetDomainName=CORP TargetServerName=FS01.corp",
                ),
                alert(23, "FS01", 4625, &format!("LogonType=3 {logon}")),
                // Within one host, of nobody, of a computer, of another kind.
                alert(
                    24,
                    "FS01",
                    4624,
                    "LogonType=3 TargetUserName=ann IpAddress=127.0.0.1 WorkstationName=FS01",
                ),
                alert(25, "FS01", 4624, "LogonType=3 TargetUserName=WS01$ IpAddress=10.0.0.5"),
                alert(26, "FS01", 4624, "LogonType=2 TargetUserName=ann IpAddress=10.0.0.5"),
                alert(27, "WS01", 4648, "TargetUserName=adm TargetServerName=localhost"),
            ],
            &[
                r"1-5 ×2 10.0.0.5 FS01 by CORP\ann (network logon)",
                r"20-20 ×1 10.0.0.5 FS01 by CORP\ann (remote desktop)",
                r"21-21 ×1 10.0.0.5 FS01 by CORP\ann (share ADMIN$)",
                r"22-22 ×1 WS01 FS01.corp by CORP\adm (other credentials)",
                r"23-23 ×1 10.0.0.5 FS01 by CORP\ann (network logon) refused",
            ],
        );
    }

    #[test]
    fn sessions_and_addresses() {
        let mut connections = Connections::default();
        let logon =
            "LogonType=3 TargetUserName=ann IpAddress=10.0.0.5 WorkstationName=WS01 TargetLogonId=0xAB";
        connections.add(&alert(1, "FS01", 4624, logon));
        connections.add(&alert(2, "WS02.corp", 3, "Initiated=true SourceIp=10.0.0.6"));
        connections.add(&alert(2, "WS03.corp", 3, "Initiated=true SourceIp=10.0.0.7"));
        connections.add(&alert(2, "WS04.corp", 3, "Initiated=true SourceIp=10.0.0.7"));
        let opening = connections.opening("FS01", "0xab").unwrap();
        assert_eq!((opening.from.as_str(), opening.how.as_str()), ("10.0.0.5", "network logon"));
        let hosts = connections.hosts_by_address();
        assert_eq!(hosts.into_iter().collect::<Vec<_>>(), [("10.0.0.5", "ws01"), ("10.0.0.6", "ws02")]);
        let session = |fields: &str| session_of(&alert(1, "FS01", 1, fields).event);
        assert_eq!(session("LogonId=0xAB SubjectLogonId=0xcd").as_deref(), Some("0xab"));
        assert_eq!(session("SubjectLogonId=0x3e7 TargetLogonId=0xcd").as_deref(), Some("0xcd"));
        assert_eq!(session("SubjectLogonId=0x3e7"), None);
    }
}
