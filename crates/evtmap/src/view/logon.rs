//! Who logged on, to which host, from where, and who failed to.

mod kinds;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evtmap_sigma::Pattern;
use jiff::Timestamp;
use serde::Serialize;

pub use kinds::{Logon, LogonKinds, Outcome};

/// The largest number of different rows, of which each takes up to some 1,000 bytes.
const N_ROWS_MAX: usize = 50_000;
/// The largest number of sessions of which the end is looked for.
const N_SESSIONS_MAX: usize = 200_000;
/// The largest number of reasons, and of names of those who used an account, that a row has.
const N_NAMES_MAX: usize = 8;
/// Of how many accounts one must have failed to log on from one place for it to be told.
const N_ACCOUNTS: usize = 3;

/// Which logons are counted. A list that is empty lets all pass; of one with entries, one must fit.
#[derive(Clone, Debug, Default)]
pub struct LogonChoice {
    /// Whether machine and service accounts are among them.
    pub all: bool,
    /// Accounts, as `ada` or `CORP\ada`.
    pub users: Vec<Pattern>,
    /// Hosts that were logged on to; the first part of the name is enough.
    pub hosts: Vec<Pattern>,
    /// Addresses or workstations from which it was.
    pub addresses: Vec<Pattern>,
    /// Types of logon, by number or by what they are called.
    pub types: Vec<Pattern>,
}

/// Logons counted by who, where to, where from and how.
#[derive(Debug, Default)]
pub struct Logons {
    choice: LogonChoice,
    rows: Vec<LogonRow>,
    /// The rows by what makes them different, in lower case.
    index: HashMap<[String; 6], usize>,
    /// The sessions by host and number, in lower case.
    sessions: HashMap<(String, String), Session>,
    left_out: LogonsLeftOut,
}

/// A session whose end is looked for.
#[derive(Clone, Copy, Debug)]
struct Session {
    row: usize,
    begun: Option<Timestamp>,
    has_ended: bool,
    is_privileged: bool,
}

/// The logons of one account to one host from one place, of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogonRow {
    /// The account's name; empty when the events do not tell.
    pub user: String,
    /// Its domain, or the host whose own account it is; empty when the events do not tell.
    pub domain: String,
    /// The host that was logged on to, or for Kerberos the service.
    pub host: String,
    /// The network address it was from; empty when the events do not tell.
    pub address: String,
    /// The name of the computer it was from; empty when the events do not tell.
    pub workstation: String,
    /// The type of logon in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// The number of the type, where Windows has one.
    pub logon_type: Option<u32>,
    /// How often it succeeded.
    pub succeeded: u64,
    /// How often it failed.
    pub failed: u64,
    /// How often the events do not tell how it ended.
    pub tried: u64,
    /// Why it failed, and how often; the reasons beyond eight together as `other reasons`.
    pub reasons: BTreeMap<String, u64>,
    /// Who used this account's credentials beside its owner; at most eight.
    pub by: BTreeSet<String>,
    /// How many of the sessions had rights of an administrator.
    pub privileged: u64,
    /// How many of the sessions are known to have ended.
    pub ended: u64,
    /// The longest session whose beginning and end are known, in seconds.
    pub longest_seconds: Option<i64>,
    /// When the first was, in UTC (RFC 3339).
    pub first: Option<Timestamp>,
    /// When the last was.
    pub last: Option<Timestamp>,
}

/// What is not among the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogonsLeftOut {
    /// Logons of machine and service accounts, unless these were asked for.
    pub services: u64,
    /// Logons that the choice of users, hosts, addresses or types does not let pass.
    pub not_chosen: u64,
    /// Logons of rows beyond the first 50,000.
    pub beyond: u64,
    /// Sessions beyond the first 200,000, of which the end is not looked for.
    pub sessions: u64,
}

/// A place from which logons to several accounts failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogonSource {
    /// The address, or the workstation where there is none.
    pub from: String,
    /// The hosts that were tried, at most eight.
    pub hosts: BTreeSet<String>,
    /// Of how many accounts one failed.
    pub accounts: usize,
    /// How often.
    pub failed: u64,
    /// The accounts among them with which it succeeded from the same place, at most eight.
    pub succeeded: BTreeSet<String>,
}

impl Logons {
    /// No logons yet.
    pub fn new(choice: LogonChoice) -> Self {
        Self { choice, ..Self::default() }
    }

    /// Adds what an event tells, in the order of the log.
    pub fn add(&mut self, logon: &Logon) {
        match logon.outcome {
            Outcome::Ended => return self.end(logon),
            Outcome::Privileged => return self.note_privileged(logon),
            Outcome::Succeeded | Outcome::Failed | Outcome::Tried => {}
        }
        if logon.is_service && !self.choice.all {
            self.left_out.services += 1;
            return;
        }
        if !self.choice.lets_pass(logon) {
            self.left_out.not_chosen += 1;
            return;
        }
        let Some(index) = self.row(logon) else {
            self.left_out.beyond += 1;
            return;
        };
        let Some(row) = self.rows.get_mut(index) else { return };
        row.count(logon);
        if logon.outcome == Outcome::Succeeded
            && let Some(key) = session_key(logon)
        {
            if self.sessions.len() >= N_SESSIONS_MAX && !self.sessions.contains_key(&key) {
                self.left_out.sessions += 1;
                return;
            }
            let session = Session { row: index, begun: logon.time, has_ended: false, is_privileged: false };
            self.sessions.insert(key, session);
        }
    }

