//! What Splunk gives out of its Windows source types, `WinEventLog` and `XmlWinEventLog`.
//!
//! `_raw` holds the event once more; it is read where nothing else tells what event it is.

use super::super::time;
use super::{Others, Shape, Target};
use crate::event::{Event, Place, Value, xml};
use crate::input::InputOptions;

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| {
        let is_raw = |raw: &str| raw == "\"\"" || raw.contains("EventCode=") || raw.contains("<Event ");
        record.has("EventCode") && record.has_any(&["LogName", "Channel", "sourcetype", "source", "_time"])
            || record.has("_time") && record.get("_raw").is_some_and(is_raw)
    },
    members: &[
        ("ActivityID", Target::System("Correlation_ActivityID")),
        ("Channel", Target::System("Channel")),
        ("Computer", Target::System("Computer")),
        ("ComputerName", Target::System("Computer")),
        ("EventCode", Target::System("EventID")),
        ("EventData_Xml", Target::Nothing),
        ("EventID", Target::Nothing),
        ("EventRecordID", Target::System("EventRecordID")),
        ("EventType", Target::UnlessOneOf(&["0", "1", "2", "3", "4", "5", "8", "16"])),
        ("Guid", Target::System("Provider_Guid")),
        ("Keywords", Target::Keywords),
        ("Level", Target::System("Level")),
        ("LogName", Target::System("Channel")),
        ("Message", Target::Message),
        ("Name", Target::Fallback("Provider_Name")),
        ("OpCode", Target::System("Opcode")),
        ("Opcode", Target::System("Opcode")),
        ("ProcessID", Target::System("Execution_ProcessID")),
        ("RecordNumber", Target::System("EventRecordID")),
        ("SourceName", Target::System("Provider_Name")),
        ("SystemTime", Target::Fallback("TimeCreated_SystemTime")),
        ("System_Props_Xml", Target::Nothing),
        ("Task", Target::System("Task")),
        ("TaskCategory", Target::System("TaskCategory")),
        ("ThreadID", Target::System("Execution_ThreadID")),
        ("UserData_Xml", Target::Nothing),
        ("Version", Target::System("Version")),
        ("_bkt", Target::Nothing),
        ("_cd", Target::Nothing),
        ("_eventtype_color", Target::Nothing),
        ("_indextime", Target::Nothing),
        ("_kv", Target::Nothing),
        ("_pre_msg", Target::Nothing),
        ("_raw", Target::Raw),
        ("_serial", Target::Nothing),
        ("_si", Target::Nothing),
        ("_sourcetype", Target::Nothing),
        ("_subsecond", Target::Nothing),
        ("_time", Target::Time),
        ("date_hour", Target::Nothing),
        ("date_mday", Target::Nothing),
        ("date_minute", Target::Nothing),
        ("date_month", Target::Nothing),
        ("date_second", Target::Nothing),
        ("date_wday", Target::Nothing),
        ("date_year", Target::Nothing),
        ("date_zone", Target::Nothing),
        ("eventtype", Target::Nothing),
        ("host", Target::Fallback("Computer")),
        ("index", Target::Nothing),
        ("linecount", Target::Nothing),
        ("product", Target::Nothing),
        ("punct", Target::Nothing),
        ("source", Target::Nothing),
        ("sourcetype", Target::Nothing),
        ("splunk_server", Target::Nothing),
        ("splunk_server_group", Target::Nothing),
        ("tag", Target::Nothing),
        ("tag::eventtype", Target::Nothing),
        ("timeendpos", Target::Nothing),
        ("timestamp", Target::Nothing),
        ("timestartpos", Target::Nothing),
        ("vendor", Target::Nothing),
        ("vendor_product", Target::Nothing),
    ],
    payload: &[],
    others: Others::FilledPayload,
    has_field_names: false,
};

/// Reads the whole event, as XML or as lines `name=value` of which the message is the last.
pub(in crate::input) fn push_raw(
    text: &str,
    options: &InputOptions,
    event: &mut Event,
) -> Result<(), String> {
    let text = text.trim_start();
    if text.starts_with('<') {
        return xml::read(text, event).map_err(|error| error.to_string());
    }
    let (head, message) = match text.split_once("Message=") {
        Some((head, message)) => (head, Some(message)),
        None => (text, None),
    };
    for line in head.lines() {
        let Some((name, value)) = line.split_once('=') else {
            if !event.has_system(time::NAME) {
                time::push(line, options, event);
            }
            continue;
        };
        let field = match name.trim() {
            "EventCode" => "EventID",
            "LogName" => "Channel",
            "SourceName" => "Provider_Name",
            "ComputerName" => "Computer",
            "RecordNumber" => "EventRecordID",
            "Sid" => "Security_UserID",
            "OpCode" => "Opcode",
            "Type" => "Level",
            name @ ("TaskCategory" | "Keywords") => name,
            _ => continue,
        };
        if !event.has_system(field) {
            event.push(Place::System, field, Value::Text(value.trim()));
        }
    }
    if let Some(message) = message {
        event.set_message(message);
    }
    if event.event_id().is_some() {
        Ok(())
    } else {
        Err("the text of the event names no event id".to_owned())
    }
}
