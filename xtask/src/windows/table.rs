//! The table of events that the stand-in for Windows' event log serves: the example's, as typed values and as
//! XML, and some that the example lacks.
//!
//! Logs are read by the library; a value's type is guessed from its text, and taken only if the library writes
//! the same text of it again. All numbers are little-endian, and everything begins at a multiple of 8 bytes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use evtmap::event::{Event, Place, Value};
use evtmap::input::{self, Decoded, InputOptions, write_value};
use jiff::Timestamp;

/// What a channel does that others do not; as in the stand-in.
pub(super) const ENABLED: u32 = 1;
pub(super) const DENIED: u32 = 2;
pub(super) const CLEARED: u32 = 4;

/// Types of values; winevt.h.
mod kind {
    pub(super) const NULL: u32 = 0;
    pub(super) const STRING: u32 = 1;
    pub(super) const UINT8: u32 = 4;
    pub(super) const UINT16: u32 = 6;
    pub(super) const UINT32: u32 = 8;
    pub(super) const UINT64: u32 = 10;
    pub(super) const BOOL: u32 = 13;
    pub(super) const GUID: u32 = 15;
    pub(super) const FILETIME: u32 = 17;
    pub(super) const SID: u32 = 19;
    pub(super) const HEX_INT64: u32 = 21;
    pub(super) const STRING_ARRAY: u32 = 129;
}

/// The System values, in the order of the System context: which field each is, and of which type.
const SYSTEM: [(&str, u32); 18] = [
    ("Provider_Name", kind::STRING),
    ("Provider_Guid", kind::GUID),
    ("EventID", kind::UINT16),
    ("EventID_Qualifiers", kind::UINT16),
    ("Level", kind::UINT8),
    ("Task", kind::UINT16),
    ("Opcode", kind::UINT8),
    ("Keywords", kind::HEX_INT64),
    ("TimeCreated_SystemTime", kind::FILETIME),
    ("EventRecordID", kind::UINT64),
    ("Correlation_ActivityID", kind::GUID),
    ("Correlation_RelatedActivityID", kind::GUID),
    ("Execution_ProcessID", kind::UINT32),
    ("Execution_ThreadID", kind::UINT32),
    ("Channel", kind::STRING),
    ("Computer", kind::STRING),
    ("Security_UserID", kind::SID),
    ("Version", kind::UINT8),
];

/// The channels of the table.
#[derive(Default)]
pub(super) struct Table(BTreeMap<String, Channel>);

struct Channel {
    flags: u32,
    events: Vec<Vec<u8>>,
}

impl Table {
    /// The events of logs, each in the channel that it names, in the order of the logs.
    pub(super) fn of_logs(logs: &[impl AsRef<Path>]) -> anyhow::Result<Self> {
        let mut table = Self::default();
        let options = InputOptions::default();
        for log in logs {
            let mut log = input::open(log.as_ref(), &options)?;
            let mut event = Event::new();
            while let Some(batch) = log.next_batch() {
                let mut added = Ok(());
                batch?.decode(&mut event, &mut |decoded| {
                    if let (Decoded::Event(event, _), true) = (decoded, added.is_ok()) {
                        let channel = event.channel().to_owned();
                        added = table.add(&channel, ENABLED, event);
                    }
                });
                added?;
            }
        }
        Ok(table)
    }

    /// Adds an event to a channel, which it makes if need be.
    pub(super) fn add(&mut self, channel: &str, flags: u32, event: &Event) -> anyhow::Result<()> {
        let channel =
            self.0.entry(channel.to_owned()).or_insert_with(|| Channel { flags, events: Vec::new() });
        channel.events.push(written(event)?);
        Ok(())
    }

    /// The number of events in channels that are enabled.
    pub(super) fn n_enabled(&self) -> usize {
        let enabled = self.0.values().filter(|channel| channel.flags & ENABLED != 0);
        enabled.map(|channel| channel.events.len()).sum()
    }

    /// The number of channels that are enabled.
    pub(super) fn n_channels(&self) -> usize {
        self.0.values().filter(|channel| channel.flags & ENABLED != 0).count()
    }

    /// The number of events of a channel.
    pub(super) fn n_events(&self, channel: &str) -> usize {
        self.0.get(channel).map_or(0, |channel| channel.events.len())
    }

