//! Alerts to the event log of this Windows, in the name of a provider of our own, from where whatever collects
//! events takes them.
//!
//! An entry has a text for people and the parts of it for programs. What is in an alert comes out of logs that
//! an attacker may have written: lengths are bounded, and nothing in it is taken for a sign of the Event Viewer's.

use evtmap::Severity;
use evtmap::alert::{Alert, Kind};
use evtmap::row::Row;
use evtmap_live::{Entry, EntryLevel, EntryLog, LiveError};

use super::delivery::{self, Courier, Delivery, Outcome};
use super::webhook::with_id;
use super::{Opened, SinkOptions, Told};
use crate::error::WatchError;

/// In whose name entries are written.
const PROVIDER: &str = "evtmap";
/// Event ids: these, and one more for each step of severity. `EventCreate.exe`, which every Windows has, has a
/// text for all up to 1000, so that no file of messages has to be brought along.
const DETECTION_ID: u32 = 100;
const ASSOCIATION_ID: u32 = 110;
/// How long a part of the text may be, in characters.
const N_PART_MAX: usize = 500;
/// How long the alert as JSON may be, in units of UTF-16. An entry may have 30,720 of them in all.
const N_JSON_MAX: usize = 22_000;

/// The error that says that this is no Windows.
const ELSEWHERE: &str = "live-elsewhere";
/// The error that says that it is this entry that is not wanted.
const UNWANTED: &str = "live-entry";

struct EventLog;

struct Writing(Option<EntryLog>);

pub(super) fn open(name: &str, options: SinkOptions) -> Opened {
    if name != "eventlog:" {
        let message = format!("`{name}` is not the event log");
        return Err(WatchError::new("watch-address", message, "write `eventlog:` and no more"));
    }
    // Other errors may pass.
    if EntryLog::open(PROVIDER).is_err_and(|error| error.code == ELSEWHERE) {
        let message = "alerts are written to an event log on Windows only";
        let help = "`syslog://HOST:PORT` or a file take them anywhere";
        return Err(WatchError::new("watch-elsewhere", message, help));
    }
    delivery::open(name, Box::new(EventLog), options)
}

impl Delivery for EventLog {
    /// An alert about an entry of our own would be written as one, and so on without an end, where a rule finds
    /// something in it.
    fn line(&self, told: &Told<'_>) -> Option<String> {
        let is_own = told.alert.event.said.provider.eq_ignore_ascii_case(PROVIDER);
        if is_own { None } else { serde_json::to_string(&entry(told)).ok() }
    }

    fn courier(&self) -> Box<dyn Courier> {
        Box::new(Writing(None))
    }
}

impl Courier for Writing {
    fn give(&mut self, line: &str) -> Outcome {
        let Ok(entry) = serde_json::from_str::<Entry>(line) else {
            return Outcome::Refused("what waited on the disk is no entry".to_owned());
        };
        let log = self.0.take().map_or_else(|| EntryLog::open(PROVIDER), Ok);
        let written = log.and_then(|log| log.write(&entry).map(|()| log));
        match written {
            Ok(log) => {
                self.0 = Some(log);
                Outcome::Given
            }
            Err(LiveError { code: UNWANTED, message, .. }) => Outcome::Refused(message),
            Err(error) => Outcome::Down { reason: error.message, wait: None },
        }
    }
}

/// The entry of an alert: how grave, its id, and its texts. docs/watch.md has what is in which.
fn entry(told: &Told<'_>) -> Entry {
    let Alert { finding, event, .. } = told.alert;
    let row = Row::of(told.alert);
    let techniques = finding.techniques.iter().map(|own| own.id.as_str()).collect::<Vec<_>>().join(" ");
    let author = finding.rule.as_ref().map(|rule| rule.author.as_str()).unwrap_or_default();
    let event_id = event.said.event_id.map(|id| id.to_string()).unwrap_or_default();
    let record_id = event.record_id.map(|id| id.to_string()).unwrap_or_default();
    let time = event.time.map(|time| time.to_string()).unwrap_or_default();
    let severity = finding.severity.map_or("none", Severity::as_str);
    let parts = [
        ("rule", finding.title()),
        ("severity", severity),
        ("kind", finding.kind.as_str()),
        ("rule id", &row.rule_id()),
        ("rule by", author),
        ("techniques", &techniques),
        ("host", &event.said.computer),
        ("user", event.said.user.as_deref().unwrap_or_default()),
        ("time", &time),
        ("channel", &event.said.channel),
        ("event id", &event_id),
        ("record id", &record_id),
        ("alert id", told.id),
    ]
    .map(|(name, value)| (name, harmless(value)));
    let mut texts = vec![text(&parts)];
    texts.extend(parts.into_iter().map(|(_, value)| value));
    texts.push(json(told));
    Entry { level: level(finding.severity), event_id: id(finding.kind, finding.severity), texts }
}

fn level(severity: Option<Severity>) -> EntryLevel {
    match severity {
        Some(Severity::Critical | Severity::High) => EntryLevel::Error,
        Some(Severity::Medium | Severity::Low) => EntryLevel::Warning,
        Some(Severity::Informational) | None => EntryLevel::Information,
    }
}

fn id(kind: Kind, severity: Option<Severity>) -> u32 {
    let step = match severity {
        None => 0,
        Some(Severity::Informational) => 1,
        Some(Severity::Low) => 2,
        Some(Severity::Medium) => 3,
        Some(Severity::High) => 4,
        Some(Severity::Critical) => 5,
    };
    step + if kind == Kind::Association { ASSOCIATION_ID } else { DETECTION_ID }
}

