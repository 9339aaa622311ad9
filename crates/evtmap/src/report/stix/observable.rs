//! What an event speaks of, as STIX knows it: its log, its host, accounts, addresses, programs.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Object, lines};
use crate::row::{NAMESPACE, Row, known, name_and_domain};

/// The namespace in which STIX makes ids of observables, out of what tells them apart.
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// Fields that hold an address, an account, or the file of a program.
const ADDRESSES: &[&str] = &["IpAddress", "SourceIp", "DestinationIp", "SourceAddress", "DestAddress"];
const ACCOUNTS: &[&str] = &["TargetUserName", "SubjectUserName", "User"];
const PROGRAMS: &[&str] = &["NewProcessName", "Image", "ProcessName"];
const COMMAND_LINE: &str = "CommandLine";

/// The observables of an event, the log at least, each once.
pub(super) fn observables(row: Row<'_>) -> Vec<Object> {
    let mut objects = vec![file(&row.event.input)];
    objects.extend(known(&row.event.said.computer).filter(|name| is_host_name(name)).map(host));
    objects.extend(row.event.said.user.as_deref().and_then(account));
    let values = |names: &'static [&'static str]| {
        let fields = row.event.said.fields.iter().filter(|(name, _)| names.contains(name));
        fields.filter_map(|(_, value)| known(value?))
    };
    objects.extend(values(ACCOUNTS).filter(|name| *name != "-").filter_map(account));
    objects.extend(values(ADDRESSES).filter_map(address));
    let program = values(PROGRAMS).next().map(file);
    objects.extend(values(&[COMMAND_LINE]).map(|line| process(row, line, program.as_ref())));
    objects.extend(program);
    let mut ids = Vec::new();
    objects.retain(|object| {
        let is_new = !ids.contains(&object.uuid);
        ids.push(object.uuid);
        is_new
    });
    objects
}

/// An observable whose id STIX makes of some of its members, as JSON with sorted names.
fn observable(kind: &str, telling: &[(&str, Value)]) -> Object {
    let mut telling = telling.to_vec();
    telling.sort_by_key(|(name, _)| *name);
    let members: Map<String, Value> =
        telling.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Object::new(kind, &OBSERVABLES, &Value::Object(members.clone()).to_string(), |id| {
        let mut object = json!({"type": kind, "spec_version": "2.1", "id": id});
        if let Some(object) = object.as_object_mut() {
            object.extend(members);
        }
        object
    })
}

fn file(path: &str) -> Object {
    let name = path.rsplit(['/', '\\']).next().and_then(known).unwrap_or(path);
    observable("file", &[("name", known(name).unwrap_or("unnamed").into())])
}

/// STIX has no kind for a host; its name is what others know it by.
fn host(computer: &str) -> Object {
    observable("domain-name", &[("value", computer.into())])
}

fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn account(user: &str) -> Option<Object> {
    let (name, domain) = name_and_domain(user);
    let name = known(name)?;
    let login = domain.map(|domain| format!("{domain}\\{name}")).unwrap_or_else(|| name.to_owned());
    Some(observable("user-account", &[("account_login", login.into())]))
}

fn address(text: &str) -> Option<Object> {
    // Windows writes `::ffff:192.0.2.7` for an address of version 4.
    let address = text.parse::<IpAddr>().ok()?.to_canonical();
    let kind = if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    Some(observable(kind, &[("value", address.to_string().into())]))
}

/// A process has nothing that tells it apart everywhere, so STIX wants a random UUID (version 4). Ours has that
/// form, and its bits are those of the alert: the same logs must give the same bundle.
fn process(row: Row<'_>, command_line: &str, program: Option<&Object>) -> Object {
    let bits = Uuid::new_v5(&NAMESPACE, format!("process {} {command_line}", row.uuid()).as_bytes());
    let uuid = uuid::Builder::from_random_bytes(bits.into_bytes()).into_uuid();
    let id = format!("process--{uuid}");
    let value = lines::pruned(json!({
        "type": "process", "spec_version": "2.1", "id": id, "command_line": command_line,
        "image_ref": program.map(|program| program.id.as_str()),
    }));
    Object { id, uuid, value }
}