    /// The table as the stand-in reads it.
    pub(super) fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        push(&mut out, &[self.0.len(), 0])?;
        for (name, channel) in &self.0 {
            let name = wide(name);
            push(&mut out, &[channel.flags as usize, 1, channel.events.len(), name.len() / 2])?;
            push_bytes(&mut out, &name);
            out.extend(channel.events.iter().flatten());
        }
        Ok(out)
    }
}

/// An event as it lies in the table.
fn written(event: &Event) -> anyhow::Result<Vec<u8>> {
    let time = event.time().context("an event has a time")?;
    let system = |name: &str| {
        let found = event.fields().find(|(place, own, _)| *place == Place::System && *own == name);
        found.and_then(|(.., value)| value.text())
    };
    let mut values = Vec::new();
    for (name, kind) in SYSTEM {
        match system(name) {
            None => push_value(&mut values, kind::NULL, &[])?,
            Some(text) => {
                let bytes = bytes_of(kind, text).with_context(|| format!("`{text}` is no {name}"))?;
                // What all see as a mask is a number in the context.
                let kind = if kind == kind::HEX_INT64 { kind::UINT64 } else { kind };
                push_value(&mut values, kind, &bytes)?;
            }
        }
    }
    let n_user = push_user(&mut values, event)?;
    let xml = wide(&xml(event));
    let mut out = filetime(time)?.to_le_bytes().to_vec();
    let id = event.event_id().unwrap_or_default() as usize;
    push(&mut out, &[id, SYSTEM.len(), n_user, xml.len() / 2 - 1])?;
    out.extend(values);
    push_bytes(&mut out, &xml);
    Ok(out)
}

/// Adds the values of the payload, and gives how many there are. What has no names is an array, as it is to
/// Windows.
fn push_user(out: &mut Vec<u8>, event: &Event) -> anyhow::Result<usize> {
    let data: Vec<(&str, &str)> =
        event.data().map(|(name, value)| (name, value.text().unwrap_or_default())).collect();
    let (bare, named): (Vec<_>, Vec<_>) = data.into_iter().partition(|(name, _)| *name == "Data");
    if !bare.is_empty() {
        let texts: Vec<u8> = bare.iter().flat_map(|(_, text)| wide(text)).collect();
        push_value(out, kind::STRING_ARRAY, &texts)?;
    }
    for (_, text) in &named {
        let (kind, bytes) = typed(text);
        push_value(out, kind, &bytes)?;
    }
    Ok(named.len() + usize::from(!bare.is_empty()))
}

/// The type that a text looks like, and its bytes, from which the same text is written again.
fn typed(text: &str) -> (u32, Vec<u8>) {
    for kind in
        [kind::UINT32, kind::UINT64, kind::HEX_INT64, kind::GUID, kind::SID, kind::FILETIME, kind::BOOL]
    {
        let Some(bytes) = bytes_of(kind, text) else { continue };
        let mut again = String::new();
        if u8::try_from(kind).is_ok_and(|kind| write_value(kind, &bytes, &mut again)) && again == text {
            return (kind, bytes);
        }
    }
    if text.is_empty() { (kind::NULL, Vec::new()) } else { (kind::STRING, wide(text)) }
}

/// The bytes of a value of a type whose text this may be.
fn bytes_of(kind: u32, text: &str) -> Option<Vec<u8>> {
    Some(match kind {
        kind::STRING => wide(text),
        kind::UINT8 => text.parse::<u8>().ok()?.to_le_bytes().to_vec(),
        kind::UINT16 => text.parse::<u16>().ok()?.to_le_bytes().to_vec(),
        kind::UINT32 => text.parse::<u32>().ok()?.to_le_bytes().to_vec(),
        kind::UINT64 => text.parse::<u64>().ok()?.to_le_bytes().to_vec(),
        kind::BOOL => i32::from(text.parse::<bool>().ok()?).to_le_bytes().to_vec(),
        kind::HEX_INT64 => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()?.to_le_bytes().to_vec(),
        kind::FILETIME => filetime(text.parse().ok()?).ok()?.to_le_bytes().to_vec(),
        kind::GUID => guid(text)?,
        kind::SID => sid(text)?,
        _ => return None,
    })
}

fn guid(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.strip_prefix('{')?.strip_suffix('}')?.split('-').collect();
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    let [a, b, c, d, e, f, g, h, rest @ ..] = number.to_be_bytes();
    Some([d, c, b, a, f, e, h, g].into_iter().chain(rest).collect())
}

