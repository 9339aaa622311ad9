//! Windows event logs to MITRE ATT&CK.

pub mod attack;
