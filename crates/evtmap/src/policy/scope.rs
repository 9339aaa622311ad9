//! Which alerts something is said about.

use std::fmt::{self, Display};

use super::applied::Subject;
use super::{AccountGlob, HostGlob};
use crate::alert::{Finding, TechniqueRef};

/// Which alerts something is said about. Of each list that is not empty one entry must fit.
///
/// What names a rule is more specific than what names a technique, then come a technique that the named one is
/// the parent of, a tag, and at last what names none of them; between equals, what names hosts or accounts is
/// more specific.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Ids or titles of rules, in any case.
    pub rules: Vec<String>,
    /// Tags as rules write them, such as `attack.execution`, in any case.
    pub tags: Vec<String>,
    /// Techniques such as `T1059.001`.
    pub techniques: Vec<String>,
    /// Whether the techniques stand for themselves only, without their sub-techniques.
    pub without_sub_techniques: bool,
    /// Hosts.
    pub hosts: Vec<HostGlob>,
    /// Accounts: who did it, and to whom it was done as far as the event says.
    pub accounts: Vec<AccountGlob>,
}

/// How specific a scope is for a finding; a larger one is more so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Specificity(u8, bool);

impl Scope {
    /// Whether it says anything at all; what does not is about every alert.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
            && self.tags.is_empty()
            && self.techniques.is_empty()
            && self.hosts.is_empty()
            && self.accounts.is_empty()
    }

    /// Whether it is about every alert: it says nothing, or names hosts and accounts by wildcards alone.
    pub fn is_everything(&self) -> bool {
        self.rules.is_empty()
            && self.tags.is_empty()
            && self.techniques.is_empty()
            && (self.hosts.is_empty() || self.hosts.iter().any(HostGlob::fits_everything))
            && (self.accounts.is_empty() || self.accounts.iter().any(AccountGlob::fits_everything))
    }

    /// Whether it is about a finding that has such tags, in some event, and how specifically.
    pub(super) fn specificity(&self, finding: &Finding, tags: &[String]) -> Option<Specificity> {
        let mut rank = 0;
        if !self.tags.is_empty() {
            let is_ours = |tag: &String| self.tags.iter().any(|own| own.eq_ignore_ascii_case(tag));
            rank = tags.iter().any(is_ours).then_some(1)?;
        }
        if !self.techniques.is_empty() {
            let ranks = finding.techniques.iter().filter_map(|technique| self.rank_of(technique));
            rank = ranks.max()?;
        }
        if !self.rules.is_empty() {
            let id = finding.rule.as_ref().and_then(|rule| rule.id.as_deref());
            let is_ours = |name: &String| {
                id.is_some_and(|id| id.eq_ignore_ascii_case(name))
                    || name.to_lowercase() == finding.title().to_lowercase()
            };
            rank = self.rules.iter().any(is_ours).then_some(4)?;
        }
        Some(Specificity(rank, !self.hosts.is_empty() || !self.accounts.is_empty()))
    }

    fn rank_of(&self, technique: &TechniqueRef) -> Option<u8> {
        let named = |id: &str| self.techniques.iter().any(|own| own.eq_ignore_ascii_case(id));
        if named(&technique.id) {
            return Some(3);
        }
        let is_below = technique.parent.as_deref().is_some_and(named);
        (is_below && !self.without_sub_techniques).then_some(2)
    }

    /// Whether it is about what happened on a host and to accounts.
    pub(super) fn covers(&self, subject: &Subject<'_>) -> bool {
        (self.hosts.is_empty() || subject.is_on(&self.hosts))
            && (self.accounts.is_empty() || subject.is_about(&self.accounts))
    }
}

impl Display for Scope {
    /// What it is about, in words; nothing for a scope that is about every alert.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn words<T: Display>(what: &str, list: &[T]) -> Option<String> {
            let names: Vec<String> = list.iter().map(ToString::to_string).collect();
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        }
        let techniques =
            if self.without_sub_techniques { "techniques, but not those below," } else { "techniques" };
        let parts = [
            words("rules", &self.rules),
            words("tags", &self.tags),
            words(techniques, &self.techniques),
            words("hosts", &self.hosts),
            words("accounts", &self.accounts),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}
