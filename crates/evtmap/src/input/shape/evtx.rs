//! What `evtx_dump` and Chainsaw write: the record itself, `{"Event": {"System": …, "EventData": …}}`.

use super::{Others, Shape, Target};

pub(super) const SHAPE: Shape = Shape {
    recognises: |record| record.has_object("Event") || record.get("Event") == Some("null"),
    members: &[("Event", Target::Event)],
    payload: &[],
    others: Others::Nothing,
    has_field_names: true,
};
