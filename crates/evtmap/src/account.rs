//! Accounts under one name: logs write one account as `CORP\ann`, `CORP.EXAMPLE\ann` and by its SID.
//!
//! Only what the logs themselves say is believed: events that name an account beside its SID. Names are joined
//! when they stand beside the same SID, and a name that stands beside several is left alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::alert::Alert;

/// The prefixes of fields that name an account and its SID.
const PREFIXES: [&str; 2] = ["Subject", "Target"];
/// The SIDs of accounts that domains and computers have beside the built-in ones.
const OWN_SIDS: &str = "S-1-5-21-";
/// The accounts that have the same SID everywhere.
const WELL_KNOWN: [(&str, &str); 4] = [
    ("S-1-5-18", r"NT AUTHORITY\SYSTEM"),
    ("S-1-5-19", r"NT AUTHORITY\LOCAL SERVICE"),
    ("S-1-5-20", r"NT AUTHORITY\NETWORK SERVICE"),
    ("S-1-5-7", r"NT AUTHORITY\ANONYMOUS LOGON"),
];
/// The largest number of SIDs and of names a SID that are learned; the log is an attacker's.
const N_SIDS_MAX: usize = 50_000;
const N_NAMES_MAX: usize = 8;

/// What logs tell of names and SIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// By SID, the names beside which it stands, and how often.
    names: HashMap<String, BTreeMap<String, u64>>,
}

/// Under which name each account is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountNames {
    by_spelling: HashMap<String, String>,
}

impl Accounts {
    /// Learns from an alert's event.
    pub fn learn(&mut self, alert: &Alert) {
        for prefix in PREFIXES {
            let field = |rest: &str| {
                let mut fields = alert.event.said.fields.iter();
                let found = fields.find(|(name, _)| name.strip_prefix(prefix) == Some(rest));
                found.and_then(|(_, value)| value).filter(|value| !matches!(*value, "" | "-"))
            };
            let Some(sid) = field("UserSid").or_else(|| field("Sid")) else { continue };
            let Some(name) = field("UserName").filter(|_| sid.starts_with(OWN_SIDS)) else { continue };
            let name = name.split_once('@').map_or(name, |(name, _)| name);
            self.note(sid, &format!("{}\\{name}", field("DomainName").unwrap_or_default()));
        }
    }

    fn note(&mut self, sid: &str, name: &str) {
        let n_sids = self.names.len();
        let Some(names) = self.names.get_mut(sid) else {
            if n_sids < N_SIDS_MAX {
                self.names.insert(sid.to_owned(), BTreeMap::from([(name.to_owned(), 1)]));
            }
            return;
        };
        if let Some(n) = names.get_mut(name) {
            *n += 1;
        } else if names.len() < N_NAMES_MAX {
            names.insert(name.to_owned(), 1);
        }
    }

    /// The names under which accounts are told: of those beside one SID the most frequent.
    pub fn names(&self) -> AccountNames {
        let mut sids_of: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (sid, names) in &self.names {
            for name in names.keys() {
                sids_of.entry(name.to_lowercase()).or_default().insert(sid);
            }
        }
        let is_one = |name: &String| sids_of.get(&name.to_lowercase()).is_some_and(|sids| sids.len() == 1);
        let mut by_spelling: HashMap<String, String> =
            WELL_KNOWN.iter().map(|(sid, name)| (sid.to_lowercase(), (*name).to_owned())).collect();
        for (sid, names) in &self.names {
            // The first of equally frequent ones: names come sorted, and the largest number wins only if larger.
            let best = names.iter().rev().max_by_key(|(_, n)| **n).map(|(name, _)| name);
            let Some(best) = best else { continue };
            by_spelling.insert(sid.to_lowercase(), best.clone());
            for name in names.keys().filter(|name| is_one(name)) {
                by_spelling.insert(name.to_lowercase(), best.clone());
            }
        }
        AccountNames { by_spelling }
    }
}

impl AccountNames {
    /// The name under which an account is told that an event spells so.
    pub fn of<'a>(&'a self, spelling: &'a str) -> &'a str {
        self.by_spelling.get(&spelling.to_lowercase()).map_or(spelling, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::tests::detection;

    fn learn(accounts: &mut Accounts, prefix: &str, sid: &str, domain: &str, name: &str) {
        let mut alert = detection();
        let fields = [("UserSid", sid), ("DomainName", domain), ("UserName", name)];
        Arc::make_mut(&mut alert.event).said_mut().fields =
            fields.map(|(field, value)| (format!("{prefix}{field}"), Some(value))).into_iter().collect();
        accounts.learn(&alert);
    }

    #[test]
    fn spellings_beside_one_sid_are_one_account() {
        let mut accounts = Accounts::default();
        let (ann, bob) = ("S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1108");
        learn(&mut accounts, "Target", ann, "CORP", "ann");
        learn(&mut accounts, "Subject", ann, "CORP", "ann");
        learn(&mut accounts, "Target", ann, "CORP.EXAMPLE", "ann@CORP.EXAMPLE");
        // Two accounts of one name, as after one was made anew.
        learn(&mut accounts, "Target", bob, "CORP", "bob");
        learn(&mut accounts, "Target", "S-1-5-21-1-2-3-2222", "CORP", "bob");
        learn(&mut accounts, "Target", "S-1-5-18", "CORP", "WS01$");
        learn(&mut accounts, "Target", "-", "-", "-");
        let names = accounts.names();
        for (spelling, expected) in [
            (ann, r"CORP\ann"),
            (r"CORP.EXAMPLE\ann", r"CORP\ann"),
            (r"corp\ANN", r"CORP\ann"),
            (bob, r"CORP\bob"),
            (r"CORP\bob", r"CORP\bob"),
            ("S-1-5-18", r"NT AUTHORITY\SYSTEM"),
            (r"CORP\WS01$", r"CORP\WS01$"),
            (r"OTHER\ann", r"OTHER\ann"),
        ] {
            assert_eq!(names.of(spelling), expected, "{spelling}");
        }
    }
}
