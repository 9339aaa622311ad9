//! What `Get-WinEvent` gives, as JSON or CSV. The payload is there as values without names, or not at all;
//! properties that a user adds count as payload.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_all(&["Id", "LogName", "ProviderName"]),
    members: &[
        ("ActivityId", Target::System("Correlation_ActivityID")),
        ("Bookmark", Target::Nothing),
        ("ContainerLog", Target::Nothing),
        ("Id", Target::System("EventID")),
        ("Keywords", Target::Keywords),
        ("KeywordsDisplayNames", Target::Nothing),
        ("Level", Target::System("Level")),
        ("LevelDisplayName", Target::Fallback("Level")),
        ("LogName", Target::System("Channel")),
        ("MachineName", Target::System("Computer")),
        ("MatchedQueryIds", Target::Nothing),
        ("Message", Target::Message),
        ("Opcode", Target::System("Opcode")),
        ("OpcodeDisplayName", Target::Nothing),
        ("ProcessId", Target::System("Execution_ProcessID")),
        ("Properties", Target::Values("Data")),
        ("ProviderId", Target::System("Provider_Guid")),
        ("ProviderName", Target::System("Provider_Name")),
        ("Qualifiers", Target::System("EventID_Qualifiers")),
        ("RecordId", Target::System("EventRecordID")),
        ("RelatedActivityId", Target::System("Correlation_RelatedActivityID")),
        ("Task", Target::System("Task")),
        ("TaskDisplayName", Target::System("TaskCategory")),
        ("ThreadId", Target::System("Execution_ThreadID")),
        ("TimeCreated", Target::Time),
        ("UserId", Target::Inner),
        ("UserId.Value", Target::System("Security_UserID")),
        ("Version", Target::System("Version")),
    ],
    payload: &[],
    others: Others::FilledPayload,
    has_field_names: true,
};
