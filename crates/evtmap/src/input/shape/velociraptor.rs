//! What Velociraptor's `parse_evtx` gives, and what its artefacts make of it.

use super::{Others, Shape, Target};

/// The rows of `parse_evtx`: `System`, `EventData` and `UserData` as objects.
pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_object("System") && record.has_any(&["EventData", "UserData", "Message"]),
    members: &[
        ("EventData", Target::Payload),
        ("Message", Target::Message),
        ("System", Target::Inner),
        ("System.Channel", Target::System("Channel")),
        ("System.Computer", Target::System("Computer")),
        ("System.Correlation", Target::Inner),
        ("System.Correlation.ActivityID", Target::System("Correlation_ActivityID")),
        ("System.Correlation.RelatedActivityID", Target::System("Correlation_RelatedActivityID")),
        ("System.EventID", Target::Inner),
        ("System.EventID.Qualifiers", Target::System("EventID_Qualifiers")),
        ("System.EventID.Value", Target::System("EventID")),
        ("System.EventRecordID", Target::System("EventRecordID")),
        ("System.Execution", Target::Inner),
        ("System.Execution.ProcessID", Target::System("Execution_ProcessID")),
        ("System.Execution.ThreadID", Target::System("Execution_ThreadID")),
        ("System.Keywords", Target::Keywords),
        ("System.Level", Target::System("Level")),
        ("System.Opcode", Target::System("Opcode")),
        ("System.Provider", Target::Inner),
        ("System.Provider.Guid", Target::System("Provider_Guid")),
        ("System.Provider.Name", Target::System("Provider_Name")),
        ("System.Security", Target::Inner),
        ("System.Security.UserID", Target::System("Security_UserID")),
        ("System.Task", Target::System("Task")),
        ("System.TimeCreated", Target::Time),
        ("System.Version", Target::System("Version")),
        ("UserData", Target::Payload),
    ],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};

/// The rows of artefacts such as `Windows.EventLogs.EvtxHunter`: the parts of System side by side.
pub(super) const HUNTER: Shape = Shape {
    recognises: |record| {
        record.has("EventTime")
            && record.has_any(&["EventRecordID", "Channel"])
            && record.has_object("EventData")
    },
    members: &[
        ("Channel", Target::System("Channel")),
        ("Computer", Target::System("Computer")),
        ("EventData", Target::Payload),
        ("EventID", Target::System("EventID")),
        ("EventRecordID", Target::System("EventRecordID")),
        ("EventTime", Target::Time),
        ("Message", Target::Message),
        ("Provider", Target::System("Provider_Name")),
        ("UserData", Target::Payload),
        ("UserSID", Target::System("Security_UserID")),
    ],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};
