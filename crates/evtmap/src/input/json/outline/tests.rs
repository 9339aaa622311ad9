//! Tests that an object is read the same with and without what is known of those before.

use super::super::{Json, Layout, read_object};
use super::*;
use crate::event::Event;
use crate::idle::Idle;
use crate::input::InputOptions;
use crate::input::text::Format as _;

/// Reads an object as a file does, with what is known of those before.
fn read_known(json: &Json, outlines: &mut Outlines, object: &str) -> String {
    let mut event = Event::new();
    let outcome = json.read(object, outlines, &mut event);
    format!("{event}{outcome:?}")
}

fn read_alone(object: &str) -> String {
    let mut event = Event::new();
    let outcome = read_object(object, &InputOptions::default(), &mut event);
    format!("{event}{outcome:?}")
}

fn lines() -> Json {
    Json { layout: Layout::Lines, options: InputOptions::default(), idle: Idle::default() }
}

#[test]
fn what_is_known_of_an_object_is_what_its_keys_say() {
    let (json, mut outlines) = (lines(), Outlines::default());
    let objects = [
        r#"{"EventID": 1, "a": "x"}"#,
        r#"{"EventID": 2, "a": "x\ty"}"#,
        r#"{"EventID": 3, "a": {"b": [1, "c"]}}"#,
        r#"{"EventID": 3, "a": null, "b": 1}"#,
        r#"{"EventID": 4, "winlog": {"event_id": 5, "event_data": {"a": "b"}}}"#,
        r#"{"EventID": 4, "winlog": 1}"#,
        r#"{"EventID":4,"winlog":1}"#,
        r#"{"EventID": 4, "a": "x",}"#,
        r#"{"EventID": 4, "a": "\q"}"#,
        r#"{"EventID": 4, "a"}"#,
        r#"{"EventID": "x", "a": 1}"#,
        r#"{"a": 1}"#,
        r#"{"_time": "2026-01-02T03:04:05Z", "_raw": "EventCode=5"}"#,
        r#"{"_time": "2026-01-02T03:04:05Z", "_raw": "nothing"}"#,
        "{}",
        "{} {}",
    ];
    for object in objects.into_iter().chain(objects) {
        assert_eq!(read_known(&json, &mut outlines, object), read_alone(object), "{object}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_known_changes_nothing(
        objects in proptest::collection::vec(
            proptest::collection::vec(
                (
                    proptest::sample::select(vec![
                        "EventID", "SourceName", "Hostname", "EventTime", "EventReceivedTime", "@timestamp",
                        "Message", "Keywords", "AccountName", "AccountType", "EventType", "Level", "_raw",
                        "_time", "EventCode", "winlog", "System", "EventData", "Channel", "Details",
                        "TimeGenerated", "Timestamp", "a\\u0062", "a b",
                    ]),
                    proptest::sample::select(vec![
                        "1", "-1", "null", "true", r#""""#, r#""x""#, r#""a\r\n\u00e4\"b""#, "[]", "{}",
                        "[1, \"b\"]", r#"{"event_id": 4, "event_data": {"c": "d"}}"#,
                        r#"{"Channel": "Security", "EventID": {"Value": 3}}"#,
                        r#""2026-01-02 03:04:05""#, r#""\x""#,
                    ]),
                ),
                0..7,
            ),
            1..5,
        ),
        blank in proptest::sample::select(vec!["", " ", "\t "]),
    ) {
        let (json, mut outlines) = (lines(), Outlines::default());
        let write = |members: &Vec<(&str, &str)>| {
            let members = members.iter().map(|(key, value)| format!("{blank}\"{key}\"{blank}:{blank}{value}"));
            format!("{{{}{blank}}}", members.collect::<Vec<_>>().join(","))
        };
        let objects: Vec<String> = objects.iter().map(write).collect();
        for object in objects.iter().chain(&objects) {
            proptest::prop_assert_eq!(read_known(&json, &mut outlines, object), read_alone(object));
        }
    }
}
