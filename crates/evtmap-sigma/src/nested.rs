//! How parts within a part of the same kind are kept: as a list of one.
//!
//! Formats bound how deep lists may nest, since each level takes some of the stack when it is read. A box
//! within a box is nothing to them, and a file of nothing else would end the program.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<T: Serialize, S: Serializer>(inner: &T, serializer: S) -> Result<S::Ok, S::Error> {
    [inner].serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let [inner] = <[T; 1]>::deserialize(deserializer)?;
    Ok(inner)
}
