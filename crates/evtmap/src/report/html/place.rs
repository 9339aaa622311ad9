//! Hosts, accounts and logon sessions: each once, ranked, and how one leads to another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::attack::Attack;
use super::builder::{by_severity, index, severity_index};
use super::document::{Connection, Host, Index, Ranked, Session, User};
use super::text::Table;
use crate::account::AccountNames;
use crate::alert::{Alert, Kind};
use crate::connection::{Connections, short_name};
use crate::risk::{Risk, Risks};
use crate::severity::Severity;

/// How many alerts are named for each host and account.
const N_DECISIVE: usize = 4;
/// The largest number of addresses of a host, and of other spellings of an account.
const N_NAMES_MAX: usize = 8;
/// The largest number of connections in a page.
const N_CONNECTIONS_MAX: usize = 2_000;

/// The tables of hosts, accounts and sessions.
pub(super) struct Places<'a> {
    names: &'a AccountNames,
    seen: &'a Connections,
    known_hosts: Table<String>,
    known_users: Table<String>,
    known_sessions: Table<(Index, String)>,
    hosts: Vec<Host>,
    users: Vec<User>,
    also: Vec<BTreeSet<String>>,
    sessions: Vec<(String, Session)>,
    /// The first alert of each finding on a host, and of an account.
    first_on_host: HashMap<(Index, &'a str), Index>,
    first_of_user: HashMap<(Index, &'a str), Index>,
}

impl<'a> Places<'a> {
    pub(super) fn new(names: &'a AccountNames, seen: &'a Connections) -> Self {
        Self {
            names,
            seen,
            known_hosts: Table::default(),
            known_users: Table::default(),
            known_sessions: Table::default(),
            hosts: Vec::new(),
            users: Vec::new(),
            also: Vec::new(),
            sessions: Vec::new(),
            first_on_host: HashMap::new(),
            first_of_user: HashMap::new(),
        }
    }

    /// The index of a host; -1 for one without a name.
    pub(super) fn host(&mut self, name: &str) -> Index {
        if name.is_empty() {
            return -1;
        }
        let (number, is_new) = self.known_hosts.index(name.to_owned());
        if is_new {
            self.hosts.push(Host { ranked: unranked(name), addresses: Vec::new() });
        }
        number
    }

    /// The index of an account, however it is spelled.
    pub(super) fn user(&mut self, spelling: &str) -> Index {
        let name = self.names.of(spelling);
        let (number, is_new) = self.known_users.index(name.to_lowercase());
        if is_new {
            self.users.push(User { ranked: unranked(name), also: Vec::new() });
            self.also.push(BTreeSet::new());
        }
        let place = usize::try_from(number).ok();
        if let Some(also) = place.and_then(|place| self.also.get_mut(place))
            && also.len() < N_NAMES_MAX
            && !spelling.eq_ignore_ascii_case(name)
        {
            also.insert(spelling.to_owned());
        }
        number
    }

    /// The index of a logon session.
    pub(super) fn session(&mut self, computer: &str, id: String, user: Index) -> Index {
        let host = self.host(computer);
        if host < 0 {
            return -1;
        }
        let (number, is_new) = self.known_sessions.index((host, id.clone()));
        if is_new {
            let session =
                Session { host, id, user, from: -1, from_text: String::new(), opened: String::new() };
            self.sessions.push((computer.to_owned(), session));
        }
        number
    }

    /// Notes an alert that may be the first of its rule on its host and of its account.
    pub(super) fn note(&mut self, alert: &'a Alert, number: Index) {
        if alert.finding.kind != Kind::Detection || alert.finding.severity < Some(Severity::Low) {
            return;
        }
        let host = self.host(&alert.event.said.computer);
        let user = alert.event.said.user.as_deref().map_or(-1, |user| self.user(user));
        let key = alert.finding.key();
        self.first_on_host.entry((host, key)).or_insert(number);
        self.first_of_user.entry((user, key)).or_insert(number);
    }

    /// Ranks hosts and accounts.
    pub(super) fn rank(&mut self, hosts: &Risks, accounts: &Risks, attack: &Attack) {
        for risk in hosts.ranked(&str::to_owned) {
            let number = self.host(&risk.name);
            let ranked = ranked(&risk, number, &self.first_on_host, attack);
            if let Some(host) = at(&mut self.hosts, number) {
                host.ranked = ranked;
            }
        }
        let names = self.names;
        for risk in accounts.ranked(&|spelling| names.of(spelling).to_owned()) {
            let number = self.user(&risk.name);
            let ranked = ranked(&risk, number, &self.first_of_user, attack);
            if let Some(user) = at(&mut self.users, number) {
                user.ranked = Ranked { name: std::mem::take(&mut user.ranked.name), ..ranked };
            }
        }
    }

    /// The connections of which this report has one end at least, those between two of its hosts first if
    /// there are too many; and where sessions were opened from.
    pub(super) fn connections(&mut self) -> Vec<Connection> {
        let directory = Directory::new(&self.hosts, self.seen);
        for (address, host) in &directory.addresses {
            if let Some(host) = at(&mut self.hosts, *host)
                && host.addresses.len() < N_NAMES_MAX
            {
                host.addresses.push((*address).to_owned());
            }
        }
        for (computer, session) in &mut self.sessions {
            if let Some(opening) = self.seen.opening(computer, &session.id) {
                session.from = directory.host(&opening.from);
                session.from_text.clone_from(&opening.from);
                session.opened.clone_from(&opening.how);
            }
        }
        let all = self.seen.in_order().into_iter().map(|one| {
            let (from, to) = (directory.host(&one.from), directory.host(&one.to));
            (from, to, one)
        });
        let mut all: Vec<_> = all.filter(|(from, to, _)| (*from >= 0 || *to >= 0) && from != to).collect();
        if all.len() > N_CONNECTIONS_MAX {
            all.sort_by_key(|(from, to, one)| (*from < 0 || *to < 0, one.first));
            all.truncate(N_CONNECTIONS_MAX);
            all.sort_by_key(|(_, _, one)| one.first);
        }
        let connection = |(from, to, one): (Index, Index, crate::connection::Connection)| Connection {
            from,
            from_text: one.from,
            to,
            to_text: one.to,
            user: self.user(&one.account),
            how: one.how,
            failed: one.failed,
            n: one.n,
            first: one.first.as_microsecond(),
            last: one.last.as_microsecond(),
        };
        all.into_iter().map(connection).collect()
    }

    /// The tables, when all is in them.
    pub(super) fn tables(mut self) -> (Vec<Host>, Vec<User>, Vec<Session>) {
        for (user, also) in self.users.iter_mut().zip(self.also) {
            user.also = also.into_iter().collect();
        }
        (self.hosts, self.users, self.sessions.into_iter().map(|(_, session)| session).collect())
    }
}

/// Which host is meant by a name or an address.
struct Directory<'s> {
    by_name: BTreeMap<String, Option<Index>>,
    addresses: BTreeMap<&'s str, Index>,
}

