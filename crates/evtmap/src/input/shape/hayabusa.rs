//! What Hayabusa writes as a timeline: one of its own detections with the fields of the event.
//!
//! Profiles differ in what they hold. `AllFieldInfo` has the fields under their own names; `Details` has the
//! most important ones under Hayabusa's.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| {
        record.has_all(&["Timestamp", "EventID", "Channel"])
            && record.has_any(&["RuleTitle", "Details", "AllFieldInfo", "RuleFile"])
    },
    members: &[
        ("AllFieldInfo", Target::DetailsUnless("")),
        ("Channel", Target::Channel),
        ("Computer", Target::System("Computer")),
        ("Details", Target::DetailsUnless("AllFieldInfo")),
        ("EventID", Target::System("EventID")),
        ("ExtraFieldInfo", Target::DetailsUnless("AllFieldInfo")),
        ("Provider", Target::System("Provider_Name")),
        ("RecordID", Target::System("EventRecordID")),
        ("RenderedMessage", Target::Message),
        ("Timestamp", Target::Time),
    ],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};
