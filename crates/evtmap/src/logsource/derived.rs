//! What events that Windows itself logs tell of what Sysmon would have logged.
//!
//! A rule about process creation asks for `Image` and `IntegrityLevel`; Security's event 4688 has
//! `NewProcessName` and a SID. The fields are made from the event's own ([`Place::Derived`]), so that rules
//! compare what they are written for. Only rules that come by a derived route see them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use evtmap_sigma::{Compiled, CompiledRule, Event as _, Expr, Value};
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::router::Seen;
use crate::event::{Event, Place};

/// The table that is part of the program.
const BUNDLED: &str = include_str!("../../data/derived.toml");

/// The roots of the registry as the kernel names them, and in short.
const REGISTRY_ROOTS: [(&str, &str); 2] = [(r"\registry\machine", "HKLM"), (r"\registry\user", "HKU")];

/// Which fields can be derived from which events.
#[derive(Debug, Clone, Default)]
pub(super) struct Derivations {
    /// By event id, and the channel in lower case.
    events: FxHashMap<u32, Vec<(String, Vec<Derivation>)>>,
}

/// A field that is derived, and what from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    name: String,
    from: Vec<String>,
    #[serde(default, rename = "as")]
    form: Form,
    /// What stands for some values.
    #[serde(default)]
    values: BTreeMap<String, String>,
    /// Whether a value that another stands for counts too.
    #[serde(default)]
    keep: bool,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    #[default]
    Same,
    Decimal,
    Account,
    Path,
    RegistryObject,
    RegistryData,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    event: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    channel: String,
    event_id: u32,
    fields: Vec<Derivation>,
}

/// Fields by which a rule makes exceptions and which an event that it matches does not have, sorted.
pub(crate) fn missing_exceptions(rule: &CompiledRule, seen: &Seen<'_>) -> Vec<String> {
    let mut fields = Vec::new();
    excepting(rule.compiled(), &rule.compiled().condition, false, &mut fields);
    let is_missing = |field: &&str| seen.values(field, &mut |_| ControlFlow::Break(())).is_continue();
    let mut missing: Vec<String> = fields.into_iter().filter(is_missing).map(str::to_owned).collect();
    missing.sort();
    missing.dedup();
    missing
}

/// Collects the fields that a rule makes exceptions by.
fn excepting<'r>(compiled: &'r Compiled, expr: &'r Expr, is_negated: bool, fields: &mut Vec<&'r str>) {
    match expr {
        Expr::All(members) | Expr::Any(members) | Expr::AtLeast(_, members) => {
            members.iter().for_each(|member| excepting(compiled, member, is_negated, fields));
        }
        Expr::Not(inner) => excepting(compiled, inner, !is_negated, fields),
        Expr::Predicate(predicate) if is_negated != predicate.negated => {
            fields.extend(predicate.field.as_deref());
        }
        Expr::Predicate(_) => {}
        Expr::Selection(index) => {
            if let Some(selection) = compiled.selections.get(*index) {
                excepting(compiled, selection, is_negated, fields);
            }
        }
    }
}

impl Derivations {
    /// The table that is part of the program.
    pub(super) fn bundled() -> Self {
        // A test reads the table, so that it is never empty in a program that was tested.
        Self::parse(BUNDLED).unwrap_or_default()
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let mut derivations = Self::default();
        for Entry { channel, event_id, fields } in file.event {
            derivations.events.entry(event_id).or_default().push((channel.to_ascii_lowercase(), fields));
        }
        Ok(derivations)
    }

    /// The rules' names for fields of an event, and the event's.
    pub(super) fn field_names(&self, channel: &str, event_id: u32) -> Vec<(String, Vec<String>)> {
        self.of(channel, event_id).map(|field| (field.name.clone(), field.sources())).collect()
    }

    /// Makes `derived` the event with what can be derived from it.
    pub(super) fn derive(&self, event: &Event, derived: &mut Event) {
        derived.copy_from(event);
        let Some(id) = event.event_id() else { return };
        self.of(event.channel(), id).for_each(|field| field.derive(event, derived));
    }

    /// What can be derived from an event of a channel, whose case does not count.
    fn of(&self, channel: &str, event_id: u32) -> impl Iterator<Item = &Derivation> {
        let entries = self.events.get(&event_id).into_iter().flatten();
        let of_channel = entries.filter(move |(own, _)| own.eq_ignore_ascii_case(channel));
        of_channel.flat_map(|(_, fields)| fields)
    }
}

impl Derivation {
    /// The event's fields that it comes from.
    fn sources(&self) -> Vec<String> {
        match self.form {
            Form::Account => self.from.iter().map(|prefix| format!("{prefix}UserName")).collect(),
            _ => self.from.clone(),
        }
    }

