//! What an event id, sometimes with one or two of its fields, may hint at.
//!
//! An association is context and no detection: nothing but the event's channel, provider and id was looked
//! at, and for some events a field that divides them into kinds, such as the logon type. Its severity is what
//! the bare event deserves. The data is in `data/associations`.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::event::{Event, Value};
use crate::severity::Severity;

/// What an event may hint at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Association {
    /// The event's id.
    pub id: u32,
    /// What the event is.
    pub title: String,
    /// Techniques of ATT&CK that it may be evidence of, the most specific first.
    pub techniques: Vec<String>,
    /// What the bare event deserves.
    pub severity: Severity,
    /// Why it may be evidence of them.
    pub why: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    provider: Option<String>,
    /// For each field the patterns of which its value must meet one; every field must.
    #[serde(default)]
    when: BTreeMap<String, Vec<Pattern>>,
}

/// What a field's value may be: a text, with an asterisk at either end for any other text there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
struct Pattern {
    text: String,
    is_open_before: bool,
    is_open_after: bool,
}

impl From<String> for Pattern {
    fn from(written: String) -> Self {
        let after = written.strip_suffix('*');
        let text = after.unwrap_or(&written);
        let before = text.strip_prefix('*');
        let text = before.unwrap_or(text).to_owned();
        Self { text, is_open_before: before.is_some(), is_open_after: after.is_some() }
    }
}

impl Pattern {
    /// Whether a value meets it, without regard to ASCII case.
    fn is_met_by(&self, value: &str) -> bool {
        let (value, text) = (value.as_bytes(), self.text.as_bytes());
        match (self.is_open_before, self.is_open_after) {
            (false, false) => value.eq_ignore_ascii_case(text),
            (false, true) => value.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text)),
            (true, false) => {
                let end = value.len().checked_sub(text.len()).and_then(|start| value.get(start..));
                end.is_some_and(|end| end.eq_ignore_ascii_case(text))
            }
            (true, true) => value.windows(text.len().max(1)).any(|part| part.eq_ignore_ascii_case(text)),
        }
    }
}

impl Association {
    /// Whether the event is of the provider that this is about, as far as it says.
    fn is_of(&self, provider: &str) -> bool {
        let own = self.provider.as_deref().unwrap_or_default();
        provider.is_empty() || own.eq_ignore_ascii_case(provider)
    }

    /// Whether its conditions hold of the values that `value_of` gives for fields.
    fn holds<'a>(&'a self, value_of: &mut impl FnMut(&'a str) -> Option<&'a str>) -> bool {
        self.when.iter().all(|(field, patterns)| {
            value_of(field).is_some_and(|value| patterns.iter().any(|pattern| pattern.is_met_by(value)))
        })
    }
}

/// A file of associations: a channel's events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    channel: String,
    provider: String,
    #[serde(rename = "event")]
    events: Vec<Association>,
}

/// Associations by channel and event id.
#[derive(Debug, Default)]
pub struct Associations {
    list: Vec<Association>,
    /// Indices of the list by event id, and then by channel, of which an id has few. The ids are those of the
    /// files, so that nobody who writes a log can crowd the table.
    index: FxHashMap<u32, Vec<(String, Vec<usize>)>>,
}

// `BUNDLED`: the texts of the files in `data/associations`, listed by the build script.
include!(concat!(env!("OUT_DIR"), "/associations.rs"));

impl Associations {
    /// The associations that come with the program.
    ///
    /// # Errors
    /// The first mistake in one of the files, which a test keeps from happening.
    pub fn bundled() -> Result<Self, toml::de::Error> {
        let mut associations = Self::default();
        for text in BUNDLED {
            associations.add(toml::from_str(text)?);
        }
        Ok(associations)
    }