/// A line for each part that is there, as the Event Viewer shows them.
fn text(parts: &[(&str, String)]) -> String {
    let lines = parts.iter().filter(|(_, value)| !value.is_empty());
    lines.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\r\n")
}

/// The alert as everywhere, unless it is too long for an entry. In JSON a `%` can be said without one.
fn json(told: &Told<'_>) -> String {
    let json = with_id(told).replace('%', "\\u0025");
    if json.encode_utf16().count() <= N_JSON_MAX { json } else { String::new() }
}

/// A text without what would steer the Event Viewer: it puts other texts in the place of `%1` and `%%1`.
fn harmless(text: &str) -> String {
    let mut out = String::new();
    let mut signs = text.chars().take(N_PART_MAX).peekable();
    while let Some(sign) = signs.next() {
        out.push(if sign.is_control() { char::REPLACEMENT_CHARACTER } else { sign });
        let steers = |next: &char| next.is_ascii_digit() || matches!(next, '%' | '!');
        if sign == '%' && signs.peek().is_some_and(steers) {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evtmap::alert::{AlertEvent, Finding, RuleRef};
    use evtmap::event::{Event, Place, Value};
    use evtmap::input::Position;

    use super::super::tests::options;
    use super::*;

    /// An alert of a severity about an event of a host and a provider.
    fn alert(severity: Severity, host: &str, provider: &str) -> Alert {
        let mut event = Event::new();
        for (name, value) in [
            ("Provider_Name", provider),
            ("EventID", "4688"),
            ("EventRecordID", "17"),
            ("Computer", host),
            ("Channel", "Security"),
            ("TimeCreated_SystemTime", "2026-03-11T14:11:02Z"),
        ] {
            event.push(Place::System, name, Value::Text(value));
        }
        let rule = RuleRef {
            id: Some("8a3c".into()),
            title: "Bad Program".into(),
            author: "Ada Example".into(),
            ..RuleRef::default()
        };
        let finding = Finding {
            kind: Kind::Detection,
            severity: Some(severity),
            rule: Some(rule),
            ..Finding::of_event()
        };
        let event = AlertEvent::of(&event, &"live:Security".into(), Position::Row(0));
        Alert { finding: Arc::new(finding), event: Arc::new(event), ..super::super::tests::alert() }
    }

    fn entry_of(alert: &Alert, line: &str) -> Entry {
        entry(&Told { alert, id: "5c2a", line })
    }

    #[test]
    fn what_is_in_an_entry() {
        let entry = entry_of(&alert(Severity::High, "WS01", "Security-Auditing"), r#"{"rule":"50%1"}"#);
        assert_eq!((entry.level, entry.event_id), (EntryLevel::Error, 104));
        let (text, parts) = entry.texts.split_first().unwrap();
        assert_eq!(
            text,
            "rule: Bad Program\r\nseverity: high\r\nkind: detection\r\nrule id: 8a3c\r\nrule by: Ada Example\r\nhost: WS01\r\n\
             time: 2026-03-11T14:11:02Z\r\nchannel: Security\r\nevent id: 4688\r\nrecord id: 17\r\nalert id: 5c2a"
        );
        assert_eq!(parts.len(), 14);
        assert_eq!(parts.last().unwrap(), r#"{"id":"5c2a","rule":"50\u00251"}"#);
    }

    #[test]
    fn each_severity_has_its_id() {
        for (severity, expected, level) in [
            (Severity::Informational, 101, EntryLevel::Information),
            (Severity::Low, 102, EntryLevel::Warning),
            (Severity::Medium, 103, EntryLevel::Warning),
            (Severity::High, 104, EntryLevel::Error),
            (Severity::Critical, 105, EntryLevel::Error),
        ] {
            let entry = entry_of(&alert(severity, "WS01", ""), "{}");
            assert_eq!((entry.event_id, entry.level), (expected, level));
        }
        assert_eq!(id(Kind::Association, Some(Severity::Low)), 112);
        assert_eq!(id(Kind::Event, None), 100);
    }

    #[test]
    fn what_an_attacker_wrote_steers_nothing_and_is_bounded() {
        assert_eq!(harmless("%1 100% %%2 %!s\r\nx\u{1b}"), "% 1 100% % % 2 % !s\u{fffd}\u{fffd}x\u{fffd}");
        let long = "%1\u{1f600}".repeat(40_000);
        let entry = entry_of(&alert(Severity::High, &long, &long), &format!("{{\"a\":\"{long}\"}}"));
        let n_units: usize = entry.texts.iter().map(|text| text.encode_utf16().count() + 1).sum();
        assert!(n_units < 30_720, "{n_units}");
        assert!(!entry.texts.iter().any(|text| text.contains("%1")));
    }

    #[test]
    fn alerts_about_our_own_entries_are_not_written_as_such() {
        let line = |provider: &str| {
            let alert = alert(Severity::High, "WS01", provider);
            EventLog.line(&Told { alert: &alert, id: "5c2a", line: "{}" })
        };
        assert!(line("Security-Auditing").is_some());
        assert_eq!(line("EVTMAP"), None);
    }

    #[test]
    fn where_there_is_no_event_log_it_says_so() {
        let code = |name: &str| open(name, options()).err().map(|error| error.code);
        assert_eq!(code("eventlog:Security"), Some("watch-address"));
        #[cfg(not(windows))]
        assert_eq!(code("eventlog:"), Some("watch-elsewhere"));
    }
}