    /// The index of a logon's row; nothing when there is no room for one more.
    fn row(&mut self, logon: &Logon) -> Option<usize> {
        let parts =
            [&logon.user, &logon.domain, &logon.host, &logon.address, &logon.workstation, &logon.kind];
        let key = parts.map(|part| part.to_lowercase());
        if let Some(index) = self.index.get(&key) {
            return Some(*index);
        }
        if self.rows.len() >= N_ROWS_MAX {
            return None;
        }
        self.rows.push(LogonRow {
            user: logon.user.clone(),
            domain: logon.domain.clone(),
            host: logon.host.clone(),
            address: logon.address.clone(),
            workstation: logon.workstation.clone(),
            kind: logon.kind.clone(),
            logon_type: logon.logon_type,
            ..LogonRow::default()
        });
        self.index.insert(key, self.rows.len() - 1);
        Some(self.rows.len() - 1)
    }

    /// Notes the end of a session, once: Windows tells it when the user asks for it and when it is done.
    fn end(&mut self, logon: &Logon) {
        let Some(session) = session_key(logon).and_then(|key| self.sessions.get_mut(&key)) else { return };
        let Some(row) = self.rows.get_mut(session.row).filter(|_| !session.has_ended) else { return };
        session.has_ended = true;
        row.ended += 1;
        if let (Some(begun), Some(ended)) = (session.begun, logon.time) {
            let seconds = begun.duration_until(ended).as_secs();
            row.longest_seconds = row.longest_seconds.max((seconds >= 0).then_some(seconds));
        }
    }

    fn note_privileged(&mut self, logon: &Logon) {
        let Some(session) = session_key(logon).and_then(|key| self.sessions.get_mut(&key)) else { return };
        let Some(row) = self.rows.get_mut(session.row).filter(|_| !session.is_privileged) else { return };
        session.is_privileged = true;
        row.privileged += 1;
    }

    /// The rows in the order in which the first event of each came.
    pub fn rows(&self) -> &[LogonRow] {
        &self.rows
    }

    /// What is not among the rows.
    pub fn left_out(&self) -> LogonsLeftOut {
        self.left_out
    }

    /// The places from which logons to three accounts or more failed, those with most accounts first: what
    /// guessing of passwords looks like.
    pub fn sources(&self) -> Vec<LogonSource> {
        let mut by_source: BTreeMap<String, Vec<&LogonRow>> = BTreeMap::new();
        for row in &self.rows {
            let from = if row.address.is_empty() { &row.workstation } else { &row.address };
            if !from.is_empty() {
                by_source.entry(from.to_lowercase()).or_default().push(row);
            }
        }
        let mut sources: Vec<LogonSource> = by_source.values().filter_map(|rows| source(rows)).collect();
        sources.sort_by(|a, b| b.accounts.cmp(&a.accounts).then_with(|| a.from.cmp(&b.from)));
        sources
    }
}

/// What rows from one place come to, when several accounts failed there.
fn source(rows: &[&LogonRow]) -> Option<LogonSource> {
    let failed: Vec<&&LogonRow> = rows.iter().filter(|row| row.failed > 0).collect();
    let accounts: BTreeSet<String> = failed.iter().map(|row| row.user.to_lowercase()).collect();
    if accounts.len() < N_ACCOUNTS {
        return None;
    }
    let first = rows.first()?;
    let succeeded = rows.iter().filter(|row| row.succeeded > 0);
    let succeeded = succeeded.filter(|row| accounts.contains(&row.user.to_lowercase()));
    Some(LogonSource {
        from: if first.address.is_empty() { first.workstation.clone() } else { first.address.clone() },
        hosts: failed.iter().map(|row| row.host.clone()).take(N_NAMES_MAX).collect(),
        accounts: accounts.len(),
        failed: failed.iter().map(|row| row.failed).sum(),
        succeeded: succeeded.map(|row| row.user.clone()).take(N_NAMES_MAX).collect(),
    })
}

/// What tells a session from all others: its host and its number there.
fn session_key(logon: &Logon) -> Option<(String, String)> {
    Some((logon.host.to_lowercase(), logon.session.as_ref()?.to_lowercase()))
}

impl LogonRow {
    fn count(&mut self, logon: &Logon) {
        match logon.outcome {
            Outcome::Succeeded => self.succeeded += 1,
            Outcome::Failed => self.failed += 1,
            _ => self.tried += 1,
        }
        if let Some(reason) = &logon.reason {
            let is_known = self.reasons.len() < N_NAMES_MAX || self.reasons.contains_key(reason);
            let reason = if is_known { reason.as_str() } else { "other reasons" };
            *self.reasons.entry(reason.to_owned()).or_default() += 1;
        }
        if let Some(by) = logon.by.as_ref().filter(|_| self.by.len() < N_NAMES_MAX) {
            self.by.insert(by.clone());
        }
        if let Some(time) = logon.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = self.last.max(Some(time));
        }
    }

    /// How many logons it stands for.
    pub fn n(&self) -> u64 {
        self.succeeded + self.failed + self.tried
    }
}

impl LogonChoice {
    fn lets_pass(&self, logon: &Logon) -> bool {
        let is_one_of = |patterns: &[Pattern], texts: &[&str]| {
            patterns.is_empty()
                || patterns.iter().any(|pattern| texts.iter().any(|text| pattern.matches(text, false)))
        };
        let account = format!("{}\\{}", logon.domain, logon.user);
        let host = logon.host.split('.').next().unwrap_or_default();
        let number = logon.logon_type.map(|number| number.to_string()).unwrap_or_default();
        is_one_of(&self.users, &[&logon.user, &account])
            && is_one_of(&self.hosts, &[&logon.host, host])
            && is_one_of(&self.addresses, &[&logon.address, &logon.workstation])
            && is_one_of(&self.types, &[&logon.kind, &number])
    }
}

#[cfg(test)]
mod tests;