impl<'s> Directory<'s> {
    fn new(hosts: &[Host], seen: &'s Connections) -> Self {
        let mut by_name = BTreeMap::new();
        for (number, host) in hosts.iter().enumerate() {
            // A short name that two hosts have means neither.
            let known = by_name.entry(short_name(&host.ranked.name)).or_insert(Some(index(number)));
            *known = known.filter(|known| *known == index(number));
        }
        let addresses = seen.hosts_by_address().into_iter();
        let addresses = addresses.filter_map(|(address, name)| Some((address, (*by_name.get(name)?)?)));
        let addresses = addresses.collect();
        Self { by_name, addresses }
    }

    fn host(&self, named: &str) -> Index {
        let of_name = || self.by_name.get(&short_name(named)).copied().flatten();
        self.addresses.get(named).copied().or_else(of_name).unwrap_or(-1)
    }
}

fn at<T>(table: &mut [T], number: Index) -> Option<&mut T> {
    usize::try_from(number).ok().and_then(|place| table.get_mut(place))
}

fn unranked(name: &str) -> Ranked {
    Ranked {
        name: name.to_owned(),
        score: 0,
        detections: [0; 5],
        tactics: Vec::new(),
        first: None,
        last: None,
        decisive: Vec::new(),
    }
}

fn ranked(risk: &Risk, number: Index, first: &HashMap<(Index, &str), Index>, attack: &Attack) -> Ranked {
    let tactics = risk.tactics.iter();
    let mut tactics: Vec<(Index, Index)> = tactics
        .filter_map(|(tactic, worst)| Some((attack.known_tactic(tactic)?, severity_index(Some(*worst)))))
        .collect();
    tactics.sort_unstable();
    Ranked {
        name: risk.name.clone(),
        score: risk.score,
        detections: by_severity(|severity| risk.severities.get(&severity).copied()),
        tactics,
        first: risk.span.0.map(|(first, _)| first.as_microsecond()),
        last: risk.span.0.map(|(_, last)| last.as_microsecond()),
        decisive: decisive(risk, number, first),
    }
}

/// The alerts that tell most: of the weightiest findings first those that show a tactic which none before
/// does.
fn decisive(risk: &Risk, number: Index, first: &HashMap<(Index, &str), Index>) -> Vec<Index> {
    let mut told = BTreeSet::new();
    let mut chosen = Vec::new();
    for wants_new in [true, false] {
        for finding in &risk.findings {
            let Some(alert) = first.get(&(number, finding.key())) else { continue };
            let is_new = finding.tactics.iter().any(|tactic| !told.contains(&tactic.id));
            if chosen.len() < N_DECISIVE && !chosen.contains(alert) && (is_new || !wants_new) {
                told.extend(finding.tactics.iter().map(|tactic| tactic.id.clone()));
                chosen.push(*alert);
            }
        }
    }
    chosen
}
