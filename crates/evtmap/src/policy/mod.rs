//! What an organisation says about alerts: other severities, critical hosts and accounts, and what is known
//! and not to be told.
//!
//! A [`Policy`] is applied where events become alerts, so that every report and every program gets the same.
//! What holds for every event of a rule is worked out once for the rule; without a policy nothing is asked.

mod applied;
mod glob;
mod scope;
#[cfg(test)]
mod tests;

use evtmap_sigma::Filter;
use jiff::civil::Date;

pub(crate) use applied::{Applied, Subject};
pub use glob::{AccountGlob, HostGlob};
pub use scope::Scope;

use crate::severity::Severity;

/// What an organisation says about alerts.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Where it is from, such as the path of a configuration; shown in reports.
    pub origin: Option<String>,
    /// Today, by which exclusions expire; in UTC.
    pub today: Date,
    /// Other severities of detections. Of those that an alert meets, the most specific holds ([`Scope`] has the order), and
    /// of equally specific ones the last.
    pub overrides: Vec<Override>,
    /// What makes a detection worse.
    pub critical: Critical,
    /// What is known and not to be told. Of those that an alert meets, the first hides it.
    pub exclusions: Vec<Exclusion>,
}

/// Another severity for some alerts.
#[derive(Clone, Debug)]
pub struct Override {
    /// Which alerts.
    pub scope: Scope,
    /// Their severity.
    pub severity: Severity,
    /// Why, in words that are shown with each of them.
    pub reason: String,
}

/// Hosts and accounts on which a detection is worse than elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Critical {
    /// The hosts.
    pub hosts: Vec<HostGlob>,
    /// The accounts: who did it, and to whom it was done as far as the event says.
    pub accounts: Vec<AccountGlob>,
    /// By how many steps a detection is worse; once, also where both host and account are critical.
    pub steps: u8,
}

/// Matches that are known and not to be told.
#[derive(Clone, Debug)]
pub struct Exclusion {
    /// What it is called in reports.
    pub name: String,
    /// Why it is there.
    pub reason: String,
    /// The last day on which it applies; none for ever.
    pub expires: Option<Date>,
    /// Which alerts.
    pub scope: Scope,
    /// Which events: those that one of these filters would keep its rules from matching. Without any it is all
    /// events. Only rules about single events meet filters.
    pub filters: Vec<Filter>,
}

/// What became of a policy in a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyAccount {
    /// Where the policy is from.
    pub origin: Option<String>,
    /// Its exclusions, and what each hid.
    pub exclusions: Vec<ExclusionAccount>,
}

impl PolicyAccount {
    /// Adds what another policy hid, or the same one at another time.
    pub fn join(&mut self, other: Self) {
        self.origin = other.origin.or(self.origin.take());
        for exclusion in other.exclusions {
            match self.exclusions.iter_mut().find(|own| own.name == exclusion.name) {
                Some(own) => {
                    *own = ExclusionAccount { n_hidden: own.n_hidden + exclusion.n_hidden, ..exclusion }
                }
                None => self.exclusions.push(exclusion),
            }
        }
    }
}

/// What an exclusion hid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusionAccount {
    /// What it is called.
    pub name: String,
    /// Why it is there.
    pub reason: String,
    /// The last day on which it applies.
    pub expires: Option<Date>,
    /// Whether that day is over, so that it no longer applies.
    pub is_expired: bool,
    /// How many matches it hid that would have been told or correlated.
    pub n_hidden: u64,
}

impl ExclusionAccount {
    /// How many matches it hid, in words.
    pub fn counted(&self) -> String {
        format!("{} {}", self.n_hidden, if self.n_hidden == 1 { "match" } else { "matches" })
    }

    /// How many matches it hid, and why, in a line.
    pub fn line(&self) -> String {
        format!("{}: {}", self.counted(), self.told())
    }

    /// Why so much is not told, in words.
    pub fn told(&self) -> String {
        match self.expires {
            Some(day) if self.is_expired => {
                format!("exclusion `{}` expired on {day} and no longer applies", self.name)
            }
            Some(day) => format!("excluded by `{}` until {day}: {}", self.name, self.reason),
            None => format!("excluded by `{}`: {}", self.name, self.reason),
        }
    }
}

impl Exclusion {
    /// Whether it would hide every alert: it asks for nothing, or by wildcards alone.
    pub fn hides_everything(&self) -> bool {
        let is_for_all = |filter: &Filter| {
            filter.rules.is_none()
                && filter.logsource.category.is_none()
                && filter.logsource.service.is_none()
        };
        let hides_all =
            |filter: &Filter| is_for_all(filter) && !filter.compiled().can_hold_despite_wildcards();
        self.scope.is_everything() && (self.filters.is_empty() || self.filters.iter().any(hides_all))
    }

    fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }
}
