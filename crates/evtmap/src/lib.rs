//! Windows event logs to MITRE ATT&CK.
