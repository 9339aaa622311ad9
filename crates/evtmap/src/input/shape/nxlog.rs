//! What NXLog's `im_msvistalog` sends, often by way of Logstash: payload and System side by side. The
//! recordings of the Open Threat Research Forge are of this shape.
//!
//! Of later recordings NXLog is not the writer, but the names are the same.

use super::{Others, Shape, Target};

/// What NXLog calls the type of an event. A field of that name in the payload has other values.
const EVENT_TYPES: &[&str] =
    &["AUDIT_FAILURE", "AUDIT_SUCCESS", "CRITICAL", "DEBUG", "ERROR", "INFO", "VERBOSE", "WARNING"];

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_all(&["EventID", "SourceName", "Hostname"]),
    members: &[
        ("@timestamp", Target::Fallback("TimeCreated_SystemTime")),
        ("@version", Target::Nothing),
        ("AccountName", Target::Unless("AccountType")),
        ("AccountType", Target::Nothing),
        ("ActivityID", Target::System("Correlation_ActivityID")),
        ("Category", Target::System("TaskCategory")),
        ("Channel", Target::System("Channel")),
        ("Domain", Target::Unless("AccountType")),
        ("ERROR_EVT_UNRESOLVED", Target::Nothing),
        ("EventID", Target::System("EventID")),
        ("EventReceivedTime", Target::Nothing),
        ("EventTime", Target::CollectorTime),
        ("EventType", Target::UnlessOneOf(EVENT_TYPES)),
        ("EventTypeOrignal", Target::Nothing),
        ("ExecutionProcessID", Target::System("Execution_ProcessID")),
        ("Hostname", Target::System("Computer")),
        ("Keywords", Target::Keywords),
        ("Level", Target::System("Level")),
        ("LevelValue", Target::System("Level")),
        ("Message", Target::Message),
        ("Opcode", Target::Fallback("Opcode")),
        ("OpcodeValue", Target::System("Opcode")),
        ("ProviderGuid", Target::System("Provider_Guid")),
        ("RecordNumber", Target::System("EventRecordID")),
        ("RelatedActivityID", Target::System("Correlation_RelatedActivityID")),
        ("Severity", Target::Unless("SeverityValue")),
        ("SeverityValue", Target::Nothing),
        ("SourceModuleName", Target::Nothing),
        ("SourceModuleType", Target::Nothing),
        ("SourceName", Target::System("Provider_Name")),
        ("Task", Target::System("Task")),
        ("TaskValue", Target::System("Task")),
        ("ThreadID", Target::System("Execution_ThreadID")),
        ("TimeCreated", Target::Time),
        ("UserID", Target::System("Security_UserID")),
        ("Version", Target::System("Version")),
        ("host", Target::Nothing),
        ("port", Target::Nothing),
        ("tags", Target::Nothing),
        ("type", Target::Nothing),
    ],
    payload: &[],
    others: Others::Payload,
    has_field_names: true,
};
