//! The OTRF recordings beside the project: archives of JSON lines, a record a line, with the rendered message
//! beside the fields.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::read::GzDecoder;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::root;

/// The members of a record that the collector added, or made of System; the others are the event's own.
const OUTSIDE: &[&str] = &[
    "@timestamp",
    "@version",
    "AccountName",
    "AccountType",
    "ActivityID",
    "Category",
    "Channel",
    "Domain",
    "ERROR_EVT_UNRESOLVED",
    "EventID",
    "EventReceivedTime",
    "EventTime",
    "EventTypeOrignal",
    "ExecutionProcessID",
    "Hostname",
    "Keywords",
    "Level",
    "Message",
    "Opcode",
    "OpcodeValue",
    "ProviderGuid",
    "RecordNumber",
    "RelatedActivityID",
    "Severity",
    "SeverityValue",
    "SourceModuleName",
    "SourceModuleType",
    "SourceName",
    "Task",
    "ThreadID",
    "TimeCreated",
    "UserID",
    "Version",
    "host",
    "port",
    "tags",
    "timestamp",
    "type",
];

/// What the collector writes into `EventType` where the event has no field of that name.
const EVENT_TYPES: &[&str] = &["AUDIT_FAILURE", "AUDIT_SUCCESS", "ERROR", "INFO", "VERBOSE", "WARNING"];

/// A record that has a message.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) provider: String,
    pub(crate) channel: String,
    pub(crate) event_id: u32,
    pub(crate) computer: String,
    /// When, in UTC to the second: `2020-09-21 22:58:59`.
    pub(crate) time: String,
    pub(crate) message: String,
    /// The fields of the payload, as far as the collector kept them apart.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether the fields stand in the order of the event.
    pub(crate) is_ordered: bool,
}

/// The archives, in the order of their paths.
pub(crate) fn archives() -> anyhow::Result<Vec<PathBuf>> {
    let folder = root().join("../shared/data/otrf");
    let mut waiting = vec![folder];
    let mut found = BTreeSet::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Shows every record of an archive to `visit`.
pub(crate) fn read(archive: &Path, visit: &mut dyn FnMut(Record)) -> anyhow::Result<()> {
    members(archive, &mut |member| lines(member, visit))
}

/// Shows the content of every file of records in an archive to `visit`.
pub(crate) fn members(
    archive: &Path,
    visit: &mut dyn FnMut(&mut dyn Read) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = File::open(archive).with_context(|| format!("cannot open `{}`", archive.display()))?;
    if archive.extension().is_some_and(|extension| extension == "zip") {
        let mut zip = zip::ZipArchive::new(file)?;
        for index in 0..zip.len() {
            let mut member = zip.by_index(index)?;
            let name = member.name()?.into_owned();
            if name.ends_with(".json") && !name.starts_with("__MACOSX") {
                visit(&mut member)?;
            }
        }
    } else {
        for member in tar::Archive::new(GzDecoder::new(file)).entries()? {
            let mut member = member?;
            let name = member.path()?.to_string_lossy().into_owned();
            let hidden =
                Path::new(&name).file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if name.ends_with(".json") && !hidden {
                visit(&mut member)?;
            }
        }
    }
    Ok(())
}

/// Lines that are no record, or have no message, are passed over: the recordings have some.
fn lines(input: impl Read, visit: &mut dyn FnMut(Record)) -> anyhow::Result<()> {
    for line in BufReader::new(input).split(b'\n') {
        if let Ok(Members(members)) = serde_json::from_slice(&line?)
            && let Some(record) = Record::new(&members)
        {
            visit(record);
        }
    }
    Ok(())
}

impl Record {
    fn new(members: &[(String, Value)]) -> Option<Self> {
        let text =
            |name: &str| members.iter().find(|(member, _)| member == name).map(|(_, value)| text(value));
        let is_ordered = !members.iter().any(|(name, _)| name == "EventReceivedTime");
        let time = text("EventTime").or_else(|| text("TimeCreated")).or_else(|| text("@timestamp"))?;
        let time = time.get(..19)?.replace('T', " ");
        let (provider, channel) = (text("SourceName")?, text("Channel")?);
        let event_id = text("EventID")?.parse().ok()?;
        let (computer, message) = (text("Hostname").unwrap_or_default(), text("Message")?);
        let is_own = |(name, value): &(String, Value)| {
            let is_type = name == "EventType" && EVENT_TYPES.contains(&self::text(value).as_str());
            !is_type && !OUTSIDE.contains(&name.as_str())
        };
        let own = members.iter().filter(|member| is_own(member));
        let fields = own.map(|(name, value)| (name.clone(), unescaped(self::text(value)))).collect();
        Some(Self { provider, channel, event_id, computer, time, message, fields, is_ordered })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The collector left in values how XML writes some characters.
fn unescaped(text: String) -> String {
    if !text.contains('&') {
        return text;
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, char)| text.replace(entity, char))
}

/// The members of an object in their order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
