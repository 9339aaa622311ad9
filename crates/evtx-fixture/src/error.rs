//! What cannot be written, and why.

/// Why an event, or one of its values, cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value is longer than the 65,535 bytes that its 16-bit size can say.
    #[error("the value of `{name}` takes {bytes} bytes, a value holds at most 65535")]
    ValueTooLong {
        /// The field's name.
        name: String,
        /// The value's size in the file.
        bytes: usize,
    },
    /// A name or a text of the event's frame is longer than the 65,535 units that its length can say.
    #[error("the name `{name}…` is too long, a name holds at most 65535 UTF-16 units")]
    NameTooLong {
        /// How the name begins.
        name: String,
    },
    /// The event does not fit into a chunk of its own.
    #[error("the event takes {bytes} bytes, a chunk holds at most 65024")]
    EventTooLarge {
        /// The record's size in an otherwise empty chunk.
        bytes: usize,
    },
    /// The text is not a GUID such as `{54849625-5478-4994-a5ba-3e3b0328c30d}`.
    #[error("`{0}` is not a GUID")]
    InvalidGuid(String),
    /// The text is not a SID such as `S-1-5-18`.
    #[error("`{0}` is not a SID")]
    InvalidSid(String),
}
