//! One file a command.

pub(crate) mod map;
pub(crate) mod rules;
pub(crate) mod update;