    fn derive(&self, event: &Event, derived: &mut Event) {
        let source = |at: usize| self.from.get(at).and_then(|name| own(event, name));
        let mut push = |value: &str| derived.push(Place::Derived, &self.name, Value::Text(value));
        if let Form::Account = self.form {
            return self
                .from
                .iter()
                .find_map(|prefix| account(event, prefix))
                .into_iter()
                .for_each(|it| push(&it));
        }
        let Some(value) = source(0) else { return };
        match self.form {
            Form::Decimal => push(&decimal(value)),
            Form::Path => push(&drive_path(value)),
            Form::RegistryObject => {
                registry_object(value, source(1).unwrap_or_default()).iter().for_each(|it| push(it));
            }
            Form::RegistryData => push(&registry_data(value, source(1).unwrap_or_default())),
            Form::Same | Form::Account => {
                let other = self.values.get(value.trim());
                other.into_iter().for_each(|other| push(other));
                if other.is_none() || self.keep {
                    push(value);
                }
            }
        }
    }
}

/// The text of a field of the payload.
fn own<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    event.data().find(|(own, _)| *own == name)?.1.text()
}

/// `DOMAIN\name`; Sysmon names the services' accounts as Windows does, and not after the computer.
fn account(event: &Event, prefix: &str) -> Option<String> {
    let part = |name: &str| {
        let mut data = event.data();
        let found = data.find(|(own, _)| own.strip_prefix(prefix) == Some(name));
        found.and_then(|(_, value)| value.text()).map_or("", str::trim)
    };
    let service = match part("UserSid") {
        "S-1-5-18" => Some("SYSTEM"),
        "S-1-5-19" => Some("LOCAL SERVICE"),
        "S-1-5-20" => Some("NETWORK SERVICE"),
        _ => None,
    };
    match (service, part("DomainName"), part("UserName")) {
        (Some(service), ..) => Some(format!(r"NT AUTHORITY\{service}")),
        (_, _, "" | "-") => None,
        (_, "" | "-", name) => Some(name.to_owned()),
        (_, domain, name) => Some(format!(r"{domain}\{name}")),
    }
}

fn decimal(text: &str) -> String {
    let digits = text.trim().strip_prefix("0x").or_else(|| text.trim().strip_prefix("0X"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.map_or_else(|| text.to_owned(), |number| number.to_string())
}

/// `\device\harddiskvolume2\windows\x.exe` as `C:\windows\x.exe`.
fn drive_path(path: &str) -> String {
    const DEVICE: &str = r"\device\harddiskvolume";
    let volume = path.get(..DEVICE.len()).filter(|start| start.eq_ignore_ascii_case(DEVICE));
    let rest = volume
        .and_then(|_| path.get(DEVICE.len()..))
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    match rest {
        Some(rest) if rest.starts_with('\\') => format!("C:{rest}"),
        _ => path.to_owned(),
    }
}

/// A value in the registry as Sysmon names it: short names of roots, and the current control set under that
/// name. Classes of the machine are known under two names.
fn registry_object(key: &str, value: &str) -> Vec<String> {
    let mut object = key.to_owned();
    for (own, short) in REGISTRY_ROOTS {
        let is_root = key.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own));
        match key.get(own.len()..) {
            Some(rest) if is_root && (rest.is_empty() || rest.starts_with('\\')) => {
                object = format!("{short}{rest}");
            }
            _ => {}
        }
    }
    if let Some((system, rest)) = after(&object, r"HKLM\SYSTEM\ControlSet")
        && let Some(rest) = rest.get(3..).filter(|_| rest.bytes().take(3).all(|byte| byte.is_ascii_digit()))
    {
        let root = system.get(..r"HKLM\SYSTEM".len()).unwrap_or_default();
        object = format!(r"{root}\CurrentControlSet{rest}");
    }
    if !value.is_empty() {
        object = format!(r"{object}\{value}");
    }
    let classes = after(&object, r"HKLM\SOFTWARE\Classes\").map(|(_, rest)| format!(r"HKCR\{rest}"));
    std::iter::once(object.clone()).chain(classes).collect()
}

/// The start of a text and what comes after it, if it begins like this but for case.
fn after<'t>(text: &'t str, start: &str) -> Option<(&'t str, &'t str)> {
    text.split_at_checked(start.len()).filter(|(begin, _)| begin.eq_ignore_ascii_case(start))
}

/// Data in the registry as Sysmon writes it.
fn registry_data(value: &str, kind: &str) -> String {
    const BINARY: &str = "%%1875";
    const DWORD: &str = "%%1876";
    const QWORD: &str = "%%1883";
    let number = || -> Option<u64> {
        let text = value.trim();
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    match (kind.trim(), number()) {
        (DWORD, Some(number)) => format!("DWORD (0x{number:08x})"),
        (QWORD, Some(number)) => format!("QWORD (0x{:08x}-0x{:08x})", number >> 32, number & 0xffff_ffff),
        (BINARY, _) => "Binary Data".to_owned(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests;
