//! What Winlogbeat and the Elastic Agent send, in the Elastic Common Schema: nested, or with points in the
//! keys, as exports of Kibana have it.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| {
        record.has_object("winlog")
            || record.has_any(&["winlog.channel", "winlog.event_id", "winlog.provider_name", "event.code"])
    },
    members: &[
        ("@timestamp", Target::Time),
        ("event", Target::Inner),
        ("event.code", Target::Fallback("EventID")),
        ("event.provider", Target::Fallback("Provider_Name")),
        ("host", Target::Inner),
        ("host.name", Target::Fallback("Computer")),
        ("log", Target::Inner),
        ("log.level", Target::Fallback("Level")),
        ("message", Target::Message),
        ("winlog", Target::Inner),
        ("winlog.activity_id", Target::System("Correlation_ActivityID")),
        ("winlog.channel", Target::System("Channel")),
        ("winlog.computer_name", Target::System("Computer")),
        ("winlog.event_data", Target::Payload),
        ("winlog.event_id", Target::System("EventID")),
        ("winlog.keywords", Target::Keywords),
        ("winlog.opcode", Target::System("Opcode")),
        ("winlog.process", Target::Inner),
        ("winlog.process.pid", Target::System("Execution_ProcessID")),
        ("winlog.process.thread", Target::Inner),
        ("winlog.process.thread.id", Target::System("Execution_ThreadID")),
        ("winlog.provider_guid", Target::System("Provider_Guid")),
        ("winlog.provider_name", Target::System("Provider_Name")),
        ("winlog.record_id", Target::System("EventRecordID")),
        ("winlog.related_activity_id", Target::System("Correlation_RelatedActivityID")),
        ("winlog.task", Target::System("TaskCategory")),
        ("winlog.user", Target::Inner),
        ("winlog.user.identifier", Target::System("Security_UserID")),
        ("winlog.user_data", Target::Inner),
        ("winlog.user_data.xml_name", Target::Nothing),
        ("winlog.version", Target::System("Version")),
    ],
    payload: &["winlog.event_data.", "winlog.user_data."],
    others: Others::Nothing,
    has_field_names: true,
};

/// Winlogbeat before version 7 had no schema in common with others.
pub(super) const VERSION_6: Shape = Shape {
    recognises: |record| record.has_all(&["event_id", "log_name"]),
    members: &[
        ("@timestamp", Target::Time),
        ("activity_id", Target::System("Correlation_ActivityID")),
        ("computer_name", Target::System("Computer")),
        ("event_data", Target::Payload),
        ("event_id", Target::System("EventID")),
        ("keywords", Target::Keywords),
        ("level", Target::System("Level")),
        ("log_name", Target::System("Channel")),
        ("message", Target::Message),
        ("opcode", Target::System("Opcode")),
        ("process_id", Target::System("Execution_ProcessID")),
        ("provider_guid", Target::System("Provider_Guid")),
        ("record_number", Target::System("EventRecordID")),
        ("related_activity_id", Target::System("Correlation_RelatedActivityID")),
        ("source_name", Target::System("Provider_Name")),
        ("task", Target::System("TaskCategory")),
        ("thread_id", Target::System("Execution_ThreadID")),
        ("user", Target::Inner),
        ("user.identifier", Target::System("Security_UserID")),
        ("user_data", Target::Payload),
        ("version", Target::System("Version")),
    ],
    payload: &["event_data.", "user_data."],
    others: Others::Nothing,
    has_field_names: true,
};
