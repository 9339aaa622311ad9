//! How Windows writes each event (`incident/layouts.toml`).

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use evtx_fixture::{Body, Event, EventData, Guid, Sid, UserData, Value};
use serde::Deserialize;

/// The namespace of the event log service's own events.
const EVENTLOG_NAMESPACE: &str = "http://manifests.microsoft.com/win/2004/08/windows/eventlog";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layouts {
    log: BTreeMap<String, Log>,
    event: Vec<Layout>,
    /// What `%%N` stands for.
    parameter: BTreeMap<String, String>,
}

/// A channel and the provider that writes to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) channel: String,
    provider: String,
    guid: Option<String>,
    qualifiers: Option<u16>,
    keywords: String,
    level: Option<u8>,
    pub(super) pid: u32,
    user: Option<Writer>,
    #[serde(default)]
    classic: bool,
}

/// Whose account stands in `System`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Writer {
    System,
    /// The acting account.
    Subject,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    pub(super) log: String,
    pub(super) id: u16,
    #[serde(default)]
    version: u8,
    level: Option<u8>,
    #[serde(default)]
    task: u16,
    #[serde(default)]
    opcode: u8,
    keywords: Option<String>,
    pid: Option<u32>,
    user: Option<Writer>,
    pub(super) category: String,
    /// How the names of the fields for the acting account begin.
    #[serde(default = "Layout::subject")]
    pub(super) account: String,
    section: Option<String>,
    element: Option<String>,
    pub(super) fields: Vec<Field>,
    pub(super) text: String,
}

impl Layout {
    fn subject() -> String {
        "Subject".to_owned()
    }
}

/// A field of an event: `NAME:TYPE` or `NAME:TYPE=DEFAULT`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    I32,
    U16,
    U32,
    Hex32,
    Hex64,
    /// 64 bits in the file; its message shows lower-case digits, those of the other two are upper-case.
    Pointer,
    Bool,
    Guid,
    Sid,
    /// The closing `Binary` element.
    Binary,
}

impl TryFrom<String> for Field {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        let (name, rest) = text.split_once(':').with_context(|| format!("`{text}` has no type"))?;
        let (kind, default) = match rest.split_once('=') {
            Some((kind, default)) => (kind, Some(default.to_owned())),
            None => (rest, None),
        };
        let kind = match kind {
            "text" => Kind::Text,
            "i32" => Kind::I32,
            "u16" => Kind::U16,
            "u32" => Kind::U32,
            "hex32" => Kind::Hex32,
            "hex64" => Kind::Hex64,
            "pointer" => Kind::Pointer,
            "bool" => Kind::Bool,
            "guid" => Kind::Guid,
            "sid" => Kind::Sid,
            "binary" => Kind::Binary,
            _ => bail!("`{kind}` is not a type"),
        };
        Ok(Self { name: name.to_owned(), kind, default })
    }
}

impl Kind {
    /// What stands in a field of which nothing is known.
    pub(super) fn unknown(self) -> &'static str {
        match self {
            Self::Text => "-",
            Self::I32 | Self::U16 | Self::U32 | Self::Hex32 | Self::Hex64 | Self::Pointer => "0",
            Self::Bool => "false",
            Self::Guid => "00000000-0000-0000-0000-000000000000",
            Self::Sid => "S-1-0-0",
            Self::Binary => "",
        }
    }

    fn value(self, text: &str) -> anyhow::Result<Value> {
        let number = || -> anyhow::Result<u64> {
            let parsed = match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => text.parse(),
            };
            parsed.with_context(|| format!("`{text}` is not a number"))
        };
        Ok(match self {
            Self::Text | Self::Binary => Value::from(text),
            Self::I32 => Value::Int32(i32::try_from(number()?)?),
            Self::U16 => Value::UInt16(u16::try_from(number()?)?),
            Self::U32 => Value::UInt32(u32::try_from(number()?)?),
            Self::Hex32 => Value::HexInt32(u32::try_from(number()?)?),
            Self::Hex64 | Self::Pointer => Value::HexInt64(number()?),
            Self::Bool => Value::Bool(text == "true"),
            Self::Guid => Value::Guid(text.parse::<Guid>()?),
            Self::Sid => Value::Sid(text.parse::<Sid>()?),
        })
    }
}

impl Layouts {
    pub(super) fn get(&self, log: &str, id: u16) -> anyhow::Result<(&Log, &Layout)> {
        let layout = self.event.iter().find(|layout| layout.log == log && layout.id == id);
        let layout = layout.ok_or_else(|| anyhow!("no layout for event {id} of `{log}`"))?;
        Ok((self.log(layout)?, layout))
    }

    pub(super) fn log(&self, layout: &Layout) -> anyhow::Result<&Log> {
        self.log.get(&layout.log).with_context(|| format!("no log `{}`", layout.log))
    }

    /// The text with every `%%N` replaced by what it stands for.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (number, meaning) in &self.parameter {
            out = out.replace(&format!("%%{number}"), meaning);
        }
        out
    }
}

/// The event of this layout with these texts as its values.
pub(super) fn event(log: &Log, layout: &Layout, values: &[String]) -> anyhow::Result<Event> {
    let keywords = layout.keywords.as_ref().unwrap_or(&log.keywords).trim_start_matches("0x");
    let mut event = Event::new(&log.provider, layout.id);
    event.provider.guid = log.guid.as_deref().map(str::parse).transpose()?;
    event.qualifiers = log.qualifiers;
    event.version = layout.version;
    event.level = layout.level.or(log.level).unwrap_or(4);
    event.task = layout.task;
    event.opcode = layout.opcode;
    event.keywords = u64::from_str_radix(keywords, 16)?;
    event.process_id = layout.pid.unwrap_or(log.pid);
    event.channel.clone_from(&log.channel);
    event.body = body(log, layout, values)?;
    Ok(event)
}

fn body(log: &Log, layout: &Layout, values: &[String]) -> anyhow::Result<Body> {
    if log.classic {
        let data = vec![(String::new(), Value::Strings(values.to_vec()))];
        return Ok(EventData { data, binary: Some(Vec::new()), ..EventData::default() }.into());
    }
    let pairs = || layout.fields.iter().zip(values);
    let binary = pairs().find(|(field, _)| field.kind == Kind::Binary);
    let fields = pairs()
        .filter(|(field, _)| field.kind != Kind::Binary)
        .map(|(field, text)| {
            let value = field.kind.value(text).with_context(|| format!("field `{}`", field.name))?;
            Ok((field.name.clone(), value))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(match &layout.element {
        Some(element) => {
            let namespace = EVENTLOG_NAMESPACE.to_owned();
            UserData { element: element.clone(), namespace, fields }.into()
        }
        None => {
            // The service control manager's own: the names in UTF-16.
            let binary = binary.map(|(_, text)| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
            EventData { name: layout.section.clone(), data: fields, binary }.into()
        }
    })
}

/// Whose account stands in `System` of an event of this layout.
pub(super) fn writer(log: &Log, layout: &Layout) -> Option<Writer> {
    layout.user.or(log.user)
}
