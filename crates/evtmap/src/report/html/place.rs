//! Hosts, accounts and logon sessions: each once, ranked, and how one leads to another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::attack::Attack;
use super::document::{Connection, Host, Index, Session, User};
use super::limit::{self, Limits};
use super::rank::{Ranks, rank, unranked};
use super::text::Table;
use crate::account::AccountNames;
use crate::alert::{Alert, Kind};
use crate::connection::{self, Connections, short_name};
use crate::severity::Severity;

/// The tables of hosts, accounts and sessions.
pub(super) struct Places<'a> {
    names: &'a AccountNames,
    seen: &'a Connections,
    limits: Limits,
    /// By their whole names, which the page may have shortened.
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
    pub(super) fn new(names: &'a AccountNames, seen: &'a Connections, limits: Limits) -> Self {
        Self {
            names,
            seen,
            limits,
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
            self.hosts.push(Host { ranked: unranked(name, self.limits.name), addresses: Vec::new() });
        }
        number
    }

    /// The index of an account, however it is spelled.
    pub(super) fn user(&mut self, spelling: &str) -> Index {
        let name = self.names.of(spelling);
        let (number, is_new) = self.known_users.index(name.to_lowercase());
        if is_new {
            self.users.push(User { ranked: unranked(name, self.limits.name), also: Vec::new() });
            self.also.push(BTreeSet::new());
        }
        let place = usize::try_from(number).ok();
        if let Some(also) = place.and_then(|place| self.also.get_mut(place))
            && also.len() < self.limits.n_names
            && !spelling.eq_ignore_ascii_case(name)
        {
            also.insert(limit::name(spelling, self.limits.name));
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

    /// Tells the risk of the first hosts and accounts. Others are there by name where an alert is about them.
    pub(super) fn rank(&mut self, ranks: &Ranks, attack: &Attack) {
        for risk in ranks.hosts.iter().take(self.limits.n_ranked) {
            let number = self.host(&risk.name);
            if let Some(host) = at(&mut self.hosts, number) {
                rank(&mut host.ranked, risk, number, &self.first_on_host, attack);
            }
        }
        for risk in ranks.accounts.iter().take(self.limits.n_ranked) {
            let number = self.user(&risk.name);
            if let Some(user) = at(&mut self.users, number) {
                rank(&mut user.ranked, risk, number, &self.first_of_user, attack);
            }
        }
    }

    /// The connections of which this report has one end at least, those between two of its hosts first if
    /// there are too many; how many are not shown; and where sessions were opened from.
    pub(super) fn connections(&mut self) -> (Vec<Connection>, usize) {
        let directory = Directory::new(&self.known_hosts, self.seen);
        for (address, host) in &directory.addresses {
            if let Some(host) = at(&mut self.hosts, *host)
                && host.addresses.len() < self.limits.n_names
            {
                host.addresses.push(limit::name(address, self.limits.name));
            }
        }
        for (computer, session) in &mut self.sessions {
            if let Some(opening) = self.seen.opening(computer, &session.id) {
                session.from = directory.host(&opening.from);
                session.from_text = limit::name(&opening.from, self.limits.name);
                session.opened = limit::name(&opening.how, self.limits.name);
            }
        }
        let all = self.seen.in_order().into_iter().map(|one| {
            let (from, to) = (directory.host(&one.from), directory.host(&one.to));
            (from, to, one)
        });
        // What a host tells of itself under two names is no connection.
        let all: Vec<_> = all.filter(|(from, to, _)| from != to || *from < 0).collect();
        let n_all = all.len();
        let mut all: Vec<_> = all.into_iter().filter(|(from, to, _)| *from >= 0 || *to >= 0).collect();
        if all.len() > self.limits.n_connections {
            all.sort_by_key(|(from, to, one)| (*from < 0 || *to < 0, one.first));
            all.truncate(self.limits.n_connections);
            all.sort_by_key(|(_, _, one)| one.first);
        }
        let n_left_out = n_all - all.len();
        (all.into_iter().map(|(from, to, one)| self.connection(from, to, &one)).collect(), n_left_out)
    }

    fn connection(&mut self, from: Index, to: Index, one: &connection::Connection) -> Connection {
        let name = |text: &str| limit::name(text, self.limits.name);
        let (from_text, to_text, how) = (name(&one.from), name(&one.to), name(&one.how));
        Connection {
            from,
            from_text,
            to,
            to_text,
            user: self.user(&one.account),
            how,
            failed: one.failed,
            n: one.n,
            first: one.first.as_microsecond(),
            last: one.last.as_microsecond(),
        }
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
    fn new(hosts: &Table<String>, seen: &'s Connections) -> Self {
        let mut by_name = BTreeMap::new();
        for (name, number) in hosts.iter() {
            // A short name that two hosts have means neither.
            let known = by_name.entry(short_name(name)).or_insert(Some(number));
            *known = known.filter(|known| *known == number);
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
