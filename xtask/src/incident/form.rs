//! The three forms of a log: EVTX, the Event Viewer's CSV, and JSON lines.

use anyhow::Context as _;
use evtx_fixture::{Body, EventData, UserData, Value, Writer, json_line};

use super::layout::{Field, Kind, Layout, Layouts};
use super::scene::Entry;
use super::world::World;

/// The file as Windows keeps it.
pub(super) fn evtx(entries: &[&Entry<'_>]) -> anyhow::Result<Vec<u8>> {
    let mut writer = Writer::new();
    for entry in entries {
        writer.push(&entry.event)?;
    }
    Ok(writer.finish())
}

/// The file as `evtx_dump -o jsonl` prints it.
pub(super) fn jsonl(entries: &[&Entry<'_>]) -> Vec<u8> {
    let lines = entries.iter().map(|entry| json_line(&entry.event, 0) + "\n");
    lines.collect::<String>().into_bytes()
}

/// The file as the Event Viewer saves it: the newest event first, the message in a column without a name,
/// times as the host's clock shows them, which is UTC here.
pub(super) fn csv(entries: &[&Entry<'_>], world: &World, layouts: &Layouts) -> anyhow::Result<Vec<u8>> {
    let security = entries.first().is_some_and(|entry| entry.event.channel == "Security");
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(b"\xef\xbb\xbf".to_vec());
    // The Event Viewer's Security log has no level but says whether an audit succeeded.
    let first = if security { "Keywords" } else { "Level" };
    writer.write_record([first, "Date and Time", "Source", "Event ID", "Task Category", "Computer"])?;
    for Entry { event, layout, .. } in entries.iter().rev() {
        let audit_failure = event.keywords & 0x0010_0000_0000_0000 != 0;
        let first = match (security, event.level) {
            (true, _) if audit_failure => "Audit Failure",
            (true, _) => "Audit Success",
            (false, 3) => "Warning",
            (false, 5) => "Verbose",
            (false, _) => "Information",
        };
        writer.write_record([
            first,
            &event.time.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string(),
            &event.provider.name,
            &event.event_id.to_string(),
            &layout.category,
            &event.computer,
            &message(&event.body, layout, world, layouts),
        ])?;
    }
    writer.into_inner().context("the CSV cannot be finished")
}

/// The event's text as the Event Viewer shows it.
fn message(body: &Body, layout: &Layout, world: &World, layouts: &Layouts) -> String {
    let values = texts(body, layout, world, layouts);
    let template = layout.text.strip_suffix('\n').unwrap_or(&layout.text);
    let text = if template.contains('%') || layout.fields.is_empty() {
        substitute(&template.replace('\n', "\r\n"), &values)
    } else {
        // Sysmon's messages are lists of all fields.
        let lines =
            layout.fields.iter().zip(&values).map(|(field, value)| format!("\r\n{}: {value}", field.name));
        format!("{template}{}", lines.collect::<String>())
    };
    text.trim_end_matches("\r\n").to_owned()
}

/// Every `%N` becomes the Nth value.
fn substitute(template: &str, values: &[String]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        let value = number.parse::<usize>().ok().and_then(|number| values.get(number.checked_sub(1)?));
        out.push_str(before);
        out.push_str(value.map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn texts(body: &Body, layout: &Layout, world: &World, layouts: &Layouts) -> Vec<String> {
    let fields = match body {
        Body::None => &[],
        Body::EventData(EventData { data, .. }) => data.as_slice(),
        Body::UserData(UserData { fields, .. }) => fields.as_slice(),
    };
    if let [(_, Value::Strings(texts))] = fields {
        return texts.clone();
    }
    let shown = |(field, (_, value)): (&Field, &(String, Value))| match text(field.kind, value) {
        text if field.kind == Kind::Sid => world.account_of(&text),
        text => layouts.expand(&text),
    };
    layout.fields.iter().zip(fields).map(shown).collect()
}

fn text(kind: Kind, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Int32(n) => n.to_string(),
        Value::UInt16(n) => n.to_string(),
        Value::UInt32(n) => n.to_string(),
        Value::HexInt32(n) => format!("0x{n:X}"),
        Value::HexInt64(n) if kind == Kind::Pointer => format!("{n:#x}"),
        Value::HexInt64(n) => format!("0x{n:X}"),
        Value::Bool(truth) => truth.to_string(),
        Value::Guid(guid) => guid.to_string(),
        Value::Sid(sid) => sid.to_string(),
        _ => String::new(),
    }
}