fn sid(text: &str) -> Option<Vec<u8>> {
    let mut numbers = text.strip_prefix("S-1-")?.split('-');
    let authority: u64 = numbers.next()?.parse().ok()?;
    let parts: Vec<u32> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let mut bytes = vec![1, u8::try_from(parts.len()).ok()?];
    bytes.extend(authority.to_be_bytes().into_iter().skip(2));
    bytes.extend(parts.into_iter().flat_map(u32::to_le_bytes));
    Some(bytes)
}

/// The time as Windows counts it: steps of 100 ns since 1601.
fn filetime(time: Timestamp) -> anyhow::Result<u64> {
    const EPOCH: i128 = 116_444_736_000_000_000;
    Ok(u64::try_from(time.as_nanosecond() / 100 + EPOCH)?)
}

/// The event as Windows renders it. The log's own events have no list of values but elements.
fn xml(event: &Event) -> String {
    let mut out = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>".to_owned();
    let system = |name: &str| {
        let found = event.fields().find(|(place, own, _)| *place == Place::System && *own == name);
        found.and_then(|(.., value)| value.text()).map(escaped)
    };
    for (element, text, attributes) in [
        ("Provider", "", &["Name", "Guid", "EventSourceName"][..]),
        ("EventID", "EventID", &["Qualifiers"]),
        ("Version", "Version", &[]),
        ("Level", "Level", &[]),
        ("Task", "Task", &[]),
        ("Opcode", "Opcode", &[]),
        ("Keywords", "Keywords", &[]),
        ("TimeCreated", "", &["SystemTime"]),
        ("EventRecordID", "EventRecordID", &[]),
        ("Correlation", "", &["ActivityID", "RelatedActivityID"]),
        ("Execution", "", &["ProcessID", "ThreadID"]),
        ("Channel", "Channel", &[]),
        ("Computer", "Computer", &[]),
        ("Security", "", &["UserID"]),
    ] {
        out += &format!("<{element}");
        for attribute in attributes {
            if let Some(value) = system(&format!("{element}_{attribute}")) {
                out += &format!(" {attribute}='{value}'");
            }
        }
        out += &format!(">{}</{element}>", system(text).unwrap_or_default());
    }
    let has_elements = event.provider() == "Microsoft-Windows-Eventlog";
    out += if has_elements { "</System><UserData><Own xmlns='urn:own'>" } else { "</System><EventData>" };
    for (name, value) in event.data() {
        let value = escaped(value.text().unwrap_or_default());
        out += &match (has_elements, name) {
            (true, _) | (false, "Binary") => format!("<{name}>{value}</{name}>"),
            (false, "Data") => format!("<Data>{value}</Data>"),
            (false, _) => format!("<Data Name='{}'>{value}</Data>", escaped(name)),
        };
    }
    out + if has_elements { "</Own></UserData></Event>" } else { "</EventData></Event>" }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#xD;"),
            char => out.push(char),
        }
    }
    out
}

/// An event of a provider of the stand-in's own, with one value.
pub(super) fn own_event(channel: &str, provider: &str, number: usize, value: &str) -> Event {
    let mut event = Event::new();
    for (name, text) in [
        ("Provider_Name", provider),
        ("EventID", "4711"),
        ("Version", "0"),
        ("TimeCreated_SystemTime", "2026-03-11T08:00:00.0000000Z"),
        ("EventRecordID", &number.to_string()),
        ("Channel", channel),
        ("Computer", "WS01.corp.example"),
    ] {
        event.push(Place::System, name, Value::Text(text));
    }
    event.push(Place::Data, "Text", Value::Text(value));
    event
}

fn push_value(out: &mut Vec<u8>, kind: u32, bytes: &[u8]) -> anyhow::Result<()> {
    ensure!(out.len().is_multiple_of(8), "values begin at multiples of 8");
    push(out, &[kind as usize, bytes.len()])?;
    push_bytes(out, bytes);
    Ok(())
}

/// Adds bytes, and as many zeros as make their number one of eights.
fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    out.resize(out.len() + bytes.len().next_multiple_of(8) - bytes.len(), 0);
}

fn push(out: &mut Vec<u8>, numbers: &[usize]) -> anyhow::Result<()> {
    for number in numbers {
        out.extend(u32::try_from(*number)?.to_le_bytes());
    }
    Ok(())
}

/// A text in UTF-16 with a NUL at the end.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
