//! What Fluent Bit's inputs `winevtlog` and `winlog` send. The payload is there as values without names.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_all(&["EventID", "StringInserts"]),
    members: &[
        ("ActivityID", Target::System("Correlation_ActivityID")),
        ("Channel", Target::System("Channel")),
        ("Computer", Target::System("Computer")),
        ("ComputerName", Target::System("Computer")),
        ("EventCategory", Target::System("Task")),
        ("EventID", Target::System("EventID")),
        ("EventRecordID", Target::System("EventRecordID")),
        ("Keywords", Target::Keywords),
        ("Level", Target::System("Level")),
        ("Message", Target::Message),
        ("Opcode", Target::System("Opcode")),
        ("ProcessID", Target::System("Execution_ProcessID")),
        ("ProviderGuid", Target::System("Provider_Guid")),
        ("ProviderName", Target::System("Provider_Name")),
        ("Qualifiers", Target::System("EventID_Qualifiers")),
        ("RecordNumber", Target::System("EventRecordID")),
        ("RelatedActivityID", Target::System("Correlation_RelatedActivityID")),
        ("Sid", Target::System("Security_UserID")),
        ("SourceName", Target::System("Provider_Name")),
        ("StringInserts", Target::Field("Data")),
        ("Task", Target::System("Task")),
        ("ThreadID", Target::System("Execution_ThreadID")),
        ("TimeCreated", Target::Time),
        ("TimeGenerated", Target::Time),
        ("UserID", Target::System("Security_UserID")),
        ("Version", Target::System("Version")),
    ],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};
