//! Windows event logs to MITRE ATT&CK.

pub mod event;
pub mod input;
