//! What `Get-EventLog` of Windows PowerShell gives, as CSV or JSON. It names no channel, and the payload is
//! there as values without names.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_all(&["EventID", "EntryType", "InstanceId"]),
    members: &[
        ("Category", Target::System("TaskCategory")),
        ("CategoryNumber", Target::System("Task")),
        ("EntryType", Target::System("Level")),
        ("EventID", Target::System("EventID")),
        ("Index", Target::System("EventRecordID")),
        ("MachineName", Target::System("Computer")),
        ("Message", Target::Message),
        ("ReplacementStrings", Target::Field("Data")),
        ("Source", Target::System("Provider_Name")),
        ("TimeGenerated", Target::Time),
        ("UserName", Target::Field("User")),
    ],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};
