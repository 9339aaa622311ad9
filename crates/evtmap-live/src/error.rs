//! What Windows says when it does not do what it is asked, in words.

use std::path::{Path, PathBuf};

use evtmap::input::InputError;

/// A number that Windows gives for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) u32);

/// Numbers that are looked at; winerror.h has them all.
impl Code {
    pub(crate) const FILE_NOT_FOUND: Self = Self(2);
    pub(crate) const PATH_NOT_FOUND: Self = Self(3);
    pub(crate) const ACCESS_DENIED: Self = Self(5);
    pub(crate) const INVALID_DATA: Self = Self(13);
    pub(crate) const INVALID_PARAMETER: Self = Self(87);
    pub(crate) const NO_MORE_ITEMS: Self = Self(259);
    pub(crate) const NOT_FOUND: Self = Self(1168);
    pub(crate) const PRIVILEGE_NOT_HELD: Self = Self(1314);
    pub(crate) const LOGON_FAILURE: Self = Self(1326);
    pub(crate) const TIMEOUT: Self = Self(1460);
    pub(crate) const RPC_INVALID_BOUND: Self = Self(1734);
    pub(crate) const RPC_BAD_STUB_DATA: Self = Self(1783);
    pub(crate) const INVALID_CHANNEL_PATH: Self = Self(15000);
    pub(crate) const INVALID_QUERY: Self = Self(15001);
    pub(crate) const CHANNEL_NOT_FOUND: Self = Self(15007);
    pub(crate) const SUBSCRIPTION_TO_DIRECT_CHANNEL: Self = Self(15009);
    pub(crate) const QUERY_RESULT_STALE: Self = Self(15011);
    pub(crate) const QUERY_RESULT_INVALID_POSITION: Self = Self(15012);
    /// What only this crate says: this is no Windows.
    pub(crate) const ELSEWHERE: Self = Self(u32::MAX);

    /// Whether the query was not understood.
    fn is_of_query(self) -> bool {
        self == Self::INVALID_QUERY || matches!(self.0, 15014..=15021 | 15026 | 15036 | 15038)
    }

    /// Whether another computer did not answer: its name, the network, its services.
    fn is_of_network(self) -> bool {
        matches!(self.0, 53 | 64 | 67 | 1203 | 1231 | 1702 | 1722 | 1723 | 1726 | 1727 | 1753)
    }
}

/// Why a live log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LiveError {
    /// The stable code of the error, such as `live-denied`.
    pub code: &'static str,
    /// What is wrong, in words.
    pub message: String,
    /// What can be done about it.
    pub help: &'static str,
}

impl LiveError {
    /// The error that Windows' number stands for.
    pub(crate) fn new(code: Code) -> Self {
        let told = |code, message: &str, help| Self { code, message: message.to_owned(), help };
        match code {
            Code::ELSEWHERE => told(
                "live-elsewhere",
                "the live log exists on Windows only",
                "give files: exported logs, or those of C:\\Windows\\System32\\winevt\\Logs",
            ),
            Code::ACCESS_DENIED | Code::PRIVILEGE_NOT_HELD | Code::LOGON_FAILURE => told(
                "live-denied",
                "reading is not permitted",
                "run it elevated (as administrator), or have an administrator add you to the group \
                 Event Log Readers and log on anew",
            ),
            Code::FILE_NOT_FOUND
            | Code::PATH_NOT_FOUND
            | Code::CHANNEL_NOT_FOUND
            | Code::INVALID_CHANNEL_PATH => told(
                "live-missing",
                "there is no such channel or exported log",
                "`wevtutil enum-logs` lists the channels; `all` stands for every one that is enabled",
            ),
            Code::QUERY_RESULT_STALE | Code::QUERY_RESULT_INVALID_POSITION | Code::NOT_FOUND => told(
                "live-cleared",
                "the log was cleared, or overwritten by newer events, while it was read",
                "what was read before counts; who cleared it is told by event 1102 of Security or 104 of System",
            ),
            Code::SUBSCRIPTION_TO_DIRECT_CHANNEL => told(
                "live-direct",
                "this is a debug or analytic channel, which Windows lets nobody follow",
                "read it once it is disabled, or name another",
            ),
            Code::INVALID_DATA => told(
                "live-value",
                "Windows gives values that are not as their types say",
                "export the log, and give the file",
            ),
            code if code.is_of_query() => told(
                "live-query",
                "Windows does not understand the query",
                "write XPath as the Event Viewer's filter has it under XML, such as `*[System[EventID=4625]]`",
            ),
            code if code.is_of_network() => Self {
                code: "live-remote",
                message: format!("the computer does not answer (error {})", code.0),
                help: "check its name, and that its firewall lets Remote Event Log Management in",
            },
            Code(number) => Self {
                code: "live-failed",
                message: format!("Windows reports error {number}"),
                help: "`net helpmsg NUMBER` says what the error is; an exported log can be read instead",
            },
        }
    }

    /// The same about a log.
    pub fn of(self, log: &Path) -> InputError {
        InputError { code: self.code, path: PathBuf::from(log), message: self.message, help: self.help }
    }
}

impl From<Code> for LiveError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (number, expected) in [
            (2, "live-missing"),
            (5, "live-denied"),
            (13, "live-value"),
            (1314, "live-denied"),
            (1722, "live-remote"),
            (15001, "live-query"),
            (15007, "live-missing"),
            (15009, "live-direct"),
            (15011, "live-cleared"),
            (15021, "live-query"),
            (4711, "live-failed"),
            (u32::MAX, "live-elsewhere"),
        ] {
            let error = LiveError::new(Code(number));
            assert_eq!(error.code, expected);
            assert!(!error.help.is_empty() && !error.message.ends_with('.'), "{error}");
        }
        assert_eq!(LiveError::new(Code(4711)).to_string(), "Windows reports error 4711");
    }

    #[test]
    fn a_missing_privilege_says_what_to_do() {
        let error = LiveError::new(Code::ACCESS_DENIED);
        assert!(error.help.contains("elevated") && error.help.contains("Event Log Readers"));
    }
}