    fn add(&mut self, file: File) {
        for mut event in file.events {
            let channel = event.channel.get_or_insert_with(|| file.channel.clone()).clone();
            event.provider.get_or_insert_with(|| file.provider.clone());
            let channels = self.index.entry(event.id).or_default();
            match channels.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(&channel)) {
                Some((_, indices)) => indices.push(self.list.len()),
                None => channels.push((channel, vec![self.list.len()])),
            }
            self.list.push(event);
        }
    }

    /// Every association, in the order of the files.
    pub fn all(&self) -> &[Association] {
        &self.list
    }

    /// Where in the list those of a channel and id are.
    fn indices(&self, channel: &str, event_id: u32) -> Option<&[usize]> {
        let channels = self.index.get(&event_id)?;
        let own = channels.iter().find(|(own, _)| own.eq_ignore_ascii_case(channel));
        own.map(|(_, indices)| indices.as_slice())
    }

    /// What events of a channel, provider and id are, whatever is in their fields.
    pub fn title(&self, channel: &str, provider: &str, event_id: u32) -> Option<&str> {
        let mut own = self.indices(channel, event_id)?.iter().filter_map(|index| self.list.get(*index));
        own.find(|own| own.is_of(provider) && own.when.is_empty()).map(|own| own.title.as_str())
    }

    /// The index of what an event may hint at, the first entry whose conditions hold. An event of another
    /// provider in the same channel with the same id is another event.
    pub fn of(&self, event: &Event) -> Option<usize> {
        let indices = self.indices(event.channel(), event.event_id()?)?;
        let provider = event.provider();
        // Entries of one event ask for the same field one after the other.
        let mut last = None;
        let mut value_of = |field| match last {
            Some((name, value)) if name == field => value,
            _ => {
                let value = event.first(field).and_then(Value::text);
                last = Some((field, value));
                value
            }
        };
        let mut is_about = |index: &usize| {
            self.list.get(*index).is_some_and(|own| own.is_of(provider) && own.holds(&mut value_of))
        };
        indices.iter().copied().find(|index| is_about(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::flat;

    /// What the bundled associations make of an event that is written as flat JSON.
    fn check(event: &str, expected: &str) {
        let associations = Associations::bundled().unwrap();
        let event = flat::read(event).unwrap();
        let found = associations.of(&event).and_then(|index| associations.all().get(index));
        let found = found.map(|found| format!("{} {} {}", found.title, found.techniques[0], found.severity));
        assert_eq!(found.as_deref(), (!expected.is_empty()).then_some(expected), "{event:?}");
    }

    #[test]
    fn bundled_associations_name_active_techniques() {
        let catalogue = crate::attack::Catalogue::bundled();
        let associations = Associations::bundled().unwrap();
        assert!(associations.all().len() >= 650);
        for association in associations.all() {
            assert!(association.title.chars().count() <= 60, "{}", association.title);
            assert!(!association.techniques.is_empty(), "{}", association.title);
            for id in &association.techniques {
                let technique = catalogue.technique(id.parse().unwrap());
                let status = technique.map(|technique| technique.status);
                assert_eq!(status, Some(crate::attack::Status::Active), "{id}");
            }
        }
    }

    #[test]
    fn the_last_entry_of_an_event_is_the_one_without_conditions() {
        let associations = Associations::bundled().unwrap();
        let mut last = FxHashMap::default();
        for own in associations.all() {
            let event = (own.channel.as_deref(), own.provider.as_deref(), own.id);
            if let Some(earlier) = last.insert(event, own) {
                assert!(!earlier.when.is_empty(), "{event:?} {} can never be reached", own.title);
                assert_ne!(earlier.when, own.when, "{event:?}");
            }
        }
        for (event, own) in last {
            assert!(own.when.is_empty(), "{event:?} lacks an entry without conditions");
        }
    }

    #[test]
    fn conditions() {
        let logon = |fields: &str| {
            format!(
                r#"{{"Channel":"Security","Provider_Name":"Microsoft-Windows-Security-Auditing",{fields}}}"#
            )
        };
        for (event, expected) in [
            (
                logon(r#""EventID":4624,"LogonType":"10""#),
                "Account logged on by remote desktop T1021.001 informational",
            ),
            (
                logon(r#""EventID":4624,"LogonType":3"#),
                "Account logged on over the network T1021.002 informational",
            ),
            (logon(r#""EventID":4624,"LogonType":"0""#), "Account logged on T1078 informational"),
            (
                logon(r#""EventID":4625,"SubStatus":"0xC0000064""#),
                "Logon failed: no such account T1110.003 low",
            ),
            (
                logon(r#""EventID":4728,"TargetSid":"S-1-5-21-1-2-3-512""#),
                "Member added to the domain's administrators T1098.007 high",
            ),
            (
                logon(r#""EventID":4728,"TargetSid":"S-1-5-21-1-2-3-1512""#),
                "Member added to a global group T1098.007 low",
            ),
            (
                logon(r#""EventID":4768,"PreAuthType":"0","Status":"0x0""#),
                "Ticket given without asking for a password first T1558.004 low",
            ),
            (
                logon(r#""EventID":4768,"PreAuthType":"2","Status":"0x0""#),
                "Kerberos ticket-granting ticket requested T1558.004 informational",
            ),
            (
                logon(r#""EventID":5145,"ShareName":"\\\\*\\IPC$","RelativeTargetName":"svcctl""#),
                "Pipe of the service control manager opened T1569.002 low",
            ),
            (
                logon(r#""EventID":5140,"ShareName":"\\\\*\\C$""#),
                "Administrative share accessed T1021.002 low",
            ),
            (
                logon(r#""EventID":4673,"PrivilegeList":"SeDebugPrivilege""#),
                "Right to debug other processes used T1003.001 informational",
            ),
            (
                logon(r#""EventID":4697,"ServiceType":"0x1","ServiceFileName":"x.sys""#),
                "Driver installed T1543.003 medium",
            ),
            (
                logon(r#""EventID":4719,"AuditPolicyChanges":"%%8448""#),
                "Auditing of a category switched off T1685.001 medium",
            ),
            (logon(r#""EventID":4663,"ObjectType":"Process""#), "Memory of a process accessed T1003.001 low"),
            (logon(r#""EventID":1"#), ""),
        ] {
            check(&event, expected);
        }
    }

    #[test]
    fn titles() {
        let associations = Associations::bundled().unwrap();
        let title = |provider: &str| associations.title("security", provider, 4624);
        assert_eq!(title("Microsoft-Windows-Security-Auditing"), Some("Account logged on"));
        assert_eq!(title("Somebody"), None);
    }

    #[test]
    fn patterns() {
        for (pattern, value, is_met) in [
            ("10", "10", true),
            ("10", "1", false),
            ("10", "100", false),
            ("*-512", "S-1-5-21-1-2-3-512", true),
            ("*-512", "-51", false),
            ("\\\\*", r"\\host\c$", true),
            ("*ADMIN$", r"\\*\admin$", true),
            ("*SeDebugPrivilege*", "SeTcbPrivilege\n\t\tSeDebugPrivilege", true),
            ("*SeDebugPrivilege*", "", false),
            ("*", "", true),
            ("*é*", "É", false),
        ] {
            assert_eq!(Pattern::from(pattern.to_owned()).is_met_by(value), is_met, "{pattern} {value}");
        }
    }
}
