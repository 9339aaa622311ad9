//! What Azure Monitor and Microsoft Sentinel give out of their tables `SecurityEvent`, `Event` and
//! `WindowsEvent`.
//!
//! `SecurityEvent` has a column for every field of any event, most of them empty.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| {
        record.has_any(&["TimeGenerated", "TimeGenerated [UTC]"])
            && record.has("EventID")
            && record.has_any(&["EventLog", "EventSourceName", "Channel", "Activity", "TenantId", "Provider"])
            && !record.has_any(&["StringInserts", "RecordNumber"])
    },
    members: &[
        ("Account", Target::Nothing),
        ("AccountType", Target::Nothing),
        ("Activity", Target::Nothing),
        ("AzureDeploymentID", Target::Nothing),
        ("AzureTableName", Target::Nothing),
        ("Channel", Target::System("Channel")),
        ("Computer", Target::System("Computer")),
        ("Correlation", Target::System("Correlation_ActivityID")),
        ("EventCategory", Target::System("Task")),
        ("EventData", Target::Payload),
        ("EventID", Target::System("EventID")),
        ("EventLevel", Target::System("Level")),
        ("EventLevelName", Target::Fallback("Level")),
        ("EventLog", Target::System("Channel")),
        ("EventOriginId", Target::Nothing),
        ("EventRecordId", Target::System("EventRecordID")),
        ("EventSourceName", Target::System("Provider_Name")),
        ("Keywords", Target::Keywords),
        ("Level", Target::System("Level")),
        ("MG", Target::Nothing),
        ("ManagementGroupName", Target::Nothing),
        ("Message", Target::Nothing),
        ("Opcode", Target::System("Opcode")),
        ("ParameterXml", Target::Nothing),
        ("PartitionKey", Target::Nothing),
        ("Provider", Target::System("Provider_Name")),
        ("RawEventData", Target::Nothing),
        ("RenderedDescription", Target::Message),
        ("Role", Target::Nothing),
        ("RowKey", Target::Nothing),
        ("Source", Target::System("Provider_Name")),
        ("SourceComputerId", Target::Nothing),
        ("SourceSystem", Target::Nothing),
        ("StorageAccount", Target::Nothing),
        ("SystemProcessId", Target::System("Execution_ProcessID")),
        ("SystemThreadId", Target::System("Execution_ThreadID")),
        ("SystemUserId", Target::System("Security_UserID")),
        ("Task", Target::System("Task")),
        ("TenantId", Target::Nothing),
        ("TimeCollected", Target::Nothing),
        ("TimeCollected [UTC]", Target::Nothing),
        ("TimeCreated", Target::Nothing),
        ("TimeGenerated", Target::UtcTime),
        ("TimeGenerated [UTC]", Target::UtcTime),
        ("Type", Target::Nothing),
        ("UserName", Target::Unless("EventLog")),
        ("Version", Target::System("Version")),
        ("_ItemId", Target::Nothing),
        ("_ResourceId", Target::Nothing),
        ("_SubscriptionId", Target::Nothing),
    ],
    payload: &[],
    others: Others::FilledPayload,
    has_field_names: true,
};
